//! What a run will do, before it does it: `assay reprocess --plan`, and the window's form of it.

use crate::{Partition, ReasonCount, ScopeWord};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PlanDetail {
    /// Id that the run will have.
    pub run: String,
    pub pipeline: String,
    pub environment: String,
    pub runner: String,
    /// `process`, `undo`, `replay`.
    pub work: String,
    /// Which of the dates; absent where the work is no processing.
    pub scope: Option<ScopeWord>,
    /// In words, inclusive.
    pub dates: String,
    /// Dates that were not asked for: a changed file contributed to them before.
    pub widened: Vec<String>,
    pub stages: Vec<String>,
    pub steps: Vec<PlanStep>,
    /// At most 1,000; `files_total` counts all.
    pub files: Vec<PlanFile>,
    pub files_total: u32,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub bytes: u64,
    /// Files that are gone and whose rows are removed, at most 1,000.
    pub vanished: Vec<String>,
    pub vanished_total: u32,
    /// Refused records that are put through again, by reason code.
    #[serde(default)]
    pub refused: Vec<ReasonCount>,
    pub definition: DefinitionNote,
    pub estimate: Estimate,
    /// Whether the environment's guard asks for the name to be typed.
    pub confirm: bool,
    /// Whether a reason must be given.
    pub needs_reason: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PlanStep {
    pub id: String,
    pub after: Vec<String>,
    /// In words; the run's own where nothing else is said.
    pub dates: String,
    /// Fetches what is new from where its source is fed, and takes it along whatever its dates.
    pub feeds: bool,
    /// Only looked at: done when a step before it changes something.
    pub follows: bool,
    /// The table as it is now; absent where it does not exist or is no table of the lake.
    pub table: Option<PlanTable>,
    /// What a silver table refused, as the lake has it now.
    #[serde(default)]
    pub quarantine: Option<PlanTable>,
    /// What the warehouse table holds; of warehouse steps alone.
    #[serde(default)]
    pub loaded: Option<PlanLoad>,
}

/// Rows of a warehouse table that a load replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PlanLoad {
    /// Absent when nothing tells.
    #[cfg_attr(feature = "specta", specta(type = Option<u32>))]
    pub rows_replaced: Option<u64>,
    #[cfg_attr(feature = "specta", specta(type = Option<u32>))]
    pub rows_kept: Option<u64>,
    /// In words: where the rows are known from, or why they are not known.
    pub source: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PlanTable {
    pub version: u32,
    /// The version that an undo goes back to; absent when the table becomes empty, or in other work.
    pub back_to: Option<u32>,
    /// Replaced whole, not by dates.
    pub whole: bool,
    /// Rows that are replaced, and those that stay.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows_replaced: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows_kept: u64,
    /// Refused records without a date, where dates are replaced: of these only those of the files that are read.
    #[serde(default)]
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows_undated: u64,
    /// Partitions that are replaced, oldest first, at most 400.
    pub partitions: Vec<Partition>,
    pub partitions_total: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PlanFile {
    pub source: String,
    pub path: String,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub bytes: u64,
}

/// The definition that the run uses, against the one that the dates were last done with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DefinitionNote {
    /// First twelve digits of its digest.
    pub digest: String,
    /// The newest run that did any of the dates to its end; absent when none did.
    pub original_run: Option<String>,
    /// First twelve digits of the digest that it ran with.
    pub original: Option<String>,
    /// Absent when there is no original.
    pub same: Option<bool>,
    /// A unified difference of the files, original first; empty when they are the same.
    pub diff: Vec<String>,
    /// Whether the files of the original are in the journal.
    pub original_kept: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Estimate {
    /// Absent when no past run tells.
    #[cfg_attr(feature = "specta", specta(type = Option<u32>))]
    pub milliseconds: Option<u64>,
    /// How many past runs it is taken from.
    pub runs: u32,
    /// Steps that no past run did, and whose time is left out.
    pub unknown: Vec<String>,
}
