//! Quarantine replay: refused records of chosen dates and reasons go through the contract again.

mod counts;

use crate::find;
use crate::journal::Pending;
use crate::plan::begun::{Asked, begun};
use crate::plan::draw::{PlanInputs, seen};
use crate::plan::graph::StepGraph;
use crate::plan::{PlannedFile, Replay, RunPlan, RunScope, Work};
use crate::ports::{LedgerEntry, Refused, RefusedGroup};
use crate::problem::ConsoleError;
use assay_contract::Problem;
use chrono::NaiveDate;
pub use counts::{FileChange, entries};
use std::collections::{BTreeMap, BTreeSet};

/// Who puts which records through again.
#[derive(Debug, Clone, Copy)]
pub struct ReplayAsk<'a> {
    /// Name of a silver table of the inputs' pipeline.
    pub table: &'a str,
    /// First and last date, inclusive; without them also records that have no date.
    pub between: Option<(NaiveDate, NaiveDate)>,
    /// Primary reason codes; all when empty.
    pub reasons: &'a [String],
    /// The environment's name as the person typed it.
    pub confirmed: Option<&'a str>,
    pub reason: &'a str,
    pub asked_by: &'a str,
    /// The plan is only looked at.
    pub looking: bool,
}

/// Plans a replay. Changes nothing.
///
/// Refused when there is no such record, and while an earlier run left the table undone: its quarantine may hold
/// records then that the table holds too.
pub fn plan_replay(ask: &ReplayAsk<'_>, inputs: &PlanInputs<'_>) -> Result<RunPlan, Problem> {
    if let Some((from, to)) = ask.between.filter(|(from, to)| from > to) {
        return Err(ConsoleError::RangeReversed { from, to }.into());
    }
    let (id, source) = silver(ask, inputs)?;
    let home = (&inputs.pipeline.name, &inputs.environment.name);
    if inputs.journal.pending(home.0, home.1)?.iter().any(|mark: &Pending| mark.step == id) {
        return Err(ConsoleError::LeftUndone { table: id, pipeline: home.0.clone() }.into());
    }
    let held = inputs.tables.refused(home.0, inputs.environment, ask.table)?;
    let Some(Refused { version, groups }) = held else { return Err(ConsoleError::NothingRefused { table: id }.into()) };
    let chosen = chosen(ask, &id, groups)?;
    let dates: BTreeSet<NaiveDate> = chosen.iter().filter_map(|group| group.date).collect();
    let paths: BTreeSet<&str> = chosen.iter().map(|group| group.path.as_str()).collect();
    let concerned = |entry: &LedgerEntry| {
        entry.source == source
            && (paths.contains(entry.path.as_str()) || entry.dates.keys().any(|date| dates.contains(date)))
    };
    let ledger: Vec<LedgerEntry> = inputs.journal.ledger(home.0, home.1)?.into_iter().filter(concerned).collect();
    let graph = StepGraph::of(inputs.pipeline, inputs.reads)?;
    let places = graph.from(&id).unwrap_or_default();
    let mut steps = graph.steps(&places, &BTreeSet::new());
    for step in steps.iter_mut().filter(|step| step.id == id && !step.downstream.contains(&id)) {
        // What a replay leaves half done is done by any run of these dates.
        step.downstream.push(id.clone());
    }
    let asked = Asked { confirmed: ask.confirmed, reason: ask.reason, by: ask.asked_by, looking: ask.looking };
    let scope = RunScope::Dates(dates.iter().copied().collect());
    let files = files(&ledger, inputs)?;
    let work = Work::Replay(Replay {
        table: ask.table.to_owned(),
        dates: ask.between.map(|_| dates.into_iter().collect()),
        reasons: ask.reasons.to_vec(),
        records: by_reason(&chosen),
        quarantine: version,
        ledger,
    });
    let mut plan = RunPlan { stages: RunPlan::stages_of(&steps), scope, steps, files, ..begun(&asked, work, inputs)? };
    plan.versions = seen(&plan, inputs)?;
    plan.versions.insert(format!("quarantine.{}", ask.table), Some(version));
    Ok(plan)
}

/// Id of the table's step, and its source.
fn silver(ask: &ReplayAsk<'_>, inputs: &PlanInputs<'_>) -> Result<(String, String), ConsoleError> {
    let contracts = &inputs.pipeline.contracts;
    let known = || contracts.iter().map(|contract| contract.table.clone()).collect();
    let found = contracts.iter().find(|contract| contract.table == ask.table);
    let found = found.ok_or_else(|| find::unknown("silver table", ask.table, known()))?;
    Ok((format!("silver.{}", found.table), found.source.clone()))
}

fn chosen(ask: &ReplayAsk<'_>, id: &str, mut groups: Vec<RefusedGroup>) -> Result<Vec<RefusedGroup>, ConsoleError> {
    let codes: BTreeSet<String> = groups.iter().map(|group| group.reason.clone()).collect();
    if let Some(wrong) = ask.reasons.iter().find(|code| !codes.contains(*code)).filter(|_| !codes.is_empty()) {
        return Err(find::unknown("reason code", wrong, codes.into_iter().collect()));
    }
    groups.retain(|group| {
        let dated = match ask.between {
            Some((from, to)) => group.date.is_some_and(|date| (from..=to).contains(&date)),
            None => true,
        };
        dated && (ask.reasons.is_empty() || ask.reasons.contains(&group.reason))
    });
    if groups.is_empty() { Err(ConsoleError::NothingRefused { table: id.to_owned() }) } else { Ok(groups) }
}

fn by_reason(groups: &[RefusedGroup]) -> BTreeMap<String, u64> {
    let mut records: BTreeMap<String, u64> = BTreeMap::new();
    for group in groups {
        *records.entry(group.reason.clone()).or_default() += group.records;
    }
    records
}

/// Source files that are as they were read.
fn files(ledger: &[LedgerEntry], inputs: &PlanInputs<'_>) -> Result<Vec<PlannedFile>, Problem> {
    let known: BTreeMap<(&str, &str), &LedgerEntry> =
        ledger.iter().map(|entry| ((entry.source.as_str(), entry.path.as_str()), entry)).collect();
    let mut files = inputs.sources.files(inputs.pipeline, inputs.environment)?;
    files.retain_mut(|file| match known.get(&(file.source.as_str(), file.path.as_str())) {
        Some(entry) if entry.size == file.size && entry.modified_ns == file.modified_ns => {
            file.known_dates = entry.dates.keys().copied().collect();
            true
        }
        _ => false,
    });
    Ok(files)
}
