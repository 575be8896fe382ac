//! Finishing an unfinished run without doing its finished steps again.

use crate::folder::{Claim, Part, RunFolder};
use crate::journal::{Action, RunFilter};
use crate::permits::{self, PermitAsk};
use crate::plan::RunPlan;
use crate::plan::draw::PlanInputs;
use crate::problem::ConsoleError;
use crate::run::{recheck, turn};
use crate::views;
use assay_contract::{Problem, Status};
use std::path::Path;

/// Who resumes what.
#[derive(Debug, Clone, Copy)]
pub struct ResumeAsk<'a> {
    /// The newest failed or cancelled run of the pipeline in the environment when absent.
    pub run: Option<&'a str>,
    /// The environment's name as the person typed it.
    pub confirmed: Option<&'a str>,
    pub asked_by: &'a str,
}

/// A run that is queued again.
#[derive(Debug)]
pub struct Resumed {
    pub plan: RunPlan,
    /// Hold it until the worker has ended and the run is settled.
    pub claim: Claim,
}

/// Queues an unfinished run again, with a new permit. Call [`crate::recover()`] first, so that a dead run is known as
/// one. `state` is the workspace's `.assay` folder.
///
/// Refused when the definition, the environment or the planned files changed.
pub fn resume(ask: &ResumeAsk<'_>, inputs: &PlanInputs<'_>, state: &Path) -> Result<Resumed, Problem> {
    let run = match ask.run {
        Some(run) => run.to_owned(),
        None => newest_unfinished(inputs)?,
    };
    let unknown = || ConsoleError::UnknownRun { run: run.clone() };
    let status = inputs.journal.run(&run)?.ok_or_else(unknown)?.run.status;
    match status {
        Status::Failed | Status::Cancelled => {}
        Status::Queued | Status::Running => return Err(ConsoleError::StillGoing { run }.into()),
        Status::Succeeded | Status::Flagged | Status::Skipped => {
            return Err(ConsoleError::Finished { run, status }.into());
        }
    }
    let mut plan = inputs.journal.plan(&run)?.ok_or_else(unknown)?;
    check_unchanged(&plan, inputs)?;
    let claim = RunFolder::new(state, &run).claim(Part::Asker)?;
    let permit =
        PermitAsk { environment: inputs.environment, confirmed: ask.confirmed, reason: &plan.reason, by: ask.asked_by };
    RunFolder::new(state, &run).forget_cancel()?;
    plan.permit = permits::grant(&permit, &run, inputs.journal, inputs.clock.now())?;
    inputs.journal.requeue(&plan)?;
    inputs.journal.append_action(&Action {
        at: inputs.clock.now(),
        by: ask.asked_by.to_owned(),
        what: "resume".into(),
        pipeline: plan.pipeline.clone(),
        environment: plan.environment.name.clone(),
        run: Some(run),
        reason: plan.reason.clone(),
        before: views::status_note(status),
        after: views::status_note(Status::Queued),
    })?;
    Ok(Resumed { plan, claim })
}

fn newest_unfinished(inputs: &PlanInputs<'_>) -> Result<String, Problem> {
    let filter = RunFilter {
        pipeline: Some(inputs.pipeline.name.clone()),
        environment: Some(inputs.environment.name.clone()),
        statuses: vec![Status::Failed, Status::Cancelled],
    };
    let newest = inputs.journal.runs(&filter, 1)?.into_iter().next();
    let none = || ConsoleError::NothingToResume { pipeline: inputs.pipeline.name.clone() };
    Ok(newest.ok_or_else(none)?.id)
}

fn check_unchanged(plan: &RunPlan, inputs: &PlanInputs<'_>) -> Result<(), Problem> {
    if plan.pipeline != inputs.pipeline.name || plan.digest != inputs.pipeline.digest {
        let error = ConsoleError::DigestChanged { pipeline: plan.pipeline.clone(), run: plan.run.clone() };
        return Err(error.into());
    }
    let (then, now) = (&plan.environment, inputs.environment);
    if (&then.name, &then.lake, &then.warehouse_url) != (&now.name, &now.lake, &now.warehouse_url) {
        let error = ConsoleError::EnvironmentChanged { environment: then.name.clone(), run: plan.run.clone() };
        return Err(error.into());
    }
    let files = inputs.sources.files(inputs.pipeline, inputs.environment)?;
    let before = turn::last_worker(&now.lake, &plan.pipeline)?;
    let world = recheck::World {
        files: &files,
        set_aside: &|gone| inputs.sources.set_aside(inputs.pipeline, inputs.environment, &plan.run, gone),
        journal: inputs.journal,
        tables: inputs.tables,
        before: before.as_deref(),
    };
    recheck::unchanged(plan, &world)
}
