//! Publishes staged files: the quarantine first, then the table, each in one commit.

use crate::error::StageError;
use crate::silver::columns::utc;
use crate::silver::files::{Files, Groups};
use crate::silver::ingest::{IngestJob, Scope};
use crate::silver::refused;
use crate::silver::shape::Shape;
use crate::watch::{Level, Watch};
use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::DataType as ArrowType;
use assay_lake::{LakeError, LakeField, LakeFile, Replacement, Snapshot, StagedFile};
use assay_pipeline::{ColumnType, TableName};
use chrono::NaiveDate;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use polars::prelude::{DataType, TimeUnit, TimeZone};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

/// Tries to keep the undated rows of other files while other runs change them.
const TRIES: u32 = 5;

/// What is to be published.
pub(crate) struct Publication<'a> {
    pub(crate) job: &'a IngestJob<'a>,
    pub(crate) table: &'a TableName,
    pub(crate) shape: &'a Shape,
    /// Dates whose partitions are replaced.
    pub(crate) dates: &'a [NaiveDate],
    /// Paths of the files that were read.
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

pub(crate) fn publish(
    what: &Publication<'_>,
    silver: &Files<'_>,
    quarantine: &Files<'_>,
) -> Result<Published, StageError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StageError::io("the runtime", "start", error))?;
    // A step that is done twice finds its quarantine already there and changes nothing but audit columns.
    let quarantine_version = runtime.block_on(what.quarantine(quarantine))?;
    let committed = runtime.block_on(what.silver(silver.finish()?))?;
    Ok(Published { version: committed.version, before: committed.before, quarantine_version })
}

impl Publication<'_> {
    async fn silver(&self, staged: Vec<StagedFile>) -> Result<assay_lake::Committed, StageError> {
        let schema = silver_fields(self.shape);
        let scope = match self.job.scope {
            Scope::All => assay_lake::Scope::Whole,
            Scope::Dates(_) => assay_lake::Scope::dates(self.dates),
        };
        let folder = self.job.lake.folder(self.table);
        let name = self.job.lake.name(self.table);
        let column = Some(self.job.contract.partition.as_str());
        self.commit(&folder, &name, &schema, column, scope, staged, &|_, _| Ok(())).await.map_err(StageError::from)
    }

    async fn quarantine(&self, files: &Files<'_>) -> Result<i64, StageError> {
        let folder = self.job.lake.quarantine(self.table);
        let name = self.job.lake.quarantine_name(self.table);
        let schema = quarantine_fields();
        let staged = files.finish()?;
        if self.job.scope == Scope::All {
            let whole = assay_lake::Scope::Whole;
            let done = self.commit(&folder, &name, &schema, Some(refused::DATE), whole, staged, &|_, _| Ok(()));
            return Ok(done.await?.version);
        }
        let mut tries = 0;
        loop {
            let before = assay_lake::open(&folder).await?;
            let undated = before.as_ref().map(undated_of).unwrap_or_default();
            let new = staged.iter().any(|file| file.partition.is_none());
            let kept = self.keep(&folder, &undated, new, files)?;
            let replaces = new || kept.is_some();
            let mut dates: Vec<Option<NaiveDate>> = self.dates.iter().copied().map(Some).collect();
            dates.extend(replaces.then_some(None));
            let mut all = staged.clone();
            all.extend(kept.into_iter().flatten());
            let same = |now: Option<&Snapshot>, _: &[StagedFile]| {
                let unchanged = !replaces || now.map(undated_of).unwrap_or_default() == undated;
                if unchanged { Ok(()) } else { Err("another run changed the rows without a date".to_owned()) }
            };
            let scope = assay_lake::Scope::Dates(dates);
            match self.commit(&folder, &name, &schema, Some(refused::DATE), scope, all, &same).await {
                Err(LakeError::Refused { .. }) if tries < TRIES => tries += 1,
                done => return Ok(done?.version),
            }
            self.watch.log(Level::Info, "another run changed the quarantine meanwhile; trying again");
        }
    }

    /// Copies the undated rows of files that this run did not read; none when there is nothing to replace.
    fn keep(
        &self,
        folder: &Path,
        undated: &[LakeFile],
        new: bool,
        files: &Files<'_>,
    ) -> Result<Option<Vec<StagedFile>>, StageError> {
        let mut groups = Groups::new(files);
        let mut dropped = false;
        for file in undated {
            let place = folder.join(&file.path);
            let shown = place.display().to_string();
            let open = File::open(&place).map_err(|error| StageError::io(&shown, "read the file", error))?;
            let bad = |source| StageError::BadParquet { path: shown.clone(), source };
            let reader = ParquetRecordBatchReaderBuilder::try_new(open).and_then(|reader| reader.build());
            for batch in reader.map_err(bad)? {
                let batch = batch.map_err(|error| bad(ParquetError::from(error)))?;
                let (batch, all) = self.unread(&batch).map_err(bad)?;
                dropped |= !all;
                let batch = conformed(&batch, files).map_err(bad)?;
                groups.add(None, &batch)?;
            }
        }
        let written = groups.finish().and_then(|()| files.finish())?;
        if dropped || new {
            return Ok(Some(written));
        }
        assay_lake::discard(folder, &written);
        Ok(None)
    }

    /// The rows of files that this run did not read, and whether these are all rows.
    fn unread(&self, batch: &RecordBatch) -> Result<(RecordBatch, bool), ParquetError> {
        let source = batch.column_by_name("_source_file").ok_or(ParquetError::General("no _source_file".to_owned()))?;
        let source = cast(source, &ArrowType::Utf8)?;
        let kept: BooleanArray = source
            .as_string::<i32>()
            .iter()
            .map(|path| Some(path.is_none_or(|path| !self.read.contains(path))))
            .collect();
        let all = kept.true_count() == kept.len();
        Ok((filter_record_batch(batch, &kept)?, all))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a commit that differ between the two tables")]
    async fn commit(
        &self,
        folder: &Path,
        table: &str,
        schema: &[LakeField],
        partition: Option<&str>,
        scope: assay_lake::Scope,
        staged: Vec<StagedFile>,
        audit: assay_lake::Audit<'_>,
    ) -> Result<assay_lake::Committed, LakeError> {
        if self.watch.cancelled() {
            return Err(LakeError::Cancelled { place: folder.display().to_string() });
        }
        let note = match self.dates {
            [one] => format!("replaced {one}"),
            dates => format!("replaced {} dates", dates.len()),
        };
        let change = Replacement {
            folder,
            environment: self.job.lake.environment(),
            table,
            schema,
            partition,
            scope,
            staged,
            run: self.job.run,
            definition: &self.job.pipeline.digest,
            note: &note,
            audit,
        };
        assay_lake::replace(self.job.permit, (self.job.now)(), change).await
    }
}

fn undated_of(snapshot: &Snapshot) -> Vec<LakeFile> {
    let mut files: Vec<LakeFile> = snapshot.files().iter().filter(|file| file.partition.is_none()).cloned().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The batch with the columns of the quarantine's files, in their order.
fn conformed(batch: &RecordBatch, files: &Files<'_>) -> Result<RecordBatch, ParquetError> {
    let columns = files.schema().fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => Ok(cast(column, field.data_type())?),
        None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
    });
    let columns = columns.collect::<Result<Vec<_>, ParquetError>>()?;
    Ok(RecordBatch::try_new(files.schema().clone(), columns)?)
}

fn silver_fields(shape: &Shape) -> Vec<LakeField> {
    let mut fields: Vec<LakeField> =
        shape.columns.iter().map(|plan| LakeField::new(&plan.name, lake_type(plan.kind), true)).collect();
    fields.extend([
        LakeField::new("_source_file", DataType::String, true),
        LakeField::new("_source_line", DataType::Int64, true),
        LakeField::new("_run_id", DataType::String, true),
        LakeField::new("_processed_at", lake_utc(), true),
    ]);
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
