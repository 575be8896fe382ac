//! One file for each source file.

use super::*;
use arrow::array::AsArray;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Source → values in the source's order.
type Day = BTreeMap<String, Vec<i64>>;

/// Rows of one day, in an order that is not the sources'; `per_line` values lie on each line.
fn rows(day: &str, sources: &Day, per_line: i64) -> DataFrame {
    let mut all: Vec<(&str, i64, i64, i64)> = Vec::new();
    for (path, values) in sources {
        let placed = values.iter().enumerate().map(|(at, value)| (at as i64, *value));
        all.extend(placed.map(|(at, value)| (path.as_str(), 1 + at / per_line, 1 + at % per_line, value)));
    }
    all.sort_by_key(|(path, line, item, value)| (value % 7, *item, *line, *path));
    let days = all.iter().map(|_| Some(day.to_owned())).collect();
    frame(vec![
        column("day", days, DataType::Date),
        Column::new("value".into(), all.iter().map(|row| row.3).collect::<Vec<_>>()),
        Column::new("_source_file".into(), all.iter().map(|row| row.0).collect::<Vec<_>>()),
        Column::new("_source_line".into(), all.iter().map(|row| row.1).collect::<Vec<_>>()),
        Column::new("_source_item".into(), all.iter().map(|row| row.2).collect::<Vec<_>>()),
        Column::new("_run_id".into(), all.iter().map(|_| "run").collect::<Vec<_>>()),
    ])
}

fn bench() -> Bench {
    Bench::new(Layer::Silver, Some("day"))
}

fn orders(form: PublishedForm) -> Publication {
    let name = format!("orders_ETL_{{time}}.{}", form::ending(form));
    Publication { form, path: "out".into(), files: PublishedFiles::BySource { name } }
}

fn csv() -> Publication {
    orders(PublishedForm::Csv)
}

fn day(sources: &[(&str, &[i64])]) -> Day {
    sources.iter().map(|(path, values)| ((*path).to_owned(), values.to_vec())).collect()
}

fn text(values: &[i64]) -> String {
    std::iter::once("value".to_owned()).chain(values.iter().map(i64::to_string)).map(|line| line + "\n").collect()
}

#[test]
fn each_source_has_a_file_in_its_own_order_with_notes_of_where_it_is_from() {
    let mut bench = bench();
    bench.tags.insert("in/a.json".into(), "tag a".into());
    bench.tags.insert("in/b.json".into(), "tag b".into());
    bench.commit(rows("2026-01-01", &day(&[("in/a.json", &[5, 3, 9]), ("in/b.json", &[1])]), 2), None);
    let done = bench.publish(&orders(PublishedForm::Parquet));
    assert_eq!(done, Published { written: 2, ..Published::default() });
    assert_eq!(bench.names("out"), ["orders_ETL_20231114_221320.parquet", "orders_ETL_20231114_221321.parquet"]);
    let (rows, notes) = parquet(&bench.out("out/orders_ETL_20231114_221320.parquet"));
    assert_eq!(rows.schema().fields().len(), 1, "neither partition nor audit columns");
    assert_eq!(rows.column(0).as_primitive::<arrow::datatypes::Int64Type>().values(), &[5, 3, 9]);
    let note = |key: &str| notes.get(key).map(String::as_str);
    assert_eq!(
        (note("assay.source"), note("assay.tag"), note("assay.run")),
        (Some("in/a.json"), Some("tag a"), Some("run"))
    );
}

#[test]
fn many_sources_and_large_ones_come_out_in_order() {
    for per_line in [1, 3, i64::MAX] {
        let mut bench = bench();
        let mut sources: Day =
            (0..120).map(|at| (format!("in/{at:03}.json"), (0..at % 5).map(|row| at * 10 + row).collect())).collect();
        // More rows than are held at a time.
        sources.insert("in/large.json".into(), (0..333).map(|row| 1_000_000 - row).collect());
        bench.tags = sources.keys().map(|path| (path.clone(), format!("tag of {path}"))).collect();
        bench.commit(rows("2026-01-01", &sources, per_line), None);
        let with_rows: Vec<&Vec<i64>> = sources.values().filter(|values| !values.is_empty()).collect();
        assert_eq!(bench.publish(&csv()).written, with_rows.len() as u64);
        // Names are given in the order of the paths.
        let files: Vec<String> =
            bench.files("out").into_values().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
        assert_eq!(files, with_rows.iter().map(|values| text(values)).collect::<Vec<_>>());
    }
}

#[test]
fn a_reprocess_writes_only_what_differs_under_the_same_name() {
    let mut bench = bench();
    bench.tags = [("in/a", "A"), ("in/b", "B"), ("in/c", "C")].map(|(path, tag)| (path.into(), tag.into())).into();
    bench.commit(rows("2026-01-01", &day(&[("in/a", &[1, 2]), ("in/b", &[3])]), 1), None);
    bench.publish(&csv());
    let before = bench.files("out");
    bench.processed_at += TimeDelta::days(1);
    bench.commit(rows("2026-01-01", &day(&[("in/a", &[1, 2]), ("in/b", &[3])]), 1), Some(&["2026-01-01"]));
    assert_eq!(bench.publish(&csv()), Published { unchanged: 2, ..Published::default() });
    assert_eq!(bench.files("out"), before);
    bench.commit(rows("2026-01-01", &day(&[("in/a", &[2, 1]), ("in/b", &[3]), ("in/c", &[4])]), 1), None);
    assert_eq!(bench.publish(&csv()), Published { written: 2, unchanged: 1, ..Published::default() });
    assert_eq!(bench.text("out/orders_ETL_20231114_221320.csv"), text(&[2, 1]));
    assert_eq!(bench.text("out/orders_ETL_20231115_221320.csv"), text(&[4]));
}

#[test]
fn a_source_that_is_gone_loses_its_file_and_comes_back_under_its_name() {
    let mut bench = bench();
    bench.tags = [("in/a", "A"), ("in/b", "B")].map(|(path, tag)| (path.into(), tag.into())).into();
    let both = day(&[("in/a", &[1]), ("in/b", &[3])]);
    bench.commit(rows("2026-01-01", &both, 1), None);
    bench.publish(&csv());
    let before = bench.files("out");
    bench.commit(rows("2026-01-01", &day(&[("in/b", &[3])]), 1), None);
    assert_eq!(bench.publish(&csv()), Published { removed: 1, unchanged: 1, ..Published::default() });
    assert_eq!(bench.names("out"), ["orders_ETL_20231114_221321.csv"]);
    bench.processed_at += TimeDelta::days(1);
    bench.commit(rows("2026-01-01", &both, 1), None);
    bench.publish(&csv());
    assert_eq!(bench.files("out"), before);
    // A name is not given to another source while its own is away.
    bench.commit(rows("2026-01-01", &Day::new(), 1), None);
    bench.publish(&csv());
    assert!(bench.names("out").is_empty());
    bench.processed_at -= TimeDelta::days(1);
    bench.tags.insert("in/c".into(), "C".into());
    bench.commit(rows("2026-01-01", &day(&[("in/c", &[7])]), 1), None);
    bench.publish(&csv());
    assert_eq!(bench.names("out"), ["orders_ETL_20231114_221322.csv"]);
}

#[test]
fn an_interrupted_copy_follows_a_table_that_went_back() {
    let mut bench = bench();
    bench.tags = [("in/a", "A"), ("in/b", "B")].map(|(path, tag)| (path.into(), tag.into())).into();
    bench.commit(rows("2026-01-01", &day(&[("in/a", &[1, 2]), ("in/b", &[3])]), 1), None);
    bench.publish(&csv());
    let first = bench.files("out");
    let mut interrupted = 0;
    for checks in 0..12 {
        bench.commit(rows("2026-01-01", &day(&[("in/a", &[5]), ("in/b", &[6, 7])]), 1), None);
        interrupted += u32::from(bench.publish_with(&csv(), &Cancels(AtomicI32::new(checks))).is_err());
        // The files of then: the record of before must not hide what the interrupted copy wrote.
        bench.restore(0);
        bench.publish(&csv());
        assert_eq!(bench.files("out"), first);
    }
    assert!((2..12).contains(&interrupted), "{interrupted} of 12 copies were interrupted");
}

#[test]
fn one_content_has_one_output() {
    let mut bench = bench();
    bench.tags = [("in/a", "A"), ("in/b", "A"), ("in/c", "C")].map(|(path, tag)| (path.into(), tag.into())).into();
    bench.commit(rows("2026-01-01", &day(&[("in/a", &[1]), ("in/b", &[1]), ("in/c", &[2])]), 1), None);
    let done = bench.publish(&csv());
    assert_eq!((done.written, done.doubles), (2, vec!["in/b".to_owned()]));
    assert_eq!(bench.names("out"), ["orders_ETL_20231114_221320.csv", "orders_ETL_20231114_221321.csv"]);
    // The first goes: the same content stays under the same name.
    bench.processed_at += TimeDelta::days(1);
    bench.commit(rows("2026-01-01", &day(&[("in/b", &[1]), ("in/c", &[2])]), 1), None);
    bench.publish(&csv());
    assert_eq!(bench.names("out"), ["orders_ETL_20231114_221320.csv", "orders_ETL_20231114_221321.csv"]);
    assert_eq!(bench.text("out/orders_ETL_20231114_221320.csv"), text(&[1]));
    // A file that is overwritten with the content of another one gives its own output up.
    bench.tags.insert("in/c".into(), "A".into());
    bench.commit(rows("2026-01-01", &day(&[("in/b", &[1]), ("in/c", &[1])]), 1), None);
    assert_eq!(bench.publish(&csv()).doubles, ["in/c"]);
    assert_eq!(bench.names("out"), ["orders_ETL_20231114_221320.csv"]);
}

#[test]
fn a_tag_that_nobody_knows_is_taken_from_the_file() {
    let bench = bench();
    for name in ["a", "b"] {
        fs::create_dir_all(bench.out("in")).unwrap();
        fs::write(bench.out(&format!("in/{name}")), "the same").unwrap();
    }
    bench.commit(rows("2026-01-01", &day(&[("in/a", &[1]), ("in/b", &[1])]), 1), None);
    assert_eq!(bench.publish(&csv()).doubles, ["in/b"]);
}

#[test]
fn a_name_that_lies_in_the_folder_already_is_not_taken() {
    let bench = bench();
    fs::create_dir_all(bench.out("out")).unwrap();
    fs::write(bench.out("out/orders_ETL_20231114_221320.csv"), "somebody's").unwrap();
    bench.commit(rows("2026-01-01", &day(&[("in/a", &[1])]), 1), None);
    bench.publish(&csv());
    assert_eq!(bench.text("out/orders_ETL_20231114_221320.csv"), "somebody's");
    assert_eq!(bench.text("out/orders_ETL_20231114_221321.csv"), text(&[1]));
}

#[test]
fn another_form_keeps_the_stem_of_the_name() {
    let bench = bench();
    bench.commit(rows("2026-01-01", &day(&[("in/a", &[1])]), 1), None);
    bench.publish(&csv());
    let done = bench.publish(&orders(PublishedForm::Tsv));
    assert_eq!((done.written, done.removed), (1, 1));
    assert_eq!(bench.names("out"), ["orders_ETL_20231114_221320.tsv"]);
}

#[test]
fn a_table_without_sources_is_refused() {
    let bench = Bench::new(Layer::Gold, Some("day"));
    let rows = rows("2026-01-01", &day(&[("in/a", &[1])]), 1);
    bench.commit(rows.select(["day", "value"]).unwrap(), None);
    assert!(matches!(bench.publish_with(&csv(), &Quiet), Err(StageError::CopySources { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever happens to two days, also when copies are interrupted, the folder shows the table and names stay.
    #[test]
    fn the_folder_follows_the_table(
        changes in prop::collection::vec((0..2usize, prop::collection::btree_map(0..4u8, 0..60usize, 0..4), 0..40i32), 1..7)
    ) {
        let mut bench = bench();
        let days = ["2026-01-01", "2026-01-02"];
        let mut table: [Day; 2] = Default::default();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut history: Vec<(i64, [Day; 2], BTreeMap<String, String>)> = Vec::new();
        for (round, (which, sources, patience)) in changes.into_iter().enumerate() {
            if patience % 3 == 0 && let Some((version, rows, tags)) = history.first().cloned() {
                bench.restore(version);
                (table, bench.tags) = (rows, tags);
            } else {
                table[which] = sources.into_iter().filter(|(_, count)| *count > 0).map(|(source, count)| {
                    let base = i64::from(source) * 1_000_000 + round as i64 % 3 * 10_000 + which as i64 * 1000;
                    (format!("in/{source}"), (0..count as i64).map(|row| base + row).collect())
                }).collect();
                for path in table[which].keys() {
                    bench.tags.insert(path.clone(), format!("{path} {}", round % 3));
                }
                bench.commit(rows(days[which], &table[which], 4), Some(&[days[which]]));
            }
            history.push((bench.version(), table.clone(), bench.tags.clone()));
            let interrupted = bench.publish_with(&csv(), &Cancels(AtomicI32::new(patience)));
            prop_assert!(matches!(interrupted, Ok(_) | Err(StageError::Cancelled)));
            if interrupted.is_err() && round % 2 == 0 {
                continue;
            }
            bench.publish(&csv());
            let again = bench.publish(&csv());
            prop_assert_eq!((again.written, again.removed), (0, 0));
            // The rows of a source lie on the same lines on both days: they follow each other by line and item.
            let mut expected: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
            for (path, values) in table.iter().flatten() {
                expected.entry(path.clone()).or_default().extend(values);
            }
            let files = bench.files("out");
            let mut found: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
            for (name, bytes) in &files {
                let values: BTreeSet<i64> = String::from_utf8_lossy(bytes).lines().skip(1).map(|line| line.parse().unwrap()).collect();
                let path = format!("in/{}", values.first().unwrap() / 1_000_000);
                let kept = names.entry(path.clone()).or_insert_with(|| name.clone());
                prop_assert_eq!(&*kept, name, "a name is kept for ever");
                seen.insert(name.clone());
                found.insert(path, values);
            }
            prop_assert_eq!(&found, &expected);
            prop_assert_eq!(seen.len(), names.len(), "no name has two sources");
        }
    }
}
