//! Cuts content into records: where each begins and ends, on which line, and whether it is blank.

use memchr::{memchr, memchr2, memchr3};

/// How records lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One record a line (LF or CRLF).
    Lines,
    /// The elements of one JSON array.
    Array,
    /// The whole content is one record.
    Whole,
    /// RFC 4180, with LF, CRLF or CR alone.
    Csv,
}

/// Where a cut stands between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before a record; in an array before its first element.
    Start,
    /// In an array, behind a comma.
    Next,
    /// Behind the end of an array.
    Tail,
    Done,
}

/// One record within the bytes that were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Line of its first byte, counted from 1.
    pub(crate) line: u64,
    pub(crate) blank: bool,
    pub(crate) oddity: Option<Oddity>,
}

/// Why a record cannot be one, whatever its text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// Text behind the end of an array.
    Tail,
    /// The content ends before the array does.
    Unclosed,
}

/// Gives the records of content, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Cutter {
    pub(crate) layout: Layout,
    pub(crate) phase: Phase,
    /// First byte that belongs to no record yet.
    pub(crate) at: usize,
    /// Line of that byte, counted from 1.
    pub(crate) line: u64,
    /// Line on which an array ended.
    pub(crate) closed: u64,
}

impl Cutter {
    pub(crate) fn new(layout: Layout, phase: Phase, line: u64) -> Self {
        Self { layout, phase, at: 0, line, closed: 0 }
    }

    /// The next record in `bytes`. None when it does not end there; with `last` only when there is none.
    #[inline]
    pub(crate) fn next(&mut self, bytes: &[u8], last: bool) -> Option<Cut> {
        match self.layout {
            Layout::Lines => self.next_line(bytes, last),
            Layout::Csv => self.next_csv(bytes, last),
            Layout::Array => self.next_element(bytes, last),
            Layout::Whole => self.whole(bytes, last),
        }
    }

    #[inline]
    fn next_line(&mut self, bytes: &[u8], last: bool) -> Option<Cut> {
        let rest = &bytes[self.at..];
        let (length, step) = match memchr(b'\n', rest) {
            Some(length) => (length, length + 1),
            None if last && !rest.is_empty() => (rest.len(), rest.len()),
            None => return None,
        };
        let text = rest[..length].strip_suffix(b"\r").unwrap_or(&rest[..length]);
        Some(self.line_cut(text, step, 1))
    }

    fn next_csv(&mut self, bytes: &[u8], last: bool) -> Option<Cut> {
        let rest = &bytes[self.at..];
        let mut end = RecordEnd::new(Layout::Csv);
        let (length, lines) = match end.feed(rest) {
            Some(length) => (length, end.lines),
            None if !last || rest.is_empty() => return None,
            // A quote without its partner must not swallow the rest of the file: the record ends with its line.
            None if end.open() => (memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()), 0),
            None => (rest.len(), end.lines),
        };
        let step = match &rest[length..] {
            [b'\r', b'\n', ..] => 2,
            [b'\r'] if !last => return None,
            [] => 0,
            _ => 1,
        };
        Some(self.line_cut(&rest[..length], length + step, lines + 1))
    }

    #[inline]
    fn line_cut(&mut self, text: &[u8], step: usize, lines: u64) -> Cut {
        let blank = text.first().is_none_or(|byte| *byte <= b' ') && text.iter().all(u8::is_ascii_whitespace);
        let cut = Cut { start: self.at, end: self.at + text.len(), line: self.line, blank, oddity: None };
        self.at += step;
        self.line += lines;
        cut
    }

    fn next_element(&mut self, bytes: &[u8], last: bool) -> Option<Cut> {
        self.skip_white(bytes);
        let from = self.at;
        let cut = Cut { start: from, end: from, line: self.line, blank: false, oddity: None };
        match (self.phase, bytes.get(from)) {
            (Phase::Done, _) => None,
            (Phase::Tail, None) => None,
            (Phase::Tail, Some(_)) if !last => None,
            (Phase::Tail, Some(_)) => {
                self.phase = Phase::Done;
                self.at = bytes.len();
                Some(Cut { end: from + trimmed(&bytes[from..]), oddity: Some(Oddity::Tail), ..cut })
            }
            (Phase::Start | Phase::Next, None) => last.then(|| {
                self.phase = Phase::Done;
                Cut { oddity: Some(Oddity::Unclosed), ..cut }
            }),
            (Phase::Start | Phase::Next, Some(b']')) => {
                self.at += 1;
                self.close();
                self.next_element(bytes, last)
            }
            (Phase::Start | Phase::Next, Some(_)) => self.element(bytes, last, cut),
        }
    }

    fn element(&mut self, bytes: &[u8], last: bool, cut: Cut) -> Option<Cut> {
        let mut end = RecordEnd::new(Layout::Array);
        let (length, oddity) = match end.feed(&bytes[cut.start..]) {
            Some(length) => {
                self.at = cut.start + length + 1;
                self.line += end.lines;
                match bytes[cut.start + length] {
                    b',' => self.phase = Phase::Next,
                    _ => self.close(),
                }
                (length, None)
            }
            None if !last => return None,
            None => {
                self.phase = Phase::Done;
                self.at = bytes.len();
                self.line += end.lines;
                (bytes.len() - cut.start, Some(Oddity::Unclosed))
            }
        };
        Some(Cut { end: cut.start + trimmed(&bytes[cut.start..cut.start + length]), oddity, ..cut })
    }

    /// Behind the bracket that ends the array.
    pub(crate) fn close(&mut self) {
        self.phase = Phase::Tail;
        self.closed = self.line;
    }

    fn whole(&mut self, bytes: &[u8], last: bool) -> Option<Cut> {
        self.skip_white(bytes);
        if !last || self.at == bytes.len() {
            return None;
        }
        let (start, line) = (self.at, self.line);
        self.at = bytes.len();
        let end = start + trimmed(&bytes[start..]);
        Some(Cut { start, end, line, blank: false, oddity: None })
    }

    /// Moves over white space between records.
    pub(crate) fn skip_white(&mut self, bytes: &[u8]) {
        while let Some(byte) = bytes.get(self.at).filter(|byte| white(**byte)) {
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
    }
}

fn white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Length without white space at the end.
fn trimmed(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| !white(*byte)).map_or(0, |at| at + 1)
}

/// Looks for the end of one record through any number of buffers, holding none of them.
#[derive(Debug)]
pub(crate) struct RecordEnd {
    layout: Layout,
    depth: u64,
    in_string: bool,
    /// The byte before, as far as it matters: `,` before a field, `"` behind a closing quote.
    before: u8,
    /// Line ends inside the record.
    pub(crate) lines: u64,
}

impl RecordEnd {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, depth: 0, in_string: false, before: b',', lines: 0 }
    }

    /// True inside quotes.
    pub(crate) fn open(&self) -> bool {
        self.in_string
    }

    /// Place of the first byte behind the record, when it is among these bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        match self.layout {
            Layout::Lines => memchr(b'\n', bytes),
            Layout::Whole => None,
            Layout::Csv => self.feed_csv(bytes),
            Layout::Array => self.feed_json(bytes),
        }
    }

    fn feed_csv(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string {
                let close = memchr(b'"', &bytes[at..]);
                let inside = &bytes[at..close.map_or(bytes.len(), |length| at + length)];
                self.count_lines(inside);
                at += inside.len() + usize::from(close.is_some());
                if close.is_some() {
                    self.in_string = false;
                    self.before = b'"';
                }
                continue;
            }
            let Some(length) = memchr3(b'"', b'\n', b'\r', &bytes[at..]) else {
                self.before = bytes[bytes.len() - 1];
                return None;
            };
            let before = if length > 0 { bytes[at + length - 1] } else { self.before };
            at += length;
            if bytes[at] != b'"' {
                return Some(at);
            }
            // Directly behind a closing quote it is a doubled one; within an unquoted field it is itself.
            self.in_string = before == b',' || (before == b'"' && length == 0);
            self.before = if self.in_string { b' ' } else { b'x' };
            at += 1;
        }
        None
    }

    /// Counts LF, CRLF and CR alone.
    fn count_lines(&mut self, mut inside: &[u8]) {
        while let Some(length) = memchr2(b'\n', b'\r', inside) {
            let after_return = length == 0 && self.before == b'\r';
            self.lines += u64::from(inside[length] == b'\r' || !after_return);
            self.before = inside[length];
            inside = &inside[length + 1..];
        }
        if !inside.is_empty() {
            self.before = b' ';
        }
    }

    fn feed_json(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if self.in_string {
                at = self.string_step(bytes, at);
                continue;
            }
            match byte {
                b'"' => {
                    self.in_string = true;
                    self.before = b' ';
                }
                b'{' | b'[' => self.depth += 1,
                b',' | b']' if self.depth == 0 => return Some(at),
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b'\n' => self.lines += 1,
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// Moves inside a string, to the next byte that can matter.
    fn string_step(&mut self, bytes: &[u8], at: usize) -> usize {
        if self.before == b'\\' {
            self.lines += u64::from(bytes[at] == b'\n');
            self.before = b' ';
            return at + 1;
        }
        let Some(length) = memchr3(b'"', b'\\', b'\n', &bytes[at..]) else { return bytes.len() };
        match bytes[at + length] {
            b'"' => self.in_string = false,
            b'\\' => self.before = b'\\',
            _ => self.lines += 1,
        }
        at + length + 1
    }
}
