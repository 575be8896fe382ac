//! The warehouse stage: streams a gold table into PostgreSQL and compares both sides afterwards.

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use assay_lake::{Lake, Snapshot};
use assay_pipeline::{Layer, Load, LoadMode, Permit, Pipeline, TableName};
use assay_warehouse::{
    Difference, LoadJob, LoadOutcome, Measures, Replace, Warehouse, WarehouseColumn, WarehouseError, WarehouseType,
    reconcile,
};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures::channel::mpsc;
use futures::{SinkExt, Stream};
use polars::prelude::{
    CsvWriter, DataFrame, DataType, Engine, Expr, LazyFrame, NULL, PolarsError, PolarsResult, QuoteStyle, SerWriter,
    SpecialEq, TimeUnit, col, len, lit, when,
};

use polars_plan::callback::PlanCallback;

use crate::error::StageError;

/// Rows that wait between the reader and the database, in batches of [`BATCH_ROWS`].
const BATCHES_AHEAD: usize = 4;
const BATCH_ROWS: usize = 16_384;

/// One load of one gold table.
pub struct WarehouseJob<'a> {
    pub pipeline: &'a Pipeline,
    pub load: &'a Load,
    pub lake: &'a Lake,
    pub environment: &'a str,
    pub run: &'a str,
    pub permit: &'a Permit,
    /// Dates to replace; `None` replaces the whole table.
    pub dates: Option<&'a [NaiveDate]>,
    pub now: DateTime<Utc>,
}

#[derive(Debug)]
pub struct Delivered {
    pub outcome: LoadOutcome,
    /// Version of the gold table that was loaded.
    pub version: i64,
    /// Rows that the load brought.
    pub rows: u64,
    /// Rows of the whole warehouse table afterwards.
    pub table_rows: u64,
    pub measures: Vec<Measured>,
}

/// One compared figure; numbers are exact decimal text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    pub measure: String,
    pub lake: String,
    pub warehouse: String,
    pub equal: bool,
    /// Of the rows that the load took out; none when it did not load, or took out no value.
    pub replaced: Option<String>,
}

/// Loads a table and compares counts and sums of lake and warehouse.
/// A difference is not an error here: the caller fails the step and shows the figures.
pub async fn deliver(job: &WarehouseJob<'_>, warehouse: &mut Warehouse) -> Result<Delivered, StageError> {
    let schema = job.pipeline.warehouse.as_ref().map_or("public", |warehouse| warehouse.schema.as_str());
    let table = TableName::new(&job.pipeline.name, Layer::Gold, &job.load.table);
    let snapshot = assay_lake::open(&job.lake.folder(&table))
        .await?
        .ok_or_else(|| StageError::NoTable { table: table.to_string() })?;
    let dates = match (job.load.mode, snapshot.partition_column(), job.dates) {
        (LoadMode::ReplaceDates, Some(column), Some(dates)) => Some((column.to_owned(), dates.to_vec())),
        _ => None,
    };
    let load = LoadJob {
        pipeline: job.pipeline.name.clone(),
        environment: job.environment.to_owned(),
        schema: schema.to_owned(),
        table: job.load.table.clone(),
        columns: columns(&snapshot)?,
        mode: match &dates {
            Some((column, dates)) => Replace::Dates { column: column.clone(), dates: dates.clone() },
            None => Replace::All,
        },
        distribution_key: job.load.distribution_key.clone(),
        sort_key: job.load.sort_key.clone(),
        sums: job.load.reconcile.clone(),
        staging: job.pipeline.warehouse.as_ref().and_then(|warehouse| warehouse.staging.clone()),
        lake_table: snapshot.table_id()?,
        lake_version: snapshot.version(),
        run: job.run.to_owned(),
    };
    let only = dates.as_ref().map(|(_, dates)| dates.as_slice());
    let rows = csv_rows(snapshot.scan(only)?);
    let outcome = warehouse.load(job.permit, job.now, &load, rows).await?;
    let sums = job.load.reconcile.iter().map(|name| summed(name, &snapshot)).collect();
    let lake = lake_measures(snapshot.scan(only)?, sums).await?;
    let between = dates.as_ref().map(|(column, dates)| (column.as_str(), dates.as_slice()));
    let there = warehouse.measure(schema, &job.load.table, &job.load.reconcile, between).await;
    let there = there.map_err(WarehouseError::after_load)?;
    let rows = lake.rows;
    let table_rows = match between {
        Some(_) => warehouse.rows(schema, &job.load.table).await.map_err(WarehouseError::after_load)?,
        None => there.rows,
    };
    let measures = compared(&job.load.reconcile, &lake, &there, &outcome);
    Ok(Delivered { outcome, version: snapshot.version(), rows, table_rows, measures })
}

fn columns(snapshot: &Snapshot) -> Result<Vec<WarehouseColumn>, StageError> {
    let column = |field: &assay_lake::LakeField| {
        let kind =
            warehouse_type(&field.kind).ok_or_else(|| StageError::NoWarehouseType { column: field.name.clone() })?;
        Ok(WarehouseColumn { name: field.name.clone(), kind })
    };
    snapshot.fields().iter().map(column).collect()
}

fn warehouse_type(kind: &DataType) -> Option<WarehouseType> {
    Some(match kind {
        DataType::Boolean => WarehouseType::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 => WarehouseType::Int32,
        DataType::Int64 => WarehouseType::Int64,
        DataType::Decimal(precision, scale) => {
            WarehouseType::Decimal { precision: u16::try_from(*precision).ok()?, scale: u16::try_from(*scale).ok()? }
        }
        DataType::Float64 => WarehouseType::Double,
        DataType::String => WarehouseType::Text,
        DataType::Date => WarehouseType::Date,
        DataType::Datetime(TimeUnit::Microseconds, None) => WarehouseType::Timestamp,
        DataType::Datetime(TimeUnit::Microseconds, Some(_)) => WarehouseType::TimestampUtc,
        _ => return None,
    })
}

/// A frame's rows as CSV for COPY: null is nothing, an empty string is `""`.
/// The engine runs on a thread of its own and waits while the database is slower.
fn csv_rows(frame: LazyFrame) -> impl Stream<Item = Result<Bytes, io::Error>> {
    let (send, receive) = mpsc::channel(BATCHES_AHEAD);
    std::thread::spawn(move || {
        let mut failed = send.clone();
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| stream(frame, send)));
        // A stream that only stopped would load too few rows: every other end is an error of the stream.
        let error = match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) => io::Error::other(error),
            Err(_) => io::Error::other("the query engine stopped at a defect"),
        };
        // A closed receiver means that the load ended before: it has a reason of its own.
        futures::executor::block_on(failed.send(Err(error))).ok();
    });
    receive
}

fn stream(frame: LazyFrame, send: mpsc::Sender<Result<Bytes, io::Error>>) -> PolarsResult<()> {
    let send = Mutex::new(send);
    let take = move |mut batch: DataFrame| -> PolarsResult<bool> {
        let bytes = csv(&mut batch)?;
        let mut send = send.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(futures::executor::block_on(send.send(Ok(bytes))).is_err())
    };
    let take = PlanCallback::Rust(SpecialEq::new(Arc::new(take)));
    let sink = frame.sink_batches(take, false, NonZeroUsize::new(BATCH_ROWS))?;
    sink.collect_with_engine(Engine::Streaming).map(drop)
}

fn csv(batch: &mut DataFrame) -> PolarsResult<Bytes> {
    let mut text = Vec::with_capacity(batch.height() * 64);
    CsvWriter::new(&mut text)
        .include_header(false)
        .with_quote_style(QuoteStyle::Necessary)
        .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.6f".into()))
        .finish(batch)?;
    Ok(Bytes::from(text))
}

/// Row count and exact sums of the lake's side, in one pass.
async fn lake_measures(frame: LazyFrame, sums: Vec<Expr>) -> Result<Measures, StageError> {
    let measured = tokio::task::spawn_blocking(move || {
        let mut wanted = vec![len().alias("rows")];
        wanted.extend(sums.iter().enumerate().map(|(i, sum)| sum.clone().alias(format!("sum_{i}"))));
        let result = frame.select(wanted).collect_with_engine(Engine::Streaming)?;
        Ok::<_, PolarsError>((result.unwrap_single(), sums.len()))
    });
    let (result, sums) = measured.await.map_err(|_| StageError::ThreadLost)??;
    let row = result.get_row(0)?;
    let figure = |i: usize| row.0.get(i).filter(|value| !value.is_null()).map(ToString::to_string);
    let rows = figure(0).and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(Measures { rows, sums: (1..=sums).map(figure).collect() })
}

/// The sum of nothing is null on both sides; integers are widened so that their sum does not wrap.
fn summed(name: &str, snapshot: &Snapshot) -> Expr {
    let narrow = snapshot.fields().iter().any(|field| field.name == name && field.kind.is_integer());
    let value = if narrow { col(name).cast(DataType::Int64) } else { col(name) };
    when(value.clone().count().gt(lit(0))).then(value.sum()).otherwise(lit(NULL))
}

fn compared(names: &[String], lake: &Measures, warehouse: &Measures, outcome: &LoadOutcome) -> Vec<Measured> {
    let different: Vec<Difference> = reconcile(lake, warehouse, names);
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".into());
    let (rows_replaced, sums_replaced) = match outcome {
        LoadOutcome::Loaded { replaced, sums_replaced, .. } => (Some(replaced.to_string()), sums_replaced.as_slice()),
        LoadOutcome::AlreadyLoaded => (None, [].as_slice()),
    };
    let differs = |what: &str| different.iter().any(|difference| difference.what == what);
    let rows = Measured {
        measure: "rows".to_owned(),
        lake: lake.rows.to_string(),
        warehouse: warehouse.rows.to_string(),
        equal: !differs("rows"),
        replaced: rows_replaced,
    };
    let sums = names.iter().enumerate().map(|(at, name)| Measured {
        measure: name.clone(),
        lake: text(lake.sums.get(at).unwrap_or(&None)),
        warehouse: text(warehouse.sums.get(at).unwrap_or(&None)),
        equal: !differs(&format!("sum of {name}")),
        replaced: sums_replaced.get(at).cloned().flatten(),
    });
    std::iter::once(rows).chain(sums).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_differs_is_not_equal_and_what_went_out_is_told() {
        let measures = |rows, sum: &str| Measures { rows, sums: vec![Some(sum.to_owned()), None] };
        let names = ["revenue".to_owned(), "units".to_owned()];
        let sums_replaced = vec![Some("8.25".to_owned()), None];
        let outcome = LoadOutcome::Loaded { copied: 3, replaced: 2, sums_replaced };
        let found = compared(&names, &measures(3, "1.50"), &measures(3, "1.51"), &outcome);
        let told: Vec<_> = found.iter().map(|one| (one.measure.as_str(), one.equal, one.replaced.as_deref())).collect();
        assert_eq!(told, [("rows", true, Some("2")), ("revenue", false, Some("8.25")), ("units", true, None)]);
        let again = compared(&names, &measures(3, "1.5"), &measures(4, "1.50"), &LoadOutcome::AlreadyLoaded);
        let told: Vec<_> = again.iter().map(|one| (one.equal, one.replaced.as_deref())).collect();
        assert_eq!(told, [(false, None), (true, None), (true, None)]);
    }
}
