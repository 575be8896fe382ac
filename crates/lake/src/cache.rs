//! The copies of remote files on this disk: how many stay, and for how long.
//!
//! Every program that uses copies holds a shared lock. Who starts while nobody else does removes those that were used
//! longest ago; while others do, and as more are fetched, only those that nobody used for half a day go, which is longer
//! than a run may take. Names that begin with a point are no copies: locks, and the state of landings.

use crate::error::LakeError;
use crate::place::Place;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const LOCK: &str = ".lock";

/// What was used since then may be in use.
const IDLE: Duration = Duration::from_secs(12 * 3600);

/// The right to use copies, given back when dropped and when the process ends.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    limit: u64,
    /// Bytes since copies were last looked through.
    fetched: AtomicU64,
    _lock: File,
}

impl Cache {
    /// Takes the folder of all copies into use; first removes what is more than `limit` bytes, when nobody uses it.
    pub(crate) fn hold(folder: &Path, limit: u64) -> Result<Self, LakeError> {
        let failed = |error: io::Error| LakeError::disk(&Place::on_disk(folder), "writing", error);
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => evict(folder, limit, Duration::ZERO).map_err(failed)?,
            Err(TryLockError::WouldBlock) => evict(folder, limit, IDLE).map_err(failed)?,
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        lock.lock_shared().map_err(failed)?;
        Ok(Self { folder: folder.to_owned(), limit, fetched: AtomicU64::new(0), _lock: lock })
    }

    /// So many bytes came. Programs that live long look through the copies now and then.
    pub(crate) fn grew(&self, bytes: u64) {
        if self.fetched.fetch_add(bytes, Ordering::Relaxed) + bytes < self.limit / 4 {
            return;
        }
        self.fetched.store(0, Ordering::Relaxed);
        // What cannot be removed now is met again after as many bytes.
        let _ = evict(&self.folder, self.limit, IDLE);
    }
}

/// Marks a copy as used now. Where the disk does not note it, the copy only goes earlier.
pub(crate) fn used(copy: &Path) {
    let at = |what| Timespec { tv_sec: 0, tv_nsec: what };
    let times = Timestamps { last_access: at(UTIME_NOW), last_modification: at(UTIME_OMIT) };
    let _ = utimensat(CWD, copy, &times, AtFlags::empty());
}

/// A copy, and when it was used last.
struct Copy {
    used: (i64, i64),
    size: u64,
    path: PathBuf,
}

/// Removes copies that nobody used for so long, those that were used longest ago first, until the others take `limit`.
fn evict(folder: &Path, limit: u64, idle: Duration) -> io::Result<()> {
    // By the clock that marks copies as used.
    used(&folder.join(LOCK));
    let now = fs::metadata(folder.join(LOCK))?.atime();
    let idle_for = i64::try_from(idle.as_secs()).unwrap_or(i64::MAX);
    let mut copies = Vec::new();
    for entry in fs::read_dir(folder)? {
        let lake = entry?.path();
        if lake.is_dir() {
            collect(&lake, idle.is_zero(), &mut copies)?;
        }
    }
    let mut held: u64 = copies.iter().map(|copy| copy.size).sum();
    copies.sort_unstable_by_key(|copy| copy.used);
    for copy in copies {
        if held <= limit || (idle_for > 0 && now.saturating_sub(copy.used.0) < idle_for) {
            break;
        }
        gone(fs::remove_file(&copy.path))?;
        held -= copy.size;
    }
    Ok(())
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        // Somebody else removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// `alone`: nobody else uses copies, so that no download is under way.
fn collect(folder: &Path, alone: bool, copies: &mut Vec<Copy>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let meta = match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            meta => meta?,
        };
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            // A download that did not end.
            if alone && meta.is_file() && name.ends_with(".tmp") {
                fs::remove_file(&path)?;
            }
        } else if meta.is_dir() {
            collect(&path, alone, copies)?;
        } else {
            copies.push(Copy { used: (meta.atime(), meta.atime_nsec()), size: meta.len(), path });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::SystemTime;

    fn copy(folder: &Path, name: &str, size: usize, age: u64) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, vec![0; size]).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 - age);
        let times = fs::FileTimes::new().set_accessed(at).set_modified(at);
        File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
        path
    }

    #[test]
    fn what_was_used_longest_ago_goes_first_and_only_while_nobody_uses_copies() {
        let folder = tempfile::tempdir().unwrap();
        let old = copy(folder.path(), "lake/t/a.parquet", 100, 30);
        let older = copy(folder.path(), "lake/t/day=1/b.parquet", 100, 50);
        let new = copy(folder.path(), "other/c.parquet", 100, 1);
        let draft = copy(folder.path(), "lake/t/.d.tmp", 100, 0);
        let state = copy(folder.path(), "lake/.landed/s/page", 1000, 90);
        let there = |path: &PathBuf| path.exists();
        let held = Cache::hold(folder.path(), 300).unwrap();
        assert_eq!([&old, &older, &new, &draft, &state].map(there), [true, true, true, false, true]);
        for copy in [&old, &older, &new] {
            used(copy);
        }
        let second = Cache::hold(folder.path(), 0).unwrap();
        assert_eq!([&old, &older, &new, &state].map(there), [true; 4], "somebody else may use them");
        drop((held, second));
        used(&older);
        used(&new);
        drop(Cache::hold(folder.path(), 250).unwrap());
        assert_eq!([&old, &older, &new, &state].map(there), [false, true, true, true]);
        drop(Cache::hold(folder.path(), 0).unwrap());
        assert_eq!([&old, &older, &new, &state].map(there), [false, false, false, true]);
    }
    #[test]
    fn copies_that_nobody_used_for_long_go_while_others_use_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let there = |path: &PathBuf| path.exists();
        let daemon = Cache::hold(folder.path(), 100).unwrap();
        let [idle, fresh] = ["a", "b"].map(|name| copy(folder.path(), &format!("lake/t/{name}.parquet"), 100, 0));
        let draft = copy(folder.path(), "lake/t/.c.tmp", 100, 0);
        used(&fresh);
        let worker = Cache::hold(folder.path(), 100).unwrap();
        assert_eq!([&idle, &fresh, &draft].map(there), [false, true, true]);
        // A program that lives alone for long trims what it fetches, too.
        drop(worker);
        let idle = copy(folder.path(), "lake/t/d.parquet", 100, 0);
        daemon.grew(24);
        assert!(there(&idle));
        daemon.grew(1);
        assert_eq!([&idle, &fresh].map(there), [false, true]);
    }
}
