//! One table for the window: schema, versions, partitions, quarantine.

use crate::desk::{Desk, Ready};
use crate::local::problems;
use assay_console::Journal;
use assay_console::views::time;
use assay_contract::{ColumnInfo, Partition, Problem, QuarantineSummary, ReasonCount, TableDetail, VersionRow};
use assay_lake::{LakeField, PartitionInfo, Place, Snapshot};
use assay_pipeline::{Layer, TableName};
use polars::prelude::{Engine, SortMultipleOptions, col, len};

const VERSIONS: usize = 100;
const PARTITIONS: usize = 400;
const REASONS: u32 = 50;

pub fn of(desk: &Desk, table: &TableName) -> Result<TableDetail, Problem> {
    let ready = desk.pipeline(&table.pipeline)?;
    let lake = desk.lake(&desk.environment("local")?);
    let mut detail = TableDetail {
        id: table.to_string(),
        pipeline: table.pipeline.clone(),
        layer: table.layer.as_str().to_owned(),
        name: table.table.clone(),
        location: String::new(),
        columns: declared(&ready, table),
        version: None,
        rows: 0,
        bytes: 0,
        files: 0,
        partition: None,
        versions: Vec::new(),
        older_versions: 0,
        partitions: Vec::new(),
        quarantine: None,
    };
    match table.layer {
        Layer::Silver | Layer::Gold => of_lake(desk, &ready, table, &lake.folder(table), &mut detail)?,
        Layer::Bronze => {
            detail.location = lake.pipeline_folder(&table.pipeline).to_string();
            detail.rows = desk.raw_records(table, lake.environment())?;
        }
        Layer::Warehouse => detail.location = "PostgreSQL".to_owned(),
    }
    if table.layer == Layer::Warehouse {
        let environment = desk.environment("local")?;
        let states = desk.journal()?.table_states(&table.pipeline, &environment.name)?;
        let state = states.iter().find(|state| state.layer == table.layer && state.table == table.table);
        detail.rows = state.and_then(|state| state.rows).unwrap_or(0);
    }
    if table.layer == Layer::Silver {
        detail.quarantine = quarantine(desk, &lake.quarantine(table))?;
    }
    Ok(detail)
}

fn of_lake(
    desk: &Desk,
    ready: &Ready,
    table: &TableName,
    folder: &Place,
    detail: &mut TableDetail,
) -> Result<(), Problem> {
    detail.location = folder.to_string();
    let wrong = |error: assay_lake::LakeError| problems::lake(&error);
    let Some(snapshot) = desk.runtime.block_on(assay_lake::open(folder)).map_err(wrong)? else { return Ok(()) };
    let history = desk.runtime.block_on(assay_lake::history(folder, VERSIONS)).map_err(wrong)?;
    detail.version = u32::try_from(snapshot.version()).ok();
    detail.rows = snapshot.rows();
    detail.bytes = snapshot.bytes();
    detail.files = u32::try_from(snapshot.files().len()).unwrap_or(u32::MAX);
    detail.partition = snapshot.partition_column().map(str::to_owned);
    detail.columns = columns(ready, table, snapshot.fields());
    detail.older_versions = detail.version.map_or(0, |version| (version + 1).saturating_sub(history.len() as u32));
    detail.versions = history
        .into_iter()
        .map(|info| VersionRow {
            version: u32::try_from(info.version).unwrap_or(u32::MAX),
            at: info.at.map(time).unwrap_or_default(),
            run: info.run,
            what: info.what,
            files_added: info.files_added,
            files_removed: info.files_removed,
        })
        .collect();
    detail.partitions = newest(snapshot.partitions());
    Ok(())
}

fn newest(partitions: Vec<PartitionInfo>) -> Vec<Partition> {
    let skipped = partitions.len().saturating_sub(PARTITIONS);
    partitions
        .into_iter()
        .skip(skipped)
        .map(|info| Partition {
            date: info.date.map_or_else(|| "none".to_owned(), |date| date.to_string()),
            rows: info.rows,
            bytes: info.bytes,
            files: info.files,
        })
        .collect()
}

/// Columns of a table that does not exist yet, as its definition declares them.
fn declared(ready: &Ready, table: &TableName) -> Vec<ColumnInfo> {
    let plain = |name: &str, kind: String| ColumnInfo {
        name: name.to_owned(),
        kind,
        key: false,
        required: false,
        audit: false,
        lineage: Vec::new(),
    };
    match table.layer {
        Layer::Bronze => Vec::new(),
        Layer::Silver => {
            let contract = ready.definition.contracts.iter().find(|contract| contract.table == table.table);
            let columns = contract.into_iter().flat_map(|contract| contract.columns.iter().map(move |c| (contract, c)));
            columns
                .map(|(contract, column)| ColumnInfo {
                    key: contract.key.contains(&column.name),
                    required: column.required,
                    ..plain(&column.name, column.kind.to_string())
                })
                .collect()
        }
        Layer::Gold | Layer::Warehouse => {
            let model = ready.models.iter().find(|model| model.model.name == table.table);
            let Some(model) = model else { return Vec::new() };
            let lineage = model.lineage();
            model
                .fields()
                .iter()
                .map(|field| ColumnInfo {
                    key: model.model.grain.contains(&field.name),
                    required: !field.nullable,
                    lineage: lineage.iter().filter(|line| line.column == field.name).flat_map(sources).collect(),
                    ..plain(&field.name, field.kind.to_string())
                })
                .collect()
        }
    }
}

fn sources(lineage: &assay_sql::ColumnLineage) -> Vec<String> {
    lineage.sources.iter().map(|(table, column)| format!("{table}.{column}")).collect()
}

/// Stored columns in stored order, with what the definition knows of each.
fn columns(ready: &Ready, table: &TableName, fields: &[LakeField]) -> Vec<ColumnInfo> {
    let known = declared(ready, table);
    fields
        .iter()
        .map(|field| {
            known.iter().find(|column| column.name == field.name).cloned().unwrap_or_else(|| ColumnInfo {
                name: field.name.clone(),
                kind: assay_sql::field_of(&field.kind).map_or_else(|| field.kind.to_string(), |kind| kind.to_string()),
                key: false,
                required: !field.nullable,
                audit: field.name.starts_with('_'),
                lineage: Vec::new(),
            })
        })
        .collect()
}

fn quarantine(desk: &Desk, folder: &Place) -> Result<Option<QuarantineSummary>, Problem> {
    let opened = desk.runtime.block_on(assay_lake::open(folder)).map_err(|error| problems::lake(&error))?;
    let Some(snapshot) = opened else { return Ok(None) };
    Ok(Some(QuarantineSummary {
        records: snapshot.rows(),
        reasons: reasons(&snapshot)?,
        dates: newest(snapshot.partitions()),
    }))
}

fn reasons(snapshot: &Snapshot) -> Result<Vec<ReasonCount>, Problem> {
    let order = SortMultipleOptions::default().with_order_descending_multi([true, false]);
    let frame = snapshot
        .scan(None)
        .map_err(|error| problems::lake(&error))?
        .group_by([col("reason")])
        .agg([len().alias("records")])
        .sort(["records", "reason"], order)
        .limit(REASONS)
        .collect_with_engine(Engine::Streaming)
        .map_err(|error| problems::engine("The quarantine could not be counted.", &error))?
        .unwrap_single();
    let wrong = |error: polars::error::PolarsError| problems::engine("The quarantine could not be counted.", &error);
    let names = frame.column("reason").and_then(|column| column.str()).map_err(wrong)?;
    let counts = frame.column("records").map_err(wrong)?;
    let count = |row| counts.get(row).ok().and_then(|value| value.extract::<u64>()).unwrap_or(0);
    let rows = names.iter().enumerate();
    Ok(rows
        .map(|(row, name)| ReasonCount { reason: name.unwrap_or_default().to_owned(), records: count(row) })
        .collect())
}
