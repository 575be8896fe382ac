//! How long it takes to open a table, to commit to it and to show a page of it: medians in milliseconds.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use assay_lake::{LakeField, PageRequest, Replacement, Scope, StagedFile, open, page, replace, stage_frame};
use assay_pipeline::Permit;
use chrono::{NaiveDate, TimeDelta, Utc};
use polars::prelude::*;
use std::path::Path;
use std::time::Instant;

fn columns() -> Vec<LakeField> {
    let mut columns = vec![LakeField::new("date", DataType::Date, true), LakeField::new("id", DataType::Int64, true)];
    columns.extend((0..6).map(|number| LakeField::new(format!("text{number}"), DataType::String, true)));
    columns.extend((0..6).map(|number| LakeField::new(format!("amount{number}"), DataType::Decimal(15, 2), true)));
    columns
}

fn frame(dates: i64, rows: i64) -> LazyFrame {
    let ids: Vec<i64> = (0..dates * rows).collect();
    let first = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
    let days = ids.iter().map(|id| Some(first + TimeDelta::days(id / rows)));
    let date = DateChunked::from_naive_date_options("date".into(), days).into_series().into_column();
    let mut frame = DataFrame::new_infer_height(vec![date, Column::new("id".into(), ids)]).unwrap().lazy();
    for number in 0..6i64 {
        let text = (col("id") * lit(7919 + number) % lit(50_000)).cast(DataType::String).alias(format!("text{number}"));
        let amount = (col("id") % lit(1000 + number)).cast(DataType::Decimal(15, 2)).alias(format!("amount{number}"));
        frame = frame.with_columns([text, amount]);
    }
    frame.select(columns().iter().map(|column| col(column.name.as_str())).collect::<Vec<_>>())
}

fn stage(folder: &Path, dates: i64, rows: i64) -> Vec<StagedFile> {
    let (folder, frame) = (folder.to_path_buf(), frame(dates, rows));
    std::thread::spawn(move || stage_frame(frame, &folder, Some("date"), "bench", &|| false).unwrap()).join().unwrap()
}

async fn commit(folder: &Path, staged: Vec<StagedFile>) {
    let now = Utc::now();
    let permit = Permit::issue("local", "bench", now + TimeDelta::hours(1));
    let columns = columns();
    let dates = staged.iter().map(|file| file.partition).collect();
    let change = Replacement {
        folder: folder.into(),
        environment: "local",
        table: "bench/silver/rows",
        schema: &columns,
        partition: Some("date"),
        scope: Scope::Dates(dates),
        staged,
        run: "bench",
        definition: "",
        note: "bench",
        audit: &|_, _| Ok(()),
    };
    replace(&permit, now, change).await.unwrap();
}

fn show(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    println!("{what}: median {:.1}, worst {:.1}", times[times.len() / 2], times[times.len() - 1]);
}

#[tokio::main]
async fn main() {
    let root = tempfile::tempdir().unwrap();
    let small = root.path().join("small");
    let (mut commits, mut opens) = (Vec::new(), Vec::new());
    for _ in 0..45 {
        let staged = stage(&small, 14, 10);
        let start = Instant::now();
        commit(&small, staged).await;
        commits.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        open(&small).await.unwrap().unwrap();
        opens.push(start.elapsed().as_secs_f64() * 1e3);
    }
    show("commit of 14 dates to a small table", commits);
    show("open a small table", opens);

    let large = root.path().join("large");
    let start = Instant::now();
    let staged = stage(&large, 3, 1_000_000);
    println!("stage 3,000,000 rows of 14 columns: {:.0}", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    commit(&large, staged).await;
    println!("commit them: {:.0}", start.elapsed().as_secs_f64() * 1e3);
    let (mut any, mut first) = (Vec::new(), Vec::new());
    for number in 0..30u64 {
        for (offset, times) in [(number * 99_371, &mut any), (number, &mut first)] {
            let start = Instant::now();
            let request = PageRequest { offset, limit: 200, ..Default::default() };
            assert_eq!(page(&large, request).await.unwrap().rows, 200);
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    show("page of 200 rows from any place", any);
    show("page of 200 rows from the start", first);
    let start = Instant::now();
    let filter = Some(col("id").eq(lit(2_999_999i64)));
    let found = page(&large, PageRequest { limit: 200, filter, ..Default::default() }).await.unwrap();
    assert_eq!(found.total, 1);
    println!("page with a filter: {:.0}", start.elapsed().as_secs_f64() * 1e3);
}
