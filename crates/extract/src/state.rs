//! What is kept of a source between runs, in a folder that no source's path describes; one landing at a time holds it.

use crate::disk::{self, blocking};
use crate::error::ExtractError;
use crate::job::LandJob;
use crate::place;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A process that another thread is starting holds a copy of an open lock until its program begins, so one refusal is
/// not yet an answer.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(25);

/// A source's folder below `.landed`, locked until this is dropped.
pub(crate) struct State {
    pub folder: PathBuf,
    _lock: File,
}

impl State {
    /// Makes the folder where it is missing; refuses while another landing holds it.
    pub(crate) async fn open(job: &LandJob<'_>) -> Result<State, ExtractError> {
        for (what, word) in [("source's name", &*job.source.name), ("run's id", job.run)] {
            if !place::is_word(word) {
                return Err(ExtractError::definition(job, format!("the {what} cannot be the name of a file")));
            }
        }
        let folder = job.folder.join(".landed").join(&job.source.name);
        let name = job.source.name.clone();
        blocking(&folder.clone(), move || lock(&folder, name)).await
    }
}

fn lock(folder: &Path, name: String) -> Result<State, ExtractError> {
    disk::make_folder(folder)?;
    let path = folder.join("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(ExtractError::disk(&path, "open"))?;
    for _ in 0..TRIES {
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(State { folder: folder.to_owned(), _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(PAUSE),
            Err(error) => return Err(ExtractError::disk(&path, "lock")(error.into())),
        }
    }
    Err(ExtractError::Busy { source_name: name })
}
