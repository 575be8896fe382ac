//! A case's rules evaluated, and where that is not what is expected.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use assay_quality::{Composites, Data, NoHistory, Outcome, Profile, Report, Rows, Verdict, evaluate};
use polars::prelude::{ParquetReader, SerReader};
use serde_json::Value;

use crate::case::{Case, Expected, expectations, texts};

/// Metrics may differ by this much, relative to the greater of them.
const TOLERANCE: f64 = 1e-9;

pub struct Difference {
    pub about: About,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Outcome,
    Metrics,
    Rows,
    /// What the documentation says, in its profile.
    Documented,
    /// The ruleset or the evaluation as a whole.
    Whole,
}

pub fn differences(case: &Case<'_>, rows: &Path) -> Vec<Difference> {
    let mut wrong = Vec::new();
    let level = &case.json["expected"]["row_level"];
    let kept = if level.is_null() { Rows::Count } else { Rows::Every(rows) };
    match report(case, Profile::Deequ, Composites::Column, kept) {
        Ok(report) => {
            let expected = expectations(&case.json["expected"]);
            verdicts(&report.verdicts, &expected, About::Outcome, "", &mut wrong);
            if !level.is_null() {
                row_level(case, &report, level, rows, &mut wrong);
            }
        }
        Err(text) => wrong.push(Difference { about: About::Whole, text }),
    }
    let documented = expectations(&case.json["docs_expected"]);
    if !documented.is_empty() {
        match report(case, Profile::Glue, Composites::Column, Rows::Count) {
            Ok(report) => verdicts(&report.verdicts, &documented, About::Documented, "documented: ", &mut wrong),
            Err(text) => wrong.push(Difference { about: About::Whole, text }),
        }
    }
    let by_row = expectations(&case.json["row_mode"]);
    if !by_row.is_empty() {
        match report(case, Profile::Deequ, Composites::Row, Rows::Count) {
            Ok(report) => verdicts(&report.verdicts, &by_row, About::Outcome, "row by row: ", &mut wrong),
            Err(text) => wrong.push(Difference { about: About::Whole, text }),
        }
    }
    wrong
}

fn report(case: &Case<'_>, profile: Profile, composites: Composites, rows: Rows<'_>) -> Result<Report, String> {
    let tree = case.tree.as_ref().map_err(|error| format!("no ruleset: {error}"))?;
    let data = Data {
        rows: case.primary.clone(),
        key: &[],
        references: &case.references,
        files: None,
        history: &NoHistory,
        now: case.now,
        profile,
        composites,
        cancelled: &|| false,
    };
    evaluate(tree, &data, rows).map_err(|error| format!("not evaluated: {error}"))
}

/// Compares by the text of the rules. An expectation without one is for each rule.
fn verdicts(found: &[Verdict], expected: &[Expected], about: About, where_: &str, wrong: &mut Vec<Difference>) {
    let mut used = vec![false; expected.len()];
    for verdict in found {
        let place = expected.iter().enumerate().position(|(at, expected)| match &expected.rule {
            Some(rule) => !used[at] && *rule == verdict.rule,
            None => true,
        });
        let Some(at) = place else {
            let text = format!("{where_}nothing is expected of the rule {}", verdict.rule);
            wrong.push(Difference { about, text });
            continue;
        };
        used[at] = true;
        let wanted = &expected[at];
        let passed = verdict.outcome == Outcome::Passed;
        if passed != wanted.passed || verdict.outcome == Outcome::Unknown {
            let text = format!(
                "{where_}{}: {:?}, expected {}; {} {:?}",
                verdict.rule,
                verdict.outcome,
                if wanted.passed { "Passed" } else { "Failed" },
                verdict.reason.as_deref().unwrap_or(""),
                verdict.evaluated,
            );
            wrong.push(Difference { about, text });
        }
        if let Some(metrics) = &wanted.metrics
            && !alike(&verdict.metrics, metrics)
        {
            let about = if about == About::Outcome { About::Metrics } else { about };
            let text = format!("{where_}{}: metrics {:?}, expected {metrics:?}", verdict.rule, verdict.metrics);
            wrong.push(Difference { about, text });
        }
    }
}

fn alike(a: &BTreeMap<String, f64>, b: &BTreeMap<String, f64>) -> bool {
    let near = |x: f64, y: f64| x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= TOLERANCE * x.abs().max(y.abs());
    a.len() == b.len() && a.iter().all(|(name, x)| b.get(name).is_some_and(|y| near(*x, *y)))
}

/// A row's values, and which rules pass, fail and say nothing.
type Said = (String, BTreeSet<String>, BTreeSet<String>, BTreeSet<String>);

fn row_level(case: &Case<'_>, report: &Report, level: &Value, rows: &Path, wrong: &mut Vec<Difference>) {
    let found = match said(case, report, rows) {
        Ok(found) => found,
        Err(text) => return wrong.push(Difference { about: About::Rows, text }),
    };
    let names: BTreeSet<&String> = report.verdicts.iter().map(|verdict| &verdict.rule).collect();
    let set = |row: &Value, key: &str| -> BTreeSet<String> {
        texts(&row[key]).into_iter().filter(|rule| names.contains(rule)).collect()
    };
    let read = |row: &Value, values: String| (values, set(row, "pass"), set(row, "fail"), set(row, "skip"));
    if let Some(unaligned) = level["rows"].as_array() {
        // The rows are in another order, some of them more than once.
        let wanted: BTreeSet<Said> = unaligned.iter().map(|row| read(row, row["values"].to_string())).collect();
        let found: BTreeSet<Said> = found.into_iter().collect();
        for (values, pass, fail, skip) in wanted.symmetric_difference(&found) {
            let text = format!("row {values}: passes {pass:?} fails {fail:?} skips {skip:?} on one side only");
            wrong.push(Difference { about: About::Rows, text });
        }
        return;
    }
    let list = level.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.len() != found.len() {
        let text = format!("{} rows, expected {}", found.len(), list.len());
        wrong.push(Difference { about: About::Rows, text });
    }
    for (row, (values, pass, fail, skip)) in list.iter().zip(found) {
        let wanted = read(row, String::new());
        for (what, found, wanted) in [("passes", pass, wanted.1), ("fails", fail, wanted.2), ("skips", skip, wanted.3)]
        {
            if found != wanted {
                let text = format!("row {} {values}: {what} {found:?}, expected {wanted:?}", row["row"]);
                wrong.push(Difference { about: About::Rows, text });
            }
        }
    }
}

fn said(case: &Case<'_>, report: &Report, rows: &Path) -> Result<Vec<Said>, String> {
    if case.rows.is_empty() {
        return Ok(Vec::new());
    }
    let file = File::open(rows).map_err(|error| format!("there is no file of rows: {error}"))?;
    let frame = ParquetReader::new(file).finish().map_err(|error| error.to_string())?;
    let numbers = |name: &str| -> Result<Vec<Vec<u32>>, String> {
        let column = frame.column(name).map_err(|error| error.to_string())?;
        let lists = column.list().map_err(|error| error.to_string())?;
        let list = |list: Option<polars::prelude::Series>| {
            let numbers = list.and_then(|list| Some(list.u32().ok()?.iter().flatten().collect()));
            numbers.unwrap_or_default()
        };
        Ok((0..lists.len()).map(|at| list(lists.get_as_series(at))).collect())
    };
    let (failed, skipped) = (numbers("_rules")?, numbers("_skipped")?);
    let mut said = Vec::new();
    for (row, values) in case.rows.iter().enumerate() {
        let (Some(failed), Some(skipped)) = (failed.get(row), skipped.get(row)) else { break };
        let of = |wanted: &dyn Fn(u32) -> bool| -> BTreeSet<String> {
            let numbered = report.verdicts.iter().zip(1u32..);
            numbered.filter(|(_, number)| wanted(*number)).map(|(verdict, _)| verdict.rule.clone()).collect()
        };
        let fails = of(&|number| failed.contains(&number));
        let skips = of(&|number| skipped.contains(&number) && !failed.contains(&number));
        let passes = of(&|number| !skipped.contains(&number) && !failed.contains(&number));
        said.push((values.to_string(), passes, fails, skips));
    }
    Ok(said)
}
