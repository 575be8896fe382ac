//! A model over many dates of a row each: its memory is that of its rows.

#![allow(clippy::unwrap_used)]
use super::shop::{Shop, date, sale};
use crate::Limits;
use chrono::Days;
use std::fs;
use std::process::Command;

const DATES: u64 = 600;
const MODEL: &str = "daily_store_sales";

/// Run in a process of its own by the test below, so that the memory is its alone.
#[test]
fn many_dates_child() {
    let Ok(peak_file) = std::env::var("ASSAY_MANY_DATES") else { return };
    let mut shop = Shop::new();
    shop.limits = Limits::default();
    let days: Vec<String> = (0..DATES).map(|n| (date("2020-01-01") + Days::new(n)).to_string()).collect();
    let record = |(n, day): (usize, &String)| {
        let (day, quantity) = (format!("\"{day}\""), (n + 1).to_string());
        sale(&format!("T{n}"), &[("date", &day), ("quantity_sold", &quantity)])
    };
    let records: Vec<String> = days.iter().enumerate().map(record).collect();
    shop.put("2020-01-01/a.json", records.join("\n"));
    shop.ingest().unwrap();
    let expected: Vec<_> = days.iter().zip(1..).map(|(day, n)| [day.clone(), "1".to_owned(), n.to_string()]).collect();
    assert_eq!(built(&shop), expected);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    fs::write(peak_file, peak.trim_end_matches(" kB")).unwrap();
}

/// Builds the model; gives date, transactions and units of its rows by date.
fn built(shop: &Shop) -> Vec<[String; 3]> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rows = shop.gold(&runtime, MODEL, &["date", "transactions", "units"]);
    let mut rows: Vec<[String; 3]> =
        rows.into_iter().map(|row| <[_; 3]>::try_from(row).unwrap().map(Option::unwrap)).collect();
    rows.sort();
    rows
}

#[test]
fn hundreds_of_dates_need_no_memory_for_each_pair_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let peak = folder.path().join("peak");
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::many_dates::many_dates_child", "--test-threads=1"])
        .env("ASSAY_MANY_DATES", &peak)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    let kilobytes: u64 = fs::read_to_string(peak).unwrap().parse().unwrap();
    assert!(kilobytes < 350_000, "the peak was {kilobytes} kB");
}
