//! What rules say of datasets and rows, by hand-made frames whose answers can be counted.

use super::*;
use crate::RowCounts;
use polars::prelude::df;

fn people() -> DataFrame {
    df!(
        "id" => [1i64, 2, 3, 4, 5],
        "name" => [Some("ann"), Some("bob"), None, Some("bob"), Some("")],
        "age" => [Some(30i32), Some(41), Some(17), None, Some(30)],
        "score" => [1.0, 2.5, f64::NAN, 4.0, -0.0],
    )
    .unwrap()
}

#[test]
fn rules_on_the_dataset() {
    expect(
        &people(),
        Profile::Glue,
        &[
            ("RowCount = 5", true),
            ("RowCount > 5", false),
            (r#"RowCount = 2 where "age = 30""#, true),
            ("ColumnCount = 4", true),
            (r#"IsComplete "id""#, true),
            (r#"IsComplete "name""#, false),
            (r#"Completeness "name" = 0.8"#, true),
            (r#"Completeness "name" between 0.8 and 1.0"#, false),
            (r#"IsUnique "id""#, true),
            (r#"IsUnique "name""#, false),
            (r#"Uniqueness "name" = 0.5"#, true),
            (r#"Uniqueness "name" "age" = 1.0"#, true),
            (r#"IsPrimaryKey "id""#, true),
            (r#"IsPrimaryKey "id" "age""#, false),
            (r#"UniqueValueRatio "name" > 0.66"#, true),
            (r#"DistinctValuesCount "name" = 4"#, true),
            (r#"DistinctValuesCount "AGE" = 4"#, true),
            (r#"Mean "age" = 29.5"#, true),
            (r#"Sum "age" = 118"#, true),
            (r#"StandardDeviation "age" = 8.5"#, true),
            (r#"Mean "score" > 0"#, false),
            (r#"ColumnExists "age""#, true),
            (r#"ColumnExists "Age""#, false),
            (r#"ColumnNamesMatchPattern "^[a-z]+$""#, true),
            (r#"ColumnCorrelation "id" "age" < 0"#, true),
            (r#"IsComplete "absent""#, false),
            (r#"Mean "name" > 0"#, false),
        ],
    );
}

#[test]
fn rules_on_values() {
    expect(
        &people(),
        Profile::Glue,
        &[
            (r#"ColumnValues "id" > 0"#, true),
            (r#"ColumnValues "id" between 0 and 6"#, true),
            (r#"ColumnValues "id" between 1 and 5"#, false),
            (r#"ColumnValues "id" not between 5 and 9"#, true),
            (r#"ColumnValues "age" > 0"#, false),
            (r#"ColumnValues "age" > 0 where "age is not null""#, true),
            (r#"ColumnValues "age" != 99"#, true),
            (r#"ColumnValues "age" not in [99, NULL]"#, false),
            (r#"ColumnValues "age" in [17, 30, 41, NULL]"#, true),
            (r#"ColumnValues "age" in [17, 30, 41]"#, false),
            (r#"ColumnValues "age" in [17, 30, 41] with threshold >= 0.8"#, true),
            (r#"ColumnValues "score" < 10"#, false),
            (r#"ColumnValues "score" >= 0"#, true),
            (r#"ColumnValues "name" in ["ann", "bob", NULL, EMPTY]"#, true),
            (r#"ColumnValues "name" not in [NULL, EMPTY]"#, false),
            (r#"ColumnValues "name" != EMPTY"#, false),
            (r#"ColumnValues "name" matches "[a-z]*""#, false),
            (r#"ColumnValues "name" matches "[a-z]*" where "name is not null""#, true),
            (r#"ColumnLength "name" < 4"#, true),
            (r#"ColumnLength "name" in [0, 3]"#, true),
            (r#"ColumnDataType "id" = "Integer""#, true),
            (r#"ColumnDataType "name" = "Integer""#, false),
        ],
    );
}

#[test]
fn verdicts_have_metrics_reasons_and_rows() {
    let verdict = verdict(r#"ColumnValues "age" > 20"#, &people());
    assert_eq!(verdict.rule, r#"ColumnValues "age" > 20"#);
    assert_eq!(verdict.metrics, BTreeMap::from([("Column.age.Minimum".to_owned(), 17.0)]));
    assert_eq!(verdict.rows, Some(RowCounts { passed: 3, failed: 2, skipped: 0 }));
    insta::assert_snapshot!(verdict.reason.unwrap(), @r"
    Value: 17.0 does not meet the constraint requirement!
    Value: NULL does not meet the constraint requirement!
    ");
}

#[test]
fn failing_rows_come_with_rules_and_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failing.parquet");
    let rules =
        r#"IsUnique "name", ColumnValues "age" > 20, (IsComplete "name") AND (ColumnValues "id" < 5), RowCount > 0"#;
    let found = with(rules, &people(), Profile::Glue, Composites::Column, Rows::Keep(&path));
    assert_eq!(found.failing, Some(4));
    let file =
        LazyFrame::scan_parquet(polars::prelude::PlRefPath::try_from_path(&path).unwrap(), Default::default()).unwrap();
    insta::assert_snapshot!(listed(&file.collect().unwrap()), @r#"
    2 [1] ["name: occurs in another row too"]
    3 [2, 3] ["age: does not meet the constraint > 20", "name: NULL does not meet the constraint"]
    4 [1, 2] ["name: occurs in another row too", "age: NULL does not meet the constraint > 20"]
    5 [3] ["id: does not meet the constraint < 5"]
    "#);
}

/// One line for each failing row: its id, and what is said of it.
fn listed(rows: &DataFrame) -> String {
    let ids = rows.column("id").unwrap().i64().unwrap();
    let (numbers, reasons) = (rows.column("_rules").unwrap(), rows.column("_reasons").unwrap());
    let (numbers, reasons) = (numbers.list().unwrap(), reasons.list().unwrap());
    let line = |row: usize| {
        let number = numbers.get_as_series(row).unwrap();
        let reason = reasons.get_as_series(row).unwrap();
        let number: Vec<u32> = number.u32().unwrap().iter().flatten().collect();
        let reason: Vec<&str> = reason.str().unwrap().iter().flatten().collect();
        format!("{} {number:?} {reason:?}", ids.get(row).unwrap())
    };
    (0..rows.height()).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn rows_of_a_rule_that_passes_by_a_share_are_not_failing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failing.parquet");
    let kept = |rules: &str| {
        let found = with(rules, &people(), Profile::Glue, Composites::Column, Rows::Keep(&path));
        let file =
            LazyFrame::scan_parquet(polars::prelude::PlRefPath::try_from_path(&path).unwrap(), Default::default());
        (found.failing, listed(&file.unwrap().collect().unwrap()))
    };
    let passing = r#"ColumnValues "id" > 1, Completeness "name" > 0.7, Uniqueness "name" > 0.4"#;
    assert_eq!(kept(passing), (Some(1), r#"1 [1] ["id: does not meet the constraint > 1"]"#.to_owned()));
    let (failing, rows) = kept(r#"ColumnValues "id" > 1, Completeness "name" > 0.9, Uniqueness "name" > 0.6"#);
    assert_eq!(failing, Some(4));
    insta::assert_snapshot!(rows, @r#"
    1 [1] ["id: does not meet the constraint > 1"]
    2 [3] ["name: occurs in another row too"]
    3 [2] ["name: NULL does not meet the constraint"]
    4 [3] ["name: occurs in another row too"]
    "#);
}
