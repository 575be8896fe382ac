//! Tells from a JSON file's content how its records lie.

use crate::bronze::content::Content;
use crate::error::StageError;
use crate::watch::Watch;

/// How the records of a JSON file lie, and where its first one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Lines,
    /// The content begins with `[`, on this place and line.
    Array {
        at: u64,
        line: u64,
    },
    /// One object over several lines, from here to there.
    Whole {
        at: u64,
        end: u64,
        line: u64,
    },
}

const BUFFER: usize = 64 << 10;

/// Lines, unless the content begins with `[`, or is one object that ends on a later line than it begins.
pub(crate) fn told(content: &Content, watch: &dyn Watch) -> Result<Told, StageError> {
    let mut scan = Scan::new(content, watch);
    while let Some(byte) = scan.next()? {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'[' => return Ok(Told::Array { at: scan.at - 1, line: scan.line }),
            b'{' => return one_object(scan),
            _ => return Ok(Told::Lines),
        }
    }
    Ok(Told::Lines)
}

fn one_object(mut scan: Scan<'_>) -> Result<Told, StageError> {
    let (at, line) = (scan.at - 1, scan.line);
    let mut depth = 1u64;
    let mut in_string = false;
    while depth > 0 {
        match (scan.next()?, in_string) {
            (None, _) | (Some(b'\n'), true) => return Ok(Told::Lines),
            (Some(b'\\'), true) => {
                // The escaped byte says nothing, whatever it is; a line end there is not JSON.
                if matches!(scan.next()?, None | Some(b'\n')) {
                    return Ok(Told::Lines);
                }
            }
            (Some(b'"'), _) => in_string = !in_string,
            (Some(b'{' | b'['), false) => depth += 1,
            (Some(b'}' | b']'), false) => depth -= 1,
            _ => {}
        }
    }
    if scan.line == line {
        return Ok(Told::Lines);
    }
    let end = scan.at;
    while let Some(byte) = scan.next()? {
        if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            return Ok(Told::Lines);
        }
    }
    Ok(Told::Whole { at, end, line })
}

/// Gives the content byte by byte.
struct Scan<'a> {
    content: &'a Content,
    watch: &'a dyn Watch,
    buffer: Vec<u8>,
    used: usize,
    at: u64,
    line: u64,
}

impl<'a> Scan<'a> {
    fn new(content: &'a Content, watch: &'a dyn Watch) -> Self {
        Self { content, watch, buffer: Vec::new(), used: 0, at: content.start, line: 1 }
    }

    fn next(&mut self) -> Result<Option<u8>, StageError> {
        if self.used == self.buffer.len() && !self.refill()? {
            return Ok(None);
        }
        let byte = self.buffer[self.used];
        self.used += 1;
        self.at += 1;
        self.line += u64::from(byte == b'\n');
        Ok(Some(byte))
    }

    fn refill(&mut self) -> Result<bool, StageError> {
        if self.watch.cancelled() {
            return Err(StageError::Cancelled);
        }
        self.buffer.resize(BUFFER, 0);
        let count = self.content.read_at(self.at, &mut self.buffer)?;
        self.buffer.truncate(count);
        self.used = 0;
        Ok(count > 0)
    }
}
