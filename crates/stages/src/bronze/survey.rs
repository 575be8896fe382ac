//! Reads every file once from beginning to end: its content tag, its records' number, and pieces to parse.

use crate::bronze::content::{Compression, Content};
use crate::bronze::cut::{Cutter, Layout, Oddity, Phase, RecordEnd};
use crate::bronze::dead_letter::{DeadLetter, DeadLetters};
use crate::bronze::layout::{Told, told};
use crate::bronze::window::Window;
use crate::error::StageError;
use crate::limits::Limits;
use crate::parallel;
use crate::silver::{PlannedFile, csv, parquet_rows};
use crate::watch::Watch;
use assay_lake::Place;
use assay_pipeline::{Format, Source};
use memchr::memchr2;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What reading a file once told, and where its records lie.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// Below the pipeline's lake folder.
    pub path: String,
    /// xxh3-128 of the file's bytes as they lie there, in hex.
    pub tag: String,
    /// In bytes.
    pub size: u64,
    /// Nanoseconds since 1970 (UTC).
    pub modified_ns: i64,
    /// Records and blank lines; a CSV header is none.
    pub records: u64,
    pub blank: u64,
    pub format: Format,
    pub compression: Compression,
    pub(crate) content: Content,
    pub(crate) layout: Layout,
    /// Names of the columns of a CSV or Parquet file.
    pub(crate) header: Vec<String>,
    /// In the file's order.
    pub(crate) pieces: Vec<Piece>,
}

/// A part of a file that one thread parses at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Piece {
    Bytes(Chunk),
    /// A record that is too long to be held.
    Giant {
        at: u64,
        len: u64,
        line: u64,
    },
    /// Rows of a row group of a Parquet file; `line` is the first row's number, counted from 1.
    Rows {
        group: usize,
        from: usize,
        count: usize,
        line: u64,
    },
}

/// Whole records that follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk {
    pub(crate) at: u64,
    pub(crate) len: usize,
    pub(crate) line: u64,
    pub(crate) phase: Phase,
    /// True when the content ends with it.
    pub(crate) last: bool,
}

/// Decompressed or fetched files that stay open, and so need no name.
const UNLINKED: usize = 200;

/// Surveys files on `threads` threads; the answers have the order of the files. Writes only into `scratch`.
pub fn survey(
    source: &Source,
    pipeline_folder: &Place,
    files: &[PlannedFile],
    scratch: &Path,
    threads: usize,
    limits: &Limits,
    watch: &dyn Watch,
) -> Result<Vec<Surveyed>, StageError> {
    let decompressed = AtomicUsize::new(0);
    parallel::map(threads, files, |planned| {
        opened(source, pipeline_folder, planned, scratch, &decompressed, watch)
            .and_then(|content| survey_one(content, planned, limits, watch))
    })
}

/// As [`survey`], but files that cannot be read at all go to the dead letters, where the source has such a folder,
/// and are told beside the others.
pub fn survey_or_set_aside(
    source: &Source,
    files: &[PlannedFile],
    letters: &DeadLetters<'_>,
    scratch: &Path,
    threads: usize,
    limits: &Limits,
    watch: &dyn Watch,
) -> Result<(Vec<Surveyed>, Vec<DeadLetter>), StageError> {
    let decompressed = AtomicUsize::new(0);
    let found = parallel::map(threads, files, |planned| {
        let surveyed = opened(source, letters.pipeline_folder(), planned, scratch, &decompressed, watch)
            .and_then(|content| survey_one(content, planned, limits, watch))
            .and_then(|surveyed| letters.check(surveyed));
        match surveyed {
            Ok(surveyed) => Ok(Ok(surveyed)),
            Err(error) => letters.set_aside(planned, error).map(Err),
        }
    })?;
    let (mut surveyed, mut dead) = (Vec::with_capacity(found.len()), Vec::new());
    for file in found {
        match file {
            Ok(file) => surveyed.push(file),
            Err(letter) => dead.push(letter),
        }
    }
    Ok((surveyed, dead))
}

fn opened(
    source: &Source,
    pipeline_folder: &Place,
    planned: &PlannedFile,
    scratch: &Path,
    decompressed: &AtomicUsize,
    watch: &dyn Watch,
) -> Result<Content, StageError> {
    let unlinked = decompressed.load(Ordering::Relaxed) < UNLINKED;
    let content = Content::open(source, pipeline_folder, planned, scratch, unlinked, watch)?;
    if content.compression != Compression::Plain || pipeline_folder.is_remote() {
        decompressed.fetch_add(1, Ordering::Relaxed);
    }
    Ok(content)
}

fn survey_one(
    held: Content,
    planned: &PlannedFile,
    limits: &Limits,
    watch: &dyn Watch,
) -> Result<Surveyed, StageError> {
    let content = held.opened()?;
    let found = match content.format {
        Format::Parquet => parquet_rows::survey(&content, limits, watch)?,
        Format::Csv => Framing::new(&content, Layout::Csv, limits, watch).csv()?,
        Format::Json => match told(&content, watch)? {
            Told::Lines => Framing::new(&content, Layout::Lines, limits, watch).lines()?,
            Told::Whole { at, end, line } => {
                Framing::new(&content, Layout::Whole, limits, watch).whole(at, end, line)?
            }
            Told::Array { at, line } => match Framing::new(&content, Layout::Array, limits, watch).array(at, line)? {
                Some(found) => found,
                None => Framing::new(&content, Layout::Lines, limits, watch).lines()?,
            },
        },
    };
    content.check_unchanged()?;
    Ok(Surveyed {
        path: content.path.clone(),
        tag: format!("{:032x}", content.tag.unwrap_or(found.tag)),
        size: planned.size,
        modified_ns: planned.modified_ns,
        records: found.records,
        blank: found.blank,
        format: content.format,
        compression: content.compression,
        content: held.released(),
        layout: found.layout,
        header: found.header,
        pieces: found.pieces,
    })
}

/// What a survey of one file's content gives.
pub(crate) struct Found {
    pub(crate) tag: u128,
    pub(crate) layout: Layout,
    pub(crate) header: Vec<String>,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) records: u64,
    pub(crate) blank: u64,
}

struct Framing<'a> {
    content: &'a Content,
    limits: &'a Limits,
    window: Window<'a>,
    cutter: Cutter,
    pieces: Vec<Piece>,
    header: Vec<String>,
    records: u64,
    blank: u64,
    /// Line on which an array began.
    opened: u64,
    /// The array was only the first of the lines.
    lines_after_all: bool,
}

/// Where a chunk began within the window.
#[derive(Clone, Copy)]
struct Begin {
    at: usize,
    line: u64,
    phase: Phase,
    records: u64,
}

impl<'a> Framing<'a> {
    fn new(content: &'a Content, layout: Layout, limits: &'a Limits, watch: &'a dyn Watch) -> Self {
        let mut window = Window::new(content, watch);
        window.seek(content.start);
        Self {
            content,
            limits,
            window,
            cutter: Cutter::new(layout, Phase::Start, 1),
            pieces: Vec::new(),
            header: Vec::new(),
            records: 0,
            blank: 0,
            opened: 0,
            lines_after_all: false,
        }
    }

    fn lines(mut self) -> Result<Found, StageError> {
        while self.step()? {}
        self.finish()
    }

    fn csv(mut self) -> Result<Found, StageError> {
        if self.read_header()? {
            while self.step()? {}
        }
        self.finish()
    }

    fn whole(mut self, at: u64, end: u64, line: u64) -> Result<Found, StageError> {
        let len = end - at;
        self.records = 1;
        self.pieces.push(match usize::try_from(len) {
            Ok(len) if len <= self.limits.record => {
                Piece::Bytes(Chunk { at, len, line, phase: Phase::Start, last: true })
            }
            _ => Piece::Giant { at, len, line },
        });
        self.finish()
    }

    /// None when the array ends on the line where it begins and other lines follow: then they are lines.
    fn array(mut self, at: u64, line: u64) -> Result<Option<Found>, StageError> {
        self.window.seek(at + 1);
        self.cutter.line = line;
        self.opened = line;
        while self.step()? {}
        if self.lines_after_all { Ok(None) } else { self.finish().map(Some) }
    }

    fn finish(self) -> Result<Found, StageError> {
        Ok(Found {
            tag: self.window.finish(self.limits.chunk)?,
            layout: self.cutter.layout,
            header: self.header,
            pieces: self.pieces,
            records: self.records,
            blank: self.blank,
        })
    }

    fn read_header(&mut self) -> Result<bool, StageError> {
        let bad = |why| StageError::BadHeader { path: self.content.path.clone(), why };
        let mut size = self.limits.chunk;
        loop {
            self.window.fill(size)?;
            match self.cutter.next(self.window.bytes(), self.window.at_end()) {
                Some(cut) if cut.blank => {}
                Some(cut) if cut.end - cut.start > self.limits.record => return Err(bad(TOO_LONG)),
                Some(cut) => {
                    let text = csv::decoded(&self.window.bytes()[cut.start..cut.end], self.content.encoding)
                        .ok_or_else(|| bad("is not valid UTF-8"))?;
                    self.header = csv::header(&text).ok_or_else(|| bad("has a quote without its partner"))?;
                    break;
                }
                None if self.window.at_end() => return Ok(false),
                None if size > self.limits.record => return Err(bad(TOO_LONG)),
                None => size = (size * 2).min(self.limits.record + 2),
            }
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = self.header.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(StageError::DuplicateHeader { path: self.content.path.clone(), column: twice.clone() });
        }
        self.window.consume(self.cutter.at);
        self.cutter.at = 0;
        Ok(true)
    }

    /// Cuts what the window holds into one piece or more. False at the end of the content.
    fn step(&mut self) -> Result<bool, StageError> {
        self.window.fill(self.limits.chunk)?;
        let mut size = self.limits.chunk;
        loop {
            let count = self.cut_window();
            if self.lines_after_all {
                return Ok(false);
            }
            let last = self.window.at_end();
            let moved = self.cutter.at > 0;
            self.window.consume(self.cutter.at);
            self.cutter.at = 0;
            if count > 0 || moved || last {
                return Ok(!last);
            }
            if self.window.bytes().len() > self.limits.record {
                self.giant()?;
                return Ok(!self.lines_after_all);
            }
            size = (size * 2).clamp(1, self.limits.record + 2).max(self.window.bytes().len() + 1);
            self.window.fill(size)?;
        }
    }

    fn cut_window(&mut self) -> u64 {
        let last = self.window.at_end();
        let mut begin = self.begin();
        let mut count = 0;
        let mut before = begin;
        while let Some(cut) = self.cutter.next(self.window.bytes(), last) {
            if cut.oddity == Some(Oddity::Tail) && self.first_of_lines(cut.line) {
                self.lines_after_all = true;
                return count;
            }
            count += 1;
            begin.records += 1;
            if cut.end - cut.start > self.limits.record {
                begin.records -= 1;
                self.push(begin, before.at, false);
                let at = self.window.base + cut.start as u64;
                self.pieces.push(Piece::Giant { at, len: (cut.end - cut.start) as u64, line: cut.line });
                self.records += 1;
                begin = self.begin();
            } else {
                self.blank += u64::from(cut.blank);
            }
            before = self.begin();
        }
        self.push(begin, self.cutter.at, last);
        count
    }

    /// True when text on this line shows that the array before it was a line among others.
    fn first_of_lines(&self, line: u64) -> bool {
        self.cutter.closed == self.opened && line > self.opened
    }

    fn begin(&self) -> Begin {
        Begin { at: self.cutter.at, line: self.cutter.line, phase: self.cutter.phase, records: 0 }
    }

    fn push(&mut self, begin: Begin, end: usize, last: bool) {
        if begin.records > 0 {
            self.records += begin.records;
            let at = self.window.base + begin.at as u64;
            let (line, phase, len) = (begin.line, begin.phase, end - begin.at);
            self.pieces.push(Piece::Bytes(Chunk { at, len, line, phase, last }));
        }
    }

    /// Finds the end of a record that the window cannot hold, and goes behind it.
    fn giant(&mut self) -> Result<(), StageError> {
        let (start, line) = (self.window.base, self.cutter.line);
        let tail = self.cutter.phase == Phase::Tail;
        if tail && self.first_of_lines(line) {
            self.lines_after_all = true;
            return Ok(());
        }
        let mut end = RecordEnd::new(if tail { Layout::Whole } else { self.cutter.layout });
        let mut text_end = start;
        let mut stop = self.stream(&mut text_end, |bytes| end.feed(bytes))?;
        let mut lines = end.lines;
        if self.cutter.layout == Layout::Csv && stop == self.content.len && end.open() {
            self.window.seek(start);
            stop = self.stream(&mut text_end, |bytes| memchr2(b'\n', b'\r', bytes))?;
            lines = 0;
        }
        let mut behind = [0; 2];
        let behind_len = self.content.read_at(stop, &mut behind)?;
        let step = match (&behind[..behind_len], self.cutter.layout) {
            ([], _) => 0,
            ([b'\r', b'\n'], Layout::Csv) => 2,
            _ => 1,
        };
        let mut len = match self.cutter.layout {
            Layout::Array => text_end - start,
            _ => stop - start,
        };
        if self.cutter.layout == Layout::Lines && self.ends_with_return(stop)? {
            len -= 1;
        }
        self.records += 1;
        let chunk_len = usize::try_from(stop + step - start).ok().filter(|_| len <= self.limits.record as u64);
        self.pieces.push(match chunk_len {
            Some(chunk) => {
                let phase = self.cutter.phase;
                Piece::Bytes(Chunk { at: start, len: chunk, line, phase, last: step == 0 })
            }
            None => Piece::Giant { at: start, len, line },
        });
        self.cutter.line = line + lines + u64::from(self.cutter.layout != Layout::Array);
        self.cutter.phase = match (self.cutter.layout, behind[0]) {
            (Layout::Array, _) if tail || step == 0 => Phase::Done,
            (Layout::Array, b',') => Phase::Next,
            (Layout::Array, _) => Phase::Tail,
            _ => Phase::Start,
        };
        self.cutter.closed = self.cutter.line;
        self.window.seek(stop + step);
        Ok(())
    }

    /// Place of what `find` looks for, or the end of the content; `text_end` is behind the last byte
    /// before it that is not white space.
    fn stream(&mut self, text_end: &mut u64, mut find: impl FnMut(&[u8]) -> Option<usize>) -> Result<u64, StageError> {
        loop {
            let bytes = self.window.bytes();
            let found = find(bytes);
            let inside = &bytes[..found.unwrap_or(bytes.len())];
            if let Some(at) = inside.iter().rposition(|byte| !byte.is_ascii_whitespace()) {
                *text_end = self.window.base + at as u64 + 1;
            }
            if let Some(found) = found {
                return Ok(self.window.base + found as u64);
            }
            if self.window.at_end() {
                return Ok(self.content.len);
            }
            self.window.consume(bytes.len());
            self.window.fill(self.limits.chunk)?;
        }
    }

    fn ends_with_return(&self, stop: u64) -> Result<bool, StageError> {
        let mut byte = [0];
        self.content.read_at(stop - 1, &mut byte)?;
        Ok(byte[0] == b'\r')
    }
}

const TOO_LONG: &str = "is too long; a quote may be missing";

/// True when the record cannot be one whatever its text is, in words for the quarantine.
pub(crate) fn oddity_text(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::Tail => "text follows the end of the array",
        Oddity::Unclosed => "the array has no end; the file may be cut off",
    }
}
