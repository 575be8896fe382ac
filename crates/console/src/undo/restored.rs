//! Which tables go back to which versions, as the tables' own logs tell.

use super::later::Undone;
use crate::journal::{Turn, TurnStep};
use crate::plan::draw::PlanInputs;
use crate::plan::{Back, Restore};
use crate::ports::TableCommit;
use crate::problem::ConsoleError;
use assay_contract::Problem;
use std::collections::BTreeMap;

/// By step id.
pub(super) type Tables = BTreeMap<String, Restore>;

/// A commit that the journal did not get to know of counts as well: the run is recorded in it.
pub(super) fn tables(run: &str, mine: &[&Turn], undone: &Undone, inputs: &PlanInputs<'_>) -> Result<Tables, Problem> {
    let mut first: BTreeMap<&str, &TurnStep> = BTreeMap::new();
    for step in mine.iter().flat_map(|turn| &turn.steps) {
        if step.step.starts_with("silver.") || step.step.starts_with("gold.") {
            first.entry(&step.step).or_insert(step);
        }
    }
    let mut tables = Tables::new();
    for (id, step) in first {
        let outcome = step.outcome.as_ref();
        let before = outcome.and_then(|outcome| outcome.version_before);
        let table = back(run, id, before, undone, inputs)?;
        let quarantine = match id.strip_prefix("silver.") {
            Some(name) => {
                let made = outcome.and_then(|outcome| outcome.quarantine_version);
                let before = made.map(|version| version - 1).filter(|version| *version >= 0);
                back(run, &format!("quarantine.{name}"), before, undone, inputs)?
            }
            None => None,
        };
        if table.is_some() || quarantine.is_some() {
            tables.insert(id.to_owned(), Restore { table, quarantine });
        }
    }
    Ok(tables)
}

/// None when no undone run committed to the table.
fn back(
    run: &str,
    table: &str,
    before: Option<i64>,
    undone: &Undone,
    inputs: &PlanInputs<'_>,
) -> Result<Option<Back>, Problem> {
    let commits = inputs.tables.commits(&inputs.pipeline.name, inputs.environment, table, before)?;
    let by = |commit: &TableCommit, runs: &std::collections::BTreeSet<String>| {
        commit.run.as_ref().is_some_and(|run| runs.contains(run))
    };
    let Some(at) = commits.iter().position(|commit| by(commit, &undone.runs)) else { return Ok(None) };
    let stranger = commits[at..].iter().find(|commit| !by(commit, &undone.runs) && !by(commit, &undone.void));
    if let Some(stranger) = stranger {
        let who = stranger.run.as_ref().map_or("another program".to_owned(), |run| format!("run {run}"));
        let why = format!("{table} was changed by {who} since (version {})", stranger.version);
        return Err(ConsoleError::NoUndo { run: run.to_owned(), why }.into());
    }
    Ok(Some(match commits[at].version {
        0 => Back::Empty,
        version => Back::Version(version - 1),
    }))
}
