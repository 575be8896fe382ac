//! Ending a run from any program on the workspace: a mark in the run's folder, which its worker looks for.

use crate::folder::RunFolder;
use crate::journal::{Action, Journal};
use crate::ports::Clock;
use crate::problem::ConsoleError;
use crate::views;
use assay_contract::{Problem, Status};
use std::path::Path;

/// Asks the run's worker to end; it does so within a second. Gives the status that the run has now: one that has
/// ended is left as it is. `state` is the workspace's `.assay` folder.
///
/// Call [`crate::recover()`] first, so that a dead run is known as one.
pub fn cancel(
    run: &str,
    asked_by: &str,
    reason: &str,
    journal: &dyn Journal,
    clock: &dyn Clock,
    state: &Path,
) -> Result<Status, Problem> {
    let known = journal.run(run)?.ok_or_else(|| ConsoleError::UnknownRun { run: run.to_owned() })?.run;
    if !matches!(known.status, Status::Queued | Status::Running) {
        return Ok(known.status);
    }
    journal.append_action(&Action {
        at: clock.now(),
        by: asked_by.to_owned(),
        what: "cancel".into(),
        pipeline: known.pipeline,
        environment: known.environment,
        run: Some(run.to_owned()),
        reason: reason.to_owned(),
        before: views::status_note(known.status),
        after: views::status_note(Status::Cancelled),
    })?;
    RunFolder::new(state, run).ask_cancel()?;
    Ok(known.status)
}
