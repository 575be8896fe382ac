//! Why an evaluation as a whole could not be done. A rule that cannot be evaluated is a verdict, not an error.

use polars::prelude::PolarsError;

#[derive(Debug, thiserror::Error)]
pub enum QualityError {
    #[error("the rows could not be read, so no rule has a verdict: {source}")]
    Unreadable {
        #[source]
        source: PolarsError,
    },
    #[error("evaluating the rules was cancelled; nothing of it was kept")]
    Cancelled,
}
