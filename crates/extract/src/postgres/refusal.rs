//! A server's error without values: what, never which value.

use assay_postgres::reason;

/// A failed statement while `table` was read.
pub(crate) fn query(table: &str) -> impl FnOnce(tokio_postgres::Error) -> crate::ExtractError {
    let table = table.to_owned();
    move |error| {
        let (reason, source) = reason(error);
        crate::ExtractError::Query { table, reason, source }
    }
}
