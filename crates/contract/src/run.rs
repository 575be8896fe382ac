//! Runs, their steps and their logs.

use crate::Problem;
use serde::{Deserialize, Serialize};

/// Of a run, an attempt or a step. `Flagged` finished with a failed rule and is never shown green.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Queued,
    Running,
    Succeeded,
    Flagged,
    Failed,
    Cancelled,
    Skipped,
}

/// `read = accepted + quarantined + blank + elsewhere`; `elsewhere` are records of dates outside the run,
/// met in files that also hold its dates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Counts {
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub read: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub accepted: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub quarantined: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub blank: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub elsewhere: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RunRow {
    pub id: String,
    pub pipeline: String,
    pub environment: String,
    pub status: Status,
    /// Stages in order.
    pub stages: Vec<String>,
    /// `14 dates, 2026-11-01 to 2026-11-14`, or `undo of RUN`.
    pub dates: String,
    pub attempt: u32,
    pub queued_at: String,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    pub steps_done: u32,
    pub steps_total: u32,
    /// Steps done over all while it runs; a running step counts by its own share.
    pub progress: Option<Share>,
    /// One line of why it failed or was cancelled.
    pub note: Option<String>,
}

/// A share from 0 to 1 in thousandths, so that it never crosses as a float that may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Share {
    pub thousandths: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RunDetail {
    pub run: RunRow,
    pub reason: String,
    pub asked_by: String,
    /// First twelve digits of the definition's digest.
    pub definition: String,
    pub runner: String,
    pub counts: Counts,
    /// Whether the equation of `counts` holds for every file.
    pub balanced: bool,
    pub attempts: Vec<AttemptRow>,
    /// In the order of the plan.
    pub steps: Vec<StepRow>,
    /// Refused records by reason code, most frequent first, at most 50.
    pub reasons: Vec<crate::ReasonCount>,
    pub reconciliation: Vec<Reconciliation>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AttemptRow {
    pub number: u32,
    pub status: Status,
    pub started_at: String,
    pub ended_at: Option<String>,
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct StepRow {
    /// `silver.sales`.
    pub id: String,
    pub stage: String,
    pub table: String,
    pub attempt: u32,
    pub status: Status,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    #[cfg_attr(feature = "specta", specta(type = Option<u32>))]
    pub rows_in: Option<u64>,
    #[cfg_attr(feature = "specta", specta(type = Option<u32>))]
    pub rows_out: Option<u64>,
    #[cfg_attr(feature = "specta", specta(type = Option<u32>))]
    pub quarantined: Option<u64>,
    pub version_before: Option<u32>,
    pub version_after: Option<u32>,
    pub progress: Option<Share>,
    /// Steps that this one reads.
    pub after: Vec<String>,
    pub problem: Option<Problem>,
    /// Why it was skipped or flagged, in one line.
    #[serde(default)]
    pub note: Option<String>,
}

/// Lake against warehouse after a load; numbers are exact decimal text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Reconciliation {
    pub table: String,
    /// `rows`, or the name of a summed column.
    pub measure: String,
    pub lake: String,
    pub warehouse: String,
    pub equal: bool,
    /// The same figure of the rows that the load took out; absent when it took none out or did not load.
    #[serde(default)]
    pub replaced: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LogLine {
    pub at: String,
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    pub attempt: u32,
    /// Step that wrote it; absent for the run itself.
    pub step: Option<String>,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LogPage {
    pub lines: Vec<LogLine>,
    /// Index of the first line in `lines` among those that match.
    pub from: u32,
    /// Lines that match the level.
    pub matching: u32,
    /// Lines of other levels, not shown.
    pub hidden: u32,
    /// Lines that the log's limit dropped from the middle.
    pub dropped: u32,
    /// Lines that a killed worker left unfinished and that cannot be read.
    #[serde(default)]
    pub torn: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RunTicket {
    pub run: String,
}
