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
    let runs = [
        ("expected", Profile::Deequ, Composites::Column),
        ("docs_expected", Profile::Glue, Composites::Column),
        ("row_mode", Profile::Deequ, Composites::Row),
    ];
    for (key, profile, composites) in runs {
        let wanted = &case.json[key];
        if !wanted.is_null() && wanted["evaluable"] != Value::Bool(false) {
            compare(case, &Run { key, wanted, profile, composites }, rows, &mut wrong);
        }
    }
    wrong
}

/// One evaluation of a case, and where what is expected of it stands.
struct Run<'a> {
    key: &'static str,
    wanted: &'a Value,
    profile: Profile,
    composites: Composites,
}

fn compare(case: &Case<'_>, run: &Run<'_>, rows: &Path, wrong: &mut Vec<Difference>) {
    let level = &run.wanted["row_level"];
    let expected = expectations(run.wanted);
    let told = |about, text: String| Difference { about, text: format!("{}: {text}", run.key) };
    if expected.is_empty() && level.is_null() {
        return wrong.push(told(About::Whole, "nothing that is known here is expected".to_owned()));
    }
    let kept = if level.is_null() { Rows::Count } else { Rows::Every(rows) };
    let report = match report(case, run.profile, run.composites, kept) {
        Ok(report) => report,
        Err(text) => return wrong.push(told(About::Whole, text)),
    };
    let mut found = Vec::new();
    if !expected.is_empty() {
        verdicts(&report.verdicts, &expected, &mut found);
    }
    if !level.is_null() {
        row_level(case, &report, level, rows, &mut found);
    }
    let documented = run.profile == Profile::Glue;
    wrong.extend(found.into_iter().map(|(about, text)| told(if documented { About::Documented } else { about }, text)));
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
fn verdicts(found: &[Verdict], expected: &[Expected], wrong: &mut Vec<(About, String)>) {
    let mut used = vec![false; expected.len()];
    for verdict in found {
        let meant = |expected: &Expected| expected.rule.as_ref().is_none_or(|rule| *rule == verdict.rule);
        let unused =
            (0..expected.len()).find(|at| meant(&expected[*at]) && (!used[*at] || expected[*at].rule.is_none()));
        // A rule that is written twice may be expected once.
        let Some(at) = unused.or_else(|| expected.iter().position(meant)) else {
            wrong.push((About::Outcome, format!("nothing is expected of the rule {}", verdict.rule)));
            continue;
        };
        used[at] = true;
        let wanted = &expected[at];
        let passed = verdict.outcome == Outcome::Passed;
        if passed != wanted.passed || verdict.outcome == Outcome::Unknown {
            let text = format!(
                "{}: {:?}, expected {}; {} {:?}",
                verdict.rule,
                verdict.outcome,
                if wanted.passed { "Passed" } else { "Failed" },
                verdict.reason.as_deref().unwrap_or(""),
                verdict.evaluated,
            );
            wrong.push((About::Outcome, text));
        }
        if let Some(metrics) = &wanted.metrics
            && !alike(&verdict.metrics, metrics)
        {
            let text = format!("{}: metrics {:?}, expected {metrics:?}", verdict.rule, verdict.metrics);
            wrong.push((About::Metrics, text));
        }
    }
}

fn alike(a: &BTreeMap<String, f64>, b: &BTreeMap<String, f64>) -> bool {
    let near = |x: f64, y: f64| x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= TOLERANCE * x.abs().max(y.abs());
    a.len() == b.len() && a.iter().all(|(name, x)| b.get(name).is_some_and(|y| near(*x, *y)))
}

/// A row's values, and which rules pass, fail and say nothing.
type Said = (String, BTreeSet<String>, BTreeSet<String>, BTreeSet<String>);

fn row_level(case: &Case<'_>, report: &Report, level: &Value, rows: &Path, wrong: &mut Vec<(About, String)>) {
    let found = match said(case, report, rows) {
        Ok(found) => found,
        Err(text) => return wrong.push((About::Rows, text)),
    };
    let names: BTreeSet<&String> = report.verdicts.iter().map(|verdict| &verdict.rule).collect();
    let set = |row: &Value, key: &str| -> BTreeSet<String> {
        texts(&row[key]).into_iter().filter(|rule| names.contains(rule)).collect()
    };
    let read = |row: &Value, values: String| (values, set(row, "pass"), set(row, "fail"), set(row, "skip"));
    if let Some(unaligned) = level["rows"].as_array() {
        // The rows are in another order, some of them more than once.
        let width = case.json["primary"]["schema"].as_array().map_or(0, Vec::len);
        // Columns that the open evaluator adds may follow those of the data.
        let values = |row: &Value| match row["values"].as_array() {
            Some(values) => Value::from(values.iter().take(width).cloned().collect::<Vec<_>>()).to_string(),
            None => row["values"].to_string(),
        };
        let wanted: BTreeSet<Said> = unaligned.iter().map(|row| read(row, values(row))).collect();
        let found: BTreeSet<Said> = found.into_iter().collect();
        for (values, pass, fail, skip) in wanted.symmetric_difference(&found) {
            let text = format!("row {values}: passes {pass:?} fails {fail:?} skips {skip:?} on one side only");
            wrong.push((About::Rows, text));
        }
        return;
    }
    let list = level.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.len() != found.len() {
        wrong.push((About::Rows, format!("{} rows, expected {}", found.len(), list.len())));
    }
    for (row, (values, pass, fail, skip)) in list.iter().zip(found) {
        let wanted = read(row, String::new());
        for (what, found, wanted) in [("passes", pass, wanted.1), ("fails", fail, wanted.2), ("skips", skip, wanted.3)]
        {
            if found != wanted {
                wrong
                    .push((About::Rows, format!("row {} {values}: {what} {found:?}, expected {wanted:?}", row["row"])));
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
