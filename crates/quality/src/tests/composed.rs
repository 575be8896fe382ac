//! Rules joined by `and` and `or`, by column and by row.

use super::*;
use crate::{Evaluated, RowCounts};
use polars::prelude::df;

fn ages() -> DataFrame {
    df!("age" => [Some(30i64), Some(25), None], "name" => ["a", "b", "b"]).unwrap()
}

fn judged(rule: &str, composites: Composites) -> Verdict {
    with(rule, &ages(), Profile::Glue, composites, Rows::Count).verdicts.remove(0)
}

#[test]
fn outcomes_are_joined_by_column_and_rows_by_row() {
    let idiom = r#"(ColumnValues "age" > 21) OR (ColumnValues "age" = NULL)"#;
    let counts = Some(RowCounts { passed: 3, failed: 0, skipped: 0 });
    let by_column = judged(idiom, Composites::Column);
    assert_eq!((by_column.outcome, by_column.rows), (Outcome::Failed, counts));
    let by_row = judged(idiom, Composites::Row);
    assert_eq!((by_row.outcome, by_row.rows, by_row.reason), (Outcome::Passed, counts, None));
}

#[test]
fn and_binds_tighter_and_nests() {
    for (rule, passes) in [
        (r#"(RowCount = 3) OR (RowCount = 4) AND (RowCount = 5)"#, true),
        (r#"((RowCount = 3) OR (RowCount = 4)) AND (RowCount = 5)"#, false),
        (r#"(IsComplete "name") AND (IsComplete "age")"#, false),
        (r#"(IsComplete "absent") OR (IsComplete "name")"#, true),
    ] {
        let outcome = judged(rule, Composites::Column).outcome;
        assert_eq!(outcome == Outcome::Passed, passes, "{rule}");
    }
}

#[test]
fn a_rule_without_rows_leaves_the_whole_without_rows() {
    let mixed = r#"(IsComplete "age") AND (RowCount > 0)"#;
    assert_eq!(judged(mixed, Composites::Column).rows, None);
    let by_row = judged(mixed, Composites::Row);
    assert_eq!(by_row.outcome, Outcome::Failed);
    assert!(matches!(by_row.evaluated, Evaluated::MayDiffer(reason) if reason.contains("single rows")));
}

#[test]
fn what_is_not_known_matters_only_where_the_other_does_not_decide() {
    let unknown = r#"DetectAnomalies "RowCount""#;
    for (rule, outcome) in [
        (format!("({unknown}) AND (RowCount > 5)"), Outcome::Failed),
        (format!("({unknown}) AND (RowCount > 0)"), Outcome::Unknown),
        (format!("({unknown}) OR (RowCount > 0)"), Outcome::Passed),
        (format!("({unknown}) OR (RowCount > 5)"), Outcome::Unknown),
    ] {
        assert_eq!(judged(&rule, Composites::Column).outcome, outcome, "{rule}");
    }
}

#[test]
fn rows_left_out_by_where_pass_in_a_joined_rule() {
    let rule = r#"(ColumnValues "age" > 26 where "name = 'a'") AND (IsUnique "name" where "age is not null")"#;
    let verdict = judged(rule, Composites::Column);
    assert_eq!(verdict.outcome, Outcome::Passed, "{verdict:?}");
    assert_eq!(verdict.rows, Some(RowCounts { passed: 3, failed: 0, skipped: 0 }));
}

#[test]
fn analyzers_record_what_rules_of_their_type_measure() {
    let ruleset = assay_dqdl::parse(r#"Analyzers = [ Mean "age", AllStatistics "AllColumns" ]"#).unwrap();
    let references = BTreeMap::new();
    let data = Data {
        rows: ages().lazy(),
        key: &[],
        references: &references,
        files: None,
        history: &NoHistory,
        now: DateTime::from_timestamp(NOW, 0).unwrap(),
        profile: Profile::Glue,
        composites: Composites::Column,
        cancelled: &|| false,
    };
    let report = evaluate(&ruleset, &data, Rows::Count).unwrap();
    let lines = report.statistics.iter().map(|one| format!("{} {:.3}", one.metric, one.value));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
    Column.age.Mean 27.500
    Dataset.*.RowCount 3.000
    Dataset.*.ColumnCount 2.000
    Column.age.Completeness 0.667
    Column.age.Uniqueness 1.000
    Column.age.Minimum 25.000
    Column.age.Maximum 30.000
    Column.age.Entropy 0.693
    Column.age.StandardDeviation 2.500
    Column.age.Sum 55.000
    Column.name.Completeness 1.000
    Column.name.Uniqueness 0.333
    Column.name.MinimumLength 1.000
    Column.name.MaximumLength 1.000
    ");
    assert!(report.verdicts.is_empty() && report.score().is_none());
}
