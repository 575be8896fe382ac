//! Notes of what is staged for a table, so that what a dead program left goes with the next commit.
//!
//! Before a program makes its first file for a table it makes a note beside the table and locks it; the system gives
//! the lock back when the program ends, however it ends. What a note without an owner names, and no commit does, is
//! removed by who commits next. Not before that commit: only then one that the dead program sent to a storage, and that
//! is still under way, comes too late for its version.

use crate::error::LakeError;
use crate::log::Versions;
use crate::place::Place;
use crate::recent;
use crate::staged::{PROGRAM, is_ours};
use crate::sweep::added_by;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// Folder of the notes, below the table's folder of this disk.
const NOTES: &str = ".staged";
/// Tries to make a note while others remove theirs from the same folder.
const TRIES: u32 = 100;

/// The notes of this program, by the folder of their table.
static OWN: LazyLock<Mutex<HashMap<PathBuf, Note>>> = LazyLock::new(Mutex::default);

/// A note that this program holds.
struct Note {
    file: File,
    /// Of files that are neither committed nor removed yet.
    paths: BTreeSet<String>,
}

/// Notes a file that is about to be made.
pub(crate) fn begin(folder: &Place, path: &str) -> io::Result<()> {
    let table = std::path::absolute(folder.folder())?;
    let mut own = own();
    let note = match own.entry(table) {
        Entry::Occupied(note) => note.into_mut(),
        Entry::Vacant(place) => place.insert(Note { file: made(folder)?, paths: BTreeSet::new() }),
    };
    note.file.write_all(format!("{path}\n").as_bytes())?;
    note.paths.insert(path.to_owned());
    Ok(())
}

/// These files are committed or gone.
pub(crate) fn end<'p>(folder: &Place, paths: impl IntoIterator<Item = &'p str>) {
    let Ok(table) = std::path::absolute(folder.folder()) else { return };
    let mut own = own();
    let Entry::Occupied(mut note) = own.entry(table) else { return };
    for path in paths {
        note.get_mut().paths.remove(path);
    }
    if note.get().paths.is_empty() {
        // A note that stays has no owner when this program has ended, and names nothing that is to be removed.
        let _ = remove(&own_path(folder.folder()));
        note.remove();
    }
}

/// Removes what dead programs left behind, after this program's commit of version `newest`. Blocking.
///
/// Asks nothing of a storage when no program died. Notes of files that may be those of a version stay.
pub(crate) fn clear(folder: &Place, newest: u64) -> Result<(), LakeError> {
    let failed = |error| LakeError::disk(&Place::on_disk(folder.folder()), "removing leftovers of", error);
    for (place, mut file) in abandoned(folder.folder()).map_err(failed)? {
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let first = lines.next().and_then(|line| line.parse::<u64>().ok());
        let paths: Vec<&str> = lines.filter(|path| is_ours(Path::new(path))).collect();
        // Without a first line the program died before it made a file.
        if let Some(first) = first.filter(|_| !paths.is_empty()) {
            let since: Vec<u64> = (first..=newest).collect();
            let there: BTreeSet<u64> = Versions::of(folder)?.commits.into_iter().collect();
            if !since.iter().all(|version| there.contains(version)) {
                continue;
            }
            let mut named = HashSet::new();
            added_by(folder, since, &mut named)?;
            let gone: Vec<&str> = paths.into_iter().filter(|path| !named.contains(Path::new(path))).collect();
            folder.remove_all(gone.iter().copied())?;
            for path in gone {
                missing_is_fine(fs::remove_file(folder.folder().join(path))).map_err(failed)?;
            }
        }
        remove(&place).map_err(failed)?;
    }
    Ok(())
}

fn own() -> MutexGuard<'static, HashMap<PathBuf, Note>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn own_path(table: &Path) -> PathBuf {
    table.join(NOTES).join(format!("{:016x}", *PROGRAM))
}

/// The note of this program: locked, and with the first version that can name its files.
fn made(folder: &Place) -> io::Result<File> {
    let path = own_path(folder.folder());
    let first = next_version(folder);
    for _ in 0..TRIES {
        fs::create_dir_all(folder.folder().join(NOTES))?;
        let mut file = match File::options().create(true).truncate(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file?,
        };
        file.lock()?;
        // Between the two somebody may have taken it for a dead program's.
        if fs::metadata(&path).is_ok_and(|meta| file.metadata().is_ok_and(|own| own.ino() == meta.ino())) {
            file.write_all(format!("{first}\n").as_bytes())?;
            return Ok(file);
        }
    }
    Err(io::Error::other("its folder keeps going away"))
}

/// A lower bound is as right, and costs whoever clears more commits to read.
fn next_version(folder: &Place) -> u64 {
    let known = recent::newest_known(folder).filter(|_| folder.is_remote());
    let newest = known.or_else(|| Versions::of(folder).ok()?.commits.last().copied());
    newest.map_or(0, |newest| newest + 1)
}

/// Notes that no program holds, locked while they are looked at.
fn abandoned(table: &Path) -> io::Result<Vec<(PathBuf, File)>> {
    let listed = match fs::read_dir(table.join(NOTES)) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in listed {
        let path = entry?.path();
        let file = match File::options().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file?,
        };
        match file.try_lock() {
            Ok(()) => found.push((path, file)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(found)
}

/// Removes a note, and the folder of notes behind the last one.
fn remove(note: &Path) -> io::Result<()> {
    missing_is_fine(fs::remove_file(note))?;
    if let Some(notes) = note.parent() {
        // Fails, as it should, while there are other notes.
        let _ = fs::remove_dir(notes);
    }
    Ok(())
}

fn missing_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
