//! Tables that hold the newest version of each key.

#![allow(clippy::unwrap_used)]
use super::contracts::{Rules, column, contract, shop_of};
use super::shop::{Shop, date};
use crate::{Counts, Ingested, Level, PlannedFile, Progress, Quiet, Scope, StageError, Upserted, Watch};
use assay_pipeline::{Contract, SilverMode};
use assay_testkit::delta::DeltaTable;
use chrono::NaiveDate;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

fn customers() -> Contract {
    let columns = vec![
        column("id", "int64").required(),
        column("part", "string"),
        column("day", "date").formats(&["%Y-%m-%d"]).required(),
        column("v", "int64"),
        column("x", "string"),
    ];
    let key = vec!["id".to_owned(), "part".to_owned()];
    Contract { key, mode: SilverMode::Upsert { version: "v".to_owned() }, ..contract(columns) }
}

const COLUMNS: [&str; 5] = ["id", "part", "day", "v", "x"];

fn row(id: u32, day: u32, v: i64, x: &str) -> String {
    format!(r#"{{"id":{id},"day":"2024-01-{day:02}","v":{v},"x":"{x}"}}"#)
}

impl Shop {
    fn files_named(&self, names: &[&str]) -> Vec<PlannedFile> {
        let planned = self.planned().into_iter();
        planned.filter(|file| names.iter().any(|name| file.path.ends_with(name))).collect()
    }

    fn merge(&self, names: &[&str]) -> Ingested {
        self.ingest_files(self.files_named(names), Scope::Dates(BTreeSet::new()), &Quiet).unwrap()
    }

    fn rebuild(&self, names: &[&str], days: &[&str]) -> Ingested {
        let days = days.iter().map(|day| date(day)).collect();
        self.ingest_files(self.files_named(names), Scope::Dates(days), &Quiet).unwrap()
    }

    fn delta(&self) -> DeltaTable {
        DeltaTable::read(&self.folder_of_table()).unwrap()
    }

    fn files_of_day(&self, day: &str) -> Vec<String> {
        let folder = format!("day={day}/");
        self.delta().files.into_keys().filter(|path| path.starts_with(&folder)).collect()
    }
}

#[test]
fn the_newest_version_of_a_key_stays_whatever_its_date_and_order() {
    let shop = shop_of(customers());
    shop.put("x/a.json", [row(1, 1, 5, "old"), row(2, 1, 5, "two"), row(1, 1, 7, "new"), row(3, 2, 1, "c")].join("\n"));
    let done = shop.merge(&["a.json"]);
    assert_eq!(done.upserted, Some(Upserted { inserted: 3, older: 1, ..Upserted::default() }));
    assert_eq!(done.dates, [date("2024-01-01"), date("2024-01-02")]);
    // Key 1 moves to another day; an older version of key 2 comes late; key 4 is new.
    shop.put("x/b.json", [row(1, 3, 8, "moved"), row(2, 3, 4, "late"), row(4, 3, 0, "d")].join("\n"));
    let kept = shop.files_of_day("2024-01-02");
    let done = shop.merge(&["b.json"]);
    assert_eq!(done.upserted, Some(Upserted { inserted: 1, updated: 1, older: 1, ..Upserted::default() }));
    assert_eq!(done.dates, [date("2024-01-01"), date("2024-01-03")]);
    assert_eq!(done.counts, Counts { read: 3, accepted: 3, ..Counts::default() });
    assert_eq!(
        shop.silver_columns(&["id", "day", "v", "x"]),
        ["1|2024-01-03|8|moved", "2|2024-01-01|5|two", "3|2024-01-02|1|c", "4|2024-01-03|0|d"]
    );
    assert_eq!(shop.files_of_day("2024-01-02"), kept);
    assert_eq!(shop.quarantine(&["reason"]), Vec::<String>::new());
}

#[test]
fn a_partition_that_loses_its_last_row_is_empty() {
    let shop = shop_of(customers());
    shop.put("x/a.json", row(1, 1, 1, "a"));
    shop.merge(&["a.json"]);
    shop.put("x/b.json", row(1, 2, 2, "b"));
    shop.merge(&["b.json"]);
    assert_eq!(shop.files_of_day("2024-01-01"), Vec::<String>::new());
    assert_eq!(shop.silver_columns(&["day", "x"]), ["2024-01-02|b"]);
}

#[test]
fn what_the_table_holds_already_changes_nothing() {
    let shop = shop_of(customers());
    shop.put("x/a.json", [row(1, 1, 1, "a"), row(2, 2, 1, "b")].join("\n"));
    let first = shop.merge(&["a.json"]);
    let before = shop.delta();
    let again = shop.merge(&["a.json"]);
    assert_eq!(again.version, first.version);
    assert_eq!(again.upserted, Some(Upserted { unchanged: 2, ..Upserted::default() }));
    assert_eq!(again.dates, []);
    // The same values in a later file are the same row.
    shop.put("x/b.json", [row(2, 2, 1, "b"), row(1, 1, 1, "a")].join("\n"));
    let copied = shop.merge(&["b.json"]);
    assert_eq!((copied.version, copied.upserted.unwrap().unchanged), (first.version, 2));
    assert_eq!(shop.delta().files, before.files);
    // Other values of the same version win by their path.
    shop.put("x/c.json", row(1, 1, 1, "c"));
    assert_eq!(shop.merge(&["c.json"]).upserted.unwrap().updated, 1);
    shop.put("x/B.json", row(1, 1, 1, "B"));
    assert_eq!(shop.merge(&["B.json"]).upserted.unwrap().older, 1);
    assert_eq!(shop.silver_columns(&["id", "x"]), ["1|c", "2|b"]);
}

#[test]
fn rows_of_rebuilt_dates_stay_as_far_as_their_files_hold_them() {
    let shop = shop_of(customers());
    shop.put("x/a.json", [row(1, 1, 9, "a"), row(2, 1, 9, "a"), row(3, 2, 9, "a"), row(4, 1, 1, "a")].join("\n"));
    shop.put("x/b.json", [row(5, 1, 1, "b"), row(6, 3, 1, "b")].join("\n"));
    shop.merge(&["a.json", "b.json"]);
    let third = shop.files_of_day("2024-01-03");
    // A later delivery of the first file: 1 is gone, 2 is corrected to a lower version, 3 is gone but of another
    // date, 4 stays as it is.
    shop.put("x/a.json", [row(2, 1, 3, "corrected"), row(4, 1, 1, "a")].join("\n"));
    let told = Told::default();
    let days = [date("2024-01-01")].into();
    let done = shop.ingest_files(shop.files_named(&["a.json"]), Scope::Dates(days), &told).unwrap();
    assert_eq!(done.upserted, Some(Upserted { updated: 1, unchanged: 1, dropped: 1, ..Upserted::default() }));
    assert_eq!(done.dates, [date("2024-01-01")]);
    let expected = ["2|1|3|corrected", "3|2|9|a", "4|1|1|a", "5|1|1|b", "6|3|1|b"];
    let short = |rows: Vec<String>| rows.into_iter().map(|row| row.replace("2024-01-0", "")).collect::<Vec<_>>();
    assert_eq!(short(shop.silver_columns(&["id", "day", "v", "x"])), expected);
    assert_eq!(shop.files_of_day("2024-01-03"), third);
    let warning = told.0.lock().unwrap().iter().any(|text| text.starts_with("1 keys left the table"));
    assert!(warning, "{:?}", told.0.lock().unwrap());
    // Done twice, nothing changes.
    let again = shop.rebuild(&["a.json"], &["2024-01-01"]);
    assert_eq!((again.version, again.dates), (done.version, vec![]));
    // All files: the table as it would have been from the start.
    let all = shop.ingest().unwrap();
    assert_eq!(all.upserted, Some(Upserted { inserted: 4, ..Upserted::default() }));
    assert_eq!(
        short(shop.silver_columns(&["id", "day", "v", "x"])),
        ["2|1|3|corrected", "4|1|1|a", "5|1|1|b", "6|3|1|b"]
    );
}

#[test]
fn refused_records_are_replaced_by_file_and_not_by_date() {
    let shop = shop_of(customers());
    shop.put("2024-01-01/a.json", [row(1, 1, 1, "a"), "bad".into(), r#"{"day":"2024-01-02"}"#.into()].join("\n"));
    shop.put("2024-01-01/b.json", ["worse", "worst", r#"{"day":"2024-01-02","id":"x"}"#].join("\n"));
    shop.put("x/c.json", "undated");
    shop.merge(&["a.json"]);
    shop.merge(&["b.json"]);
    shop.merge(&["c.json"]);
    let all = || {
        let rows = shop.quarantine(&["date", "_source_file", "_source_line", "reason"]);
        rows.into_iter().map(|row| row.replace("bronze/sales/date=", "").replace("2024-01-0", "")).collect::<Vec<_>>()
    };
    let expected = [
        "null|x/c.json|1|malformed",
        "1|1/a.json|2|malformed",
        "1|1/b.json|1|malformed",
        "1|1/b.json|2|malformed",
        "2|1/a.json|3|missing.id",
        "2|1/b.json|3|type.id",
    ];
    assert_eq!(all(), expected);
    shop.merge(&["a.json"]);
    shop.merge(&["c.json"]);
    assert_eq!(all(), expected);
    shop.put("2024-01-01/b.json", row(2, 2, 1, "b"));
    let mut files = shop.files_named(&["b.json"]);
    files[0].known_dates = vec![date("2024-01-01"), date("2024-01-02")];
    shop.ingest_files(files, Scope::Dates(BTreeSet::new()), &Quiet).unwrap();
    assert_eq!(all(), [expected[0], expected[1], expected[4]]);
}

#[test]
fn a_table_without_a_version_keeps_the_row_of_the_last_file() {
    let shop = shop_of(customers());
    let of = |x: &str, v: &str| format!(r#"{{"id":1,"day":"2024-01-01","v":{v},"x":"{x}"}}"#);
    shop.put("x/a.json", [of("first", "null"), of("last", "null")].join("\n"));
    shop.merge(&["a.json"]);
    assert_eq!(shop.silver_columns(&["x"]), ["last"]);
    // Nothing is older than any version.
    shop.put("x/B.json", of("versioned", "-9"));
    shop.merge(&["B.json"]);
    assert_eq!(shop.silver_columns(&["x"]), ["versioned"]);
}

#[test]
fn another_run_in_between_is_merged_with() {
    let shop = shop_of(customers());
    shop.put("x/a.json", [row(1, 1, 1, "a"), row(2, 1, 1, "a")].join("\n"));
    shop.merge(&["a.json"]);
    shop.put("x/b.json", [row(1, 1, 2, "b"), row(3, 1, 1, "b")].join("\n"));
    shop.put("x/c.json", [row(1, 1, 3, "c"), row(2, 1, 3, "c"), row(4, 1, 1, "c")].join("\n"));
    // The second merge begins when the first has read the table and not yet committed.
    let between = Between { shop: &shop, done: Mutex::new(false), told: Told::default() };
    let done = shop.ingest_files(shop.files_named(&["b.json"]), Scope::Dates(BTreeSet::new()), &between).unwrap();
    assert!(*between.done.lock().unwrap());
    assert_eq!(done.upserted, Some(Upserted { inserted: 1, older: 1, ..Upserted::default() }));
    assert_eq!(shop.silver_columns(&["id", "x"]), ["1|c", "2|c", "3|b", "4|c"]);
    assert!(between.told.0.lock().unwrap().iter().any(|text| text.contains("merging again")));
    assert_eq!(shop.stray_files(), Vec::<String>::new());
}

#[test]
fn a_cancelled_merge_leaves_nothing() {
    struct Stop(Mutex<u32>);
    impl Watch for Stop {
        fn cancelled(&self) -> bool {
            let mut left = self.0.lock().unwrap();
            *left = left.saturating_sub(1);
            *left == 0
        }
        fn progress(&self, _: Progress) {}
        fn log(&self, _: Level, _: &str) {}
    }
    let shop = shop_of(customers());
    shop.put("x/a.json", [row(1, 1, 1, "a"), row(2, 2, 1, "a")].join("\n"));
    shop.merge(&["a.json"]);
    let before = shop.delta();
    shop.put("x/b.json", [row(1, 1, 2, "b"), row(2, 3, 2, "b")].join("\n"));
    let mut calls = 1;
    loop {
        let stop = Stop(Mutex::new(calls));
        match shop.ingest_files(shop.files_named(&["b.json"]), Scope::Dates(BTreeSet::new()), &stop) {
            Ok(_) => break,
            Err(error) => {
                let cancelled = match &error {
                    StageError::Lake(error) => error.kind() == assay_lake::Kind::Cancelled,
                    error => matches!(error, StageError::Cancelled),
                };
                assert!(cancelled, "{error}");
            }
        }
        assert_eq!(shop.delta().files, before.files, "after {calls} calls");
        assert_eq!(shop.stray_files(), Vec::<String>::new(), "after {calls} calls");
        calls += 1;
    }
    assert!(calls > 5, "{calls}");
    assert_eq!(shop.silver_columns(&["id", "x"]), ["1|b", "2|b"]);
    assert_eq!(std::fs::read_dir(shop.folder.path().join("scratch")).unwrap().count(), 0);
}

#[test]
fn a_column_that_was_added_is_null_in_rows_that_stay() {
    let mut shop = shop_of(customers());
    shop.put("x/a.json", [row(1, 1, 1, "a"), row(2, 1, 1, "a")].join("\n"));
    shop.merge(&["a.json"]);
    shop.pipeline.contracts[0].columns.push(column("y", "decimal(5,1)"));
    shop.put("x/b.json", r#"{"id":2,"day":"2024-01-01","v":2,"y":1.5}"#);
    shop.merge(&["b.json"]);
    assert_eq!(shop.silver_columns(&["id", "x", "y"]), ["1|a|null", "2|null|1.5"]);
    shop.pipeline.contracts[0].columns[4].kind = "int32".parse().unwrap();
    shop.put("x/c.json", r#"{"id":2,"day":"2024-01-01","v":3}"#);
    let error = shop.ingest_files(shop.files_named(&["c.json"]), Scope::Dates(BTreeSet::new()), &Quiet).unwrap_err();
    assert!(error.to_string().contains("would change: x is"), "{error}");
}

/// Keeps what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Watch for Told {
    fn cancelled(&self) -> bool {
        false
    }
    fn progress(&self, _: Progress) {}
    fn log(&self, _: Level, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

/// Merges another file as soon as new rows lie in the table's folder.
struct Between<'a> {
    shop: &'a Shop,
    done: Mutex<bool>,
    told: Told,
}

impl Watch for Between<'_> {
    fn cancelled(&self) -> bool {
        let mut done = self.done.lock().unwrap();
        if !*done && !self.shop.stray_files().is_empty() {
            *done = true;
            drop(done);
            // The one that is asked works within a runtime of its own.
            std::thread::scope(|scope| scope.spawn(|| self.shop.merge(&["c.json"])).join().unwrap());
        }
        false
    }
    fn progress(&self, _: Progress) {}
    fn log(&self, level: Level, text: &str) {
        self.told.log(level, text);
    }
}

impl Shop {
    /// Data files of the table that no commit ever named.
    fn stray_files(&self) -> Vec<String> {
        let folder = self.folder_of_table();
        let log = folder.join("_delta_log");
        let commits = std::fs::read_dir(log).into_iter().flatten().flatten();
        let named: String = commits.filter_map(|commit| std::fs::read_to_string(commit.path()).ok()).collect();
        let mut stray = Vec::new();
        for day in
            std::fs::read_dir(&folder).into_iter().flatten().flatten().filter(|day| day.file_name() != "_delta_log")
        {
            let files = std::fs::read_dir(day.path()).into_iter().flatten().flatten();
            let names = files.map(|file| file.file_name().into_string().unwrap());
            stray.extend(names.filter(|name| !named.contains(name.as_str())));
        }
        stray
    }
}

/// A record of the model: (id, part, day, version, text).
type Record = (u32, Option<&'static str>, u32, Option<i64>, u8);

fn records() -> impl Strategy<Value = Vec<Record>> {
    let part = select(vec![None, Some("a"), Some("b")]);
    let version = prop::option::weighted(0.9, 0..5i64);
    prop::collection::vec((0..5u32, part, 1..5u32, version, 0..3u8), 0..10)
}

/// Name of the file, its records, and whether it is one array on one line.
fn batches() -> impl Strategy<Value = Vec<(u8, Vec<Record>, bool)>> {
    prop::collection::vec((any::<u8>(), records(), any::<bool>()), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_sequence_of_batches_gives_the_newest_of_each_key(
        batches in batches(),
        keys in select(vec![8u64, 40, 1 << 20]),
        again in prop::collection::vec((any::<prop::sample::Index>(), 1..5u32), 0..3),
    ) {
        let mut shop = shop_of(customers());
        shop.limits.keys = keys;
        type Place = (String, usize, usize);
        type Newest = ((Option<i64>, Place), String);
        let mut model: BTreeMap<(u32, Option<&str>), Newest> = BTreeMap::new();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for (number, records, array) in batches {
            let name = format!("{number:03}.json");
            if !names.insert(name.clone()) {
                continue;
            }
            let texts: Vec<String> = records.iter().map(|(id, part, day, v, x)| {
                serde_json::json!({"id": id, "part": part, "day": format!("2024-01-{day:02}"), "v": v, "x": x.to_string()})
                    .to_string()
            }).collect();
            shop.put(&format!("x/{name}"), if array { format!("[{}]", texts.join(",")) } else { texts.join("\n") });
            for (at, (id, part, day, v, x)) in records.iter().enumerate() {
                let place = (name.clone(), if array { 1 } else { at + 1 }, at);
                let text = |value: Option<String>| value.unwrap_or("null".to_owned());
                let (part_text, v_text) = (text(part.map(str::to_owned)), text(v.map(|v| v.to_string())));
                let row = format!("{id}|{part_text}|2024-01-{day:02}|{v_text}|{x}");
                let new = ((*v, place), row);
                let best = model.entry((*id, *part)).or_insert_with(|| new.clone());
                if new.0 > best.0 {
                    *best = new;
                }
            }
            let before: BTreeMap<String, _> = match shop.folder_of_table().exists() {
                true => shop.delta().files,
                false => BTreeMap::new(),
            };
            let done = shop.merge(&[&name]);
            let upserted = done.upserted.unwrap();
            prop_assert_eq!(upserted.inserted + upserted.updated + upserted.unchanged + upserted.older, done.counts.accepted);
            let changed: BTreeSet<NaiveDate> = done.dates.iter().copied().collect();
            let day_of = |path: &str| date(path.strip_prefix("day=").unwrap().split('/').next().unwrap());
            let after = shop.delta().files;
            for path in before.keys().filter(|path| !changed.contains(&day_of(path))) {
                prop_assert!(after.contains_key(path), "{} was written anew", path);
            }
            for path in after.keys().filter(|path| !before.contains_key(*path)) {
                prop_assert!(changed.contains(&day_of(path)), "{} is new", path);
            }
            let mut expected: Vec<String> = model.values().map(|(_, row)| row.clone()).collect();
            let mut given = shop.silver_columns(&COLUMNS);
            expected.sort();
            given.sort();
            prop_assert_eq!(given, expected);
        }
        let table = shop.silver();
        let version = shop.delta().version;
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        for (file, day) in again {
            let done = shop.rebuild(&[all[file.index(all.len())]], &[]);
            prop_assert_eq!(done.upserted.unwrap().updated, 0);
            let done = shop.rebuild(&all, &[&format!("2024-01-{day:02}")]);
            prop_assert_eq!((done.upserted.unwrap().updated, done.upserted.unwrap().dropped), (0, 0));
            prop_assert_eq!(shop.delta().version, version);
        }
        shop.ingest().unwrap();
        prop_assert_eq!(shop.silver(), table);
    }
}
