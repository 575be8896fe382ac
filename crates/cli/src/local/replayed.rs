//! A replay's steps: refused records go through their contract again, and the rest follows what changed.

use super::verdicts::StepRules;
use super::{LocalRunner, planned, problems};
use crate::render::words::{count, counted};
use assay_console::plan::Replay;
use assay_console::ports::{Level, StepContext, StepOutcome};
use assay_console::replay::{FileChange, entries};
use assay_console::{PlannedStep, RunPlan, RunScope};
use assay_contract::{Counts, Problem};
use assay_pipeline::Layer;
use assay_stages::{Choice, IngestJob, Limits, ReadFile, ReplayJob, Replayed, Scope, StageError};
use chrono::NaiveDate;
use std::collections::BTreeMap;

impl LocalRunner<'_> {
    /// The silver step puts the records through; others follow for the dates that it changed.
    pub(super) fn replay(
        &self,
        plan: &RunPlan,
        step: &PlannedStep,
        replay: &Replay,
        context: &StepContext<'_>,
    ) -> Result<StepOutcome, Problem> {
        if step.stage == Layer::Silver {
            return self.put_through(plan, step, replay, context).map_err(|error| problems::stage(&error));
        }
        let silver = context.earlier.get(&format!("silver.{}", replay.table));
        let changed: Vec<NaiveDate> = silver.and_then(|outcome| outcome.dates.clone()).unwrap_or_default();
        if changed.is_empty() {
            let skipped = Some("no record was accepted".to_owned());
            return Ok(StepOutcome { skipped, dates: Some(Vec::new()), ..StepOutcome::default() });
        }
        let plan = RunPlan { scope: RunScope::Dates(changed), ..plan.clone() };
        self.process(&plan, step, context)
    }

    fn put_through(
        &self,
        plan: &RunPlan,
        step: &PlannedStep,
        replay: &Replay,
        context: &StepContext<'_>,
    ) -> Result<StepOutcome, StageError> {
        let contract = self.contract(&step.table)?;
        let source = self.source(&contract.source)?;
        let read = |entry: &assay_console::ports::LedgerEntry| ReadFile {
            tag: entry.tag.clone(),
            modified_ns: entry.modified_ns,
        };
        let judge = self.rules_of(&plan.run, (Layer::Silver, &contract.table), context);
        let record = StepRules::record(context);
        let rules = judge.as_ref().map(|judge| judge.rules(&record));
        let job = ReplayJob {
            ingest: IngestJob {
                pipeline: &self.ready.definition,
                contract,
                source,
                lake: &self.lake,
                files: plan.files.iter().filter(|file| file.source == source.name).map(planned).collect(),
                surveyed: Vec::new(),
                more: &|_| Ok(Vec::new()),
                known: &|_| None,
                scope: Scope::Dates(super::dates_of(plan).unwrap_or_default().into_iter().collect()),
                run: &plan.run,
                processed_at: plan.queued_at,
                permit: &plan.permit,
                threads: self.threads,
                scratch: &self.scratch,
                limits: Limits::default(),
                now: &|| self.time.now(),
                rules: rules.as_ref(),
            },
            choice: Choice {
                dates: replay.dates.as_ref().map(|dates| dates.iter().copied().collect()),
                reasons: replay.reasons.iter().cloned().collect(),
            },
            quarantine: replay.quarantine,
            table: plan.versions.get(&step.id).copied().flatten(),
            ledger: replay.ledger.iter().map(|entry| (entry.path.clone(), read(entry))).collect(),
        };
        let replayed = assay_stages::replay(&job, &super::watch::StageWatch::new(context.watch))?;
        let tag = |path: &str| job.ledger.get(path).map(|file| file.tag.clone());
        self.copy(plan, (Layer::Silver, &contract.table), context, &tag)?;
        let outcome = outcome(replay, replayed);
        context.watch.log(Level::Info, outcome.note.as_deref().unwrap_or_default());
        Ok(outcome)
    }
}

fn outcome(replay: &Replay, replayed: Replayed) -> StepOutcome {
    let change = |(path, change): (&String, &assay_stages::FileChange)| {
        let change = FileChange { accepted: change.accepted, more: change.more, dates: change.dates.clone() };
        (path.clone(), change)
    };
    let changes: BTreeMap<String, FileChange> = replayed.files.iter().map(change).collect();
    let read = replayed.put_through + replayed.more;
    let mut reasons = replayed.refused.clone();
    if replayed.duplicates > 0 {
        *reasons.entry("duplicate".to_owned()).or_default() += replayed.duplicates;
    }
    StepOutcome {
        rows_in: Some(replayed.put_through),
        rows_out: Some(replayed.accepted),
        quarantined: Some(read - replayed.accepted),
        counts: Some(Counts {
            read,
            accepted: replayed.accepted,
            quarantined: read - replayed.accepted,
            ..Counts::default()
        }),
        reasons,
        version_before: replayed.before,
        version_after: replayed.version,
        quarantine_version: Some(replayed.quarantine_version),
        files: entries(&replay.ledger, &changes),
        note: Some(told(&replayed)),
        dates: Some(replayed.dates),
        flagged: replayed.flagged,
        ..StepOutcome::default()
    }
}

/// What became of the records, in one line.
fn told(replayed: &Replayed) -> String {
    let mut parts = vec![format!("{} accepted", count(replayed.accepted))];
    let refused: u64 = replayed.refused.values().sum();
    parts.push(format!("{} refused again", count(refused)));
    parts.push(format!("{} duplicate", count(replayed.duplicates)));
    let kept: u64 = replayed.not_replayable.values().sum();
    parts.push(format!("{} not replayable", count(kept)));
    let mut text = format!("{} put through: {}", counted(replayed.put_through, "refused record"), parts.join(", "));
    for (why, records) in &replayed.not_replayable {
        text.push_str(&format!("; {} stay as they are: {why}", count(*records)));
    }
    if replayed.displaced > 0 {
        let rows = counted(replayed.displaced, "row");
        text.push_str(&format!("; {rows} of the table gave way to later records with the same key"));
    }
    text
}
