//! What can go wrong while a source is filled. No text holds a secret, a signed address or a value.

use crate::job::LandJob;
use assay_pipeline::permit::PermitError;
use assay_postgres::NoConnection;
use parquet::errors::ParquetError;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

type Cause = Box<dyn Error + Send + Sync>;

/// Unless a text says otherwise, the source's folder is as it was, and the same run goes on where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    #[error(transparent)]
    Permit(#[from] PermitError),
    #[error("the landing was cancelled; the source's folder is as it was, and resuming the run goes on from here")]
    Cancelled,
    #[error("another run fills the source {source_name} now; nothing was done. Wait for its end and try again")]
    Busy { source_name: String },
    #[error("the source {source_name} cannot be filled: {reason}. Correct the definition; nothing was done")]
    Definition { source_name: String, reason: String },
    #[error("cannot {doing} {path}; the source's folder is as it was. Mend the disk or its rights and run again", path = .path.display())]
    Disk { path: PathBuf, doing: &'static str, source: io::Error },
    #[error("cannot write {path} as Parquet; the source's folder is as it was", path = .path.display())]
    Parquet { path: PathBuf, source: ParquetError },
    #[error("the record {path} is damaged, so it is not known what was landed. Remove it: the next run reads the whole table", path = .path.display())]
    Manifest { path: PathBuf, source: serde_json::Error },

    #[error("there are no credentials for Kaggle: {reason}")]
    Credentials { reason: String },
    #[error("the system's keyring cannot be used: {reason}; nothing was changed there. {otherwise}")]
    Keyring { reason: String, otherwise: &'static str },
    #[error("Kaggle's address is not usable: {reason}; nothing was sent")]
    Address { reason: String },
    #[error("the data set {dataset} could not be downloaded: {reason}; what has arrived is kept. Run again to go on")]
    Download {
        dataset: String,
        reason: String,
        #[source]
        source: Option<Cause>,
    },
    #[error("the data set {dataset} was refused: {reason}")]
    Refused { dataset: String, reason: String },
    #[error("the archive of the data set {dataset} is not taken: {reason}; nothing was landed")]
    Archive {
        dataset: String,
        reason: String,
        #[source]
        source: Option<Cause>,
    },

    #[error(transparent)]
    Connect(#[from] NoConnection),
    #[error("the server stopped reading of {table}: {reason}. The finished pages are kept; resume the run to go on")]
    Query {
        table: String,
        reason: String,
        #[source]
        source: Option<Cause>,
    },
    #[error("the table {table} cannot be landed: {}", .problems.join("; "))]
    Table { table: String, problems: Vec<String> },
    #[error(
        "the column {column} of {table} holds {what} in row {row} of this landing in the order of {key}; such a value \
         has no exact place in a Parquet file. Correct it in the source and run again"
    )]
    Value { table: String, column: String, what: &'static str, row: u64, key: String },
    #[error("DynamoDB did not give {table}: {reason}. The finished pages are kept; resume the run to go on")]
    Scan {
        table: String,
        reason: String,
        #[source]
        source: Option<Cause>,
    },
    #[error(
        "the attribute {attribute} of {table} is declared as {declared} and an item holds {found} (key: {key}). \
         Correct the item or the declaration and run again"
    )]
    Item { table: String, attribute: String, declared: String, found: &'static str, key: String },
}

impl ExtractError {
    pub(crate) fn definition(job: &LandJob<'_>, reason: impl Into<String>) -> Self {
        Self::Definition { source_name: job.source.name.clone(), reason: reason.into() }
    }

    /// For `map_err`: what was being done to which path.
    pub(crate) fn disk(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk { path, doing, source }
    }
}
