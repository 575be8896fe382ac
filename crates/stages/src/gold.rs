//! The gold stage: one SELECT per model, compiled, run over the lake, published in one commit.

mod catalog;
mod inputs;
mod kept;

pub use catalog::{Tables, contract_fields};

use std::path::Path;

use assay_lake::{Committed, Lake, LakeField, Place, Replacement, Scope, Snapshot, StagedFile};
use assay_pipeline::diagnostic::{Mistake, Mistakes};
use assay_pipeline::{ColumnType, Layer, Model, Permit, Pipeline, TableName};
use assay_sql::{Bound, ColumnLineage, Field, LowerError, SqlError, Use};
use catalog::{column_type, lake_field, layered};
use chrono::{DateTime, NaiveDate, Utc};
use inputs::Inputs;
use kept::Kept;
use polars::prelude::{Expr, IntoSeries, NamedFrom, Series, col, lit};

use crate::error::StageError;
use crate::quality::{Rules, Written, gate};

/// A model with its compiled SELECT.
pub struct CompiledModel {
    pub model: Model,
    bound: Bound,
}

impl CompiledModel {
    /// Names of the tables that it reads, as `silver.sales` or `gold.other`.
    pub fn reads(&self) -> Vec<(Layer, String)> {
        self.bound.reads().iter().filter_map(layered).collect()
    }

    pub fn fields(&self) -> &[Field] {
        self.bound.fields()
    }

    pub fn lineage(&self) -> Vec<ColumnLineage> {
        self.bound.lineage()
    }
}

/// Compiles every model of a pipeline, each against the silver tables and the models before it.
/// All mistakes of all models are reported, with their places in the SQL files.
pub fn compile(pipeline: &Pipeline) -> Result<Vec<CompiledModel>, Mistakes> {
    let mut catalog = Tables::of_silver(pipeline);
    let mut mistakes = Vec::new();
    let mut compiled = Vec::new();
    for model in &pipeline.models {
        match assay_sql::bind(&model.sql, &catalog, Use::Model) {
            Err(errors) => {
                let file = pipeline.folder.join(&model.file);
                mistakes.extend(errors.into_iter().map(|error| placed(&file, &model.sql, error)));
            }
            Ok(bound) => {
                catalog.add(Layer::Gold, &model.name, bound.fields().to_vec());
                compiled.push(CompiledModel { model: model.clone(), bound });
            }
        }
    }
    mistakes.extend(pipeline.check_outputs(&outputs(&compiled)).err().map(|wrong| wrong.0).unwrap_or_default());
    if mistakes.is_empty() { Ok(compiled) } else { Err(Mistakes(mistakes)) }
}

/// What a build needs besides the model.
pub struct GoldJob<'a> {
    pub pipeline: &'a Pipeline,
    pub lake: &'a Lake,
    pub run: &'a str,
    pub permit: &'a Permit,
    /// Dates whose partitions are rewritten; `None` rewrites everything.
    pub dates: Option<&'a [NaiveDate]>,
    pub now: &'a (dyn Fn() -> DateTime<Utc> + Sync),
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// The rules of the table, where it has any.
    pub rules: Option<&'a Rules<'a>>,
}

#[derive(Debug, Clone)]
pub struct Built {
    pub rows_in: u64,
    pub rows_out: u64,
    /// Partitions that were rewritten; `None` means the whole table.
    pub dates: Option<Vec<NaiveDate>>,
    pub committed: Committed,
    /// Why the step is flagged: a rule failed that lets it publish.
    pub flagged: Option<String>,
}

/// Builds one model and publishes it. Blocking: `runtime` drives the commit only.
pub fn build(
    job: &GoldJob<'_>,
    compiled: &CompiledModel,
    runtime: &tokio::runtime::Handle,
) -> Result<Built, StageError> {
    let model = &compiled.model;
    let table = TableName::new(&job.pipeline.name, Layer::Gold, &model.name);
    let folder = job.lake.folder(&table);
    let dates = model.partition.as_ref().and(job.dates);
    let inputs = Inputs::open(job, compiled, runtime)?;
    let staged = match Kept::refreshed(job, compiled, &inputs, runtime)? {
        Some(kept) => merge(job, &kept, &folder)?,
        None => stage(job, compiled, &inputs, dates, &folder)?,
    };
    let flagged = judge_rows(job, compiled, &table, &folder, dates, &staged)
        .inspect_err(|_| assay_lake::discard(&folder, &staged))?;
    let built = publish(job, compiled, &table, &folder, dates, staged, inputs.rows(dates), runtime)?;
    Ok(Built { flagged, ..built })
}

/// Asks the table's rules of rows that wait for their commit; gives why the step is flagged, if it is.
fn judge_rows(
    job: &GoldJob<'_>,
    compiled: &CompiledModel,
    table: &TableName,
    folder: &Place,
    dates: Option<&[NaiveDate]>,
    staged: &[StagedFile],
) -> Result<Option<String>, StageError> {
    let fields: Vec<LakeField> = compiled.fields().iter().map(lake_field).collect();
    let partition = compiled.model.partition.as_deref();
    let written = Written { table, folder, fields: &fields, partition, staged, dates, files: None };
    gate(job.rules, job.lake, &written, (job.now)())
}

/// Computes and writes the rows, part by part.
fn stage(
    job: &GoldJob<'_>,
    compiled: &CompiledModel,
    inputs: &Inputs,
    dates: Option<&[NaiveDate]>,
    folder: &Place,
) -> Result<Vec<StagedFile>, StageError> {
    let partition = compiled.model.partition.as_deref();
    let parts = inputs.parts(dates, &compiled.bound).into_iter().map(|part| {
        let scan = |table: &_| inputs.scan(table, part.dates.as_deref());
        let mut frame = compiled.bound.lower_share(part.share, &scan)?;
        if let (Some(column), Some(dates)) = (partition, &part.dates) {
            frame = frame.filter(in_dates(column, dates)?);
        }
        Ok(assay_lake::stage_frame(frame, folder, partition, job.run, job.cancelled)?)
    });
    all_or_none(folder, parts)
}

/// As [`stage`], from kept contributions.
fn merge(job: &GoldJob<'_>, kept: &Kept, folder: &Place) -> Result<Vec<StagedFile>, StageError> {
    let write = |frame| Ok(assay_lake::stage_frame(frame, folder, None, job.run, job.cancelled)?);
    all_or_none(folder, kept.shares().map(|share| kept.rows(share).and_then(write)))
}

/// Files of parts that are written one after the other; nothing that was written stays when one fails.
fn all_or_none(
    folder: &Place,
    parts: impl Iterator<Item = Result<Vec<StagedFile>, StageError>>,
) -> Result<Vec<StagedFile>, StageError> {
    let mut staged = Vec::new();
    for part in parts {
        match part {
            Ok(files) => staged.extend(files),
            Err(error) => {
                assay_lake::discard(folder, &staged);
                return Err(error);
            }
        }
    }
    Ok(staged)
}

#[allow(clippy::too_many_arguments, reason = "one caller; the staged files and their target belong together")]
fn publish(
    job: &GoldJob<'_>,
    compiled: &CompiledModel,
    table: &TableName,
    folder: &Place,
    dates: Option<&[NaiveDate]>,
    staged: Vec<StagedFile>,
    rows_in: u64,
    runtime: &tokio::runtime::Handle,
) -> Result<Built, StageError> {
    let rows_out = staged.iter().map(|file| file.rows).sum();
    let schema: Vec<LakeField> = compiled.fields().iter().map(lake_field).collect();
    let scope = match dates {
        Some(dates) => Scope::dates(dates),
        None => Scope::Whole,
    };
    let name = job.lake.name(table);
    let note = match dates {
        Some(dates) => format!("replaced {} dates", dates.len()),
        None => "replaced whole".to_owned(),
    };
    let audit = |_: Option<&Snapshot>, staged: &[StagedFile]| strangers(staged, dates);
    let committed = runtime.block_on(assay_lake::replace(
        job.permit,
        (job.now)(),
        Replacement {
            folder: folder.clone(),
            environment: job.lake.environment(),
            table: &name,
            schema: &schema,
            partition: compiled.model.partition.as_deref(),
            scope,
            staged,
            run: job.run,
            definition: &job.pipeline.digest,
            note: &note,
            audit: &audit,
        },
    ))?;
    Ok(Built { rows_in, rows_out, dates: dates.map(<[NaiveDate]>::to_vec), committed, flagged: None })
}

/// A file of a date that the run does not replace would double that date's rows.
fn strangers(staged: &[StagedFile], dates: Option<&[NaiveDate]>) -> Result<(), String> {
    let Some(dates) = dates else { return Ok(()) };
    match staged.iter().find(|file| file.partition.is_none_or(|date| !dates.contains(&date))) {
        Some(file) => Err(format!("the file {} is of no date of the run", file.path)),
        None => Ok(()),
    }
}

/// One list: the engine copies a tree of comparisons anew for each of its levels, so that its memory and time would
/// grow with the square of the dates.
fn in_dates(column: &str, dates: &[NaiveDate]) -> Result<Expr, StageError> {
    let list = Series::new("dates".into(), dates).implode().map_err(LowerError::from)?;
    Ok(col(column).is_in(lit(list.into_series()), false))
}

fn placed(file: &Path, sql: &str, error: SqlError) -> Mistake {
    let SqlError { line, column, width, message, suggestion, .. } = error;
    Mistake::at_line(file, sql, line, column, width, message, suggestion)
}

fn no_table(table: &str) -> StageError {
    StageError::NoTable { table: table.to_owned() }
}

/// What a definition's own checks need of the compiled SELECTs.
fn outputs(compiled: &[CompiledModel]) -> Vec<(String, Vec<(String, ColumnType)>)> {
    let columns = |model: &CompiledModel| {
        model.fields().iter().map(|field| (field.name.clone(), column_type(field.kind))).collect()
    };
    compiled.iter().map(|model| (model.model.name.clone(), columns(model))).collect()
}
