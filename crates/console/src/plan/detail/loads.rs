//! Rows of the warehouse that a plan replaces. What is not known is said, and keeps nobody from planning.

use crate::plan::draw::PlanInputs;
use crate::plan::{PlannedStep, RunPlan, RunScope};
use crate::ports::{Loaded, LoadedAsk};
use assay_contract::PlanLoad;
use assay_pipeline::{Layer, LoadMode};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// By step; asks the warehouse once, and not at all where the plan loads nothing.
pub(super) fn of<'p>(plan: &'p RunPlan, inputs: &PlanInputs<'_>) -> BTreeMap<&'p str, PlanLoad> {
    let steps: Vec<&PlannedStep> = plan.steps.iter().filter(|step| step.stage == Layer::Warehouse).collect();
    if steps.is_empty() {
        return BTreeMap::new();
    }
    let asks: Vec<LoadedAsk<'_>> =
        steps.iter().map(|step| LoadedAsk { table: &step.table, dates: dates(plan, step, inputs) }).collect();
    let told = |step: &&'p PlannedStep, load: PlanLoad| (step.id.as_str(), load);
    match inputs.tables.loaded(inputs.pipeline, &plan.environment, &asks) {
        Ok(loaded) => {
            steps.iter().zip(&asks).zip(loaded).map(|((step, ask), rows)| told(step, known(ask, rows))).collect()
        }
        Err(problem) => {
            let load =
                PlanLoad { rows_replaced: None, rows_kept: None, source: format!("not known: {}", problem.message) };
            steps.iter().map(|step| told(step, load.clone())).collect()
        }
    }
}

fn known(ask: &LoadedAsk<'_>, rows: Loaded) -> PlanLoad {
    if ask.dates.is_some_and(|(_, dates)| dates.is_empty()) {
        let source = "not known: its dates are found on the way".to_owned();
        return PlanLoad { rows_replaced: None, rows_kept: None, source };
    }
    PlanLoad {
        rows_replaced: Some(rows.dated),
        rows_kept: Some(rows.rows.saturating_sub(rows.dated)),
        source: if rows.counted { "counted now" } else { "as last loaded" }.to_owned(),
    }
}

/// The model's date column and the dates of a load that replaces dates.
fn dates<'a>(
    plan: &'a RunPlan,
    step: &'a PlannedStep,
    inputs: &'a PlanInputs<'_>,
) -> Option<(&'a str, &'a [NaiveDate])> {
    let mut loads = inputs.pipeline.warehouse.iter().flat_map(|warehouse| &warehouse.loads);
    let by_date = loads.any(|load| load.table == step.table && load.mode == LoadMode::ReplaceDates);
    let model = inputs.pipeline.models.iter().find(|model| model.name == step.table)?;
    match plan.scope_of(step) {
        RunScope::Dates(dates) if by_date => Some((model.partition.as_deref()?, dates.as_slice())),
        _ => None,
    }
}
