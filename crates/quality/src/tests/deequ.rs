//! Where the open evaluator answers otherwise than the documentation.

use super::*;
use crate::RowCounts;
use polars::prelude::df;

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
