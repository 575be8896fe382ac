//! `assay quality compare`: what differs between the verdicts and the failing rows of two runs.

use crate::args::quality::CompareArgs;
use crate::desk::Desk;
use crate::exit;
use crate::local::problems;
use crate::local::verdicts::failing_folder;
use crate::render::out::say;
use crate::render::quality as render;
use assay_console::quality::Verdicts;
use assay_console::quality::compare::{compare, settle};
use assay_contract::{DateScore, EvaluationRow, Problem, TableComparison};
use assay_stages::quality::{RowChanges, RulePair, Sides, changes};
use chrono::NaiveDate;
use std::collections::BTreeSet;

pub fn run(desk: &Desk, args: &CompareArgs, json: bool) -> Result<u8, Problem> {
    let (before, after) = (desk.run(&args.before)?.run, desk.run(&args.after)?.run);
    if before.pipeline != after.pipeline {
        return Err(exit::misuse(
            format!("{} is a run of {} and {} one of {}.", before.id, before.pipeline, after.id, after.pipeline),
            "Compare two runs of one pipeline.",
        ));
    }
    let journal = desk.journal()?;
    let wanted = |row: &EvaluationRow| {
        args.table.as_ref().is_none_or(|table| {
            row.evaluation.table == *table || format!("{}.{}", after.pipeline, row.evaluation.table) == *table
        })
    };
    let of = |run: &str| -> Result<Vec<EvaluationRow>, Problem> {
        Ok(journal.evaluations(run)?.into_iter().filter(wanted).collect())
    };
    let (old, new) = (of(&before.id)?, of(&after.id)?);
    let mut found = compare((&before.id, &after.id), &old, &new);
    if found.tables.is_empty() && found.only_before.is_empty() && found.only_after.is_empty() {
        return Err(exit::misuse(
            "Neither run judged such a table.",
            "`assay quality history TABLE` tells which runs judged a table.",
        ));
    }
    for table in &mut found.tables {
        let same = |row: &&EvaluationRow| row.evaluation.table == table.table;
        if let (Some(old), Some(new)) = (old.iter().find(same), new.iter().find(same)) {
            rows(desk, &after.pipeline, (old, new), args.examples as usize, table)?;
        }
        settle(table);
    }
    if json {
        say!("{}", serde_json::json!(found));
    } else {
        render::comparison(&found).iter().for_each(|line| say!("{line}"));
    }
    Ok(exit::DONE)
}

/// Fills in which rows differ; why they cannot be compared, where they cannot.
fn rows(
    desk: &Desk,
    pipeline: &str,
    (old, new): (&EvaluationRow, &EvaluationRow),
    examples: usize,
    table: &mut TableComparison,
) -> Result<(), Problem> {
    let ready = desk.pipeline(pipeline)?;
    let key = ready.rules_of(&table.table).map(|rules| rules.key.clone()).unwrap_or_default();
    let folder = |run: &str| failing_folder(&desk.state(), run, pipeline, &table.table);
    let (before, after) = (folder(&old.run), folder(&new.run));
    let gone = |row: &EvaluationRow, folder: &std::path::Path| row.evaluation.failing > 0 && !folder.exists();
    let left_out = if key.is_empty() {
        Some("the table has no key to tell rows apart".to_owned())
    } else if gone(old, &before) || gone(new, &after) {
        Some("a run's failing rows have outlived what the definition keeps".to_owned())
    } else {
        None
    };
    table.key.clone_from(&key);
    if left_out.is_some() {
        table.rows_left_out = left_out;
        return Ok(());
    }
    let pairs: Vec<RulePair> = pairs(old, new, table);
    let sides = Sides { before: &before, after: &after, key: &key, rules: &pairs, examples };
    let mut found = vec![RowChanges::default(); pairs.len()];
    for date in common_dates(desk, (old, new), &table.table)? {
        changes(&sides, date, &mut found).map_err(|error| problems::stage(&error))?;
    }
    for (rule, changes) in table.rules.iter_mut().zip(found) {
        rule.newly_failing = changes.newly_failing;
        rule.cured = changes.cured;
        rule.newly_failing_examples = changes.newly_failing_examples;
        rule.cured_examples = changes.cured_examples;
    }
    Ok(())
}

/// The numbers that both runs give to the rules of the comparison. Rules of one run alone have no rows to compare.
fn pairs(old: &EvaluationRow, new: &EvaluationRow, table: &TableComparison) -> Vec<RulePair> {
    let mut taken = (BTreeSet::new(), BTreeSet::new());
    let number = |row: &EvaluationRow, text: &str, taken: &mut BTreeSet<u32>| {
        let like = |verdict: &&assay_contract::RuleVerdict| verdict.rule == text && !taken.contains(&verdict.number);
        let number = row.evaluation.verdicts.iter().find(like)?.number;
        taken.insert(number);
        Some(number)
    };
    let mut found = Vec::new();
    for rule in &table.rules {
        let earlier = rule.before.and_then(|_| number(old, &rule.rule, &mut taken.0));
        let later = rule.after.and_then(|_| number(new, &rule.rule, &mut taken.1));
        found.push(if earlier.is_some() && later.is_some() { (earlier, later) } else { (None, None) });
    }
    found
}

/// Dates that both runs judged; none stands for a whole table.
fn common_dates(
    desk: &Desk,
    (old, new): (&EvaluationRow, &EvaluationRow),
    table: &str,
) -> Result<Vec<Option<NaiveDate>>, Problem> {
    let journal = desk.journal()?;
    let dates = |row: &EvaluationRow| -> Result<BTreeSet<Option<NaiveDate>>, Problem> {
        let scores = journal.date_scores(&row.run, table)?;
        let date = |score: DateScore| score.date.map(|date| date.parse()).transpose().ok();
        Ok(scores.into_iter().filter_map(date).collect())
    };
    Ok(dates(old)?.intersection(&dates(new)?).copied().collect())
}
