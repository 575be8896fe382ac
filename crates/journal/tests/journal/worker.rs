//! A worker process made of the test program itself.

use crate::processes::NoTables;
use assay_console::journal::Created;
use assay_console::log::RunLog;
use assay_console::ports::{Clock, Runner, StepContext, StepOutcome};
use assay_console::run::Parallel;
use assay_console::stop::Why;
use assay_console::suite::sample_plan;
use assay_console::worker::{GRACE, cancel_on_eof, cancel_on_mark, end_cancelled, event_sink};
use assay_console::{Execution, Journal, PlannedStep, RunFolder, RunPlan, Stop, SystemClock, execute, queue_run};
use assay_contract::Problem;
use assay_journal::SqliteJournal;
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// What a child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Executes a queued run.
    Work,
    /// Executes it with a step that never ends and does not look at the cancel flag.
    Deaf,
    /// Asks for a run and executes it.
    Ask,
    /// Asks for a run under a request id that others use too.
    Request,
}

/// A command for a child; `run` is the run's id.
pub fn child(mode: Mode, folder: &Path, run: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "worker::main", "--nocapture"]);
    command.env("ASSAY_TEST_WORKER", format!("{mode:?}")).env("ASSAY_TEST_FOLDER", folder).env("ASSAY_TEST_RUN", run);
    command
}

pub fn journal(folder: &Path) -> SqliteJournal {
    SqliteJournal::open(&folder.join(".assay").join("journal.db")).unwrap()
}

/// The suite's plan in this folder's lake.
pub fn plan(folder: &Path, run: &str) -> RunPlan {
    let mut plan = sample_plan(run, SystemClock.now());
    plan.environment.lake = folder.join("lake");
    plan
}

/// Run, attempt and step of every effect so far, in order.
pub fn effects(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("effects")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A no-op unless the test program was started as a child.
#[test]
fn main() {
    let Ok(mode) = std::env::var("ASSAY_TEST_WORKER") else { return };
    let folder = PathBuf::from(std::env::var_os("ASSAY_TEST_FOLDER").unwrap());
    let run = std::env::var("ASSAY_TEST_RUN").unwrap();
    let journal = journal(&folder);
    match mode.as_str() {
        "Request" => {
            let created = journal.create_run(&plan(&folder, &run), Some("one click")).unwrap();
            let answer = if let Created::Repeated(earlier) = created { earlier } else { run };
            println!("answer:{answer}");
        }
        "Ask" => {
            let _queued = queue_run(&plan(&folder, &run), None, &journal, &folder.join(".assay")).unwrap();
            work(&folder, &run, Arc::new(journal), false);
        }
        mode => work(&folder, &run, Arc::new(journal), mode == "Deaf"),
    }
}

fn work(folder: &Path, run: &str, journal: Arc<SqliteJournal>, deaf: bool) {
    let plan = journal.plan(run).unwrap().unwrap();
    let state = folder.join(".assay");
    let log = RunLog::open(RunFolder::new(&state, run).path(), 1 << 20).unwrap();
    let cancel = Arc::new(Stop::default());
    let (ended_run, ended_journal) = (run.to_owned(), Arc::clone(&journal));
    let overdue = move |why: Why| {
        end_cancelled(&ended_run, why, ended_journal.as_ref(), &SystemClock).unwrap();
        std::process::exit(130);
    };
    cancel_on_eof(std::io::stdin(), Arc::clone(&cancel), GRACE, overdue.clone());
    cancel_on_mark(RunFolder::new(&state, run), Arc::clone(&cancel), GRACE, overdue);
    let sink = event_sink(std::io::stdout(), Arc::clone(&cancel));
    let ended = execute(&Execution {
        plan: &plan,
        digest: "d1",
        runner: &Effects { folder: folder.to_owned(), deaf },
        journal: journal.as_ref(),
        tables: &NoTables,
        clock: &SystemClock,
        files_now: &|_| Ok(Vec::new()),
        set_aside: &|_| Ok(BTreeSet::new()),
        events: &sink,
        log: &log,
        cancel: &cancel,
        parallel: Parallel::default(),
        state: &state,
    });
    println!("{ended:?}");
}

/// Writes a line for every effect; tells where it is, so that a test can end it there.
struct Effects {
    folder: PathBuf,
    deaf: bool,
}

impl Runner for Effects {
    fn run(&self, plan: &RunPlan, step: &PlannedStep, context: &StepContext<'_>) -> Result<StepOutcome, Problem> {
        println!("begins {}", step.id);
        if self.deaf {
            loop {
                std::thread::park();
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).open(self.folder.join("effects")).unwrap();
        file.write_all(format!("{} {} {}\n", plan.run, context.attempt, step.id).as_bytes()).unwrap();
        println!("did {}", step.id);
        Ok(StepOutcome { rows_out: Some(1), ..StepOutcome::default() })
    }
}
