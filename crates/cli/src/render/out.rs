//! Standard output and standard error, line by line.

use crate::exit;
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// There is more to do than to print.
static GOES_ON: AtomicBool = AtomicBool::new(false);
/// Something was not printed, and this was told.
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// From now on the program works on when its output has no reader or no room: what it does is not what it prints.
pub fn go_on() {
    GOES_ON.store(true, Ordering::Relaxed);
}

/// Whether output was lost for another reason than that nobody reads it.
pub fn is_lost() -> bool {
    IS_LOST.load(Ordering::Relaxed)
}

/// Prints a line. When nobody reads any more (`assay runs | head`) the program ends at once and quietly; when the line
/// cannot be written for another reason, such as a full disk, it says so and fails. See [`go_on`].
pub fn line(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "{}", plain(text.to_string())) {
        lost(&error);
    }
}

/// Standard output for bytes, which ends as [`line`] does.
pub struct Bytes;

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::stdout().lock().write(bytes).inspect_err(lost)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().lock().flush().inspect_err(lost)
    }
}

fn lost(error: &std::io::Error) {
    let unread = error.kind() == ErrorKind::BrokenPipe;
    if !unread && !IS_LOST.swap(true, Ordering::Relaxed) {
        aside(format_args!("The output cannot be written: {error}. What follows is not printed."));
    }
    if !GOES_ON.load(Ordering::Relaxed) {
        std::process::exit(i32::from(if unread { exit::DONE } else { exit::FAILED }));
    }
}

/// Prints a line to standard error. Whoever closed it wants to be told nothing.
pub fn aside(text: Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", plain(text.to_string()));
}

/// Reasons, names and notes are whatever somebody typed: none of them may steer a terminal. JSON has none of these.
fn plain(text: String) -> String {
    let steers = |c: char| c < ' ' && !matches!(c, '\n' | '\t');
    if text.contains(steers) { text.replace(steers, "\u{fffd}") } else { text }
}

/// `println!` for a reader that may go away.
macro_rules! say {
    ($($words:tt)*) => { $crate::render::out::line(format_args!($($words)*)) };
}
/// `eprintln!` for a reader that may go away.
macro_rules! tell {
    ($($words:tt)*) => { $crate::render::out::aside(format_args!($($words)*)) };
}
pub(crate) use {say, tell};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_typed_steers_a_terminal() {
        assert_eq!(plain("a\u{1b}[2J\r1m\tb\nc".to_owned()), "a\u{fffd}[2J\u{fffd}1m\tb\nc");
    }
}
