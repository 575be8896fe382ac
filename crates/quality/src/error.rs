//! Why an evaluation as a whole could not be done. A rule that cannot be evaluated is a verdict, not an error.

use polars::prelude::PolarsError;

#[derive(Debug, thiserror::Error)]
pub enum QualityError {
    #[error("the rows could not be read, so no rule has a verdict: {source}")]
    Unreadable {
        #[source]
        source: PolarsError,
    },
    #[error("the data has a column {column}, which failing rows get too; nothing was evaluated. Rename the column")]
    Reserved { column: String },
    #[error("the failing rows could not be written to {path}, so nothing of the evaluation was kept: {source}")]
    Unwritable {
        path: String,
        #[source]
        source: PolarsError,
    },
    #[error("evaluating the rules was cancelled; nothing of it was kept")]
    Cancelled,
}
