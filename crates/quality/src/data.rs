//! What rules are evaluated on.

use chrono::{DateTime, Utc};
use polars::prelude::LazyFrame;
use std::collections::BTreeMap;
use std::path::Path;

/// A dataset and what its rules may look at beside it.
pub struct Data<'a> {
    /// The rows; read once in a streaming pass, and once more for each set of key columns.
    pub rows: LazyFrame,
    /// Columns that tell rows apart, shown first with failing rows; may be empty.
    pub key: &'a [String],
    /// Other datasets by the alias that rules give them.
    pub references: &'a BTreeMap<String, LazyFrame>,
    /// For the rules on files; none where there is no listing.
    pub files: Option<Files<'a>>,
    pub history: &'a dyn History,
    pub now: DateTime<Utc>,
    pub profile: Profile,
    pub composites: Composites,
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// Whose answers are given where the sources of the language differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The service's documentation.
    #[default]
    Glue,
    /// The open evaluator.
    Deequ,
}

/// How a rule of several rules comes to its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Composites {
    /// Each rule is evaluated on the dataset, then the outcomes are combined.
    #[default]
    Column,
    /// What the rules say of a row is combined; the rule passes when it does for every row.
    Row,
}

/// Earlier values of a statistic.
pub trait History: Sync {
    /// At most `count` values of the metric under the same filter, newest first.
    fn last(&self, metric: &str, filter: Option<&str>, count: usize) -> Vec<f64>;
}

/// A dataset without a past.
pub struct NoHistory;

impl History for NoHistory {
    fn last(&self, _: &str, _: Option<&str>, _: usize) -> Vec<f64> {
        Vec::new()
    }
}

/// The files that a dataset was read from.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    pub list: &'a [ListedFile],
    /// The digest of a file's bytes in hexadecimal, or why it cannot be had. It is asked of few rules, and reads the file.
    pub digest: &'a (dyn Fn(&ListedFile, Digest) -> Result<String, String> + Sync),
}

/// How a file's bytes are summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    Md5,
    Sha256,
}

/// A file of a lake's listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// As rules name it: below the dataset's folder.
    pub path: String,
    /// In bytes.
    pub size: u64,
    pub modified: DateTime<Utc>,
}

/// What to do with rows that made a rule fail.
pub enum Rows<'a> {
    /// Count them.
    Count,
    /// Write those that made a rule fail, with all columns, `_rules` (which rules, by number from 1 in the ruleset) and
    /// `_reasons`, to this Parquet file; no file when there is none. A row that has nothing for `Completeness > 0.9`
    /// made it fail only where the rule failed.
    Keep(&'a Path),
    /// Write every row so, in the order of the data, and with `_skipped`: numbers of the rules that say nothing of it.
    Every(&'a Path),
}
