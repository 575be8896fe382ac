//! A run's folder `.assay/runs/<run>`, and the file locks that tell whether anyone still works on it.
//!
//! A lock belongs to an open file, so the kernel gives it back whatever way the process dies. A process id is
//! never used: it may belong to another program by now.

use crate::problem::ConsoleError;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
    run: String,
}

/// Held while its owner answers for the run; given back when dropped.
#[derive(Debug)]
pub struct Claim {
    _file: File,
}

/// Who answers for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The program that asked for the run; from before it is journalled until its worker has ended.
    Asker,
    /// The process that executes it.
    Worker,
}

impl RunFolder {
    /// `state` is the workspace's `.assay` folder. Nothing is created yet.
    pub fn new(state: &Path, run: &str) -> Self {
        Self { path: state.join("runs").join(run), run: run.to_owned() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes a part, or says that another process has it.
    pub fn claim(&self, part: Part) -> Result<Claim, ConsoleError> {
        std::fs::create_dir_all(&self.path)
            .map_err(|source| ConsoleError::Folder { path: self.path.clone(), source })?;
        // `recover` holds a lock for an instant while it looks, so one refusal is not yet an answer.
        for _ in 0..20 {
            if let Some(file) = try_lock(&self.lock_path(part))? {
                return Ok(Claim { _file: file });
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Err(ConsoleError::RunTaken { run: self.run.clone() })
    }

    /// Both parts when nobody has either: the run is dead, and stays so while the claims are held.
    pub(crate) fn claim_dead(&self) -> Result<Option<(Claim, Claim)>, ConsoleError> {
        if !self.path.is_dir() {
            std::fs::create_dir_all(&self.path)
                .map_err(|source| ConsoleError::Folder { path: self.path.clone(), source })?;
        }
        let Some(asker) = try_lock(&self.lock_path(Part::Asker))? else { return Ok(None) };
        let Some(worker) = try_lock(&self.lock_path(Part::Worker))? else { return Ok(None) };
        Ok(Some((Claim { _file: asker }, Claim { _file: worker })))
    }

    /// Leaves the mark that its worker takes as a word to end.
    pub(crate) fn ask_cancel(&self) -> Result<(), ConsoleError> {
        let write = || {
            std::fs::create_dir_all(&self.path)?;
            std::fs::write(self.cancel_path(), b"")
        };
        write().map_err(|source| ConsoleError::Folder { path: self.path.clone(), source })
    }

    /// Whether somebody asked for the end of the run.
    pub fn cancel_asked(&self) -> bool {
        self.cancel_path().exists()
    }

    /// Takes the mark away, for a run that begins again.
    pub(crate) fn forget_cancel(&self) -> Result<(), ConsoleError> {
        match std::fs::remove_file(self.cancel_path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(ConsoleError::Folder { path: self.path.clone(), source: error })
            }
            _ => Ok(()),
        }
    }

    fn cancel_path(&self) -> PathBuf {
        self.path.join("cancel")
    }

    /// Removes the folder of a run that was never journalled.
    pub(crate) fn remove(&self) -> Result<(), ConsoleError> {
        std::fs::remove_dir_all(&self.path).map_err(|source| ConsoleError::Folder { path: self.path.clone(), source })
    }

    fn lock_path(&self, part: Part) -> PathBuf {
        self.path.join(match part {
            Part::Asker => "asker.lock",
            Part::Worker => "lock",
        })
    }
}

/// The file, locked; nothing when another open file has the lock.
pub(crate) fn try_lock(path: &Path) -> Result<Option<File>, ConsoleError> {
    let failed = |source: std::io::Error| ConsoleError::Lock { path: path.to_owned(), source };
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(failed(error.into())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_claim_excludes_others_until_it_is_dropped() {
        let state = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(state.path(), "R1");
        let claim = folder.claim(Part::Worker).unwrap();
        assert!(matches!(folder.claim(Part::Worker), Err(ConsoleError::RunTaken { .. })));
        assert!(folder.claim_dead().unwrap().is_none());
        drop(claim);
        let asker = folder.claim(Part::Asker).unwrap();
        assert!(folder.claim_dead().unwrap().is_none(), "an asker alone keeps a run alive");
        drop(asker);
        assert!(folder.claim_dead().unwrap().is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("runs"), b"a file").unwrap();
        let error = RunFolder::new(state.path(), "R1").claim(Part::Asker).unwrap_err();
        assert!(error.to_string().contains("runs/R1"), "{error}");
    }
}
