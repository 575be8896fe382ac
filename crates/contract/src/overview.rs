//! The Pipelines screen: the four layers of each pipeline side by side.

use crate::{RunRow, Status};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Overview {
    /// Name of the workspace's folder, and its path.
    pub workspace: String,
    pub root: String,
    pub environment: String,
    /// `open`, `confirm` or `locked`.
    pub guard: String,
    pub pipelines: Vec<PipelineCard>,
    /// Definitions that could not be read: file and what is wrong.
    pub broken: Vec<crate::Problem>,
    pub running: u32,
    pub queued: u32,
    pub now: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PipelineCard {
    pub name: String,
    pub description: String,
    /// When it runs by itself, in words: `Every 4 hours`, `When files arrive`; absent when it runs only when asked.
    pub schedule: Option<String>,
    /// The scheduled time that is due, or the next one; absent without a schedule.
    #[serde(default)]
    pub next_run: Option<String>,
    /// A scheduled run was due and has not started for longer than its grace.
    #[serde(default)]
    pub late: bool,
    pub last_run: Option<RunRow>,
    /// Newest first, at most 24.
    pub recent: Vec<RunRow>,
    /// Bronze, silver, gold, warehouse.
    pub layers: Vec<LayerCell>,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub quarantined: u64,
    /// Business dates found in the sources, oldest first; the last 60.
    pub dates: Vec<String>,
    /// Those of all dates whose sources no run has read in their present content, oldest first;
    /// absent when the engine has not compared them.
    pub new_dates: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LayerCell {
    pub layer: String,
    pub tables: Vec<TableCell>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TableCell {
    /// `pipeline.layer.table`.
    pub id: String,
    pub name: String,
    /// Of the last step that touched it; absent when none did.
    pub status: Option<Status>,
    /// Absent when the table does not exist yet.
    #[cfg_attr(feature = "specta", specta(type = Option<u32>))]
    pub rows: Option<u64>,
    /// Time of its last change.
    pub changed: Option<String>,
    pub version: Option<u32>,
}
