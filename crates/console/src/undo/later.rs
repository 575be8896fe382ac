//! Which runs an undo takes along, and which it may look past.

use super::UndoAsk;
use crate::journal::{Journal, Turn, TurnStep};
use crate::plan::Work;
use crate::plan::graph::StepGraph;
use crate::problem::ConsoleError;
use crate::views::{count, scope_words};
use assay_contract::{Problem, Status};
use std::collections::{BTreeMap, BTreeSet};

/// Runs that are named one by one in a refusal.
const NAMED: usize = 5;

/// The runs of one undo.
pub(super) struct Undone {
    pub(super) runs: BTreeSet<String>,
    pub(super) newest_first: Vec<String>,
    /// Runs that were undone before, and the undoing ones: together they left nothing behind.
    pub(super) void: BTreeSet<String>,
}

impl Undone {
    /// `turns` are those since the asked run's first, in order.
    pub(super) fn of(
        ask: &UndoAsk<'_>,
        turns: &[Turn],
        graph: &StepGraph,
        journal: &dyn Journal,
    ) -> Result<Self, Problem> {
        let void = void(ask.run, turns, journal)?;
        let mut runs = BTreeSet::from([ask.run.to_owned()]);
        let mut later: BTreeMap<String, String> = BTreeMap::new();
        loop {
            let below = below(graph, &changed(turns, &runs));
            let built = |turn: &&Turn| {
                !runs.contains(&turn.run)
                    && !void.contains(&turn.run)
                    && turn.steps.iter().any(|step| is_on(step, &below))
            };
            let found: Vec<&Turn> = turns.iter().filter(built).collect();
            if found.is_empty() {
                break;
            }
            for turn in found {
                later.insert(turn.run.clone(), words(turn, journal)?);
                runs.insert(turn.run.clone());
            }
        }
        if !ask.cascade && !later.is_empty() {
            let mut later: Vec<String> = later.into_values().collect();
            if later.len() > NAMED {
                let more = later.len() - NAMED;
                later.truncate(NAMED);
                later.push(format!("and {} more", count(more)));
            }
            return Err(ConsoleError::BuiltOn { run: ask.run.to_owned(), later }.into());
        }
        let mut newest_first: Vec<String> = Vec::new();
        for turn in turns.iter().rev().filter(|turn| runs.contains(&turn.run)) {
            if !newest_first.contains(&turn.run) {
                newest_first.push(turn.run.clone());
            }
        }
        Ok(Self { runs, newest_first, void })
    }
}

/// An undo that ended well cancels out with the runs that it undid, unless it was undone itself.
fn void(asked: &str, turns: &[Turn], journal: &dyn Journal) -> Result<BTreeSet<String>, Problem> {
    let mut void = BTreeSet::new();
    for turn in turns.iter().rev() {
        if turn.run == asked || void.contains(&turn.run) || turn.status != Status::Succeeded {
            continue;
        }
        let Some(plan) = journal.plan(&turn.run)? else { continue };
        if let Work::Undo(reversal) = plan.work {
            if reversal.of.iter().any(|run| run == asked) {
                return Err(ConsoleError::AlreadyUndone { run: asked.to_owned(), by: turn.run.clone() }.into());
            }
            void.extend(reversal.of);
            void.insert(turn.run.clone());
        }
    }
    Ok(void)
}

/// Steps of these runs that changed something, or may have.
fn changed(turns: &[Turn], runs: &BTreeSet<String>) -> BTreeSet<String> {
    let steps = turns.iter().filter(|turn| runs.contains(&turn.run)).flat_map(|turn| &turn.steps);
    steps.filter(|step| has_effect(step)).map(|step| step.step.clone()).collect()
}

/// These steps and every one that reads them.
fn below(graph: &StepGraph, steps: &BTreeSet<String>) -> BTreeSet<String> {
    let mut all = steps.clone();
    for reached in steps.iter().filter(|step| !step.starts_with("bronze.")).filter_map(|step| graph.from(step)) {
        all.extend(reached.into_iter().map(|place| graph.nodes[place].id.clone()));
    }
    all
}

fn is_on(step: &TurnStep, below: &BTreeSet<String>) -> bool {
    below.contains(&step.step) && has_effect(step)
}

/// A bronze step changes no table; a step without an outcome may have been stopped after its commit.
fn has_effect(step: &TurnStep) -> bool {
    let changed = match &step.outcome {
        Some(outcome) => outcome.skipped.is_none(),
        None => true,
    };
    changed && !step.step.starts_with("bronze.")
}

fn words(turn: &Turn, journal: &dyn Journal) -> Result<String, Problem> {
    let plan = journal.plan(&turn.run)?;
    let dates = plan.map(|plan| format!(" ({})", scope_words(&plan.scope))).unwrap_or_default();
    Ok(format!("{}{dates}", turn.run))
}
