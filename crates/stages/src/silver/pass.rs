//! One pass over files: parse, refuse, find duplicates, write.
//!
//! Files go by descending path and their pieces from the last to the first, so that the first record of a
//! key that comes is the one that stays, and rows can be written at once.

mod elements;

pub(crate) use elements::{NO_ARRAY, NO_OBJECT, WRONG};

use crate::bronze::cut::{Cut, Cutter, Layout};
use crate::bronze::survey::oddity_text;
use crate::bronze::{Chunk, Piece, Surveyed};
use crate::error::StageError;
use crate::limits::Limits;
use crate::parallel::{self, locked};
use crate::silver::columns::{Columns, Stamp};
use crate::silver::csv::{self, Fields};
use crate::silver::fault::Reason;
use crate::silver::files::{Files, Groups};
use crate::silver::gate::Gauges;
use crate::silver::json::{self, Ignored};
use crate::silver::keys::{Keys, key};
use crate::silver::refused::{Place, Refused};
use crate::silver::row::{Cell, Field, Row};
use crate::silver::shape::Shape;
use crate::silver::{moment, parquet_rows};
use crate::watch::{Progress, Watch};
use arrow::array::RecordBatch;
use assay_pipeline::Format;
use chrono::NaiveDate;
use parquet::errors::ParquetError;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A file of a pass.
pub(crate) struct PassFile<'a> {
    pub(crate) surveyed: &'a Surveyed,
    pub(crate) folder_date: Option<NaiveDate>,
    /// Dates that the ledger knows of the file, in days.
    pub(crate) known: BTreeSet<i32>,
    /// True when records without any date are to be quarantined in this pass.
    pub(crate) undated: bool,
}

/// What the records of one file came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) read: u64,
    pub(crate) accepted: u64,
    pub(crate) quarantined: u64,
    pub(crate) blank: u64,
    pub(crate) elsewhere: u64,
    /// Rows of exploded records beyond the first of each.
    pub(crate) more_rows: u64,
    pub(crate) dates: BTreeMap<i32, u64>,
    /// Dates outside the scope that the ledger does not know of the file.
    pub(crate) strays: BTreeSet<i32>,
    pub(crate) reasons: BTreeMap<Reason, u64>,
    pub(crate) ignored: BTreeSet<String>,
    pub(crate) gauges: Gauges,
}

/// The keys that a pass is about, when they are too many to be held at once. Records with other keys count as
/// elsewhere, and so do refused records in all but the first share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) number: u64,
    pub(crate) of: u64,
}

impl Share {
    #[inline]
    fn has(self, key: u128) -> bool {
        // The low half of the hash places the key in the table.
        self.of == 1 || (key >> 64) as u64 % self.of == self.number
    }
}

pub(crate) struct Pass<'a> {
    pub(crate) shape: &'a Shape,
    /// Dates to write, in days; none means all.
    pub(crate) scope: Option<HashSet<i32>>,
    pub(crate) share: Share,
    /// In ascending byte order of their paths.
    pub(crate) files: Vec<PassFile<'a>>,
    pub(crate) stamp: &'a Stamp,
    pub(crate) silver: &'a Files<'a>,
    pub(crate) quarantine: &'a Files<'a>,
    pub(crate) limits: &'a Limits,
    pub(crate) threads: usize,
    pub(crate) watch: &'a dyn Watch,
    pub(crate) progress: &'a Totals,
}

/// Totals of a stage over all its passes, for the progress.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) bytes_total: AtomicU64,
    bytes_done: AtomicU64,
    read: AtomicU64,
    accepted: AtomicU64,
    quarantined: AtomicU64,
}

impl Pass<'_> {
    /// Reads every file; the tallies have the order of the files.
    pub(crate) fn run(&self) -> Result<Vec<Tally>, StageError> {
        let order: Vec<(usize, usize)> = (0..self.files.len())
            .rev()
            .flat_map(|file| (0..self.files[file].surveyed.pieces.len()).rev().map(move |piece| (file, piece)))
            .collect();
        let records: u64 = self.files.iter().map(|file| file.surveyed.records).sum();
        let expected = if self.shape.key.is_empty() { 0 } else { records / self.share.of };
        let keys = Keys::new(usize::try_from(expected).unwrap_or(0));
        let tallies: Vec<Mutex<Tally>> = self.files.iter().map(|_| Mutex::default()).collect();
        let next = AtomicUsize::new(0);
        let fields: Vec<Fields> = self.files.iter().map(|file| Fields::of(&file.surveyed.header, self.shape)).collect();
        parallel::run(self.threads.min(order.len()), |_| {
            let mut worker = Worker::new(self, &keys);
            let done = worker.work(&order, &next, &fields, &tallies);
            if done.is_err() {
                keys.give_up();
            }
            done.and_then(|()| worker.finish())
        })?;
        for (file, (fields, tally)) in self.files.iter().zip(fields.into_iter().zip(&tallies)) {
            let mut tally = locked(tally);
            tally.ignored.extend(fields.ignored);
            tally.read = file.surveyed.records + tally.more_rows;
            let accounted = tally.accepted + tally.quarantined + tally.blank + tally.elsewhere;
            if tally.read != accounted {
                let path = file.surveyed.path.clone();
                return Err(StageError::Unbalanced { path, read: tally.read, accounted });
            }
            file.surveyed.content.check_unchanged()?;
        }
        Ok(tallies.into_iter().map(|tally| std::mem::take(&mut *locked(&tally))).collect())
    }

    fn wants(&self, file: &PassFile<'_>, date: Option<i32>) -> bool {
        match (date, &self.scope) {
            (None, _) => file.undated,
            (Some(_), None) => true,
            (Some(date), Some(scope)) => scope.contains(&date),
        }
    }

    fn report(&self, bytes: u64, read: u64, tally: &Tally) {
        let add = |total: &AtomicU64, by: u64| total.fetch_add(by, Ordering::Relaxed) + by;
        self.watch.progress(Progress {
            bytes_done: add(&self.progress.bytes_done, bytes),
            bytes_total: self.progress.bytes_total.load(Ordering::Relaxed),
            read: add(&self.progress.read, read),
            accepted: add(&self.progress.accepted, tally.accepted),
            quarantined: add(&self.progress.quarantined, tally.quarantined),
        });
    }
}

struct Worker<'p> {
    pass: &'p Pass<'p>,
    keys: &'p Keys,
    row: Row,
    buffer: Vec<u8>,
    key_buffer: Vec<u8>,
    silver: Groups<'p>,
    quarantine: Groups<'p>,
}

/// What a piece came to, before duplicates are known.
struct Parsed {
    columns: Columns,
    keys: Vec<u128>,
    /// Of the accepted records.
    places: Vec<At>,
    /// Of the accepted records: whether the gate counts them. Empty without a gate.
    counted: Vec<bool>,
    refused: Refused,
    tally: Tally,
    ignored: Ignored,
    same_date: Same,
}

/// The date of the records before: dates repeat.
#[derive(Clone, Copy, Default)]
struct Same {
    date: Option<i32>,
    count: u64,
    wanted: bool,
}

/// Where an accepted record lies in what was read; the row's number for Parquet.
#[derive(Clone, Copy)]
struct At {
    start: u32,
    end: u32,
    line: u64,
    /// As in [`Place`].
    item: u64,
}

/// What was read of a piece.
enum Read {
    Bytes { at: u64 },
    Rows(RecordBatch),
}

/// The record's text, unless it cannot be a record whatever its text is; then the row says why.
#[inline]
fn sound<'t>(cut: Cut, text: Option<Cow<'t, str>>, row: &mut Row) -> Result<Cow<'t, str>, Cow<'t, str>> {
    let (words, text) = match (text, cut.oddity) {
        (Some(text), None) => return Ok(text),
        (Some(text), Some(oddity)) => (oddity_text(oddity), text),
        (None, _) => ("the record is not valid UTF-8", Cow::Borrowed("")),
    };
    row.begin();
    row.malformed(words);
    Err(text)
}

impl<'p> Worker<'p> {
    fn new(pass: &'p Pass<'p>, keys: &'p Keys) -> Self {
        Self {
            pass,
            keys,
            row: Row::new(pass.shape),
            buffer: Vec::new(),
            key_buffer: Vec::new(),
            silver: Groups::new(pass.silver),
            quarantine: Groups::new(pass.quarantine),
        }
    }

    fn finish(self) -> Result<(), StageError> {
        self.silver.finish()?;
        self.quarantine.finish()
    }

    fn work(
        &mut self,
        order: &[(usize, usize)],
        next: &AtomicUsize,
        fields: &[Fields],
        tallies: &[Mutex<Tally>],
    ) -> Result<(), StageError> {
        loop {
            if self.pass.watch.cancelled() {
                return Err(StageError::Cancelled);
            }
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some((file, piece)) = order.get(turn).copied() else { return Ok(()) };
            let of = &self.pass.files[file];
            let piece = of.surveyed.pieces[piece];
            let mut parsed = Parsed::new(self.pass, piece);
            let read = self.parse(of, &fields[file], piece, &mut parsed)?;
            parsed.note_dates();
            let lost = match self.pass.shape.key.is_empty() {
                true => vec![false; parsed.keys.len()],
                false => self.keys.add(turn, &parsed.keys)?,
            };
            let bytes = match piece {
                Piece::Bytes(chunk) => chunk.len as u64,
                Piece::Giant { len, .. } => len,
                Piece::Rows { count, .. } => of.surveyed.content.len * count as u64 / of.surveyed.records.max(1),
            };
            let (read, tally) = self.write(of, parsed, &read, &lost)?;
            self.pass.report(bytes, read, &tally);
            locked(&tallies[file]).add(tally);
        }
    }

    fn parse(
        &mut self,
        file: &PassFile<'_>,
        fields: &Fields,
        piece: Piece,
        parsed: &mut Parsed,
    ) -> Result<Read, StageError> {
        self.row.file_date = file.folder_date.map(moment::days);
        match piece {
            Piece::Bytes(chunk) => {
                self.buffer.resize(chunk.len, 0);
                file.surveyed.content.read_exact_at(chunk.at, &mut self.buffer)?;
                // The buffer comes back at once; the row and the groups are needed meanwhile.
                let buffer = std::mem::take(&mut self.buffer);
                self.chunk(file, fields, chunk, &buffer, parsed);
                self.buffer = buffer;
                Ok(Read::Bytes { at: chunk.at })
            }
            Piece::Giant { at, len, line } => {
                let limits = self.pass.limits;
                let kept = usize::try_from(len).unwrap_or(usize::MAX).min(limits.kept);
                self.buffer.resize(kept, 0);
                file.surveyed.content.read_exact_at(at, &mut self.buffer)?;
                let words = format!(
                    "the record has {len} bytes, more than the {} that are read; its first {kept} are kept",
                    limits.record
                );
                self.row.begin();
                self.row.malformed(words);
                let place = Place { line, offset: at, item: 0, raw: &self.buffer, len };
                record(
                    self.pass,
                    file,
                    &mut self.row,
                    &mut self.key_buffer,
                    parsed,
                    "",
                    place,
                    At { start: 0, end: 0, line, item: 0 },
                );
                Ok(Read::Bytes { at })
            }
            Piece::Rows { group, from, count, line } => {
                let batch = parquet_rows::rows(&file.surveyed.content.opened()?, group, from, count)?;
                self.rows(file, fields, &batch, line, parsed)?;
                Ok(Read::Rows(batch))
            }
        }
    }

    fn chunk(&mut self, file: &PassFile<'_>, fields: &Fields, chunk: Chunk, bytes: &[u8], parsed: &mut Parsed) {
        let surveyed = file.surveyed;
        let encoding = surveyed.content.encoding;
        let mut cutter = Cutter::new(surveyed.layout, chunk.phase, chunk.line);
        let last = chunk.last || surveyed.layout != Layout::Array;
        while let Some(cut) = cutter.next(bytes, last) {
            if cut.blank {
                parsed.tally.blank += 1;
                continue;
            }
            let raw = &bytes[cut.start..cut.end];
            let text = csv::decoded(raw, encoding);
            let (offset, len) = (chunk.at + cut.start as u64, raw.len() as u64);
            let place = Place { line: cut.line, offset, item: 0, raw, len };
            let at = At { start: cut.start as u32, end: cut.end as u32, line: cut.line, item: 0 };
            if let Some(explode) = &self.pass.shape.explode {
                self.explode(file, explode, cut, text, place, at, parsed);
                continue;
            }
            let text = self.read(surveyed, fields, cut, text, parsed);
            record(self.pass, file, &mut self.row, &mut self.key_buffer, parsed, &text, place, at);
        }
    }

    /// Fills the row from the record's text, and gives the text back.
    #[inline]
    fn read<'t>(
        &mut self,
        surveyed: &Surveyed,
        fields: &Fields,
        cut: Cut,
        text: Option<Cow<'t, str>>,
        parsed: &mut Parsed,
    ) -> Cow<'t, str> {
        let shape = self.pass.shape;
        let row = &mut self.row;
        let text = match sound(cut, text, row) {
            Ok(text) => text,
            Err(text) => return text,
        };
        let readable = match surveyed.format {
            Format::Csv => csv::read(&text, fields, shape, row),
            _ => json::read(&text, shape, row, &mut parsed.ignored),
        };
        if readable {
            row.judge(shape, &text);
        }
        text
    }

    fn rows(
        &mut self,
        file: &PassFile<'_>,
        fields: &Fields,
        batch: &RecordBatch,
        line: u64,
        parsed: &mut Parsed,
    ) -> Result<(), StageError> {
        let shape = self.pass.shape;
        let taken = batch.columns().iter().enumerate().filter(|(at, _)| !fields.columns(*at).is_empty());
        let taken = taken.map(|(at, column)| Ok((at, parquet_rows::plain(column)?)));
        let taken = taken.collect::<Result<Vec<_>, _>>().map_err(|error: arrow::error::ArrowError| {
            StageError::BadParquet { path: file.surveyed.path.clone(), source: ParquetError::from(error) }
        })?;
        let mut store = String::new();
        for row in 0..batch.num_rows() {
            self.row.begin();
            for (at, column) in &taken {
                let field: Field<'_> = parquet_rows::field(column, row, &mut store);
                for column in fields.columns(*at) {
                    self.row.set(*column, &shape.columns[*column], "", field);
                }
            }
            self.row.judge(shape, "");
            let raw = if self.row.is_accepted() { Vec::new() } else { parquet_rows::json(batch, row) };
            let line = line + row as u64;
            let place = Place { line, offset: line - 1, item: 0, raw: &raw, len: raw.len() as u64 };
            let at = At { start: row as u32, end: row as u32, line, item: 0 };
            record(self.pass, file, &mut self.row, &mut self.key_buffer, parsed, "", place, at);
        }
        Ok(())
    }

    /// Encodes what was parsed, without the records that lost against their duplicates.
    fn write(
        &mut self,
        file: &PassFile<'_>,
        parsed: Parsed,
        read: &Read,
        lost: &[bool],
    ) -> Result<(u64, Tally), StageError> {
        let Parsed { columns, places, counted, mut refused, mut tally, ignored, .. } = parsed;
        let pass = self.pass;
        let path = &file.surveyed.path;
        let broken = |error: arrow::error::ArrowError| StageError::parquet(path, ParquetError::from(error));
        let accepted = columns.len() as u64;
        let rows = columns.finish(pass.silver.schema(), path, pass.stamp).map_err(broken)?;
        let duplicate = [(Reason::Duplicate, "another record of this date has the same key and comes later".into())];
        for (at, (place, _)) in places.iter().zip(lost).enumerate().filter(|(_, (_, lost))| **lost) {
            let (offset, raw) = match read {
                Read::Bytes { at } => {
                    let raw = &self.buffer[place.start as usize..place.end as usize];
                    (at + u64::from(place.start), Cow::Borrowed(raw))
                }
                Read::Rows(batch) => (place.line - 1, Cow::Owned(parquet_rows::json(batch, place.start as usize))),
            };
            let At { line, item, .. } = *place;
            let place = Place { line, offset, item, raw: &raw, len: raw.len() as u64 };
            refused.push(pass.shape, Some(rows.dates[at]), place, &duplicate);
        }
        tally.quarantined = refused.count;
        tally.accepted = accepted - lost.iter().filter(|lost| **lost).count() as u64;
        tally.gauges.dated.accepted +=
            counted.iter().zip(lost).filter(|(counted, lost)| **counted && !**lost).count() as u64;
        tally.reasons = std::mem::take(&mut refused.reasons);
        tally.ignored = ignored.names.into_iter().collect();
        for (date, batch) in rows.by_date(lost).map_err(broken)? {
            self.silver.add(Some(date), &batch)?;
        }
        for (date, batch) in refused.finish(pass.quarantine.schema(), path, pass.stamp)? {
            self.quarantine.add(date, &batch)?;
        }
        // What other passes over the file deal with is not counted twice.
        let blank = if file.undated { tally.blank } else { 0 };
        Ok((tally.accepted + tally.quarantined + blank, tally))
    }
}

impl Parsed {
    fn new(pass: &Pass<'_>, piece: Piece) -> Self {
        let rows = match piece {
            // Records of a few hundred bytes are usual; more make the columns grow.
            Piece::Bytes(chunk) => chunk.len / 256,
            Piece::Giant { .. } => 0,
            Piece::Rows { count, .. } => count,
        };
        Self {
            columns: Columns::new(pass.shape, rows),
            keys: Vec::with_capacity(rows),
            places: Vec::with_capacity(rows),
            counted: Vec::new(),
            refused: Refused::new(pass.limits.kept),
            tally: Tally::default(),
            ignored: Ignored::new(pass.limits.ignored + 1),
            same_date: Same::default(),
        }
    }

    /// Counts a record of the date, and tells whether it is wanted.
    #[inline]
    fn count_date(&mut self, pass: &Pass<'_>, file: &PassFile<'_>, date: Option<i32>) -> bool {
        if self.same_date.date != date || self.same_date.count == 0 {
            self.note_dates();
            self.same_date = Same { date, count: 0, wanted: pass.wants(file, date) };
        }
        self.same_date.count += 1;
        self.same_date.wanted
    }

    fn note_dates(&mut self) {
        let Same { date, count, .. } = self.same_date;
        if let (Some(date), 1..) = (date, count) {
            *self.tally.dates.entry(date).or_default() += count;
        }
        self.same_date.count = 0;
    }
}

/// Takes the row where it belongs: to the accepted, to the refused, or only into the counts.
#[inline]
#[expect(clippy::too_many_arguments, reason = "the hot path borrows parts of the worker one by one")]
fn record(
    pass: &Pass<'_>,
    file: &PassFile<'_>,
    row: &mut Row,
    key_buffer: &mut Vec<u8>,
    parsed: &mut Parsed,
    text: &str,
    place: Place<'_>,
    at: At,
) {
    let own = match row.cells[pass.shape.partition] {
        Cell::Number(days) => Some(days as i32),
        _ => None,
    };
    let date = own.or_else(|| file.folder_date.map(moment::days));
    if !parsed.count_date(pass, file, date) {
        parsed.tally.elsewhere += 1;
        if let Some(date) = date.filter(|date| !file.known.contains(date)) {
            parsed.tally.strays.insert(date);
        }
        return;
    }
    match (row.is_accepted(), own) {
        (true, Some(date)) => {
            let key = if pass.shape.key.is_empty() { 0 } else { key(pass.shape, row, text, date, key_buffer) };
            if !pass.share.has(key) {
                parsed.tally.elsewhere += 1;
                return;
            }
            if let Some(gate) = &pass.shape.gate {
                let counts = gate.counts(row.view(text));
                parsed.tally.gauges.dated.note(counts);
                parsed.counted.push(counts);
            }
            parsed.keys.push(key);
            parsed.places.push(at);
            parsed.columns.push(row, text, place, date);
        }
        _ if pass.share.number > 0 => parsed.tally.elsewhere += 1,
        _ => {
            if let Some(gate) = &pass.shape.gate {
                let gauges = &mut parsed.tally.gauges;
                let gauge = if date.is_some() { &mut gauges.dated } else { &mut gauges.undated };
                gauge.note(gate.counts(row.view(text)));
            }
            parsed.refused.push(pass.shape, date, place, row.reasons());
        }
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.quarantined += other.quarantined;
        self.blank += other.blank;
        self.elsewhere += other.elsewhere;
        self.more_rows += other.more_rows;
        for (date, count) in other.dates {
            *self.dates.entry(date).or_default() += count;
        }
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.gauges.add(other.gauges);
        self.strays.extend(other.strays);
        self.ignored.extend(other.ignored);
    }
}
