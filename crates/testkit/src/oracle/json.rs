//! JSON files: one object per line, one array of objects, or one object.

use super::record::{Cut, Piece, Value, is_blank};
use serde::Deserialize;
use serde::de::{Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;

/// Cuts `bytes` into records; `skipped` bytes before them (a byte-order mark) count in the offsets.
pub(super) fn cut(bytes: &[u8], skipped: u64) -> Vec<Cut<'_>> {
    let first = bytes.iter().position(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(at) if bytes[at] == b'[' => array(bytes, at, skipped),
        Some(at) if is_one_object(&bytes[at..]) => {
            let raw = bytes[at..].trim_ascii_end();
            vec![Cut { line: 1 + line_ends(&bytes[..at]), offset: at as u64 + skipped, raw, piece: object(raw) }]
        }
        _ => lines(bytes, skipped),
    }
}

fn lines(bytes: &[u8], skipped: u64) -> Vec<Cut<'_>> {
    let mut cuts = Vec::new();
    let mut offset = 0;
    for (number, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let raw = line.strip_suffix(b"\n").unwrap_or(line);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let piece = if is_blank(raw) { Piece::Blank } else { object(raw) };
        cuts.push(Cut { line: number as u64 + 1, offset: offset + skipped, raw, piece });
        offset += line.len() as u64;
    }
    cuts
}

/// An object that spans lines; a first line that is complete by itself is the first of many.
fn is_one_object(bytes: &[u8]) -> bool {
    let first = bytes.split(|&byte| byte == b'\n').next().unwrap_or(bytes);
    let complete = |bytes: &[u8]| serde_json::from_slice::<&RawValue>(bytes).is_ok();
    bytes[0] == b'{' && first.len() < bytes.len() && !complete(first) && complete(bytes)
}

fn array(bytes: &[u8], open: usize, skipped: u64) -> Vec<Cut<'_>> {
    let mut cuts = Vec::new();
    let mut counted = (0, 1);
    let mut push = |start: usize, end: usize, force: bool| {
        let raw = &bytes[start..end];
        let start = start + raw.len() - raw.trim_ascii_start().len();
        let raw = raw.trim_ascii();
        if !raw.is_empty() || force {
            counted = (start, counted.1 + line_ends(&bytes[counted.0..start]));
            cuts.push(Cut { line: counted.1, offset: start as u64 + skipped, raw, piece: object(raw) });
        }
    };
    let (mut depth, mut text, mut escaped, mut start) = (0_u64, false, false, open + 1);
    for (at, &byte) in bytes.iter().enumerate().skip(open + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if text => escaped = true,
            b'"' => text = !text,
            _ if text => {}
            b'{' | b'[' => depth += 1,
            b']' if depth == 0 => {
                push(start, at, false);
                push(at + 1, bytes.len(), false);
                return cuts;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                push(start, at, true);
                start = at + 1;
            }
            _ => {}
        }
    }
    push(start, bytes.len(), false);
    if let Some(last) = cuts.last_mut() {
        last.piece = Piece::Malformed;
    }
    cuts
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// The elements of the text of an array.
pub(super) fn elements(array: &str) -> Vec<Value> {
    let all: Vec<&RawValue> = serde_json::from_str(array).unwrap_or_default();
    all.into_iter().map(|raw| value(raw.get()).unwrap_or(Value::Null)).collect()
}

/// One object as a record.
pub(super) fn object(bytes: &[u8]) -> Piece {
    let Ok(text) = std::str::from_utf8(bytes) else { return Piece::Malformed };
    let Ok(Fields(fields)) = serde_json::from_str(text) else { return Piece::Malformed };
    let values = fields.into_iter().map(|(name, raw)| Some((name, value(raw.get())?)));
    values.collect::<Option<HashMap<_, _>>>().map_or(Piece::Malformed, Piece::Record)
}

/// `None` for a text with escapes that mean nothing.
fn value(raw: &str) -> Option<Value> {
    Some(match raw.as_bytes()[0] {
        b'n' => Value::Null,
        b't' => Value::Boolean(true),
        b'f' => Value::Boolean(false),
        b'"' => Value::Text(serde_json::from_str(raw).ok()?),
        b'{' | b'[' => Value::Nested(raw.to_owned()),
        _ => Value::Number(raw.to_owned()),
    })
}

struct Fields<'a>(HashMap<String, &'a RawValue>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = HashMap::new();
        while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
            if fields.insert(name, raw).is_some() {
                return Err(A::Error::custom("a key occurs twice"));
            }
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Line, offset and kind of each piece.
    fn cuts(bytes: &[u8]) -> Vec<(u64, u64, &'static str)> {
        let kind = |piece: &Piece| match piece {
            Piece::Blank => "blank",
            Piece::Malformed => "malformed",
            Piece::Record(_) => "record",
        };
        cut(bytes, 0).iter().map(|cut| (cut.line, cut.offset, kind(&cut.piece))).collect()
    }

    #[test]
    fn lines_are_records_blank_or_malformed() {
        assert_eq!(
            cuts(b"{\"a\":1}\r\n \t\r\n{\"a\":1\n{\"a\":1} x\n[1]\n{\"a\":1,\"a\":1}\n{\"a\":\"\xff\"}\n{\"a\":\"\\ud800\"}"),
            [
                (1, 0, "record"),
                (2, 9, "blank"),
                (3, 13, "malformed"),
                (4, 20, "malformed"),
                (5, 30, "malformed"),
                (6, 34, "malformed"),
                (7, 48, "malformed"),
                (8, 58, "malformed"),
            ]
        );
    }

    #[test]
    fn an_array_keeps_the_elements_round_a_malformed_one() {
        assert_eq!(
            cuts(b"\n[ {\"a\": \"],\\\"[\"}, 7,\n{\"b\" 1}, {\"c\": [1, {\"d\": 2}]}\n]\n"),
            [(2, 3, "record"), (2, 19, "malformed"), (3, 22, "malformed"), (3, 31, "record")]
        );
        assert_eq!(cuts(b"[]"), []);
        assert_eq!(cuts(b"[{},{\"a\":1"), [(1, 1, "record"), (1, 4, "malformed")]);
        assert_eq!(cuts(b"[{}] {}"), [(1, 1, "record"), (1, 5, "record")]);
    }

    #[test]
    fn one_object_may_span_lines() {
        assert_eq!(cuts(b"\n{\n \"a\": 1\n}\n"), [(2, 1, "record")]);
        assert_eq!(cuts(b"{\"a\": 1}\n{\"a\": 2}\n"), [(1, 0, "record"), (2, 9, "record")]);
        assert_eq!(cuts(b"{\n{}\n"), [(1, 0, "malformed"), (2, 2, "record")]);
        assert_eq!(cuts(b""), []);
    }

    #[test]
    fn numbers_keep_their_text() {
        let Piece::Record(values) = object(br#"{"n": 12.3400e-2, "t": "\u00e9", "b": true, "o": {}, "z": null}"#)
        else {
            panic!("a record");
        };
        assert_eq!(values["n"], Value::Number("12.3400e-2".to_owned()));
        assert_eq!(values["t"], Value::Text("é".to_owned()));
        let nested = Value::Nested("{}".to_owned());
        assert_eq!((&values["b"], &values["o"], &values["z"]), (&Value::Boolean(true), &nested, &Value::Null));
    }
}
