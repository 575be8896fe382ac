//! The frozen list of what a run will do. A run does exactly its plan or refuses.

use assay_pipeline::{Environment, Layer, Permit};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Stored whole in the journal before anything is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunPlan {
    pub run: String,
    pub pipeline: String,
    /// Digest of the definition; the worker refuses another one.
    pub digest: String,
    pub environment: Environment,
    pub stages: Vec<Layer>,
    pub scope: RunScope,
    /// In an order in which every step comes after those that it reads.
    pub steps: Vec<PlannedStep>,
    /// Source files by contract table.
    pub files: Vec<PlannedFile>,
    pub permit: Permit,
    pub reason: String,
    pub asked_by: String,
    pub queued_at: DateTime<Utc>,
}

/// Business dates of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope", content = "dates", rename_all = "snake_case")]
pub enum RunScope {
    /// Every date of the sources; tables are replaced whole.
    All,
    /// Exactly these, ascending, and those that stray records of new files belong to.
    Dates(Vec<NaiveDate>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// `silver.sales`; unique in the plan.
    pub id: String,
    pub stage: Layer,
    pub table: String,
    /// Steps of this plan that it reads.
    pub after: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// Name of the bronze source.
    pub source: String,
    /// Below the pipeline's lake folder, with `/`.
    pub path: String,
    pub size: u64,
    pub modified_ns: i64,
    /// Of the folder that it lies in.
    pub folder_date: Option<NaiveDate>,
    /// Dates that the ledger knows it contributed to; empty for a file that was never read.
    pub known_dates: Vec<NaiveDate>,
}
