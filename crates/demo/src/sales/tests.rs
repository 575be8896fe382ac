//! Tests of generated sales: the same bytes everywhere, and files that hold what was counted.
#![allow(clippy::unwrap_used)]

use super::{Dirt, Sales};
use crate::{DemoError, Written};
use chrono::NaiveDate;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

fn sales(dates: u32, records_per_date: u64, dirt: Dirt) -> Sales {
    Sales { seed: 42, first_date: NaiveDate::from_ymd_opt(2026, 1, 30).unwrap(), dates, records_per_date, dirt }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for date in std::fs::read_dir(folder).unwrap() {
        let date = date.unwrap().path();
        for file in std::fs::read_dir(&date).unwrap() {
            let file = file.unwrap().path();
            let name = file.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            all.insert(name, std::fs::read(&file).unwrap());
        }
    }
    all
}

fn written(sales: &Sales) -> (Written, BTreeMap<String, Vec<u8>>) {
    let lake = tempfile::tempdir().unwrap();
    let written = sales.write(lake.path(), &mut |_| {}).unwrap();
    (written, files(&lake.path().join("bronze/sales")))
}

fn digest(files: &BTreeMap<String, Vec<u8>>) -> u64 {
    let mut all = Vec::new();
    for (name, bytes) in files {
        all.extend_from_slice(name.as_bytes());
        all.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        all.extend_from_slice(bytes);
    }
    xxh3_64(&all)
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_every_machine() {
    let (_, files) = written(&sales(2, 2_000, Dirt::default()));
    assert_eq!(format!("{:016x}", digest(&files)), "097173408855f2e0");
}

#[test]
fn another_seed_gives_other_bytes() {
    let one = sales(1, 200, Dirt::default());
    let other = Sales { seed: 43, ..one };
    assert_ne!(digest(&written(&one).1), digest(&written(&other).1));
}

#[test]
fn every_date_has_its_files_and_what_is_counted_is_there() {
    let (written, files) = written(&sales(3, 1_000, Dirt::none()));
    assert_eq!((written.files, written.records), (15, 3_000));
    assert_eq!(written.bytes, files.values().map(|bytes| bytes.len() as u64).sum::<u64>());
    let names: Vec<&str> = files.keys().take(6).map(String::as_str).collect();
    let expected = ["part-000.jsonl", "part-001.json", "part-002.csv", "part-003.csv", "part-004.jsonl.gz"];
    for (name, expected) in names.iter().zip(expected) {
        assert_eq!(*name, format!("date=2026-01-30/{expected}"));
    }
    assert_eq!(names[5], "date=2026-01-31/part-000.jsonl");
    let mut records = 0;
    for (name, bytes) in &files {
        records += if name.ends_with(".gz") {
            let mut text = String::new();
            flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
            text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count()
        } else if name.ends_with(".jsonl") {
            let text = std::str::from_utf8(bytes).unwrap();
            text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count()
        } else if name.ends_with(".json") {
            serde_json::from_slice::<Vec<HashMap<String, serde_json::Value>>>(bytes).unwrap().len()
        } else {
            // Without dirt no field holds a line break.
            std::str::from_utf8(bytes).unwrap().lines().count() - 1
        };
    }
    assert_eq!(records, 3_000);
}

#[test]
fn forms_differ_as_their_names_promise() {
    let (_, files) = written(&sales(1, 1_000, Dirt { line_break: 20_000, ..Dirt::none() }));
    let windows = &files["date=2026-01-30/part-003.csv"];
    assert!(windows.starts_with(b"\xef\xbb\xbftransaction_id,date,"));
    let lone = windows.windows(2).filter(|pair| pair[1] == b'\n' && pair[0] != b'\r').count();
    assert_eq!(lone, 0);
    let unix = &files["date=2026-01-30/part-002.csv"];
    assert!(!unix.contains(&b'\r'));
    assert!(unix.windows(2).any(|pair| pair == b",\n"), "a quoted line break after a comma");
    assert!(files["date=2026-01-30/part-001.json"].is_ascii());
    assert!(!files["date=2026-01-30/part-000.jsonl"].is_ascii());
}

#[test]
fn lines_are_one_file_per_date_with_the_same_share_of_dirt() {
    let folder = tempfile::tempdir().unwrap();
    let sales = sales(2, 20_000, Dirt::default());
    let mut heard = Vec::new();
    let written = sales
        .write_lines(&|date| folder.path().join(format!("{date}/sales.jsonl")), &mut |records| heard.push(records))
        .unwrap();
    assert_eq!((written.files, written.records), (2, 40_000));
    assert!(heard.is_sorted() && heard.len() > 4 && heard.last() == Some(&40_000));
    let text = files(folder.path()).remove("2026-01-31/sales.jsonl").unwrap();
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let unreadable = lines.filter(|line| serde_json::from_slice::<HashMap<String, serde_json::Value>>(line).is_err());
    // Malformed records are 0.3 %; one in fifteen or so is a key that occurs twice, which a map accepts.
    assert!((35..=75).contains(&unreadable.count()));
    assert!((320..400).contains(&(written.bytes / written.records)));
}

#[test]
fn a_duplicate_comes_soon_or_in_a_later_file() {
    let (_, files) = written(&sales(1, 3_000, Dirt { duplicate: 10_000, ..Dirt::none() }));
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, name) in ["part-000.jsonl", "part-001.json"].iter().enumerate() {
        let text = String::from_utf8(files[&format!("date=2026-01-30/{name}")].clone()).unwrap();
        for id in text.match_indices("{\"transaction_id\": \"").map(|(at, key)| &text[at + key.len()..][..17]) {
            places.entry(id.to_owned()).or_default().push(place);
        }
    }
    let twice = |wanted: &[usize]| places.values().filter(|places| *places == wanted).count();
    assert!(twice(&[0, 0]) > 20 && twice(&[0, 1]) > 20);
    assert!(places.values().all(|places| places.len() <= 2));
}

#[test]
fn few_or_no_records_are_no_special_case() {
    for records in [0, 1, 2, 3, 7] {
        let (written, _) = written(&sales(1, records, Dirt::default()));
        assert_eq!((written.files, written.records), (5, records));
    }
}

#[test]
fn dates_without_end_are_refused_before_anything_is_written() {
    let lake = tempfile::tempdir().unwrap();
    let first_date = NaiveDate::from_ymd_opt(9999, 12, 30).unwrap();
    let wrong = Sales { first_date, ..sales(3, 1, Dirt::none()) };
    assert!(matches!(wrong.write(lake.path(), &mut |_| {}), Err(DemoError::Dates { .. })));
    assert_eq!(std::fs::read_dir(lake.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let lake = tempfile::tempdir().unwrap();
    std::fs::write(lake.path().join("bronze"), "a file").unwrap();
    let error = sales(1, 1, Dirt::none()).write(lake.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, DemoError::Folder { path, .. } if path.starts_with(lake.path())), "{error}");
}

#[test]
fn json_alone_lies_below_raw_in_three_forms() {
    let lake = tempfile::tempdir().unwrap();
    let written = sales(2, 1_000, Dirt::none()).write_json(lake.path(), &mut |_| {}).unwrap();
    assert_eq!((written.files, written.records), (6, 2_000));
    let files = files(&lake.path().join("raw/sales"));
    let names: Vec<&str> = files.keys().take(3).map(String::as_str).collect();
    assert_eq!(
        names,
        ["date=2026-01-30/part-000.jsonl", "date=2026-01-30/part-001.json", "date=2026-01-30/part-002.jsonl.gz"]
    );
    let array = serde_json::from_slice::<Vec<serde_json::Value>>(&files["date=2026-01-31/part-001.json"]).unwrap();
    assert_eq!(array.len(), 350);
}
