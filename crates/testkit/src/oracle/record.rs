//! A bronze record before the contract sees it.

use std::collections::HashMap;

/// Where a record begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Below the pipeline's lake folder, with `/`.
    pub file: String,
    /// Counted from 1.
    pub line: u64,
    /// Bytes before it in the unpacked file, a byte-order mark included.
    pub offset: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Text(String),
    /// The text of a JSON number.
    Number(String),
    Boolean(bool),
    /// The text of an object or an array.
    Nested(String),
}

/// A piece of a file: a record with its values by column, a record that cannot be read, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Blank,
    Malformed,
    Record(HashMap<String, Value>),
}

/// A piece, its line, its offset and its bytes without the line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut<'a> {
    pub line: u64,
    pub offset: u64,
    pub raw: &'a [u8],
    pub piece: Piece,
}

pub(super) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}
