//! Progress: bars on a terminal, plain lines otherwise, nothing for scripts.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// One bar of a known length. Dropped lines and redraws cost little: the bar limits itself.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// `quiet` hides it, as does a standard error that is no terminal.
    pub fn new(what: &str, total: u64, quiet: bool) -> Self {
        let bar =
            if quiet || !std::io::stderr().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new(total) };
        if let Ok(style) = ProgressStyle::with_template("{msg:28} [{bar:32}] {percent:>3}% {elapsed}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        Self { bar }
    }

    pub fn at(&self, done: u64) {
        self.bar.set_position(done);
    }

    pub fn end(self) {
        self.bar.finish_and_clear();
    }
}
