//! What a replay needs of source files: their format and date, and their header and records where these are still there.

use super::ReplayJob;
use crate::bronze::content;
use crate::bronze::cut::Cutter;
use crate::bronze::discover::date_of;
use crate::bronze::{Piece, Surveyed};
use crate::error::StageError;
use crate::silver::csv::Fields;
use crate::silver::ingest::PlannedFile;
use crate::silver::shape::Shape;
use crate::silver::{moment, parquet_rows};
use crate::watch::{Level, Watch};
use assay_pipeline::{Encoding, Format};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A source file as far as a refused record needs it.
pub(super) struct Origin {
    pub(super) format: Format,
    pub(super) encoding: Encoding,
    /// The file's own date, in days.
    pub(super) date: Option<i32>,
    /// Of CSV and Parquet, where the file is as it was read.
    pub(super) fields: Option<Fields>,
    pub(super) surveyed: Option<Rc<Surveyed>>,
}

/// Source files, each looked at once.
pub(super) struct Origins<'a> {
    job: &'a ReplayJob<'a>,
    shape: &'a Shape,
    watch: &'a dyn Watch,
    known: BTreeMap<String, Rc<Origin>>,
    surveyed: BTreeMap<String, Option<Rc<Surveyed>>>,
}

/// A record that was found in its file again.
pub(super) struct Found {
    pub(super) offset: u64,
    /// As in a place: 0 for a record that is a row itself.
    pub(super) item: u64,
    pub(super) raw: Vec<u8>,
    /// True length, in bytes.
    pub(super) len: u64,
}

impl<'a> Origins<'a> {
    pub(super) fn new(job: &'a ReplayJob<'a>, shape: &'a Shape, watch: &'a dyn Watch) -> Self {
        Self { job, shape, watch, known: BTreeMap::new(), surveyed: BTreeMap::new() }
    }

    pub(super) fn of(&mut self, path: &str) -> Result<Rc<Origin>, StageError> {
        if let Some(origin) = self.known.get(path) {
            return Ok(Rc::clone(origin));
        }
        let source = self.job.ingest.source;
        let format = content::format(source, path)?;
        let held = self.job.ledger.get(path);
        let date = date_of(source, path, held.map(|file| file.modified_ns)).map(moment::days);
        let needed = format != Format::Json || source.encoding != Encoding::Utf8;
        let surveyed = if needed { self.surveyed(path)? } else { None };
        let fields = surveyed.as_ref().map(|surveyed| Fields::of(&surveyed.header, self.shape));
        let encoding = surveyed.as_ref().map_or(source.encoding, |surveyed| surveyed.content.encoding);
        let origin = Rc::new(Origin { format, encoding, date, fields, surveyed });
        self.known.insert(path.to_owned(), Rc::clone(&origin));
        Ok(origin)
    }

    /// The file, when it is there with the content that was read.
    fn surveyed(&mut self, path: &str) -> Result<Option<Rc<Surveyed>>, StageError> {
        if let Some(surveyed) = self.surveyed.get(path) {
            return Ok(surveyed.clone());
        }
        let ingest = &self.job.ingest;
        let tag = self.job.ledger.get(path).map(|file| file.tag.as_str());
        let surveyed = match ingest.files.iter().find(|file| file.path == path) {
            Some(planned) => self.survey(planned)?.filter(|surveyed| Some(surveyed.tag.as_str()) == tag).map(Rc::new),
            None => None,
        };
        self.surveyed.insert(path.to_owned(), surveyed.clone());
        Ok(surveyed)
    }

    fn survey(&self, planned: &PlannedFile) -> Result<Option<Surveyed>, StageError> {
        let ingest = &self.job.ingest;
        let folder = ingest.lake.pipeline_folder(&ingest.pipeline.name);
        let files = std::slice::from_ref(planned);
        let found = crate::bronze::survey(ingest.source, &folder, files, ingest.scratch, 1, &ingest.limits, self.watch);
        match found {
            Ok(found) => Ok(found.into_iter().next()),
            Err(StageError::Cancelled) => Err(StageError::Cancelled),
            Err(error) => {
                self.watch.log(Level::Warn, &format!("{} is not used: {error}", planned.path));
                Ok(None)
            }
        }
    }

    /// The record on this line, of the element at this place where records are exploded; none when the file is not
    /// as it was, or when the line holds several records.
    pub(super) fn record(&mut self, path: &str, line: u64, item: Option<u64>) -> Result<Option<Found>, StageError> {
        let Some(surveyed) = self.surveyed(path)? else { return Ok(None) };
        let begins = |piece: &Piece| match piece {
            Piece::Bytes(chunk) => chunk.line,
            Piece::Giant { line, .. } | Piece::Rows { line, .. } => *line,
        };
        let content = surveyed.content.opened()?;
        let mut found = None;
        for (at, piece) in surveyed.pieces.iter().enumerate() {
            let behind = surveyed.pieces.get(at + 1).map_or(u64::MAX, begins);
            if begins(piece) > line || behind < line {
                continue;
            }
            match *piece {
                Piece::Giant { .. } => {}
                Piece::Rows { group, from, count, line: first } => {
                    if line - first < count as u64 {
                        let batch = parquet_rows::rows(&content, group, from + (line - first) as usize, 1)?;
                        let raw = parquet_rows::json(&batch, 0);
                        return Ok(Some(Found { offset: line - 1, item: 0, len: raw.len() as u64, raw }));
                    }
                }
                Piece::Bytes(chunk) => {
                    let mut bytes = vec![0; chunk.len];
                    content.read_exact_at(chunk.at, &mut bytes)?;
                    let mut cutter = Cutter::new(surveyed.layout, chunk.phase, chunk.line);
                    while let Some(cut) = cutter.next(&bytes, chunk.last) {
                        let (offset, len) = (chunk.at + cut.start as u64, (cut.end - cut.start) as u64);
                        let within = item.is_none_or(|item| offset < item && item <= offset + len);
                        if cut.blank || cut.line != line || !within {
                            continue;
                        }
                        if found.is_some() {
                            return Ok(None);
                        }
                        let item = item.filter(|_| self.shape.explode.is_some()).map_or(0, |item| item - offset);
                        found = Some(Found { offset, item, raw: bytes[cut.start..cut.end].to_vec(), len });
                    }
                }
            }
        }
        Ok(found)
    }

    /// The Parquet row on this line.
    pub(super) fn row(origin: &Origin, line: u64) -> Result<Option<arrow::array::RecordBatch>, StageError> {
        let Some(surveyed) = &origin.surveyed else { return Ok(None) };
        let content = surveyed.content.opened()?;
        for piece in &surveyed.pieces {
            if let Piece::Rows { group, from, count, line: first } = *piece
                && (first..first + count as u64).contains(&line)
            {
                return parquet_rows::rows(&content, group, from + (line - first) as usize, 1).map(Some);
            }
        }
        Ok(None)
    }
}
