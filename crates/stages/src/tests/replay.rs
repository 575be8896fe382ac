//! Refused records that are put through a corrected contract give what all records together give.

#![allow(clippy::unwrap_used)]
use super::contracts::{Rules, column, contract, gate, shop_of};
use super::shop::{Shop, date};
use crate::{
    Choice, FileReport, IngestJob, Ingested, Limits, Quiet, ReadFile, ReplayJob, Replayed, Scope, StageError, Watch,
    refused_groups, replay,
};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use assay_pipeline::{Column, Contract, Permit, SilverMode};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

/// What a contract is, besides its columns.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Lines,
    Array,
    Csv,
    Keyless,
    Upsert,
    Exploded,
    Parquet,
}

/// `wide` is the corrected one.
fn things(kind: Kind, wide: bool) -> Contract {
    let formats: &[&str] = if wide { &["%Y-%m-%d", "%d/%m/%Y"] } else { &["%Y-%m-%d"] };
    let below = |name: &str| Column { path: vec!["parts".to_owned(), name.to_owned()], ..column(name, "int64") };
    let exploded = kind == Kind::Exploded;
    let number = |name: &str| if exploded { below(name) } else { column(name, "int64") };
    let columns = vec![
        number("id").required(),
        column("day", "date").formats(formats).required(),
        number("n").range(if wide { "< 100" } else { "< 50" }),
        column("v", "int64"),
    ];
    let key = if kind == Kind::Keyless { Vec::new() } else { vec!["id".to_owned()] };
    let mode = if kind == Kind::Upsert { SilverMode::Upsert { version: "v".to_owned() } } else { SilverMode::Replace };
    let explode = if exploded { vec!["parts".to_owned()] } else { Vec::new() };
    Contract { key, mode, explode, ..contract(columns) }
}

#[derive(Debug, Clone)]
struct Thing {
    id: u32,
    day: String,
    n: u32,
    v: u32,
}

fn thing() -> impl Strategy<Value = Thing> {
    let day = prop_oneof![
        4 => (1u32..3).prop_map(|day| format!("2024-01-0{day}")),
        2 => (1u32..4).prop_map(|day| format!("0{day}/01/2024")),
        1 => Just("soon".to_owned()),
    ];
    (0u32..4, day, 0u32..130, 0u32..4).prop_map(|(id, day, n, v)| Thing { id, day, n, v })
}

fn parquet(file: &[Thing]) -> Vec<u8> {
    let number = |of: fn(&Thing) -> u32| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(file.iter().map(|thing| i64::from(of(thing)))))
    };
    let day: ArrayRef = Arc::new(StringArray::from_iter_values(file.iter().map(|thing| &thing.day)));
    let columns = [("id", number(|t| t.id)), ("day", day), ("n", number(|t| t.n)), ("v", number(|t| t.v))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn text(kind: Kind, file: &[Thing]) -> String {
    let object = |t: &Thing| format!(r#"{{"id":{},"day":"{}","n":{},"v":{}}}"#, t.id, t.day, t.n, t.v);
    let lines = |lines: Vec<String>| lines.join("\n");
    match kind {
        Kind::Csv => {
            let rows = file.iter().map(|t| format!("{},{},\"{}\",{}", t.id, t.day, t.n, t.v));
            format!("id,day,n,v\n{}\n", rows.collect::<Vec<_>>().join("\n"))
        }
        Kind::Array => format!("[{}]", file.iter().map(object).collect::<Vec<_>>().join(",\n")),
        Kind::Exploded => lines(
            file.chunks(3)
                .map(|parts| {
                    let part = |t: &Thing| format!(r#"{{"id":{},"n":{}}}"#, t.id, t.n);
                    let all = parts.iter().map(part).collect::<Vec<_>>().join(", ");
                    format!(r#"{{"day":"{}","v":{},"parts":[{all}]}}"#, parts[0].day, parts[0].v)
                })
                .collect(),
        ),
        _ => lines(file.iter().map(object).collect()),
    }
}

fn shop(kind: Kind, wide: bool, files: &[Vec<Thing>]) -> Shop {
    let mut shop = shop_of(things(kind, wide));
    shop.limits = Limits { kept: 20, ..super::shop::TINY };
    let ending = match kind {
        Kind::Csv => "csv",
        Kind::Parquet => "parquet",
        _ => "json",
    };
    for (number, file) in files.iter().enumerate() {
        let bytes = if kind == Kind::Parquet { parquet(file) } else { text(kind, file).into_bytes() };
        shop.put(&format!("x/{number}.{ending}"), bytes);
    }
    shop
}

impl Shop {
    fn replay_with(&self, done: &Ingested, choice: Choice, watch: &dyn Watch) -> Result<Replayed, StageError> {
        let now: DateTime<Utc> = DateTime::from_timestamp(1_700_000_100, 0).unwrap();
        let permit = Permit::issue("local", "replay", now + TimeDelta::hours(1));
        let read =
            |file: &FileReport| (file.path.clone(), ReadFile { tag: file.tag.clone(), modified_ns: file.modified_ns });
        let job = ReplayJob {
            ingest: IngestJob {
                pipeline: &self.pipeline,
                contract: &self.pipeline.contracts[0],
                source: &self.pipeline.sources[0],
                lake: &self.lake,
                files: self.planned(),
                surveyed: Vec::new(),
                more: &|_| Ok(Vec::new()),
                known: &|_| None,
                scope: Scope::Dates(BTreeSet::new()),
                run: "replay",
                processed_at: now,
                permit: &permit,
                threads: self.threads,
                scratch: &self.folder.path().join("scratch"),
                limits: self.limits,
                now: &|| now,
                rules: None,
            },
            choice,
            quarantine: done.quarantine_version,
            table: Some(done.version),
            ledger: done.files.iter().map(read).collect(),
        };
        replay(&job, watch)
    }

    fn replay(&self, done: &Ingested, reasons: &[&str], days: Option<&[&str]>) -> Replayed {
        let choice = Choice {
            dates: days.map(|days| days.iter().map(|day| date(day)).collect()),
            reasons: reasons.iter().map(ToString::to_string).collect(),
        };
        self.replay_with(done, choice, &Quiet).unwrap()
    }

    fn correct(&mut self, kind: Kind) {
        self.pipeline.contracts = vec![things(kind, true)];
    }

    fn told(&self) -> (Vec<String>, Vec<String>) {
        let mut columns = vec!["id", "day", "n", "v", "_source_file", "_source_line"];
        if !self.pipeline.contracts[0].explode.is_empty() {
            columns.push("_source_item");
        }
        let refused = ["_source_file", "_source_line", "_byte_offset", "reason", "column", "message", "secondary"];
        let refused: Vec<&str> = refused.into_iter().chain(["raw_bytes", "date"]).collect();
        (self.silver_columns(&columns), self.quarantine(&refused))
    }

    /// Every refused record has its bytes at least once.
    fn assert_raw(&self) {
        let mut whole: BTreeMap<(String, i64), bool> = BTreeMap::new();
        for (path, _, offset, raw) in self.raw() {
            let bytes = fs::read(self.bronze().join(&path)).unwrap();
            let at = offset as usize;
            assert!(bytes[at..].starts_with(&raw), "{path} {offset}");
            let behind = bytes.get(at + raw.len());
            let ends =
                matches!(behind, None | Some(b'\n' | b',' | b']')) && raw.ends_with(b"}") || !raw.starts_with(b"{");
            *whole.entry((path, offset)).or_default() |= ends;
        }
        assert!(whole.values().all(|whole| *whole), "{whole:?}");
    }
}

/// Path, read, accepted, refused and records by date.
type Entry = (String, u64, u64, u64, BTreeMap<NaiveDate, u64>);

/// Counts and dates of every file as the replay leaves them.
fn ledger(done: &Ingested, replayed: &Replayed) -> Vec<Entry> {
    let after = |file: &FileReport| {
        let change = replayed.files.get(&file.path).cloned().unwrap_or_default();
        let mut dates = file.dates.clone();
        for (date, by) in change.dates {
            let count = dates.entry(date).or_default();
            *count = count.checked_add_signed(by).unwrap();
        }
        dates.retain(|_, count| *count > 0);
        let read = file.counts.read.checked_add_signed(change.more).unwrap();
        let accepted = file.counts.accepted.checked_add_signed(change.accepted).unwrap();
        (file.path.clone(), read, accepted, read - accepted - file.counts.blank, dates)
    };
    done.files.iter().map(after).collect()
}

fn equals_a_reprocess(kind: Kind, files: &[Vec<Thing>]) {
    let mut one = shop(kind, false, files);
    let done = one.ingest().unwrap();
    one.correct(kind);
    let replayed = one.replay(&done, &[], None);
    let other = shop(kind, true, files);
    let whole = other.ingest().unwrap();
    assert_eq!(one.told(), other.told());
    assert_eq!(ledger(&done, &replayed), ledger(&whole, &Replayed::default()));
    assert_eq!(replayed.not_replayable, BTreeMap::new());
    let refused: u64 = replayed.refused.values().sum();
    assert_eq!(replayed.put_through + replayed.more, replayed.accepted + refused + replayed.duplicates);
    if kind != Kind::Parquet {
        one.assert_raw();
    }
    // The same again, as after a stop between the commits or behind them.
    let again = one.replay(&done, &[], None);
    assert_eq!(one.told(), other.told());
    assert_eq!((again.accepted, &again.dates), (replayed.accepted, &replayed.dates));
    one.ingest().unwrap();
    assert_eq!(one.told(), other.told());
}

fn some_files() -> impl Strategy<Value = Vec<Vec<Thing>>> {
    prop::collection::vec(prop::collection::vec(thing(), 1..9), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_of_json(files in some_files()) {
        equals_a_reprocess(Kind::Lines, &files);
    }

    #[test]
    fn arrays_of_json(files in some_files()) {
        equals_a_reprocess(Kind::Array, &files);
    }

    #[test]
    fn csv(files in some_files()) {
        equals_a_reprocess(Kind::Csv, &files);
    }

    #[test]
    fn parquet_rows(files in some_files()) {
        equals_a_reprocess(Kind::Parquet, &files);
    }

    #[test]
    fn without_a_key(files in some_files()) {
        equals_a_reprocess(Kind::Keyless, &files);
    }

    #[test]
    fn elements_of_records(files in some_files()) {
        equals_a_reprocess(Kind::Exploded, &files);
    }

    #[test]
    fn the_newest_of_each_key(files in some_files()) {
        equals_a_reprocess(Kind::Upsert, &files);
    }
}

fn things_of(texts: &[(u32, &str, u32)]) -> Vec<Thing> {
    texts.iter().map(|(id, day, n)| Thing { id: *id, day: (*day).to_owned(), n: *n, v: 0 }).collect()
}

#[test]
fn only_the_chosen_dates_and_reasons_go_through() {
    let file = things_of(&[
        (1, "2024-01-01", 5),
        (2, "2024-01-01", 60),
        (3, "2024-01-02", 70),
        (4, "03/01/2024", 1),
        (5, "2024-01-01", 120),
        (1, "2024-01-01", 80),
    ]);
    let mut shop = shop(Kind::Lines, false, &[file]);
    let done = shop.ingest().unwrap();
    shop.correct(Kind::Lines);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let name = assay_pipeline::TableName::new(&shop.pipeline.name, assay_pipeline::Layer::Silver, "sales");
    let (version, groups) = runtime.block_on(refused_groups(&shop.lake, &name)).unwrap().unwrap();
    let groups: Vec<String> = groups
        .iter()
        .map(|group| {
            format!("{} {} {}", group.date.map_or("none".into(), |d| d.to_string()), group.reason, group.records)
        })
        .collect();
    assert_eq!(version, done.quarantine_version);
    assert_eq!(groups, ["none type.day 1", "2024-01-01 range.n 3", "2024-01-02 range.n 1"]);
    let replayed = shop.replay(&done, &["range.n"], Some(&["2024-01-01"]));
    assert_eq!((replayed.put_through, replayed.accepted, replayed.duplicates, replayed.displaced), (3, 2, 0, 1));
    assert_eq!(replayed.refused, BTreeMap::from([("range.n".to_owned(), 1)]));
    assert_eq!(replayed.dates, [date("2024-01-01")]);
    assert_eq!(shop.silver_columns(&["id", "day", "n"]), ["1|2024-01-01|80", "2|2024-01-01|60"]);
    assert_eq!(
        shop.quarantine(&["_source_line", "date", "reason"]),
        ["1|2024-01-01|duplicate", "3|2024-01-02|range.n", "4|null|type.day", "5|2024-01-01|range.n"]
    );
}

#[test]
fn what_cannot_be_read_without_its_file_stays_as_it_is() {
    let file = things_of(&[(1, "2024-01-01", 5), (2, "2024-01-01", 60)]);
    let mut shop = shop(Kind::Csv, false, std::slice::from_ref(&file));
    let done = shop.ingest().unwrap();
    shop.correct(Kind::Csv);
    let before = shop.told();
    shop.put("x/0.csv", "n,day,id,v\n1,2024-01-01,60,2\n1,2024-01-01,60,2\n");
    let replayed = shop.replay(&done, &[], None);
    assert_eq!((replayed.put_through, replayed.accepted), (1, 0));
    assert_eq!(replayed.not_replayable.values().sum::<u64>(), 1);
    assert_eq!((replayed.version, replayed.quarantine_version), (Some(done.version), done.quarantine_version));
    assert_eq!(shop.told(), before);
    // A JSON record is whole by itself. Without its file the table's row cannot be refused, so it keeps its place.
    let later = things_of(&[(1, "2024-01-01", 70), (3, "2024-01-01", 70)]);
    let mut shop = super::replay::shop(Kind::Lines, false, &[file, later]);
    let done = shop.ingest().unwrap();
    shop.correct(Kind::Lines);
    for number in 0..2 {
        fs::remove_file(shop.bronze().join(format!("bronze/sales/date=x/{number}.json"))).unwrap();
    }
    let replayed = shop.replay(&done, &[], None);
    assert_eq!((replayed.put_through, replayed.accepted, replayed.duplicates), (3, 2, 1));
    assert_eq!(shop.silver_columns(&["id", "n"]), ["1|5", "2|60", "3|70"]);
    assert_eq!(shop.quarantine(&["_source_line", "reason"]), ["1|duplicate"]);
}

#[test]
fn records_too_long_to_be_kept_are_told_and_stay() {
    let mut shop = shop(Kind::Lines, false, &[things_of(&[(1, "2024-01-01", 60)])]);
    shop.put("x/long.json", format!(r#"{{"id":9,"day":"2024-01-01","n":1,"x":"{}"}}"#, "y".repeat(5000)));
    let done = shop.ingest().unwrap();
    shop.correct(Kind::Lines);
    let replayed = shop.replay(&done, &[], None);
    assert_eq!((replayed.put_through, replayed.accepted), (2, 1));
    assert_eq!(replayed.not_replayable.values().sum::<u64>(), 1);
    assert_eq!(shop.quarantine(&["reason"]), ["malformed"]);
    let files = shop.data_files();
    struct Cancelled;
    impl Watch for Cancelled {
        fn cancelled(&self) -> bool {
            true
        }
        fn progress(&self, _: crate::Progress) {}
        fn log(&self, _: crate::Level, _: &str) {}
    }
    assert!(matches!(shop.replay_with(&done, Choice::default(), &Cancelled), Err(StageError::Cancelled)));
    assert_eq!(shop.data_files(), files, "nothing stays of what was cancelled");
}

#[test]
fn the_gate_judges_all_records_of_the_dates_that_change() {
    let file = things_of(&[
        (1, "2024-01-01", 5),
        (2, "2024-01-01", 60),
        (3, "2024-01-01", 120),
        (4, "2024-01-01", 120),
        // No record of this date comes in.
        (5, "2024-01-02", 120),
        (6, "soon", 120),
    ]);
    // After the replay two of four records of the first date are accepted, or two of three without the fourth.
    let cases = [
        ("50", None, None),
        ("50.01", None, Some((2, 4, 0))),
        ("66", Some("id = 4"), None),
        ("67", Some("id = 4"), Some((2, 3, 1))),
    ];
    let excepted =
        [("50", Some("id = 2"), Some((1, 3, 1))), ("33", Some("id = 2"), None), ("34", Some("n = 5"), Some((1, 3, 1)))];
    for (percent, except, expected) in cases.into_iter().chain(excepted) {
        for kind in [Kind::Lines, Kind::Csv, Kind::Parquet, Kind::Upsert] {
            let mut shop = shop(kind, false, std::slice::from_ref(&file));
            let done = shop.ingest().unwrap();
            shop.correct(kind);
            shop.pipeline.contracts[0].gate = gate(percent, except);
            let (before, files) = (shop.told(), shop.data_files());
            let seen = match shop.replay_with(&done, Choice::default(), &Quiet) {
                Ok(replayed) => {
                    assert_eq!(replayed.dates, [date("2024-01-01")]);
                    None
                }
                Err(StageError::Gate { accepted, counted, excepted, refused, .. }) => {
                    assert!(refused.contains("range.n"), "{refused}");
                    assert_eq!((shop.told(), shop.data_files()), (before, files), "nothing stays of it");
                    Some((accepted, counted, excepted))
                }
                Err(other) => panic!("{other}"),
            };
            assert_eq!(seen, expected, "{kind:?} {percent} {except:?}");
            // A run of the date judges the same; one of an upsert table judges all records of its files, whatever
            // their dates, and of those too few are accepted in each case.
            let refuses = expected.is_some() || matches!(kind, Kind::Upsert);
            let mut again = super::replay::shop(kind, true, std::slice::from_ref(&file));
            again.pipeline.contracts[0].gate = gate(percent, except);
            again.ledger.lock().unwrap().extend(
                done.files.iter().map(|file| (file.path.clone(), ["2024-01-01", "2024-01-02"].map(date).to_vec())),
            );
            assert_eq!(
                matches!(again.ingest_dates(&["2024-01-01"]), Err(StageError::Gate { .. })),
                refuses,
                "{kind:?} {percent} {except:?}"
            );
        }
    }
}

#[test]
fn records_of_other_reasons_and_of_other_files_count_for_the_gate() {
    let first = things_of(&[(1, "2024-01-01", 60), (2, "2024-01-01", 1)]);
    let second = things_of(&[(3, "2024-01-01", 120), (2, "2024-01-01", 2)]);
    for (percent, expected) in [("50", None), ("51", Some((2, 4, 0)))] {
        let mut shop = shop(Kind::Lines, false, &[first.clone(), second.clone()]);
        let done = shop.ingest().unwrap();
        shop.correct(Kind::Lines);
        shop.pipeline.contracts[0].gate = gate(percent, None);
        fs::remove_file(shop.bronze().join("bronze/sales/date=x/1.json")).unwrap();
        let choice = Choice { reasons: BTreeSet::from(["range.n".to_owned()]), dates: None };
        let seen = match shop.replay_with(&done, choice, &Quiet) {
            Ok(_) => None,
            Err(StageError::Gate { accepted, counted, excepted, .. }) => Some((accepted, counted, excepted)),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(seen, expected, "{percent}");
    }
}
