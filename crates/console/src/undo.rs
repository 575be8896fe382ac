//! Undoing a run: its tables go back to their versions before it, and the journal with them.

mod later;
mod restored;

use crate::journal::{Pending, Turn};
use crate::plan::begun::{Asked, begun};
use crate::plan::draw::{PlanInputs, seen};
use crate::plan::graph::StepGraph;
use crate::plan::reach::Reach;
use crate::plan::{PlannedStep, Restore, Reversal, RunPlan, VanishedFile, Work};
use crate::ports::LedgerEntry;
use crate::problem::ConsoleError;
use assay_contract::{Problem, Status};
use assay_pipeline::Layer;
use later::Undone;
use restored::Tables;
use std::collections::{BTreeMap, BTreeSet};

/// Who undoes what.
#[derive(Debug, Clone, Copy)]
pub struct UndoAsk<'a> {
    pub run: &'a str,
    /// Also undoes the later runs that built on it.
    pub cascade: bool,
    /// The environment's name as the person typed it.
    pub confirmed: Option<&'a str>,
    pub reason: &'a str,
    pub asked_by: &'a str,
    /// The plan is only looked at.
    pub looking: bool,
}

/// Plans the undoing of a run of the inputs' pipeline and environment. Changes nothing.
///
/// Refused when a later run built on it (unless cascaded), when it changed nothing or was undone already, and when
/// somebody else changed its tables since.
pub fn plan_undo(ask: &UndoAsk<'_>, inputs: &PlanInputs<'_>) -> Result<RunPlan, Problem> {
    let run = ask.run.to_owned();
    let status = inputs.journal.run(&run)?.ok_or_else(|| ConsoleError::UnknownRun { run: run.clone() })?.run.status;
    if matches!(status, Status::Queued | Status::Running) {
        return Err(ConsoleError::StillGoing { run }.into());
    }
    let graph = StepGraph::of(inputs.pipeline, inputs.reads)?;
    let turns = inputs.journal.turns_since(&run)?;
    let undone = Undone::of(ask, &turns, &graph, inputs.journal)?;
    let mine: Vec<&Turn> = turns.iter().filter(|turn| undone.runs.contains(&turn.run)).collect();
    let tables = restored::tables(ask.run, &mine, &undone, inputs)?;
    if tables.is_empty() {
        return Err(ConsoleError::NothingToUndo { run }.into());
    }
    let steps = steps(&graph, &mine, &tables);
    let mut scope = Reach::Nothing;
    steps.iter().filter_map(|step| step.scope.as_ref()).for_each(|own| scope.join(&Reach::of(own)));
    let asked = Asked { confirmed: ask.confirmed, reason: ask.reason, by: ask.asked_by, looking: ask.looking };
    let work = Work::Undo(reversal(&run, &mine, &undone, inputs)?);
    let mut plan = RunPlan {
        stages: RunPlan::stages_of(&steps),
        scope: scope.scope().unwrap_or(crate::RunScope::All),
        steps,
        ..begun(&asked, work, inputs)?
    };
    plan.versions = seen(&plan, inputs)?;
    Ok(plan)
}

/// Restored tables, and the warehouse tables that undone runs loaded from them, in the order of the definition.
/// Tables that the definition has no more come last.
fn steps(graph: &StepGraph, mine: &[&Turn], tables: &Tables) -> Vec<PlannedStep> {
    let loaded = loaded(mine);
    let of_gold = |table: &str| tables.get(&format!("gold.{table}")).is_some_and(|restore| restore.table.is_some());
    let chosen: BTreeSet<usize> = (0..graph.nodes.len())
        .filter(|place| {
            let node = &graph.nodes[*place];
            match node.stage {
                Layer::Warehouse => loaded.contains(node.id.as_str()) && of_gold(&node.table),
                _ => tables.contains_key(&node.id),
            }
        })
        .collect();
    let mut steps = graph.steps(&chosen, &BTreeSet::new());
    let known: BTreeSet<String> = steps.iter().map(|step| step.id.clone()).collect();
    steps.extend(tables.keys().filter(|id| !known.contains(*id)).filter_map(|id| dropped(id)));
    for step in &mut steps {
        step.restore = tables.get(&step.id).copied();
        let gold = format!("gold.{}", step.table);
        let mut reach = reach_of(&step.id, mine);
        if step.stage == Layer::Warehouse {
            reach.join(&reach_of(&gold, mine));
        }
        step.scope = Some(reach.scope().unwrap_or(crate::RunScope::All));
    }
    steps
}

/// Warehouse steps of undone runs that loaded something, or may have.
fn loaded<'a>(mine: &[&'a Turn]) -> BTreeSet<&'a str> {
    let steps = mine.iter().flat_map(|turn| &turn.steps).filter(|step| step.step.starts_with("warehouse."));
    steps
        .filter(|step| step.outcome.as_ref().is_none_or(|outcome| outcome.skipped.is_none()))
        .map(|step| step.step.as_str())
        .collect()
}

/// Dates that undone runs replaced in one table; everything where one of them does not tell.
fn reach_of(id: &str, mine: &[&Turn]) -> Reach {
    let mut reach = Reach::Nothing;
    for step in mine.iter().flat_map(|turn| &turn.steps).filter(|step| step.step == id) {
        let dates = step.outcome.as_ref().and_then(|outcome| outcome.dates.as_ref());
        reach.join(&dates.map_or(Reach::All, |dates| Reach::Dates(dates.iter().copied().collect())));
    }
    reach
}

fn dropped(id: &str) -> Option<PlannedStep> {
    let (stage, table) = id.split_once('.')?;
    Some(PlannedStep {
        id: id.to_owned(),
        stage: Layer::parse(stage)?,
        table: table.to_owned(),
        source: None,
        after: Vec::new(),
        waits: Vec::new(),
        scope: None,
        downstream: Vec::new(),
        feeds: false,
        follows: false,
        restore: None::<Restore>,
    })
}

/// The journal's state as it was before the undone runs, as far as they changed it: what they entered is taken out
/// and what they replaced or settled comes back, newest attempt first.
fn reversal(run: &str, mine: &[&Turn], undone: &Undone, inputs: &PlanInputs<'_>) -> Result<Reversal, Problem> {
    let home = (&inputs.pipeline.name, &inputs.environment.name);
    let mut pending: BTreeSet<Pending> = inputs.journal.pending(home.0, home.1)?.into_iter().collect();
    let mut files: BTreeMap<(String, String), Option<LedgerEntry>> = BTreeMap::new();
    for turn in mine.iter().rev() {
        let around = inputs.journal.around(&turn.run, turn.attempt)?.ok_or_else(|| ConsoleError::NoUndo {
            run: run.to_owned(),
            why: format!("run {} is from before the journal kept what an undo needs", turn.run),
        })?;
        for mark in around.pending_after.difference(&around.pending_before) {
            pending.remove(mark);
        }
        pending.extend(around.pending_before.difference(&around.pending_after).cloned());
        files.extend(around.files_before);
    }
    let mut reversal =
        Reversal { of: undone.newest_first.clone(), pending: pending.into_iter().collect(), ..Reversal::default() };
    for ((source, path), entry) in files {
        match entry {
            Some(entry) => reversal.put_back.push(entry),
            None => reversal.forget.push(VanishedFile { source, path }),
        }
    }
    Ok(reversal)
}
