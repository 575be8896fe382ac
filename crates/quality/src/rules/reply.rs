//! What planning a rule gives: how to judge it, or why it is not judged.

use crate::draft::RowsId;
use crate::measured::Measured;

/// A planned rule.
pub(crate) struct Planned {
    pub judge: Judge,
    /// What the rule says of rows; none for a rule without row meaning.
    pub rows: Option<RowsId>,
    /// Why the service may say otherwise.
    pub differs: Option<String>,
}

/// Turns what was measured into a finding.
pub(crate) type Judge = Box<dyn FnOnce(&Measured) -> Finding>;

/// Whether a rule passed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    pub passed: bool,
    /// Why not; also what a passed rule has to say.
    pub reason: Option<String>,
    pub metrics: Vec<(String, f64)>,
}

/// Why a rule has no judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It fails whatever the rows hold, for this reason.
    Failed(String),
    /// Only the service can evaluate it, for this reason.
    RemoteOnly(String),
}

impl Planned {
    /// A rule on the dataset as a whole.
    pub fn whole(judge: impl FnOnce(&Measured) -> Finding + 'static) -> Self {
        Self { judge: Box::new(judge), rows: None, differs: None }
    }

    /// A rule that also says something of each row.
    pub fn by_row(rows: RowsId, judge: impl FnOnce(&Measured) -> Finding + 'static) -> Self {
        Self { judge: Box::new(judge), rows: Some(rows), differs: None }
    }

    pub fn may_differ(mut self, reason: impl Into<String>) -> Self {
        self.differs = Some(reason.into());
        self
    }
}

impl Finding {
    pub fn passed(metrics: Vec<(String, f64)>) -> Self {
        Self { passed: true, reason: None, metrics }
    }

    pub fn failed(reason: impl Into<String>, metrics: Vec<(String, f64)>) -> Self {
        Self { passed: false, reason: Some(reason.into()), metrics }
    }

    /// By whether `value` meets the constraint; the reason is the service's.
    pub fn of(met: bool, value: f64, metrics: Vec<(String, f64)>) -> Self {
        match met {
            true => Self::passed(metrics),
            false => Self::failed(unmet(&shown(value)), metrics),
        }
    }

    /// As `of`, for a count: the service writes it without a fraction.
    pub fn of_count(met: bool, value: f64, metrics: Vec<(String, f64)>) -> Self {
        match met {
            true => Self::passed(metrics),
            false => Self::failed(unmet(&format!("{value:.0}")), metrics),
        }
    }

    /// No row has a value to measure.
    pub fn empty(metric: &str) -> Self {
        Self::failed(format!("Empty state for {metric}, all input values were NULL."), Vec::new())
    }
}

impl Refusal {
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }

    pub fn remote(reason: impl Into<String>) -> Self {
        Self::RemoteOnly(reason.into())
    }
}

pub(crate) fn unmet(value: &str) -> String {
    format!("Value: {value} does not meet the constraint requirement!")
}

/// A number as the service writes a double: `1.0`, `0.5`, `1.0E10`, `NaN`.
pub(crate) fn shown(value: f64) -> String {
    assay_sql::spark::double_text(value)
}
