//! One table: schema, versions, partitions, quarantine.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TableDetail {
    pub id: String,
    pub pipeline: String,
    pub layer: String,
    pub name: String,
    /// Where it lies on disk.
    pub location: String,
    pub columns: Vec<ColumnInfo>,
    pub version: Option<u32>,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub bytes: u64,
    pub files: u32,
    pub partition: Option<String>,
    /// Newest first, at most 100.
    pub versions: Vec<VersionRow>,
    pub older_versions: u32,
    /// Oldest first, at most 400.
    pub partitions: Vec<Partition>,
    pub quarantine: Option<QuarantineSummary>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ColumnInfo {
    pub name: String,
    /// As a person writes it: `decimal(10,2)`.
    pub kind: String,
    pub key: bool,
    pub required: bool,
    /// `_source_file` and the other columns that take no part in comparisons.
    pub audit: bool,
    /// `table.column` that it was computed from; empty for source columns.
    pub lineage: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct VersionRow {
    pub version: u32,
    pub at: String,
    pub run: Option<String>,
    /// `replaced 14 dates`, `created`.
    pub what: String,
    pub files_added: u32,
    pub files_removed: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Partition {
    /// ISO date, or `none`.
    pub date: String,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub bytes: u64,
    pub files: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct QuarantineSummary {
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub records: u64,
    /// Most frequent first, at most 50.
    pub reasons: Vec<ReasonCount>,
    pub dates: Vec<Partition>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ReasonCount {
    pub reason: String,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub records: u64,
}
