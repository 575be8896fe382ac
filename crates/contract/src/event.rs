//! What happened, never what the window should do about it.

use crate::{LogLine, RunRow, StepRow};
use serde::{Deserialize, Serialize};

/// Sent in batches, at most ten batches a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run began, moved or ended.
    Run {
        run: RunRow,
    },
    /// A step began, counted or ended; progress is in the step's counts.
    Step {
        run: String,
        step: StepRow,
    },
    Log {
        run: String,
        lines: Vec<LogLine>,
    },
    /// A table has a new version.
    Table {
        table: String,
    },
    /// The engine process ended; nothing more comes until the window reconnects.
    Lost {
        reason: String,
    },
}
