//! The gold stage: one SELECT per model, compiled, run over the lake, published in one commit.

use std::path::Path;

use assay_lake::{Committed, Lake, LakeField, Replacement, Scope, Snapshot, StagedFile};
use assay_pipeline::diagnostic::{Mistake, Mistakes};
use assay_pipeline::{ColumnType, Contract, Layer, Model, Permit, Pipeline, TableName};
use assay_sql::{Bound, Catalog, ColumnLineage, Field, SqlError, TableRef, Type, Use};
use chrono::{DateTime, NaiveDate, Utc};
use polars::prelude::{DataType, Expr, LazyFrame, PolarsResult, col, lit};

use crate::error::StageError;

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
}

#[derive(Debug, Clone)]
pub struct Built {
    pub rows_in: u64,
    pub rows_out: u64,
    /// Partitions that were rewritten; `None` means the whole table.
    pub dates: Option<Vec<NaiveDate>>,
    pub committed: Committed,
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
    let inputs = Inputs::open(job, compiled, dates, runtime)?;
    let mut frame = compiled.bound.lower(&|table| inputs.scan(table))?;
    if let (Some(column), Some(dates)) = (&model.partition, dates) {
        frame = frame.filter(in_dates(column, dates));
    }
    let staged = assay_lake::stage_frame(frame, &folder, model.partition.as_deref(), job.run, job.cancelled)?;
    publish(job, compiled, &table, &folder, dates, staged, inputs.rows, runtime)
}

#[allow(clippy::too_many_arguments, reason = "one caller; the staged files and their target belong together")]
fn publish(
    job: &GoldJob<'_>,
    compiled: &CompiledModel,
    table: &TableName,
    folder: &Path,
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
            folder,
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
    Ok(Built { rows_in, rows_out, dates: dates.map(<[NaiveDate]>::to_vec), committed })
}

/// A file of a date that the run does not replace would double that date's rows.
fn strangers(staged: &[StagedFile], dates: Option<&[NaiveDate]>) -> Result<(), String> {
    let Some(dates) = dates else { return Ok(()) };
    match staged.iter().find(|file| file.partition.is_none_or(|date| !dates.contains(&date))) {
        Some(file) => Err(format!("the file {} is of no date of the run", file.path)),
        None => Ok(()),
    }
}

/// The snapshots that a model reads, each with the dates to which it may be cut down.
struct Inputs {
    tables: Vec<(TableRef, Snapshot, Option<Vec<NaiveDate>>)>,
    rows: u64,
}

impl Inputs {
    fn open(
        job: &GoldJob<'_>,
        compiled: &CompiledModel,
        dates: Option<&[NaiveDate]>,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Self, StageError> {
        let cuts = match (&compiled.model.partition, dates) {
            (Some(column), Some(_)) => compiled.bound.pushdown(column).unwrap_or_default(),
            _ => Vec::new(),
        };
        let mut inputs = Inputs { tables: Vec::new(), rows: 0 };
        for table in compiled.bound.reads() {
            let (layer, name) = layered(&table).ok_or_else(|| no_table(&table.name))?;
            let full = TableName::new(&job.pipeline.name, layer, &name);
            let snapshot = runtime
                .block_on(assay_lake::open(&job.lake.folder(&full)))?
                .ok_or_else(|| no_table(&full.to_string()))?;
            let cut = cuts
                .iter()
                .any(|(cut, column)| *cut == table && snapshot.partition_column() == Some(column.as_str()))
                .then(|| dates.unwrap_or_default().to_vec());
            inputs.rows += rows_of(&snapshot, cut.as_deref());
            inputs.tables.push((table, snapshot, cut));
        }
        Ok(inputs)
    }

    fn scan(&self, table: &TableRef) -> PolarsResult<LazyFrame> {
        let (_, snapshot, cut) = self
            .tables
            .iter()
            .find(|(known, _, _)| known == table)
            .ok_or_else(|| polars::prelude::polars_err!(ComputeError: "the table {} was not opened", table.name))?;
        snapshot.scan(cut.as_deref()).map_err(|error| polars::prelude::polars_err!(ComputeError: "{error}"))
    }
}

fn rows_of(snapshot: &Snapshot, dates: Option<&[NaiveDate]>) -> u64 {
    match dates {
        None => snapshot.rows(),
        Some(dates) => snapshot
            .files()
            .iter()
            .filter(|file| file.partition.is_some_and(|date| dates.contains(&date)))
            .map(|file| file.rows)
            .sum(),
    }
}

fn in_dates(column: &str, dates: &[NaiveDate]) -> Expr {
    dates.iter().fold(lit(false), |any, date| any.or(col(column).eq(lit(*date).cast(DataType::Date))))
}

fn placed(file: &Path, sql: &str, error: SqlError) -> Mistake {
    let SqlError { line, column, width, message, suggestion } = error;
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

/// The tables that SQL may name: silver tables by contract, and models that were bound before.
pub struct Tables {
    tables: Vec<(Layer, String, Vec<Field>)>,
}

impl Tables {
    pub fn of_silver(pipeline: &Pipeline) -> Self {
        let silver = |contract: &Contract| (Layer::Silver, contract.table.clone(), contract_fields(contract));
        Self { tables: pipeline.contracts.iter().map(silver).collect() }
    }

    pub fn add(&mut self, layer: Layer, name: &str, fields: Vec<Field>) {
        self.tables.push((layer, name.to_owned(), fields));
    }
}

impl Catalog for Tables {
    fn fields(&self, table: &TableRef) -> Option<Vec<Field>> {
        let found = self.tables.iter().find(|(layer, name, _)| {
            *name == table.name && table.layer.as_deref().unwrap_or("silver") == layer.as_str()
        });
        found.map(|(_, _, fields)| fields.clone())
    }

    fn tables(&self) -> Vec<String> {
        self.tables.iter().map(|(layer, name, _)| format!("{layer}.{name}")).collect()
    }
}

/// Columns of a silver table as SQL sees them, without the audit columns.
pub fn contract_fields(contract: &Contract) -> Vec<Field> {
    let field = |column: &assay_pipeline::Column| Field {
        name: column.name.clone(),
        kind: sql_type(column.kind),
        nullable: !column.required,
    };
    contract.columns.iter().map(field).collect()
}

fn sql_type(kind: ColumnType) -> Type {
    match kind {
        ColumnType::String { .. } => Type::String,
        ColumnType::Int32 => Type::Int32,
        ColumnType::Int64 => Type::Int64,
        ColumnType::Decimal { precision, scale } => Type::Decimal { precision, scale },
        ColumnType::Double => Type::Double,
        ColumnType::Boolean => Type::Boolean,
        ColumnType::Date => Type::Date,
        ColumnType::Timestamp => Type::Timestamp,
    }
}

fn column_type(kind: Type) -> ColumnType {
    match kind {
        Type::String => ColumnType::String { limit: None },
        Type::Int32 => ColumnType::Int32,
        Type::Int64 => ColumnType::Int64,
        Type::Decimal { precision, scale } => ColumnType::Decimal { precision, scale },
        Type::Double => ColumnType::Double,
        Type::Boolean => ColumnType::Boolean,
        Type::Date => ColumnType::Date,
        Type::Timestamp | Type::TimestampUtc => ColumnType::Timestamp,
    }
}

fn lake_field(field: &Field) -> LakeField {
    LakeField { name: field.name.clone(), kind: assay_sql::dtype_of(field.kind), nullable: field.nullable }
}

/// A bare name is a silver table: models name the layer of other models.
fn layered(table: &TableRef) -> Option<(Layer, String)> {
    let layer = table.layer.as_deref().map_or(Some(Layer::Silver), Layer::parse)?;
    Some((layer, table.name.clone()))
}
