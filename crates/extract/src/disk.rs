//! Files and folders that outlive a power cut. Every function but [`blocking`] blocks.

use crate::error::ExtractError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

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
