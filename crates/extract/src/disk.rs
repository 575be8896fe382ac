//! Files and folders that outlive a power cut. Every function blocks but [`blocking`] and [`stoppable`].

use crate::error::ExtractError;
use crate::watch::{LOOK, Watch};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs disk work beside the async runtime and waits for its end.
pub(crate) async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, ExtractError> + Send + 'static,
) -> Result<T, ExtractError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(ExtractError::disk(path, "work on")(io::Error::other(error))),
    }
}

/// As [`blocking`], for work that lasts: it looks at the flag now and then, and ends as cancelled when it is set.
/// Also then it is waited for, so that nothing writes after the landing has ended.
pub(crate) async fn stoppable<T: Send + 'static>(
    path: &Path,
    watch: &dyn Watch,
    work: impl FnOnce(&AtomicBool) -> Result<T, ExtractError> + Send + 'static,
) -> Result<T, ExtractError> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let mut working = pin!(blocking(path, move || work(&seen)));
    loop {
        stop.store(watch.cancelled(), Ordering::Relaxed);
        if let Ok(done) = tokio::time::timeout(LOOK, &mut working).await {
            return done;
        }
    }
}

/// For work that is stoppable.
pub(crate) fn go_on(stop: &AtomicBool) -> Result<(), ExtractError> {
    if stop.load(Ordering::Relaxed) { Err(ExtractError::Cancelled) } else { Ok(()) }
}

/// The name appears at once and with all bytes.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ExtractError> {
    let draft = path.with_added_extension("tmp");
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(ExtractError::disk(&draft, "write"))?;
    rename(&draft, path)
}

/// Moves a file or a folder; the new name is on disk when this returns.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), ExtractError> {
    fs::rename(from, to).and_then(|()| sync_parent(to)).map_err(ExtractError::disk(to, "put in place"))
}

/// Makes the folder and those above it, each entry on disk before the next.
pub(crate) fn make_folder(folder: &Path) -> Result<(), ExtractError> {
    make(folder).map_err(ExtractError::disk(folder, "make the folder"))
}

/// Removes a file or a folder with all that is in it; a missing one is no failure.
pub(crate) fn remove(path: &Path) -> Result<(), ExtractError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(ExtractError::disk(path, "remove")),
    }
}

/// Waits until the bytes of a file, or the names in a folder, are on disk.
pub(crate) fn sync(path: &Path) -> Result<(), ExtractError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(ExtractError::disk(path, "sync"))
}

fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        make(above)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_parent(folder),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => File::open(above)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::watch::{Progress, Quiet};

    struct Stopped;

    impl Watch for Stopped {
        fn cancelled(&self) -> bool {
            true
        }
        fn progress(&self, _: Progress) {}
        fn say(&self, _: &str) {}
    }

    #[tokio::test]
    async fn work_that_lasts_is_told_to_end_and_is_waited_for() {
        let endless = |stop: &AtomicBool| loop {
            go_on(stop)?;
            std::thread::yield_now();
        };
        let ended: Result<(), _> = stoppable(Path::new("x"), &Stopped, endless).await;
        assert!(matches!(ended, Err(ExtractError::Cancelled)));
        assert_eq!(stoppable(Path::new("x"), &Quiet, |stop| go_on(stop).map(|()| 7)).await.unwrap(), 7);
    }

    #[test]
    fn a_file_is_replaced_whole_and_leaves_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/record.json");
        make_folder(path.parent().unwrap()).unwrap();
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(write_whole(&folder.path().join("none/x"), b"").is_err());
    }
}
