//! Queueing a run, and executing it in its worker.

mod landed;
pub(crate) mod recheck;
mod report;
mod schedule;
pub mod turn;

use crate::folder::{Claim, Part, RunFolder};
use crate::journal::{Action, Created, Journal};
use crate::log::RunLog;
use crate::plan::{RunPlan, Work};
use crate::ports::{Clock, FilesNow, Level, Runner, SetAside, Tables};
use crate::problem::ConsoleError;
use crate::stop::{Stop, Why};
use crate::views;
use assay_contract::{Event, Problem, Status};
use assay_pipeline::Layer;
use report::Report;
use std::path::Path;

/// A run that is in the journal.
#[derive(Debug)]
pub struct Queued {
    pub run: String,
    /// Hold it until the worker has ended and the run is settled; absent when the request was a repetition.
    pub claim: Option<Claim>,
}

/// Journals a planned run as queued. `state` is the workspace's `.assay` folder.
pub fn queue_run(
    plan: &RunPlan,
    request_id: Option<&str>,
    journal: &dyn Journal,
    state: &Path,
) -> Result<Queued, Problem> {
    // Claimed before it is journalled: a run without a claim looks dead to `recover`.
    let folder = RunFolder::new(state, &plan.run);
    let claim = folder.claim(Part::Asker)?;
    if let Created::Repeated(run) = journal.create_run(plan, request_id)? {
        drop(claim);
        folder.remove()?;
        return Ok(Queued { run, claim: None });
    }
    journal.append_action(&Action {
        at: plan.queued_at,
        by: plan.asked_by.clone(),
        what: if plan.work == Work::Process { "run" } else { plan.work_word() }.into(),
        pipeline: plan.pipeline.clone(),
        environment: plan.environment.name.clone(),
        run: Some(plan.run.clone()),
        reason: plan.reason.clone(),
        before: views::version_words(&plan.versions),
        after: views::status_note(Status::Queued),
    })?;
    Ok(Queued { run: plan.run.clone(), claim: Some(claim) })
}

/// How many steps work at a time when a step of a stage begins; at least one always may.
#[derive(Debug, Clone, Copy)]
pub struct Parallel {
    /// Bronze, silver and warehouse: they use every core or one connection by themselves.
    pub one_table: usize,
    pub gold: usize,
}

impl Default for Parallel {
    fn default() -> Self {
        Self { one_table: 1, gold: 2 }
    }
}

impl Parallel {
    pub(crate) fn limit(&self, stage: Layer) -> usize {
        if stage == Layer::Gold { self.gold.max(1) } else { self.one_table.max(1) }
    }
}

/// Everything that a worker joins to execute a run.
pub struct Execution<'a> {
    pub plan: &'a RunPlan,
    /// Of the definition as it is now.
    pub digest: &'a str,
    pub runner: &'a dyn Runner,
    pub journal: &'a dyn Journal,
    pub tables: &'a dyn Tables,
    pub clock: &'a dyn Clock,
    /// Source files as they lie there now.
    pub files_now: &'a FilesNow<'a>,
    pub set_aside: &'a SetAside<'a>,
    /// Called from several threads; a slow one slows the run.
    pub events: &'a (dyn Fn(Event) + Sync),
    pub log: &'a RunLog,
    pub cancel: &'a Stop,
    pub parallel: Parallel,
    /// The workspace's `.assay` folder.
    pub state: &'a Path,
}

/// Executes a queued run to its end in this process. Blocks; steps run on threads of their own.
///
/// Gives the status that the journal holds at the end. A refusal (definition or files changed) ends the run as
/// failed and is given as the error; so is a journal that cannot be written, and then the run's end is left to
/// [`crate::recover`].
pub fn execute(execution: &Execution<'_>) -> Result<Status, Problem> {
    let run = &execution.plan.run;
    let _claim = RunFolder::new(execution.state, run).claim(Part::Worker)?;
    let report = Report::new(execution)?;
    let ended = report.ticking(|| attend(execution, &report));
    report.flush();
    match ended {
        Ok(status) => {
            report.run_changed()?;
            Ok(status)
        }
        Err(problem) => Err(refuse(execution, &report, problem)),
    }
}

/// The journal may be what failed; then the first problem carries the second one.
fn refuse(execution: &Execution<'_>, report: &Report<'_>, mut problem: Problem) -> Problem {
    report.log(Level::Error, None, &problem.message);
    report.flush();
    let at = execution.clock.now();
    let end = execution.journal.end_run(&execution.plan.run, Status::Failed, Some(&problem.message), at);
    if let Err(second) = end.and_then(|_| report.run_changed()) {
        problem.causes.push(format!("the run's end could not be journalled: {}", second.message));
        report.ended_unjournalled(&problem.message);
    }
    problem
}

fn attend(execution: &Execution<'_>, report: &Report<'_>) -> Result<Status, Problem> {
    let plan = execution.plan;
    if execution.digest != plan.digest {
        let error = ConsoleError::DigestChanged { pipeline: plan.pipeline.clone(), run: plan.run.clone() };
        return Err(error.into());
    }
    let waiting = |holder: Option<&str>| {
        let text = match holder {
            Some(other) => format!("waits for run {other}, which works on the same tables"),
            None => "waits for another run, which works on the same tables".into(),
        };
        report.log(Level::Info, None, &text);
        report.note(text);
    };
    let Some(turn) = turn::wait(plan, &|| execution.cancel.is_raised(), &waiting)? else {
        let why = match execution.cancel.why() {
            Some(Why::Alone) => "the program that waited for the run ended before the run's turn came",
            _ => "cancelled while it waited for its turn",
        };
        return end(execution, report, Status::Cancelled, Some(why));
    };
    let world = recheck::World {
        files: &(execution.files_now)(recheck::needed(plan, execution.journal)?.as_ref())?,
        set_aside: execution.set_aside,
        journal: execution.journal,
        tables: execution.tables,
        before: turn.before(),
    };
    recheck::unchanged(plan, &world)?;
    turn.begin(&plan.run)?;
    let attempt = execution.journal.start_attempt(&plan.run, execution.clock.now())?;
    report.started(attempt)?;
    let (status, note) = schedule::steps(execution, report, attempt)?;
    end(execution, report, status, note.as_deref())
}

fn end(execution: &Execution<'_>, report: &Report<'_>, status: Status, note: Option<&str>) -> Result<Status, Problem> {
    let note = report.lost_log(note);
    execution.journal.end_run(&execution.plan.run, status, note.as_deref(), execution.clock.now())?;
    let level = if status == Status::Failed { Level::Error } else { Level::Info };
    let why = note.map(|note| format!(": {note}")).unwrap_or_default();
    report.log(level, None, &format!("{}{why}", crate::views::status_word(status)));
    Ok(status)
}
