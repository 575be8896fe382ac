//! The frozen list of what a run will do. A run does exactly its plan or refuses.

pub mod ask;
pub(crate) mod begun;
pub mod describe;
pub mod detail;
pub mod draw;
mod estimate;
pub(crate) mod files;
pub(crate) mod graph;
pub(crate) mod reach;

use crate::journal::Pending;
use crate::plan::ask::Settings;
use crate::plan::reach::Reach;
use crate::ports::LedgerEntry;
use crate::views::{count, scope_words};
use assay_contract::ScopeWord;
use assay_pipeline::{Environment, Layer, Permit};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    #[serde(default)]
    pub work: Work,
    /// Which of the dates were asked for.
    #[serde(default)]
    pub word: ScopeWord,
    /// Versions of the tables that it replaces as the plan saw them, by table id (`silver.sales`,
    /// `quarantine.sales`, `gold.daily`), none for a table that did not exist. Empty when nobody looked at the
    /// plan: such a run takes the tables as they are when its turn comes.
    #[serde(default)]
    pub versions: BTreeMap<String, Option<i64>>,
    /// The definition is the one that the journal keeps under `digest`, not the one in the workspace.
    #[serde(default)]
    pub original: bool,
    #[serde(default)]
    pub settings: Settings,
    pub permit: Permit,
    pub reason: String,
    pub asked_by: String,
    pub queued_at: DateTime<Utc>,
}

/// What kind of work a run is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Sources to tables to warehouse.
    #[default]
    Process,
    /// Tables go back to their versions before other runs.
    Undo(Reversal),
    /// Refused records go through a contract again.
    Replay(Replay),
}

/// Which refused records of which version are put through again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// Name of the silver table.
    pub table: String,
    /// Dates of the quarantine, ascending; absent when records without a date go along too.
    #[serde(default)]
    pub dates: Option<Vec<NaiveDate>>,
    /// Primary reason codes; all when empty.
    pub reasons: Vec<String>,
    /// How many there are, by reason code.
    pub records: BTreeMap<String, u64>,
    /// Version of the quarantine.
    pub quarantine: i64,
    /// Of the files that hold them, and of those that contributed to their dates.
    pub ledger: Vec<LedgerEntry>,
}

/// What an undo makes of the journal's own state, besides the tables.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reversal {
    /// The runs that are undone, newest first.
    pub of: Vec<String>,
    /// Ledger entries as they were before those runs.
    pub put_back: Vec<LedgerEntry>,
    /// Files that the ledger did not know before those runs.
    pub forget: Vec<VanishedFile>,
    /// Every pending mark of the pipeline once the undo is done.
    pub pending: Vec<Pending>,
}

/// What a table goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Back {
    Version(i64),
    /// The table was made by an undone run: it keeps its columns and has no rows.
    Empty,
}

/// What a step of an undo restores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    pub table: Option<Back>,
    /// Of the silver table's quarantine.
    pub quarantine: Option<Back>,
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
    /// Steps of this plan whose tables its rules look at: it waits for their end, however they end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<String>,
    /// What it does when that is less than the run's scope.
    #[serde(default)]
    pub scope: Option<RunScope>,
    /// Steps of the definition, of this plan or not, that must follow when its table changes.
    #[serde(default)]
    pub downstream: Vec<String>,
    /// Its source is filled by a feed, which the step looks at first.
    #[serde(default)]
    pub feeds: bool,
    /// Planned only because a step before it may change something; skipped when none does.
    #[serde(default)]
    pub follows: bool,
    /// In an undo: what it does instead of its stage's work; a warehouse step reloads.
    #[serde(default)]
    pub restore: Option<Restore>,
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

    /// What the bronze and silver steps do, by source.
    pub(crate) fn source_reaches(&self) -> BTreeMap<&str, Reach> {
        let mut reaches: BTreeMap<&str, Reach> = BTreeMap::new();
        for step in self.steps.iter().filter(|step| step.stage <= Layer::Silver) {
            if let Some(source) = &step.source {
                reaches.entry(source).or_default().join(&Reach::of(self.scope_of(step)));
            }
        }
        reaches
    }

    /// Its dates in words; of a plan without any that reads files, those that will be found in them.
    pub fn dates_words(&self) -> String {
        let open = matches!(&self.scope, RunScope::Dates(dates) if dates.is_empty());
        match self.files.len() {
            0 if open && self.steps.iter().any(|step| step.feeds) => "dates of what the feeds bring".into(),
            1 if open => "dates found in 1 file".into(),
            files if open && files > 0 => format!("dates found in {} files", count(files)),
            _ => scope_words(&self.scope),
        }
    }

    /// What it is about, for lists of runs: its dates, or the runs that it undoes.
    pub fn words(&self) -> String {
        match &self.work {
            Work::Undo(reversal) => match reversal.of.as_slice() {
                [one] => format!("undo of {one}"),
                [newest, more @ ..] => format!("undo of {newest} and {} before it", count(more.len())),
                [] => self.dates_words(),
            },
            _ => self.dates_words(),
        }
    }

    /// Tables of the lake that it replaces, as ids.
    pub(crate) fn replaced_tables(&self) -> Vec<String> {
        let lake = self.steps.iter().filter(|step| matches!(step.stage, Layer::Silver | Layer::Gold));
        lake.flat_map(|step| {
            let quarantine = (step.stage == Layer::Silver).then(|| format!("quarantine.{}", step.table));
            std::iter::once(step.id.clone()).chain(quarantine)
        })
        .collect()
    }

    /// Stages of its steps, in their order.
    pub(crate) fn stages_of(steps: &[PlannedStep]) -> Vec<Layer> {
        let stages: BTreeSet<Layer> = steps.iter().map(|step| step.stage).collect();
        stages.into_iter().collect()
    }

    /// `process`, `undo` or `replay`.
    pub fn work_word(&self) -> &'static str {
        match self.work {
            Work::Process => "process",
            Work::Undo(_) => "undo",
            Work::Replay(_) => "replay",
        }
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
