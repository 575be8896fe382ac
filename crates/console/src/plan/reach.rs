//! Which dates a step has to do, while a plan is drawn.

use crate::plan::RunScope;
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// Grows by joining: nothing, then whatever a step before it may bring, then dates (none of them for a table that is only built whole), then everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Reach {
    #[default]
    Nothing,
    /// Only if a step before it changes something.
    Follows,
    Dates(BTreeSet<NaiveDate>),
    All,
}

impl Reach {
    pub(crate) fn of(scope: &RunScope) -> Self {
        match scope {
            RunScope::All => Self::All,
            RunScope::Dates(dates) => Self::Dates(dates.iter().copied().collect()),
        }
    }

    pub(crate) fn join(&mut self, other: &Reach) {
        match (&mut *self, other) {
            (Self::All, _) | (_, Self::Nothing) | (Self::Dates(_), Self::Follows) => {}
            (Self::Dates(mine), Self::Dates(theirs)) if mine == theirs => {}
            (Self::Dates(mine), Self::Dates(theirs)) => mine.extend(theirs),
            (mine, other) => *mine = other.clone(),
        }
    }

    /// The dates of it between these two, inclusive; everything stays everything.
    pub(crate) fn between(&mut self, range: Option<(NaiveDate, NaiveDate)>) {
        if let (Self::Dates(dates), Some((from, to))) = (&mut *self, range) {
            dates.retain(|date| (from..=to).contains(date));
        }
    }

    /// None when there is nothing to do.
    pub(crate) fn scope(&self) -> Option<RunScope> {
        match self {
            Self::Nothing => None,
            Self::Follows => Some(RunScope::Dates(Vec::new())),
            Self::Dates(dates) => Some(RunScope::Dates(dates.iter().copied().collect())),
            Self::All => Some(RunScope::All),
        }
    }
}
