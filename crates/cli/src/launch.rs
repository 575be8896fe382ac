//! From a request to a run that a worker process carries out.

use crate::desk::{Desk, Ready};
use crate::exit;
use crate::local::{LocalSources, LocalTables};
use assay_console::folder::Claim;
use assay_console::journal::RunFilter;
use assay_console::ports::Sources;
use assay_console::process::{Ended, Heard};
use assay_console::resume::{ResumeAsk, resume};
use assay_console::{
    Journal, PlanInputs, Planned, RunPlan, RunRequest, SystemClock, WorkerHandle, plan_run, queue_run, settle,
};
use assay_contract::{PlanDetail, Problem, ProblemKind, Status};
use assay_pipeline::{Environment, Layer};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// Settings of a worker's allocator and engine, where whoever starts Assay has not set them: freed pages go back after
/// 20 ms, so that silver's do not add to the peak of gold's; one row group is read ahead, whatever its columns.
const FRUGAL: [(&str, &str); 2] = [("MIMALLOC_PURGE_DELAY", "20"), ("POLARS_ROW_GROUP_PREFETCH_SIZE", "1")];

/// A run and its worker.
pub struct Live {
    pub run: String,
    handle: WorkerHandle,
    cancelled: AtomicBool,
    /// Held so that nobody takes the run for dead before it is settled.
    _claim: Claim,
}

pub enum Launched {
    Run(Live),
    /// The same request was answered before, with this run.
    Already(String),
}

/// Plans what was asked; changes nothing.
pub fn plan(desk: &Desk, ready: &Ready, environment: &Environment, request: &RunRequest) -> Result<Planned, Problem> {
    with_inputs(desk, ready, environment, |inputs| plan_run(request, inputs))
}

/// As [`plan`], from sources that show less than what lies there.
pub fn plan_from(
    desk: &Desk,
    ready: &Ready,
    environment: &Environment,
    request: &RunRequest,
    sources: &dyn Sources,
) -> Result<Planned, Problem> {
    with_inputs(desk, ready, environment, |inputs| plan_run(request, &PlanInputs { sources, ..*inputs }))
}

/// What a plan will do, for a person or a script; changes nothing.
pub fn detail(desk: &Desk, ready: &Ready, environment: &Environment, plan: &RunPlan) -> Result<PlanDetail, Problem> {
    with_inputs(desk, ready, environment, |inputs| assay_console::plan::detail::detail(plan, inputs))
}

/// Journals a plan and starts its worker. `hear` gets the worker's events, in order, from a thread.
pub fn start(
    desk: &Desk,
    plan: &RunPlan,
    request_id: Option<&str>,
    hear: impl FnMut(Heard) + Send + 'static,
) -> Result<Launched, Problem> {
    let queued = queue_run(plan, request_id, desk.journal()?, &desk.state())?;
    match queued.claim {
        Some(claim) => live(desk, queued.run, claim, hear).map(Launched::Run),
        None => Ok(Launched::Already(queued.run)),
    }
}

/// Queues the newest unfinished run of a pipeline again and starts its worker.
pub fn again(
    desk: &Desk,
    ready: &Ready,
    environment: &Environment,
    confirmed: Option<&str>,
    hear: impl FnMut(Heard) + Send + 'static,
) -> Result<Live, Problem> {
    let kept = original_of_newest(desk, ready, environment)?;
    let ready = kept.as_ref().unwrap_or(ready);
    let ask = ResumeAsk { run: None, confirmed, asked_by: &desk.person() };
    let resumed = with_inputs(desk, ready, environment, |inputs| resume(&ask, inputs, &desk.state()))?;
    live(desk, resumed.plan.run, resumed.claim, hear)
}

/// The definition of the newest unfinished run where that is not the workspace's.
fn original_of_newest(desk: &Desk, ready: &Ready, environment: &Environment) -> Result<Option<Ready>, Problem> {
    let filter = RunFilter {
        pipeline: Some(ready.definition.name.clone()),
        environment: Some(environment.name.clone()),
        statuses: vec![Status::Failed, Status::Cancelled],
    };
    let journal = desk.journal()?;
    let Some(newest) = journal.runs(&filter, 1)?.into_iter().next() else { return Ok(None) };
    let plan = journal.plan(&newest.id)?.filter(|plan| plan.original);
    plan.map(|plan| desk.ready_for(&plan)).transpose()
}

impl Live {
    /// Ends the run within a second.
    pub fn cancel(&self) -> Option<Ended> {
        self.cancelled.store(true, Ordering::Release);
        self.handle.cancel()
    }

    /// Waits for the worker's end and gives what became of the run.
    pub fn wait(&self, journal: &dyn Journal) -> Result<Status, Problem> {
        self.handle.wait();
        let status = settle(&self.run, self.cancelled.load(Ordering::Acquire), journal, &SystemClock)?;
        status.ok_or_else(|| {
            exit::problem(
                ProblemKind::Failed,
                format!("Run {} is not in the journal any more.", self.run),
                "Someone replaced the journal; run again.",
            )
        })
    }
}

/// This program, to start it once more.
pub fn program() -> Result<PathBuf, Problem> {
    let program = std::env::current_exe().map_err(|error| {
        exit::because("The program's own place is not known.", &error, "Start it by its full path.")
    })?;
    // A program that was replaced while it runs goes on as it is, and so do its workers.
    Ok(if program.exists() { program } else { "/proc/self/exe".into() })
}

fn live(desk: &Desk, run: String, claim: Claim, hear: impl FnMut(Heard) + Send + 'static) -> Result<Live, Problem> {
    let mut command = Command::new(program()?);
    command.arg("--workspace").arg(&desk.workspace.root).args(["worker", &run]);
    command.envs(FRUGAL.into_iter().filter(|(name, _)| std::env::var_os(name).is_none()));
    match WorkerHandle::start(command, &run, hear) {
        Ok(handle) => Ok(Live { run, handle, cancelled: AtomicBool::new(false), _claim: claim }),
        Err(error) => {
            let problem = Problem::from(error);
            desk.journal()?.end_run(&run, Status::Failed, Some(&problem.message), chrono::Utc::now())?;
            Err(problem)
        }
    }
}

pub fn with_inputs<T>(
    desk: &Desk,
    ready: &Ready,
    environment: &Environment,
    use_them: impl FnOnce(&PlanInputs<'_>) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let reads = |model: &str| -> Vec<String> {
        let compiled = ready.models.iter().find(|compiled| compiled.model.name == model);
        let tables = compiled.map(assay_stages::gold::CompiledModel::reads).unwrap_or_default();
        tables.into_iter().map(|(layer, table): (Layer, String)| format!("{layer}.{table}")).collect()
    };
    use_them(&PlanInputs {
        pipeline: &ready.definition,
        environment,
        sources: &LocalSources { desk },
        tables: &LocalTables { desk },
        journal: desk.journal()?,
        clock: &SystemClock,
        reads: &reads,
    })
}
