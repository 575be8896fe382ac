//! A journal in memory, for tests; the SQLite journal is held to behave the same.

mod verdicts;

use crate::journal::{
    Action, Around, Created, Journal, Original, Pending, RunFilter, Settles, Standing, StepEnd, StepKey, TableState,
    Timing, Turn, TurnStep, Unlock, is_done,
};
use crate::plan::{RunPlan, RunScope, Work};
use crate::ports::{LedgerEntry, StepOutcome};
use crate::views::{AttemptRecord, RunRecord, StepRecord, end_action, run_detail};
use assay_contract::{Problem, ProblemKind, RunDetail, RunRow, Status};
use assay_pipeline::read::DefinitionFiles;
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
    spells: Vec<Unlock>,
    definitions: BTreeMap<String, DefinitionFiles>,
    /// In the order of working.
    turns: Vec<TurnRecord>,
    /// In the order in which they were made.
    evaluations: Vec<verdicts::Kept>,
    /// Run and attempt that touched a table last.
    touched: BTreeMap<(Home, String), (String, u32)>,
}

#[derive(Debug)]
struct TurnRecord {
    home: Home,
    run: String,
    attempt: u32,
    before: BTreeSet<Pending>,
    after: Option<BTreeSet<Pending>>,
    files: BTreeMap<(String, String), Option<LedgerEntry>>,
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

impl State {
    fn marks(&self, home: &Home) -> BTreeSet<Pending> {
        self.pending.iter().filter(|(at, _)| at == home).map(|(_, mark)| mark.clone()).collect()
    }

    /// Attempts of this home that still have no end have ended by now.
    fn close_turns(&mut self, home: &Home) {
        let marks = self.marks(home);
        for turn in self.turns.iter_mut().filter(|turn| turn.home == *home && turn.after.is_none()) {
            turn.after = Some(marks.clone());
        }
    }

    /// The entry of a file before this attempt touched it.
    fn remember(&mut self, key: &StepKey<'_>, home: &Home, source: &str, path: &str) {
        let held = self.ledger.get(&(home.clone(), source.to_owned(), path.to_owned())).cloned();
        let turn = self.turns.iter_mut().find(|turn| turn.run == key.run && turn.attempt == key.attempt);
        if let Some(turn) = turn {
            turn.files.entry((source.to_owned(), path.to_owned())).or_insert(held);
        }
    }
}

impl Run {
    fn done(&self) -> BTreeSet<String> {
        let done = self.steps.iter().filter(|step| is_done(step.status, step.outcome.is_some()));
        done.map(|step| step.step.clone()).collect()
    }

    fn outcomes(&self) -> BTreeMap<String, StepOutcome> {
        let done = self.steps.iter().filter(|step| is_done(step.status, step.outcome.is_some()));
        done.filter_map(|step| Some((step.step.clone(), step.outcome.clone()?))).collect()
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
        let (home, run) = (run.home(), run.record.plan.run.clone());
        state.close_turns(&home);
        let before = state.marks(&home);
        state.turns.push(TurnRecord { home, run, attempt: number, before, after: None, files: BTreeMap::new() });
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
        let published = matches!(end.status, Status::Succeeded | Status::Flagged) && end.outcome.is_some();
        step.status = end.status;
        step.ended_at = step.started_at.map(|start| at.max(start));
        step.outcome.clone_from(&end.outcome);
        step.problem.clone_from(&end.problem);
        step.note.clone_from(&end.note);
        for kept in state.evaluations.iter_mut().filter(|kept| kept.is_of(key)) {
            kept.published = published;
        }
        for (source, path) in &end.forget {
            state.remember(key, &home, source, path);
            state.ledger.remove(&(home.clone(), source.clone(), path.clone()));
        }
        for entry in end.outcome.iter().flat_map(|outcome| &outcome.files) {
            state.remember(key, &home, &entry.source, &entry.path);
            state.ledger.insert((home.clone(), entry.source.clone(), entry.path.clone()), entry.clone());
        }
        state
            .pending
            .retain(|(at_home, mark)| *at_home != home || mark.step != key.step || !settled(&end.settles, mark.date));
        state.pending.extend(end.pending.iter().map(|mark| (home.clone(), mark.clone())));
        if let Some(marks) = &end.exactly {
            state.pending.retain(|(at, _)| *at != home);
            state.pending.extend(marks.iter().map(|mark| (home.clone(), mark.clone())));
        }
        Ok(())
    }

    fn end_run(&self, run: &str, status: Status, note: Option<&str>, at: DateTime<Utc>) -> Result<bool, Problem> {
        let mut state = self.state();
        let run = state.run(run)?;
        if !matches!(run.record.status, Status::Queued | Status::Running) {
            return Ok(false);
        }
        let note = note.map(str::to_owned);
        let was = run.record.status;
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
        let action = end_action(&run.record.plan, was, status, &run.outcomes(), at);
        if was == Status::Running {
            let (id, attempt, home) = (run.record.plan.run.clone(), run.record.attempt, run.home());
            let marks = state.marks(&home);
            let turn = state.turns.iter_mut().find(|turn| turn.run == id && turn.attempt == attempt);
            if let Some(turn) = turn.filter(|turn| turn.after.is_none()) {
                turn.after = Some(marks);
            }
        }
        state.actions.push(action);
        Ok(true)
    }

    fn append_action(&self, action: &Action) -> Result<(), Problem> {
        self.state().actions.push(action.clone());
        Ok(())
    }

    fn unlock(&self, spell: &Unlock, action: &Action) -> Result<(), Problem> {
        let mut state = self.state();
        state.spells.push(spell.clone());
        state.actions.push(action.clone());
        Ok(())
    }

    fn keep_definition(&self, digest: &str, files: &DefinitionFiles) -> Result<(), Problem> {
        self.state().definitions.entry(digest.to_owned()).or_insert_with(|| files.clone());
        Ok(())
    }

    fn unlocked(&self, environment: &str, by: &str) -> Result<Option<Unlock>, Problem> {
        let state = self.state();
        Ok(state.spells.iter().rev().find(|spell| spell.environment == environment && spell.by == by).cloned())
    }

    fn definition(&self, digest: &str) -> Result<Option<DefinitionFiles>, Problem> {
        Ok(self.state().definitions.get(digest).cloned())
    }

    fn original(
        &self,
        pipeline: &str,
        environment: &str,
        between: Option<(NaiveDate, NaiveDate)>,
    ) -> Result<Option<Original>, Problem> {
        let touches = |scope: &RunScope| match (scope, between) {
            (RunScope::All, _) | (_, None) => true,
            (RunScope::Dates(dates), Some((from, to))) => match (dates.first(), dates.last()) {
                (Some(first), Some(last)) => *first <= to && *last >= from,
                _ => true,
            },
        };
        let state = self.state();
        let found = state.runs.iter().rev().find(|run| {
            let plan = &run.record.plan;
            run.home() == (pipeline.to_owned(), environment.to_owned())
                && matches!(run.record.status, Status::Succeeded | Status::Flagged)
                && plan.work == Work::Process
                && touches(&plan.scope)
        });
        Ok(found.map(|run| Original { run: run.record.plan.run.clone(), digest: run.record.plan.digest.clone() }))
    }

    fn timings(&self, pipeline: &str, environment: &str, runs: u32) -> Result<Vec<Timing>, Problem> {
        let state = self.state();
        let ended = state.runs.iter().rev().filter(|run| {
            run.home() == (pipeline.to_owned(), environment.to_owned())
                && matches!(run.record.status, Status::Succeeded | Status::Flagged)
                && run.record.plan.work == Work::Process
        });
        let mut timings = Vec::new();
        for run in ended.take(runs as usize) {
            let mut steps: Vec<&StepRecord> = run.steps.iter().collect();
            steps.sort_by(|a, b| a.step.cmp(&b.step));
            for step in steps {
                let outcome =
                    step.outcome.as_ref().filter(|_| matches!(step.status, Status::Succeeded | Status::Flagged));
                let (Some(outcome), Some(start), Some(end)) = (outcome, step.started_at, step.ended_at) else {
                    continue;
                };
                timings.push(Timing {
                    run: run.record.plan.run.clone(),
                    step: step.step.clone(),
                    milliseconds: u64::try_from((end - start).num_milliseconds()).unwrap_or(0),
                    dates: outcome.dates.as_ref().and_then(|dates| u32::try_from(dates.len()).ok()),
                });
            }
        }
        Ok(timings)
    }

    fn turns_since(&self, run: &str) -> Result<Vec<Turn>, Problem> {
        let state = self.state();
        let Some(first) = state.turns.iter().position(|turn| turn.run == run) else { return Ok(Vec::new()) };
        let home = &state.turns[first].home;
        let turns = state.turns[first..].iter().filter(|turn| turn.home == *home).filter_map(|turn| {
            let run = state.runs.iter().find(|run| run.record.plan.run == turn.run)?;
            let attempt = run.attempts.iter().find(|attempt| attempt.number == turn.attempt)?;
            let begun = |step: &&StepRecord| step.attempt == turn.attempt && step.started_at.is_some();
            let mut steps: Vec<&StepRecord> = run.steps.iter().filter(begun).collect();
            steps.sort_by(|a, b| a.step.cmp(&b.step));
            let step = |step: &StepRecord| TurnStep {
                step: step.step.clone(),
                status: step.status,
                outcome: step.outcome.clone(),
            };
            Some(Turn {
                run: turn.run.clone(),
                attempt: turn.attempt,
                status: attempt.status,
                steps: steps.into_iter().map(step).collect(),
            })
        });
        Ok(turns.collect())
    }

    fn around(&self, run: &str, attempt: u32) -> Result<Option<Around>, Problem> {
        let state = self.state();
        let turn = state.turns.iter().find(|turn| turn.run == run && turn.attempt == attempt);
        Ok(turn.map(|turn| Around {
            pending_before: turn.before.clone(),
            pending_after: turn.after.clone().unwrap_or_else(|| state.marks(&turn.home)),
            files_before: turn.files.clone(),
        }))
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

    fn standing(&self, run: &str) -> Result<Option<Standing>, Problem> {
        let mut state = self.state();
        let Ok(Run { record, .. }) = state.run(run) else { return Ok(None) };
        let (pipeline, started_at) = (record.plan.pipeline.clone(), record.started_at);
        Ok(Some(Standing { pipeline, status: record.status, started_at }))
    }

    fn plan(&self, run: &str) -> Result<Option<RunPlan>, Problem> {
        Ok(self.state().run(run).ok().map(|run| run.record.plan.clone()))
    }

    fn outcomes(&self, run: &str) -> Result<BTreeMap<String, StepOutcome>, Problem> {
        let mut state = self.state();
        let Ok(run) = state.run(run) else { return Ok(BTreeMap::new()) };
        Ok(run.outcomes())
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

    fn files_below(
        &self,
        pipeline: &str,
        environment: &str,
        source: &str,
        folders: &[String],
    ) -> Result<Vec<LedgerEntry>, Problem> {
        let mut entries = self.ledger(pipeline, environment)?;
        let below = |path: &str| folders.iter().any(|folder| path.starts_with(&format!("{folder}/")));
        entries.retain(|entry| entry.source == source && below(&entry.path));
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

    fn last_action(&self, what: &str, pipeline: &str, environment: &str) -> Result<Option<Action>, Problem> {
        let is_it =
            |action: &&Action| action.what == what && action.pipeline == pipeline && action.environment == environment;
        Ok(self.state().actions.iter().rev().find(is_it).cloned())
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
