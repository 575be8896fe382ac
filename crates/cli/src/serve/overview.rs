//! The overview: every pipeline's layers with rows, ages and the last runs.

use crate::desk::{Desk, Ready, tables_of};
use crate::launch;
use crate::local::LocalTables;
use assay_console::journal::{Journal, RunFilter, TableState};
use assay_console::plan::draw::new_dates;
use assay_console::schedule;
use assay_console::views::time;
use assay_contract::{LayerCell, Overview, PipelineCard, Problem, ProblemKind, Status, TableCell};
use assay_lake::{Lake, Summary};
use assay_pipeline::{Contract, Environment, Guard, Layer, Pipeline, TableName};
use chrono::Utc;
use std::collections::BTreeMap;

/// Runs behind the bars of a pipeline.
const RECENT: u32 = 24;
/// Business dates listed, the newest.
const DATES: usize = 60;

pub fn of(desk: &Desk) -> Result<Overview, Problem> {
    let environment = desk.environment("local")?;
    let lake = desk.lake(&environment);
    let mut pipelines = Vec::new();
    let mut broken = Vec::new();
    for (name, found) in desk.all() {
        match found {
            Ok(ready) => pipelines.push(card(desk, &environment, &lake, &ready)?),
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

fn card(desk: &Desk, environment: &Environment, lake: &Lake, ready: &Ready) -> Result<PipelineCard, Problem> {
    let pipeline = &ready.definition;
    let journal = desk.journal()?;
    let filter = RunFilter { pipeline: Some(pipeline.name.clone()), ..RunFilter::default() };
    let recent = journal.runs(&filter, RECENT)?;
    let states = journal.table_states(&pipeline.name, &environment.name)?;
    let tables = tables_of(pipeline);
    let held = held(desk, lake, pipeline, &tables)?;
    let mut layers = Vec::new();
    for layer in Layer::ALL {
        let of_layer = tables.iter().filter(|table| table.layer == layer);
        let cells = of_layer.map(|table| cell(desk, &environment.name, &states, table, held.get(&lake.name(table))));
        layers.push(LayerCell { layer: layer.as_str().to_owned(), tables: cells.collect::<Result<_, _>>()? });
    }
    let refused = pipeline.contracts.iter().map(|contract| lake.quarantine_name(&silver(pipeline, contract)));
    let quarantined = refused.filter_map(|name| held.get(&name)).map(Summary::rows).sum();
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

/// What the lake's tables of a pipeline and their quarantines hold, by name; those that do not exist are left out.
fn held(
    desk: &Desk,
    lake: &Lake,
    pipeline: &Pipeline,
    tables: &[TableName],
) -> Result<BTreeMap<String, Summary>, Problem> {
    let in_lake = tables.iter().filter(|table| matches!(table.layer, Layer::Silver | Layer::Gold));
    let named = in_lake.map(|table| (lake.name(table), lake.folder(table)));
    let refused = pipeline.contracts.iter().map(|contract| silver(pipeline, contract));
    let refused = refused.map(|table| (lake.quarantine_name(&table), lake.quarantine(&table)));
    let (names, folders): (Vec<_>, Vec<_>) = named.chain(refused).unzip();
    let found = LocalTables { desk }.summaries(&folders)?;
    Ok(names.into_iter().zip(found).filter_map(|(name, summary)| Some((name, summary?))).collect())
}

fn silver(pipeline: &Pipeline, contract: &Contract) -> TableName {
    TableName::new(&pipeline.name, Layer::Silver, &contract.table)
}

/// Lake tables say their rows and version themselves; the journal knows the rest.
fn cell(
    desk: &Desk,
    environment: &str,
    states: &[TableState],
    table: &TableName,
    held: Option<&Summary>,
) -> Result<TableCell, Problem> {
    let state = states.iter().find(|state| state.layer == table.layer && state.table == table.table);
    // What the ledger holds is the whole source; the last run may have read a part of it.
    let raw = (table.layer == Layer::Bronze)
        .then(|| desk.raw_records(table, environment))
        .transpose()?
        .filter(|rows| *rows > 0);
    let changed = held.and_then(|held| held.committed_at).or(state.map(|state| state.at));
    Ok(TableCell {
        id: table.to_string(),
        name: table.table.clone(),
        status: state.map(|state| state.status),
        rows: held.map(Summary::rows).or(raw).or(state.and_then(|state| state.rows)),
        changed: changed.map(time),
        version: held.and_then(|held| u32::try_from(held.version).ok()),
    })
}

fn guard(guard: Guard) -> &'static str {
    match guard {
        Guard::Open => "open",
        Guard::Confirm => "confirm",
        Guard::Locked => "locked",
    }
}
