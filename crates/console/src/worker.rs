//! What a worker process does besides executing: tell its parent, and listen for the end.

use crate::folder::RunFolder;
use crate::journal::Journal;
use crate::ports::Clock;
use crate::stop::{Stop, Why};
use assay_contract::{Event, Problem, Status};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long steps may take to notice a cancel before the worker ends itself. The parent waits a little longer.
pub const GRACE: Duration = Duration::from_millis(350);

/// Between looks for the mark of another program.
const LOOK: Duration = Duration::from_millis(100);

/// Writes events as JSON lines. When nobody reads them any more the run ends.
pub fn event_sink(writer: impl Write + Send, stop: Arc<Stop>) -> impl Fn(Event) + Sync {
    let writer = Mutex::new(writer);
    move |event| {
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let told = serde_json::to_vec(&event).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            writer.write_all(&line)?;
            writer.flush()
        });
        if told.is_err() {
            stop.raise(Why::Alone);
        }
    }
}

/// Raises `stop` when the parent says a word or goes away: these are different reasons. After `grace` it calls
/// `overdue` with the reason, which ends the process: every effect is safe to lose at any moment.
pub fn cancel_on_eof(
    mut reader: impl Read + Send + 'static,
    stop: Arc<Stop>,
    grace: Duration,
    overdue: impl FnOnce(Why) + Send + 'static,
) {
    std::thread::spawn(move || {
        let mut byte = [0u8; 1];
        let said = loop {
            match reader.read(&mut byte) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                said => break said.is_ok_and(|length| length > 0),
            }
        };
        // A pipe that closes without a word is closed by the kernel: the parent has died.
        let why = stop.raise(if said { Why::Asked } else { Why::Alone });
        std::thread::sleep(grace);
        overdue(why);
    });
}

/// As [`cancel_on_eof`], when another program asks for the end of the run.
pub fn cancel_on_mark(folder: RunFolder, stop: Arc<Stop>, grace: Duration, overdue: impl FnOnce(Why) + Send + 'static) {
    std::thread::spawn(move || {
        while !folder.cancel_asked() {
            std::thread::sleep(LOOK);
        }
        let why = stop.raise(Why::Asked);
        std::thread::sleep(grace);
        overdue(why);
    });
}

/// Journals that the run was cancelled, and why, if it has not ended; for `overdue`.
pub fn end_cancelled(run: &str, why: Why, journal: &dyn Journal, clock: &dyn Clock) -> Result<bool, Problem> {
    journal.end_run(run, Status::Cancelled, Some(why.words()), clock.now())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::mpsc;

    /// What a worker takes its parent's end of the pipe for, when the parent did this with it.
    fn heard(parent: impl FnOnce(std::io::PipeWriter)) -> Why {
        let (reader, writer) = std::io::pipe().unwrap();
        let stop = Arc::new(Stop::default());
        let (tell, told) = mpsc::channel();
        cancel_on_eof(reader, Arc::clone(&stop), Duration::ZERO, move |why| tell.send(why).unwrap());
        parent(writer);
        let why = told.recv().unwrap();
        assert_eq!(stop.why(), Some(why));
        why
    }

    #[test]
    fn a_word_is_a_request_and_silence_is_none() {
        assert_eq!(heard(|mut writer| writer.write_all(b"cancel\n").unwrap()), Why::Asked);
        assert_eq!(heard(drop), Why::Alone);
    }

    #[test]
    fn events_that_nobody_reads_end_the_run_without_a_request() {
        let (reader, writer) = std::io::pipe().unwrap();
        let stop = Arc::new(Stop::default());
        let sink = event_sink(writer, Arc::clone(&stop));
        sink(Event::Table { table: "p.gold.a".into() });
        assert_eq!(stop.why(), None);
        drop(reader);
        sink(Event::Table { table: "p.gold.a".into() });
        assert_eq!(stop.why(), Some(Why::Alone));
    }
}
