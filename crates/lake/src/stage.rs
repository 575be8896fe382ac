//! Writing frames into a table's folder as files that no version names yet.

use crate::engine::guarded;
use crate::error::LakeError;
use crate::field::fields_of;
use crate::leftover;
use crate::place::Place;
use crate::staged::{StagedFile, begun, discard, footer_rows};
use chrono::NaiveDate;
use polars::prelude::{
    AllowedOptimizations, Column, DataType, Engine, IdxSize, LazyFrame, OptFlags, ParquetCompression,
    ParquetWriteOptions, PlRefPath, PolarsError, PolarsResult, col,
};
use polars_plan::callback::PlanCallback;
use polars_plan::dsl::FileWriteFormat;
use polars_plan::dsl::file_provider::{FileProviderArgs, FileProviderReturn, FileProviderType};
use polars_plan::dsl::sink::{PartitionStrategy, SinkDestination, UnifiedSinkArgs};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Rows of a row group: a page from anywhere decodes at most two.
const ROW_GROUP: usize = 122_880;
/// A larger partition is cut into several files, so that they can be read and synced side by side.
const FILE_BYTES: u64 = 512 * 1024 * 1024;

/// A frame and the folder of its table.
pub struct Job<'a> {
    pub frame: LazyFrame,
    pub folder: Place,
    /// A date column: the rows of each date go to files of their own, without the column.
    pub partition: Option<&'a str>,
}

/// Streams the frame into new files below `folder`. Blocking, and not for a thread of a runtime.
///
/// Gives no file when the frame has no rows. When it fails or is cancelled, nothing that it wrote stays.
pub fn stage_frame(
    frame: LazyFrame,
    folder: impl Into<Place>,
    partition: Option<&str>,
    run: &str,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<StagedFile>, LakeError> {
    let staged = stage_frames(vec![Job { frame, folder: folder.into(), partition }], run, cancelled)?;
    Ok(staged.into_iter().flatten().collect())
}

/// As [`stage_frame`] for several tables in one pass: what their frames have in common is computed once.
/// Gives the files of each job, in the order of the jobs; all or nothing.
pub fn stage_frames(
    jobs: Vec<Job<'_>>,
    run: &str,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Vec<StagedFile>>, LakeError> {
    let Some(first) = jobs.first().map(|job| job.folder.clone()) else { return Ok(Vec::new()) };
    let tables: Vec<Table> = jobs.iter().map(|job| Table::new(job, run)).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let written = write(jobs, &tables, &first, &stop, cancelled).and_then(|()| match cancelled() {
        true => Err(LakeError::Cancelled { place: first.to_string() }),
        false => tables.iter().map(Table::collect).collect(),
    });
    if written.is_err() {
        tables.iter().for_each(Table::remove);
    }
    written
}

fn write(
    jobs: Vec<Job<'_>>,
    tables: &[Table],
    place: &Place,
    stop: &Arc<AtomicBool>,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<(), LakeError> {
    let mut plans = Vec::with_capacity(jobs.len());
    for (job, table) in jobs.into_iter().zip(tables) {
        fs::create_dir_all(job.folder.folder()).map_err(|error| LakeError::disk(&job.folder, "writing", error))?;
        plans.push(guarded(&job.folder.clone(), "writing", || plan(job, table, stop))?.logical_plan);
    }
    let optimize = OptFlags::default();
    let run = || LazyFrame::collect_all_with_engine(plans, Engine::Streaming, optimize);
    let result = watched(place, stop, cancelled, || run().map(drop));
    match result {
        Err(_) if stop.load(Ordering::Relaxed) => Err(LakeError::Cancelled { place: place.to_string() }),
        other => other,
    }
}

/// Runs the query on a thread of its own and asks meanwhile whether it is still wanted.
fn watched(
    place: &Place,
    stop: &AtomicBool,
    cancelled: &(dyn Fn() -> bool + Sync),
    query: impl FnOnce() -> PolarsResult<()> + Send,
) -> Result<(), LakeError> {
    std::thread::scope(|scope| {
        let (done, ended) = channel::<()>();
        let worker = scope.spawn(move || {
            let _done = done;
            guarded(place, "writing", || query().map_err(|error| LakeError::engine(place, "writing", error)))
        });
        while ended.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
            if cancelled() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        worker.join().unwrap_or_else(|_| {
            Err(LakeError::Engine {
                place: place.to_string(),
                doing: "writing",
                what: "its thread ended without a result".to_owned(),
                source: None,
            })
        })
    })
}

fn plan(job: Job<'_>, table: &Table, stop: &Arc<AtomicBool>) -> Result<LazyFrame, LakeError> {
    let failed = |error| LakeError::engine(&table.folder, "writing", error);
    let mut frame = job.frame;
    let schema = frame.collect_schema().map_err(failed)?;
    fields_of(&schema)?;
    if let Some(column) = job.partition
        && schema.get(column) != Some(&DataType::Date)
    {
        let reason = format!("the partition column {column} is no date column of the frame");
        return Err(LakeError::Refused { place: table.folder.to_string(), reason });
    }
    let stop = Arc::clone(stop);
    let gate = move |rows| match stop.load(Ordering::Relaxed) {
        true => Err(PolarsError::ComputeError("cancelled".into())),
        false => Ok(rows),
    };
    // Without the streaming flag the engine would hold the whole frame in memory for the gate.
    let flags: AllowedOptimizations = OptFlags::default() | OptFlags::STREAMING;
    let frame = frame.map(gate, flags, None, Some("gate"));
    frame.sink(table.destination(&table.folder).map_err(failed)?, format(), UnifiedSinkArgs::default()).map_err(failed)
}

/// Snappy: what Redshift and old Athena read.
fn format() -> FileWriteFormat {
    FileWriteFormat::Parquet(Arc::new(ParquetWriteOptions {
        compression: ParquetCompression::Snappy,
        row_group_size: Some(ROW_GROUP),
        ..Default::default()
    }))
}

/// Path and date of a file.
type Noted = (String, Option<NaiveDate>);

/// The files of one job, noted before each is opened.
struct Table {
    folder: Place,
    column: Option<String>,
    run: String,
    files: Arc<Mutex<Vec<Noted>>>,
}

impl Table {
    fn new(job: &Job<'_>, run: &str) -> Self {
        Self {
            folder: job.folder.clone(),
            column: job.partition.map(str::to_owned),
            run: run.to_owned(),
            files: Arc::default(),
        }
    }

    fn destination(&self, folder: &Place) -> PolarsResult<SinkDestination> {
        let (run, column, files) = (self.run.clone(), self.column.clone(), Arc::clone(&self.files));
        let table = folder.clone();
        let name = move |args: FileProviderArgs| {
            let date = match &column {
                Some(_) => date_of(args.partition_keys.columns())?,
                None => None,
            };
            let path = begun(&table, &run, column.as_deref(), date)?;
            // The engine would hide why a folder cannot be made.
            table.folder().join(&path).parent().map_or(Ok(()), fs::create_dir_all)?;
            files.lock().unwrap_or_else(PoisonError::into_inner).push((path.clone(), date));
            Ok(FileProviderReturn::Path(path))
        };
        let partition_strategy = match &self.column {
            Some(column) => {
                let keys = vec![col(column.as_str())];
                PartitionStrategy::Keyed { keys, include_keys: false, keys_pre_grouped: false }
            }
            None => PartitionStrategy::FileSize,
        };
        Ok(SinkDestination::Partitioned {
            base_path: PlRefPath::try_from_path(folder.folder())?,
            file_path_provider: Some(FileProviderType::Function(PlanCallback::new(name))),
            partition_strategy,
            max_rows_per_file: IdxSize::MAX,
            approximate_bytes_per_file: FILE_BYTES,
        })
    }

    fn noted(&self) -> Vec<Noted> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The written files, sorted by path; those without rows are removed.
    fn collect(&self) -> Result<Vec<StagedFile>, LakeError> {
        let mut staged = Vec::new();
        for (path, partition) in self.noted() {
            let rows = footer_rows(&self.folder, &path)?;
            let file = self.folder.folder().join(&path);
            if rows == 0 {
                fs::remove_file(&file).map_err(|error| LakeError::disk(&self.folder, "writing", error))?;
                leftover::end(&self.folder, [path.as_str()]);
                continue;
            }
            let size = fs::metadata(&file).map_err(|error| LakeError::disk(&self.folder, "writing", error))?.len();
            staged.push(StagedFile { path, size, rows, partition, stats: None });
        }
        staged.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(staged)
    }

    fn remove(&self) {
        let unread = |(path, partition)| StagedFile { path, size: 0, rows: 0, partition, stats: None };
        let staged: Vec<StagedFile> = self.noted().into_iter().map(unread).collect();
        discard(&self.folder, &staged);
    }
}

fn date_of(keys: &[Column]) -> PolarsResult<Option<NaiveDate>> {
    let [key] = keys else { return Err(PolarsError::ShapeMismatch("one partition column".into())) };
    Ok(key.date()?.as_date_iter().next().flatten())
}
