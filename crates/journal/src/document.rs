//! Documents, times and words in the journal's columns.

use crate::write::{Change, ChangeError};
use assay_console::views::parse_status;
use assay_contract::Status;
use chrono::{DateTime, Utc};
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) fn words<T: Serialize>(what: &'static str, value: &T) -> Change<String> {
    serde_json::to_string(value).map_err(|error| ChangeError::Document(what, error))
}

pub(crate) fn parse<T: DeserializeOwned>(what: &'static str, text: &str) -> Change<T> {
    serde_json::from_str(text).map_err(|error| ChangeError::Document(what, error))
}

pub(crate) fn parse_some<T: DeserializeOwned>(what: &'static str, text: Option<String>) -> Change<Option<T>> {
    text.map(|text| parse(what, &text)).transpose()
}

pub(crate) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// A column of microseconds.
pub(crate) fn time(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let Some(micros) = row.get::<_, Option<i64>>(column)? else { return Ok(None) };
    DateTime::from_timestamp_micros(micros).map(Some).ok_or_else(|| outside(row, column, Type::Integer))
}

/// A column that holds a status word.
pub(crate) fn status(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<Status> {
    let word: String = row.get(column)?;
    parse_status(&word).ok_or_else(|| outside(row, column, Type::Text))
}

fn outside(row: &rusqlite::Row<'_>, column: &str, kind: Type) -> rusqlite::Error {
    let place = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(place, kind, format!("the column {column} holds no such value").into())
}
