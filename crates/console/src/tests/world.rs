//! A pipeline, its files, a clock and a runner that does as it is told.

use crate::fake::MemoryJournal;
use crate::journal::Journal;
use crate::log::RunLog;
use crate::plan::Back;
use crate::plan::{PlannedFile, PlannedStep, RunPlan, RunScope};
use crate::ports::{
    Clock, LedgerEntry, Loaded, LoadedAsk, PartitionNow, Refused, Runner, Sources, StepContext, StepOutcome,
    StepProgress, TableCommit, TableNow, Tables, Within,
};
use crate::run::{Execution, Parallel, execute, queue_run};
use crate::{PlanInputs, Planned, RunFolder, RunRequest, ScopeAsk, Stop, Work, plan_run};
use assay_contract::{Counts, Event, Problem, ProblemKind, RunDetail, Status};
use assay_pipeline::*;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

pub(super) use crate::suite::day;

/// Stands still unless it is moved.
pub(crate) struct TestClock {
    now: Mutex<DateTime<Utc>>,
    steady: Mutex<Duration>,
    ids: AtomicU32,
}

impl Default for TestClock {
    fn default() -> Self {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        Self { now: Mutex::new(now), steady: Mutex::default(), ids: AtomicU32::new(0) }
    }
}

impl TestClock {
    pub(crate) fn advance(&self, by: TimeDelta) {
        *self.now.lock().unwrap() += by;
        *self.steady.lock().unwrap() += by.to_std().unwrap();
    }

    /// As somebody who sets the wall clock.
    pub(crate) fn set_back(&self, by: TimeDelta) {
        *self.now.lock().unwrap() -= by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    fn steady(&self) -> Duration {
        *self.steady.lock().unwrap()
    }

    fn new_id(&self) -> String {
        format!("RUN{}", self.ids.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Files, how often all of them were listed, and those that a run moved to the dead letters: run, source, path.
#[derive(Default)]
pub(super) struct Shelf(
    pub(super) Mutex<Vec<PlannedFile>>,
    pub(super) AtomicU32,
    pub(super) Mutex<BTreeSet<(String, String, String)>>,
);

impl Sources for Shelf {
    fn files(&self, _: &Pipeline, _: &Environment) -> Result<Vec<PlannedFile>, Problem> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(self.0.lock().unwrap().clone())
    }

    fn files_within(&self, _: &Pipeline, _: &Environment, within: &Within) -> Result<Vec<PlannedFile>, Problem> {
        let mut files = self.0.lock().unwrap().clone();
        files.retain(|file| {
            let dated = file.folder_date.is_some_and(|date| within.dates.contains(&date));
            dated || within.paths.contains(&(file.source.clone(), file.path.clone()))
        });
        Ok(files)
    }

    fn set_aside(
        &self,
        _: &Pipeline,
        _: &Environment,
        run: &str,
        gone: &BTreeSet<(String, String)>,
    ) -> Result<BTreeSet<(String, String)>, Problem> {
        let moved = self.2.lock().unwrap();
        let by_run = |key: &&(String, String)| moved.contains(&(run.to_owned(), key.0.clone(), key.1.clone()));
        Ok(gone.iter().filter(by_run).cloned().collect())
    }
}

/// Tables by id, each with the content of every version; a restore appends the content of an older one.
pub(super) struct Lake {
    pub(super) tables: Mutex<BTreeMap<String, Vec<Commit>>>,
    /// How often it was asked.
    pub(super) asked: AtomicU32,
    /// Rows of every table of the warehouse.
    pub(super) warehouse: Mutex<Result<u64, Problem>>,
    /// Of the quarantine of `sales`.
    pub(super) refused: Mutex<Option<Refused>>,
}

impl Default for Lake {
    fn default() -> Self {
        let (tables, asked, refused) = Default::default();
        Self { tables, asked, warehouse: Mutex::new(Ok(50)), refused }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Commit {
    pub(super) run: Option<String>,
    /// What the table holds: by date, or under none for a table without dates.
    pub(super) content: BTreeMap<Option<NaiveDate>, String>,
}

impl Lake {
    /// Gives the versions before and after.
    fn commit(
        &self,
        table: &str,
        run: &str,
        change: impl FnOnce(&mut BTreeMap<Option<NaiveDate>, String>, &[Commit]),
    ) -> (Option<i64>, i64) {
        let mut tables = self.tables.lock().unwrap();
        let commits = tables.entry(table.to_owned()).or_default();
        let mut content = commits.last().map(|commit| commit.content.clone()).unwrap_or_default();
        change(&mut content, commits);
        commits.push(Commit { run: Some(run.to_owned()), content });
        (commits.len().checked_sub(2).map(|version| version as i64), commits.len() as i64 - 1)
    }
}

impl Tables for Lake {
    fn versions(&self, _: &str, _: &Environment, tables: &[String]) -> Result<BTreeMap<String, i64>, Problem> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let held = self.tables.lock().unwrap();
        let version = |id: &String| Some((id.clone(), held.get(id)?.len() as i64 - 1));
        Ok(tables.iter().filter_map(version).collect())
    }

    fn contents(&self, _: &str, _: &Environment, tables: &[String]) -> Result<BTreeMap<String, TableNow>, Problem> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let held = self.tables.lock().unwrap();
        let now = |id: &String| {
            let commits = held.get(id)?;
            let part = |date: &Option<NaiveDate>| PartitionNow { date: *date, rows: 10, bytes: 100, files: 1 };
            let mut partitions: Vec<PartitionNow> = commits.last()?.content.keys().map(part).collect();
            partitions.sort_by_key(|part| (part.date.is_none(), part.date));
            Some((id.clone(), TableNow { version: commits.len() as i64 - 1, partitions }))
        };
        Ok(tables.iter().filter_map(now).collect())
    }

    fn commits(&self, _: &str, _: &Environment, table: &str, after: Option<i64>) -> Result<Vec<TableCommit>, Problem> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let held = self.tables.lock().unwrap();
        let first = after.map_or(0, |version| version + 1) as usize;
        let commits = held.get(table).map(Vec::as_slice).unwrap_or_default().iter().enumerate().skip(first);
        Ok(commits.map(|(version, commit)| TableCommit { version: version as i64, run: commit.run.clone() }).collect())
    }

    fn loaded(&self, _: &Pipeline, _: &Environment, asks: &[LoadedAsk<'_>]) -> Result<Vec<Loaded>, Problem> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let rows = self.warehouse.lock().unwrap().clone()?;
        let of = |ask: &LoadedAsk<'_>| match ask.dates {
            Some((_, dates)) => Loaded { rows, dated: 10 * dates.len() as u64, counted: false },
            None => Loaded { rows, dated: rows, counted: true },
        };
        Ok(asks.iter().map(of).collect())
    }

    fn refused(&self, _: &str, _: &Environment, table: &str) -> Result<Option<Refused>, Problem> {
        Ok(self.refused.lock().unwrap().clone().filter(|_| table == "sales"))
    }
}

/// What a step does instead of its work.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    Fail,
    /// Its effect is there, and then it fails.
    FailAfterEffect,
    Panic,
    Skip,
    Flag,
    /// Works until it is cancelled.
    Hold,
    /// Waits until another step is held in the same way.
    Meet,
    /// Tells this much progress.
    Busy(u64),
}

#[derive(Default)]
pub(super) struct Scripted {
    pub(super) acts: Mutex<BTreeMap<String, Act>>,
    /// Dates of stray records by path.
    pub(super) strays: Mutex<BTreeMap<String, Vec<NaiveDate>>>,
    /// Steps that had their effect, in order, with their dates.
    pub(super) effects: Mutex<Vec<(String, RunScope)>>,
    pub(super) read: Mutex<Vec<String>>,
    /// Files that the feed of a source brings at its next look.
    pub(super) landing: Mutex<Vec<PlannedFile>>,
    pub(super) lake: Lake,
    gate: (Mutex<BTreeSet<String>>, Condvar),
}

impl Scripted {
    pub(super) fn act(&self, step: &str, act: Act) {
        self.acts.lock().unwrap().insert(step.into(), act);
    }

    /// Blocks until the step is held.
    pub(super) fn wait_held(&self, step: &str) {
        let waiting = self
            .gate
            .1
            .wait_timeout_while(self.gate.0.lock().unwrap(), Duration::from_secs(20), |held| !held.contains(step));
        assert!(!waiting.unwrap().1.timed_out(), "{step} never began");
    }

    fn arrive(&self, step: &str) {
        self.gate.0.lock().unwrap().insert(step.into());
        self.gate.1.notify_all();
    }

    /// The effect: every table gets a commit that says which run wrote which dates.
    fn outcome(&self, plan: &RunPlan, step: &PlannedStep) -> StepOutcome {
        if matches!(plan.work, Work::Undo(_)) {
            return self.restored(plan, step);
        }
        let mut outcome = StepOutcome { rows_out: Some(10), ..StepOutcome::default() };
        let mut dates: BTreeSet<NaiveDate> = match &plan.scope {
            RunScope::All => plan.files.iter().filter_map(|file| file.folder_date).collect(),
            RunScope::Dates(dates) => dates.iter().copied().collect(),
        };
        if step.stage == Layer::Bronze && step.feeds {
            outcome.landed = std::mem::take(&mut *self.landing.lock().unwrap());
            outcome.skipped = (outcome.landed.is_empty() && plan.files.is_empty()).then(|| "nothing new".into());
        }
        if step.stage == Layer::Silver {
            for file in plan.files.iter().filter(|file| Some(&file.source) == step.source.as_ref()) {
                let entry = self.entry(file);
                dates.extend(entry.dates.keys());
                outcome.files.push(entry);
            }
            outcome.counts = Some(Counts::default());
            let (_, version) = self.lake.commit(&format!("quarantine.{}", step.table), &plan.run, |_, _| ());
            outcome.quarantine_version = Some(version);
        }
        let whole = plan.scope == RunScope::All || step.table == "products";
        if step.stage > Layer::Bronze {
            let undated = step.table == "products";
            let (before, after) = self.lake.commit(&step.id, &plan.run, |content, _| {
                if whole {
                    content.clear();
                }
                let keys: Vec<_> = if undated { vec![None] } else { dates.iter().copied().map(Some).collect() };
                content.extend(keys.into_iter().map(|date| (date, plan.run.clone())));
            });
            (outcome.version_before, outcome.version_after) = (before, Some(after));
        }
        outcome.dates = (!whole).then(|| dates.into_iter().collect());
        outcome
    }

    fn restored(&self, plan: &RunPlan, step: &PlannedStep) -> StepOutcome {
        let restore = step.restore.unwrap_or_default();
        let back = |table: &str, to: Option<Back>| {
            let to = to?;
            let (before, after) = self.lake.commit(table, &plan.run, |content, commits| match to {
                Back::Empty => content.clear(),
                Back::Version(version) => *content = commits[version as usize].content.clone(),
            });
            Some((before, Some(after)))
        };
        back(&format!("quarantine.{}", step.table), restore.quarantine);
        let versions = back(&step.id, restore.table);
        let dates = match &plan.scope {
            RunScope::All => None,
            RunScope::Dates(dates) => Some(dates.clone()),
        };
        let (version_before, version_after) = versions.unwrap_or_default();
        StepOutcome { dates, version_before, version_after, ..StepOutcome::default() }
    }

    fn entry(&self, file: &PlannedFile) -> LedgerEntry {
        self.read.lock().unwrap().push(file.path.clone());
        let strays = self.strays.lock().unwrap().get(&file.path).cloned().unwrap_or_default();
        LedgerEntry {
            source: file.source.clone(),
            path: file.path.clone(),
            size: file.size,
            modified_ns: file.modified_ns,
            tag: format!("tag of {}", file.size),
            counts: Counts { read: 10, accepted: 10, ..Counts::default() },
            dates: file.folder_date.into_iter().chain(strays).map(|date| (date, 5)).collect(),
        }
    }
}

impl Runner for Scripted {
    fn run(&self, plan: &RunPlan, step: &PlannedStep, context: &StepContext<'_>) -> Result<StepOutcome, Problem> {
        let act = self.acts.lock().unwrap().get(&step.id).cloned();
        let outcome = || self.outcome(plan, step);
        let effect = || {
            self.effects.lock().unwrap().push((step.id.clone(), plan.scope.clone()));
            outcome()
        };
        let broken = || Problem::new(ProblemKind::Failed, format!("{} broke", step.table));
        match act {
            Some(Act::Fail) => return Err(broken()),
            Some(Act::FailAfterEffect) => {
                effect();
                return Err(broken());
            }
            Some(Act::Panic) => panic!("a cell value"),
            Some(Act::Skip) => {
                return Ok(StepOutcome { skipped: Some("was done before".into()), ..StepOutcome::default() });
            }
            Some(Act::Flag) => {
                let outcome = effect();
                return Ok(StepOutcome { flagged: Some("a rule failed".into()), ..outcome });
            }
            Some(Act::Hold) => {
                self.arrive(&step.id);
                while !context.watch.cancelled() {
                    std::thread::yield_now();
                }
                return Err(Problem::new(ProblemKind::Cancelled, "stopped"));
            }
            Some(Act::Meet) => {
                self.arrive(&step.id);
                let held = self.gate.0.lock().unwrap();
                let met = self.gate.1.wait_timeout_while(held, Duration::from_secs(20), |held| held.len() < 2);
                assert!(!met.unwrap().1.timed_out(), "no other step ran at the same time");
            }
            Some(Act::Busy(calls)) => {
                for done in 0..calls {
                    context.watch.progress(StepProgress { done, total: calls, counts: Counts::default() });
                    std::thread::yield_now();
                }
            }
            None => {}
        }
        Ok(effect())
    }
}

pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) clock: TestClock,
    pub(super) journal: MemoryJournal,
    pub(super) shelf: Shelf,
    pub(super) runner: Scripted,
    pub(super) pipeline: Pipeline,
    pub(super) environment: Environment,
    pub(super) cancel: Stop,
    pub(super) events: Mutex<Vec<Event>>,
}

impl World {
    /// Three files in the folders of 1 to 3 November; nothing was read yet.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::new("local", Guard::Open, folder.path().join("lake"));
        let world = Self {
            clock: TestClock::default(),
            folder,
            journal: MemoryJournal::default(),
            shelf: Shelf::default(),
            runner: Scripted::default(),
            pipeline: pipeline(),
            environment,
            cancel: Stop::default(),
            events: Mutex::new(Vec::new()),
        };
        (1..=3).for_each(|number| world.put(Some(number), 1000 + u64::from(number)));
        world
    }

    /// Writes a file of that size into a date's folder, or beside the folders.
    pub(super) fn put(&self, date: Option<u32>, size: u64) {
        let path = date.map_or("sales/late.csv".into(), |number| format!("sales/date={}/a.csv", day(number)));
        let mut files = self.shelf.0.lock().unwrap();
        files.retain(|file| file.path != path);
        files.push(PlannedFile {
            source: "sales".into(),
            path,
            size,
            modified_ns: 1,
            folder_date: date.map(day),
            known_dates: Vec::new(),
        });
        files.sort_by(|a, b| a.path.cmp(&b.path));
    }

    pub(super) fn remove(&self, number: u32) {
        let path = format!("sales/date={}/a.csv", day(number));
        self.shelf.0.lock().unwrap().retain(|file| file.path != path);
    }

    pub(super) fn request(scope: ScopeAsk, stages: &[&str]) -> RunRequest {
        RunRequest {
            stages: stages.iter().map(ToString::to_string).collect(),
            scope,
            reason: "a test".into(),
            asked_by: "tester".into(),
            ..RunRequest::default()
        }
    }

    pub(super) fn inputs<'a>(&'a self, reads: &'a dyn Fn(&str) -> Vec<String>) -> PlanInputs<'a> {
        PlanInputs {
            pipeline: &self.pipeline,
            environment: &self.environment,
            sources: &self.shelf,
            tables: &self.runner.lake,
            journal: &self.journal,
            clock: &self.clock,
            reads,
        }
    }

    pub(super) fn ask(&self, request: &RunRequest) -> Result<Planned, Problem> {
        plan_run(request, &self.inputs(&reads))
    }

    pub(super) fn plan(&self, scope: ScopeAsk, stages: &[&str]) -> RunPlan {
        match self.ask(&Self::request(scope, stages)).unwrap() {
            Planned::Run(plan) => *plan,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn nothing(&self) -> String {
        match self.ask(&Self::request(ScopeAsk::missing(), &[])).unwrap() {
            Planned::Nothing(why) => why,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn state(&self) -> std::path::PathBuf {
        self.folder.path().join(".assay")
    }

    pub(super) fn execute(&self, plan: &RunPlan) -> Result<Status, Problem> {
        self.execute_with(plan, &self.journal)
    }

    pub(super) fn execute_with(&self, plan: &RunPlan, journal: &dyn Journal) -> Result<Status, Problem> {
        let log = RunLog::open(RunFolder::new(&self.state(), &plan.run).path(), 1 << 20)?;
        execute(&Execution {
            plan,
            digest: &self.pipeline.digest,
            runner: &self.runner,
            tables: &self.runner.lake,
            journal,
            clock: &self.clock,
            files_now: &|within| match within {
                Some(within) => self.shelf.files_within(&self.pipeline, &self.environment, within),
                None => self.shelf.files(&self.pipeline, &self.environment),
            },
            set_aside: &|gone| self.shelf.set_aside(&self.pipeline, &self.environment, &plan.run, gone),
            events: &|event| self.events.lock().unwrap().push(event),
            log: &log,
            cancel: &self.cancel,
            parallel: Parallel::default(),
            state: &self.state(),
        })
    }

    /// Queues and executes.
    pub(super) fn carry_out(&self, plan: &RunPlan) -> Result<Status, Problem> {
        let queued = queue_run(plan, None, &self.journal, &self.state())?;
        assert!(queued.claim.is_some());
        self.execute(plan)
    }

    /// A plain run to its end.
    pub(super) fn run(&self) -> (RunPlan, Status) {
        let plan = self.plan(ScopeAsk::missing(), &[]);
        let status = self.carry_out(&plan).unwrap();
        (plan, status)
    }

    pub(super) fn detail(&self, run: &str) -> RunDetail {
        self.journal.run(run).unwrap().unwrap()
    }

    /// `silver.sales succeeded` and so on, in the plan's order.
    pub(super) fn statuses(&self, run: &str) -> Vec<String> {
        let word = |status| crate::views::status_word(status);
        self.detail(run).steps.iter().map(|step| format!("{} {}", step.id, word(step.status))).collect()
    }

    pub(super) fn log(&self, run: &str) -> Vec<String> {
        let folder = RunFolder::new(&self.state(), run);
        let page = crate::log::page(folder.path(), 0, 1000, None).unwrap();
        page.lines.into_iter().map(|line| line.text).collect()
    }
}

/// `enriched` and `daily` are dated, `products` is built whole; `enriched` and `products` are loaded.
pub(super) fn pipeline() -> Pipeline {
    let model = |name: &str, dated: bool| Model {
        name: name.into(),
        file: format!("gold/{name}.sql").into(),
        sql: String::new(),
        grain: vec!["id".into()],
        partition: dated.then(|| "date".into()),
        folder: None,
        publish: Vec::new(),
    };
    let load = |table: &str, mode: LoadMode| Load {
        table: table.into(),
        mode,
        distribution_key: None,
        sort_key: Vec::new(),
        reconcile: Vec::new(),
    };
    Pipeline {
        name: "shop".into(),
        description: String::new(),
        schedule: None,
        sources: vec![Source {
            name: "sales".into(),
            path: "sales/date=*".into(),
            formats: vec![Format::Csv],
            encoding: Encoding::Utf8,
            dates: FileDates::Folder,
            once: false,
            feed: None,
            dead_letter: None,
        }],
        contracts: vec![contract("sales")],
        models: vec![model("enriched", true), model("daily", true), model("products", false)],
        warehouse: Some(Warehouse {
            schema: "shop".into(),
            staging: None,
            loads: vec![load("enriched", LoadMode::ReplaceDates), load("products", LoadMode::ReplaceAll)],
        }),
        rulesets: Vec::new(),
        failing_rows: Default::default(),
        digest: "0123456789abcdef".into(),
        folder: "/nowhere".into(),
    }
}

pub(super) fn contract(table: &str) -> Contract {
    Contract {
        table: table.into(),
        source: "sales".into(),
        columns: Vec::new(),
        checks: Vec::new(),
        key: Vec::new(),
        partition: "date".into(),
        mode: SilverMode::Replace,
        explode: Vec::new(),
        gate: None,
        folder: None,
        publish: Vec::new(),
    }
}

pub(super) fn reads(model: &str) -> Vec<String> {
    match model {
        "enriched" => vec!["sales".into()],
        "daily" => vec!["silver.sales".into(), "gold.enriched".into()],
        _ => vec!["enriched".into()],
    }
}
