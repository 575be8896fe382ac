//! Tables as this process read them last, so that the steps of a run replay a log once for each of its versions.

use crate::log::{LOG_FOLDER, Versions, commit_path, committed};
use crate::place::Place;
use crate::snapshot::Snapshot;
use object_store::ObjectMeta;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

/// States that are kept: a plan asks for those of a pipeline's tables more than once. And of one table: a difference
/// asks for the version before, too.
const STATES: usize = 128;
const VERSIONS: usize = 2;
/// Files of a state, and of all: longer lists cost more memory than reading them again is worth.
const FILES: usize = 50_000;
const FILES_OF_ALL: usize = 250_000;

static RECENT: Mutex<VecDeque<(Newest, Snapshot)>> = Mutex::new(VecDeque::new());

/// The newest commit of a log. A commit is written once and never changed, and a table made anew in the same folder
/// has other commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) folder: Place,
    pub(crate) version: u64,
    pub(crate) file: File,
}

/// What tells a commit's file from another one of its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum File {
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
        Some(Self { folder: folder.clone(), version, file: File::on_disk(folder, version)? })
    }

    /// Asks only for what is not older than the commit that was the newest last time.
    fn remote(folder: &Place) -> Option<Self> {
        let objects = folder.objects(LOG_FOLDER, newest_known(folder).and_then(before).as_deref()).ok()?;
        let newest = newest_of(objects).or_else(|| newest_of(folder.objects(LOG_FOLDER, None).ok()?));
        let (version, object) = newest?;
        Some(Self { folder: folder.clone(), version, file: File::object(object) })
    }

    /// The state at this very commit.
    pub(crate) fn recall(&self) -> Option<Snapshot> {
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        let place = recent.iter().position(|(newest, _)| newest == self)?;
        let found = recent.remove(place)?;
        let snapshot = found.1.clone();
        recent.push_back(found);
        Some(snapshot)
    }

    /// The latest state of the same table before this commit, from which only the commits since then are to be read.
    pub(crate) fn earlier(&self) -> Option<Snapshot> {
        kept(&self.folder, |version| version < self.version)
    }

    /// Keeps what was read after this was looked up, unless another commit came in between.
    pub(crate) fn remember(self, snapshot: &Snapshot) {
        if u64::try_from(snapshot.version()) != Ok(self.version) || snapshot.files().len() > FILES {
            return;
        }
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|(newest, _)| *newest != self);
        if recent.iter().filter(|(newest, _)| newest.folder == self.folder).count() >= VERSIONS {
            let oldest = recent.iter().position(|(newest, _)| newest.folder == self.folder);
            oldest.map(|oldest| recent.remove(oldest));
        }
        recent.push_back((self, snapshot.clone()));
        let mut files: usize = recent.iter().map(|(_, snapshot)| snapshot.files().len()).sum();
        while (recent.len() > STATES || files > FILES_OF_ALL)
            && let Some((_, oldest)) = recent.pop_front()
        {
            files -= oldest.files().len();
        }
    }
}

/// The newest version of a table that this process has read lately.
pub(crate) fn newest_known(folder: &Place) -> Option<u64> {
    let recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    recent.iter().filter(|(newest, _)| newest.folder == *folder).map(|(newest, _)| newest.version).max()
}

/// The state of a table at a version, if this process has read it lately.
pub(crate) fn at_version(folder: &Place, version: u64) -> Option<Snapshot> {
    kept(folder, |kept| kept == version)
}

/// The latest kept state of a table whose version is wanted, and whose commit is still the one that was read.
fn kept(folder: &Place, wanted: impl Fn(u64) -> bool) -> Option<Snapshot> {
    let (newest, snapshot) = {
        let recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        let of_table = recent.iter().filter(|(newest, _)| newest.folder == *folder && wanted(newest.version));
        of_table.max_by_key(|(newest, _)| newest.version)?.clone()
    };
    (File::of(folder, newest.version)? == newest.file).then_some(snapshot)
}

impl File {
    /// Of the commit of this version, when it is there.
    pub(crate) fn of(folder: &Place, version: u64) -> Option<Self> {
        if !folder.is_remote() {
            return Self::on_disk(folder, version);
        }
        let objects = folder.objects(LOG_FOLDER, before(version).as_deref()).ok()?;
        let found = objects.into_iter().find(|object| object.location.filename().and_then(committed) == Some(version));
        found.map(Self::object)
    }

    fn on_disk(folder: &Place, version: u64) -> Option<Self> {
        let meta = std::fs::metadata(folder.folder().join(commit_path(version))).ok()?;
        Some(Self::OnDisk(meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
    }

    /// Whether it tells commits apart for longer than a process lasts: a size and a second alone do not.
    pub(crate) fn is_sure(&self) -> bool {
        !matches!(self, Self::Object(_, _, None))
    }

    fn object(object: ObjectMeta) -> Self {
        Self::Object(object.size, object.last_modified.timestamp(), object.e_tag)
    }
}

/// The name behind which a listing begins with the commit of this version.
fn before(version: u64) -> Option<String> {
    version.checked_sub(1).map(|before| format!("{before:020}.json"))
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
