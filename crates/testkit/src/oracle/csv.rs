//! CSV files as RFC 4180 has them, with LF, CRLF or CR as line ends.

use super::record::{Cut, Piece, Value, is_blank};
use std::collections::HashMap;

/// Turns the bytes of a field into text; `None` where they mean nothing.
pub(super) type Decode = fn(Vec<u8>) -> Option<String>;

pub(super) fn utf8(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok()
}

/// Every byte means something in windows-1252; those that no one uses are control characters.
pub(super) fn windows_1252(bytes: Vec<u8>) -> Option<String> {
    const UPPER: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let character = |byte: u8| match byte {
        0x80..=0x9f => UPPER[usize::from(byte - 0x80)],
        _ => char::from(byte),
    };
    Some(bytes.into_iter().map(character).collect())
}

/// Cuts `bytes` into records below their header; `Err` says why the header is no header.
pub(super) fn cut(bytes: &[u8], skipped: u64, decode: Decode) -> Result<Vec<Cut<'_>>, String> {
    let mut cuts = Vec::new();
    let mut header: Option<Vec<String>> = None;
    let mut reader = Reader { bytes, at: 0, line: 1, separator: b',', decode };
    while reader.at < bytes.len() {
        let (line, offset) = (reader.line, reader.at as u64 + skipped);
        let (raw, fields) = reader.record();
        let piece = match (&header, fields) {
            _ if is_blank(raw) => Piece::Blank,
            (None, Some(names)) => {
                header = Some(names.iter().map(|name| name.trim().to_owned()).collect());
                continue;
            }
            (None, None) => return Err(format!("line {line}: the header cannot be read")),
            (Some(names), Some(fields)) if names.len() == fields.len() => {
                let values = fields.into_iter().map(Value::Text);
                Piece::Record(names.iter().cloned().zip(values).collect::<HashMap<_, _>>())
            }
            _ => Piece::Malformed,
        };
        cuts.push(Cut { line, offset, raw, piece });
    }
    Ok(cuts)
}

/// The records of a published text, header included; `None` for one that is malformed.
pub(crate) fn published(bytes: &[u8], separator: u8) -> Option<Vec<Vec<String>>> {
    let mut reader = Reader { bytes, at: 0, line: 1, separator, decode: utf8 };
    let mut records = Vec::new();
    while reader.at < bytes.len() {
        records.push(reader.record().1?);
    }
    Some(records)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    separator: u8,
    decode: Decode,
}

#[derive(PartialEq)]
enum State {
    /// At the first byte of a field.
    Start,
    Bare,
    Quoted,
    /// After the closing quote.
    Closed,
}

impl<'a> Reader<'a> {
    /// The next record's bytes without its line end, and its fields unless it is malformed.
    fn record(&mut self) -> (&'a [u8], Option<Vec<String>>) {
        let start = self.at;
        let mut fields = Vec::new();
        let (mut field, mut state, mut sound, mut end) = (Vec::new(), State::Start, true, self.bytes.len());
        while self.at < self.bytes.len() {
            let (byte, here) = (self.bytes[self.at], self.at);
            self.at += 1;
            let line_end = matches!(byte, b'\r' | b'\n');
            let pair = byte == b'\r' && self.bytes.get(self.at) == Some(&b'\n');
            match (&state, byte) {
                (State::Quoted, b'"') if self.bytes.get(self.at) == Some(&b'"') => {
                    field.push(b'"');
                    self.at += 1;
                }
                (State::Quoted, b'"') => state = State::Closed,
                (State::Quoted, _) => {
                    field.push(byte);
                    // The pair counts with its second half.
                    self.line += u64::from(line_end && !pair);
                }
                _ if line_end => {
                    self.at += usize::from(pair);
                    self.line += 1;
                    end = here;
                    break;
                }
                _ if byte == self.separator && state != State::Quoted => {
                    fields.push(std::mem::take(&mut field));
                    state = State::Start;
                }
                (State::Start, b'"') => state = State::Quoted,
                (State::Closed, _) | (State::Bare, b'"') => sound = false,
                _ => {
                    field.push(byte);
                    state = State::Bare;
                }
            }
        }
        fields.push(field);
        let fields = fields.into_iter().map(self.decode).collect::<Option<Vec<_>>>();
        (&self.bytes[start..end], fields.filter(|_| sound && state != State::Quoted))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Line, offset and the fields `a` and `b` of each piece.
    fn cuts(bytes: &[u8]) -> Vec<(u64, u64, String)> {
        let show = |piece: &Piece| match piece {
            Piece::Blank => "blank".to_owned(),
            Piece::Malformed => "malformed".to_owned(),
            Piece::Record(values) => match (&values["a"], &values["b"]) {
                (Value::Text(a), Value::Text(b)) => format!("{a}|{b}"),
                other => panic!("{other:?}"),
            },
        };
        cut(bytes, 0, utf8).unwrap().iter().map(|cut| (cut.line, cut.offset, show(&cut.piece))).collect()
    }

    #[test]
    fn every_line_end_is_understood() {
        for (end, step) in [("\n", 1), ("\r\n", 2), ("\r", 1)] {
            let text = format!("a,b{end}1,\"x\"\"{end},y\"{end}{end}2,{end}");
            let expected = [
                (2, 3 + step, format!("1|x\"{end},y")),
                (4, 12 + 3 * step, "blank".to_owned()),
                (5, 12 + 4 * step, "2|".to_owned()),
            ];
            assert_eq!(cuts(text.as_bytes()), expected, "{end:?}");
        }
    }

    #[test]
    fn wrong_counts_quotes_and_bytes_are_malformed() {
        let text = b"b , a\n1\n1,2,3\n\"1\"x,2\n1\",2\n\xff,2\n1,2\n1,\"open\n2,3\n";
        let expected: Vec<(u64, u64, String)> =
            [(2, 6), (3, 8), (4, 14), (5, 21), (6, 26)].map(|(line, at)| (line, at, "malformed".to_owned())).into();
        let found = cuts(text);
        assert_eq!(found[..5], expected);
        assert_eq!(found[5..], [(7, 30, "2|1".to_owned()), (8, 34, "malformed".to_owned())]);
    }

    #[test]
    fn the_bytes_of_windows_1252_are_characters() {
        let bytes = b"\x80\x81\x92\xa3\xe9\xff A".to_vec();
        assert_eq!(windows_1252(bytes).unwrap(), "€\u{81}’£éÿ A");
        let cut = &cut(b"a\n\xa35 GIFT\n", 0, windows_1252).unwrap()[0];
        let Piece::Record(values) = &cut.piece else { panic!("a record") };
        assert_eq!((&values["a"], cut.raw), (&Value::Text("£5 GIFT".to_owned()), &b"\xa35 GIFT"[..]));
    }

    #[test]
    fn a_header_alone_and_nothing_hold_no_records() {
        assert_eq!(cuts(b"a,b"), []);
        assert_eq!(cuts(b""), []);
        assert!(cut(b"\"a,b\n", 0, utf8).is_err());
    }
}
