//! Failing rows that have outlived what their pipeline's definition keeps, and what all of them take on disk.

use super::verdicts::failing_of_run;
use crate::desk::Desk;
use crate::exit;
use assay_console::Journal;
use assay_console::quality::retention::{KeptRows, outlived};
use assay_contract::{Problem, Status};
use assay_pipeline::Pipeline;
use chrono::{DateTime, Utc};
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// Removes failing rows of a pipeline's runs that its definition does not keep, and what killed runs left half done.
/// Gives the runs that lost theirs.
pub fn forget(desk: &Desk, pipeline: &Pipeline, now: DateTime<Utc>) -> Result<Vec<String>, Problem> {
    let state = desk.state();
    let mut kept = Vec::new();
    for run in runs(&state).map_err(unreadable)? {
        let standing = desk.journal()?.standing(&run)?;
        let Some(standing) = standing.filter(|standing| standing.pipeline == pipeline.name) else { continue };
        let open = matches!(standing.status, Status::Queued | Status::Running);
        let at = standing.started_at.unwrap_or(now);
        if !open {
            half_done(&failing_of_run(&state, &run)).map_err(unreadable)?;
        }
        kept.push(KeptRows { run, at, open });
    }
    let gone: Vec<String> = outlived(&kept, pipeline.failing_rows, now).into_iter().map(str::to_owned).collect();
    for run in &gone {
        absent_is_fine(fs::remove_dir_all(failing_of_run(&state, run))).map_err(unreadable)?;
    }
    Ok(gone)
}

/// How many runs keep failing rows, and how many bytes these take.
pub fn disk_use(state: &Path) -> Result<(u64, u64), Error> {
    let (mut found, mut bytes) = (0, 0);
    for run in runs(state)? {
        let taken = size(&failing_of_run(state, &run))?;
        found += u64::from(taken > 0);
        bytes += taken;
    }
    Ok((found, bytes))
}

/// Runs that have failing rows; the folder alone says only that a table was judged.
fn runs(state: &Path) -> Result<Vec<String>, Error> {
    let names = names(&state.join("runs"))?;
    let mut found = Vec::new();
    for run in names {
        if !self::names(&failing_of_run(state, &run))?.is_empty() {
            found.push(run);
        }
    }
    Ok(found)
}

/// Rows that are not masked and cut into dates yet are of no use to anybody.
fn half_done(folder: &Path) -> Result<(), Error> {
    for name in names(folder)?.iter().filter(|name| name.ends_with(".half")) {
        absent_is_fine(fs::remove_dir_all(folder.join(name)))?;
    }
    Ok(())
}

fn size(folder: &Path) -> Result<u64, Error> {
    let mut bytes = 0;
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for name in names(&folder)? {
            let path = folder.join(name);
            match fs::symlink_metadata(&path) {
                Ok(about) if about.is_dir() => open.push(path),
                Ok(about) => bytes += about.len(),
                // A run that ends meanwhile takes files away.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(bytes)
}

fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn absent_is_fine(done: Result<(), Error>) -> Result<(), Error> {
    match done {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unreadable(error: Error) -> Problem {
    exit::because(
        "Failing rows of earlier runs could not be cleared away; what the run did stays.",
        &error,
        "See to the folder .assay/runs.",
    )
}
