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

impl Problem {
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), advice: None }
    }

    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Takes the message of an error's source and of every source below it.
    pub fn from_error(kind: ProblemKind, error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string).collect();
        Self { kind, message: error.to_string(), causes, advice: None }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

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
