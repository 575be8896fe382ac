//! What rules said of the rows of steps: the part of the journal that keeps it, and what is decided from it.

pub mod compare;
pub mod retention;
pub mod score;

use crate::journal::StepKey;
use assay_contract::{DateScore, DateSpan, Evaluation, EvaluationRow, FailingCount, Problem, ScoreRow};
use chrono::{DateTime, NaiveDate, Utc};

/// The journal of verdicts. Blocking; every method is one transaction.
pub trait Verdicts: Send + Sync {
    /// Before the rows that were judged are published. An earlier evaluation by the same step of the same attempt
    /// gives way. Refused (`Conflict`) when the run is not in the journal.
    fn record_evaluation(&self, step: &StepKey<'_>, judged: &Judged, at: DateTime<Utc>) -> Result<(), Problem>;
    /// Of each step of a run the newest, in the order in which they were made.
    fn evaluations(&self, run: &str) -> Result<Vec<EvaluationRow>, Problem>;
    /// Failing rows by rule and date of a step's newest evaluation in a run.
    fn failing_counts(&self, run: &str, table: &str) -> Result<Vec<FailingCount>, Problem>;
    /// Scores by date of a step's newest evaluation in a run, oldest date first.
    fn date_scores(&self, run: &str, table: &str) -> Result<Vec<DateScore>, Problem>;
    /// A table's evaluations, newest first; with a date those that judged rows of it.
    fn scores(
        &self,
        home: (&str, &str),
        table: &str,
        date: Option<NaiveDate>,
        limit: u32,
    ) -> Result<Vec<ScoreRow>, Problem>;
    /// Earlier values of a statistic, newest first.
    fn past_statistics(&self, ask: &PastAsk<'_>) -> Result<Vec<f64>, Problem>;
}

/// An evaluation with everything that the journal keeps of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    pub evaluation: Evaluation,
    /// By date, oldest first; one entry without a date for a whole table.
    pub scores: Vec<DateScore>,
    /// Only where there are failing rows.
    pub failing: Vec<FailingCount>,
    pub statistics: Vec<Statistic>,
}

/// A measured number of the rows that were judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistic {
    /// `Column.price.Mean`.
    pub metric: String,
    /// The rule's `where`, verbatim.
    pub filter: Option<String>,
    /// Not finite ones are not kept: no later value can be compared with them.
    pub value: f64,
}

/// Which earlier values of a statistic are comparable with the one of today.
///
/// Only evaluations whose rows were published count. Those of dates: over as many dates as today and ending before
/// today's last one, and of several over the same dates the newest; so a date that is done again is compared with the
/// dates before it, as it was the first time. Those of whole tables: of other runs.
#[derive(Debug, Clone, PartialEq)]
pub struct PastAsk<'a> {
    pub pipeline: &'a str,
    pub environment: &'a str,
    /// `silver.sales`.
    pub table: &'a str,
    pub run: &'a str,
    /// None for a whole table.
    pub dates: Option<DateSpan>,
    pub metric: &'a str,
    pub filter: Option<&'a str>,
    pub count: u32,
}

/// The span of dates that are judged together.
pub fn span(dates: &[NaiveDate]) -> Option<DateSpan> {
    let (first, last) = (dates.iter().min()?, dates.iter().max()?);
    Some(DateSpan { first: first.to_string(), last: last.to_string(), count: u32::try_from(dates.len()).ok()? })
}
