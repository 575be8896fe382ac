//! An error as a person reads it.

use serde::{Deserialize, Serialize};

/// What happened, why, and what to do. Never holds a secret or a cell value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Problem {
    pub kind: ProblemKind,
    /// What happened and what state things are in.
    pub message: String,
    /// The chain of reasons, outermost first.
    pub causes: Vec<String>,
    /// What to do.
    pub advice: Option<String>,
}

/// Kinds exist where the window or a script behaves differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The request names something that does not exist or makes no sense.
    Misuse,
    /// A definition or setting is wrong.
    Definition,
    /// Another run holds the pipeline, or the world changed since the plan.
    Conflict,
    /// A person stopped it.
    Cancelled,
    /// A program or package is missing on this machine.
    Missing,
    /// Everything else: files, disk, database, engine.
    Failed,
}
