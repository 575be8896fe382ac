//! The log of a run: JSON lines, bounded on disk.
//!
//! The first half of the limit keeps how the run began; then two files take turns, so that the newest lines are
//! always there and the middle is dropped. Each later file begins with the index of its first line, which is how
//! readers know how many were dropped.

mod follow;
mod read;
mod segment;

pub use follow::{Followed, Follower};
pub use read::page;

use crate::ports::Level;
use crate::problem::ConsoleError;
use assay_contract::LogLine;
use segment::{HEAD, MIDDLE, NEWEST};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Longest text of one line, in bytes; the rest is cut and counted.
const TEXT: usize = 4096;
/// A smaller limit would hold next to nothing.
const SMALLEST: u64 = 64 * 1024;

/// Writes a run's log. One process writes at a time; any number read.
#[derive(Debug)]
pub struct RunLog {
    folder: PathBuf,
    limit: u64,
    state: Mutex<Writer>,
}

#[derive(Debug)]
struct Writer {
    file: File,
    head: bool,
    written: u64,
    /// Index of the next line, dropped ones included.
    next: u64,
}

impl RunLog {
    /// Opens the log in a run's folder and goes on behind what is there. `limit` is in bytes.
    pub fn open(folder: &Path, limit: u64) -> Result<Self, ConsoleError> {
        let failed = |source| ConsoleError::Log { path: folder.join(HEAD), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let state = Writer::open(folder).map_err(failed)?;
        Ok(Self { folder: folder.to_owned(), limit: limit.max(SMALLEST), state: Mutex::new(state) })
    }

    /// Adds a line and gives it as it was kept: a long text is cut, and says so.
    pub fn append(&self, line: &LogLine) -> Result<LogLine, ConsoleError> {
        let failed = |source| ConsoleError::Log { path: self.folder.join(HEAD), source };
        let line = LogLine { text: cut(&line.text), ..line.clone() };
        let mut bytes = serde_json::to_vec(&line).map_err(|error| failed(error.into()))?;
        bytes.push(b'\n');
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.make_room(&self.folder, self.limit, bytes.len() as u64).map_err(failed)?;
        state.file.write_all(&bytes).map_err(failed)?;
        state.written += bytes.len() as u64;
        state.next += 1;
        Ok(line)
    }
}

impl Writer {
    fn open(folder: &Path) -> std::io::Result<Self> {
        let segments = segment::open_all(folder)?;
        let Some(last) = segments.into_iter().next_back() else {
            let file = OpenOptions::new().create(true).append(true).open(folder.join(HEAD))?;
            return Ok(Self { file, head: true, written: 0, next: 0 });
        };
        let (head, path) = (last.head, last.path.clone());
        let mut file = OpenOptions::new().append(true).open(&path)?;
        let tally = last.tally()?;
        if tally.torn {
            // A killed writer left half a line; the next one must not run into it.
            file.write_all(b"\n")?;
        }
        let written = file.metadata()?.len();
        let mut writer = Self { file, head, written, next: tally.next };
        if path.ends_with(MIDDLE) {
            writer.begin_newest(folder)?;
        }
        Ok(writer)
    }

    fn make_room(&mut self, folder: &Path, limit: u64, more: u64) -> std::io::Result<()> {
        let room = if self.head { limit / 2 } else { limit / 4 };
        if self.written + more <= room {
            return Ok(());
        }
        if !self.head {
            std::fs::rename(folder.join(NEWEST), folder.join(MIDDLE))?;
        }
        self.begin_newest(folder)
    }

    /// The new file appears with its first line in it, so that no reader sees it without.
    fn begin_newest(&mut self, folder: &Path) -> std::io::Result<()> {
        let making = folder.join("log.making");
        let header = segment::header(self.next);
        std::fs::write(&making, &header)?;
        std::fs::rename(&making, folder.join(NEWEST))?;
        self.file = OpenOptions::new().append(true).open(folder.join(NEWEST))?;
        self.head = false;
        self.written = header.len() as u64;
        Ok(())
    }
}

/// Whether a line is of the level or above it; one of an unknown level always is.
fn reaches(line: &LogLine, least: Option<Level>) -> bool {
    match (Level::parse(&line.level), least) {
        (Some(level), Some(least)) => level >= least,
        _ => true,
    }
}

fn cut(text: &str) -> String {
    if text.len() <= TEXT {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(TEXT);
    format!("{}… ({} more bytes)", &text[..end], text.len() - end)
}

#[cfg(test)]
mod tests;
