//! What rules said of rows: evaluations, verdicts, scores, and what differs between two of them.

use serde::{Deserialize, Serialize};

/// One evaluation of a table's ruleset, by a step of a run or by a look at the table as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Evaluation {
    /// `silver.sales`, below its pipeline.
    pub table: String,
    /// The file of the rules, below the pipeline's folder.
    pub ruleset: String,
    /// The rows' dates; absent when the whole table was judged.
    pub dates: Option<DateSpan>,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows: u64,
    /// Rows that made at least one rule fail.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub failing: u64,
    pub score: Score,
    /// In the order of the ruleset.
    pub verdicts: Vec<RuleVerdict>,
}

/// Dates that were judged together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DateSpan {
    pub first: String,
    pub last: String,
    /// How many; those between may be missing.
    pub count: u32,
}

/// Rules by their outcome. The score is `passed / (passed + failed)`; without either there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Score {
    pub passed: u32,
    pub failed: u32,
    /// Not evaluated on this machine; they count for nothing.
    pub unknown: u32,
}

impl Score {
    /// From 0 to 1.
    pub fn share(self) -> Option<f64> {
        let known = self.passed + self.failed;
        (known > 0).then(|| f64::from(self.passed) / f64::from(known))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RuleVerdict {
    /// From 1, in the order of the ruleset.
    pub number: u32,
    /// In canonical text, without labels.
    pub rule: String,
    pub severity: Severity,
    /// `completeness`, `accuracy`, `uniqueness`, `consistency` or `timeliness`, or what its label says.
    pub dimension: String,
    pub outcome: RuleOutcome,
    pub evaluated: RulePlace,
    /// Why it was not evaluated here, or why the service may say otherwise.
    pub caution: Option<String>,
    /// Why it did not pass.
    pub reason: Option<String>,
    pub metrics: Vec<MetricValue>,
    /// Absent for a rule that says nothing of single rows.
    pub rows: Option<RowTally>,
    pub labels: Vec<RuleLabel>,
}

/// What a failed rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is published.
    Error,
    /// The table is published, and the run is flagged.
    Warn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "lowercase")]
pub enum RuleOutcome {
    Passed,
    Failed,
    /// Not evaluated here: nothing is known, and nothing is stopped.
    Unknown,
}

/// Where a rule can be evaluated, and how far the answer is the service's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum RulePlace {
    Local,
    RemoteOnly,
    MayDiffer,
}

/// A measured number as text, by the name that the service gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MetricValue {
    pub name: String,
    /// Decimal text, or `NaN`, `inf`, `-inf`.
    pub value: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RowTally {
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub passed: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub failed: u64,
    /// Rows of which the rule says nothing.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub skipped: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RuleLabel {
    pub key: String,
    pub value: String,
}

/// An evaluation as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct EvaluationRow {
    pub run: String,
    pub attempt: u32,
    pub at: String,
    /// Whether the rows that were judged became the table's.
    pub published: bool,
    pub evaluation: Evaluation,
}

/// The score of one date in one evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DateScore {
    /// Absent for a table without dates, and for rows without one.
    pub date: Option<String>,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub failing: u64,
    /// A rule that judges rows counts as failed on the dates that have failing rows of it.
    pub score: Score,
}

/// One line of a table's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ScoreRow {
    pub run: String,
    pub attempt: u32,
    pub at: String,
    pub published: bool,
    pub dates: Option<DateSpan>,
    /// Of the date that was asked for, else of all.
    pub score: DateScore,
}

/// Failing rows of one rule on one date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct FailingCount {
    pub rule: u32,
    pub date: Option<String>,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows: u64,
}

/// What differs between the verdicts of two runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct QualityComparison {
    pub before: String,
    pub after: String,
    pub tables: Vec<TableComparison>,
    /// Tables that only one of the runs judged.
    pub only_before: Vec<String>,
    pub only_after: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TableComparison {
    pub table: String,
    pub score_before: Score,
    pub score_after: Score,
    /// Columns that tell rows apart.
    pub key: Vec<String>,
    /// Rules in either run whose verdict or failing rows differ, in the order of the later ruleset.
    pub rules: Vec<RuleComparison>,
    /// Rules of both runs in which nothing differs.
    pub unchanged: u32,
    /// Why rows are not compared, where they are not.
    pub rows_left_out: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RuleComparison {
    pub rule: String,
    /// Absent where the run has no such rule.
    pub before: Option<RuleOutcome>,
    pub after: Option<RuleOutcome>,
    /// Rows, by key, that fail in the later run alone.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub newly_failing: u64,
    /// Rows, by key, that fail in the earlier run alone.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub cured: u64,
    /// Keys of the first of them, in the order of `key`.
    pub newly_failing_examples: Vec<Vec<Option<String>>>,
    pub cured_examples: Vec<Vec<Option<String>>>,
}
