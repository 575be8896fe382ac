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
    /// What becomes of `rows`; none where it is as the test says.
    pub fate: Option<Fates>,
}

/// Tells from what was measured what becomes of what a rule says of rows.
pub(crate) type Fates = Box<dyn Fn(&Measured) -> Fate>;

/// What becomes of what a rule says of rows: the open evaluator forgets it where it has no metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    AsTested,
    /// Every row fails.
    Fails,
    /// Nothing is said of any row.
    Silent,
    /// Another test is asked instead.
    As(RowsId),
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
    /// Why the service may say otherwise, as the values show.
    pub differs: Option<String>,
    /// Why only the service can say, as the values show; nothing else of the finding counts then.
    pub remote: Option<String>,
}

/// Why a rule has no judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It fails whatever the rows hold, for this reason.
    Failed(String),
    /// It fails because the data has not the column that it is about, or one of another type.
    Unfit(String),
    /// It fails because SQL refuses what it asks; to the open evaluator all rules fail then that are read in one pass.
    Unread(String),
    /// Only the service can evaluate it, for this reason.
    RemoteOnly(String),
}

impl Planned {
    /// A rule on the dataset as a whole.
    pub fn whole(judge: impl FnOnce(&Measured) -> Finding + 'static) -> Self {
        Self { judge: Box::new(judge), rows: None, differs: None, fate: None }
    }

    /// A rule that also says something of each row.
    pub fn by_row(rows: RowsId, judge: impl FnOnce(&Measured) -> Finding + 'static) -> Self {
        Self { judge: Box::new(judge), rows: Some(rows), differs: None, fate: None }
    }

    pub fn may_differ(mut self, reason: impl Into<String>) -> Self {
        self.differs = Some(reason.into());
        self
    }

    /// The same rule, what it says of rows depending on what is measured where a fate is given.
    pub fn fated(self, fate: Option<Fates>) -> Self {
        Self { fate, ..self }
    }

    /// The same rule, saying nothing of rows.
    pub fn silent(self) -> Self {
        Self { rows: None, ..self }
    }
}

impl Finding {
    pub fn passed(metrics: Vec<(String, f64)>) -> Self {
        Self { passed: true, reason: None, metrics, differs: None, remote: None }
    }

    pub fn failed(reason: impl Into<String>, metrics: Vec<(String, f64)>) -> Self {
        Self { passed: false, reason: Some(reason.into()), metrics, differs: None, remote: None }
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

    /// No row has a value to measure. A `where` that leaves nothing to measure violates nothing.
    pub fn empty(what: &str, of: &str, filtered: bool) -> Self {
        match filtered {
            true => Self::passed(Vec::new()),
            false => {
                let reason = format!("Empty state for analyzer {what}({of},None,None), all input values were NULL.");
                Self::failed(reason, Vec::new())
            }
        }
    }

    /// Not known after all, because only the service can say.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self { remote: Some(reason.into()), ..Self::passed(Vec::new()) }
    }

    pub fn may_differ(mut self, reason: impl Into<String>) -> Self {
        self.differs = Some(reason.into());
        self
    }

    /// This and another, both of which must pass.
    pub fn and(self, other: Self) -> Self {
        let reasons: Vec<String> = [self.reason, other.reason].into_iter().flatten().collect();
        Self {
            passed: self.passed && other.passed,
            reason: (!reasons.is_empty()).then(|| reasons.join("\n")),
            metrics: self.metrics.into_iter().chain(other.metrics).collect(),
            differs: self.differs.or(other.differs),
            remote: self.remote.or(other.remote),
        }
    }
}

impl Refusal {
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }

    pub fn unfit(reason: impl Into<String>) -> Self {
        Self::Unfit(reason.into())
    }

    pub fn unread(reason: impl Into<String>) -> Self {
        Self::Unread(reason.into())
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
