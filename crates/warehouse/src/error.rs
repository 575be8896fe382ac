//! What can go wrong between Assay and PostgreSQL, in words for the operator.

use crate::refusal::{Refusal, STAGING};
use assay_pipeline::permit::PermitError;
use assay_postgres::NoConnection;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum WarehouseError {
    #[error(
        "the private warehouse cannot start: the PostgreSQL programs initdb, pg_ctl and postgres were not found in \
         {searched}. Install them (Debian, Ubuntu: `apt-get install postgresql`; Fedora, Red Hat: `dnf install \
         postgresql-server`; macOS: `brew install postgresql@17`), or give the environment a warehouse URL"
    )]
    ProgramsMissing { searched: String },

    #[error("the private warehouse below {} did not start: {reason}", folder.display())]
    Start { folder: PathBuf, reason: String, source: Option<io::Error> },

    #[error("the private warehouse below {} still runs, it did not stop: {reason}", folder.display())]
    Stop { folder: PathBuf, reason: String },

    #[error("no connection to the warehouse at {}, nothing was changed: {}", .0.place, .0.reason)]
    Connect(#[from] NoConnection),

    /// The server's own error is not attached as a source: its DETAIL and CONTEXT hold cell values.
    #[error("PostgreSQL refused {action}, nothing was changed: {refusal}")]
    Refused { action: String, refusal: Refusal },

    #[error("the warehouse table {table} does not fit, nothing was changed: {}", problems.join("; "))]
    Schema { table: String, problems: Vec<String> },

    #[error(
        "the warehouse table {table} holds version {held} of the lake's table, newer than version {offered} of this \
         load; nothing was changed. Start the run again"
    )]
    Newer { table: String, held: i64, offered: i64 },

    #[error("{action} was interrupted, {state}: {reason}")]
    Interrupted { action: String, reason: String, state: TableState, source: Option<Box<dyn Error + Send + Sync>> },

    #[error(transparent)]
    Permit(#[from] PermitError),
}

/// What an interrupted action left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableState {
    /// As it was before.
    Unchanged,
    /// Either as before or fully loaded; the load log knows, and the next load reads it first.
    Unknown,
    /// Fully loaded; what came after the load is missing.
    Loaded,
}

impl fmt::Display for TableState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TableState::Unchanged => "nothing was changed",
            TableState::Loaded => {
                "the table is fully loaded and was not compared with the lake (run again: it is then)"
            }
            TableState::Unknown => {
                "the table is either as before or fully loaded (run again: the next load reads the load log first)"
            }
        })
    }
}

impl WarehouseError {
    /// Sorts an error of the driver: the server refused, or the connection broke and nothing was committed.
    pub(crate) fn of(action: &str, columns: &[String], error: tokio_postgres::Error) -> Self {
        Self::in_copy(action, columns, STAGING, error)
    }

    /// The same error, met when the load had been committed.
    pub fn after_load(self) -> Self {
        match self {
            Self::Interrupted { action, reason, source, .. } => {
                Self::Interrupted { action, reason, source, state: TableState::Loaded }
            }
            other => other,
        }
    }

    /// As [`WarehouseError::of`], while rows are copied into this table.
    pub(crate) fn in_copy(action: &str, columns: &[String], table: &str, error: tokio_postgres::Error) -> Self {
        let refusal = error.as_db_error().map(|db| Refusal::in_copy(db, columns, table));
        match (error.as_db_error(), refusal) {
            (Some(db), Some(refusal)) if !crate::refusal::ends_connection(db.code()) => {
                WarehouseError::Refused { action: action.to_owned(), refusal }
            }
            (_, Some(refusal)) => interrupted(action, refusal.to_string(), None),
            (_, None) => interrupted(action, error.to_string(), Some(Box::new(error))),
        }
    }
}

fn interrupted(action: &str, reason: String, source: Option<Box<dyn Error + Send + Sync>>) -> WarehouseError {
    WarehouseError::Interrupted { action: action.to_owned(), reason, state: TableState::Unchanged, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_after_a_load_does_not_say_that_nothing_was_changed() {
        let broken = || interrupted("measuring shop.daily", "connection closed".to_owned(), None);
        assert!(broken().to_string().contains("nothing was changed"));
        let told = broken().after_load().to_string();
        assert!(told.contains("fully loaded") && !told.contains("nothing was changed"), "{told}");
    }
}
