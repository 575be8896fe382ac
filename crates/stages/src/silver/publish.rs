//! Publishes staged files: the quarantine first, then the table, each in one commit.

use crate::error::StageError;
use crate::silver::columns::{ITEM, utc};
use crate::silver::files::{Files, Groups};
use crate::silver::ingest::{IngestJob, Scope};
use crate::silver::shape::Shape;
use crate::silver::upsert::Reading;
use crate::silver::{moment, refused};
use crate::watch::{Level, Watch};
use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType as ArrowType, SchemaRef};
use assay_lake::{Committed, LakeError, LakeField, LakeFile, Place, Replacement, Snapshot, StagedFile};
use assay_pipeline::{ColumnType, TableName};
use chrono::NaiveDate;
use parquet::errors::ParquetError;
use polars::prelude::{DataType, TimeUnit, TimeZone};
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::Path;
use tokio::runtime::Runtime;

/// Tries to keep the undated rows of other files while other runs change them.
const TRIES: u32 = 5;

/// What is to be published.
pub(crate) struct Publication<'a> {
    pub(crate) job: &'a IngestJob<'a>,
    pub(crate) table: &'a TableName,
    pub(crate) shape: &'a Shape,
    /// Dates whose partitions are replaced.
    pub(crate) dates: &'a [NaiveDate],
    /// Dates of whose refused records only those of the files that were read are replaced.
    pub(crate) mended: &'a BTreeSet<NaiveDate>,
    /// Paths of the files that were read, or found to be unreadable.
    pub(crate) read: &'a BTreeSet<&'a str>,
    pub(crate) watch: &'a dyn Watch,
}

/// Versions that the commits made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) version: i64,
    pub(crate) before: Option<i64>,
    pub(crate) quarantine_version: i64,
}

/// Publishes the refused records; called by what commits the table, just before it does.
pub(crate) type Refused<'a> = &'a dyn Fn() -> Result<(), StageError>;

/// Publishes the refused records, then what `table` commits.
pub(crate) fn publish(
    what: &Publication<'_>,
    quarantine: &Files<'_>,
    table: impl FnOnce(&Runtime, Refused<'_>) -> Result<Committed, StageError>,
) -> Result<Published, StageError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StageError::io("the runtime", "start", error))?;
    // A step that is done twice finds its quarantine already there and changes nothing but audit columns.
    let version = OnceCell::new();
    let refused = || {
        if version.get().is_none() {
            // Only this closure sets it.
            let _ = version.set(runtime.block_on(what.quarantine(quarantine))?);
        }
        Ok(())
    };
    let committed = table(&runtime, &refused)?;
    refused()?;
    let quarantine_version = version.get().copied().unwrap_or_default();
    Ok(Published { version: committed.version, before: committed.before, quarantine_version })
}

/// A commit of one of the step's tables.
pub(crate) struct Change<'a> {
    folder: Place,
    name: String,
    schema: Vec<LakeField>,
    partition: &'a str,
    scope: assay_lake::Scope,
    staged: Vec<StagedFile>,
    note: &'a str,
    audit: assay_lake::Audit<'a>,
}

impl<'a> Change<'a> {
    pub(crate) fn of_silver(
        job: &'a IngestJob<'_>,
        table: &TableName,
        shape: &Shape,
        scope: assay_lake::Scope,
        staged: Vec<StagedFile>,
        note: &'a str,
        audit: assay_lake::Audit<'a>,
    ) -> Self {
        let (folder, name) = (job.lake.folder(table), job.lake.name(table));
        let partition = job.contract.partition.as_str();
        Self { folder, name, schema: silver_fields(shape), partition, scope, staged, note, audit }
    }

    pub(crate) fn of_quarantine(
        job: &IngestJob<'_>,
        table: &TableName,
        scope: assay_lake::Scope,
        staged: Vec<StagedFile>,
        note: &'a str,
        audit: assay_lake::Audit<'a>,
    ) -> Self {
        let (folder, name) = (job.lake.quarantine(table), job.lake.quarantine_name(table));
        Self { folder, name, schema: quarantine_fields(), partition: refused::DATE, scope, staged, note, audit }
    }
}

pub(crate) async fn commit(job: &IngestJob<'_>, watch: &dyn Watch, change: Change<'_>) -> Result<Committed, LakeError> {
    if watch.cancelled() {
        return Err(LakeError::Cancelled { place: change.folder.to_string() });
    }
    let replacement = Replacement {
        folder: change.folder,
        environment: job.lake.environment(),
        table: &change.name,
        schema: &change.schema,
        partition: Some(change.partition),
        scope: change.scope,
        staged: change.staged,
        run: job.run,
        definition: &job.pipeline.digest,
        note: change.note,
        audit: change.audit,
    };
    assay_lake::replace(job.permit, (job.now)(), replacement).await
}

impl Publication<'_> {
    /// Commits the files in place of the partitions of the run's dates, or of the whole table.
    pub(crate) async fn silver(&self, staged: Vec<StagedFile>) -> Result<Committed, StageError> {
        let scope = match self.job.scope {
            Scope::All => assay_lake::Scope::Whole,
            Scope::Dates(_) => assay_lake::Scope::dates(self.dates),
        };
        let note = self.note();
        let change = Change::of_silver(self.job, self.table, self.shape, scope, staged, &note, &|_, _| Ok(()));
        Ok(commit(self.job, self.watch, change).await?)
    }

    async fn quarantine(&self, files: &Files<'_>) -> Result<i64, StageError> {
        let folder = self.job.lake.quarantine(self.table);
        let note = self.note();
        let staged = files.finish()?;
        if self.job.scope == Scope::All {
            let change = self.change(assay_lake::Scope::Whole, staged, &note, &|_, _| Ok(()));
            return Ok(commit(self.job, self.watch, change).await?.version);
        }
        let mut tries = 0;
        loop {
            let before = assay_lake::open(&folder).await?;
            let mut dates: Vec<Option<NaiveDate>> = self.dates.iter().copied().map(Some).collect();
            let mut all = staged.clone();
            let mut held = Vec::new();
            for date in self.mended.iter().copied().map(Some).chain([None]) {
                let files_of = files_of(before.as_ref(), date);
                let new = staged.iter().any(|file| file.partition == date);
                if let Some(before) = &before {
                    before.fetch(&files_of)?;
                }
                if new || self.holds_read(folder.folder(), &files_of)? {
                    all.extend(self.keep(folder.folder(), &files_of, date, files)?);
                    dates.push(date);
                    held.push((date, files_of));
                }
            }
            let same = |now: Option<&Snapshot>, _: &[StagedFile]| {
                let unchanged = held.iter().all(|(date, held)| files_of(now, *date) == *held);
                if unchanged { Ok(()) } else { Err("another run changed rows that stay".to_owned()) }
            };
            let change = self.change(assay_lake::Scope::Dates(dates), all, &note, &same);
            match commit(self.job, self.watch, change).await {
                Err(LakeError::Refused { .. }) if tries < TRIES => tries += 1,
                done => return Ok(done?.version),
            }
            self.watch.log(Level::Info, "another run changed the quarantine meanwhile; trying again");
        }
    }

    /// A change of the quarantine.
    fn change<'c>(
        &self,
        scope: assay_lake::Scope,
        staged: Vec<StagedFile>,
        note: &'c str,
        audit: assay_lake::Audit<'c>,
    ) -> Change<'c> {
        Change::of_quarantine(self.job, self.table, scope, staged, note, audit)
    }

    /// True when one of the rows is of a file that this run read.
    fn holds_read(&self, folder: &Path, files: &[LakeFile]) -> Result<bool, StageError> {
        for file in files {
            let reading = Reading::open(&folder.join(&file.path))?;
            for batch in reading.batches(None, Some(&["_source_file"]))? {
                let batch = batch.map_err(|error| reading.broken(error))?;
                let unread = self.unread(&batch).map_err(|error| reading.bad(error))?;
                if unread.num_rows() < batch.num_rows() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Copies the rows of files that this run did not read.
    fn keep(
        &self,
        folder: &Path,
        held: &[LakeFile],
        date: Option<NaiveDate>,
        files: &Files<'_>,
    ) -> Result<Vec<StagedFile>, StageError> {
        let mut groups = Groups::new(files);
        for file in held {
            let reading = Reading::open(&folder.join(&file.path))?;
            for batch in reading.batches(None, None)? {
                let batch = batch.map_err(|error| reading.broken(error))?;
                let batch = self.unread(&batch).and_then(|batch| conformed(&batch, files));
                groups.add(date.map(moment::days), &batch.map_err(|error| reading.bad(error))?)?;
            }
        }
        groups.finish().and_then(|()| files.finish())
    }

    fn note(&self) -> String {
        match self.dates {
            [] => format!("replaced what was refused of {} files", self.read.len()),
            [one] => format!("replaced {one}"),
            dates => format!("replaced {} dates", dates.len()),
        }
    }

    /// The rows of files that this run did not read.
    fn unread(&self, batch: &RecordBatch) -> Result<RecordBatch, ParquetError> {
        let source = batch.column_by_name("_source_file").ok_or(ParquetError::General("no _source_file".to_owned()))?;
        let source = cast(source, &ArrowType::Utf8)?;
        let kept: BooleanArray = source
            .as_string::<i32>()
            .iter()
            .map(|path| Some(path.is_none_or(|path| !self.read.contains(path))))
            .collect();
        Ok(filter_record_batch(batch, &kept)?)
    }
}

/// In the order of their paths.
fn files_of(snapshot: Option<&Snapshot>, date: Option<NaiveDate>) -> Vec<LakeFile> {
    let files = snapshot.map(Snapshot::files).unwrap_or_default();
    let mut files: Vec<LakeFile> = files.iter().filter(|file| file.partition == date).cloned().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The batch with the columns of the quarantine's files, in their order.
fn conformed(batch: &RecordBatch, files: &Files<'_>) -> Result<RecordBatch, ParquetError> {
    with_columns(batch, files.schema())
}

/// As the files of a quarantine have them.
pub(crate) fn conformed_columns(batch: &RecordBatch) -> Result<RecordBatch, ParquetError> {
    with_columns(batch, &refused::schema())
}

fn with_columns(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ParquetError> {
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => Ok(cast(column, field.data_type())?),
        None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
    });
    let columns = columns.collect::<Result<Vec<_>, ParquetError>>()?;
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

/// The columns of the table.
pub(crate) fn silver_fields(shape: &Shape) -> Vec<LakeField> {
    let mut fields: Vec<LakeField> =
        shape.columns.iter().map(|plan| LakeField::new(&plan.name, lake_type(plan.kind), true)).collect();
    fields.extend([
        LakeField::new("_source_file", DataType::String, true),
        LakeField::new("_source_line", DataType::Int64, true),
    ]);
    fields.extend(shape.explode.is_some().then(|| LakeField::new(ITEM, DataType::Int64, true)));
    fields
        .extend([LakeField::new("_run_id", DataType::String, true), LakeField::new("_processed_at", lake_utc(), true)]);
    fields
}

fn quarantine_fields() -> Vec<LakeField> {
    let date = LakeField::new(refused::DATE, DataType::Date, true);
    let stored = refused::schema();
    let stored = stored.fields().iter().map(|field| {
        let kind = match field.data_type() {
            ArrowType::Int64 => DataType::Int64,
            ArrowType::Binary => DataType::Binary,
            kind if *kind == utc() => lake_utc(),
            _ => DataType::String,
        };
        LakeField::new(field.name(), kind, true)
    });
    std::iter::once(date).chain(stored).collect()
}

fn lake_utc() -> DataType {
    DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
}

fn lake_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::String { .. } => DataType::String,
        ColumnType::Int32 => DataType::Int32,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Decimal { precision, scale } => DataType::Decimal(precision.into(), scale.into()),
        ColumnType::Double => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date => DataType::Date,
        ColumnType::Timestamp => DataType::Datetime(TimeUnit::Microseconds, None),
        ColumnType::Instant => lake_utc(),
    }
}
