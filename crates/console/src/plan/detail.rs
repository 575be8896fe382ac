//! Everything that a person wants to know of a plan before it is carried out.

mod loads;

use crate::definitions;
use crate::plan::draw::PlanInputs;
use crate::plan::estimate::{counts_dates, estimate};
use crate::plan::graph::StepGraph;
use crate::plan::{Back, PlannedStep, RunPlan, RunScope, Work};
use crate::ports::TableNow;
use crate::views::scope_words;
use assay_contract::{
    DefinitionNote, Partition, PlanDetail, PlanFile, PlanLoad, PlanStep, PlanTable, Problem, ReasonCount,
};
use assay_pipeline::read::DefinitionFiles;
use assay_pipeline::{Guard, Layer};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// Files that are listed one by one.
const FILES: usize = 1000;
/// Partitions of one table that are listed.
const PARTITIONS: usize = 400;
/// Newest runs that the estimate is taken from.
const PAST: u32 = 10;

/// A plan with what it will replace, its definition against the original, and an estimate. Changes nothing, and
/// asks each port once, whatever the number of dates and tables.
pub fn detail(plan: &RunPlan, inputs: &PlanInputs<'_>) -> Result<PlanDetail, Problem> {
    let contents = inputs.tables.contents(&plan.pipeline, &plan.environment, &plan.replaced_tables())?;
    let graph = StepGraph::of(inputs.pipeline, inputs.reads)?;
    let dated: BTreeSet<&str> = graph.nodes.iter().filter(|node| node.dated).map(|node| node.id.as_str()).collect();
    let replaced = Replaced { plan, contents, loaded: loads::of(plan, inputs), dated };
    let dated = &replaced.dated;
    let timings = inputs.journal.timings(&plan.pipeline, &plan.environment.name, PAST)?;
    // Asked for only where it counts: the ledger's dates are more to read than all else of a plan of one date.
    let known = match counts_dates(plan, &timings, &|step| dated.contains(step)) {
        true => inputs.journal.dates(&plan.pipeline, &plan.environment.name)?.len(),
        false => 0,
    };
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    Ok(PlanDetail {
        run: plan.run.clone(),
        pipeline: plan.pipeline.clone(),
        environment: plan.environment.name.clone(),
        runner: "local".into(),
        work: plan.work_word().into(),
        scope: (plan.work == Work::Process).then_some(plan.word),
        dates: plan.dates_words(),
        widened: plan.widened.iter().map(NaiveDate::to_string).collect(),
        stages: plan.stages.iter().map(ToString::to_string).collect(),
        steps: plan.steps.iter().map(|step| replaced.of(step)).collect(),
        files: plan.files.iter().take(FILES).map(planned_file).collect(),
        files_total: count(plan.files.len()),
        bytes: plan.files.iter().map(|file| file.size).sum(),
        vanished: plan.vanished.iter().take(FILES).map(|file| file.path.clone()).collect(),
        vanished_total: count(plan.vanished.len()),
        refused: refused(plan),
        definition: definition(plan, inputs)?,
        estimate: estimate(plan, &timings, &|step| dated.contains(step), known),
        confirm: plan.environment.guard == Guard::Confirm,
        needs_reason: plan.environment.needs_reason,
    })
}

fn refused(plan: &RunPlan) -> Vec<ReasonCount> {
    let Work::Replay(replay) = &plan.work else { return Vec::new() };
    let count = |(reason, records): (&String, &u64)| ReasonCount { reason: reason.clone(), records: *records };
    replay.records.iter().map(count).collect()
}

fn planned_file(file: &crate::plan::PlannedFile) -> PlanFile {
    PlanFile { source: file.source.clone(), path: file.path.clone(), bytes: file.size }
}

/// What the steps of a plan replace.
struct Replaced<'a> {
    plan: &'a RunPlan,
    contents: BTreeMap<String, TableNow>,
    /// By step.
    loaded: BTreeMap<&'a str, PlanLoad>,
    /// Steps that go by dates.
    dated: BTreeSet<&'a str>,
}

impl Replaced<'_> {
    fn of(&self, step: &PlannedStep) -> PlanStep {
        let scope = match self.plan.scope_of(step) {
            RunScope::Dates(dates) if self.dated.contains(step.id.as_str()) => Some(dates.as_slice()),
            _ => None,
        };
        PlanStep {
            id: step.id.clone(),
            after: step.after.clone(),
            dates: match scope {
                _ if step.follows => "what the steps before it change".into(),
                Some([]) => self.plan.dates_words(),
                Some(_) => scope_words(self.plan.scope_of(step)),
                None => "whole table".into(),
            },
            feeds: step.feeds,
            follows: step.follows,
            table: self.contents.get(&step.id).map(|now| table(now, scope, step.restore.and_then(|to| to.table))),
            quarantine: self.quarantine(step, scope),
            loaded: self.loaded.get(step.id.as_str()).cloned(),
        }
    }

    /// A replay takes its records out one by one; every other work replaces them with their date.
    fn quarantine(&self, step: &PlannedStep, scope: Option<&[NaiveDate]>) -> Option<PlanTable> {
        let now = self.contents.get(&format!("quarantine.{}", step.table)).filter(|_| step.stage == Layer::Silver)?;
        let mut told = table(now, scope, step.restore.and_then(|to| to.quarantine));
        if let Work::Replay(replay) = &self.plan.work {
            let all = told.rows_replaced + told.rows_kept + told.rows_undated;
            told.rows_replaced = replay.records.values().sum();
            told.rows_kept = all.saturating_sub(told.rows_replaced);
            told.rows_undated = 0;
        }
        Some(told)
    }
}

/// Both the dates of the scope and the partitions are in order, so that they are walked once.
fn table(now: &TableNow, scope: Option<&[NaiveDate]>, back: Option<Back>) -> PlanTable {
    let mut replaced = Vec::new();
    let (mut rows_replaced, mut rows_kept, mut rows_undated, mut total) = (0, 0, 0, 0usize);
    let mut dates = scope.unwrap_or_default().iter().peekable();
    for part in &now.partitions {
        let taken = match (scope, part.date) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(date)) => {
                while dates.next_if(|wanted| **wanted < date).is_some() {}
                dates.peek().is_some_and(|wanted| **wanted == date)
            }
        };
        if !taken {
            *(if part.date.is_some() { &mut rows_kept } else { &mut rows_undated }) += part.rows;
            continue;
        }
        rows_replaced += part.rows;
        total += 1;
        if replaced.len() < PARTITIONS {
            replaced.push(Partition {
                date: part.date.map_or_else(|| "none".to_owned(), |date| date.to_string()),
                rows: part.rows,
                bytes: part.bytes,
                files: part.files,
            });
        }
    }
    PlanTable {
        version: u32::try_from(now.version).unwrap_or(u32::MAX),
        back_to: match back {
            Some(Back::Version(version)) => u32::try_from(version).ok(),
            Some(Back::Empty) | None => None,
        },
        whole: scope.is_none(),
        rows_replaced,
        rows_kept,
        rows_undated,
        partitions: replaced,
        partitions_total: u32::try_from(total).unwrap_or(u32::MAX),
    }
}

fn definition(plan: &RunPlan, inputs: &PlanInputs<'_>) -> Result<DefinitionNote, Problem> {
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    let between = match &plan.scope {
        RunScope::Dates(dates) => dates.first().copied().zip(dates.last().copied()),
        RunScope::All => None,
    };
    let original = inputs.journal.original(&plan.pipeline, &plan.environment.name, between)?;
    let mut note = DefinitionNote {
        digest: short(&plan.digest),
        original_run: original.as_ref().map(|original| original.run.clone()),
        original: original.as_ref().map(|original| short(&original.digest)),
        same: original.as_ref().map(|original| original.digest == plan.digest),
        diff: Vec::new(),
        original_kept: false,
    };
    if let Some(original) = original {
        let kept = inputs.journal.definition(&original.digest)?;
        note.original_kept = kept.is_some();
        if let (Some(kept), Some(false), Some(now)) = (kept, note.same, own_files(inputs)) {
            note.diff = definitions::difference(&kept, &now);
        }
    }
    Ok(note)
}

/// None when they cannot be read any more: the run itself will refuse then.
fn own_files(inputs: &PlanInputs<'_>) -> Option<DefinitionFiles> {
    inputs.pipeline.files().ok()
}
