//! The SQLite journal: as the port asks, on broken files, and between processes that die.
#![allow(clippy::unwrap_used)]
// A child tells its parent what it does on its output.
#![allow(clippy::print_stdout)]

mod files;
mod port;
mod processes;
mod schedules;
mod worker;
