//! The frozen list of what a run will do. A run does exactly its plan or refuses.

pub mod describe;
pub mod draw;
pub(crate) mod files;
mod graph;
pub(crate) mod reach;

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
    /// Source files that the bronze and silver steps read.
    pub files: Vec<PlannedFile>,
    /// Files of the ledger that are gone and whose dates the run replaces whole.
    #[serde(default)]
    pub vanished: Vec<VanishedFile>,
    /// Dates that were not asked for: a changed file among `files` contributed to them before.
    #[serde(default)]
    pub widened: Vec<NaiveDate>,
    /// The run that had last worked on the pipeline's tables when this was planned.
    #[serde(default)]
    pub worked_before: Option<String>,
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
    /// The bronze source that it reads; bronze and silver steps only.
    #[serde(default)]
    pub source: Option<String>,
    /// Steps of this plan that it reads.
    pub after: Vec<String>,
    /// What it does when that is less than the run's scope.
    #[serde(default)]
    pub scope: Option<RunScope>,
    /// Steps of the definition, of this plan or not, that must follow when its table changes.
    #[serde(default)]
    pub downstream: Vec<String>,
}

/// A file that was read once and is not there any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VanishedFile {
    pub source: String,
    pub path: String,
}

impl RunPlan {
    pub fn step(&self, id: &str) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// Dates of one step.
    pub fn scope_of<'a>(&'a self, step: &'a PlannedStep) -> &'a RunScope {
        step.scope.as_ref().unwrap_or(&self.scope)
    }

    /// Dates of the bronze and silver steps; none when the plan has no such step.
    pub fn source_scope(&self) -> Option<&RunScope> {
        self.steps.iter().find(|step| step.stage <= Layer::Silver).map(|step| self.scope_of(step))
    }
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
