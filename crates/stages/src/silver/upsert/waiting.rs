//! The folder in which records wait for their merge: gone with it, or with the next merge after a crash.

use crate::error::StageError;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use tempfile::TempDir;

const PREFIX: &str = "upsert-";
const LOCK: &str = "in-use.lock";

/// A folder below the scratch folder. The system gives its lock back however the process ends.
pub(crate) struct Waiting {
    folder: TempDir,
    _lock: File,
}

impl Waiting {
    /// Removes what crashed merges left, and makes a folder.
    pub(crate) fn new(scratch: &Path) -> Result<Self, StageError> {
        let made = sweep(scratch).and_then(|()| {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(scratch)?;
            // Locked before it has its name: nobody sees it without its lock.
            let unnamed = folder.path().join("new.lock");
            let lock = File::create_new(&unnamed)?;
            lock.lock()?;
            fs::rename(&unnamed, folder.path().join(LOCK))?;
            Ok(Self { folder, _lock: lock })
        });
        made.map_err(|error| StageError::write(&scratch.display().to_string(), error))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn sweep(scratch: &Path) -> io::Result<()> {
    for entry in fs::read_dir(scratch)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let lock = match File::open(entry.path().join(LOCK)) {
            Ok(lock) => lock,
            // Somebody is just making it, or removing it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if lock.try_lock().is_ok() {
            match fs::remove_dir_all(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_crash_left_is_removed_and_what_is_in_use_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let crashed = scratch.path().join("upsert-crashed");
        fs::create_dir_all(crashed.join("day=2024-01-01")).unwrap();
        File::create_new(crashed.join(LOCK)).unwrap();
        fs::write(scratch.path().join("other"), "").unwrap();
        let first = Waiting::new(scratch.path()).unwrap();
        assert!(!crashed.exists());
        let second = Waiting::new(scratch.path()).unwrap();
        assert!(first.path().exists() && second.path().exists());
        drop((first, second));
        let left: Vec<_> = fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["other"]);
    }
}
