//! The worker process: carries out one journalled run and tells its parent what happens.

use crate::desk::{Desk, open_journal};
use crate::exit;
use crate::local::retention::forget;
use crate::local::{LocalRunner, LocalSources, LocalTables};
use crate::pages::difference::{EXAMPLES, keep, run_difference};
use assay_console::folder::RunFolder;
use assay_console::ports::Sources;
use assay_console::run::Parallel;
use assay_console::stop::Why;
use assay_console::worker::{GRACE, cancel_on_eof, cancel_on_mark, end_cancelled, event_sink};
use assay_console::{Execution, Journal, RunLog, RunPlan, Stop, SystemClock, definitions, execute};
use assay_contract::{Problem, Status};
use std::sync::Arc;

pub fn run(desk: &Desk, run: &str) -> Result<u8, Problem> {
    let journal = desk.journal()?;
    let plan = journal.plan(run)?;
    let plan =
        plan.ok_or_else(|| exit::misuse(format!("There is no run {run}."), "Workers are started by `assay run`."))?;
    let status = carry_out(desk, journal, &plan).or_else(|problem| {
        // Whatever kept the run from its end must be in the journal, not only on the screen.
        journal.end_run(run, Status::Failed, Some(&problem.message), chrono::Utc::now())?;
        Err(problem)
    })?;
    Ok(exit::of_status(status))
}

fn carry_out(desk: &Desk, journal: &dyn Journal, plan: &RunPlan) -> Result<Status, Problem> {
    let ready = desk.ready_for(plan)?;
    definitions::keep(&ready.definition, &plan.run, journal)?;
    let cancel = Arc::new(Stop::default());
    let events = event_sink(std::io::stdout(), Arc::clone(&cancel));
    let (state, id) = (desk.state(), plan.run.clone());
    let overdue = move |why: Why| {
        let ended = open_journal(&state).and_then(|journal| end_cancelled(&id, why, &journal, &SystemClock));
        // The parent settles the run if this could not.
        drop(ended);
        std::process::exit(i32::from(exit::CANCELLED));
    };
    let folder = RunFolder::new(&desk.state(), &plan.run);
    cancel_on_eof(std::io::stdin(), Arc::clone(&cancel), GRACE, overdue.clone());
    cancel_on_mark(folder.clone(), Arc::clone(&cancel), GRACE, overdue);
    let log = RunLog::open(folder.path(), desk.workspace.log_limit)?;
    let runner = LocalRunner::new(desk, &ready, plan)?;
    let sources = LocalSources { desk };
    let status = execute(&Execution {
        plan,
        digest: &ready.definition.digest,
        runner: &runner,
        journal,
        tables: &LocalTables { desk },
        clock: &SystemClock,
        files_now: &|within| match within {
            Some(within) => sources.files_within(&ready.definition, &plan.environment, within),
            None => sources.files(&ready.definition, &plan.environment),
        },
        set_aside: &|gone| sources.set_aside(&ready.definition, &plan.environment, &plan.run, gone),
        events: &events,
        log: &log,
        cancel: &cancel,
        // A model uses every core by itself: two at a time take as long and hold twice the memory.
        parallel: Parallel { one_table: 1, gold: plan.settings.at_once.map_or(1, usize::from) },
        state: &desk.state(),
    });
    runner.end()?;
    let status = status?;
    // The run's tables are whole by now, whatever becomes of older rows.
    if let Err(problem) = forget(desk, &ready.definition, chrono::Utc::now()) {
        exit::print(&problem, false);
    }
    if !plan.versions.is_empty() && status != Status::Cancelled {
        difference(desk, plan, &cancel);
    }
    Ok(status)
}

/// What a reprocess changed is computed without being asked. Its tables are whole by now, so that a difference that
/// cannot be computed changes nothing about how the run ended.
fn difference(desk: &Desk, plan: &RunPlan, cancel: &Stop) {
    let cancelled = || cancel.is_raised();
    let found = run_difference(desk, &plan.run, EXAMPLES, &cancelled);
    if let Err(problem) = found.and_then(|found| keep(&desk.state(), &found)) {
        exit::print(&problem, false);
    }
}
