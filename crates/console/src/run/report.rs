//! What a running run tells: events, at most ten a second of progress, and its log.

use super::Execution;
use crate::ports::{Level, StepProgress, StepWatch};
use crate::problem::ConsoleError;
use crate::views;
use assay_contract::run::Share;
use assay_contract::{Event, LogLine, Problem, RunDetail, Status, StepRow};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Between two tellings, for each step that moved: ten a second altogether.
const TICK: Duration = Duration::from_millis(100);
/// Lines that wait for the next telling; more are told at once.
const LINES: usize = 500;

pub(super) struct Report<'a> {
    execution: &'a Execution<'a>,
    state: Mutex<State>,
    /// Raised when the journal fails: nothing may be done that it cannot record.
    stop: AtomicBool,
    over: (Mutex<bool>, Condvar),
}

struct State {
    detail: RunDetail,
    attempt: u32,
    running: BTreeMap<String, StepProgress>,
    moved: BTreeSet<String>,
    lines: Vec<LogLine>,
    log_failure: Option<String>,
}

impl<'a> Report<'a> {
    pub(super) fn new(execution: &'a Execution<'a>) -> Result<Self, Problem> {
        let detail = read(execution)?;
        Ok(Self {
            state: Mutex::new(State {
                attempt: detail.run.attempt + 1,
                detail,
                running: BTreeMap::new(),
                moved: BTreeSet::new(),
                lines: Vec::new(),
                log_failure: None,
            }),
            execution,
            stop: AtomicBool::new(false),
            over: (Mutex::new(false), Condvar::new()),
        })
    }

    /// Tells progress from a thread of its own for as long as `work` takes.
    pub(super) fn ticking<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Over<'b>(&'b (Mutex<bool>, Condvar));
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                *held(&self.0.0) = true;
                self.0.1.notify_all();
            }
        }
        std::thread::scope(|scope| {
            scope.spawn(|| self.tick());
            let _over = Over(&self.over);
            work()
        })
    }

    pub(super) fn cancelled(&self) -> bool {
        self.execution.cancel.is_raised() || self.stop.load(Ordering::Acquire)
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    pub(super) fn started(&self, attempt: u32) -> Result<(), Problem> {
        held(&self.state).attempt = attempt;
        self.log(Level::Info, None, &format!("attempt {attempt} began"));
        self.run_changed()
    }

    /// A step began or ended, as the journal has it.
    pub(super) fn step_changed(&self, step: &str) -> Result<(), Problem> {
        let detail = read(self.execution)?;
        let row = detail.steps.iter().find(|row| row.id == step).cloned();
        let mut state = held(&self.state);
        state.detail = detail;
        match row.as_ref().map(|row| row.status) {
            Some(Status::Running) => state.running.insert(step.to_owned(), StepProgress::default()),
            _ => state.running.remove(step),
        };
        state.moved.remove(step);
        drop(state);
        if let Some(row) = row {
            self.tell_table(&row);
            self.emit(Event::Step { run: self.execution.plan.run.clone(), step: row });
        }
        self.tell_run(None);
        Ok(())
    }

    pub(super) fn run_changed(&self) -> Result<(), Problem> {
        let detail = read(self.execution)?;
        held(&self.state).detail = detail;
        self.tell_run(None);
        Ok(())
    }

    /// Something worth a line while the journal says nothing new.
    pub(super) fn note(&self, note: String) {
        self.tell_run(Some((Status::Queued, note)));
    }

    /// The end as this process knows it, when the journal could not take it.
    pub(super) fn ended_unjournalled(&self, note: &str) {
        self.tell_run(Some((Status::Failed, note.to_owned())));
    }

    pub(super) fn log(&self, level: Level, step: Option<&str>, text: &str) {
        let mut state = held(&self.state);
        let line = LogLine {
            at: views::time(self.execution.clock.now()),
            level: level.as_str().into(),
            attempt: state.attempt,
            step: step.map(str::to_owned),
            text: text.to_owned(),
        };
        match self.execution.log.append(&line) {
            Ok(line) => state.lines.push(line),
            Err(error) => {
                state.log_failure.get_or_insert_with(|| Problem::from(error).message);
                state.lines.push(line);
            }
        }
        let full = state.lines.len() >= LINES;
        drop(state);
        if full {
            self.flush();
        }
    }

    /// The note, and that log lines were lost if they were.
    pub(super) fn lost_log(&self, note: Option<&str>) -> Option<String> {
        let state = held(&self.state);
        match (note, &state.log_failure) {
            (Some(note), Some(lost)) => Some(format!("{note}; {lost}")),
            (note, lost) => note.map(str::to_owned).or_else(|| lost.clone()),
        }
    }

    /// Tells what has gathered.
    pub(super) fn flush(&self) {
        let mut state = held(&self.state);
        let moved = std::mem::take(&mut state.moved);
        let rows: Vec<StepRow> = moved.iter().filter_map(|step| state.live_row(step)).collect();
        let lines = std::mem::take(&mut state.lines);
        drop(state);
        let run = &self.execution.plan.run;
        for step in rows {
            self.emit(Event::Step { run: run.clone(), step });
        }
        if !lines.is_empty() {
            self.emit(Event::Log { run: run.clone(), lines });
        }
    }

    fn tick(&self) {
        let mut over = held(&self.over.0);
        while !*over {
            let moving = u32::try_from(held(&self.state).running.len()).unwrap_or(u32::MAX).max(1);
            let waited = self.over.1.wait_timeout(over, TICK * moving);
            over = waited.unwrap_or_else(PoisonError::into_inner).0;
            self.flush();
        }
    }

    fn tell_run(&self, instead: Option<(Status, String)>) {
        let mut run = {
            let state = held(&self.state);
            let mut run = state.detail.run.clone();
            run.progress = (run.status == Status::Running).then(|| state.share());
            run
        };
        if let Some((status, note)) = instead {
            run.status = status;
            run.note = Some(note);
        }
        self.emit(Event::Run { run });
    }

    fn tell_table(&self, row: &StepRow) {
        if row.version_after.is_some() && row.version_after != row.version_before {
            self.emit(Event::Table { table: format!("{}.{}", self.execution.plan.pipeline, row.id) });
        }
    }

    fn emit(&self, event: Event) {
        (self.execution.events)(event);
    }
}

impl State {
    fn live_row(&self, step: &str) -> Option<StepRow> {
        let progress = self.running.get(step)?;
        let mut row = self.detail.steps.iter().find(|row| row.id == step)?.clone();
        let counted = progress.counts.read > 0;
        row.rows_in = counted.then_some(progress.counts.read);
        row.rows_out = counted.then_some(progress.counts.accepted);
        row.quarantined = counted.then_some(progress.counts.quarantined);
        row.progress = (progress.total > 0).then(|| Share { thousandths: thousandths(*progress) });
        Some(row)
    }

    fn share(&self) -> Share {
        let running: u32 = self.running.values().map(|progress| thousandths(*progress)).sum();
        let all = self.detail.run.steps_total.max(1);
        let done = self.detail.run.steps_done.saturating_mul(1000).saturating_add(running);
        Share { thousandths: (done / all).min(1000) }
    }
}

/// What one step sees of the report.
pub(super) struct StepReport<'a> {
    pub(super) report: &'a Report<'a>,
    pub(super) step: &'a str,
}

impl StepWatch for StepReport<'_> {
    fn cancelled(&self) -> bool {
        self.report.cancelled()
    }

    fn progress(&self, progress: StepProgress) {
        let mut state = held(&self.report.state);
        if let Some(held) = state.running.get_mut(self.step) {
            *held = progress;
            state.moved.insert(self.step.to_owned());
        }
    }

    fn log(&self, level: Level, text: &str) {
        self.report.log(level, Some(self.step), text);
    }
}

fn read(execution: &Execution<'_>) -> Result<RunDetail, Problem> {
    let run = &execution.plan.run;
    Ok(execution.journal.run(run)?.ok_or_else(|| ConsoleError::UnknownRun { run: run.clone() })?)
}

fn thousandths(progress: StepProgress) -> u32 {
    if progress.total == 0 {
        return 0;
    }
    let share = u128::from(progress.done) * 1000 / u128::from(progress.total);
    u32::try_from(share.min(1000)).unwrap_or(1000)
}

/// A panic elsewhere leaves plain data behind, so a poisoned lock is still good.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
