//! Tests of generated invoices: the same bytes everywhere, each dirt present, most of it acceptable.
#![allow(clippy::unwrap_used)]

use crate::{Scale, Written};
use chrono::NaiveDate;
use xxhash_rust::xxh3::xxh3_64;

fn file(seed: u64, dates: u32, records_per_date: u64) -> (Written, Vec<u8>) {
    let lake = tempfile::tempdir().unwrap();
    let first_date = NaiveDate::from_ymd_opt(2026, 1, 30).unwrap();
    let scale = Scale { seed, first_date, dates, records_per_date, lines: false };
    let written = super::write(&scale, lake.path(), &mut |_| {}).unwrap();
    (written, std::fs::read(lake.path().join("raw-data/online_retail.csv")).unwrap())
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_every_machine() {
    assert_eq!(format!("{:016x}", xxh3_64(&file(42, 2, 1_000).1)), "42a2017a790868cd");
}

#[test]
fn the_seed_chooses_the_line_ends() {
    let ends = |seed| {
        let (_, bytes) = file(seed, 1, 50);
        let count = |byte| bytes.iter().filter(|&&it| it == byte).count() > 50;
        (count(b'\r'), count(b'\n'))
    };
    assert_eq!([ends(0), ends(1), ends(2)], [(false, true), (true, true), (true, false)]);
}

#[test]
fn records_are_counted_and_a_longer_file_begins_like_a_shorter_one() {
    let (written, bytes) = file(1, 2, 500);
    assert_eq!((written.files, written.records, written.bytes), (1, 1_000, bytes.len() as u64));
    let (_, longer) = file(1, 3, 500);
    assert!(longer.starts_with(&bytes) && longer.len() > bytes.len());
    for records in [0, 1, 2, 3] {
        assert_eq!(file(1, 1, records).0.records, records);
    }
}

#[test]
fn bytes_are_windows_1252_and_every_dirt_occurs() {
    let (_, bytes) = file(0, 3, 4_000);
    assert!(std::str::from_utf8(&bytes).is_err());
    let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
    for wanted in [
        "£5",
        "CAFÉ",
        "\u{80}1 JAR",
        "CHILDREN\u{92}S",
        "\nC5",
        "\n\n",
        ",six,",
        "e-3,",
        ".0,United",
        ",,United",
        "\"LUNCH",
    ] {
        assert!(text.contains(wanted), "{wanted:?}");
    }
}
