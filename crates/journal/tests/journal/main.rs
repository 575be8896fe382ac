//! The SQLite journal: as the port asks, on broken files, and between processes that die.
#![allow(clippy::unwrap_used)]

mod files;
mod port;
mod processes;
mod worker;
