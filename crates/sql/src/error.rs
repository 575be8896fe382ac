//! What can go wrong: mistakes in the text, and tables that are not what the text was bound to.

use std::fmt;

use polars::prelude::PolarsError;
use sqlparser::tokenizer::Span;

use crate::catalog::TableRef;
use crate::types::Type;

/// One mistake in a query. Lines and columns count from 1; the width is in characters and at least 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}{}", .suggestion.as_ref().map(|s| format!("; {s}")).unwrap_or_default())]
pub struct SqlError {
    pub line: usize,
    pub column: usize,
    pub width: usize,
    pub message: String,
    /// What to write instead, where that is known, as a sentence without a full stop.
    pub suggestion: Option<String>,
    pub cause: Cause,
}

/// What a mistake is a mistake against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The text is no SQL.
    Syntax,
    /// A table or a column is not there, or is there more than once.
    Name,
    /// The subset or its types: another engine may take it.
    Subset,
}

/// A bound query does not fit the frames it is given.
#[derive(Debug, thiserror::Error)]
pub enum LowerError {
    #[error("table {table} cannot be opened: {source}")]
    Table { table: TableRef, source: PolarsError },
    #[error("table {table} has no column {column} any more; validate the query against the table as it is now")]
    Missing { table: TableRef, column: String },
    #[error(
        "column {column} of table {table} is {found} and was {expected} when the query was checked; \
         validate the query against the table as it is now"
    )]
    Changed { table: TableRef, column: String, expected: Type, found: String },
    #[error("the query cannot be prepared: {0}")]
    Engine(#[from] PolarsError),
}

/// Where something stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub line: usize,
    pub column: usize,
    pub width: usize,
}

impl Place {
    /// An error at this place.
    pub fn error(self, message: impl Into<String>) -> SqlError {
        SqlError {
            line: self.line.max(1),
            column: self.column.max(1),
            width: self.width.max(1),
            message: message.into(),
            suggestion: None,
            cause: Cause::Subset,
        }
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        let (line, column) = (span.start.line as usize, span.start.column as usize);
        // A construct over several lines is underlined at its first character only.
        let width =
            if span.end.line == span.start.line { span.end.column.saturating_sub(span.start.column) } else { 1 };
        Self { line, column, width: width as usize }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line.max(1), self.column.max(1))
    }
}

impl SqlError {
    pub(crate) fn because(self, cause: Cause) -> Self {
        Self { cause, ..self }
    }

    pub(crate) fn help(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}
