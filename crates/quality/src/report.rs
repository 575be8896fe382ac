//! What an evaluation gave: a verdict for each rule, statistics, the score.

use assay_dqdl::tree::Label;
use std::collections::BTreeMap;

/// Verdicts in the order of the ruleset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    pub verdicts: Vec<Verdict>,
    /// What rules and analyzers measured, for `last(k)` and for histories.
    pub statistics: Vec<Statistic>,
    /// Rows that were read.
    pub rows: u64,
    /// Rows that made at least one rule fail; none when rows were only counted.
    pub failing: Option<u64>,
}

/// What evaluating one rule gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The rule in canonical text, by which it is known to the service too.
    pub rule: String,
    /// The same with numbers in the place of earlier values; none for a rule that compares with none.
    pub resolved: Option<String>,
    pub outcome: Outcome,
    pub evaluated: Evaluated,
    /// Why it did not pass, in words without a cell's value.
    pub reason: Option<String>,
    /// By the names that the service gives them.
    pub metrics: BTreeMap<String, f64>,
    /// Rows by what the rule says of them; none for a rule without row meaning.
    pub rows: Option<RowCounts>,
    pub labels: Vec<Label>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    /// It was not evaluated here, so nothing is known.
    Unknown,
}

/// Where a rule can be evaluated, and how far the answer is the service's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluated {
    Local,
    /// The service alone can evaluate it, for this reason.
    RemoteOnly(String),
    /// Evaluated here; the service may say otherwise, for this reason.
    MayDiffer(String),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCounts {
    pub passed: u64,
    pub failed: u64,
    /// Rows of which the rule says nothing.
    pub skipped: u64,
}

/// One measured number of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistic {
    /// `Column.price.Mean`.
    pub metric: String,
    /// The rule's `where`, verbatim.
    pub filter: Option<String>,
    pub value: f64,
}

impl Report {
    /// Passed rules by all rules that have an outcome, 0 to 1; none when there is no such rule.
    pub fn score(&self) -> Option<f64> {
        let known = self.verdicts.iter().filter(|verdict| verdict.outcome != Outcome::Unknown);
        let (mut passed, mut all) = (0u32, 0u32);
        for verdict in known {
            all += 1;
            passed += u32::from(verdict.outcome == Outcome::Passed);
        }
        (all > 0).then(|| f64::from(passed) / f64::from(all))
    }
}
