//! What each stage does: bronze reader, silver, gold, warehouse step.

pub mod bronze;
mod error;
pub mod gold;
mod limits;
mod parallel;
pub mod publication;
pub mod quality;
pub mod silver;
#[cfg(test)]
mod tests;
pub mod warehouse;
mod watch;

pub use bronze::{
    Compression, DeadLetter, DeadLetters, Discovered, FoundFile, RawRecord, SENDING, Surveyed, discover,
    discover_within, records, set_aside_by, survey, survey_or_set_aside,
};
pub use error::StageError;
pub use limits::Limits;
pub use silver::{
    Choice, Counts, FileChange, FileReport, IngestJob, Ingested, PathOf, PlannedFile, ReadFile, RefusedGroup,
    ReplayJob, Replayed, Scope, Upserted, ingest, refused_groups, replay,
};
pub use watch::{Level, Progress, Quiet, Watch};
