//! Records that are no records: bytes that a reader cannot understand, each within its own line or element.

use super::render;
use super::row::Row;
use crate::random::Random;

/// Appends a line that is not one JSON object, without a line end.
pub(super) fn line(row: &Row<'_>, random: &mut Random, out: &mut Vec<u8>) {
    let start = out.len();
    match random.below(8) {
        0 | 1 => {
            render::json(row, true, out);
            let length = out.len() - start;
            out.truncate(start + length * 3 / 5);
        }
        2 => out.extend_from_slice(b"ERROR 503 Service Unavailable"),
        3 => {
            render::json(row, false, out);
            out.extend_from_slice(b" x");
        }
        4 => {
            render::json(row, false, out);
            out.pop();
            out.extend_from_slice(b",}");
        }
        _ => element(row, random, out),
    }
}

/// Appends an element that is not a readable object, with all its brackets and quotes closed.
pub(super) fn element(row: &Row<'_>, random: &mut Random, out: &mut Vec<u8>) {
    match random.below(5) {
        0 => out.extend_from_slice(b"42"),
        1 => out.extend_from_slice(b"[\"no\", \"object\"]"),
        2 => {
            render::json(row, false, out);
            out.pop();
            out.extend_from_slice(b", \"quantity_sold\": 1, \"quantity_sold\": 2}");
        }
        3 => {
            render::json(row, false, out);
            out.pop();
            out.extend_from_slice(b", \"note\": \"\xff\xfe\"}");
        }
        _ => out.extend_from_slice(b"{\"transaction_id\" \"T0\"}"),
    }
}

/// Appends a CSV line with too few fields, too many fields or invalid UTF-8.
pub(super) fn csv(row: &Row<'_>, end: &[u8], random: &mut Random, out: &mut Vec<u8>) {
    match random.below(3) {
        0 => out.extend_from_slice(b"T0,2026-01-01,S001"),
        1 => {
            render::csv(row, false, end, out);
            out.truncate(out.len() - end.len());
            out.extend_from_slice(b",extra");
        }
        _ => {
            render::csv(row, false, end, out);
            out.truncate(out.len() - end.len());
            out.extend_from_slice(b"\xc3\x28");
        }
    }
    out.extend_from_slice(end);
}
