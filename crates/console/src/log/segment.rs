//! The files of a log and the lines in them.

use assay_contract::LogLine;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

pub(super) const HEAD: &str = "log.jsonl";
pub(super) const MIDDLE: &str = "log.middle.jsonl";
pub(super) const NEWEST: &str = "log.newest.jsonl";

/// Longest line that is taken, in bytes; the writer's lines are far shorter.
const LINE: u64 = 256 * 1024;

/// First line of every file but the head.
#[derive(Serialize, Deserialize)]
struct Header {
    /// Index of the file's first line.
    first: u64,
}

pub(super) fn header(first: u64) -> Vec<u8> {
    format!("{{\"first\":{first}}}\n").into_bytes()
}

/// One file of the log, open behind its header.
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) head: bool,
    pub(super) first: u64,
    pub(super) lines: Lines,
}

pub(super) struct Tally {
    /// Index behind the last line.
    pub(super) next: u64,
    /// The last line has no end.
    pub(super) torn: bool,
}

impl Segment {
    pub(super) fn tally(mut self) -> std::io::Result<Tally> {
        let mut tally = Tally { next: self.first, torn: false };
        while let Some(line) = self.lines.next()? {
            tally.next += 1;
            tally.torn = line.is_open();
        }
        Ok(tally)
    }
}

/// Every file of the log, oldest first.
///
/// They are opened newest first: when the writer turns them over meanwhile, the same file is met twice and taken
/// once, and none is missed.
pub(super) fn open_all(folder: &Path) -> std::io::Result<Vec<Segment>> {
    let mut segments: Vec<Segment> = Vec::new();
    for name in [NEWEST, MIDDLE, HEAD] {
        let path = folder.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut lines = Lines { reader: BufReader::new(file), position: 0, buffer: Vec::new() };
        let head = name == HEAD;
        let first = if head { 0 } else { lines.header()? };
        if segments.iter().all(|segment| segment.first != first) {
            segments.push(Segment { path, head, first, lines });
        }
    }
    segments.reverse();
    Ok(segments)
}

/// Reads lines in bounded memory.
pub(super) struct Lines {
    reader: BufReader<File>,
    /// Bytes read from the start of the file.
    pub(super) position: u64,
    buffer: Vec<u8>,
}

pub(super) enum Line {
    Whole(LogLine),
    /// With its end, but not to be read: a writer was killed in the middle of it.
    Torn,
    /// Without its end; a writer may be at it.
    Open,
}

impl Line {
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Line::Open)
    }
}

impl Lines {
    pub(super) fn next(&mut self) -> std::io::Result<Option<Line>> {
        self.buffer.clear();
        let read = (&mut self.reader).take(LINE).read_until(b'\n', &mut self.buffer)? as u64;
        self.position += read;
        if read == 0 {
            return Ok(None);
        }
        if self.buffer.last() != Some(&b'\n') {
            return Ok(Some(if read == LINE { self.skip_rest()? } else { Line::Open }));
        }
        Ok(Some(serde_json::from_slice(&self.buffer).map_or(Line::Torn, Line::Whole)))
    }

    pub(super) fn seek(&mut self, position: u64) -> std::io::Result<()> {
        use std::io::Seek;
        self.position = self.reader.seek(std::io::SeekFrom::Start(position))?;
        Ok(())
    }

    fn header(&mut self) -> std::io::Result<u64> {
        let read = (&mut self.reader).take(64).read_until(b'\n', &mut self.buffer)?;
        self.position = read as u64;
        let header: Header = serde_json::from_slice(&self.buffer)?;
        Ok(header.first)
    }

    fn skip_rest(&mut self) -> std::io::Result<Line> {
        loop {
            self.buffer.clear();
            let read = (&mut self.reader).take(LINE).read_until(b'\n', &mut self.buffer)? as u64;
            self.position += read;
            if read == 0 {
                return Ok(Line::Open);
            }
            if self.buffer.last() == Some(&b'\n') {
                return Ok(Line::Torn);
            }
        }
    }
}
