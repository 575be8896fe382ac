//! A pipeline, its files, a clock and a runner that does as it is told.

use crate::fake::MemoryJournal;
use crate::journal::Journal;
use crate::log::RunLog;
use crate::plan::{PlannedFile, PlannedStep, RunPlan, RunScope};
use crate::ports::{Clock, LedgerEntry, Runner, Sources, StepContext, StepOutcome, StepProgress};
use crate::run::{Execution, Parallel, execute, queue_run};
use crate::{PlanInputs, Planned, RunFolder, RunRequest, ScopeAsk, plan_run};
use assay_contract::{Counts, Event, Problem, ProblemKind, RunDetail, Status};
use assay_pipeline::*;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

pub(super) use crate::suite::day;

/// Stands still unless it is moved.
pub(super) struct TestClock {
    now: Mutex<DateTime<Utc>>,
    ids: AtomicU32,
}

impl TestClock {
    pub(super) fn advance(&self, by: TimeDelta) {
        *self.now.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    fn new_id(&self) -> String {
        format!("RUN{}", self.ids.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

#[derive(Default)]
pub(super) struct Shelf(pub(super) Mutex<Vec<PlannedFile>>);

impl Sources for Shelf {
    fn files(&self, _: &Pipeline, _: &Environment) -> Result<Vec<PlannedFile>, Problem> {
        Ok(self.0.lock().unwrap().clone())
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

    fn outcome(&self, plan: &RunPlan, step: &PlannedStep) -> StepOutcome {
        let mut outcome = StepOutcome { rows_out: Some(10), version_after: Some(1), ..StepOutcome::default() };
        let mut dates: BTreeSet<NaiveDate> = match &plan.scope {
            RunScope::All => BTreeSet::new(),
            RunScope::Dates(dates) => dates.iter().copied().collect(),
        };
        if step.stage == Layer::Silver {
            for file in plan.files.iter().filter(|file| Some(&file.source) == step.source.as_ref()) {
                let entry = self.entry(file);
                dates.extend(entry.dates.keys());
                outcome.files.push(entry);
            }
            outcome.counts = Some(Counts::default());
        }
        let whole = plan.scope == RunScope::All || step.table == "products";
        outcome.dates = (!whole).then(|| dates.into_iter().collect());
        outcome
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
        let effect = || self.effects.lock().unwrap().push((step.id.clone(), plan.scope.clone()));
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
                effect();
                return Ok(StepOutcome { flagged: Some("a rule failed".into()), ..self.outcome(plan, step) });
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
        effect();
        Ok(self.outcome(plan, step))
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
    pub(super) cancel: AtomicBool,
    pub(super) events: Mutex<Vec<Event>>,
}

impl World {
    /// Three files in the folders of 1 to 3 November; nothing was read yet.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::new("local", Guard::Open, folder.path().join("lake"));
        let world = Self {
            clock: TestClock {
                now: Mutex::new(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)),
                ids: AtomicU32::new(0),
            },
            folder,
            journal: MemoryJournal::default(),
            shelf: Shelf::default(),
            runner: Scripted::default(),
            pipeline: pipeline(),
            environment,
            cancel: AtomicBool::new(false),
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
            confirmed: None,
            reason: "a test".into(),
            asked_by: "tester".into(),
            request_id: None,
        }
    }

    pub(super) fn inputs<'a>(&'a self, reads: &'a dyn Fn(&str) -> Vec<String>) -> PlanInputs<'a> {
        PlanInputs {
            pipeline: &self.pipeline,
            environment: &self.environment,
            sources: &self.shelf,
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
        match self.ask(&Self::request(ScopeAsk::New, &[])).unwrap() {
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
            journal,
            clock: &self.clock,
            files_now: &|| self.shelf.files(&self.pipeline, &self.environment),
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
        let plan = self.plan(ScopeAsk::New, &[]);
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
