//! The record beside a copy: what each of its files was made from. It makes a copy resumable and names lasting.

use assay_lake::{LakeFile, Snapshot};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::Xxh3;

/// Rows without a partition, or of a table without partitions.
const WHOLE: &str = "";

/// Kept as JSON in `.published.json` and the segments beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Columns of the files and their types.
    pub(super) shape: String,
    /// Name of the files, `*` for the partition or the source.
    pub(super) pattern: String,
    /// Digest of the data files that each partition was copied from; none from before it is touched until the
    /// copy is whole.
    pub(super) parts: BTreeMap<String, Option<String>>,
    /// By the path of the source file; entries stay for ever, so that names do.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sources: BTreeMap<String, Output>,
    /// Segments up to this number are in it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) through: u32,
}

/// What a source file's rows are copied to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Output {
    /// None while another source with the same content has the output.
    pub(super) name: Option<String>,
    /// Content tag of the source.
    pub(super) tag: Option<String>,
    /// Its rows in each partition; empty when the table has none.
    pub(super) rows: BTreeMap<String, Rows>,
    /// Another source with the same content has the output.
    #[serde(default)]
    pub(super) double: bool,
    /// Whether the file holds exactly these rows, or is not there when it should not be.
    pub(super) whole: bool,
}

/// Rows of one source in one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rows {
    pub(super) count: u64,
    /// Of their values and places, whatever their order.
    pub(super) digest: String,
}

impl Record {
    /// Entries.
    pub(super) fn len(&self) -> usize {
        self.parts.len() + self.sources.len()
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The key of a partition in a record.
pub(super) fn key(date: Option<NaiveDate>) -> String {
    date.map_or_else(|| WHOLE.to_owned(), |date| date.format("%Y-%m-%d").to_string())
}

/// Every partition of a version with the digest of its data files. Their names are never used twice, so the same
/// digest means the same rows.
pub(super) fn parts(snapshot: &Snapshot) -> BTreeMap<String, Part> {
    let mut found: BTreeMap<String, Part> = BTreeMap::new();
    for file in snapshot.files() {
        let part = found.entry(key(file.partition)).or_insert_with(|| Part::of(file));
        part.hash.update(file.path.as_bytes());
        part.hash.update(b"\n");
        part.rows += file.rows;
    }
    if found.is_empty() && snapshot.partition_column().is_none() {
        // A table that is not cut into dates has its one file even without rows.
        found.insert(key(None), Part { date: None, rows: 0, hash: Xxh3::new() });
    }
    found
}

/// A partition of a version.
pub(super) struct Part {
    pub(super) date: Option<NaiveDate>,
    pub(super) rows: u64,
    hash: Xxh3,
}

impl Part {
    fn of(file: &LakeFile) -> Self {
        Self { date: file.partition, rows: 0, hash: Xxh3::new() }
    }

    pub(super) fn digest(&self) -> String {
        format!("{:032x}", self.hash.digest128())
    }
}
