//! `assay cancel`: ends a run of any program and waits until it has ended.

use crate::desk::Desk;
use crate::exit;
use crate::render::out::say;
use assay_console::views::status_word;
use assay_contract::{Problem, ProblemKind, Status};
use std::time::{Duration, Instant};

/// A worker ends within a second; a machine under load gets a few.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

pub fn run(desk: &Desk, text: &str, reason: &str, json: bool) -> Result<u8, Problem> {
    let run = desk.run(text)?.run.id;
    let before = desk.cancel(&run, reason)?;
    let status = if is_open(before) { ended(desk, &run)? } else { before };
    if json {
        say!("{}", serde_json::json!({ "run": run, "before": before, "status": status }));
    } else if is_open(before) {
        say!("Run {run}: {}", status_word(status));
    } else {
        say!("Run {run} had ended before: {}", status_word(status));
    }
    Ok(exit::DONE)
}

fn is_open(status: Status) -> bool {
    matches!(status, Status::Queued | Status::Running)
}

fn ended(desk: &Desk, run: &str) -> Result<Status, Problem> {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        desk.recover()?;
        let status = desk.run(run)?.run.status;
        if !is_open(status) {
            return Ok(status);
        }
        std::thread::sleep(LOOK);
    }
    Err(exit::problem(
        ProblemKind::Failed,
        format!("Run {run} was asked to end and has not yet."),
        "Its machine may be very busy: `assay show` tells when it has ended.",
    ))
}
