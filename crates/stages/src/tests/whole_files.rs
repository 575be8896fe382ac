//! Files that are taken or left as a whole: their own dates, copies, and those that cannot be read.

#![allow(clippy::unwrap_used)]
use super::contracts::{Rules, column, contract, shop_of};
use super::shop::{Shop, date, sale};
use crate::{
    Counts, DeadLetters, Ingested, Limits, PlannedFile, Quiet, Scope, StageError, discover, set_aside_by,
    survey_or_set_aside,
};
use assay_pipeline::{FileDates, Permit};
use chrono::{DateTime, TimeDelta};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

fn arrive(shop: &Shop, path: &str, at: &str) {
    let at: DateTime<chrono::Utc> = at.parse().unwrap();
    let since = at.timestamp() - DateTime::UNIX_EPOCH.timestamp();
    let time = match u64::try_from(since) {
        Ok(after) => SystemTime::UNIX_EPOCH + Duration::from_secs(after),
        Err(_) => SystemTime::UNIX_EPOCH - Duration::from_secs(since.unsigned_abs()),
    };
    File::options().append(true).open(shop.bronze().join(path)).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_file_has_the_day_on_which_it_was_last_written() {
    let mut shop = shop_of(contract(vec![column("n", "int32"), column("day", "date").required().is("file_date()")]));
    shop.pipeline.sources[0].dates = FileDates::Arrival;
    let cases = [
        ("2020-01-01/a.json", "2024-02-28T23:59:59Z", "2024-02-28"),
        ("2020-01-01/b.json", "2024-02-29T00:00:00Z", "2024-02-29"),
        ("x/c.json", "1969-12-31T23:59:59Z", "1969-12-31"),
    ];
    for (at, (name, arrived, _)) in cases.iter().enumerate() {
        let path = shop.put(name, format!("{{\"n\":{at}}}"));
        arrive(&shop, &path, arrived);
    }
    let found = discover(&shop.pipeline.sources[0], &shop.bronze().into()).unwrap();
    let days: Vec<_> = found.files.iter().map(|file| file.folder_date.unwrap().to_string()).collect();
    assert_eq!(days, cases.map(|(_, _, day)| day));
    shop.ingest().unwrap();
    assert_eq!(shop.silver_columns(&["n", "day"]), ["0|2024-02-28", "1|2024-02-29", "2|1969-12-31"]);
}

#[test]
fn a_file_of_which_nothing_is_known_is_read_twice_and_its_dates_once() {
    let shop = Shop::new();
    let day = |id: &str, day: &str| sale(id, &[("date", &format!("\"2024-01-0{day}\""))]);
    shop.put("x/a.json", [day("T1", "1"), day("T2", "2"), "bad".to_owned()].join("\n"));
    shop.ingest_dates(&["2024-01-01"]).unwrap();
    let plan = |part: &str| shop.planned().into_iter().filter(|file| file.path.contains(part)).collect::<Vec<_>>();
    let none = || Scope::Dates(BTreeSet::new());
    let first = shop.ingest_files(plan("a.json"), none(), &Quiet).unwrap();
    assert_eq!(first.counts, Counts { read: 3, accepted: 2, quarantined: 1, ..Counts::default() });
    shop.ledger
        .lock()
        .unwrap()
        .push(("bronze/sales/date=x/a.json".into(), vec![date("2024-01-01"), date("2024-01-02")]));
    shop.put("x/b.json", [day("T3", "2"), day("T4", "3"), "\n".to_owned(), "worse".to_owned()].join("\n"));
    let passes = Passes::default();
    let done = shop.ingest_files(plan("b.json"), none(), &passes).unwrap();
    assert_eq!(done.dates, [date("2024-01-02"), date("2024-01-03")]);
    assert_eq!(
        shop.silver_columns(&["date", "transaction_id"]),
        ["2024-01-01|T1", "2024-01-02|T2", "2024-01-02|T3", "2024-01-03|T4"]
    );
    let (a, b) = (plan("a.json")[0].size, plan("b.json")[0].size);
    assert!(passes.bytes() <= 2 * b + a, "{} of {b} and {a}", passes.bytes());
    assert_eq!(shop.quarantine(&["message"]).len(), 2);
    // A whole table takes one pass.
    let passes = Passes::default();
    shop.ingest_files(shop.planned(), Scope::All, &passes).unwrap();
    assert!(passes.bytes() <= a + b);
    // Nothing to read is nothing to do.
    let before = shop.silver();
    let done = shop.ingest_files(Vec::new(), none(), &Quiet).unwrap();
    assert_eq!((done.counts, done.dates, shop.silver()), (Counts::default(), vec![], before));
}

/// The most bytes that were told.
#[derive(Default)]
struct Passes(std::sync::Mutex<u64>);

impl Passes {
    fn bytes(&self) -> u64 {
        *self.0.lock().unwrap()
    }
}

impl crate::Watch for Passes {
    fn cancelled(&self) -> bool {
        false
    }
    fn progress(&self, progress: crate::Progress) {
        let mut most = self.0.lock().unwrap();
        *most = progress.bytes_done.max(*most);
    }
    fn log(&self, _: crate::Level, _: &str) {}
}

fn once() -> Shop {
    let mut shop = Shop::new();
    shop.pipeline.sources[0].once = true;
    shop
}

fn told(done: &Ingested) -> Vec<(&str, Option<&str>, u64, u64)> {
    let short = |path: &'_ str| path.rfind('/').map_or(0, |at| at + 1);
    let files = done.files.iter();
    files
        .map(|file| {
            let copy = file.copy_of.as_deref();
            (
                &file.path[short(&file.path)..],
                copy.map(|path| &path[short(path)..]),
                file.counts.accepted,
                file.counts.elsewhere,
            )
        })
        .collect()
}

#[test]
fn of_equal_contents_the_first_path_is_read() {
    let shop = once();
    let content = format!("{}\n\n{}", sale("T1", &[]), sale("T2", &[]));
    for name in ["2024-01-02/b.json", "2024-01-01/c.json", "x/a.json"] {
        shop.put(name, &content);
    }
    shop.put("x/z.json", sale("T3", &[]));
    let done = shop.ingest().unwrap();
    assert_eq!(
        told(&done),
        [
            ("c.json", None, 2, 0),
            ("b.json", Some("c.json"), 0, 2),
            ("a.json", Some("c.json"), 0, 2),
            ("z.json", None, 1, 0)
        ]
    );
    assert_eq!(done.counts, Counts { read: 10, accepted: 3, quarantined: 0, blank: 3, elsewhere: 4 });
    let copy = &done.files[1];
    assert_eq!((copy.dates.len(), copy.counts.blank), (0, 1));
    assert_eq!(shop.silver_columns(&["transaction_id"]), ["T1", "T2", "T3"]);
}

#[test]
fn a_content_that_the_ledger_knows_is_not_read_under_another_path() {
    let shop = once();
    let first = shop.put("x/m.json", sale("T1", &[]));
    let done = shop.ingest().unwrap();
    shop.tags.lock().unwrap().insert(done.files[0].tag.clone(), first.clone());
    // Its own path is no other path.
    assert_eq!(told(&shop.ingest().unwrap()), [("m.json", None, 1, 0)]);
    shop.put("x/a.json", sale("T1", &[]));
    assert_eq!(told(&shop.ingest().unwrap()), [("a.json", Some("m.json"), 0, 1), ("m.json", None, 1, 0)]);
    let alone: Vec<PlannedFile> = shop.planned().into_iter().filter(|file| file.path.ends_with("a.json")).collect();
    let done = shop.ingest_files(alone, Scope::Dates(BTreeSet::new()), &Quiet).unwrap();
    assert_eq!(told(&done), [("a.json", Some("m.json"), 0, 1)]);
    assert_eq!(shop.silver_columns(&["transaction_id", "_source_file"]), [format!("T1|{first}")]);
    // The known file has another content now: what it held is only in its copy.
    shop.put("x/m.json", sale("T2", &[]));
    assert_eq!(told(&shop.ingest().unwrap()), [("a.json", None, 1, 0), ("m.json", None, 1, 0)]);
    assert_eq!(shop.silver_columns(&["transaction_id"]), ["T1", "T2"]);
}

fn with_dead_letters() -> Shop {
    let mut shop = Shop::new();
    shop.pipeline.sources[0].dead_letter = Some("bronze/dead".to_owned());
    shop.limits = Limits { record: 1 << 10, ..shop.limits };
    shop
}

/// Names and contents in the dead letters.
fn letters(shop: &Shop) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(shop.bronze().join("bronze/dead")).into_iter().flatten().flatten();
    let mut found: Vec<_> =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect();
    found.sort();
    found
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn files_that_cannot_be_read_go_to_the_dead_letters_and_the_others_are_read() {
    let shop = with_dead_letters();
    let sound = sale("T1", &[]);
    let packed = gzip(sale("T2", &[]).repeat(50).as_bytes());
    let dead: [(&str, Vec<u8>, &str); 9] = [
        ("a.json", b"no JSON\nat all\n\n".to_vec(), "no record of it is a JSON object"),
        ("b.json.gz", packed[..packed.len() - 9].to_vec(), "the gzip data cannot be decompressed"),
        ("c.parquet", b"PAR1 and no more".to_vec(), "the Parquet file cannot be read"),
        ("d.json", b"[1, \"{}\", null, {\"a\":1".to_vec(), "no record of it is a JSON object"),
        ("e.json", b"\xff\xfe{\0}\0".to_vec(), "it is UTF-16"),
        ("f.csv", b"a,a\n1,2\n".to_vec(), "its header names a column twice"),
        ("g.txt", b"{}".to_vec(), "its name fits none of the source's formats"),
        ("h.json", b"\x80\x81".to_vec(), "no record of it is a JSON object"),
        ("i.json", b"<html>".repeat(300), "no record of it is a JSON object"),
    ];
    for (name, bytes, _) in &dead {
        shop.put(&format!("2024-01-01/{name}"), bytes);
    }
    let giant = format!("{{\"x\":\"{}", "x".repeat(2000));
    for (name, bytes) in [
        ("sound.json", sound.as_str()),
        ("empty.json", ""),
        ("blank.json", " \n\n"),
        ("one.json", "x\n{\"a\":1}"),
        ("giant.json", &giant),
    ] {
        shop.put(&format!("2024-01-01/{name}"), bytes);
    }
    let done = shop.ingest().unwrap();
    let i = done.dead.iter().any(|letter| letter.path.ends_with("/i.json"));
    // A record that is too long to be held says nothing of its file.
    assert!(!i);
    let told: Vec<(&str, &str)> = done.dead.iter().map(|letter| (&letter.path[29..], letter.reason.as_str())).collect();
    assert_eq!(told.len(), 8, "{told:?}");
    for ((path, reason), (name, bytes, words)) in told.iter().zip(&dead) {
        assert_eq!(path, name);
        assert!(reason.starts_with(words), "{reason}");
        assert!(!shop.bronze().join("bronze/sales/date=2024-01-01").join(name).exists());
        assert_eq!(fs::read(shop.bronze().join("bronze/dead").join(name)).unwrap(), *bytes);
    }
    assert_eq!(shop.silver_columns(&["transaction_id"]), ["T1"]);
    assert_eq!(done.files.len(), 6);
    let text = String::from_utf8(letters(&shop)[1].1.clone()).unwrap();
    insta::assert_snapshot!(text, @r"
    no record of it is a JSON object

    file: bronze/sales/date=2024-01-01/a.json
    size: 16 bytes
    run: run
    moved: 2023-11-14T22:13:20Z
    ");
}

#[test]
fn without_dead_letters_such_a_file_fails_the_step_or_is_a_matter_of_records() {
    let shop = Shop::new();
    shop.put("2024-01-01/a.json", "no JSON");
    assert_eq!(shop.ingest().unwrap().counts.quarantined, 1);
    shop.put("2024-01-01/b.parquet", "PAR1");
    assert!(matches!(shop.ingest(), Err(StageError::BadParquet { .. })));
    assert!(shop.bronze().join("bronze/sales/date=2024-01-01/b.parquet").exists());
}

#[test]
fn no_letter_takes_the_place_of_another() {
    let shop = with_dead_letters();
    for (folder, text) in [("2024-01-01", "first"), ("2024-01-02", "second"), ("x", "third")] {
        shop.put(&format!("{folder}/a.json"), text);
        shop.ingest().unwrap();
    }
    let found = letters(&shop);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["a.2.json", "a.2.json.reason.txt", "a.3.json", "a.3.json.reason.txt", "a.json", "a.json.reason.txt"]
    );
    assert_eq!([&found[4].1, &found[0].1, &found[2].1], [b"first".as_slice(), b"second", b"third"]);
}

#[test]
fn a_move_that_was_broken_off_is_ended_and_told_again_to_the_same_run() {
    let shop = with_dead_letters();
    let path = shop.put("2024-01-01/a.json", "broken");
    let files = shop.planned();
    // As after a crash between the second name and the reason.
    let dead = shop.bronze().join("bronze/dead");
    fs::create_dir_all(&dead).unwrap();
    fs::hard_link(shop.bronze().join(&path), dead.join("a.json")).unwrap();
    let set_aside = |run: &str| {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let permit = Permit::issue("local", "run", now + TimeDelta::hours(1));
        let source = &shop.pipeline.sources[0];
        let letters = DeadLetters::new(source, &shop.lake, &shop.pipeline.name, run, &permit, now).unwrap();
        survey_or_set_aside(source, &files, &letters, Path::new("/tmp"), 1, &shop.limits, &Quiet)
    };
    let (surveyed, first) = set_aside("R1").unwrap();
    assert_eq!((surveyed.len(), first[0].place.as_str()), (0, "bronze/dead/a.json"));
    assert_eq!(letters(&shop).len(), 2);
    let (_, again) = set_aside("R1").unwrap();
    assert_eq!(again, first);
    assert!(matches!(set_aside("R2"), Err(StageError::Vanished { .. })));
    let source = &shop.pipeline.sources[0];
    let by = |run| set_aside_by(source, &shop.bronze().into(), run, &[&path, "bronze/2024-01-01/b.json"]).unwrap();
    assert_eq!((by("R1"), by("R2")), (vec![path.clone()], Vec::new()));
    // The silver step of a run whose bronze step moved the file goes on without it.
    shop.put("2024-01-01/b.json", "broken too");
    let planned = shop.planned();
    shop.ingest_files(planned.clone(), Scope::All, &Quiet).unwrap();
    let done = shop.ingest_files(planned, Scope::All, &Quiet).unwrap();
    assert_eq!((done.files.len(), done.dead.len()), (0, 1));
}

#[test]
fn a_file_that_changed_since_the_plan_is_not_moved() {
    let shop = with_dead_letters();
    let path = shop.put("2024-01-01/a.json", "broken");
    let planned = shop.planned();
    shop.put("2024-01-01/a.json", "still being written");
    let error = shop.ingest_files(planned, Scope::All, &Quiet).unwrap_err();
    assert!(matches!(error, StageError::Changed { .. }), "{error}");
    assert!(shop.bronze().join(path).exists());
    assert_eq!(letters(&shop), []);
}

#[test]
fn nothing_is_moved_without_a_permit() {
    let shop = with_dead_letters();
    let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let source = &shop.pipeline.sources[0];
    for (environment, until) in [("other", TimeDelta::hours(1)), ("local", TimeDelta::hours(-1))] {
        let permit = Permit::issue(environment, "run", now + until);
        assert!(DeadLetters::new(source, &shop.lake, &shop.pipeline.name, "run", &permit, now).is_err());
    }
}

#[test]
fn rows_that_turn_out_to_be_damaged_make_their_file_a_dead_letter() {
    let shop = with_dead_letters();
    shop.put("2024-01-01/a.json", sale("T1", &[]));
    let path = shop.put("2024-01-01/b.parquet", parquet());
    shop.ingest().unwrap();
    assert_eq!(shop.silver_columns(&["transaction_id"]), ["P0", "P1", "P2", "T1"]);
    let mut bytes = parquet();
    bytes[4..60].fill(0xff);
    fs::write(shop.bronze().join(&path), bytes).unwrap();
    let done = shop.ingest().unwrap();
    assert_eq!(done.dead.len(), 1, "{:?}", done.dead);
    assert_eq!(shop.silver_columns(&["transaction_id"]), ["T1"]);
}

#[test]
fn landed_parquet_lies_below_folders_of_any_name() {
    let mut shop = Shop::new();
    shop.pipeline.sources[0].path = "bronze/sales/extracted_at=*".to_owned();
    for folder in ["extracted_at=20240101T000000Z", "extracted_at=20240102T000000Z", ".partial-x", "_gone"] {
        let place = shop.bronze().join("bronze/sales").join(folder);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("page-00001.parquet"), parquet()).unwrap();
    }
    let found = discover(&shop.pipeline.sources[0], &shop.bronze().into()).unwrap();
    let dates: Vec<_> = found.files.iter().map(|file| file.folder_date).collect();
    assert_eq!((dates, found.left_out), (vec![None, None], 2));
    let done = shop.ingest().unwrap();
    assert_eq!(done.counts, Counts { read: 6, accepted: 3, quarantined: 3, ..Counts::default() });
    assert_eq!(
        shop.silver_columns(&["transaction_id", "_source_file", "_source_line"])[0],
        "P0|bronze/sales/extracted_at=20240102T000000Z/page-00001.parquet|1"
    );
}

/// Three sound sales as Parquet.
fn parquet() -> Vec<u8> {
    use polars::prelude::*;
    let mut frame = df!(
        "transaction_id" => ["P0", "P1", "P2"],
        "date" => ["2024-01-01", "2024-01-01", "2024-01-02"],
        "store_id" => ["S", "S", "S"],
        "product_id" => ["P", "P", "P"],
        "customer_id" => ["C", "C", "C"],
        "quantity_sold" => [1i64, 2, 3],
        "unit_price" => ["1.5", "1.5", "1.5"],
    )
    .unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    bytes
}
