//! Where the open evaluator answers otherwise than the documentation.

use super::*;
use crate::RowCounts;
use polars::prelude::{Column, DataType, df};

fn rows() -> DataFrame {
    df!(
        "t" => [Some("ab"), Some(""), None, Some("abc"), Some("a")],
        "n" => [Some(1i64), Some(2), Some(3), None, Some(5)],
        "f" => [1.0, f64::NAN, 3.0, 4.0, 5.0],
    )
    .unwrap()
}

#[test]
fn the_two_profiles_differ_where_it_is_written() {
    for (rule, glue, deequ) in [
        (r#"ColumnValues "n" > 0 with threshold > 0.5"#, true, false),
        (r#"ColumnValues "t" in ["ab", "abc", "a"] with threshold >= 0.6"#, true, false),
        (r#"ColumnValues "t" matches "[a-c]*" where "t is not null""#, true, false),
        (r#"ColumnValues "t" matches "ab|x" where "t like 'ab%'""#, false, true),
        (r#"ColumnValues "t" not matches "abcd" where "t = ''""#, true, false),
        (r#"ColumnValues "t" = EMPTY where "t is null""#, false, true),
        (r#"ColumnValues "t" != EMPTY where "t is null or t = 'a'""#, true, false),
        (r#"ColumnLength "t" > 0 where "t is null or t = 'a'""#, false, true),
        (r#"ColumnLength "t" != 2"#, false, true),
        (r#"ColumnValues "f" > 0"#, true, true),
        (r#"IsPrimaryKey "n" "t" where "n > 2""#, false, true),
        (r#"UniqueValueRatio "t" > 0 where "n > 99""#, true, false),
        (r#"Mean "n" > 0 where "n > 99""#, true, true),
    ] {
        expect(&rows(), Profile::Glue, &[(rule, glue)]);
        expect(&rows(), Profile::Deequ, &[(rule, deequ)]);
    }
}

#[test]
fn the_open_evaluator_says_nothing_of_rows_for_casts_and_ages() {
    let counts = |profile| {
        let rule = r#"ColumnDataType "t" = "Integer""#;
        with(rule, &rows(), profile, Composites::Column, Rows::Count).verdicts[0].rows
    };
    assert_eq!(counts(Profile::Glue), Some(RowCounts { passed: 0, failed: 5, skipped: 0 }));
    assert_eq!(counts(Profile::Deequ), None);
}

#[test]
fn null_and_its_text_are_one_value() {
    let rows = df!("t" => [Some("NullValue"), None]).unwrap();
    expect(&rows, Profile::Glue, &[(r#"DistinctValuesCount "t" = 2"#, true)]);
    expect(&rows, Profile::Deequ, &[(r#"DistinctValuesCount "t" = 1"#, true)]);
}

/// Rows that pass, fail and are skipped in the end; none where the open evaluator says nothing of rows.
fn said(rule: &str, rows: &DataFrame) -> Option<(u64, u64, u64)> {
    let report = with(rule, rows, Profile::Deequ, Composites::Column, Rows::Count);
    report.verdicts[0].rows.map(|counts| (counts.passed, counts.failed, counts.skipped))
}

fn metrics(rule: &str, rows: &DataFrame) -> Vec<(String, f64)> {
    let report = with(rule, rows, Profile::Deequ, Composites::Column, Rows::Count);
    report.verdicts[0].metrics.clone().into_iter().collect()
}

#[test]
fn rows_follow_from_whether_there_is_a_metric() {
    let empty: [Option<&str>; 3] = [None; 3];
    let rows = df!("e" => empty, "t" => ["x", "y", "z"], "n" => [1i64, 2, 3]).unwrap();
    for (rule, wanted) in [
        // A condition that says nothing of any row fails all rows, but where a filter could have left them out.
        (r#"ColumnValues "t" > "2024-01-01""#, Some((0, 3, 0))),
        (r#"ColumnValues "t" > "2024-01-01" where "n > 1""#, Some((0, 0, 3))),
        (r#"ColumnValues "e" = EMPTY"#, Some((0, 3, 0))),
        (r#"ColumnValues "t" between 0 and 5"#, Some((0, 3, 0))),
        (r#"ColumnLength "e" > 0"#, Some((0, 3, 0))),
        (r#"ColumnLength "e" not between 0 and 2"#, Some((0, 3, 0))),
        // A pattern and a length fail the rows that a filter leaves out, where it leaves out all.
        (r#"ColumnValues "t" matches ".*" where "n > 9""#, Some((0, 3, 0))),
        (r#"ColumnLength "t" > 0 where "n > 9""#, Some((0, 3, 0))),
        (r#"ColumnLength "t" in [1] where "n > 9""#, Some((0, 0, 3))),
        // A filter that is null for all rows leaves completeness without a metric.
        (r#"IsComplete "t" where "e = 'a'""#, Some((0, 3, 0))),
        (r#"ColumnValues "n" > 0 where "e = 'a'""#, Some((0, 3, 0))),
        (r#"IsComplete "t" where "n > 9""#, Some((0, 0, 3))),
        // Without a key in any row nothing is said of rows.
        (r#"IsUnique "e""#, None),
        (r#"UniqueValueRatio "e" > 0"#, None),
        (r#"IsPrimaryKey "e" "e""#, None),
        (r#"IsPrimaryKey "e""#, Some((0, 3, 0))),
        (r#"IsPrimaryKey "nowhere""#, Some((0, 3, 0))),
        (r#"IsPrimaryKey "t" "nowhere""#, None),
        (r#"(IsUnique "e") OR (IsComplete "t")"#, None),
    ] {
        assert_eq!(said(rule, &rows), wanted, "{rule}");
    }
    assert_eq!(metrics(r#"IsPrimaryKey "e""#, &rows), [("Column.e.Completeness".to_owned(), 0.0)]);
    let joined = r#"(ColumnLength "e" > 0) AND (IsComplete "t")"#;
    assert_eq!(said(joined, &rows), Some((0, 3, 0)));
}

#[test]
fn rows_for_which_a_filter_is_null_count_in_ways_of_their_own() {
    let rows = df!(
        "k" => [Some(1i64), Some(1), None, Some(2), Some(2)],
        "w" => [Some(true), None, None, None, None],
        "t" => ["1", "2", "3", "4", "x"],
    )
    .unwrap();
    for (rule, wanted) in [
        // The second row shares the key of the one row that is counted; no row that is counted has the others' keys.
        (r#"IsUnique "k" where "w""#, (1, 0, 4)),
        (r#"ColumnDataType "t" = "Integer" where "w""#, (0, 0, 0)),
    ] {
        assert_eq!(said(rule, &rows).unwrap_or_default(), wanted, "{rule}");
    }
    let share = vec![("Column.t.ColumnDataType.Compliance".to_owned(), 4.0)];
    assert_eq!(metrics(r#"ColumnDataType "t" = "Integer" where "w""#, &rows), share);
    assert_eq!(
        metrics(r#"RowCount = 9 where "k > 1 and null""#, &rows.head(Some(1))),
        [("Dataset.*.RowCount".to_owned(), 0.0)]
    );
    expect(&rows.head(Some(3)).tail(Some(1)), Profile::Deequ, &[(r#"RowCount = 9 where "k > 1""#, true)]);
}

#[test]
fn names_are_those_that_spark_resolves() {
    let rows =
        df!("a.b" => [1i64, 2], "t.u" => ["x", "y"], "c" => [1i64, 2], "C" => [1i64, 2], "d" => [1i64, 2]).unwrap();
    let wanted = [
        (r#"IsComplete "a.b""#, false),
        (r#"IsComplete "`a.b`""#, true),
        (r#"ColumnValues "a.b" > 0"#, false),
        (r#"ColumnValues "a.b" in [1, 2]"#, true),
        (r#"ColumnValues "`a.b`" between 0 and 5"#, false),
        (r#"ColumnLength "t.u" = 1"#, false),
        (r#"ColumnLength "t.u" in [1]"#, true),
        (r#"ColumnDataType "a.b" = "Integer""#, false),
        (r#"ColumnDataType "`a.b`" = "Integer""#, true),
        (r#"DistinctValuesCount "`a.b`" = 2"#, false),
        (r#"IsComplete "c""#, false),
        (r#"IsComplete "D""#, true),
    ];
    for (rule, passes) in wanted {
        expect(&rows, Profile::Deequ, &[(rule, passes)]);
        expect(&rows, Profile::Glue, &[(rule, true)]);
    }
}

#[test]
fn what_sql_refuses_in_one_rule_fails_the_rules_that_are_read_with_it() {
    let rows = df!("a" => [1i64, 2], "t" => ["x", "y"]).unwrap();
    let beside = [
        (r#"IsComplete "a""#, false),
        (r#"Mean "a" > 0"#, false),
        (r#"IsPrimaryKey "a""#, false),
        (r#"IsPrimaryKey "a" "t""#, true),
        (r#"IsUnique "a""#, true),
        (r#"ColumnDataType "a" = "Integer""#, true),
        (r#"(IsUnique "a") AND (RowCount > 0)"#, false),
    ];
    for refused in [r#"IsComplete "t" where "nowhere > 1""#, r#"ColumnValues "t" = "it's""#] {
        let wanted: Vec<_> = beside.into_iter().chain([(refused, false)]).collect();
        expect(&rows, Profile::Deequ, &wanted);
        let report =
            with(&format!(r#"IsPrimaryKey "a", {refused}"#), &rows, Profile::Deequ, Composites::Column, Rows::Count);
        let key = &report.verdicts[0];
        assert_eq!(key.metrics.keys().collect::<Vec<_>>(), ["Column.a.Uniqueness"], "{key:?}");
        assert_eq!(key.rows.map(|counts| counts.failed), Some(2), "{key:?}");
    }
    // A column that is not there is seen before.
    let seen = [(r#"IsComplete "a""#, true), (r#"IsComplete "nowhere""#, false)];
    expect(&rows, Profile::Deequ, &seen);
    expect(&rows, Profile::Glue, &[(r#"IsComplete "a""#, true), (r#"IsComplete "t" where "nowhere > 1""#, false)]);
}

#[test]
fn values_are_compared_as_the_sql_of_the_open_evaluator_compares_them() {
    let float = Column::new("f".into(), [0.1f32, 0.5]);
    let mut rows =
        df!("n" => [9_007_199_254_740_993i64, 5], "t" => ["it's", "x"], "d" => [20_240_101i64, 2024]).unwrap();
    rows.with_column(float).unwrap();
    let times = df!("t" => [0i64, 1_500_000]).unwrap().lazy();
    let kind = DataType::Datetime(polars::prelude::TimeUnit::Microseconds, None);
    let times = times.with_columns([polars::prelude::col("t").cast(kind)]).collect().unwrap();
    for (rule, glue, deequ) in [
        // From ten millions on a literal is a double.
        (r#"ColumnValues "n" in [9007199254740992, 5]"#, false, true),
        (r#"ColumnValues "f" >= 0.1"#, true, true),
        (r#"ColumnValues "f" > 0.1"#, false, false),
        (r#"ColumnValues "t" in ["it's", "x"]"#, true, false),
        (r#"ColumnValues "d" >= "2024-01-01" where "d < 3000""#, false, true),
        (r#"DetectAnomalies "RowCount""#, false, false),
        (r#"FileUniqueness "s3://bucket" > 0.5"#, false, false),
    ] {
        for (profile, passes) in [(Profile::Glue, glue), (Profile::Deequ, deequ)] {
            let found = with(rule, &rows, profile, Composites::Column, Rows::Count).verdicts.remove(0);
            assert_eq!(found.outcome == Outcome::Passed, passes, "{rule} {profile:?}: {found:?}");
            assert!(profile == Profile::Glue || found.outcome != Outcome::Unknown, "{rule}: {found:?}");
        }
    }
    assert_eq!(metrics(r#"ColumnValues "f" > 0"#, &rows), [("Column.f.Minimum".to_owned(), 0.1)]);
    let texts = r#"ColumnValues "t" in ["1970-01-01 00:00:00", "1970-01-01 00:00:01.5"]"#;
    expect(&times, Profile::Deequ, &[(texts, true), (r#"ColumnDataType "t" = "DECIMAL(1,1)""#, false)]);
}

#[test]
fn texts_and_patterns_are_those_of_java_and_sql() {
    let texts = ["a\\b", "a\u{8}", "x\u{2028}y", "line\n", "v\u{b}", "\u{7}", "$"];
    let rows = df!("t" => texts, "n" => (0i64..7).collect::<Vec<_>>()).unwrap();
    for (rule, passes) in [
        (r#"ColumnValues "t" = "a\\b" where "n = 0""#, true),
        (r#"ColumnValues "t" = "a\b" where "n = 1""#, true),
        (r#"ColumnValues "t" = "a\b" where "n = 0""#, false),
        (r#"ColumnValues "t" matches "x.y" where "n = 2""#, false),
        (r#"ColumnValues "t" matches "(?s)x.y" where "n = 2""#, true),
        (r#"ColumnValues "t" matches "(?d)x.y" where "n = 2""#, true),
        (r#"ColumnValues "t" matches "line" where "n = 3""#, true),
        (r#"ColumnValues "t" not matches "q" where "n = 2""#, false),
        (r#"ColumnValues "t" matches "v\v" where "n = 4""#, true),
        (r#"ColumnValues "t" matches "\07" where "n = 5""#, true),
        (r#"ColumnValues "t" matches "\cG" where "n = 5""#, true),
        // What is written around the pattern is part of it: an escaped end, an optional beginning.
        (r#"ColumnValues "t" matches "?" where "n = 6""#, false),
    ] {
        expect(&rows, Profile::Deequ, &[(rule, passes)]);
    }
    expect(&rows.tail(Some(1)), Profile::Deequ, &[(r#"ColumnValues "t" matches "\""#, true)]);
}

#[test]
fn decimals_at_the_limit_and_operands_without_a_number_fail_as_they_do_there() {
    let money = |units: [i128; 2], scale| {
        let whole = polars::prelude::Int128Chunked::from_vec("d".into(), units.to_vec());
        let decimal = polars::prelude::IntoSeries::into_series(whole.into_decimal_unchecked(38, scale));
        DataFrame::new(2, vec![polars::prelude::IntoColumn::into_column(decimal)]).unwrap()
    };
    // One type of both numbers has no place left: the value is null there, and so is a literal of two digits.
    assert_eq!(said(r#"ColumnValues "d" in [1, 2]"#, &money([10i128.pow(38) - 1, 1], 0)), Some((1, 0, 1)));
    assert_eq!(said(r#"ColumnValues "d" != 1"#, &money([1, 2], 38)), Some((0, 2, 0)));
    let rows =
        df!("a" => [Some(1i64), Some(2), None], "b" => [1i64, 2, 3], "z" => [0.0; 3], "y" => [false, true, true],
        "f" => [1e300, 0.0, 1.0])
        .unwrap();
    let wanted = [
        (r#"RowCount > avg(last(3))"#, false),
        (r#"Completeness "a" != last()"#, false),
        (r#"Mean "b" = 4 / 2"#, true),
        (r#"ColumnValues "z" = -0.0"#, true),
        (r#"ColumnValues "y" != 1 where "b = 1""#, true),
        (r#"ColumnCorrelation "b" "f" in [0]"#, false),
        (r#"ColumnDataType "a" = "Integer" with threshold > last()"#, false),
        (r#"ColumnValues "b" > NULL"#, false),
    ];
    expect(&rows, Profile::Deequ, &wanted);
    expect(&rows, Profile::Glue, &[(wanted[0].0, true), (wanted[1].0, true)]);
    assert_eq!(metrics(r#"ColumnValues "b" > NULL"#, &rows), [("Column.b.Minimum".to_owned(), 1.0)]);
    let report =
        with(r#"IsPrimaryKey "a" "b", IsComplete "a""#, &rows, Profile::Deequ, Composites::Column, Rows::Count);
    let names: Vec<&String> = report.verdicts[0].metrics.keys().collect();
    assert_eq!(names, ["Column.a.Completeness", "Multicolumn.a,b.Uniqueness"]);
}
