//! What a test needs of this machine to start a PostgreSQL server of its own.

use crate::error::TestkitError;
use std::path::{Path, PathBuf};

/// The folder of the newest packaged programs, or of those in `PATH`.
pub fn programs() -> Result<PathBuf, TestkitError> {
    let shelf = Path::new("/usr/lib/postgresql");
    let mut packaged = Vec::new();
    for entry in std::fs::read_dir(shelf).into_iter().flatten() {
        packaged.push(entry.map_err(TestkitError::at(shelf))?.path().join("bin"));
    }
    packaged.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = packaged.into_iter().rev().chain(std::env::split_paths(&path));
    found
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
        .ok_or(TestkitError::NoServer)
}

/// User and group as which the server runs where this process is root, which PostgreSQL refuses.
pub fn account() -> Result<Option<(u32, u32)>, TestkitError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let place = Path::new("/etc/passwd");
    let users = std::fs::read_to_string(place).map_err(TestkitError::at(place))?;
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse);
        numbers.next()?.ok().zip(numbers.next()?.ok())
    };
    Ok(find("postgres").or_else(|| find("nobody")))
}
