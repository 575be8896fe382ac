//! Tests of generated orders: the same bytes everywhere, every form and every dirt present.
#![allow(clippy::unwrap_used)]

use crate::{Scale, Written};
use chrono::NaiveDate;
use serde_json::Value;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

fn files(dates: u32, records_per_date: u64) -> (Written, BTreeMap<String, Vec<u8>>) {
    let lake = tempfile::tempdir().unwrap();
    let first_date = NaiveDate::from_ymd_opt(2026, 1, 30).unwrap();
    let scale = Scale { seed: 42, first_date, dates, records_per_date, lines: false };
    let written = super::write(&scale, lake.path(), &mut |_| {}).unwrap();
    let entries = std::fs::read_dir(lake.path().join("orders_json_incoming")).unwrap().map(|entry| entry.unwrap());
    let read = |entry: std::fs::DirEntry| {
        (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap())
    };
    (written, entries.map(read).collect())
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_every_machine() {
    let all: Vec<u8> = files(2, 500).1.into_values().flatten().collect();
    assert_eq!(format!("{:016x}", xxh3_64(&all)), "be477bfff753a867");
}

#[test]
fn each_date_has_an_array_lines_and_single_orders() {
    let (written, files) = files(2, 300);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "orders_20260130_array.json",
            "orders_20260130_lines.jsonl",
            "orders_20260130_page.json",
            "orders_20260130_single_0.json",
            "orders_20260130_single_1.json",
            "orders_20260130_single_2.json",
            "orders_20260131_array.json",
            "orders_20260131_lines.jsonl",
            "orders_20260131_single_0.json",
            "orders_20260131_single_1.json",
            "orders_20260131_single_2.json",
            "orders_20260131_z_again.json",
        ]
    );
    assert_eq!((written.files, written.records), (12, 601));
    assert_eq!(files["orders_20260131_z_again.json"], files["orders_20260130_single_0.json"]);
    assert_ne!(files["orders_20260131_single_0.json"], files["orders_20260130_single_0.json"]);
    for single in ["orders_20260130_single_0.json", "orders_20260131_single_2.json"] {
        let order: Value = serde_json::from_slice(&files[single]).unwrap();
        assert!(order["products"].as_array().is_some_and(|products| !products.is_empty()), "{single}");
        assert!(files[single].iter().filter(|&&byte| byte == b'\n').count() > 3);
    }
}

#[test]
fn every_dirt_occurs() {
    let (_, files) = files(1, 6_000);
    let text = String::from_utf8_lossy(&files["orders_20260130_lines.jsonl"]).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let orders: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let share = |held: &dyn Fn(&Value) -> bool| orders.iter().filter(|order| held(order)).count();
    assert!((5..40).contains(&(lines.len() - orders.len())));
    assert!(share(&|order| order.get("products").is_none()) > 2);
    assert!(share(&|order| order["products"].as_array().is_some_and(Vec::is_empty)) > 5);
    assert!(share(&|order| order["products"].is_object()) > 2);
    assert!(share(&|order| order["products"].as_array().is_some_and(|all| all.iter().any(|it| !it.is_object()))) > 5);
    assert!(share(&|order| order["customer"].is_null()) > 2);
    assert!(share(&|order| order["order_id"].is_number()) > 5);
    assert!(share(&|order| order["total_amount"].is_string()) > 10);
    assert!(text.contains("\n\n"), "blank lines");
}
