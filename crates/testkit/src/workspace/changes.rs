//! What changes in folders, as the system tells it: moments at which a test can end a program.

use super::{Outcome, Running};
use crate::TestkitError;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How often a program that changes nothing is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(2);

/// Counts what is made, written, renamed and removed from now on; what is only read does not count.
#[derive(Debug)]
pub struct Changes {
    /// Stops watching when dropped.
    _watcher: RecommendedWatcher,
    seen: Receiver<()>,
}

impl Changes {
    /// Watches these folders with all below them, and these alone.
    pub fn of(whole: &[&Path], alone: &[&Path]) -> Result<Self, TestkitError> {
        let (sender, seen) = channel();
        let hear = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| changes(&event.kind)) {
                // Nobody listens any more where the test has gone on.
                let _ = sender.send(());
            }
        };
        let failed = |error: notify::Error| TestkitError::at("the watched folders")(std::io::Error::other(error));
        let mut watcher = notify::recommended_watcher(hear).map_err(failed)?;
        let whole = whole.iter().map(|folder| (folder, RecursiveMode::Recursive));
        for (folder, mode) in whole.chain(alone.iter().map(|folder| (folder, RecursiveMode::NonRecursive))) {
            watcher.watch(folder, mode).map_err(failed)?;
        }
        Ok(Self { _watcher: watcher, seen })
    }

    /// Kills a program and its children with SIGKILL at the n-th change, counted from 1; one that ends before is let be.
    /// Gives how it ended and how many changes it lived through.
    pub fn kill_at(&self, mut running: Running, nth: u64) -> Result<(Outcome, u64), TestkitError> {
        let until = Instant::now() + super::PATIENCE;
        let mut lived = 0;
        while lived < nth && Instant::now() < until {
            match self.seen.recv_timeout(LOOK) {
                Ok(()) => lived += 1,
                Err(RecvTimeoutError::Timeout) if running.has_ended_within(Duration::ZERO)? => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(TestkitError::at("the watched folders")(std::io::Error::other("nobody watches them")));
                }
            }
        }
        if lived < nth {
            return Ok((running.wait(super::PATIENCE)?, lived));
        }
        Ok((running.kill_all()?, lived))
    }
}

fn changes(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => *access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shell(folder: &Path, script: &str) -> Running {
        Running::start(Path::new("/bin/sh"), folder, &["-c", script], &[]).unwrap()
    }

    #[test]
    fn a_program_is_killed_at_the_change_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let changes = Changes::of(&[folder.path()], &[]).unwrap();
        let script = "ls > /dev/null; mkdir a; mkdir b; while :; do :; done";
        let (outcome, lived) = changes.kill_at(shell(folder.path(), script), 2).unwrap();
        assert_eq!((outcome.signal, lived), (Some(9), 2));
        assert!(folder.path().join("b").exists());
    }

    #[test]
    fn a_program_that_changes_less_is_let_be() {
        let folder = tempfile::tempdir().unwrap();
        let changes = Changes::of(&[folder.path()], &[]).unwrap();
        let (outcome, lived) = changes.kill_at(shell(folder.path(), "mkdir a; exit 3"), 2).unwrap();
        assert_eq!((outcome.code, lived), (Some(3), 1));
    }
}
