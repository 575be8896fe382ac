//! What the command line prints: tables, progress, summaries, problems.

pub mod difference;
pub mod grid;
pub mod live;
pub mod out;
pub mod plan;
pub mod progress;
pub mod quality;
pub mod rows;
pub mod summary;
pub mod words;
