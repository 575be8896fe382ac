//! The overview: every pipeline's layers with rows, ages and the last runs.

use crate::desk::{Desk, Ready, tables_of};
use crate::launch;
use crate::local::problems;
use assay_console::journal::{Journal, RunFilter, TableState};
use assay_console::plan::draw::new_dates;
use assay_console::schedule;
use assay_console::views::time;
use assay_contract::{LayerCell, Overview, PipelineCard, Problem, ProblemKind, Status, TableCell};
use assay_lake::Lake;
use assay_pipeline::{Environment, Guard, Layer, TableName};
use chrono::Utc;

/// Runs behind the bars of a pipeline.
const RECENT: u32 = 24;
/// Business dates listed, the newest.
const DATES: usize = 60;

pub fn of(desk: &Desk) -> Result<Overview, Problem> {
    let environment = desk.environment("local")?;
    let mut pipelines = Vec::new();
    let mut broken = Vec::new();
    for (name, found) in desk.all() {
        match found {
            Ok(ready) => pipelines.push(card(desk, &environment, &ready)?),
            Err(mistakes) => broken.push(Problem {
                kind: ProblemKind::Definition,
                message: format!("The definition of {name} is wrong."),
                causes: mistakes.0.iter().map(ToString::to_string).collect(),
                advice: Some("Correct the file; `assay validate` checks it.".into()),
            }),
        }
    }
    let count = |status| -> Result<u32, Problem> {
        let filter = RunFilter { statuses: vec![status], ..RunFilter::default() };
        Ok(u32::try_from(desk.journal()?.runs(&filter, 1000)?.len()).unwrap_or(u32::MAX))
    };
    Ok(Overview {
        workspace: desk.workspace.root.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        root: desk.workspace.root.display().to_string(),
        guard: guard(environment.guard).to_owned(),
        environment: environment.name,
        pipelines,
        broken,
        running: count(Status::Running)?,
        queued: count(Status::Queued)?,
        now: time(Utc::now()),
    })
}

fn card(desk: &Desk, environment: &Environment, ready: &Ready) -> Result<PipelineCard, Problem> {
    let pipeline = &ready.definition;
    let journal = desk.journal()?;
    let filter = RunFilter { pipeline: Some(pipeline.name.clone()), ..RunFilter::default() };
    let recent = journal.runs(&filter, RECENT)?;
    let states = journal.table_states(&pipeline.name, &environment.name)?;
    let lake = desk.lake(environment);
    let tables = tables_of(pipeline);
    let mut layers = Vec::new();
    for layer in Layer::ALL {
        let of_layer = tables.iter().filter(|table| table.layer == layer);
        let cells = of_layer.map(|table| cell(desk, &lake, &states, table)).collect::<Result<_, _>>()?;
        layers.push(LayerCell { layer: layer.as_str().to_owned(), tables: cells });
    }
    let mut quarantined = 0;
    for contract in &pipeline.contracts {
        let table = TableName::new(&pipeline.name, Layer::Silver, &contract.table);
        let opened = desk.runtime.block_on(assay_lake::open(&lake.quarantine(&table)));
        quarantined += opened.map_err(|error| problems::lake(&error))?.map_or(0, |snapshot| snapshot.rows());
    }
    let dates = journal.dates(&pipeline.name, &environment.name)?;
    let new = launch::with_inputs(desk, ready, environment, new_dates)?;
    let outlook = match &pipeline.schedule {
        Some(schedule) => schedule::outlook(schedule, journal, &pipeline.name, environment, Utc::now())?,
        None => schedule::Outlook::default(),
    };
    Ok(PipelineCard {
        next_run: outlook.next_run.map(time),
        late: outlook.late,
        new_dates: Some(new.iter().map(ToString::to_string).collect()),
        name: pipeline.name.clone(),
        description: pipeline.description.clone(),
        schedule: pipeline.rhythm(),
        last_run: recent.first().cloned(),
        recent,
        layers,
        quarantined,
        dates: dates.iter().skip(dates.len().saturating_sub(DATES)).map(ToString::to_string).collect(),
    })
}

/// Lake tables say their rows and version themselves; the journal knows the rest.
fn cell(desk: &Desk, lake: &Lake, states: &[TableState], table: &TableName) -> Result<TableCell, Problem> {
    let state = states.iter().find(|state| state.layer == table.layer && state.table == table.table);
    let snapshot = match table.layer {
        Layer::Silver | Layer::Gold => {
            desk.runtime.block_on(assay_lake::open(&lake.folder(table))).map_err(|error| problems::lake(&error))?
        }
        Layer::Bronze | Layer::Warehouse => None,
    };
    // What the ledger holds is the whole source; the last run may have read a part of it.
    let raw = (table.layer == Layer::Bronze)
        .then(|| desk.raw_records(table, lake.environment()))
        .transpose()?
        .filter(|rows| *rows > 0);
    let changed = snapshot.as_ref().and_then(assay_lake::Snapshot::committed_at).or(state.map(|state| state.at));
    Ok(TableCell {
        id: table.to_string(),
        name: table.table.clone(),
        status: state.map(|state| state.status),
        rows: snapshot.as_ref().map(assay_lake::Snapshot::rows).or(raw).or(state.and_then(|state| state.rows)),
        changed: changed.map(time),
        version: snapshot.as_ref().map(assay_lake::Snapshot::version).and_then(|version| u32::try_from(version).ok()),
    })
}

fn guard(guard: Guard) -> &'static str {
    match guard {
        Guard::Open => "open",
        Guard::Confirm => "confirm",
        Guard::Locked => "locked",
    }
}
