//! Verdicts, scores and comparisons for a terminal.

use super::grid::{Side, lines};
use super::words::{cell, count, counted};
use assay_contract::{
    DateSpan, Evaluation, QualityComparison, RuleComparison, RuleOutcome, RulePlace, RuleVerdict, Score, ScoreRow,
    Severity, TableComparison,
};

/// One evaluation: its rules, and why those that did not pass did not.
pub fn evaluation(found: &Evaluation) -> Vec<String> {
    let rows = counted(found.rows, "row");
    let mut out = vec![format!("{}{}: score {}, {rows}", found.table, dates(found.dates.as_ref()), score(found.score))];
    let header = [("", Side::Right), ("outcome", Side::Left), ("failing", Side::Right), ("dimension", Side::Left)];
    let rows: Vec<Vec<String>> = found.verdicts.iter().map(row).collect();
    // Rules are never cut: they are what a person copies.
    let texts = std::iter::once("rule").chain(found.verdicts.iter().map(|verdict| verdict.rule.as_str()));
    let cells = lines(&header, &rows);
    let widest = cells.iter().map(|cells| cells.chars().count()).max().unwrap_or_default();
    out.extend(cells.iter().zip(texts).map(|(cells, rule)| format!("  {cells:widest$}  {rule}")));
    out.extend(found.verdicts.iter().flat_map(notes));
    out
}

fn row(verdict: &RuleVerdict) -> Vec<String> {
    let outcome = match (verdict.outcome, verdict.severity) {
        (RuleOutcome::Passed, _) => "passed",
        (RuleOutcome::Failed, Severity::Error) => "FAILED",
        (RuleOutcome::Failed, Severity::Warn) => "failed (warns)",
        (RuleOutcome::Unknown, _) => "not known",
    };
    vec![
        verdict.number.to_string(),
        outcome.to_owned(),
        verdict.rows.map_or_else(|| "-".to_owned(), |rows| count(rows.failed)),
        verdict.dimension.clone(),
    ]
}

fn notes(verdict: &RuleVerdict) -> Vec<String> {
    let mut out = Vec::new();
    if let (true, Some(reason)) = (verdict.outcome != RuleOutcome::Passed, &verdict.reason) {
        out.push(format!("  {}: {reason}", verdict.number));
    }
    let word = match verdict.evaluated {
        RulePlace::Local => return out,
        RulePlace::RemoteOnly => "the service alone evaluates it",
        RulePlace::MayDiffer => "the service may say otherwise",
    };
    let why = verdict.caution.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    out.push(format!("  {}: {word}{why}", verdict.number));
    out
}

/// A table's scores, newest first.
pub fn history(rows: &[ScoreRow]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let header = [
        ("run", Side::Left),
        ("at", Side::Left),
        ("dates", Side::Left),
        ("rows", Side::Right),
        ("failing", Side::Right),
        ("score", Side::Left),
        ("", Side::Left),
    ];
    let row = |row: &ScoreRow| {
        vec![
            row.run.clone(),
            row.at.clone(),
            row.dates.as_ref().map_or_else(|| "whole".to_owned(), span),
            count(row.score.rows),
            count(row.score.failing),
            score(row.score.score),
            if row.published { String::new() } else { "not published".to_owned() },
        ]
    };
    lines(&header, &rows.iter().map(row).collect::<Vec<_>>())
}

/// What differs between two runs.
pub fn comparison(found: &QualityComparison) -> Vec<String> {
    let mut out = vec![format!("Rules of run {} and of run {}", found.before, found.after)];
    for table in &found.tables {
        out.push(String::new());
        out.extend(table_lines(table));
    }
    for (run, tables) in [(&found.before, &found.only_before), (&found.after, &found.only_after)] {
        if !tables.is_empty() {
            out.push(String::new());
            out.push(format!("Judged by run {run} alone: {}", tables.join(", ")));
        }
    }
    out
}

fn table_lines(table: &TableComparison) -> Vec<String> {
    let (before, after) = (score(table.score_before), score(table.score_after));
    let mut out = vec![format!("{}: score {before} -> {after}", table.table)];
    for rule in &table.rules {
        out.extend(rule_lines(rule));
    }
    if let Some(why) = &table.rows_left_out {
        out.push(format!("  rows are not compared: {why}"));
    }
    if table.unchanged > 0 {
        out.push(format!("  {} in which nothing differs", counted(u64::from(table.unchanged), "rule")));
    }
    out
}

fn rule_lines(rule: &RuleComparison) -> Vec<String> {
    let word = |outcome: Option<RuleOutcome>| match outcome {
        None => "no such rule",
        Some(RuleOutcome::Passed) => "passed",
        Some(RuleOutcome::Failed) => "failed",
        Some(RuleOutcome::Unknown) => "not known",
    };
    let change = match rule.before == rule.after {
        true => word(rule.after).to_owned(),
        false => format!("{} -> {}", word(rule.before), word(rule.after)),
    };
    let mut out = vec![format!("  {}: {change}", rule.rule)];
    let parts = [
        ("newly failing", rule.newly_failing, &rule.newly_failing_examples),
        ("cured", rule.cured, &rule.cured_examples),
    ];
    for (what, rows, examples) in parts.into_iter().filter(|(_, rows, _)| *rows > 0) {
        let keys: Vec<String> = examples.iter().map(|key| cells(key)).collect();
        let shown = if keys.is_empty() { String::new() } else { format!(", such as {}", keys.join("; ")) };
        out.push(format!("    {} {what}{shown}", counted(rows, "row")));
    }
    out
}

fn cells(key: &[Option<String>]) -> String {
    key.iter().map(|value| cell(value.as_deref())).collect::<Vec<_>>().join(", ")
}

/// `7 of 8`, and how many are not known.
pub fn score(score: Score) -> String {
    let unknown =
        if score.unknown > 0 { format!(", {} not known", count(u64::from(score.unknown))) } else { String::new() };
    format!("{} of {}{unknown}", count(u64::from(score.passed)), count(u64::from(score.passed + score.failed)))
}

fn dates(dates: Option<&DateSpan>) -> String {
    dates.map_or_else(String::new, |dates| format!(", {}", span(dates)))
}

fn span(dates: &DateSpan) -> String {
    match dates.count {
        1 => dates.first.clone(),
        dated => format!("{} to {} ({})", dates.first, dates.last, count(u64::from(dated))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_contract::RowTally;

    fn verdict(number: u32, outcome: RuleOutcome, severity: Severity) -> RuleVerdict {
        let failed = if outcome == RuleOutcome::Failed { 1_204 } else { 0 };
        RuleVerdict {
            number,
            rule: format!("IsComplete \"c{number}\""),
            severity,
            dimension: "completeness".into(),
            outcome,
            evaluated: if outcome == RuleOutcome::Unknown { RulePlace::RemoteOnly } else { RulePlace::Local },
            caution: (outcome == RuleOutcome::Unknown).then(|| "its model is not public".to_owned()),
            reason: (outcome == RuleOutcome::Failed)
                .then(|| "Value: 0.8 does not meet the constraint requirement!".into()),
            metrics: Vec::new(),
            rows: (outcome != RuleOutcome::Unknown).then_some(RowTally { passed: 5, failed, skipped: 0 }),
            labels: Vec::new(),
        }
    }

    #[test]
    fn an_evaluation_says_what_failed_and_why() {
        let found = Evaluation {
            table: "silver.sales".into(),
            ruleset: "quality/sales.dqdl".into(),
            dates: Some(DateSpan { first: "2026-11-01".into(), last: "2026-11-03".into(), count: 3 }),
            rows: 5_432,
            failing: 1_204,
            score: Score { passed: 1, failed: 2, unknown: 1 },
            verdicts: vec![
                verdict(1, RuleOutcome::Passed, Severity::Error),
                verdict(2, RuleOutcome::Failed, Severity::Error),
                verdict(3, RuleOutcome::Failed, Severity::Warn),
                verdict(4, RuleOutcome::Unknown, Severity::Error),
            ],
        };
        insta::assert_snapshot!(evaluation(&found).join("\n"), @r#"
        silver.sales, 2026-11-01 to 2026-11-03 (3): score 1 of 3, 1 not known, 5,432 rows
             outcome         failing  dimension     rule
          1  passed                0  completeness  IsComplete "c1"
          2  FAILED            1,204  completeness  IsComplete "c2"
          3  failed (warns)    1,204  completeness  IsComplete "c3"
          4  not known             -  completeness  IsComplete "c4"
          2: Value: 0.8 does not meet the constraint requirement!
          3: Value: 0.8 does not meet the constraint requirement!
          4: the service alone evaluates it: its model is not public
        "#);
    }

    #[test]
    fn a_comparison_says_what_changed_and_which_rows() {
        let rule = RuleComparison {
            rule: "IsComplete \"city\"".into(),
            before: Some(RuleOutcome::Failed),
            after: Some(RuleOutcome::Passed),
            newly_failing: 0,
            cured: 2,
            newly_failing_examples: Vec::new(),
            cured_examples: vec![
                vec![Some("2026-11-01".into()), Some("T\u{1b}1".into())],
                vec![None, Some("T2".into())],
            ],
        };
        let table = TableComparison {
            table: "silver.sales".into(),
            score_before: Score { passed: 1, failed: 1, unknown: 0 },
            score_after: Score { passed: 2, failed: 0, unknown: 0 },
            key: vec!["date".into(), "id".into()],
            rules: vec![rule],
            unchanged: 1,
            rows_left_out: None,
        };
        let found = QualityComparison {
            before: "01A".into(),
            after: "01B".into(),
            tables: vec![table],
            only_before: vec!["gold.old".into()],
            only_after: Vec::new(),
        };
        insta::assert_snapshot!(comparison(&found).join("\n"), @r#"
        Rules of run 01A and of run 01B

        silver.sales: score 1 of 2 -> 2 of 2
          IsComplete "city": failed -> passed
            2 rows cured, such as 2026-11-01, T 1; null, T2
          1 rule in which nothing differs

        Judged by run 01A alone: gold.old
        "#);
    }
}
