//! Rules on frames: verdicts, metrics, failing rows and their reasons.

mod data;
mod error;
mod report;

pub use data::{Data, History, ListedFile, NoHistory, Profile, Rows};
pub use error::QualityError;
pub use report::{Evaluated, Outcome, Report, RowCounts, Statistic, Verdict};
