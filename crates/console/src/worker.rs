//! What a worker process does besides executing: tell its parent, and listen for the end.

use crate::folder::RunFolder;
use crate::journal::Journal;
use crate::ports::Clock;
use assay_contract::{Event, Problem, Status};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long steps may take to notice a cancel before the worker ends itself. The parent waits a little longer.
pub const GRACE: Duration = Duration::from_millis(350);

/// Between looks for the mark of another program.
const LOOK: Duration = Duration::from_millis(100);

/// Writes events as JSON lines. When nobody reads them any more the run is cancelled.
pub fn event_sink(writer: impl Write + Send, cancel: Arc<AtomicBool>) -> impl Fn(Event) + Sync {
    let writer = Mutex::new(writer);
    move |event| {
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let told = serde_json::to_vec(&event).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            writer.write_all(&line)?;
            writer.flush()
        });
        if told.is_err() {
            cancel.store(true, Ordering::Release);
        }
    }
}

/// Raises `cancel` when the parent says a word or goes away. After `grace` it calls `overdue`, which ends the
/// process: every effect is safe to lose at any moment.
pub fn cancel_on_eof(
    mut reader: impl Read + Send + 'static,
    cancel: Arc<AtomicBool>,
    grace: Duration,
    overdue: impl FnOnce() + Send + 'static,
) {
    std::thread::spawn(move || {
        let mut byte = [0u8; 1];
        while let Err(error) = reader.read(&mut byte) {
            if error.kind() != std::io::ErrorKind::Interrupted {
                break;
            }
        }
        cancel.store(true, Ordering::Release);
        std::thread::sleep(grace);
        overdue();
    });
}

/// As [`cancel_on_eof`], when another program asks for the end of the run.
pub fn cancel_on_mark(
    folder: RunFolder,
    cancel: Arc<AtomicBool>,
    grace: Duration,
    overdue: impl FnOnce() + Send + 'static,
) {
    std::thread::spawn(move || {
        while !folder.cancel_asked() {
            std::thread::sleep(LOOK);
        }
        cancel.store(true, Ordering::Release);
        std::thread::sleep(grace);
        overdue();
    });
}

/// Journals that the run was cancelled, if it has not ended; for `overdue`.
pub fn end_cancelled(run: &str, journal: &dyn Journal, clock: &dyn Clock) -> Result<bool, Problem> {
    journal.end_run(run, Status::Cancelled, Some("cancelled on request"), clock.now())
}
