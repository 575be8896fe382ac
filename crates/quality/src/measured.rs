//! What was measured, for rules to judge.

use crate::draft::{Complete, KeysId, MeasureId, QueryId, RowsId};
use crate::keys::Occurrences;
use crate::report::RowCounts;
use polars::prelude::DataFrame;

/// Answers to everything that a draft asked.
pub(crate) struct Measured {
    pub numbers: Vec<Option<f64>>,
    pub keys: Vec<Occurrences>,
    /// Of the rows that each test's filter keeps.
    pub rows: Vec<RowCounts>,
    /// The same after the fates of the tests; none where all are as they were asked.
    pub settled: Option<Vec<RowCounts>>,
    /// What rules show of other rules' metrics.
    pub complete: Vec<Complete>,
    /// The frame, or why there is none.
    pub queries: Vec<Result<DataFrame, String>>,
}

impl Measured {
    /// The number; none when no row has a value.
    pub fn number(&self, id: MeasureId) -> Option<f64> {
        self.numbers.get(id.0).copied().flatten()
    }

    /// A count; 0 where nothing was counted.
    pub fn count(&self, id: MeasureId) -> f64 {
        self.number(id).unwrap_or_default()
    }

    pub fn keys(&self, id: KeysId) -> &Occurrences {
        &self.keys[id.0]
    }

    /// Rows by what the test says, those left out by its filter not counted.
    pub fn rows(&self, id: RowsId) -> RowCounts {
        self.rows[id.0]
    }

    /// Rows by what is said of them in the end.
    pub fn settled(&self, id: RowsId) -> RowCounts {
        self.settled.as_ref().map_or_else(|| self.rows(id), |rows| rows[id.0])
    }

    /// A share of rows with a value that a rule of the ruleset takes.
    pub fn complete(&self, metric: &str) -> Option<f64> {
        let shares = self.complete.iter().filter(|known| known.metric == metric);
        let share =
            |known: &Complete| Some(self.count(known.present) / self.number(known.rows).filter(|rows| *rows > 0.0)?);
        shares.rev().find_map(share)
    }

    pub fn query(&self, id: QueryId) -> Result<&DataFrame, &str> {
        self.queries[id.0].as_ref().map_err(String::as_str)
    }
}
