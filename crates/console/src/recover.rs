//! Bringing the journal in line with what became of workers.

use crate::folder::RunFolder;
use crate::journal::{Action, Journal, RunFilter};
use crate::ports::Clock;
use crate::stop::Why;
use crate::views;
use assay_contract::{Problem, Status};
use std::path::Path;

/// Unended runs that one start looks at; more than that never queue up.
const LOOKED_AT: u32 = 1000;
const INTERRUPTED: &str = "interrupted: its process ended in the middle. Every table is at a whole version";

/// Ends every queued or running run that nobody answers for, and gives their ids. Needs no human; every program
/// calls it when it starts. `state` is the workspace's `.assay` folder.
pub fn recover(journal: &dyn Journal, clock: &dyn Clock, state: &Path) -> Result<Vec<String>, Problem> {
    let filter = RunFilter { statuses: vec![Status::Queued, Status::Running], ..RunFilter::default() };
    let mut ended = Vec::new();
    for row in journal.runs(&filter, LOOKED_AT)? {
        // Held until the journal says so: a worker that starts late finds its run ended.
        let Some(_claims) = RunFolder::new(state, &row.id).claim_dead()? else { continue };
        if journal.end_run(&row.id, Status::Failed, Some(INTERRUPTED), clock.now())? {
            journal.append_action(&Action {
                at: clock.now(),
                by: "assay".into(),
                what: "recover".into(),
                pipeline: row.pipeline,
                environment: row.environment,
                run: Some(row.id.clone()),
                reason: "nobody works on it any more".into(),
                before: views::status_note(row.status),
                after: views::status_note(Status::Failed),
            })?;
            ended.push(row.id);
        }
    }
    Ok(ended)
}

/// A worker that had to be ended could not say by whom; its asker alone can ask for that.
fn cancelled_action(run: &str, journal: &dyn Journal, clock: &dyn Clock) -> Result<(), Problem> {
    let Some(plan) = journal.plan(run)? else { return Ok(()) };
    journal.append_action(&Action {
        at: clock.now(),
        by: plan.asked_by,
        what: "cancel".into(),
        pipeline: plan.pipeline,
        environment: plan.environment.name,
        run: Some(run.to_owned()),
        reason: String::new(),
        before: views::status_note(Status::Running),
        after: views::status_note(Status::Cancelled),
    })
}

/// After a run's worker has ended: if it could not journal the run's end, this does. Gives the run's status.
///
/// `cancelled` tells whether the worker was ended on request.
pub fn settle(run: &str, cancelled: bool, journal: &dyn Journal, clock: &dyn Clock) -> Result<Option<Status>, Problem> {
    let (status, note) =
        if cancelled { (Status::Cancelled, Why::Asked.words()) } else { (Status::Failed, INTERRUPTED) };
    if journal.end_run(run, status, Some(note), clock.now())? && cancelled {
        cancelled_action(run, journal, clock)?;
    }
    Ok(journal.run(run)?.map(|detail| detail.run.status))
}
