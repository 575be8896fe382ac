//! Rules on frames: verdicts, metrics, failing rows and their reasons.

mod analyzers;
mod column;
mod comoments;
mod compose;
mod data;
mod draft;
mod engine;
mod error;
mod evaluate;
mod exact;
mod failing;
mod files;
mod grouping;
mod hash;
mod history;
mod java_date;
mod keys;
mod known;
mod lookup;
mod measure;
mod measured;
mod numbers;
mod pass;
mod pattern;
mod reference;
mod report;
mod rules;
mod sql;
mod text;

pub use data::{Composites, Data, Digest, Files, History, ListedFile, NoHistory, Profile, Rows};
pub use error::QualityError;
pub use evaluate::evaluate;
pub use report::{Evaluated, Outcome, Report, RowCounts, Statistic, Verdict};

#[cfg(test)]
mod tests;
