//! Records as bytes: JSON objects and CSV lines.

use super::row::{COLUMNS, Cell, Row};
use crate::text::json_text;
use chrono::Datelike;
use std::io::Write;

/// Appends the record as one JSON object without a line end; with `ascii`, other characters become `\u` escapes.
pub(super) fn json(row: &Row<'_>, ascii: bool, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for (name, cell) in COLUMNS.iter().zip(&row.cells) {
        if *cell == Cell::Absent {
            continue;
        }
        if !first {
            out.extend_from_slice(b", ");
        }
        first = false;
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\": ");
        json_value(cell, ascii, out);
    }
    out.push(b'}');
}

/// Appends the header of a CSV file.
pub(super) fn csv_header(end: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(COLUMNS.join(",").as_bytes());
    out.extend_from_slice(end);
}

/// Appends the record as one CSV line; `end` is also the line break inside a quoted field.
pub(super) fn csv(row: &Row<'_>, quote_all: bool, end: &[u8], out: &mut Vec<u8>) {
    for (place, cell) in row.cells.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match cell {
            Cell::Text(text) => csv_text(text, quote_all, end, out),
            Cell::Bare(text) => csv_text(text, false, end, out),
            Cell::Absent | Cell::Null => {}
            _ => plain(cell, out),
        }
    }
    out.extend_from_slice(end);
}

fn csv_text(text: &str, quote: bool, end: &[u8], out: &mut Vec<u8>) {
    if !quote && !text.contains([',', '"', '\n', '\r']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\"\""),
            b'\n' => out.extend_from_slice(end),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn json_value(cell: &Cell<'_>, ascii: bool, out: &mut Vec<u8>) {
    match cell {
        Cell::Absent | Cell::Null => out.extend_from_slice(b"null"),
        Cell::Text(text) => json_text(text, ascii, out),
        Cell::Bare(text) => out.extend_from_slice(text.as_bytes()),
        Cell::Day(_) => {
            out.push(b'"');
            plain(cell, out);
            out.push(b'"');
        }
        Cell::Whole(_) | Cell::Cents(_) => plain(cell, out),
    }
}

fn plain(cell: &Cell<'_>, out: &mut Vec<u8>) {
    match cell {
        Cell::Cents(cents) if *cents >= 0 => push(out, format_args!("{}.{:02}", cents / 100, cents % 100)),
        Cell::Day(date) => push(out, format_args!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())),
        Cell::Whole(number) => push(out, format_args!("{number}")),
        other => out.extend_from_slice(other.plain().as_bytes()),
    }
}

fn push(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory fails only where the allocator aborts the program first.
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok());
}
