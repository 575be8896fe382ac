//! When the files of a watched pipeline are processed: what was seen goes in, what to do comes out.
//!
//! It reads no clock and no disk. File system events only make it look earlier; what counts is what a look sees.

mod ready;
#[cfg(test)]
mod tests;

pub use ready::ReadyFiles;

use crate::plan::PlannedFile;
use crate::ports::LedgerEntry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Source and path of a file.
pub type FileKey = (String, String);

/// How long a watch waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A file is complete when its size and time of change stay the same for this long.
    pub settle: Duration,
    /// Between looks when nothing happens.
    pub sweep: Duration,
    /// After a run that met a change of its files; doubled each time it happens again.
    pub retry: Duration,
    pub longest_retry: Duration,
    /// Runs that meet a change, one after the other, until unchanged files wait for something new.
    pub tries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(1),
            sweep: Duration::from_secs(30),
            retry: Duration::from_secs(2),
            longest_retry: Duration::from_secs(300),
            tries: 6,
        }
    }
}

/// What a look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Look again after this time, or at an event.
    Wait(Duration),
    /// Run what is new, as if these files were as the ledger knows them: they are not complete.
    Run { ready: usize, unready: BTreeSet<FileKey> },
}

/// How a run that a look asked for ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// It ended well, or there was nothing to do.
    Done,
    /// A file changed or went while it was read.
    Changed,
    /// Anything else: what failed is not tried again until a file changes.
    Failed,
}

/// What becomes of files that a run could not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    Nothing,
    /// They are tried again after this time, when they are complete.
    Retry(Duration),
    /// They wait until a file changes or comes.
    Held,
}

/// Size and time of change; none for a file that is gone.
type State = Option<(u64, i64)>;

/// The memory of a watch over one pipeline.
#[derive(Debug, Clone, Default)]
pub struct Watching {
    patience: Patience,
    /// What differs from the ledger, with its state and since when it has it.
    fresh: BTreeMap<FileKey, (State, Duration)>,
    /// What the present run was given.
    running: Option<BTreeMap<FileKey, State>>,
    /// What a run was given and left, in the state in which it left it.
    held: BTreeMap<FileKey, State>,
    /// Runs that met a change, in a row.
    changed: u32,
    not_before: Duration,
    /// The first run, and one after a change was met, take up what earlier ones left undone, with files or without.
    begun: bool,
}

impl Watching {
    pub fn new(patience: Patience) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Takes in what lies there at the moment `now` (of a clock that never goes back), and what the ledger knows.
    pub fn look(&mut self, now: Duration, files: &[PlannedFile], ledger: &[LedgerEntry]) -> Decision {
        self.see(now, files, ledger);
        if self.running.is_some() {
            return Decision::Wait(self.patience.sweep);
        }
        if now < self.not_before {
            return Decision::Wait((self.not_before - now).min(self.patience.sweep));
        }
        let settle = self.patience.settle;
        let is_ready = |since: Duration| now.saturating_sub(since) >= settle;
        let (ready, unready): (Vec<_>, Vec<_>) = self.fresh.iter().partition(|(_, (_, since))| is_ready(*since));
        let new = ready.iter().filter(|(key, (state, _))| self.held.get(*key) != Some(state)).count();
        if new > 0 || (!self.begun && unready.is_empty()) {
            let unready = unready.into_iter().map(|(key, _)| key.clone()).collect();
            return Decision::Run { ready: ready.len(), unready };
        }
        let ripens = unready.iter().map(|(_, (_, since))| (*since + settle).saturating_sub(now)).min();
        Decision::Wait(ripens.unwrap_or(self.patience.sweep).min(self.patience.sweep))
    }

    /// The run that the last look asked for has begun, or is about to.
    pub fn begin(&mut self, unready: &BTreeSet<FileKey>) {
        let given = self.fresh.iter().filter(|(key, _)| !unready.contains(*key));
        self.running = Some(given.map(|(key, (state, _))| (key.clone(), *state)).collect());
        self.begun = true;
    }

    /// That run has ended.
    pub fn end(&mut self, now: Duration, end: RunEnd) -> After {
        let given = self.running.take().unwrap_or_default();
        if end != RunEnd::Changed {
            self.changed = 0;
            self.held = given;
            return if end == RunEnd::Failed { After::Held } else { After::Nothing };
        }
        self.changed = self.changed.saturating_add(1);
        let wait = self.patience.retry.saturating_mul(1 << (self.changed - 1).min(20)).min(self.patience.longest_retry);
        self.not_before = now + wait;
        if self.changed > self.patience.tries {
            self.held = given;
            return After::Held;
        }
        self.held.clear();
        // What it left undone is taken up even where no file is new any more.
        self.begun = false;
        After::Retry(wait)
    }

    /// The definition changed: what failed may succeed now.
    pub fn again(&mut self) {
        self.held.clear();
        self.begun = false;
        self.changed = 0;
        self.not_before = Duration::ZERO;
    }

    fn see(&mut self, now: Duration, files: &[PlannedFile], ledger: &[LedgerEntry]) {
        let mut known: BTreeMap<(&str, &str), (u64, i64)> = ledger
            .iter()
            .map(|entry| ((entry.source.as_str(), entry.path.as_str()), (entry.size, entry.modified_ns)))
            .collect();
        let mut differ: BTreeMap<FileKey, State> = BTreeMap::new();
        for file in files {
            let state = (file.size, file.modified_ns);
            if known.remove(&(file.source.as_str(), file.path.as_str())) != Some(state) {
                differ.insert((file.source.clone(), file.path.clone()), Some(state));
            }
        }
        differ.extend(known.into_keys().map(|(source, path)| ((source.to_owned(), path.to_owned()), None)));
        self.held.retain(|key, state| differ.get(key) == Some(state));
        let before = std::mem::take(&mut self.fresh);
        self.fresh = differ
            .into_iter()
            .map(|(key, state)| {
                let since = before.get(&key).filter(|(was, _)| *was == state).map_or(now, |(_, since)| *since);
                (key, (state, since))
            })
            .collect();
    }
}
