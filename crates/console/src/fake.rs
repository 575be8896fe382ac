//! A journal in memory, for tests; the SQLite journal is held to behave the same.

use crate::journal::{Action, Created, Journal, Pending, RunFilter, Settles, StepEnd, StepKey, TableState, is_done};
use crate::plan::RunPlan;
use crate::ports::{LedgerEntry, StepOutcome};
use crate::views::{AttemptRecord, RunRecord, StepRecord, run_detail};
use assay_contract::{Problem, ProblemKind, RunDetail, RunRow, Status};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub struct MemoryJournal {
    state: Mutex<State>,
}

type Home = (String, String);

#[derive(Debug, Default)]
struct State {
    /// In the order of asking.
    runs: Vec<Run>,
    requests: BTreeMap<String, String>,
    ledger: BTreeMap<(Home, String, String), LedgerEntry>,
    pending: BTreeSet<(Home, Pending)>,
    actions: Vec<Action>,
    /// Run and attempt that touched a table last.
    touched: BTreeMap<(Home, String), (String, u32)>,
}

#[derive(Debug)]
struct Run {
    record: RunRecord,
    attempts: Vec<AttemptRecord>,
    steps: Vec<StepRecord>,
}

impl MemoryJournal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn run(&mut self, id: &str) -> Result<&mut Run, Problem> {
        self.runs.iter_mut().find(|run| run.record.plan.run == id).ok_or_else(|| conflict("there is no such run"))
    }
}

impl Run {
    fn done(&self) -> BTreeSet<String> {
        let done = self.steps.iter().filter(|step| is_done(step.status, step.outcome.is_some()));
        done.map(|step| step.step.clone()).collect()
    }

    fn queue_steps(&mut self) {
        let (done, attempt) = (self.done(), self.record.attempt + 1);
        let open = self.record.plan.steps.iter().filter(|step| !done.contains(&step.id));
        self.steps.extend(open.map(|step| StepRecord::queued(&step.id, attempt)));
    }

    fn detail(&self) -> RunDetail {
        run_detail(&self.record, &self.attempts, &self.steps)
    }

    fn home(&self) -> Home {
        (self.record.plan.pipeline.clone(), self.record.plan.environment.name.clone())
    }
}

impl Journal for MemoryJournal {
    fn create_run(&self, plan: &RunPlan, request_id: Option<&str>) -> Result<Created, Problem> {
        let mut state = self.state();
        if let Some(run) = request_id.and_then(|id| state.requests.get(id)) {
            return Ok(Created::Repeated(run.clone()));
        }
        if let Some(id) = request_id {
            state.requests.insert(id.to_owned(), plan.run.clone());
        }
        let record = RunRecord {
            plan: plan.clone(),
            status: Status::Queued,
            attempt: 0,
            started_at: None,
            ended_at: None,
            note: None,
        };
        let mut run = Run { record, attempts: Vec::new(), steps: Vec::new() };
        run.queue_steps();
        state.runs.push(run);
        Ok(Created::New)
    }

    fn requeue(&self, plan: &RunPlan) -> Result<(), Problem> {
        let mut state = self.state();
        let run = state.run(&plan.run)?;
        if !matches!(run.record.status, Status::Failed | Status::Cancelled) {
            return Err(conflict("the run is not unfinished"));
        }
        run.record =
            RunRecord { plan: plan.clone(), status: Status::Queued, ended_at: None, note: None, ..run.record.clone() };
        run.steps.retain(|step| step.attempt <= run.record.attempt);
        run.queue_steps();
        Ok(())
    }

    fn start_attempt(&self, run: &str, at: DateTime<Utc>) -> Result<u32, Problem> {
        let mut state = self.state();
        let run = state.run(run)?;
        if run.record.status != Status::Queued {
            return Err(conflict("the run is not queued any more"));
        }
        run.record.status = Status::Running;
        run.record.attempt += 1;
        run.record.started_at.get_or_insert(at);
        let number = run.record.attempt;
        run.attempts.push(AttemptRecord {
            number,
            status: Status::Running,
            started_at: at,
            ended_at: None,
            note: None,
        });
        Ok(number)
    }

    fn begin_step(&self, key: &StepKey<'_>, pending: &[Pending], at: DateTime<Utc>) -> Result<(), Problem> {
        let mut state = self.state();
        let run = state.run(key.run)?;
        let home = run.home();
        let running = run.record.status == Status::Running;
        let step = run.steps.iter_mut().find(|step| step.step == key.step && step.attempt == key.attempt);
        match step {
            Some(step) if running && step.status == Status::Queued => {
                step.status = Status::Running;
                step.started_at = Some(at);
            }
            _ => return Err(conflict("the step cannot begin")),
        }
        state.pending.extend(pending.iter().map(|mark| (home.clone(), mark.clone())));
        state.touched.insert((home, key.step.to_owned()), (key.run.to_owned(), key.attempt));
        Ok(())
    }

    fn end_step(&self, key: &StepKey<'_>, end: &StepEnd, at: DateTime<Utc>) -> Result<(), Problem> {
        let mut state = self.state();
        let run = state.run(key.run)?;
        let home = run.home();
        let running = run.record.status == Status::Running;
        let step = run.steps.iter_mut().find(|step| step.step == key.step && step.attempt == key.attempt);
        let Some(step) = step.filter(|step| {
            let blocked = step.status == Status::Queued && end.status == Status::Skipped;
            running && (step.status == Status::Running || blocked)
        }) else {
            return Err(conflict("the step is not running any more"));
        };
        step.status = end.status;
        step.ended_at = step.started_at.map(|start| at.max(start));
        step.outcome.clone_from(&end.outcome);
        step.problem.clone_from(&end.problem);
        step.note.clone_from(&end.note);
        for (source, path) in &end.forget {
            state.ledger.remove(&(home.clone(), source.clone(), path.clone()));
        }
        for entry in end.outcome.iter().flat_map(|outcome| &outcome.files) {
            state.ledger.insert((home.clone(), entry.source.clone(), entry.path.clone()), entry.clone());
        }
        state
            .pending
            .retain(|(at_home, mark)| *at_home != home || mark.step != key.step || !settled(&end.settles, mark.date));
        state.pending.extend(end.pending.iter().map(|mark| (home.clone(), mark.clone())));
        Ok(())
    }

    fn end_run(&self, run: &str, status: Status, note: Option<&str>, at: DateTime<Utc>) -> Result<bool, Problem> {
        let mut state = self.state();
        let run = state.run(run)?;
        if !matches!(run.record.status, Status::Queued | Status::Running) {
            return Ok(false);
        }
        let note = note.map(str::to_owned);
        run.record.status = status;
        run.record.ended_at = Some(at.max(run.record.started_at.unwrap_or(at)));
        run.record.note.clone_from(&note);
        for attempt in run.attempts.iter_mut().filter(|attempt| attempt.status == Status::Running) {
            attempt.status = status;
            attempt.ended_at = Some(at.max(attempt.started_at));
            attempt.note.clone_from(&note);
        }
        for step in &mut run.steps {
            match step.status {
                Status::Running => {
                    step.status = if status == Status::Cancelled { status } else { Status::Failed };
                    step.ended_at = step.started_at.map(|start| at.max(start));
                    step.note.clone_from(&note);
                }
                Status::Queued => {
                    step.status = Status::Skipped;
                    step.note = Some("not begun when the run ended".into());
                }
                _ => {}
            }
        }
        Ok(true)
    }

    fn append_action(&self, action: &Action) -> Result<(), Problem> {
        self.state().actions.push(action.clone());
        Ok(())
    }

    fn run_of_request(&self, request_id: &str) -> Result<Option<String>, Problem> {
        Ok(self.state().requests.get(request_id).cloned())
    }

    fn runs(&self, filter: &RunFilter, limit: u32) -> Result<Vec<RunRow>, Problem> {
        let state = self.state();
        let matching = state.runs.iter().rev().filter(|run| {
            let (pipeline, environment) = run.home();
            filter.pipeline.as_ref().is_none_or(|name| *name == pipeline)
                && filter.environment.as_ref().is_none_or(|name| *name == environment)
                && (filter.statuses.is_empty() || filter.statuses.contains(&run.record.status))
        });
        Ok(matching.take(limit as usize).map(|run| run.detail().run).collect())
    }

    fn run(&self, run: &str) -> Result<Option<RunDetail>, Problem> {
        Ok(self.state().run(run).ok().map(|run| run.detail()))
    }

    fn plan(&self, run: &str) -> Result<Option<RunPlan>, Problem> {
        Ok(self.state().run(run).ok().map(|run| run.record.plan.clone()))
    }

    fn outcomes(&self, run: &str) -> Result<BTreeMap<String, StepOutcome>, Problem> {
        let mut state = self.state();
        let Ok(run) = state.run(run) else { return Ok(BTreeMap::new()) };
        let done = run.steps.iter().filter(|step| is_done(step.status, step.outcome.is_some()));
        Ok(done.filter_map(|step| Some((step.step.clone(), step.outcome.clone()?))).collect())
    }

    fn ledger(&self, pipeline: &str, environment: &str) -> Result<Vec<LedgerEntry>, Problem> {
        let state = self.state();
        let here = state.ledger.iter().filter(|((home, ..), _)| home.0 == pipeline && home.1 == environment);
        Ok(here.map(|(_, entry)| entry.clone()).collect())
    }

    fn files_of_dates(
        &self,
        pipeline: &str,
        environment: &str,
        dates: &[NaiveDate],
    ) -> Result<Vec<LedgerEntry>, Problem> {
        let mut entries = self.ledger(pipeline, environment)?;
        entries.retain(|entry| dates.iter().any(|date| entry.dates.contains_key(date)));
        Ok(entries)
    }

    fn dates(&self, pipeline: &str, environment: &str) -> Result<Vec<NaiveDate>, Problem> {
        let entries = self.ledger(pipeline, environment)?;
        let dates: BTreeSet<NaiveDate> = entries.into_iter().flat_map(|entry| entry.dates.into_keys()).collect();
        Ok(dates.into_iter().collect())
    }

    fn pending(&self, pipeline: &str, environment: &str) -> Result<Vec<Pending>, Problem> {
        let state = self.state();
        let here = state.pending.iter().filter(|(home, _)| home.0 == pipeline && home.1 == environment);
        Ok(here.map(|(_, mark)| mark.clone()).collect())
    }

    fn actions(&self, limit: u32) -> Result<Vec<Action>, Problem> {
        Ok(self.state().actions.iter().rev().take(limit as usize).cloned().collect())
    }

    fn table_states(&self, pipeline: &str, environment: &str) -> Result<Vec<TableState>, Problem> {
        let state = self.state();
        let here = state.touched.iter().filter(|((home, _), _)| home.0 == pipeline && home.1 == environment);
        let states = here.filter_map(|((_, id), (run, attempt))| {
            let run = state.runs.iter().find(|held| held.record.plan.run == *run)?;
            let step = run.steps.iter().find(|step| step.step == *id && step.attempt == *attempt)?;
            let planned = run.record.plan.step(id)?;
            let outcome = step.outcome.as_ref();
            Some(TableState {
                layer: planned.stage,
                table: planned.table.clone(),
                run: run.record.plan.run.clone(),
                status: step.status,
                at: step.ended_at.or(step.started_at)?,
                rows: outcome.and_then(|outcome| outcome.table_rows.or(outcome.rows_out)),
                version: outcome.and_then(|outcome| outcome.version_after),
            })
        });
        Ok(states.collect())
    }
}

fn settled(settles: &Settles, date: Option<NaiveDate>) -> bool {
    match settles {
        Settles::Nothing => false,
        Settles::Everything => true,
        Settles::Dates(dates) => date.is_some_and(|date| dates.contains(&date)),
    }
}

fn conflict(message: &str) -> Problem {
    Problem::new(ProblemKind::Conflict, message)
}
