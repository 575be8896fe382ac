//! Several processes on one journal and one lake, and what is left when one of them is killed.

use crate::worker::{Mode, child, effects, journal, plan};
use assay_console::folder::Claim;
use assay_console::journal::RunFilter;
use assay_console::plan::PlannedFile;
use assay_console::ports::{Loaded, LoadedAsk, Refused, Sources, TableCommit, TableNow, Tables};
use assay_console::process::Heard;
use assay_console::resume::{ResumeAsk, resume};
use assay_console::{Journal, PlanInputs, SystemClock, WorkerHandle, cancel, queue_run, recover, settle};
use assay_contract::{Event, Problem, Status};
use assay_journal::SqliteJournal;
use assay_pipeline::{Environment, Pipeline};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

struct NoFiles;

impl Sources for NoFiles {
    fn files(&self, _: &Pipeline, _: &Environment) -> Result<Vec<PlannedFile>, Problem> {
        Ok(Vec::new())
    }
}

/// The worker's steps write no tables.
pub struct NoTables;

impl Tables for NoTables {
    fn versions(&self, _: &str, _: &Environment, _: &[String]) -> Result<BTreeMap<String, i64>, Problem> {
        Ok(BTreeMap::new())
    }

    fn contents(&self, _: &str, _: &Environment, _: &[String]) -> Result<BTreeMap<String, TableNow>, Problem> {
        Ok(BTreeMap::new())
    }

    fn commits(&self, _: &str, _: &Environment, _: &str, _: Option<i64>) -> Result<Vec<TableCommit>, Problem> {
        Ok(Vec::new())
    }

    fn loaded(&self, _: &Pipeline, _: &Environment, _: &[LoadedAsk<'_>]) -> Result<Vec<Loaded>, Problem> {
        Ok(Vec::new())
    }

    fn refused(&self, _: &str, _: &Environment, _: &str) -> Result<Option<Refused>, Problem> {
        Ok(None)
    }
}

fn queue(folder: &Path, journal: &SqliteJournal, run: &str) -> Claim {
    queue_run(&plan(folder, run), None, journal, &folder.join(".assay")).unwrap().claim.unwrap()
}

/// Resumes the run in a child and waits for its end.
fn finish(folder: &Path, journal: &SqliteJournal, run: &str) -> Status {
    let planned = plan(folder, run);
    let pipeline = Pipeline {
        name: planned.pipeline,
        description: String::new(),
        schedule: None,
        sources: Vec::new(),
        contracts: Vec::new(),
        models: Vec::new(),
        warehouse: None,
        rulesets: Vec::new(),
        failing_rows: Default::default(),
        digest: planned.digest,
        folder: folder.to_owned(),
    };
    let inputs = PlanInputs {
        pipeline: &pipeline,
        environment: &planned.environment,
        sources: &NoFiles,
        tables: &NoTables,
        journal,
        clock: &SystemClock,
        reads: &|_| Vec::new(),
    };
    let ask = ResumeAsk { run: None, confirmed: None, asked_by: "tester" };
    let resumed = resume(&ask, &inputs, &folder.join(".assay")).unwrap();
    assert_eq!(resumed.plan.run, run);
    let worker = WorkerHandle::start(child(Mode::Work, folder, run), run, |_| {}).unwrap();
    worker.wait();
    settle(run, false, journal, &SystemClock).unwrap().unwrap()
}

#[test]
fn a_worker_killed_at_any_moment_is_recovered_and_its_run_finished() {
    let (mut interrupted, mut untouched) = (0, 0);
    for lines in 0..36 {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(folder.path());
        let claim = queue(folder.path(), &journal, "RUN");
        let mut worker =
            child(Mode::Work, folder.path(), "RUN").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(worker.stdout.take().unwrap()).lines().map_while(Result::ok).take(lines).count();
        worker.kill().unwrap();
        worker.wait().unwrap();
        drop(claim);
        let ended = recover(&journal, &SystemClock, &folder.path().join(".assay")).unwrap();
        let detail = journal.run("RUN").unwrap().unwrap();
        match detail.run.status {
            Status::Failed => {
                assert_eq!(ended, ["RUN"]);
                interrupted += 1;
                untouched += u32::from(detail.run.attempt == 0);
                let done = journal.outcomes("RUN").unwrap();
                let before = effects(folder.path());
                assert_eq!(finish(folder.path(), &journal, "RUN"), Status::Succeeded, "after {said} lines");
                let after = effects(folder.path()).split_off(before.len());
                let again = |step: &String| after.iter().any(|effect| effect.ends_with(&format!(" {step}")));
                assert!(!done.keys().any(again), "{done:?} was done again: {after:?}");
                assert_eq!(after.len(), 3 - done.len());
            }
            status => assert_eq!((status, ended.len()), (Status::Succeeded, 0), "after {said} lines"),
        }
        assert_eq!(journal.pending("sales_lakehouse", "local").unwrap(), []);
    }
    assert!(interrupted >= 10, "only {interrupted} kills came before the end");
    assert!(interrupted > untouched, "no kill came after the run had begun");
}

#[test]
fn a_deaf_worker_is_cancelled_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let claim = queue(folder.path(), &journal, "RUN");
    let (tell, heard) = mpsc::channel();
    let worker = WorkerHandle::start(child(Mode::Deaf, folder.path(), "RUN"), "RUN", move |word| {
        tell.send(word).ok();
    });
    let worker = worker.unwrap();
    let begun = |word: &Heard| match word {
        Heard::Event(event) => matches!(&**event, Event::Step { step, .. } if step.status == Status::Running),
        Heard::Unreadable(_) => false,
    };
    assert!(heard.iter().any(|word| begun(&word)));
    let begin = Instant::now();
    assert!(worker.cancel().is_some());
    let status = settle("RUN", true, &journal, &SystemClock).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert_eq!(status, Some(Status::Cancelled));
    assert_eq!(journal.run("RUN").unwrap().unwrap().steps[0].status, Status::Cancelled);
    assert_eq!(effects(folder.path()), [""; 0]);
    drop(claim);
    assert_eq!(finish(folder.path(), &journal, "RUN"), Status::Succeeded);
}

#[test]
fn another_program_cancels_a_deaf_worker_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, state) = (journal(folder.path()), folder.path().join(".assay"));
    let claim = queue(folder.path(), &journal, "RUN");
    let mut worker =
        child(Mode::Deaf, folder.path(), "RUN").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("begins silver.sales")));
    let begin = Instant::now();
    let before = cancel("RUN", "somebody else", "wrong date", &journal, &SystemClock, &state).unwrap();
    assert_eq!((before, worker.wait().unwrap().code()), (Status::Running, Some(130)));
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert_eq!(settle("RUN", false, &journal, &SystemClock).unwrap(), Some(Status::Cancelled));
    let told = journal.actions(9).unwrap().into_iter().find(|action| action.what == "cancel").unwrap();
    assert_eq!((told.by.as_str(), told.reason.as_str()), ("somebody else", "wrong date"));
    let again = cancel("RUN", "somebody else", "", &journal, &SystemClock, &state).unwrap();
    assert_eq!(again, Status::Cancelled, "a run that has ended stays as it is");
    drop(claim);
    assert_eq!(finish(folder.path(), &journal, "RUN"), Status::Succeeded, "the mark is gone when it begins again");
}

#[test]
fn a_worker_whose_parent_is_gone_cancels_itself() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    drop(queue(folder.path(), &journal, "RUN"));
    let mut worker =
        child(Mode::Deaf, folder.path(), "RUN").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("begins silver.sales")));
    // The output is closed by now, too, as it is when the parent dies.
    drop(worker.stdin.take());
    assert_eq!(worker.wait().unwrap().code(), Some(130));
    assert_eq!(journal.run("RUN").unwrap().unwrap().run.status, Status::Cancelled);
    assert_eq!(recover(&journal, &SystemClock, &folder.path().join(".assay")).unwrap(), [""; 0]);
}

#[test]
fn two_programs_that_ask_at_once_work_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let start = |run: &str| child(Mode::Ask, folder.path(), run).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    // Their inputs stay open, or they would cancel themselves.
    let mut children: Vec<_> = ["ONE", "TWO", "THREE"].iter().map(|run| start(run).unwrap()).collect();
    let ends: Vec<_> = children
        .iter_mut()
        .map(|child| {
            let _input = child.stdin.take();
            child.wait().unwrap().success()
        })
        .collect();
    assert_eq!(ends, [true; 3]);
    let runs = journal(folder.path()).runs(&RunFilter::default(), 9).unwrap();
    assert_eq!(runs.iter().map(|run| run.status).collect::<Vec<_>>(), [Status::Succeeded; 3], "{runs:?}");
    let effects = effects(folder.path());
    assert_eq!(effects.len(), 9);
    for three in effects.chunks(3) {
        let run = three[0].split(' ').next().unwrap();
        assert!(three.iter().all(|effect| effect.starts_with(run)), "mixed: {effects:?}");
    }
}

#[test]
fn one_request_from_many_programs_gives_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let start = |number: usize| {
        child(Mode::Request, folder.path(), &format!("RUN{number}")).stdout(Stdio::piped()).spawn().unwrap()
    };
    // They also race to make the journal.
    let children: Vec<_> = (0..5).map(start).collect();
    let answers: Vec<String> = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            text.split("answer:").nth(1).unwrap().lines().next().unwrap().to_owned()
        })
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let runs = journal(folder.path()).runs(&RunFilter::default(), 9).unwrap();
    assert_eq!(runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), [answers[0].as_str()]);
}
