//! The journal in memory, and a journal that fails.

use super::world::World;
use crate::fake::MemoryJournal;
use crate::journal::*;
use crate::plan::RunPlan;
use crate::ports::{LedgerEntry, StepOutcome};
use crate::quality::{Judged, PastAsk, Verdicts};
use crate::suite::{check_keeping, check_requests, run_script};
use crate::{Planned, ScopeAsk, queue_run, recover};
use assay_contract::{
    DateScore, EvaluationRow, FailingCount, Problem, ProblemKind, RunDetail, RunRow, ScoreRow, Status,
};
use assay_pipeline::read::DefinitionFiles;
use chrono::{DateTime, NaiveDate, Utc};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

proptest! {
    #[test]
    fn its_rules_hold_after_any_operations(script in prop::collection::vec(any::<u8>(), 0..240)) {
        run_script(&[&MemoryJournal::default()], &script);
    }
}

#[test]
fn one_request_gives_one_run() {
    check_requests(&MemoryJournal::default());
    check_keeping(&MemoryJournal::default());
    let world = World::new();
    let request = crate::RunRequest { request_id: Some("click 1".into()), ..World::request(ScopeAsk::missing(), &[]) };
    let Planned::Run(first) = world.ask(&request).unwrap() else { panic!() };
    let Planned::Run(second) = world.ask(&request).unwrap() else { panic!() };
    let one = queue_run(&first, Some("click 1"), &world.journal, &world.state()).unwrap();
    let two = queue_run(&second, Some("click 1"), &world.journal, &world.state()).unwrap();
    assert_eq!((one.run.as_str(), two.run.as_str()), (first.run.as_str(), first.run.as_str()));
    assert!(one.claim.is_some() && two.claim.is_none());
    assert!(!world.state().join("runs").join(&second.run).exists());
    assert_eq!(world.ask(&request).unwrap(), Planned::Already(first.run));
    assert_eq!(world.journal.runs(&RunFilter::default(), 9).unwrap().len(), 1);
}

/// Fails for good from one write on, as a full disk does.
struct Failing<'a> {
    inner: &'a MemoryJournal,
    writes_left: AtomicU32,
}

impl Failing<'_> {
    fn write<T>(&self, change: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
        let spent = self.writes_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if spent.is_err() {
            return Err(Problem::new(ProblemKind::Failed, "the disk is full"));
        }
        change()
    }
}

impl Verdicts for Failing<'_> {
    fn record_evaluation(&self, step: &StepKey<'_>, judged: &Judged, at: DateTime<Utc>) -> Result<(), Problem> {
        self.write(|| self.inner.record_evaluation(step, judged, at))
    }
    fn evaluations(&self, run: &str) -> Result<Vec<EvaluationRow>, Problem> {
        self.inner.evaluations(run)
    }
    fn failing_counts(&self, run: &str, table: &str) -> Result<Vec<FailingCount>, Problem> {
        self.inner.failing_counts(run, table)
    }
    fn date_scores(&self, run: &str, table: &str) -> Result<Vec<DateScore>, Problem> {
        self.inner.date_scores(run, table)
    }
    fn scores(&self, h: (&str, &str), t: &str, d: Option<NaiveDate>, n: u32) -> Result<Vec<ScoreRow>, Problem> {
        self.inner.scores(h, t, d, n)
    }
    fn past_statistics(&self, ask: &PastAsk<'_>) -> Result<Vec<f64>, Problem> {
        self.inner.past_statistics(ask)
    }
}

impl Journal for Failing<'_> {
    fn create_run(&self, plan: &RunPlan, request_id: Option<&str>) -> Result<Created, Problem> {
        self.write(|| self.inner.create_run(plan, request_id))
    }
    fn requeue(&self, plan: &RunPlan) -> Result<(), Problem> {
        self.write(|| self.inner.requeue(plan))
    }
    fn start_attempt(&self, run: &str, at: DateTime<Utc>) -> Result<u32, Problem> {
        self.write(|| self.inner.start_attempt(run, at))
    }
    fn begin_step(&self, step: &StepKey<'_>, pending: &[Pending], at: DateTime<Utc>) -> Result<(), Problem> {
        self.write(|| self.inner.begin_step(step, pending, at))
    }
    fn end_step(&self, step: &StepKey<'_>, end: &StepEnd, at: DateTime<Utc>) -> Result<(), Problem> {
        self.write(|| self.inner.end_step(step, end, at))
    }
    fn end_run(&self, run: &str, status: Status, note: Option<&str>, at: DateTime<Utc>) -> Result<bool, Problem> {
        self.write(|| self.inner.end_run(run, status, note, at))
    }
    fn append_action(&self, action: &Action) -> Result<(), Problem> {
        self.write(|| self.inner.append_action(action))
    }
    fn unlock(&self, spell: &Unlock, action: &Action) -> Result<(), Problem> {
        self.write(|| self.inner.unlock(spell, action))
    }
    fn keep_definition(&self, digest: &str, files: &DefinitionFiles) -> Result<(), Problem> {
        self.write(|| self.inner.keep_definition(digest, files))
    }
    fn unlocked(&self, environment: &str, by: &str) -> Result<Option<Unlock>, Problem> {
        self.inner.unlocked(environment, by)
    }
    fn definition(&self, digest: &str) -> Result<Option<DefinitionFiles>, Problem> {
        self.inner.definition(digest)
    }
    fn original(&self, p: &str, e: &str, dates: Option<(NaiveDate, NaiveDate)>) -> Result<Option<Original>, Problem> {
        self.inner.original(p, e, dates)
    }
    fn timings(&self, pipeline: &str, environment: &str, runs: u32) -> Result<Vec<Timing>, Problem> {
        self.inner.timings(pipeline, environment, runs)
    }
    fn turns_since(&self, run: &str) -> Result<Vec<Turn>, Problem> {
        self.inner.turns_since(run)
    }
    fn around(&self, run: &str, attempt: u32) -> Result<Option<Around>, Problem> {
        self.inner.around(run, attempt)
    }
    fn run_of_request(&self, request_id: &str) -> Result<Option<String>, Problem> {
        self.inner.run_of_request(request_id)
    }
    fn runs(&self, filter: &RunFilter, limit: u32) -> Result<Vec<RunRow>, Problem> {
        self.inner.runs(filter, limit)
    }
    fn run(&self, run: &str) -> Result<Option<RunDetail>, Problem> {
        self.inner.run(run)
    }
    fn standing(&self, run: &str) -> Result<Option<Standing>, Problem> {
        self.inner.standing(run)
    }
    fn plan(&self, run: &str) -> Result<Option<RunPlan>, Problem> {
        self.inner.plan(run)
    }
    fn outcomes(&self, run: &str) -> Result<BTreeMap<String, StepOutcome>, Problem> {
        self.inner.outcomes(run)
    }
    fn ledger(&self, pipeline: &str, environment: &str) -> Result<Vec<LedgerEntry>, Problem> {
        self.inner.ledger(pipeline, environment)
    }
    fn files_below(&self, p: &str, e: &str, source: &str, folders: &[String]) -> Result<Vec<LedgerEntry>, Problem> {
        self.inner.files_below(p, e, source, folders)
    }

    fn files_of_dates(&self, p: &str, e: &str, dates: &[NaiveDate]) -> Result<Vec<LedgerEntry>, Problem> {
        self.inner.files_of_dates(p, e, dates)
    }
    fn dates(&self, pipeline: &str, environment: &str) -> Result<Vec<NaiveDate>, Problem> {
        self.inner.dates(pipeline, environment)
    }
    fn pending(&self, pipeline: &str, environment: &str) -> Result<Vec<Pending>, Problem> {
        self.inner.pending(pipeline, environment)
    }
    fn actions(&self, limit: u32) -> Result<Vec<Action>, Problem> {
        self.inner.actions(limit)
    }

    fn last_action(&self, what: &str, pipeline: &str, environment: &str) -> Result<Option<Action>, Problem> {
        self.inner.last_action(what, pipeline, environment)
    }
    fn table_states(&self, pipeline: &str, environment: &str) -> Result<Vec<TableState>, Problem> {
        self.inner.table_states(pipeline, environment)
    }
}

#[test]
fn a_journal_that_fails_anywhere_stops_the_run_and_leaves_it_to_recover() {
    // One attempt, seven steps of two writes, and the run's end.
    for writes in 0..16 {
        let world = World::new();
        let plan = world.plan(ScopeAsk::missing(), &[]);
        drop(queue_run(&plan, None, &world.journal, &world.state()).unwrap());
        let failing = Failing { inner: &world.journal, writes_left: AtomicU32::new(writes) };
        let problem = world.execute_with(&plan, &failing).unwrap_err();
        assert_eq!(problem.message, "the disk is full", "after {writes} writes");
        assert!(problem.causes[0].contains("could not be journalled"), "{problem:?}");
        let effects = world.runner.effects.lock().unwrap().len();
        assert!(effects <= writes as usize / 2 + 1, "{effects} effects after {writes} writes");
        assert_eq!(recover(&world.journal, &world.clock, &world.state()), Ok(vec![plan.run.clone()]));
        // A plain run then finishes what is left, whatever was journalled.
        match world.ask(&World::request(ScopeAsk::missing(), &[])).unwrap() {
            Planned::Run(plan) => assert_eq!(world.carry_out(&plan), Ok(Status::Succeeded)),
            left => assert_eq!(effects, 7, "{left:?}"),
        }
        world.nothing();
    }
}
