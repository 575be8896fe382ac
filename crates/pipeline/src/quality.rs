//! Rules of a table: which ruleset judges it, what a failed rule does, how long failing rows stay.

use crate::names::Layer;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A ruleset in DQDL and the table that it judges. A table has at most one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// Silver or gold.
    pub layer: Layer,
    pub table: String,
    /// Below the pipeline's folder, with `/`.
    pub file: PathBuf,
    /// Whether it is DQDL is judged where the definition is compiled.
    pub text: String,
    /// Other tables by the alias that rules give them.
    pub references: BTreeMap<String, Reference>,
    /// Rules, as DQDL writes them, that flag a run when they fail; every other one stops the publication.
    pub warn: Vec<String>,
}

/// A table that rules look at beside their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub layer: Layer,
    pub table: String,
    /// Only rows of the dates that are judged are seen; otherwise the whole table.
    pub same_dates: bool,
}

/// How long the failing rows of a run are kept. The rows of the newest run always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub days: u32,
    /// Runs of the pipeline that keep theirs.
    pub runs: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 30, runs: 50 }
    }
}

impl Ruleset {
    /// `silver.sales`, as the step that fills the table is named.
    pub fn step(&self) -> String {
        format!("{}.{}", self.layer, self.table)
    }
}
