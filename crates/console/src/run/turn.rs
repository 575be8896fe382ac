//! One run at a time per pipeline and lake: also between programs, users and workspaces.

use crate::folder::try_lock;
use crate::plan::RunPlan;
use crate::problem::ConsoleError;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a waiting run looks whether its turn has come or it was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// The right to work on a pipeline's tables; given back when dropped, and by the kernel when the process dies.
#[derive(Debug)]
pub struct Turn {
    file: File,
    path: PathBuf,
    before: Option<String>,
}

impl Turn {
    /// The run that worked here last.
    pub fn before(&self) -> Option<&str> {
        self.before.as_deref()
    }

    /// Leaves the run's id for those that wait and for later plans.
    pub fn begin(&self, run: &str) -> Result<(), ConsoleError> {
        let mut file = &self.file;
        let write = || {
            file.rewind()?;
            file.set_len(0)?;
            file.write_all(run.as_bytes())
        };
        let mut write = write;
        write().map_err(|source| ConsoleError::Lock { path: self.path.clone(), source })
    }
}

/// A turn that is no run's.
#[derive(Debug)]
pub struct Taken {
    _file: Option<File>,
}

/// The run that last worked on a pipeline's tables in this lake.
pub fn last_worker(lake: &Path, pipeline: &str) -> Result<Option<String>, ConsoleError> {
    let path = lock_path(lake, pipeline);
    match File::open(&path) {
        Ok(file) => read_run(&file, &path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConsoleError::Lock { path, source }),
    }
}

/// Waits for the turn; none when it was cancelled. `waiting` hears once, with the run that has the turn.
pub(crate) fn wait(
    plan: &RunPlan,
    cancelled: &dyn Fn() -> bool,
    waiting: &dyn Fn(Option<&str>),
) -> Result<Option<Turn>, ConsoleError> {
    let path = lock_path(&plan.environment.lake, &plan.pipeline);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| ConsoleError::Lock { path: path.clone(), source })?;
    }
    let mut said = false;
    loop {
        if cancelled() {
            return Ok(None);
        }
        if let Some(file) = try_lock(&path)? {
            let before = read_run(&file, &path)?;
            return Ok(Some(Turn { file, path, before }));
        }
        if !said {
            waiting(last_worker(&plan.environment.lake, &plan.pipeline)?.as_deref());
            said = true;
        }
        std::thread::sleep(LOOK);
    }
}

/// The right to work on a pipeline's tables, for as long as it is held; none while a run has it.
pub fn take(lake: &Path, pipeline: &str) -> Result<Option<Taken>, ConsoleError> {
    let path = lock_path(lake, pipeline);
    match path.parent() {
        Some(folder) if folder.is_dir() => Ok(try_lock(&path)?.map(|file| Taken { _file: Some(file) })),
        // Nobody ever worked there.
        _ => Ok(Some(Taken { _file: None })),
    }
}

fn lock_path(lake: &Path, pipeline: &str) -> PathBuf {
    lake.join(pipeline).join(".assay-run.lock")
}

fn read_run(file: &File, path: &Path) -> Result<Option<String>, ConsoleError> {
    let mut text = String::new();
    file.take(64).read_to_string(&mut text).map_err(|source| ConsoleError::Lock { path: path.to_owned(), source })?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}
