//! Why a test's own machinery failed.

use std::path::PathBuf;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum TestkitError {
    #[error("{} cannot be used by the test: {source}", .path.display())]
    Path { path: PathBuf, source: std::io::Error },
    #[error("the oracle cannot read {file}: {why}")]
    Unreadable { file: String, why: String },
    #[error("the frame cannot be turned into text: {0}")]
    Frame(#[from] polars::error::PolarsError),
    #[error("column {column} has the type {kind}, for which no canonical text is defined")]
    Kind { column: String, kind: String },
    #[error("the program `assay` is not at {}: build it with `cargo build -p assay-cli`, or set ASSAY_BIN", .0.display())]
    NoProgram(PathBuf),
    #[error("these tests need the PostgreSQL programs initdb and postgres: install postgresql")]
    NoServer,
    #[error("the emulator {what} does not work: {why}")]
    Emulator { what: String, why: String },
    #[error("the test's own request to the S3 server failed: {0}")]
    S3(#[from] object_store::Error),
    #[error("`assay {arguments}` did not end within {seconds} s and was killed; its output so far:\n{output}")]
    Timeout { arguments: String, seconds: u64, output: String },
}

impl TestkitError {
    /// For `map_err`: names the path that the failure is about.
    pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Path { path, source }
    }
}
