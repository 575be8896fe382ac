//! Tables as this process read them last, so that the steps of a run replay a log once for each of its versions.

use crate::log::{LOG_FOLDER, Versions, commit_path, committed};
use crate::place::Place;
use crate::snapshot::Snapshot;
use object_store::ObjectMeta;
use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

/// Tables that are kept, and files of one: a longer list costs more memory than reading it again is worth.
const TABLES: usize = 8;
const FILES: usize = 50_000;

static RECENT: Mutex<VecDeque<(Newest, Snapshot)>> = Mutex::new(VecDeque::new());

/// The newest commit of a log. A commit is written once and never changed, and a table made anew in the same folder
/// has other commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Newest {
    folder: Place,
    version: u64,
    file: File,
}

/// What tells a commit's file from another one of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum File {
    /// Disk, inode, size and time.
    OnDisk(u64, u64, u64, i64, i64),
    /// Size, second and tag.
    Object(u64, i64, Option<String>),
}

impl Newest {
    /// None when the log has no commit file, or cannot be read: then reading it says why.
    pub(crate) fn of(folder: &Place) -> Option<Self> {
        if folder.is_remote() {
            return Self::remote(folder);
        }
        let version = Versions::of(folder).ok()?.commits.last().copied()?;
        let meta = std::fs::metadata(folder.folder().join(commit_path(version))).ok()?;
        let file = File::OnDisk(meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec());
        Some(Self { folder: folder.clone(), version, file })
    }

    /// Asks only for what is not older than the commit that was the newest last time.
    fn remote(folder: &Place) -> Option<Self> {
        let last = {
            let recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
            recent.iter().find(|(newest, _)| newest.folder == *folder).map(|(newest, _)| newest.version)
        };
        let after = last.and_then(|last| last.checked_sub(1)).map(|before| format!("{before:020}.json"));
        let objects = folder.objects(LOG_FOLDER, after.as_deref()).ok()?;
        let newest = newest_of(objects).or_else(|| newest_of(folder.objects(LOG_FOLDER, None).ok()?));
        let (version, object) = newest?;
        let file = File::Object(object.size, object.last_modified.timestamp(), object.e_tag);
        Some(Self { folder: folder.clone(), version, file })
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

fn newest_of(objects: Vec<ObjectMeta>) -> Option<(u64, ObjectMeta)> {
    let commits = objects.into_iter().filter_map(|object| Some((committed(object.location.filename()?)?, object)));
    commits.max_by_key(|(version, _)| *version)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_commit_is_told_from_one_of_a_table_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::from(folder.path());
        assert_eq!(Newest::of(&place), None);
        let log = folder.path().join("_delta_log");
        std::fs::create_dir(&log).unwrap();
        let write = |version: u64, text: &str| std::fs::write(folder.path().join(commit_path(version)), text).unwrap();
        write(0, "a");
        let first = Newest::of(&place).unwrap();
        assert_eq!(Newest::of(&place), Some(first.clone()));
        write(1, "b");
        assert_ne!(Newest::of(&place), Some(first.clone()));
        std::fs::rename(&log, folder.path().join("old")).unwrap();
        std::fs::create_dir(&log).unwrap();
        write(0, "a");
        assert_ne!(Newest::of(&place), Some(first));
    }
}
