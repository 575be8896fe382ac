//! Every kind of bad input gives a clear error or quarantine records: no panic, no hang, no lost record.
#![allow(clippy::unwrap_used)]

mod shop;

use serde_json::Value;
use shop::Shop;
use std::fs;
use std::io::Write;

const DATE: &str = "2026-01-05";
const GOOD: &str = r#"{"transaction_id":"T-ID","date":"2026-01-05","store_id":"S1","product_id":"P1","customer_id":"C1","quantity_sold":2,"unit_price":1.25}"#;

fn good(id: &str) -> String {
    GOOD.replace("ID", id)
}

/// Runs bronze and silver over one file beside a good one; gives the run's detail and what was printed.
fn check(name: &str, bytes: &[u8], code: i32, look: impl FnOnce(&Shop, &Value, &str)) {
    let shop = Shop::empty();
    shop.file(DATE, "a-good.jsonl", format!("{}\n", good("good")).as_bytes());
    shop.file(DATE, name, bytes);
    let run = shop.assay(&["run", "sales_lakehouse", "--all", "--stage", "bronze", "--stage", "silver"]);
    let text = format!("{}{}", run.stdout, run.stderr);
    assert_eq!(run.code, Some(code), "{name}: {text}");
    assert!(!text.contains("panicked"), "{text}");
    let detail = shop.json(&["show", "last"]);
    if code == 0 {
        let count = |field: &str| detail["counts"][field].as_u64().unwrap();
        assert_eq!(count("read"), count("accepted") + count("quarantined") + count("blank"), "{name}");
    } else {
        assert!(!shop.lake().join("silver/sales/_delta_log").exists(), "{name}: nothing was published");
    }
    look(&shop, &detail, &text);
}

fn refused(shop: &Shop) -> Vec<(String, String)> {
    let rows = shop.json_all(&["quarantine", "silver.sales"]);
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    rows.iter().map(|row| (text(row, "reason"), text(row, "raw"))).collect()
}

fn accepted(detail: &Value) -> u64 {
    detail["counts"]["accepted"].as_u64().unwrap()
}

#[test]
fn empty_files_and_headers_alone_hold_no_records() {
    check("b.jsonl", b"", 0, |_, detail, _| assert_eq!(accepted(detail), 1));
    check(
        "b.csv",
        b"transaction_id,date,store_id,product_id,customer_id,quantity_sold,unit_price\n",
        0,
        |_, detail, _| {
            assert_eq!((accepted(detail), detail["counts"]["read"].as_u64()), (1, Some(1)));
        },
    );
}

#[test]
fn a_truncated_gzip_stops_the_step_with_the_file_named() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    (0..2000).for_each(|i| writeln!(gzip, "{}", good(&i.to_string())).unwrap());
    let bytes = gzip.finish().unwrap();
    check("b.jsonl.gz", &bytes[..bytes.len() / 2], 1, |_, _, text| {
        assert!(text.contains("b.jsonl.gz") && text.contains("gzip"), "{text}");
    });
}

#[test]
fn a_line_of_200_megabytes_is_one_refused_record() {
    let mut bytes = good("long").into_bytes();
    bytes.truncate(bytes.len() - 1);
    bytes.extend_from_slice(br#","note":""#);
    bytes.resize(200_000_000, b'x');
    bytes.extend_from_slice(b"\"}\n");
    bytes.extend_from_slice(good("after").as_bytes());
    check("b.jsonl", &bytes, 0, |shop, detail, _| {
        assert_eq!(accepted(detail), 2, "the records before and after it are read");
        let rows = shop.json_all(&["quarantine", "silver.sales"]);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["reason"], "malformed");
        assert_eq!(rows[0]["raw_bytes"], 200_000_002u64, "its true length is kept");
    });
}

#[test]
fn a_number_of_400_digits_is_refused_with_its_text() {
    let digits = "9".repeat(400);
    let record = good("huge").replace("1.25", &digits);
    check("b.jsonl", record.as_bytes(), 0, |shop, detail, _| {
        assert_eq!(accepted(detail), 1);
        let rows = refused(shop);
        assert_eq!(rows[0].0, "type.unit_price");
        assert!(rows[0].1.contains(&digits));
    });
}

#[test]
fn invalid_utf8_refuses_its_record_alone() {
    let bytes = [good("b1").as_bytes(), b"\n{\"transaction_id\":\"\xff\xfe\"}\n", good("b2").as_bytes()].concat();
    check("b.jsonl", &bytes, 0, |shop, detail, _| {
        assert_eq!(accepted(detail), 3);
        assert_eq!(refused(shop).iter().map(|r| r.0.as_str()).collect::<Vec<_>>(), ["malformed"]);
    });
}

#[test]
fn a_key_that_occurs_twice_is_malformed() {
    let record = good("twice").replace("\"store_id\"", "\"unit_price\":9,\"store_id\"");
    check("b.jsonl", record.as_bytes(), 0, |shop, _, _| assert_eq!(refused(shop)[0].0, "malformed"));
}

#[test]
fn missing_and_extra_columns() {
    let csv = "date,store_id,product_id,customer_id,quantity_sold,unit_price,extra\n2026-01-05,S1,P1,C1,1,2.00,x\n";
    check("b.csv", csv.as_bytes(), 0, |shop, detail, _| {
        assert_eq!(accepted(detail), 1);
        assert_eq!(refused(shop)[0].0, "missing.transaction_id");
        let log = shop.assay(&["logs", "last"]);
        assert!(log.stdout.contains("extra"), "the ignored column is said: {}", log.stdout);
    });
}

#[test]
fn a_folder_where_a_file_is_expected_is_named() {
    let shop = Shop::empty();
    shop.file(DATE, "a-good.jsonl", good("good").as_bytes());
    fs::create_dir_all(shop.lake().join(format!("bronze/sales/date={DATE}/b.jsonl"))).unwrap();
    let run = shop.assay(&["run", "sales_lakehouse", "--all", "--stage", "silver"]);
    let text = format!("{}{}", run.stdout, run.stderr);
    assert_eq!(run.code, Some(1), "{text}");
    assert!(text.contains("b.jsonl") && !text.contains("panicked"), "{text}");
}

#[test]
fn a_lake_that_cannot_be_written_says_so() {
    // Root may write anywhere: a file where the folder should be has the same effect for every user.
    let shop = Shop::empty();
    shop.file(DATE, "a-good.jsonl", good("good").as_bytes());
    fs::write(shop.lake().join("silver"), b"in the way").unwrap();
    let run = shop.assay(&["run", "sales_lakehouse", "--all", "--stage", "silver"]);
    let text = format!("{}{}", run.stdout, run.stderr);
    assert_eq!(run.code, Some(1), "{text}");
    assert!(text.contains("silver") && !text.contains("panicked"), "{text}");
}

#[test]
fn misuse_ends_with_2_and_says_what_to_write() {
    let shop = Shop::with_demo(2, 50);
    let wrong: [(&[&str], &str); 7] = [
        (&["run", "sales_lakhouse"], "sales_lakehouse"),
        (&["run", "sales_lakehouse", "--date", "2026-13-01"], "date"),
        (&["run", "sales_lakehouse", "--from", "2026-02-01", "--to", "2026-01-01"], "after"),
        (&["run", "sales_lakehouse", "--stage", "golden"], "gold"),
        (&["preview", "silver.sale"], "silver.sales"),
        (&["show", "01XYZ"], "assay runs"),
        (&["nonsense"], "help"),
    ];
    for (words, said) in wrong {
        let outcome = shop.assay(words);
        assert_eq!(outcome.code, Some(2), "{words:?}: {}{}", outcome.stdout, outcome.stderr);
        assert!(outcome.stderr.contains(said), "{words:?}: {}", outcome.stderr);
    }
}

#[test]
fn every_verb_has_help_with_an_example() {
    let shop = Shop::empty();
    for verb in [
        "init",
        "demo",
        "validate",
        "run",
        "runs",
        "show",
        "logs",
        "tables",
        "preview",
        "sql",
        "quarantine",
        "completions",
    ] {
        let help = shop.assay(&[verb, "--help"]);
        assert_eq!(help.code, Some(0));
        assert!(help.stdout.contains("assay ") && help.stdout.contains("Example"), "{verb}: {}", help.stdout);
    }
}
