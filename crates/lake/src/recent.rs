//! Tables as this process read them last, so that the steps of a run replay a log once for each of its versions.

use crate::log::{commit_file, commits};
use crate::snapshot::Snapshot;
use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Tables that are kept, and files of one: a longer list costs more memory than reading it again is worth.
const TABLES: usize = 8;
const FILES: usize = 50_000;

static RECENT: Mutex<VecDeque<(Newest, Snapshot)>> = Mutex::new(VecDeque::new());

/// The newest commit of a log. A commit is written once and never changed, and a table made anew in the same folder
/// has other commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Newest {
    folder: PathBuf,
    version: u64,
    file: (u64, u64, u64, i64, i64),
}

impl Newest {
    /// None when the log has no commit file, or cannot be read: then reading it says why.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let version = commits(folder).ok()?.last().copied()?;
        let meta = std::fs::metadata(commit_file(folder, version)).ok()?;
        let file = (meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec());
        Some(Self { folder: folder.to_owned(), version, file })
    }

    pub(crate) fn recall(&self) -> Option<Snapshot> {
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        let place = recent.iter().position(|(newest, _)| newest == self)?;
        let found = recent.remove(place)?;
        let snapshot = found.1.clone();
        recent.push_back(found);
        Some(snapshot)
    }

    /// Keeps what was read after this was looked up, unless another commit came in between.
    pub(crate) fn remember(self, snapshot: &Snapshot) {
        if u64::try_from(snapshot.version()) != Ok(self.version) || snapshot.files().len() > FILES {
            return;
        }
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|(newest, _)| newest.folder != self.folder);
        recent.push_back((self, snapshot.clone()));
        if recent.len() > TABLES {
            recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_commit_is_told_from_one_of_a_table_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Newest::of(folder.path()), None);
        let log = folder.path().join("_delta_log");
        std::fs::create_dir(&log).unwrap();
        let write = |version: u64, text: &str| std::fs::write(commit_file(folder.path(), version), text).unwrap();
        write(0, "a");
        let first = Newest::of(folder.path()).unwrap();
        assert_eq!(Newest::of(folder.path()), Some(first.clone()));
        write(1, "b");
        assert_ne!(Newest::of(folder.path()), Some(first.clone()));
        std::fs::rename(&log, folder.path().join("old")).unwrap();
        std::fs::create_dir(&log).unwrap();
        write(0, "a");
        assert_ne!(Newest::of(folder.path()), Some(first));
    }
}
