//! The local runner: carries steps out on this machine with Polars and PostgreSQL.

mod copies;
mod here;
mod landing;
pub mod problems;
pub mod records;
mod replayed;
pub mod retention;
mod sources;
mod tables;
mod undone;
pub mod verdicts;
pub mod warehouse;
mod watch;

pub use sources::LocalSources;
pub use tables::LocalTables;

use crate::desk::{Desk, Ready};
use crate::exit;
use crate::render::words::{count, counted};
use assay_console::permits::PermitTime;
use assay_console::ports::{LedgerEntry, Level, Runner, StepContext, StepOutcome};
use assay_console::{PlannedFile, PlannedStep, RunPlan, RunScope, SystemClock, Work};
use assay_contract::{Counts, Problem, Reconciliation};
use assay_lake::Lake;
use assay_pipeline::{Contract, Layer, Load, Source};
use assay_stages::gold::{CompiledModel, GoldJob};
use assay_stages::warehouse::{Delivered, WarehouseJob};
use assay_stages::{DeadLetters, IngestJob, Ingested, Limits, Scope, StageError, Surveyed};
use assay_warehouse::LoadOutcome;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;
use verdicts::StepRules;
use warehouse::Place;
use watch::StageWatch;

/// Runs the steps of one run of one pipeline.
pub struct LocalRunner<'a> {
    ready: &'a Ready,
    lake: Lake,
    scratch: PathBuf,
    /// The workspace's `.assay` folder.
    state: PathBuf,
    threads: usize,
    runtime: Handle,
    place: tokio::sync::Mutex<Place>,
    surveyed: Mutex<HashMap<String, Vec<Surveyed>>>,
    snapshots: tokio::sync::Mutex<landing::Snapshots>,
    /// Against which the plan's permit is held.
    time: PermitTime<'static>,
}

impl<'a> LocalRunner<'a> {
    pub fn new(desk: &Desk, ready: &'a Ready, plan: &RunPlan) -> Result<Self, Problem> {
        let scratch = desk.state().join("scratch");
        std::fs::create_dir_all(&scratch).map_err(|error| {
            exit::because(
                format!("{} cannot be made.", scratch.display()),
                &error,
                "Give this user the right to write there.",
            )
        })?;
        Ok(Self {
            ready,
            // Tables lie where the run's definition puts them, which need not be the workspace's.
            lake: desk.lake(&plan.environment).placing(ready.definition.places()),
            scratch,
            state: desk.state(),
            threads: plan
                .settings
                .threads
                .map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from),
            runtime: desk.runtime.handle().clone(),
            place: tokio::sync::Mutex::new(Place::new(&desk.state(), plan.environment.warehouse_url.clone())),
            surveyed: Mutex::default(),
            snapshots: tokio::sync::Mutex::default(),
            time: PermitTime::of(&plan.permit, &SystemClock),
        })
    }

    /// Stops what the run started; call it once, after the last step.
    pub fn end(&self) -> Result<(), Problem> {
        self.leave_sources();
        self.runtime.block_on(async { self.place.lock().await.leave().await })
    }

    /// Finds the files' formats, counts their records and takes their content tags.
    fn bronze(
        &self,
        plan: &RunPlan,
        step: &PlannedStep,
        context: &StepContext<'_>,
        landed: Vec<PlannedFile>,
    ) -> Result<StepOutcome, StageError> {
        let source = self.source(&step.table)?;
        let folder = self.lake.pipeline_folder(&plan.pipeline);
        let watch = StageWatch::new(context.watch);
        let found = match &plan.scope {
            RunScope::Dates(dates) if !step.feeds => {
                let dates = dates.iter().copied().collect();
                assay_stages::discover_within(source, &folder, &dates, &BTreeSet::new())?
            }
            _ => assay_stages::discover(source, &folder)?,
        };
        if found.left_out > 0 {
            let examples = found.left_out_examples.join(", ");
            context.watch.log(
                Level::Warn,
                &format!("left out, for they are no source files: {}, such as {examples}", count(found.left_out)),
            );
        }
        // A file that the feed brought may have taken the place of one that was planned.
        let is_new = |file: &&PlannedFile| landed.iter().any(|new| new.path == file.path);
        let old = plan.files.iter().filter(|file| file.source == source.name).filter(|file| !is_new(file));
        let files: Vec<_> = old.chain(&landed).map(planned).collect();
        let letters = DeadLetters::new(source, &self.lake, &plan.pipeline, &plan.run, &plan.permit, self.time.now())?;
        let limits = Limits::default();
        let (surveyed, dead) =
            assay_stages::survey_or_set_aside(source, &files, &letters, &self.scratch, self.threads, &limits, &watch)?;
        for letter in &dead {
            let text = format!("{} cannot be read: {}. It lies in {} now", letter.path, letter.reason, letter.place);
            context.watch.log(Level::Warn, &text);
        }
        let (mut read, mut blank) = (0, 0);
        for file in &surveyed {
            context.watch.log(
                Level::Debug,
                &format!("{}: {} lines or records, {} blank", file.path, count(file.records), count(file.blank)),
            );
            read += file.records;
            blank += file.blank;
        }
        let (files, records) = (counted(surveyed.len() as u64, "file"), counted(read - blank, "record"));
        let text = format!("{files}, {records}, {}", counted(blank, "blank line"));
        context.watch.log(Level::Info, &text);
        let surveyed_none = surveyed.is_empty();
        // Kept for the silver step of the same process, which then need not look for record boundaries again.
        self.surveyed.lock().unwrap_or_else(PoisonError::into_inner).insert(source.name.clone(), surveyed);
        let idle = step.feeds && surveyed_none && landed.is_empty();
        Ok(StepOutcome {
            rows_out: Some(read - blank),
            dates: dates_of(plan),
            landed,
            skipped: idle.then(|| "nothing new".to_owned()),
            ..StepOutcome::default()
        })
    }

    fn silver(&self, plan: &RunPlan, step: &PlannedStep, context: &StepContext<'_>) -> Result<StepOutcome, StageError> {
        let contract = self.contract(&step.table)?;
        let source = self.source(&contract.source)?;
        let watch = StageWatch::new(context.watch);
        let more = |dates: &[NaiveDate]| {
            let found =
                (context.files_of_dates)(dates).map_err(|problem| StageError::Sources { why: problem.message })?;
            Ok(found.iter().filter(|file| file.source == source.name).map(planned).collect())
        };
        let read_before = match source.once {
            true => {
                (context.read_before)(&source.name).map_err(|problem| StageError::Sources { why: problem.message })?
            }
            false => BTreeMap::new(),
        };
        let known = |tag: &str| read_before.get(tag).cloned();
        let surveyed = self.surveyed.lock().unwrap_or_else(PoisonError::into_inner).remove(&source.name);
        let judge = self.rules_of(&plan.run, (Layer::Silver, &contract.table), context);
        let record = StepRules::record(context);
        let rules = judge.as_ref().map(|judge| judge.rules(&record));
        let ingested = assay_stages::ingest(
            &IngestJob {
                pipeline: &self.ready.definition,
                contract,
                source,
                lake: &self.lake,
                files: plan.files.iter().filter(|file| file.source == source.name).map(planned).collect(),
                surveyed: surveyed.unwrap_or_default(),
                more: &more,
                known: &known,
                scope: match &plan.scope {
                    RunScope::All => Scope::All,
                    RunScope::Dates(dates) => Scope::Dates(dates.iter().copied().collect()),
                },
                run: &plan.run,
                processed_at: plan.queued_at,
                permit: &plan.permit,
                threads: self.threads,
                scratch: &self.scratch,
                limits: Limits::default(),
                now: &|| self.time.now(),
                rules: rules.as_ref(),
            },
            &watch,
        )?;
        for file in ingested.files.iter().filter(|file| !file.ignored.is_empty()) {
            let fields = file.ignored.join(", ");
            context.watch.log(
                Level::Warn,
                &format!("{}: fields that the contract does not name were ignored: {fields}", file.path),
            );
        }
        let tags: HashMap<&str, &str> =
            ingested.files.iter().map(|file| (file.path.as_str(), file.tag.as_str())).collect();
        let tag = |path: &str| tags.get(path).map(|tag| (*tag).to_owned());
        self.copy(plan, (Layer::Silver, &contract.table), context, &tag)?;
        Ok(silver_outcome(plan, source, ingested))
    }

    fn gold(&self, plan: &RunPlan, step: &PlannedStep, context: &StepContext<'_>) -> Result<StepOutcome, StageError> {
        let model = self.model(&step.table)?;
        let dates = settled_dates(plan, context);
        let judge = self.rules_of(&plan.run, (Layer::Gold, &step.table), context);
        let record = StepRules::record(context);
        let rules = judge.as_ref().map(|judge| judge.rules(&record));
        let job = GoldJob {
            pipeline: &self.ready.definition,
            lake: &self.lake,
            run: &plan.run,
            permit: &plan.permit,
            dates: dates.as_deref(),
            now: &|| self.time.now(),
            cancelled: &|| context.watch.cancelled(),
            rules: rules.as_ref(),
        };
        let built = assay_stages::gold::build(&job, model, &self.runtime)?;
        context.watch.log(
            Level::Info,
            &format!("published version {}, {}", built.committed.version, counted(built.rows_out, "row")),
        );
        self.copy(plan, (Layer::Gold, &step.table), context, &|_| None)?;
        Ok(StepOutcome {
            rows_in: Some(built.rows_in),
            rows_out: Some(built.rows_out),
            dates: built.dates,
            version_before: built.committed.before,
            version_after: Some(built.committed.version),
            flagged: built.flagged,
            ..StepOutcome::default()
        })
    }

    fn warehouse(&self, plan: &RunPlan, step: &PlannedStep, context: &StepContext<'_>) -> Result<StepOutcome, Problem> {
        let load = self.load(&step.table).map_err(|error| problems::stage(&error))?;
        let dates = settled_dates(plan, context);
        let job = WarehouseJob {
            pipeline: &self.ready.definition,
            load,
            lake: &self.lake,
            environment: &plan.environment.name,
            run: &plan.run,
            permit: &plan.permit,
            dates: dates.as_deref(),
            now: self.time.now(),
        };
        let delivered = self.runtime.block_on(async {
            let mut connected = self.place.lock().await.connect().await?;
            assay_stages::warehouse::deliver(&job, &mut connected).await.map_err(|error| problems::stage(&error))
        })?;
        warehouse_outcome(&step.table, dates, delivered, context)
    }

    fn source(&self, name: &str) -> Result<&'a Source, StageError> {
        let known = &self.ready.definition.sources;
        known.iter().find(|source| source.name == name).ok_or_else(|| StageError::NoTable { table: name.to_owned() })
    }

    fn contract(&self, table: &str) -> Result<&'a Contract, StageError> {
        let known = &self.ready.definition.contracts;
        known
            .iter()
            .find(|contract| contract.table == table)
            .ok_or_else(|| StageError::NoTable { table: table.to_owned() })
    }

    fn model(&self, name: &str) -> Result<&'a CompiledModel, StageError> {
        self.ready
            .models
            .iter()
            .find(|model| model.model.name == name)
            .ok_or_else(|| StageError::NoTable { table: name.to_owned() })
    }

    fn load(&self, table: &str) -> Result<&'a Load, StageError> {
        let mut known = self.ready.definition.warehouse.iter().flat_map(|warehouse| &warehouse.loads);
        known.find(|load| load.table == table).ok_or_else(|| StageError::NoTable { table: table.to_owned() })
    }
}

impl Runner for LocalRunner<'_> {
    fn run(&self, plan: &RunPlan, step: &PlannedStep, context: &StepContext<'_>) -> Result<StepOutcome, Problem> {
        plan.permit.check(&plan.environment.name, self.time.now()).map_err(|error| {
            exit::because("The run may not write any more.", &error, "Start the run again: it gets a new permit.")
        })?;
        if step.stage > Layer::Bronze {
            self.leave_sources();
        }
        if let Some(restore) = step.restore {
            return self.restore(plan, step, restore, context);
        }
        match &plan.work {
            Work::Replay(replay) => self.replay(plan, step, replay, context),
            _ => self.process(plan, step, context),
        }
    }
}

impl LocalRunner<'_> {
    fn process(&self, plan: &RunPlan, step: &PlannedStep, context: &StepContext<'_>) -> Result<StepOutcome, Problem> {
        match step.stage {
            Layer::Bronze => {
                let landed = self.land(plan, step, context)?;
                self.bronze(plan, step, context, landed).map_err(|error| problems::stage(&error))
            }
            Layer::Silver => self.silver(plan, step, context).map_err(|error| problems::stage(&error)),
            Layer::Gold => self.gold(plan, step, context).map_err(|error| problems::stage(&error)),
            Layer::Warehouse => self.warehouse(plan, step, context),
        }
    }
}

fn planned(file: &PlannedFile) -> assay_stages::PlannedFile {
    assay_stages::PlannedFile {
        path: file.path.clone(),
        size: file.size,
        modified_ns: file.modified_ns,
        known_dates: file.known_dates.clone(),
        folder_date: file.folder_date,
    }
}

fn dates_of(plan: &RunPlan) -> Option<Vec<NaiveDate>> {
    match &plan.scope {
        RunScope::All => None,
        RunScope::Dates(dates) => Some(dates.clone()),
    }
}

/// The dates that later steps follow: those of the run, and those that silver found strays for.
fn settled_dates(plan: &RunPlan, context: &StepContext<'_>) -> Option<Vec<NaiveDate>> {
    let mut dates = dates_of(plan)?;
    let silver = context.earlier.iter().filter(|(step, _)| step.starts_with("silver."));
    dates.extend(silver.filter_map(|(_, outcome)| outcome.dates.as_ref()).flatten());
    dates.sort_unstable();
    dates.dedup();
    Some(dates)
}

fn counts(counts: &assay_stages::Counts) -> Counts {
    Counts {
        read: counts.read,
        accepted: counts.accepted,
        quarantined: counts.quarantined,
        blank: counts.blank,
        elsewhere: counts.elsewhere,
    }
}

fn silver_outcome(plan: &RunPlan, source: &Source, ingested: Ingested) -> StepOutcome {
    let total = counts(&ingested.counts);
    let entry = |file: assay_stages::FileReport| LedgerEntry {
        source: source.name.clone(),
        path: file.path,
        size: file.size,
        modified_ns: file.modified_ns,
        tag: file.tag,
        counts: counts(&file.counts),
        dates: file.dates,
    };
    StepOutcome {
        rows_in: Some(total.read - total.blank),
        rows_out: Some(total.accepted),
        quarantined: Some(total.quarantined),
        counts: Some(total),
        reasons: ingested.reasons,
        dates: matches!(plan.scope, RunScope::Dates(_)).then_some(ingested.dates),
        version_before: ingested.before,
        version_after: Some(ingested.version),
        quarantine_version: Some(ingested.quarantine_version),
        files: ingested.files.into_iter().map(entry).collect(),
        flagged: ingested.flagged,
        ..StepOutcome::default()
    }
}

/// A difference between lake and warehouse fails the step, with every figure that differs.
fn warehouse_outcome(
    table: &str,
    dates: Option<Vec<NaiveDate>>,
    delivered: Delivered,
    context: &StepContext<'_>,
) -> Result<StepOutcome, Problem> {
    let different: Vec<String> = delivered
        .measures
        .iter()
        .filter(|figure| !figure.equal)
        .map(|figure| format!("{}: lake {}, warehouse {}", figure.measure, figure.lake, figure.warehouse))
        .collect();
    if !different.is_empty() {
        let mut problem = exit::problem(
            assay_contract::ProblemKind::Failed,
            format!("The warehouse table {table} differs from the lake after the load."),
            "Find out who else writes the table, then run the stage again.",
        );
        problem.causes = different;
        return Err(problem);
    }
    let text = match &delivered.outcome {
        LoadOutcome::Loaded { copied, replaced, .. } => {
            let (copied, replaced) = (counted(*copied, "row"), count(*replaced));
            format!("loaded {copied} in place of {replaced}; counts and sums agree")
        }
        LoadOutcome::AlreadyLoaded => format!("version {} was loaded before; counts and sums agree", delivered.version),
    };
    context.watch.log(Level::Info, &text);
    let reconciliation = delivered
        .measures
        .into_iter()
        .map(|figure| Reconciliation {
            table: table.to_owned(),
            measure: figure.measure,
            lake: figure.lake,
            warehouse: figure.warehouse,
            equal: figure.equal,
            replaced: figure.replaced,
        })
        .collect();
    Ok(StepOutcome {
        rows_in: Some(delivered.rows),
        rows_out: Some(delivered.rows),
        table_rows: Some(delivered.table_rows),
        dates,
        version_after: Some(delivered.version),
        reconciliation,
        skipped: matches!(delivered.outcome, LoadOutcome::AlreadyLoaded).then_some(text),
        reasons: BTreeMap::new(),
        ..StepOutcome::default()
    })
}
