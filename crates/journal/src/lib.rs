//! SQLite: runs, attempts, steps, file ledger, actions. Implements the console's journal port.
//!
//! One file, `.assay/journal.db`, used by several processes at a time: write-ahead log, short immediate
//! transactions, and a wait for others.

mod document;
mod error;
mod open;
mod past;
mod read;
mod verdicts;
mod write;

pub use error::JournalError;

use assay_console::RunPlan;
use assay_console::journal::{
    Action, Around, Created, Journal, Original, Pending, RunFilter, Standing, StepEnd, StepKey, TableState, Timing,
    Turn, Unlock,
};
use assay_console::ports::{LedgerEntry, StepOutcome};
use assay_console::quality::{Judged, PastAsk, Verdicts};
use assay_contract::{DateScore, EvaluationRow, FailingCount, Problem, RunDetail, RunRow, ScoreRow, Status};
use assay_pipeline::read::DefinitionFiles;
use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use write::Change;

/// The journal of a workspace.
#[derive(Debug)]
pub struct SqliteJournal {
    path: PathBuf,
    connection: Mutex<Connection>,
    read_only: bool,
}

impl SqliteJournal {
    /// Opens the journal at `path`, making it and its folder when they are not there. Where they cannot be
    /// written it opens for reading alone, and every change is refused.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Ok(Self::of(path, open::open(path)?))
    }

    /// Opens an existing journal for reading alone.
    pub fn open_read_only(path: &Path) -> Result<Self, JournalError> {
        Ok(Self::of(path, open::open_read_only(path)?))
    }

    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn of(path: &Path, opened: open::Opened) -> Self {
        Self { path: path.to_owned(), connection: Mutex::new(opened.connection), read_only: opened.read_only }
    }

    fn read<T>(&self, question: impl FnOnce(&Connection) -> Change<T>) -> Result<T, Problem> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // A transaction, so that an answer of several queries is of one moment.
        let answer = connection.transaction().map_err(write::ChangeError::from).and_then(|tx| question(&tx));
        answer.map_err(|error| error.at(&self.path).into())
    }

    fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Change<T>) -> Result<T, Problem> {
        if self.read_only {
            return Err(JournalError::ReadOnly { path: self.path.clone() }.into());
        }
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let done = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(write::ChangeError::from)
            .and_then(|tx| {
                let changed = change(&tx)?;
                tx.commit()?;
                Ok(changed)
            });
        done.map_err(|error| error.at(&self.path).into())
    }
}

impl Verdicts for SqliteJournal {
    fn record_evaluation(&self, step: &StepKey<'_>, judged: &Judged, at: DateTime<Utc>) -> Result<(), Problem> {
        self.write(|tx| verdicts::record(tx, step, judged, at))
    }

    fn evaluations(&self, run: &str) -> Result<Vec<EvaluationRow>, Problem> {
        self.read(|connection| verdicts::of_run(connection, run))
    }

    fn failing_counts(&self, run: &str, table: &str) -> Result<Vec<FailingCount>, Problem> {
        self.read(|connection| verdicts::failing(connection, run, table))
    }

    fn date_scores(&self, run: &str, table: &str) -> Result<Vec<DateScore>, Problem> {
        self.read(|connection| verdicts::date_scores(connection, run, table))
    }

    fn scores(
        &self,
        home: (&str, &str),
        table: &str,
        date: Option<NaiveDate>,
        limit: u32,
    ) -> Result<Vec<ScoreRow>, Problem> {
        self.read(|connection| verdicts::scores(connection, home, table, date, limit))
    }

    fn past_statistics(&self, ask: &PastAsk<'_>) -> Result<Vec<f64>, Problem> {
        self.read(|connection| verdicts::past(connection, ask))
    }
}

impl Journal for SqliteJournal {
    fn create_run(&self, plan: &RunPlan, request_id: Option<&str>) -> Result<Created, Problem> {
        self.write(|tx| write::create_run(tx, plan, request_id))
    }

    fn requeue(&self, plan: &RunPlan) -> Result<(), Problem> {
        self.write(|tx| write::requeue(tx, plan))
    }

    fn start_attempt(&self, run: &str, at: DateTime<Utc>) -> Result<u32, Problem> {
        self.write(|tx| write::start_attempt(tx, run, at))
    }

    fn begin_step(&self, step: &StepKey<'_>, pending: &[Pending], at: DateTime<Utc>) -> Result<(), Problem> {
        self.write(|tx| write::begin_step(tx, step, pending, at))
    }

    fn end_step(&self, step: &StepKey<'_>, end: &StepEnd, at: DateTime<Utc>) -> Result<(), Problem> {
        self.write(|tx| write::end_step(tx, step, end, at))
    }

    fn end_run(&self, run: &str, status: Status, note: Option<&str>, at: DateTime<Utc>) -> Result<bool, Problem> {
        self.write(|tx| write::end_run(tx, run, status, note, at))
    }

    fn append_action(&self, action: &Action) -> Result<(), Problem> {
        self.write(|tx| write::append_action(tx, action))
    }

    fn unlock(&self, spell: &Unlock, action: &Action) -> Result<(), Problem> {
        self.write(|tx| write::unlock(tx, spell, action))
    }

    fn keep_definition(&self, digest: &str, files: &DefinitionFiles) -> Result<(), Problem> {
        self.write(|tx| write::keep_definition(tx, digest, files))
    }

    fn run_of_request(&self, request_id: &str) -> Result<Option<String>, Problem> {
        self.read(|connection| write::run_of_request(connection, request_id))
    }

    fn runs(&self, filter: &RunFilter, limit: u32) -> Result<Vec<RunRow>, Problem> {
        self.read(|connection| read::runs(connection, filter, limit))
    }

    fn run(&self, run: &str) -> Result<Option<RunDetail>, Problem> {
        self.read(|connection| read::run(connection, run))
    }

    fn standing(&self, run: &str) -> Result<Option<Standing>, Problem> {
        self.read(|connection| read::standing(connection, run))
    }

    fn plan(&self, run: &str) -> Result<Option<RunPlan>, Problem> {
        self.read(|connection| read::plan(connection, run))
    }

    fn outcomes(&self, run: &str) -> Result<BTreeMap<String, StepOutcome>, Problem> {
        self.read(|connection| read::outcomes(connection, run))
    }

    fn ledger(&self, pipeline: &str, environment: &str) -> Result<Vec<LedgerEntry>, Problem> {
        self.read(|connection| read::ledger(connection, pipeline, environment))
    }

    fn files_of_dates(
        &self,
        pipeline: &str,
        environment: &str,
        dates: &[NaiveDate],
    ) -> Result<Vec<LedgerEntry>, Problem> {
        self.read(|connection| read::files_of_dates(connection, pipeline, environment, dates))
    }

    fn files_below(
        &self,
        pipeline: &str,
        environment: &str,
        source: &str,
        folders: &[String],
    ) -> Result<Vec<LedgerEntry>, Problem> {
        self.read(|connection| read::files_below(connection, (pipeline, environment, source), folders))
    }

    fn dates(&self, pipeline: &str, environment: &str) -> Result<Vec<NaiveDate>, Problem> {
        self.read(|connection| read::dates(connection, pipeline, environment))
    }

    fn pending(&self, pipeline: &str, environment: &str) -> Result<Vec<Pending>, Problem> {
        self.read(|connection| read::pending(connection, pipeline, environment))
    }

    fn actions(&self, limit: u32) -> Result<Vec<Action>, Problem> {
        self.read(|connection| read::actions(connection, limit))
    }

    fn last_action(&self, what: &str, pipeline: &str, environment: &str) -> Result<Option<Action>, Problem> {
        self.read(|connection| read::last_action(connection, what, pipeline, environment))
    }

    fn unlocked(&self, environment: &str, by: &str) -> Result<Option<Unlock>, Problem> {
        self.read(|connection| past::unlocked(connection, environment, by))
    }

    fn definition(&self, digest: &str) -> Result<Option<DefinitionFiles>, Problem> {
        self.read(|connection| past::definition(connection, digest))
    }

    fn original(
        &self,
        pipeline: &str,
        environment: &str,
        between: Option<(NaiveDate, NaiveDate)>,
    ) -> Result<Option<Original>, Problem> {
        self.read(|connection| past::original(connection, pipeline, environment, between))
    }

    fn timings(&self, pipeline: &str, environment: &str, runs: u32) -> Result<Vec<Timing>, Problem> {
        self.read(|connection| past::timings(connection, pipeline, environment, runs))
    }

    fn turns_since(&self, run: &str) -> Result<Vec<Turn>, Problem> {
        self.read(|connection| past::turns_since(connection, run))
    }

    fn around(&self, run: &str, attempt: u32) -> Result<Option<Around>, Problem> {
        self.read(|connection| past::around(connection, run, attempt))
    }

    fn table_states(&self, pipeline: &str, environment: &str) -> Result<Vec<TableState>, Problem> {
        self.read(|connection| read::table_states(connection, pipeline, environment))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use assay_console::suite::sample_plan;

    #[test]
    fn a_full_disk_is_said_and_keeps_nothing_of_the_change() {
        let folder = tempfile::tempdir().unwrap();
        let journal = SqliteJournal::open(&folder.path().join("journal.db")).unwrap();
        journal.create_run(&sample_plan("A", DateTime::UNIX_EPOCH), None).unwrap();
        // SQLite answers a file that may not grow as it answers a disk without space.
        let limit = |pages: u32| {
            let connection = journal.connection.lock().unwrap();
            connection.pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, u32>(0)).unwrap()
        };
        let pages = limit(1);
        let mut plan = sample_plan("B", DateTime::UNIX_EPOCH);
        plan.reason = "x".repeat(100_000);
        let problem = journal.create_run(&plan, Some("q")).unwrap_err();
        assert!(problem.message.starts_with("the disk is full: the journal"), "{problem}");
        assert!(problem.advice.unwrap().contains("assay run --resume"));
        assert_eq!(journal.run("B"), Ok(None));
        assert_eq!(journal.run_of_request("q"), Ok(None));
        assert!(limit(pages + 1000) > pages);
        assert_eq!(journal.create_run(&plan, Some("q")), Ok(Created::New));
    }
}
