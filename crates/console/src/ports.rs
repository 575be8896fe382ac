//! What the console needs of others: a journal, a runner, a clock, ids.

use crate::plan::{PlannedFile, PlannedStep, RunPlan};
use crate::quality::Judged;
use assay_contract::run::Reconciliation;
use assay_contract::{Counts, Problem};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Time and ids; a test sets them.
pub trait Clock: Send + Sync {
    /// What the wall clock shows; somebody may set it back.
    fn now(&self) -> DateTime<Utc>;
    /// Time since a fixed moment of this process; it only goes on.
    fn steady(&self) -> Duration;
    /// A new ULID.
    fn new_id(&self) -> String;
}

/// Finds what is in the sources. Implemented over the lake's folders.
pub trait Sources: Send + Sync {
    /// Files of every source of the pipeline as they lie there now, sorted by path bytes.
    fn files(
        &self,
        plan_pipeline: &assay_pipeline::Pipeline,
        environment: &assay_pipeline::Environment,
    ) -> Result<Vec<PlannedFile>, Problem>;

    /// As [`Sources::files`], for a caller who needs no others than these. It may give more.
    fn files_within(
        &self,
        pipeline: &assay_pipeline::Pipeline,
        environment: &assay_pipeline::Environment,
        within: &Within,
    ) -> Result<Vec<PlannedFile>, Problem> {
        let _ = within;
        self.files(pipeline, environment)
    }

    /// Of files that are gone, those that this very run moved to the dead letters. None where there are no such.
    fn set_aside(
        &self,
        pipeline: &assay_pipeline::Pipeline,
        environment: &assay_pipeline::Environment,
        run: &str,
        gone: &BTreeSet<(String, String)>,
    ) -> Result<BTreeSet<(String, String)>, Problem> {
        let _ = (pipeline, environment, run, gone);
        Ok(BTreeSet::new())
    }
}

/// Some of the files of the sources, so that a look at them costs what they are and not what lies beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Within {
    /// Files in the folders of these dates.
    pub dates: BTreeSet<NaiveDate>,
    /// Files by source and path.
    pub paths: BTreeSet<(String, String)>,
}

/// Source files as they lie there now: all, or those that are asked for and perhaps others.
pub type FilesNow<'a> = dyn Fn(Option<&Within>) -> Result<Vec<PlannedFile>, Problem> + Sync + 'a;

/// Of files that are gone, by source and path, those that the run itself moved to the dead letters.
pub type SetAside<'a> = dyn Fn(&BTreeSet<(String, String)>) -> Result<BTreeSet<(String, String)>, Problem> + Sync + 'a;

/// The tables of the lake as they are now. Their ids are `silver.sales`, `quarantine.sales`, `gold.daily`.
///
/// A plan asks once for all of its tables, however many dates it has.
pub trait Tables: Send + Sync {
    /// The newest version of each; tables that do not exist are left out. Reads no table's list of files.
    fn versions(
        &self,
        pipeline: &str,
        environment: &assay_pipeline::Environment,
        tables: &[String],
    ) -> Result<BTreeMap<String, i64>, Problem>;

    /// What each holds, date by date; tables that do not exist are left out.
    fn contents(
        &self,
        pipeline: &str,
        environment: &assay_pipeline::Environment,
        tables: &[String],
    ) -> Result<BTreeMap<String, TableNow>, Problem>;

    /// Commits after a version, oldest first; every commit that the log still has when there is none.
    fn commits(
        &self,
        pipeline: &str,
        environment: &assay_pipeline::Environment,
        table: &str,
        after: Option<i64>,
    ) -> Result<Vec<TableCommit>, Problem>;

    /// What warehouse tables hold. Nothing is loaded or made for it: a warehouse that does not answer is an error.
    fn loaded(
        &self,
        pipeline: &assay_pipeline::Pipeline,
        environment: &assay_pipeline::Environment,
        asks: &[LoadedAsk<'_>],
    ) -> Result<Vec<Loaded>, Problem>;

    /// What the newest version of a silver table's quarantine holds; none without a quarantine.
    fn refused(
        &self,
        pipeline: &str,
        environment: &assay_pipeline::Environment,
        table: &str,
    ) -> Result<Option<Refused>, Problem>;
}

/// Which rows of a warehouse table are asked for.
#[derive(Debug, Clone, Copy)]
pub struct LoadedAsk<'a> {
    pub table: &'a str,
    /// Date column and dates; all rows when absent.
    pub dates: Option<(&'a str, &'a [NaiveDate])>,
}

/// Rows of a warehouse table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    pub rows: u64,
    /// Of the dates that were asked for.
    pub dated: u64,
    /// They were counted; else they are as the last loads left them.
    pub counted: bool,
}

/// A quarantine's records, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub version: i64,
    pub groups: Vec<RefusedGroup>,
}

/// Refused records that have date, primary reason and source file in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedGroup {
    pub date: Option<NaiveDate>,
    pub reason: String,
    pub path: String,
    pub records: u64,
}

/// A table's newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNow {
    pub version: i64,
    /// Oldest date first, rows without a date last; one entry for a table without partitions.
    pub partitions: Vec<PartitionNow>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionNow {
    pub date: Option<NaiveDate>,
    pub rows: u64,
    pub bytes: u64,
    pub files: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCommit {
    pub version: i64,
    /// The run that made it; none for other programs' commits.
    pub run: Option<String>,
}

/// Carries one step out in this process. Blocking.
///
/// The plan's scope is the one of this step: narrowed to what it has to do, and widened by the dates that the
/// steps before it replaced.
pub trait Runner: Send + Sync {
    fn run(&self, plan: &RunPlan, step: &PlannedStep, context: &StepContext<'_>) -> Result<StepOutcome, Problem>;
}

/// Finds the files that contributed to dates.
pub type FilesOfDates<'a> = dyn Fn(&[NaiveDate]) -> Result<Vec<PlannedFile>, Problem> + Sync + 'a;

/// Paths of a source's files by content tag: those that were read before, are still there, and gave the rows.
pub type ReadBefore<'a> = dyn Fn(&str) -> Result<BTreeMap<String, String>, Problem> + Sync + 'a;

/// What a step may ask and tell while it works.
pub struct StepContext<'a> {
    pub attempt: u32,
    /// Outcomes of the steps done before, of this or an earlier attempt.
    pub earlier: &'a BTreeMap<String, StepOutcome>,
    /// Files of the ledger that contributed to any of these dates, as they lie there now.
    pub files_of_dates: &'a FilesOfDates<'a>,
    /// For sources whose files are read once per content.
    pub read_before: &'a ReadBefore<'a>,
    pub verdicts: &'a dyn StepVerdicts,
    pub watch: &'a dyn StepWatch,
}

/// What a step that judges rows asks of the journal, and tells it.
pub trait StepVerdicts: Sync {
    /// Earlier values of a statistic of the step's table, newest first; see [`crate::quality::PastAsk`].
    fn past(&self, past: &Past<'_>) -> Result<Vec<f64>, Problem>;
    /// To be called before the rows are published. They count as published when the step ends well.
    fn record(&self, judged: &Judged) -> Result<(), Problem>;
}

/// A statistic that is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Past<'a> {
    /// The dates that are judged; none for a whole table.
    pub dates: Option<&'a [NaiveDate]>,
    pub metric: &'a str,
    pub filter: Option<&'a str>,
    pub count: u32,
}

/// Calls must be cheap: they come from inner loops, a few hundred times a second.
pub trait StepWatch: Sync {
    fn cancelled(&self) -> bool;
    fn progress(&self, progress: StepProgress);
    fn log(&self, level: Level, text: &str);
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepProgress {
    pub done: u64,
    /// Same unit as `done` (bytes or rows); 0 while unknown.
    pub total: u64,
    pub counts: Counts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }

    pub fn parse(word: &str) -> Option<Level> {
        [Level::Debug, Level::Info, Level::Warn, Level::Error].into_iter().find(|level| level.as_str() == word)
    }
}

/// What a step did; kept in the journal, read by later steps and by a resumed run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StepOutcome {
    pub rows_in: Option<u64>,
    pub rows_out: Option<u64>,
    /// Rows of the whole table afterwards, where that is more than what the step wrote.
    #[serde(default)]
    pub table_rows: Option<u64>,
    pub quarantined: Option<u64>,
    pub counts: Option<Counts>,
    /// Refused records by reason code.
    pub reasons: BTreeMap<String, u64>,
    /// Dates that were replaced; `None` means the whole table.
    pub dates: Option<Vec<NaiveDate>>,
    pub version_before: Option<i64>,
    pub version_after: Option<i64>,
    /// Newest version of a silver table's quarantine.
    #[serde(default)]
    pub quarantine_version: Option<i64>,
    /// What was read, for the ledger. Only silver steps give entries.
    pub files: Vec<LedgerEntry>,
    /// Files that a feed brought; the steps after it read them besides those of the plan. Only bronze steps give any.
    #[serde(default)]
    pub landed: Vec<PlannedFile>,
    pub reconciliation: Vec<Reconciliation>,
    /// Nothing had to be done: the step counts as skipped, with this reason.
    pub skipped: Option<String>,
    /// A rule failed: the step counts as flagged, with this reason.
    #[serde(default)]
    pub flagged: Option<String>,
    /// What it came to, in one line, where the counts do not say it.
    #[serde(default)]
    pub note: Option<String>,
}

/// A source file as it was read: the same path, size and content tag is never read twice without need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    pub source: String,
    pub path: String,
    pub size: u64,
    pub modified_ns: i64,
    /// Hex xxh3-128 of the bytes (etag on S3).
    pub tag: String,
    pub counts: Counts,
    /// Records accepted or refused as duplicates, by business date.
    pub dates: BTreeMap<NaiveDate, u64>,
}
