//! Whether the world is still the one that a run was planned in.

use crate::journal::Journal;
use crate::plan::files::Shelf;
use crate::plan::reach::Reach;
use crate::plan::{PlannedFile, RunPlan, Work};
use crate::ports::{LedgerEntry, SetAside, TableCommit, Tables, Within};
use crate::problem::ConsoleError;
use crate::views::count;
use assay_contract::Problem;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// Changes that are named one by one in a refusal.
const NAMED: usize = 3;

/// What is compared with the plan.
pub(crate) struct World<'a> {
    /// Source files as they lie there now.
    pub(crate) files: &'a [PlannedFile],
    /// What an earlier attempt of the run moved away is no change.
    pub(crate) set_aside: &'a SetAside<'a>,
    pub(crate) journal: &'a dyn Journal,
    pub(crate) tables: &'a dyn Tables,
    /// The run that last worked on the pipeline's tables.
    pub(crate) before: Option<&'a str>,
}

/// Refuses when a planned file changed or is gone, when a file of the plan's dates has become known since, when a
/// table of a plan that someone looked at has another version, or when a run that this journal does not know worked
/// on the tables. An undo is refused when any run worked since.
pub(crate) fn unchanged(plan: &RunPlan, world: &World<'_>) -> Result<(), Problem> {
    let run = || plan.run.clone();
    if let Some(other) = world.before
        && plan.worked_before.as_deref() != Some(other)
        && other != plan.run
    {
        let other = other.to_owned();
        if world.journal.plan(&other)?.is_none() {
            return Err(ConsoleError::MovedOn { run: run(), other }.into());
        }
        if matches!(plan.work, Work::Undo(_)) {
            return Err(ConsoleError::WorkedSince { run: run(), other, pipeline: plan.pipeline.clone() }.into());
        }
    }
    let mut changes = file_changes(plan, world)?;
    changes.extend(newly_known(plan, world.files, world.journal)?);
    if !changes.is_empty() {
        return Err(ConsoleError::FilesChanged { run: run(), changes: named(changes) }.into());
    }
    let changes = table_changes(plan, world.tables)?;
    if !changes.is_empty() {
        return Err(ConsoleError::TablesChanged { run: run(), changes: named(changes) }.into());
    }
    Ok(())
}

/// Files that the comparison needs; none for all of them, when the plan's dates are all dates.
pub(crate) fn needed(plan: &RunPlan, journal: &dyn Journal) -> Result<Option<Within>, Problem> {
    let Some(known) = known_before(plan, journal)? else { return Ok(None) };
    let of = |source: &String, path: &String| (source.clone(), path.clone());
    let mut paths: BTreeSet<_> = known.iter().map(|entry| of(&entry.source, &entry.path)).collect();
    paths.extend(plan.files.iter().map(|file| of(&file.source, &file.path)));
    paths.extend(plan.vanished.iter().map(|file| of(&file.source, &file.path)));
    Ok(Some(Within { dates: BTreeSet::new(), paths }))
}

/// Entries that contributed to the dates which the plan replaces; none when these are all dates.
fn known_before(plan: &RunPlan, journal: &dyn Journal) -> Result<Option<Vec<LedgerEntry>>, Problem> {
    let mut dates = BTreeSet::new();
    if plan.work == Work::Process {
        for reach in plan.source_reaches().into_values() {
            match reach {
                Reach::All => return Ok(None),
                Reach::Dates(of_source) => dates.extend(of_source),
                Reach::Nothing | Reach::Follows => {}
            }
        }
    }
    let dates: Vec<NaiveDate> = dates.into_iter().collect();
    journal.files_of_dates(&plan.pipeline, &plan.environment.name, &dates).map(Some)
}

fn named(mut changes: Vec<String>) -> Vec<String> {
    if changes.len() > NAMED {
        let more = changes.len() - NAMED;
        changes.truncate(NAMED);
        changes.push(format!("and {} more", count(more)));
    }
    changes
}

/// What an earlier attempt of the run itself committed is no change.
fn table_changes(plan: &RunPlan, tables: &dyn Tables) -> Result<Vec<String>, Problem> {
    if plan.versions.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = plan.versions.keys().cloned().collect();
    let now = tables.versions(&plan.pipeline, &plan.environment, &ids)?;
    let mut changes = Vec::new();
    for (table, seen) in &plan.versions {
        let word = |version: Option<i64>| version.map_or("none".to_owned(), |version| version.to_string());
        let found = now.get(table).copied();
        if found == *seen {
            continue;
        }
        let commits = match found {
            Some(_) => tables.commits(&plan.pipeline, &plan.environment, table, *seen)?,
            None => Vec::new(),
        };
        let foreign = commits.iter().find(|commit| commit.run.as_deref() != Some(plan.run.as_str()));
        if foreign.is_none() && !commits.is_empty() {
            continue;
        }
        let by = match foreign {
            Some(TableCommit { run: Some(run), .. }) => format!(" (run {run})"),
            Some(_) => " (another program)".to_owned(),
            None => String::new(),
        };
        changes.push(format!("{table} is at version {} and was at {}{by}", word(found), word(*seen)));
    }
    Ok(changes)
}

fn file_changes(plan: &RunPlan, world: &World<'_>) -> Result<Vec<String>, Problem> {
    let present: BTreeMap<(&str, &str), &PlannedFile> =
        world.files.iter().map(|file| ((file.source.as_str(), file.path.as_str()), file)).collect();
    let gone = plan.files.iter().filter(|file| !present.contains_key(&(file.source.as_str(), file.path.as_str())));
    let gone: BTreeSet<(String, String)> = gone.map(|file| (file.source.clone(), file.path.clone())).collect();
    let moved = if gone.is_empty() { gone } else { (world.set_aside)(&gone)? };
    let mut changes = Vec::new();
    for planned in &plan.files {
        match present.get(&(planned.source.as_str(), planned.path.as_str())) {
            None if moved.contains(&(planned.source.clone(), planned.path.clone())) => {}
            None => changes.push(format!("{} is gone", planned.path)),
            Some(file) if file.size != planned.size || file.modified_ns != planned.modified_ns => {
                changes.push(format!("{} has other content", planned.path));
            }
            Some(_) => {}
        }
    }
    for gone in &plan.vanished {
        if present.contains_key(&(gone.source.as_str(), gone.path.as_str())) {
            changes.push(format!("{} is back", gone.path));
        }
    }
    Ok(changes)
}

/// Another run may have found records of this plan's dates in a file that the plan leaves out: replacing the
/// dates without it would lose them.
fn newly_known(plan: &RunPlan, now: &[PlannedFile], journal: &dyn Journal) -> Result<Vec<String>, Problem> {
    let reaches = plan.source_reaches();
    if reaches.is_empty() || plan.work != Work::Process {
        return Ok(Vec::new());
    }
    // What feeds brought in an earlier attempt of the run is no part of the plan, and its steps read it all the same.
    let outcomes = journal.outcomes(&plan.run)?;
    let own = plan.files.iter().chain(outcomes.values().flat_map(|outcome| &outcome.landed));
    let planned: BTreeSet<(&str, &str)> = own.map(|file| (file.source.as_str(), file.path.as_str())).collect();
    let ledger = match known_before(plan, journal)? {
        Some(entries) => entries,
        None => journal.ledger(&plan.pipeline, &plan.environment.name)?,
    };
    let shelf = Shelf::of(BTreeSet::new(), now.to_vec(), ledger);
    let unplanned = shelf
        .files_of(&reaches, false)
        .into_iter()
        .filter(|file| !file.known_dates.is_empty() && !planned.contains(&(file.source.as_str(), file.path.as_str())));
    Ok(unplanned.map(|file| format!("{} was read by another run", file.path)).collect())
}
