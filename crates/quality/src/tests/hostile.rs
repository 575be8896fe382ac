//! Bad input: each has a clear verdict or error, and none a panic.

use super::*;
use crate::{Evaluated, QualityError};
use polars::prelude::{Column, DataType, NamedFrom, Series, df};

fn fails(rule: &str, rows: &DataFrame, reason: &str) {
    let verdict = verdict(rule, rows);
    assert_eq!(verdict.outcome, Outcome::Failed, "{rule}: {verdict:?}");
    let found = verdict.reason.unwrap_or_default();
    assert!(found.contains(reason), "{rule}: {found}");
}

fn numbers() -> DataFrame {
    df!("n" => [1i64, 2, 3], "t" => ["a", "b", "c"], "b" => [true, false, true]).unwrap()
}

#[test]
fn columns_that_do_not_exist() {
    let rules = [
        r#"IsComplete "x""#,
        r#"Completeness "x" > 0"#,
        r#"IsUnique "x""#,
        r#"IsUnique "n" "x""#,
        r#"IsPrimaryKey "x""#,
        r#"Uniqueness "x" > 0"#,
        r#"UniqueValueRatio "x" > 0"#,
        r#"DistinctValuesCount "x" > 0"#,
        r#"ColumnValues "x" > 0"#,
        r#"ColumnLength "x" > 0"#,
        r#"Mean "x" > 0"#,
        r#"Sum "x" > 0"#,
        r#"StandardDeviation "x" > 0"#,
        r#"Variance "x" > 0"#,
        r#"Entropy "x" > 0"#,
        r#"ColumnCorrelation "n" "x" > 0"#,
    ];
    for rule in rules {
        fails(rule, &numbers(), "Input data does not include column x!");
    }
    for rule in [r#"DataFreshness "x" < 1 hours"#, r#"ColumnDataType "x" = "Date""#] {
        fails(rule, &numbers(), "Column x does not exist in the dataset");
    }
}

#[test]
fn types_that_do_not_fit() {
    for (rule, reason) in [
        (r#"Mean "t" > 0"#, "found StringType instead"),
        (r#"ColumnValues "t" > 0"#, "found StringType instead"),
        (r#"ColumnValues "b" > 0"#, "found BooleanType instead"),
        (r#"ColumnValues "n" > "2024-01-01""#, "cannot be compared with dates"),
        (r#"ColumnValues "b" in ["x"]"#, "cannot be compared with texts"),
        (r#"ColumnValues "n" matches "x""#, "found LongType instead"),
        (r#"ColumnLength "n" > 0"#, "found LongType instead"),
        (r#"DataFreshness "n" < 1 hours"#, "holds no times"),
        (r#"ColumnDataType "n" = "Date""#, "cannot be cast"),
        (r#"ColumnDataType "n" = "Blob""#, "Unrecognized data type: Blob"),
        (r#"ColumnCorrelation "n" "t" > 0"#, "found StringType instead"),
        (r#"ColumnValues "t" > "2024-13-01""#, "there is no day 2024-13-01"),
    ] {
        fails(rule, &numbers(), reason);
    }
}

#[test]
fn patterns_that_are_none_or_too_much() {
    fails(r#"ColumnValues "t" matches "(a""#, &numbers(), "not a valid regular expression");
    fails(r#"ColumnNamesMatchPattern "(a""#, &numbers(), "not a valid regular expression");
    let large = verdict(r#"ColumnValues "t" matches "((a{100}){100}){100}""#, &numbers());
    assert_eq!(large.evaluated, Evaluated::RemoteOnly("the pattern is too large to be evaluated here".to_owned()));
    let long = df!("t" => [format!("{}!", "a".repeat(5_000))]).unwrap();
    assert_eq!(verdict(r#"ColumnValues "t" matches "(a+)+""#, &long).outcome, Outcome::Failed);
    let late = verdict(r#"ColumnValues "t" matches "(?:a(?!b)|aa(?!b))+""#, &long);
    assert_eq!(late.outcome, Outcome::Unknown, "{late:?}");
    assert!(matches!(late.evaluated, Evaluated::RemoteOnly(reason) if reason.contains("too long")));
}

#[test]
fn two_patterns_on_one_column_are_two_tests() {
    let rules = r#"ColumnValues "t" matches "[a-c]", ColumnValues "t" matches "[a-b]""#;
    let found: Vec<_> =
        report(rules, &numbers()).verdicts.into_iter().map(|verdict| verdict.rows.unwrap().failed).collect();
    assert_eq!(found, [0, 1]);
}

#[test]
fn two_thousand_rules() {
    let kinds = [r#"ColumnValues "n" > -"#, r#"Mean "n" < 1"#, r#"ColumnLength "t" < 1"#, r#"Completeness "t" > 0."#];
    let rules: Vec<String> = (0..2_000).map(|at| format!("{}{at}", kinds[at % 4])).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failing.parquet");
    let found = with(&rules.join(", "), &numbers(), Profile::Glue, Composites::Column, Rows::Keep(&path));
    assert_eq!(found.verdicts.len(), 2_000);
    assert_eq!(found.failing, Some(0));
    let passed = found.verdicts.iter().filter(|verdict| verdict.outcome == Outcome::Passed).count();
    // Only the first rule on lengths, `< 12`, and the like may fail; none does: all texts have one character.
    assert_eq!(passed, 2_000, "{:?}", found.verdicts.iter().find(|verdict| verdict.outcome != Outcome::Passed));
}

#[test]
fn a_text_of_the_greatest_length() {
    let words: Vec<String> = (0..9_000).map(|at| format!("\"w{at}\"")).collect();
    let rule = format!(r#"ColumnValues "t" in [{}]"#, words.join(","));
    assert!(rule.len() > 65_536);
    fails(&rule, &numbers(), "Value: 0.0");
    let sum = (0..8_000).map(|_| "1").collect::<Vec<_>>().join(" + ");
    let verdict = verdict(&format!("RowCount < {sum}"), &numbers());
    assert!(verdict.outcome != Outcome::Unknown, "{verdict:?}");
    let many: Vec<&str> = (0..5_000).map(|_| "(RowCount > 0)").collect();
    assert_eq!(super::verdict(&many.join(" AND "), &numbers()).outcome, Outcome::Passed);
}

#[test]
fn an_empty_table() {
    let empty = numbers().head(Some(0));
    expect(
        &empty,
        Profile::Glue,
        &[
            ("RowCount = 0", true),
            ("ColumnCount = 3", true),
            (r#"IsComplete "n""#, false),
            (r#"IsUnique "n""#, false),
            (r#"IsPrimaryKey "n""#, false),
            (r#"DistinctValuesCount "n" = 0"#, true),
            (r#"Entropy "n" >= 0"#, false),
            (r#"Mean "n" > 0"#, false),
            (r#"Sum "n" = 0"#, false),
            (r#"StandardDeviation "n" >= 0"#, false),
            (r#"ColumnCorrelation "n" "n" > 0"#, false),
            (r#"ColumnValues "n" > 0"#, false),
            (r#"ColumnValues "n" in [1]"#, false),
            (r#"ColumnValues "t" matches ".*""#, false),
            (r#"ColumnLength "t" >= 0"#, false),
            (r#"ColumnDataType "t" = "Integer""#, true),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failing.parquet");
    let found = with(r#"IsComplete "n""#, &empty, Profile::Glue, Composites::Column, Rows::Keep(&path));
    assert_eq!((found.rows, found.failing, path.exists()), (0, Some(0), false));
}

#[test]
fn columns_of_nulls() {
    let nulls = DataFrame::new_infer_height(vec![
        Column::from(Series::full_null("n".into(), 3, &DataType::Int64)),
        Column::from(Series::full_null("t".into(), 3, &DataType::String)),
        Column::from(Series::full_null("d".into(), 3, &DataType::Decimal(10, 2))),
        Column::from(Series::full_null("x".into(), 3, &DataType::Null)),
    ])
    .unwrap();
    expect(
        &nulls,
        Profile::Glue,
        &[
            (r#"Completeness "n" = 0"#, true),
            (r#"IsUnique "n""#, false),
            (r#"DistinctValuesCount "n" = 1"#, true),
            (r#"Mean "n" > 0"#, false),
            (r#"Sum "d" = 0"#, false),
            (r#"ColumnValues "n" = NULL"#, true),
            (r#"ColumnValues "d" > 0"#, false),
            (r#"ColumnValues "t" != "x""#, true),
            (r#"ColumnLength "t" = 0"#, true),
            (r#"IsComplete "x""#, false),
            (r#"IsUnique "x""#, false),
            (r#"ColumnValues "x" > 0"#, false),
        ],
    );
}

#[test]
fn not_a_number_and_the_infinities() {
    let floats = df!("f" => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::NAN]).unwrap();
    expect(
        &floats,
        Profile::Glue,
        &[
            (r#"IsComplete "f""#, true),
            (r#"ColumnValues "f" > 0"#, false),
            (r#"ColumnValues "f" in [0]"#, false),
            (r#"ColumnValues "f" != 1"#, true),
            (r#"DistinctValuesCount "f" = 5"#, true),
            (r#"Uniqueness "f" between 0.3 and 0.4"#, true),
            (r#"Mean "f" > 0"#, false),
            (r#"Mean "f" < 0"#, false),
            (r#"StandardDeviation "f" > 0"#, false),
        ],
    );
    let most = df!("f" => [1.0, f64::NAN]).unwrap();
    expect(&most, Profile::Glue, &[(r#"ColumnValues "f" > 0"#, true), (r#"ColumnValues "f" < 10"#, false)]);
}

#[test]
fn decimals_at_the_limit() {
    let most = "99999999999999999999999999999999999999";
    let texts = Series::new("d".into(), [most, "-99999999999999999999999999999999999999", most]);
    let rows = DataFrame::new_infer_height(vec![
        Column::from(texts.cast(&DataType::Decimal(38, 0)).unwrap()),
        Column::from(Series::new("c".into(), ["0.01", "0.02", "0.03"]).cast(&DataType::Decimal(10, 2)).unwrap()),
    ])
    .unwrap();
    expect(
        &rows,
        Profile::Glue,
        &[
            (r#"Sum "d" > 99999999999999999999999999999999999"#, true),
            (r#"ColumnValues "d" <= 99999999999999999999999999999999999999"#, true),
            (r#"ColumnValues "d" < 999999999999999999999999999999999999999999999"#, true),
            (r#"IsUnique "d""#, false),
            (r#"Sum "c" = 0.06"#, true),
            (r#"Mean "c" = 0.02"#, true),
            (r#"ColumnValues "c" > 0.009"#, true),
            (r#"ColumnValues "c" >= 0.011"#, false),
            (r#"ColumnValues "c" in [0.01, 0.02, 0.03]"#, true),
        ],
    );
    let verdict = verdict(r#"ColumnValues "d" < 1"#, &rows);
    assert!(matches!(verdict.evaluated, Evaluated::MayDiffer(reason) if reason.contains("15 digits")));
}

#[test]
fn integers_at_the_limit() {
    let rows = df!("n" => [i64::MAX, i64::MAX, i64::MIN]).unwrap();
    expect(
        &rows,
        Profile::Glue,
        &[
            (r#"Sum "n" > 9223372036854770000"#, true),
            (r#"ColumnValues "n" >= -9223372036854775808"#, true),
            (r#"ColumnValues "n" < 9223372036854775807"#, false),
            (r#"ColumnValues "n" < 9223372036854775808"#, true),
        ],
    );
}

#[test]
fn names_of_columns_that_look_like_something_else() {
    for name in ["^n$", "*", "a.b", "a b", "o'n", "_row", "\u{1f600}", "count", "^.*$", "a`b"] {
        let rows = df!(name => [Some(1i64), Some(2), None], "n" => [1i64, 1, 1]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("failing.parquet");
        let rules = format!(
            r#"IsComplete "{name}", IsUnique "{name}", Sum "{name}" = 3, ColumnValues "{name}" > 0, IsPrimaryKey "{name}""#
        );
        let found = with(&rules, &rows, Profile::Glue, Composites::Column, Rows::Keep(&path));
        let outcomes: Vec<bool> = found.verdicts.iter().map(|verdict| verdict.outcome == Outcome::Passed).collect();
        assert_eq!(outcomes, [false, true, true, false, false], "{name}");
        assert_eq!(found.failing, Some(1), "{name}");
    }
    let quoted = df!("say \"hi\"" => [1i64]).unwrap();
    assert_eq!(verdict(r#"ColumnValues "say \"hi\"" > 0"#, &quoted).outcome, Outcome::Passed);
}

#[test]
fn columns_that_failing_rows_get_are_not_there_before() {
    let rows = df!("_rules" => [1i64]).unwrap();
    let ruleset = assay_dqdl::parse("Rules = [ RowCount > 0 ]").unwrap();
    let references = BTreeMap::new();
    let data = Data {
        rows: rows.lazy(),
        key: &[],
        references: &references,
        files: None,
        history: &NoHistory,
        now: DateTime::from_timestamp(NOW, 0).unwrap(),
        profile: Profile::Glue,
        composites: Composites::Column,
        cancelled: &|| false,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failing.parquet");
    let error = evaluate(&ruleset, &data, Rows::Keep(&path)).unwrap_err();
    assert!(matches!(&error, QualityError::Reserved { column } if column == "_rules"), "{error}");
    let cancelled = Data { cancelled: &|| true, rows: data.rows.clone(), ..data };
    assert!(matches!(evaluate(&ruleset, &cancelled, Rows::Count), Err(QualityError::Cancelled)));
    assert!(!path.exists());
}

/// Sums that do not fit wrap or are null, as on the service, and leave the rules beside them alone.
#[test]
fn a_query_that_overflows_is_decided_as_on_the_service() {
    let rows = df!("id" => [1i64, 2], "big" => [i64::MAX, i64::MAX]).unwrap();
    let nines = "9".repeat(38);
    let wanted = [
        ("RowCount = 2".to_owned(), Outcome::Passed),
        ("CustomSql \"select sum(big) from primary\" = -2".to_owned(), Outcome::Passed),
        (format!("CustomSql \"select sum({nines}) from primary\" > 0"), Outcome::Failed),
        ("CustomSql \"select id from primary where big + big = -2\"".to_owned(), Outcome::Passed),
        ("CustomSql \"select id from primary where (select sum(big) from primary) = -2\"".to_owned(), Outcome::Passed),
        (format!("CustomSql \"select id from primary where (select sum({nines}) from primary) > 0\""), Outcome::Failed),
        ("CustomSql \"select id from primary where 'a' rlike '('\"".to_owned(), Outcome::Unknown),
    ];
    let rules: Vec<&str> = wanted.iter().map(|(rule, _)| rule.as_str()).collect();
    let report = report(&rules.join(", "), &rows);
    for ((rule, outcome), verdict) in wanted.iter().zip(&report.verdicts) {
        assert_eq!(verdict.outcome, *outcome, "{rule}: {verdict:?}");
    }
}
