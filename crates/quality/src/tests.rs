//! Rules on small frames, and on hostile ones.
#![allow(clippy::unwrap_used)]

mod composed;
mod deequ;
mod hostile;
mod large;
mod naive;
mod pages;
mod references;
mod rows;

use crate::{Composites, Data, NoHistory, Outcome, Profile, Report, Rows, Verdict, evaluate};
use chrono::DateTime;
use polars::prelude::{DataFrame, IntoLazy, LazyFrame};
use std::collections::BTreeMap;

/// A moment: 2024-03-10 12:00 UTC.
const NOW: i64 = 1_710_072_000;

fn with(rules: &str, rows: &DataFrame, profile: Profile, composites: Composites, kept: Rows<'_>) -> Report {
    let text = format!("Rules = [ {rules} ]");
    let ruleset = assay_dqdl::parse(&text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    let references: BTreeMap<String, LazyFrame> = BTreeMap::new();
    let data = Data {
        rows: rows.clone().lazy(),
        key: &[],
        references: &references,
        files: None,
        history: &NoHistory,
        now: DateTime::from_timestamp(NOW, 0).unwrap(),
        profile,
        composites,
        cancelled: &|| false,
    };
    evaluate(&ruleset, &data, kept).unwrap()
}

fn report(rules: &str, rows: &DataFrame) -> Report {
    with(rules, rows, Profile::Glue, Composites::Column, Rows::Count)
}

fn verdict(rule: &str, rows: &DataFrame) -> Verdict {
    report(rule, rows).verdicts.remove(0)
}

/// Checks that each rule passes or fails, all in one evaluation.
fn expect(rows: &DataFrame, profile: Profile, wanted: &[(&str, bool)]) {
    let rules: Vec<&str> = wanted.iter().map(|(rule, _)| *rule).collect();
    let report = with(&rules.join(",\n"), rows, profile, Composites::Column, Rows::Count);
    for ((rule, passes), verdict) in wanted.iter().zip(&report.verdicts) {
        let outcome = if *passes { Outcome::Passed } else { Outcome::Failed };
        assert_eq!(verdict.outcome, outcome, "{rule}: {verdict:?}");
    }
}
