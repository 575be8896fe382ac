//! The port of the journal: the one record of runs, attempts, steps, files and operator actions.
//!
//! Several processes use one journal at a time. Every method is one transaction: it happened whole or not at all.

use crate::plan::{RunPlan, RunScope};
use crate::ports::{LedgerEntry, StepOutcome};
use assay_contract::{Problem, RunDetail, RunRow, Status};
use assay_pipeline::Layer;
use assay_pipeline::read::DefinitionFiles;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Blocking; calls take milliseconds.
pub trait Journal: crate::quality::Verdicts {
    /// Records the run as queued. A request id that was seen before creates nothing and gives the earlier run.
    fn create_run(&self, plan: &RunPlan, request_id: Option<&str>) -> Result<Created, Problem>;
    /// Queues a failed or cancelled run again, with a plan that differs in its permit alone.
    /// Refused (`Conflict`) in any other status.
    fn requeue(&self, plan: &RunPlan) -> Result<(), Problem>;
    /// The queued run is running now; gives the attempt's number, 1 for the first.
    /// Refused (`Conflict`) when the run is not queued any more.
    fn start_attempt(&self, run: &str, at: DateTime<Utc>) -> Result<u32, Problem>;
    /// Before the step's effect. Marks what the effect will leave undone as pending.
    fn begin_step(&self, step: &StepKey<'_>, pending: &[Pending], at: DateTime<Utc>) -> Result<(), Problem>;
    /// After the step's effect: its row, the file ledger and the pending marks together.
    /// Refused (`Conflict`) when the step is not running any more: someone declared the run dead.
    fn end_step(&self, step: &StepKey<'_>, end: &StepEnd, at: DateTime<Utc>) -> Result<(), Problem>;
    /// Ends a queued or running run with its attempt. Steps that were running are cancelled with a cancelled run
    /// and failed otherwise, steps that did not begin are skipped. Gives false, and changes nothing, when the run
    /// had ended already.
    fn end_run(&self, run: &str, status: Status, note: Option<&str>, at: DateTime<Utc>) -> Result<bool, Problem>;
    fn append_action(&self, action: &Action) -> Result<(), Problem>;
    /// Begins a spell in which a person may write where the guard is `locked`, or ends it with one that is over
    /// when it begins; with its action.
    fn unlock(&self, spell: &Unlock, action: &Action) -> Result<(), Problem>;
    /// Keeps the text of a definition's files; a digest that is kept already changes nothing.
    fn keep_definition(&self, digest: &str, files: &DefinitionFiles) -> Result<(), Problem>;

    fn run_of_request(&self, request_id: &str) -> Result<Option<String>, Problem>;
    /// Newest first by the order of asking, whatever the clock said.
    fn runs(&self, filter: &RunFilter, limit: u32) -> Result<Vec<RunRow>, Problem>;
    fn run(&self, run: &str) -> Result<Option<RunDetail>, Problem>;
    /// As little of a run as can be read without its plan and outcomes, which are long for many dates.
    fn standing(&self, run: &str) -> Result<Option<Standing>, Problem>;
    fn plan(&self, run: &str) -> Result<Option<RunPlan>, Problem>;
    /// Of the steps that need not be done again, by step id.
    fn outcomes(&self, run: &str) -> Result<BTreeMap<String, StepOutcome>, Problem>;
    /// Files as they were last read, sorted by source and path bytes.
    fn ledger(&self, pipeline: &str, environment: &str) -> Result<Vec<LedgerEntry>, Problem>;
    /// Entries that contributed to any of these dates.
    fn files_of_dates(
        &self,
        pipeline: &str,
        environment: &str,
        dates: &[NaiveDate],
    ) -> Result<Vec<LedgerEntry>, Problem>;
    /// Entries of a source's files in these folders, at any depth.
    fn files_below(
        &self,
        pipeline: &str,
        environment: &str,
        source: &str,
        folders: &[String],
    ) -> Result<Vec<LedgerEntry>, Problem>;
    /// Every date that a file of the ledger contributed to, ascending.
    fn dates(&self, pipeline: &str, environment: &str) -> Result<Vec<NaiveDate>, Problem>;
    fn pending(&self, pipeline: &str, environment: &str) -> Result<Vec<Pending>, Problem>;
    /// Newest first.
    fn actions(&self, limit: u32) -> Result<Vec<Action>, Problem>;
    /// The newest action of this kind.
    fn last_action(&self, what: &str, pipeline: &str, environment: &str) -> Result<Option<Action>, Problem>;
    /// The newest spell of a person in an environment, over or not.
    fn unlocked(&self, environment: &str, by: &str) -> Result<Option<Unlock>, Problem>;
    fn definition(&self, digest: &str) -> Result<Option<DefinitionFiles>, Problem>;
    /// The newest run that processed any date of these (any date at all without them) and ended well.
    fn original(
        &self,
        pipeline: &str,
        environment: &str,
        between: Option<(NaiveDate, NaiveDate)>,
    ) -> Result<Option<Original>, Problem>;
    /// How long steps took, in the newest `runs` runs that ended well; newest first.
    fn timings(&self, pipeline: &str, environment: &str, runs: u32) -> Result<Vec<Timing>, Problem>;
    /// Attempts of the run's pipeline and environment in the order in which they worked, from the run's first on.
    /// Empty for a run that never began.
    fn turns_since(&self, run: &str) -> Result<Vec<Turn>, Problem>;
    /// The state of the journal around one attempt.
    fn around(&self, run: &str, attempt: u32) -> Result<Option<Around>, Problem>;
    /// The last step that touched each table.
    fn table_states(&self, pipeline: &str, environment: &str) -> Result<Vec<TableState>, Problem>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    New,
    /// The request had been answered with this run.
    Repeated(String),
}

/// Which step of which attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepKey<'a> {
    pub run: &'a str,
    pub attempt: u32,
    pub step: &'a str,
}

/// What a step left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct StepEnd {
    pub status: Status,
    /// Present when the step was done: succeeded, flagged, or skipped because nothing had to be done.
    pub outcome: Option<StepOutcome>,
    pub problem: Option<Problem>,
    pub note: Option<String>,
    /// Ledger entries (source, path) of files that are gone, with everything that they contributed.
    pub forget: Vec<(String, String)>,
    /// Pending marks of this step that its work settled.
    pub settles: Settles,
    /// Marks of the steps that must follow.
    pub pending: Vec<Pending>,
    /// When given, these are the only marks of the pipeline and environment afterwards.
    pub exactly: Option<Vec<Pending>>,
}

impl StepEnd {
    /// With that status, and without any effect on ledger and marks.
    pub fn of(status: Status) -> Self {
        Self {
            status,
            outcome: None,
            problem: None,
            note: None,
            forget: Vec::new(),
            settles: Settles::Nothing,
            pending: Vec::new(),
            exactly: None,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Settles {
    #[default]
    Nothing,
    Dates(BTreeSet<NaiveDate>),
    Everything,
}

/// A step of the definition that has not followed its inputs yet; it outlives runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pending {
    /// `gold.daily_store_sales`.
    pub step: String,
    /// None stands for the whole table.
    pub date: Option<NaiveDate>,
}

impl Pending {
    /// Marks for one step over a scope.
    pub fn over(step: &str, scope: &RunScope) -> Vec<Pending> {
        match scope {
            RunScope::All => vec![Pending { step: step.to_owned(), date: None }],
            RunScope::Dates(dates) => {
                dates.iter().map(|date| Pending { step: step.to_owned(), date: Some(*date) }).collect()
            }
        }
    }
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub pipeline: String,
    pub status: Status,
    /// Begin of its first attempt.
    pub started_at: Option<DateTime<Utc>>,
}

/// Absent fields match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    pub pipeline: Option<String>,
    pub environment: Option<String>,
    /// Any of these; all when empty.
    pub statuses: Vec<Status>,
}

/// What a person or a schedule asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    pub at: DateTime<Utc>,
    pub by: String,
    /// `run`, `undo`, `replay`, `resume`, `end`, `cancel`, `recover`, `unlock`, `lock`, `schedule`, `clear`.
    pub what: String,
    /// Empty where it is about an environment alone.
    pub pipeline: String,
    pub environment: String,
    pub run: Option<String>,
    pub reason: String,
    /// What it was about as it was before: `status`, `guard`, or a table's id, each with its word or version.
    #[serde(default)]
    pub before: BTreeMap<String, String>,
    #[serde(default)]
    pub after: BTreeMap<String, String>,
}

/// A spell in which one person may write in a locked environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlock {
    pub environment: String,
    pub by: String,
    pub at: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub reason: String,
}

/// A run that did dates to their end, and the definition that it did them with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    pub run: String,
    pub digest: String,
}

/// How long a step of a past run took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    pub run: String,
    pub step: String,
    pub milliseconds: u64,
    /// How many dates it replaced; none for a whole table.
    pub dates: Option<u32>,
}

/// One attempt among those that worked on the same tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub run: String,
    pub attempt: u32,
    pub status: Status,
    /// Steps that began in it.
    pub steps: Vec<TurnStep>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TurnStep {
    pub step: String,
    pub status: Status,
    pub outcome: Option<StepOutcome>,
}

/// The journal before and after one attempt, as far as the attempt changed it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Around {
    pub pending_before: BTreeSet<Pending>,
    pub pending_after: BTreeSet<Pending>,
    /// Files by source and path that it entered or forgot, with their entries before; none for an unknown file.
    pub files_before: BTreeMap<(String, String), Option<LedgerEntry>>,
}

/// What the journal knows of a table for the overview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableState {
    pub layer: Layer,
    pub table: String,
    pub run: String,
    pub status: Status,
    pub at: DateTime<Utc>,
    /// Of the whole table where its last step knew them, else of what that step wrote.
    pub rows: Option<u64>,
    pub version: Option<i64>,
}

/// Whether a step of this status needs no further attempt; a skip counts when it has an outcome.
pub fn is_done(status: Status, has_outcome: bool) -> bool {
    match status {
        Status::Succeeded | Status::Flagged => true,
        Status::Skipped => has_outcome,
        Status::Queued | Status::Running | Status::Failed | Status::Cancelled => false,
    }
}
