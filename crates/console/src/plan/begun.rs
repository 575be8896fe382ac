//! What all plans have in common, whatever their work: who asks, for which pipeline and environment, with which permit.

use crate::permits::{self, PermitAsk};
use crate::plan::draw::PlanInputs;
use crate::plan::{RunPlan, RunScope, Work};
use crate::run::turn;
use assay_contract::{Problem, ScopeWord};
use std::collections::BTreeMap;

/// Who asks for a plan, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The environment's name as the person typed it.
    pub(crate) confirmed: Option<&'a str>,
    pub(crate) reason: &'a str,
    pub(crate) by: &'a str,
    /// The plan is only looked at: no guard is asked, and its permit has ended already.
    pub(crate) looking: bool,
}

/// A plan of work on every date that has no step yet. Asks the environment's guard.
pub(crate) fn begun(asked: &Asked<'_>, work: Work, inputs: &PlanInputs<'_>) -> Result<RunPlan, Problem> {
    let (now, run) = (inputs.clock.now(), inputs.clock.new_id());
    let permit =
        PermitAsk { environment: inputs.environment, confirmed: asked.confirmed, reason: asked.reason, by: asked.by };
    Ok(RunPlan {
        permit: permits::of_plan(&permit, asked.looking, &run, inputs.journal, now)?,
        run,
        pipeline: inputs.pipeline.name.clone(),
        digest: inputs.pipeline.digest.clone(),
        environment: inputs.environment.clone(),
        stages: Vec::new(),
        scope: RunScope::All,
        steps: Vec::new(),
        files: Vec::new(),
        vanished: Vec::new(),
        widened: Vec::new(),
        worked_before: turn::last_worker(&inputs.environment.lake, &inputs.pipeline.name)?,
        work,
        word: ScopeWord::All,
        versions: BTreeMap::new(),
        original: false,
        settings: Default::default(),
        reason: asked.reason.to_owned(),
        asked_by: asked.by.to_owned(),
        queued_at: now,
    })
}
