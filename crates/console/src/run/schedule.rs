//! Steps in the order that their edges allow, each journalled before and after its effect.

use super::Execution;
use super::landed;
use super::report::{Report, StepReport};
use crate::journal::{Pending, Settles, StepEnd, StepKey};
use crate::plan::{PlannedStep, Reversal, RunPlan, RunScope, Work};
use crate::ports::{Level, Past, StepContext, StepOutcome, StepVerdicts};
use crate::problem::ConsoleError;
use crate::quality::{Judged, PastAsk, span};
use crate::stop::Why;
use crate::views::status_word;
use assay_contract::{Problem, ProblemKind, Status};
use assay_pipeline::Layer;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};

pub(super) type Outcomes = BTreeMap<String, StepOutcome>;
type Finished = (usize, Result<StepOutcome, Problem>);

/// Does every step that is not done yet; gives the run's status and a line of why.
pub(super) fn steps(
    execution: &Execution<'_>,
    report: &Report<'_>,
    attempt: u32,
) -> Result<(Status, Option<String>), Problem> {
    let mut board = Board::new(execution, report, attempt)?;
    let (finish, finished) = mpsc::channel::<Finished>();
    let journalled = std::thread::scope(|scope| {
        let mut journalled = Ok(());
        loop {
            while let (Ok(()), Some(place)) = (&journalled, board.next()) {
                if let Some(why) = board.idle(place) {
                    journalled = board.pass_over(place, why);
                    continue;
                }
                match board.begin(place) {
                    Ok(task) => {
                        let finish = finish.clone();
                        scope.spawn(move || {
                            // The receiver outlives every step: it is dropped after the scope.
                            finish.send((place, task.work())).is_ok()
                        });
                    }
                    Err(problem) => journalled = Err(problem),
                }
            }
            if journalled.is_err() {
                report.stop();
            }
            if board.running.is_empty() {
                return journalled;
            }
            let Ok((place, result)) = finished.recv() else { return journalled };
            let ended = board.end(place, result);
            journalled = journalled.and(ended);
        }
    });
    journalled?;
    Ok(board.verdict())
}

struct Board<'a> {
    execution: &'a Execution<'a>,
    report: &'a Report<'a>,
    attempt: u32,
    waiting: BTreeSet<usize>,
    running: BTreeSet<usize>,
    done: Arc<Outcomes>,
    /// Failed, cancelled or blocked steps.
    broken: BTreeMap<String, Status>,
    failure: Option<String>,
}

/// One step on its own thread.
struct Task<'a> {
    execution: &'a Execution<'a>,
    report: &'a Report<'a>,
    attempt: u32,
    plan: RunPlan,
    step: &'a PlannedStep,
    earlier: Arc<Outcomes>,
}

impl<'a> Board<'a> {
    fn new(execution: &'a Execution<'a>, report: &'a Report<'a>, attempt: u32) -> Result<Self, Problem> {
        let done = execution.journal.outcomes(&execution.plan.run)?;
        let steps = &execution.plan.steps;
        Ok(Self {
            waiting: (0..steps.len()).filter(|place| !done.contains_key(&steps[*place].id)).collect(),
            running: BTreeSet::new(),
            done: Arc::new(done),
            broken: BTreeMap::new(),
            failure: None,
            execution,
            report,
            attempt,
        })
    }

    /// A step that may begin now.
    fn next(&self) -> Option<usize> {
        if self.report.cancelled() {
            return None;
        }
        self.waiting.iter().copied().find(|place| {
            let step = &self.execution.plan.steps[*place];
            step.after.iter().all(|id| self.done.contains_key(id))
                && !step.waits.iter().any(|id| self.is_open(id))
                && self.running.len() < self.execution.parallel.limit(step.stage)
        })
    }

    /// Whether the step of that id has not ended, well or not.
    fn is_open(&self, id: &str) -> bool {
        let steps = &self.execution.plan.steps;
        self.waiting.iter().chain(&self.running).any(|place| steps[*place].id == id)
    }

    /// Why a step that only follows others has nothing to do.
    fn idle(&self, place: usize) -> Option<&'static str> {
        let step = &self.execution.plan.steps[place];
        let still = |id: &String| {
            let (step, outcome) = (self.execution.plan.step(id), self.done.get(id));
            step.zip(outcome).is_some_and(|(step, outcome)| left_alone(step, outcome))
        };
        let idle = step.follows && !step.feeds && !step.after.is_empty() && step.after.iter().all(still);
        idle.then_some("nothing changed")
    }

    fn pass_over(&mut self, place: usize, why: &str) -> Result<(), Problem> {
        let step = &self.execution.plan.steps[place];
        self.waiting.remove(&place);
        let outcome = StepOutcome { skipped: Some(why.to_owned()), dates: Some(Vec::new()), ..StepOutcome::default() };
        let end =
            StepEnd { outcome: Some(outcome.clone()), note: Some(why.to_owned()), ..StepEnd::of(Status::Skipped) };
        self.execution.journal.end_step(&self.key(step), &end, self.execution.clock.now())?;
        self.say_end(step, &end);
        self.report.step_changed(&step.id)?;
        Arc::make_mut(&mut self.done).insert(step.id.clone(), outcome);
        Ok(())
    }

    fn own_plan(&self, step: &PlannedStep) -> Result<RunPlan, Problem> {
        let execution = self.execution;
        let mut plan = narrowed(execution.plan, step, &self.done);
        landed::take(&mut plan, step, &self.done, execution.journal, execution.files_now)?;
        Ok(plan)
    }

    fn begin(&mut self, place: usize) -> Result<Task<'a>, Problem> {
        let step = &self.execution.plan.steps[place];
        let plan = self.own_plan(step)?;
        let pending: Vec<Pending> =
            step.downstream.iter().flat_map(|follower| Pending::over(follower, &plan.scope)).collect();
        self.execution.journal.begin_step(&self.key(step), &pending, self.execution.clock.now())?;
        self.report.step_changed(&step.id)?;
        self.waiting.remove(&place);
        self.running.insert(place);
        let earlier = Arc::clone(&self.done);
        Ok(Task { execution: self.execution, report: self.report, attempt: self.attempt, plan, step, earlier })
    }

    fn end(&mut self, place: usize, result: Result<StepOutcome, Problem>) -> Result<(), Problem> {
        self.running.remove(&place);
        let step = &self.execution.plan.steps[place];
        let end = match result {
            Ok(outcome) => self.done_end(step, outcome)?,
            Err(problem) => self.broken_end(step, problem),
        };
        self.execution.journal.end_step(&self.key(step), &end, self.execution.clock.now())?;
        self.say_end(step, &end);
        self.report.step_changed(&step.id)?;
        if is_broken(end.status) {
            self.broken.insert(step.id.clone(), end.status);
            self.block(step)?;
        }
        if let Some(outcome) = end.outcome {
            Arc::make_mut(&mut self.done).insert(step.id.clone(), outcome);
        }
        Ok(())
    }

    fn done_end(&self, step: &PlannedStep, outcome: StepOutcome) -> Result<StepEnd, Problem> {
        let plan = self.own_plan(step)?;
        let (status, note) = match (&outcome.flagged, &outcome.skipped) {
            (Some(why), _) => (Status::Flagged, Some(why.clone())),
            (None, Some(why)) => (Status::Skipped, Some(why.clone())),
            (None, None) => (Status::Succeeded, outcome.note.clone()),
        };
        let replaced = with_dates(&plan.scope, outcome.dates.as_deref().unwrap_or_default());
        let followers = step.downstream.iter().filter(|id| **id != step.id);
        let vanished = plan.vanished.iter().filter(|file| step.source.as_ref() == Some(&file.source));
        let end = StepEnd {
            status,
            problem: None,
            note,
            forget: match step.stage {
                Layer::Silver => vanished.map(|file| (file.source.clone(), file.path.clone())).collect(),
                _ => Vec::new(),
            },
            settles: match (&replaced, &outcome.dates) {
                (RunScope::Dates(dates), Some(_)) => Settles::Dates(dates.iter().copied().collect()),
                (RunScope::All, _) | (_, None) => Settles::Everything,
            },
            pending: match outcome.skipped {
                Some(_) => Vec::new(),
                None => followers.flat_map(|follower| Pending::over(follower, &replaced)).collect(),
            },
            exactly: None,
            outcome: Some(outcome),
        };
        Ok(match &plan.work {
            Work::Process | Work::Replay(_) => end,
            Work::Undo(reversal) => self.undone_end(step, end, reversal),
        })
    }

    /// The ledger goes back with the silver table. The marks go back once nothing is left to restore: until then
    /// everything behind a restored table counts as undone, which a plain run would mend.
    fn undone_end(&self, step: &PlannedStep, mut end: StepEnd, reversal: &Reversal) -> StepEnd {
        let of_source = |source: &String| step.stage == Layer::Silver && step.source.as_ref() == Some(source);
        if let Some(outcome) = &mut end.outcome {
            outcome.files = reversal.put_back.iter().filter(|entry| of_source(&entry.source)).cloned().collect();
        }
        let forgotten = reversal.forget.iter().filter(|file| of_source(&file.source));
        end.forget = forgotten.map(|file| (file.source.clone(), file.path.clone())).collect();
        end.settles = Settles::Everything;
        end.pending.extend(reversal.pending.iter().filter(|mark| mark.step == step.id).cloned());
        let last = self.waiting.is_empty() && self.running.is_empty() && self.broken.is_empty();
        end.exactly = last.then(|| reversal.pending.clone());
        end
    }

    fn broken_end(&mut self, step: &PlannedStep, problem: Problem) -> StepEnd {
        let cancelled = problem.kind == ProblemKind::Cancelled && self.report.cancelled();
        let status = if cancelled { Status::Cancelled } else { Status::Failed };
        if !cancelled {
            self.failure.get_or_insert_with(|| format!("{} failed: {}", step.id, problem.message));
        }
        StepEnd { problem: Some(problem), ..StepEnd::of(status) }
    }

    /// Skips everything that waits for a broken step, directly or not.
    fn block(&mut self, broken: &PlannedStep) -> Result<(), Problem> {
        let word = status_word(self.broken.get(&broken.id).copied().unwrap_or(Status::Skipped));
        let blocked: Vec<usize> = self
            .waiting
            .iter()
            .copied()
            .filter(|place| self.execution.plan.steps[*place].after.contains(&broken.id))
            .collect();
        for place in blocked {
            // It may have been skipped already, on behalf of a step between.
            if !self.waiting.remove(&place) {
                continue;
            }
            let step = &self.execution.plan.steps[place];
            let end = StepEnd { note: Some(format!("{} {word}", broken.id)), ..StepEnd::of(Status::Skipped) };
            self.execution.journal.end_step(&self.key(step), &end, self.execution.clock.now())?;
            self.say_end(step, &end);
            self.report.step_changed(&step.id)?;
            self.broken.insert(step.id.clone(), Status::Skipped);
            self.block(step)?;
        }
        Ok(())
    }

    fn verdict(&self) -> (Status, Option<String>) {
        let any = |status: Status| self.broken.values().any(|held| *held == status);
        let unfinished = !self.waiting.is_empty() || any(Status::Cancelled);
        if let Some(failure) = &self.failure {
            return (Status::Failed, Some(failure.clone()));
        }
        if unfinished {
            let why = self.execution.cancel.why().unwrap_or(Why::Asked);
            return (Status::Cancelled, Some(why.words().into()));
        }
        if let Some((step, why)) =
            self.done.iter().find_map(|(step, outcome)| outcome.flagged.as_ref().map(|why| (step, why)))
        {
            return (Status::Flagged, Some(format!("{step}: {why}")));
        }
        let idle = self.done.values().all(|outcome| outcome.skipped.is_some());
        if idle { (Status::Skipped, Some("no step had anything to do".into())) } else { (Status::Succeeded, None) }
    }

    fn say_end(&self, step: &PlannedStep, end: &StepEnd) {
        let level = match end.status {
            Status::Failed => Level::Error,
            Status::Flagged | Status::Cancelled => Level::Warn,
            _ => Level::Info,
        };
        let why = end.problem.as_ref().map(|problem| &problem.message).or(end.note.as_ref());
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        self.report.log(level, Some(&step.id), &format!("{}{why}", status_word(end.status)));
    }

    fn key(&self, step: &'a PlannedStep) -> StepKey<'a> {
        StepKey { run: &self.execution.plan.run, attempt: self.attempt, step: &step.id }
    }
}

impl Task<'_> {
    fn work(&self) -> Result<StepOutcome, Problem> {
        let execution = self.execution;
        let files_of_dates =
            |dates: &[NaiveDate]| landed::files_of_dates(&self.plan, dates, execution.journal, execution.files_now);
        let read_before =
            |source: &str| landed::read_before(&self.plan, source, execution.journal, execution.files_now);
        let watch = StepReport { report: self.report, step: &self.step.id };
        let verdicts = JournalVerdicts {
            execution,
            key: StepKey { run: &self.plan.run, attempt: self.attempt, step: &self.step.id },
        };
        let context = StepContext {
            attempt: self.attempt,
            earlier: &self.earlier,
            files_of_dates: &files_of_dates,
            read_before: &read_before,
            verdicts: &verdicts,
            watch: &watch,
        };
        // What a panic says may hold data, so only that it happened is kept.
        catch_unwind(AssertUnwindSafe(|| self.execution.runner.run(&self.plan, self.step, &context)))
            .unwrap_or_else(|_| Err(ConsoleError::Panicked { step: self.step.id.clone() }.into()))
    }
}

/// The journal's part in judging the rows of one step.
struct JournalVerdicts<'a> {
    execution: &'a Execution<'a>,
    key: StepKey<'a>,
}

impl StepVerdicts for JournalVerdicts<'_> {
    fn past(&self, past: &Past<'_>) -> Result<Vec<f64>, Problem> {
        let plan = self.execution.plan;
        self.execution.journal.past_statistics(&PastAsk {
            pipeline: &plan.pipeline,
            environment: &plan.environment.name,
            table: self.key.step,
            run: self.key.run,
            dates: past.dates.and_then(span),
            metric: past.metric,
            filter: past.filter,
            count: past.count,
        })
    }

    fn record(&self, judged: &Judged) -> Result<(), Problem> {
        self.execution.journal.record_evaluation(&self.key, judged, self.execution.clock.now())
    }
}

/// Whether a finished step changed nothing that another one reads.
fn left_alone(step: &PlannedStep, outcome: &StepOutcome) -> bool {
    let same = outcome.version_before == outcome.version_after && outcome.dates.as_ref().is_some_and(Vec::is_empty);
    outcome.skipped.is_some() || (step.stage > Layer::Bronze && same)
}

fn is_broken(status: Status) -> bool {
    matches!(status, Status::Failed | Status::Cancelled)
}

/// Steps that come before this one, directly or not.
pub(super) fn ancestors<'a>(plan: &'a RunPlan, step: &'a PlannedStep) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = step.after.iter().map(String::as_str).collect();
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(plan.step(id).into_iter().flat_map(|step| step.after.iter().map(String::as_str)));
        }
    }
    found
}

/// The plan with the scope of one step: its own, and the dates that the steps before it replaced.
fn narrowed(plan: &RunPlan, step: &PlannedStep, done: &Outcomes) -> RunPlan {
    let replaced: Vec<NaiveDate> = ancestors(plan, step)
        .iter()
        .filter_map(|id| done.get(*id))
        .flat_map(|outcome| outcome.dates.iter().flatten().copied())
        .collect();
    RunPlan { scope: with_dates(plan.scope_of(step), &replaced), ..plan.clone() }
}

pub(super) fn with_dates(scope: &RunScope, more: &[NaiveDate]) -> RunScope {
    match scope {
        RunScope::All => RunScope::All,
        RunScope::Dates(dates) => {
            let all: BTreeSet<NaiveDate> = dates.iter().chain(more).copied().collect();
            RunScope::Dates(all.into_iter().collect())
        }
    }
}
