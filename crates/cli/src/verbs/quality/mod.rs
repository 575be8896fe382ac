//! `assay quality`: rules on tables as they are, failing rows, comparisons, histories, proposals.

mod check;
mod compare;
mod failing;
mod history;
mod suggest;

use crate::args::quality::{QualityArgs, QualityVerb};
use crate::desk::Desk;
use assay_console::quality::{PastAsk, Verdicts, span};
use assay_contract::Problem;
use assay_stages::quality::Past;
use chrono::NaiveDate;

pub fn run(desk: &Desk, args: &QualityArgs, json: bool) -> Result<u8, Problem> {
    match &args.verb {
        QualityVerb::Check(args) => check::run(desk, args, json),
        QualityVerb::Failing(args) => failing::run(desk, args, json),
        QualityVerb::Suggest { table, env } => suggest::run(desk, table, env, json),
        QualityVerb::Compare(args) => compare::run(desk, args, json),
        QualityVerb::History { table, date, limit, env } => history::run(desk, table, *date, *limit, env, json),
    }
}

/// Earlier statistics for a look that is no run.
struct Looked<'a> {
    desk: &'a Desk,
    pipeline: &'a str,
    environment: &'a str,
    /// `silver.sales`.
    table: &'a str,
}

impl Past for Looked<'_> {
    fn past(
        &self,
        dates: Option<&[NaiveDate]>,
        metric: &str,
        filter: Option<&str>,
        count: usize,
    ) -> Result<Vec<f64>, String> {
        let ask = PastAsk {
            pipeline: self.pipeline,
            environment: self.environment,
            table: self.table,
            run: "",
            dates: dates.and_then(span),
            metric,
            filter,
            count: u32::try_from(count).unwrap_or(u32::MAX),
        };
        let found = self.desk.journal().and_then(|journal| journal.past_statistics(&ask));
        found.map_err(|problem| problem.message)
    }
}
