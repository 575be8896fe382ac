//! A model over many dates of a row each: its memory is that of its rows.

#![allow(clippy::unwrap_used)]
use super::shop::{Shop, date, sale};
use crate::Limits;
use crate::gold::{GoldJob, build, compile};
use assay_pipeline::{Layer, Permit, TableName};
use assay_testkit::table_of;
use chrono::{DateTime, Days, TimeDelta, Utc};
use polars::prelude::Engine;
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
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let permit = Permit::issue("local", "run", now + TimeDelta::hours(1));
    let job = GoldJob {
        pipeline: &shop.pipeline,
        lake: &shop.lake,
        run: "run",
        permit: &permit,
        dates: None,
        now: &|| now,
        cancelled: &|| false,
        rules: None,
    };
    let models = compile(&shop.pipeline).unwrap();
    let model = models.iter().find(|model| model.model.name == MODEL).unwrap();
    build(&job, model, runtime.handle()).unwrap();
    let table = TableName::new(&shop.pipeline.name, Layer::Gold, MODEL);
    let snapshot = runtime.block_on(assay_lake::open(&shop.lake.folder(&table))).unwrap().unwrap();
    let frame = snapshot.scan(None).unwrap().collect_with_engine(Engine::InMemory).unwrap().unwrap_single();
    let rows = table_of(&frame, &["date", "transactions", "units"]).unwrap().rows;
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
