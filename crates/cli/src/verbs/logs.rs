//! `assay logs`: a run's log, whole or as it grows.

use crate::desk::Desk;
use crate::exit;
use crate::render::out::say;
use crate::render::words::counted;
use assay_console::log::Follower;
use assay_console::ports::Level;
use assay_console::{Journal, RunFolder};
use assay_contract::{LogLine, Problem, Status};
use std::time::Duration;

/// Lines read at a time.
const BATCH: usize = 500;
/// Between looks at a log that grows.
const PAUSE: Duration = Duration::from_millis(200);

pub fn run(desk: &Desk, run: &str, follow: bool, level: &str, json: bool) -> Result<u8, Problem> {
    let run = desk.run(run)?.run.id;
    let least = parse(level)?;
    let folder = RunFolder::new(&desk.state(), &run);
    let mut follower = Follower::new(folder.path(), Some(least));
    loop {
        // Asked before reading: what was written until the end is then certainly read.
        let ended = !follow || has_ended(desk, &run)?;
        loop {
            let more = follower.more(BATCH)?;
            match more.missed {
                0 => {}
                missed if json => say!("{}", serde_json::json!({ "missed": missed })),
                missed => say!("({} dropped: the log reached its limit)", counted(missed, "line")),
            }
            more.lines.iter().for_each(|line| print(line, json));
            if more.lines.is_empty() {
                break;
            }
        }
        if ended {
            return Ok(exit::DONE);
        }
        std::thread::sleep(PAUSE);
    }
}

/// A level by its word.
pub fn parse(level: &str) -> Result<Level, Problem> {
    match level {
        "debug" => Ok(Level::Debug),
        "info" => Ok(Level::Info),
        "warn" => Ok(Level::Warn),
        "error" => Ok(Level::Error),
        other => Err(exit::misuse(format!("`{other}` is not a level."), "Levels: debug, info, warn, error.")),
    }
}

fn has_ended(desk: &Desk, run: &str) -> Result<bool, Problem> {
    // A run whose process died would be waited for without end.
    desk.recover()?;
    let status = desk.journal()?.run(run)?.map(|detail| detail.run.status);
    Ok(!matches!(status, Some(Status::Queued | Status::Running)))
}

fn print(line: &LogLine, json: bool) {
    if json {
        say!("{}", serde_json::json!(line));
        return;
    }
    let step = line.step.as_deref().unwrap_or("run");
    say!("{}  {:<5}  {step:<28}  {}", line.at, line.level, line.text);
}
