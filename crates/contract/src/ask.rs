//! Questions and commands, and the answer of each.

use crate::{EvaluationRow, LogPage, Overview, Problem, RunDetail, RunRow, RunTicket, ScopeWord, TableDetail};
use serde::{Deserialize, Serialize};

/// One request. `StartRun` and `CancelRun` change something and carry a request id made by the
/// window: the engine answers a repeated id with its first answer (a reload may send twice).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    Overview,
    Runs {
        pipeline: Option<String>,
        limit: u32,
    },
    Run {
        run: String,
    },
    /// Lines from `from` (0 is the first line that is kept), at most `limit` and at most 1,000. With a level:
    /// lines of that level and of those above it.
    Log {
        run: String,
        from: u32,
        limit: u32,
        level: Option<String>,
    },
    Table {
        table: String,
    },
    /// What rules said of the rows of a run, step by step.
    Verdicts {
        run: String,
    },
    /// Answered with Arrow IPC stream bytes; see [`PageAsk`].
    Page(PageAsk),
    /// Answered with Arrow IPC stream bytes.
    Quarantine(QuarantineAsk),
    StartRun(RunAsk),
    CancelRun {
        request_id: String,
        run: String,
    },
    /// Events flow on this connection from now on.
    Watch,
}

/// A page of a table's rows. The Arrow schema's metadata holds `assay.offset` and, as decimal text,
/// `assay.total` (rows that match the filter in this version).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PageAsk {
    /// `pipeline.layer.table`.
    pub table: String,
    /// Newest when absent.
    pub version: Option<u32>,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub offset: u64,
    /// At most 5,000.
    pub limit: u32,
    /// All when empty.
    pub columns: Vec<String>,
    /// A condition in the language of the gold models.
    pub filter: Option<String>,
}

/// A page of a table's quarantine, newest runs first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct QuarantineAsk {
    pub table: String,
    pub date: Option<String>,
    pub reason: Option<String>,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub offset: u64,
    pub limit: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RunAsk {
    pub request_id: String,
    pub pipeline: String,
    /// Stage names; all when empty.
    pub stages: Vec<String>,
    /// First and last date, inclusive; every date of the sources when both are absent.
    pub from: Option<String>,
    pub to: Option<String>,
    /// `missing` of all dates; `from` and `to` are absent then.
    pub only_new: bool,
    /// Which of the dates; `only_new` decides when absent.
    #[serde(default)]
    pub scope: Option<ScopeWord>,
    pub environment: String,
    /// The environment's name as the person typed it; needed where its guard is `confirm`.
    #[serde(default)]
    pub confirmed: Option<String>,
    pub reason: String,
}

/// What came of an [`Ask`]. `Bytes` says how many bytes follow the frame's header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "value", rename_all = "snake_case")]
pub enum Answer {
    Overview(Overview),
    Runs(Vec<RunRow>),
    Run(Box<RunDetail>),
    Log(LogPage),
    Table(Box<TableDetail>),
    Verdicts(Vec<EvaluationRow>),
    Bytes,
    Ticket(RunTicket),
    Done,
    Problem(Problem),
}
