//! How a stage tells of itself while it works, and hears that it is to stop.

/// Followed by a stage while it works. Called from several threads.
pub trait Watch: Sync {
    /// True ends the stage within a fraction of a second, with nothing published.
    fn cancelled(&self) -> bool;
    fn progress(&self, progress: Progress);
    fn log(&self, level: Level, text: &str);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Info,
    Warn,
    Error,
}

/// How far a stage is. Bytes are those of the files' content after decompression; `read` leaves out records of
/// dates that the run does not write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub bytes_done: u64,
    pub bytes_total: u64,
    pub read: u64,
    pub accepted: u64,
    pub quarantined: u64,
}

/// A watch that never cancels and drops what it hears.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Watch for Quiet {
    fn cancelled(&self) -> bool {
        false
    }
    fn progress(&self, _: Progress) {}
    fn log(&self, _: Level, _: &str) {}
}
