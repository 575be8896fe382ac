//! What each stage does: bronze reader, silver, gold, warehouse step.

pub mod bronze;
mod error;
pub mod gold;
mod limits;
mod parallel;
pub mod silver;
#[cfg(test)]
mod tests;
pub mod warehouse;
mod watch;

pub use bronze::{Compression, Discovered, FoundFile, RawRecord, Surveyed, discover, records, survey};
pub use error::StageError;
pub use limits::Limits;
pub use silver::{Counts, FileReport, IngestJob, Ingested, PlannedFile, Scope, ingest};
pub use watch::{Level, Progress, Quiet, Watch};
