//! A server's error without cell values: what, where in the input, never which value.

use std::fmt;
use tokio_postgres::error::{DbError, SqlState};

/// Table into which rows are copied first; the server names it in the context of its errors.
pub(crate) const STAGING: &str = "assay_staging";
/// Prefix of the checks on the staging table; the number of the column follows.
pub(crate) const CHECK_PREFIX: &str = "assay_column_";

/// Why the server refused. Holds names of tables and columns, never a value of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub reason: String,
    /// Five characters of the SQL standard and PostgreSQL.
    pub sqlstate: String,
    /// Line of the copied rows, from 1.
    pub line: Option<u64>,
    pub column: Option<String>,
}

impl Refusal {
    /// While rows are copied into this table. `columns` are the columns of the load in order; a name in the server's
    /// context counts only when it is one.
    pub(crate) fn in_copy(error: &DbError, columns: &[String], table: &str) -> Self {
        let (line, in_context) = error.where_().map_or((None, None), |text| place_in_copy(text, columns, table));
        let checked = error.constraint().and_then(|name| checked_column(name, columns));
        let reason = match &checked {
            Some(_) => "a value does not fit the column's type, or a row is of a date that this load does not replace"
                .to_owned(),
            None => reason(error.code(), error.message()),
        };
        let column = checked.or(in_context).or_else(|| error.column().map(str::to_owned));
        Self { reason, sqlstate: error.code().code().to_owned(), line, column }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        if let Some(line) = self.line {
            write!(f, ", line {line} of the rows")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, " (SQLSTATE {})", self.sqlstate)
    }
}

/// The server is going away or never let us in: the connection is of no more use.
pub(crate) fn ends_connection(code: &SqlState) -> bool {
    let code = code.code();
    code.starts_with("08") || code.starts_with("57P")
}

/// Messages of data errors quote the value, so they are replaced by our own words;
/// of unknown classes (a trigger may say anything) only the code is kept.
fn reason(code: &SqlState, message: &str) -> String {
    let own = match code.code() {
        "22P04" => return message.to_owned(),
        // Alone the message may tell of half a block and of no disk.
        "53100" => return format!("the server's disk is full: {message}"),
        "22P02" => "a text is not a value of the column's type",
        "22003" => "a number is out of the column's range",
        "22007" | "22008" => "a text is not a date or a time",
        "22021" => "a text has bytes that are not UTF-8",
        "22001" => "a text is longer than the column allows",
        "23505" => "two rows have the same value in a unique column",
        "23502" => "a value is missing in a column that requires one",
        "23503" => "a foreign key of the table does not hold",
        "23514" => "a check of the table does not hold",
        other => match &other[..2] {
            "08" | "0A" | "25" | "28" | "2B" | "3D" | "3F" | "40" | "42" | "53" | "54" | "55" | "57" | "58" => {
                return message.to_owned();
            }
            "22" => "a value does not fit the column's type",
            "23" => "a constraint of the table does not hold",
            _ => "the server gave an error whose text may hold values and is not shown",
        },
    };
    own.to_owned()
}

fn checked_column(constraint: &str, columns: &[String]) -> Option<String> {
    let number: usize = constraint.strip_prefix(CHECK_PREFIX)?.parse().ok()?;
    columns.get(number).cloned()
}

/// Reads `COPY assay_staging, line 3, column amount: "..."`; the words between may be in any language.
fn place_in_copy(context: &str, columns: &[String], table: &str) -> (Option<u64>, Option<String>) {
    let Some(rest) = context.strip_prefix("COPY ").and_then(|rest| rest.strip_prefix(table)) else {
        return (None, None);
    };
    let Some(start) = rest.find(|c: char| c.is_ascii_digit()) else { return (None, None) };
    let digits = rest[start..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |length| start + length);
    let Ok(line) = rest[start..digits].parse() else { return (None, None) };
    let name = rest[digits..].strip_prefix(", ").and_then(|rest| rest.split_once(' ')).map(|(_, name)| name);
    let column = name.and_then(|name| columns.iter().filter(|c| name.starts_with(*c)).max_by_key(|c| c.len()).cloned());
    (Some(line), column)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_context_gives_line_and_column_and_no_value() {
        let columns = ["id".to_owned(), "id: \"x".to_owned(), "Menge, line 7".to_owned()];
        let cases = [
            ("COPY assay_staging, line 3, column id: \"secret\"", Some(3), Some("id")),
            ("COPY assay_staging, line 3, column id: \"x: \"secret\"", Some(3), Some("id: \"x")),
            ("COPY assay_staging, Zeile 12, Spalte Menge, line 7: »geheim«", Some(12), Some("Menge, line 7")),
            ("COPY assay_staging, line 3: \"secret,1\"", Some(3), None),
            ("COPY assay_staging, line 3, column other: \"secret\"", Some(3), None),
            ("COPY assay_staging", None, None),
            ("PL/pgSQL function secret() line 4", None, None),
            ("", None, None),
        ];
        for (context, line, column) in cases {
            let expected = (line, column.map(str::to_owned));
            assert_eq!(place_in_copy(context, &columns, STAGING), expected, "{context}");
        }
    }

    #[test]
    fn no_message_that_can_quote_a_value_is_repeated() {
        for code in ["22P02", "22003", "22007", "22008", "22021", "22012", "23505", "23P01", "P0001", "XX000"] {
            let text = reason(&SqlState::from_code(code), "value \"4711\" is bad: 4711");
            assert!(!text.contains("4711"), "{code}: {text}");
        }
        assert_eq!(reason(&SqlState::from_code("53100"), "no block"), "the server's disk is full: no block");
        assert_eq!(reason(&SqlState::from_code("42P01"), "relation \"x\" is gone"), "relation \"x\" is gone");
    }
}
