//! Standard output, line by line.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

/// Prints a line. When nobody reads any more (`assay runs | head`) the program ends at once and quietly.
pub fn line(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    let written = out.write_fmt(text).and_then(|()| out.write_all(b"\n"));
    if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
}

/// `println!` for a reader that may go away.
macro_rules! say {
    ($($words:tt)*) => { $crate::render::out::line(format_args!($($words)*)) };
}
pub(crate) use say;
