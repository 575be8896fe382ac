//! A small table by date, and what it holds, read back through the engine.

use assay_lake::{Committed, LakeError, LakeField, Place, Replacement, Scope, StagedFile, open, replace, stage_frame};
use assay_pipeline::Permit;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use polars::prelude::*;
use std::collections::BTreeMap;

/// The rows of a table: date (none: the null partition) to sorted (run, id).
pub type Rows = BTreeMap<Option<NaiveDate>, Vec<(String, i64)>>;

pub fn day(number: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + TimeDelta::days(i64::from(number))
}

pub fn now() -> DateTime<Utc> {
    "2024-05-06T07:08:09Z".parse().unwrap()
}

pub fn permit() -> Permit {
    Permit::issue("local", "r", now() + TimeDelta::hours(1))
}

pub fn schema() -> Vec<LakeField> {
    vec![
        LakeField::new("date", DataType::Date, true),
        LakeField::new("run", DataType::String, true),
        LakeField::new("id", DataType::Int64, true),
    ]
}

/// `count` rows of a run for each date.
pub fn frame(run: &str, dates: &[Option<NaiveDate>], count: i64) -> LazyFrame {
    let mut date = Vec::new();
    let mut id = Vec::new();
    for day in dates {
        for number in 0..count {
            date.push(*day);
            id.push(number);
        }
    }
    let runs = vec![run; id.len()];
    let date = DateChunked::from_naive_date_options("date".into(), date).into_series();
    let columns = vec![date.into_column(), Column::new("run".into(), runs), Column::new("id".into(), id)];
    DataFrame::new_infer_height(columns).unwrap().lazy()
}

pub fn stage(folder: impl Into<Place>, frame: LazyFrame, run: &str) -> Vec<StagedFile> {
    stage_frame(frame, folder, Some("date"), run, &|| false).unwrap()
}

pub fn change<'a>(
    folder: impl Into<Place>,
    schema: &'a [LakeField],
    scope: Scope,
    staged: Vec<StagedFile>,
    run: &'a str,
) -> Replacement<'a> {
    Replacement {
        folder: folder.into(),
        environment: "local",
        table: "shop/silver/sales",
        schema,
        partition: Some("date"),
        scope,
        staged,
        run,
        definition: "d1",
        note: "replaced some dates",
        audit: &|_, _| Ok(()),
    }
}

/// Stages `count` rows of a run for each date and commits them over these dates.
pub async fn put(
    folder: impl Into<Place>,
    run: &str,
    dates: &[Option<NaiveDate>],
    count: i64,
) -> Result<Committed, LakeError> {
    let folder = folder.into();
    let (rows, owned, at) = (frame(run, dates, count), folder.clone(), run.to_owned());
    let staged = std::thread::spawn(move || stage(&owned, rows, &at)).join().unwrap();
    let columns = schema();
    replace(&permit(), now(), change(folder, &columns, Scope::Dates(dates.to_vec()), staged, run)).await
}

/// Everything in the newest version.
pub async fn rows(folder: impl Into<Place>) -> Rows {
    match open(folder).await.unwrap() {
        Some(snapshot) => rows_of(snapshot.scan(None).unwrap()),
        None => Rows::new(),
    }
}

pub fn rows_of(frame: LazyFrame) -> Rows {
    let frame = std::thread::spawn(|| frame.collect_with_engine(Engine::Streaming).unwrap().unwrap_single());
    let frame = frame.join().unwrap();
    let (dates, runs) = (frame.column("date").unwrap(), frame.column("run").unwrap());
    let dates: Vec<Option<NaiveDate>> = dates.date().unwrap().as_date_iter().collect();
    let ids = frame.column("id").unwrap().i64().unwrap().clone();
    let mut rows = Rows::new();
    for ((date, run), id) in dates.into_iter().zip(runs.str().unwrap().iter()).zip(ids.iter()) {
        rows.entry(date).or_default().push((run.unwrap().to_owned(), id.unwrap()));
    }
    rows.values_mut().for_each(|rows| rows.sort());
    rows
}

/// What [`frame`] holds for one date.
pub fn expected(run: &str, count: i64) -> Vec<(String, i64)> {
    (0..count).map(|id| (run.to_owned(), id)).collect()
}
