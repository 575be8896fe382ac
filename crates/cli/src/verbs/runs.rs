//! `assay runs` and `assay show`: what ran, and one run in full.

use crate::desk::Desk;
use crate::exit;
use crate::render::grid::{Side, lines};
use crate::render::out::say;
use crate::render::{summary, words};
use assay_console::journal::{Journal, RunFilter};
use assay_contract::{Problem, RunRow};

pub fn list(desk: &Desk, pipeline: Option<&str>, limit: u32, json: bool) -> Result<u8, Problem> {
    if let Some(name) = pipeline {
        desk.known(name)?;
    }
    desk.recover_to_show();
    let filter = RunFilter { pipeline: pipeline.map(str::to_owned), ..RunFilter::default() };
    let runs = desk.journal()?.runs(&filter, limit)?;
    if json {
        for run in &runs {
            say!("{}", serde_json::json!(run));
        }
    } else if runs.is_empty() {
        match pipeline {
            Some(name) => say!("{name} has not run yet. Start with: assay run {name}"),
            None => say!("Nothing ran yet. Start with: assay run PIPELINE"),
        }
    } else {
        let header = [
            ("run", Side::Left),
            ("pipeline", Side::Left),
            ("status", Side::Left),
            ("dates", Side::Left),
            ("stages", Side::Left),
            ("steps", Side::Right),
            ("took", Side::Right),
            ("queued", Side::Left),
        ];
        let rows: Vec<_> = runs.iter().map(row).collect();
        for line in lines(&header, &rows) {
            say!("{line}");
        }
    }
    Ok(exit::DONE)
}

fn row(run: &RunRow) -> Vec<String> {
    let took = run.started_at.as_deref().zip(run.ended_at.as_deref()).and_then(|(a, b)| words::between(a, b));
    vec![
        run.id.clone(),
        run.pipeline.clone(),
        words::status(run.status).to_owned(),
        run.dates.clone(),
        run.stages.join(", "),
        format!("{}/{}", run.steps_done, run.steps_total),
        took.unwrap_or_else(|| "-".into()),
        run.queued_at.clone(),
    ]
}

/// The exit code is that of the command, not of the run that it shows.
pub fn show(desk: &Desk, run: &str, json: bool) -> Result<u8, Problem> {
    desk.recover_to_show();
    let detail = desk.run(run)?;
    if json {
        say!("{}", serde_json::json!(detail));
    } else {
        for line in summary::of(&detail) {
            say!("{line}");
        }
    }
    Ok(exit::DONE)
}
