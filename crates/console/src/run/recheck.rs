//! Whether the world is still the one that a run was planned in.

use crate::journal::Journal;
use crate::plan::files::Shelf;
use crate::plan::reach::Reach;
use crate::plan::{PlannedFile, RunPlan};
use crate::problem::ConsoleError;
use assay_contract::Problem;
use std::collections::{BTreeMap, BTreeSet};

/// Changes that are named one by one in a refusal.
const NAMED: usize = 3;

/// Refuses when a planned file changed or is gone, when a file of the plan's dates has become known since, or
/// when a run that this journal does not know worked on the tables (`before` is the last that did).
pub(crate) fn unchanged(
    plan: &RunPlan,
    now: &[PlannedFile],
    journal: &dyn Journal,
    before: Option<&str>,
) -> Result<(), Problem> {
    if let Some(other) = before
        && plan.worked_before.as_deref() != Some(other)
        && journal.plan(other)?.is_none()
    {
        return Err(ConsoleError::MovedOn { run: plan.run.clone(), other: other.to_owned() }.into());
    }
    let mut changes = file_changes(plan, now);
    changes.extend(newly_known(plan, now, journal)?);
    if changes.is_empty() {
        return Ok(());
    }
    if changes.len() > NAMED {
        let more = changes.len() - NAMED;
        changes.truncate(NAMED);
        changes.push(format!("and {more} more"));
    }
    Err(ConsoleError::FilesChanged { run: plan.run.clone(), changes }.into())
}

fn file_changes(plan: &RunPlan, now: &[PlannedFile]) -> Vec<String> {
    let present: BTreeMap<(&str, &str), &PlannedFile> =
        now.iter().map(|file| ((file.source.as_str(), file.path.as_str()), file)).collect();
    let mut changes = Vec::new();
    for planned in &plan.files {
        match present.get(&(planned.source.as_str(), planned.path.as_str())) {
            None => changes.push(format!("{} is gone", planned.path)),
            Some(file) if file.size != planned.size || file.modified_ns != planned.modified_ns => {
                changes.push(format!("{} has other content", planned.path));
            }
            Some(_) => {}
        }
    }
    for gone in &plan.vanished {
        if present.contains_key(&(gone.source.as_str(), gone.path.as_str())) {
            changes.push(format!("{} is back", gone.path));
        }
    }
    changes
}

/// Another run may have found records of this plan's dates in a file that the plan leaves out: replacing the
/// dates without it would lose them.
fn newly_known(plan: &RunPlan, now: &[PlannedFile], journal: &dyn Journal) -> Result<Vec<String>, Problem> {
    let Some(scope) = plan.source_scope() else { return Ok(Vec::new()) };
    let planned: BTreeSet<(&str, &str)> =
        plan.files.iter().map(|file| (file.source.as_str(), file.path.as_str())).collect();
    let sources: BTreeSet<&str> = plan.files.iter().map(|file| file.source.as_str()).collect();
    let shelf = Shelf::of(now.to_vec(), journal.ledger(&plan.pipeline, &plan.environment.name)?);
    let unplanned = shelf
        .files_of(&Reach::of(scope), &sources)
        .into_iter()
        .filter(|file| !file.known_dates.is_empty() && !planned.contains(&(file.source.as_str(), file.path.as_str())));
    Ok(unplanned.map(|file| format!("{} was read by another run", file.path)).collect())
}
