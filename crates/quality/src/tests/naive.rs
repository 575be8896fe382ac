//! Random frames and rules, evaluated by the crate and by a computation row by row that shares nothing with it.

use super::*;
use polars::prelude::df;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use std::collections::BTreeMap as Map;

#[derive(Debug, Clone)]
struct Row {
    n: Option<i64>,
    f: Option<f64>,
    t: Option<String>,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let number = weighted(0.8, -3i64..4);
    let float = weighted(0.8, prop_oneof![Just(0.0), Just(-1.5), Just(2.0), Just(f64::NAN), -3.0..3.0f64]);
    let text = weighted(0.8, prop_oneof![Just(""), Just(" "), Just("a"), Just("ab"), Just("b"), Just("\u{e9}e")]);
    vec((number, float, text).prop_map(|(n, f, t)| Row { n, f, t: t.map(str::to_owned) }), 0..12)
}

fn frame(rows: &[Row]) -> DataFrame {
    df!(
        "n" => rows.iter().map(|row| row.n).collect::<Vec<_>>(),
        "f" => rows.iter().map(|row| row.f).collect::<Vec<_>>(),
        "t" => rows.iter().map(|row| row.t.clone()).collect::<Vec<_>>(),
    )
    .unwrap()
}

/// The order of numbers in which NaN is the greatest and equals itself.
fn above(a: f64, b: f64) -> bool {
    if a.is_nan() { !b.is_nan() } else { a > b }
}

type Says = Box<dyn Fn(&Row) -> Option<bool>>;

/// Rules whose meaning for a row is plain, with that meaning.
fn by_row() -> Vec<(&'static str, Says)> {
    let n = |row: &Row, test: fn(i64) -> bool| Some(row.n.is_some_and(test));
    let t = |row: &Row, test: fn(&str) -> bool| Some(row.t.as_deref().is_some_and(test));
    vec![
        (r#"IsComplete "n""#, Box::new(|row| Some(row.n.is_some()))),
        (r#"ColumnValues "n" > 0"#, Box::new(move |row| n(row, |n| n > 0))),
        (r#"ColumnValues "n" <= 1.5"#, Box::new(move |row| n(row, |n| n <= 1))),
        (r#"ColumnValues "n" between -1 and 2"#, Box::new(move |row| n(row, |n| n == 0 || n == 1))),
        (r#"ColumnValues "n" not between -1 and 2"#, Box::new(move |row| n(row, |n| n <= -1 || n >= 2))),
        (r#"ColumnValues "n" = 2"#, Box::new(move |row| n(row, |n| n == 2))),
        (r#"ColumnValues "n" != 2"#, Box::new(|row| Some(row.n != Some(2)))),
        (r#"ColumnValues "n" in [1, 2, NULL]"#, Box::new(|row| Some(row.n.is_none_or(|n| n == 1 || n == 2)))),
        (r#"ColumnValues "n" not in [1, NULL]"#, Box::new(move |row| n(row, |n| n != 1))),
        (r#"ColumnValues "f" > 0"#, Box::new(|row| Some(row.f.is_some_and(|f| above(f, 0.0))))),
        (r#"ColumnValues "f" < 2.0"#, Box::new(|row| Some(row.f.is_some_and(|f| above(2.0, f))))),
        (r#"ColumnValues "t" in ["a", "b"]"#, Box::new(move |row| t(row, |t| t == "a" || t == "b"))),
        (
            r#"ColumnValues "t" not in ["a", EMPTY]"#,
            Box::new(|row| Some(row.t.as_deref().is_none_or(|t| t != "a" && !t.is_empty()))),
        ),
        (r#"ColumnValues "t" = WHITESPACES_ONLY"#, Box::new(move |row| t(row, |t| t == " "))),
        (r#"ColumnValues "t" matches "a.?""#, Box::new(move |row| t(row, |t| t == "a" || t == "ab"))),
        (r#"ColumnLength "t" < 2"#, Box::new(|row| Some(row.t.as_deref().unwrap_or("").chars().count() < 2))),
    ]
}

fn same(found: f64, wanted: f64) -> bool {
    (found.is_nan() && wanted.is_nan()) || (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0)
}

/// How often each key of the rows occurs.
fn keys<K: Ord>(rows: &[Row], key: impl Fn(&Row) -> K) -> Map<K, u64> {
    let mut found = Map::new();
    rows.iter().for_each(|row| *found.entry(key(row)).or_default() += 1);
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_counted_as_a_walk_over_them_counts(rows in rows(), filtered in any::<bool>()) {
        let rules = by_row();
        let tail = if filtered { r#" where "n > 0""# } else { "" };
        let texts: Vec<String> = rules.iter().map(|(rule, _)| format!("{rule}{tail}")).collect();
        let report = report(&texts.join(", "), &frame(&rows));
        for ((rule, says), verdict) in rules.iter().zip(&report.verdicts) {
            let kept: Vec<&Row> = rows.iter().filter(|row| !filtered || row.n.is_some_and(|n| n > 0)).collect();
            let count = |wanted: Option<bool>| kept.iter().filter(|row| says(row) == wanted).count() as u64;
            let counts = verdict.rows.unwrap();
            assert_eq!((counts.passed, counts.failed), (count(Some(true)), count(Some(false))), "{rule}");
            assert_eq!(counts.passed + counts.failed + counts.skipped, rows.len() as u64, "{rule}");
            let passes = if kept.is_empty() { filtered } else { count(Some(true)) == kept.len() as u64 };
            assert_eq!(verdict.outcome == Outcome::Passed, passes, "{rule} {verdict:?}");
        }
    }

    #[test]
    fn numbers_are_those_of_a_walk_over_the_rows(rows in rows()) {
        let rules = r#"RowCount >= 0, Completeness "t" >= 0, Uniqueness "n" >= 0, Uniqueness "n" "t" >= 0,
            UniqueValueRatio "t" >= 0, DistinctValuesCount "t" >= 0, Entropy "n" >= 0, Mean "n" > 0, Sum "n" > 0,
            Variance "n" > 0, ColumnCorrelation "n" "f" > 0"#;
        let report = report(rules, &frame(&rows));
        let number = |metric: &str| {
            report.statistics.iter().find(|statistic| statistic.metric == metric).map(|statistic| statistic.value)
        };
        let check = |metric: &str, wanted: Option<f64>| match (number(metric), wanted) {
            (Some(found), Some(wanted)) => assert!(same(found, wanted), "{metric}: {found}, not {wanted}"),
            (found, wanted) => assert_eq!(found, wanted, "{metric}"),
        };
        let all = rows.len() as f64;
        let some = |value: f64, when: bool| when.then_some(value);
        check("Dataset.*.RowCount", Some(all));
        let present = rows.iter().filter(|row| row.t.is_some()).count() as f64;
        check("Column.t.Completeness", some(present / all, !rows.is_empty()));
        let by_n = keys(&rows, |row| row.n);
        let valued: Vec<(&Option<i64>, &u64)> = by_n.iter().filter(|(key, _)| key.is_some()).collect();
        let with_n: u64 = valued.iter().map(|(_, count)| **count).sum();
        let once = valued.iter().filter(|(_, count)| **count == 1).count() as f64;
        check("Column.n.Uniqueness", some(once / with_n as f64, with_n > 0));
        let entropy: f64 = valued.iter().map(|(_, count)| **count as f64 / with_n as f64).map(|p| -p * p.ln()).sum();
        check("Column.n.Entropy", some(entropy, with_n > 0));
        let pairs = keys(&rows, |row| (row.n, row.t.clone()));
        let pairs: Vec<u64> = pairs.iter().filter(|((n, t), _)| n.is_some() || t.is_some()).map(|(_, count)| *count).collect();
        let single = pairs.iter().filter(|count| **count == 1).count() as f64;
        check("Multicolumn.n,t.Uniqueness", some(single / pairs.iter().sum::<u64>() as f64, !pairs.is_empty()));
        let by_t = keys(&rows, |row| row.t.clone());
        check("Column.t.DistinctValuesCount", Some(by_t.len() as f64));
        let texts: Vec<&u64> = by_t.iter().filter(|(key, _)| key.is_some()).map(|(_, count)| count).collect();
        let unique = texts.iter().filter(|count| ***count == 1).count() as f64;
        check("Column.t.UniqueValueRatio", some(unique / texts.len() as f64, !texts.is_empty()));
        let values: Vec<f64> = rows.iter().filter_map(|row| row.n).map(|n| n as f64).collect();
        let count = values.len() as f64;
        let sum: f64 = values.iter().sum();
        check("Column.n.Sum", some(sum, count > 0.0));
        check("Column.n.Mean", some(sum / count, count > 0.0));
        let spread: f64 = values.iter().map(|value| (value - sum / count).powi(2)).sum::<f64>() / count;
        check("Column.n.Variance", some(spread, count > 0.0));
        let both: Vec<(f64, f64)> = rows.iter().filter_map(|row| Some((row.n? as f64, row.f?))).collect();
        let mean = |of: fn(&(f64, f64)) -> f64| both.iter().map(of).sum::<f64>() / both.len() as f64;
        let (x, y) = (mean(|pair| pair.0), mean(|pair| pair.1));
        let deviation = |of: &dyn Fn(&(f64, f64)) -> f64| both.iter().map(of).sum::<f64>();
        let joint = deviation(&|(a, b)| (a - x) * (b - y));
        let spread = deviation(&|(a, _)| (a - x).powi(2)) * deviation(&|(_, b)| (b - y).powi(2));
        // Below this the rounding of the means is all there is.
        if spread == 0.0 || spread.is_nan() || spread > 1e-12 {
            check("Multicolumn.n,f.ColumnCorrelation", some(joint / spread.sqrt(), !both.is_empty()));
        }
    }

    #[test]
    fn failing_rows_are_those_that_a_walk_finds(rows in rows()) {
        let rules = by_row();
        let texts: Vec<&str> = rules.iter().map(|(rule, _)| *rule).chain([r#"IsUnique "n" "t""#]).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("failing.parquet");
        let report = with(&texts.join(", "), &frame(&rows), Profile::Glue, Composites::Column, Rows::Every(&path));
        let by_key = keys(&rows, |row| (row.n, row.t.clone()));
        let wanted: Vec<Vec<u32>> = rows
            .iter()
            .map(|row| {
                let fails = rules.iter().zip(1u32..).filter(|((_, says), _)| says(row) == Some(false));
                let twice = by_key[&(row.n, row.t.clone())] > 1;
                fails.map(|(_, number)| number).chain(twice.then_some(texts.len() as u32)).collect()
            })
            .collect();
        assert_eq!(report.failing, Some(wanted.iter().filter(|rules| !rules.is_empty()).count() as u64));
        if rows.is_empty() {
            return Ok(());
        }
        let file = LazyFrame::scan_parquet(polars::prelude::PlRefPath::try_from_path(&path).unwrap(), Default::default());
        let file = file.unwrap().collect().unwrap();
        let numbers = file.column("_rules").unwrap().list().unwrap().clone();
        let found: Vec<Vec<u32>> = (0..file.height())
            .map(|row| numbers.get_as_series(row).unwrap().u32().unwrap().iter().flatten().collect())
            .collect();
        assert_eq!(found, wanted);
    }
}
