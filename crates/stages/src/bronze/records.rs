//! Raw records of surveyed files, a page at a time: what a source holds before any contract.

use crate::bronze::cut::{Cutter, Layout};
use crate::bronze::{Chunk, Piece, Surveyed};
use crate::error::StageError;
use crate::silver::{csv, parquet_rows};

/// Bytes of a record that a page shows.
const SHOWN: usize = 64 * 1024;

/// A record as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// Counted from 1; the row's number in Parquet.
    pub line: u64,
    /// Where it begins, in bytes of the unpacked file; the row's index in Parquet.
    pub offset: u64,
    /// Its text, at most 64 KiB of it; bytes that are no text in the file's encoding are replaced.
    pub text: String,
    /// Its true length in bytes.
    pub length: u64,
}

/// Records of one file from the `skip`-th on, blank lines left out, at most `limit`.
pub fn records(file: &Surveyed, skip: u64, limit: usize) -> Result<Vec<RawRecord>, StageError> {
    let mut page = Page { skip, limit, records: Vec::new() };
    for piece in &file.pieces {
        if page.records.len() >= page.limit {
            break;
        }
        match *piece {
            Piece::Bytes(chunk) => page.chunk(file, chunk)?,
            Piece::Giant { at, len, line } => {
                let mut raw = vec![0; usize::try_from(len).unwrap_or(usize::MAX).min(SHOWN)];
                file.content.opened()?.read_exact_at(at, &mut raw)?;
                page.add(file, line, at, &raw, len);
            }
            Piece::Rows { group, from, count, line } => page.rows(file, group, from, count, line)?,
        }
    }
    Ok(page.records)
}

struct Page {
    skip: u64,
    limit: usize,
    records: Vec<RawRecord>,
}

impl Page {
    fn chunk(&mut self, file: &Surveyed, chunk: Chunk) -> Result<(), StageError> {
        let mut bytes = vec![0; chunk.len];
        file.content.opened()?.read_exact_at(chunk.at, &mut bytes)?;
        let mut cutter = Cutter::new(file.layout, chunk.phase, chunk.line);
        let last = chunk.last || file.layout != Layout::Array;
        while self.records.len() < self.limit
            && let Some(cut) = cutter.next(&bytes, last)
        {
            if !cut.blank {
                let raw = &bytes[cut.start..cut.end];
                self.add(file, cut.line, chunk.at + cut.start as u64, raw, raw.len() as u64);
            }
        }
        Ok(())
    }

    fn rows(&mut self, file: &Surveyed, group: usize, from: usize, count: usize, line: u64) -> Result<(), StageError> {
        if self.skip >= count as u64 {
            self.skip -= count as u64;
            return Ok(());
        }
        let batch = parquet_rows::rows(&file.content.opened()?, group, from, count)?;
        for row in 0..batch.num_rows() {
            if self.records.len() >= self.limit {
                break;
            }
            let raw = if self.skip > 0 { Vec::new() } else { parquet_rows::json(&batch, row) };
            let line = line + row as u64;
            self.add(file, line, line - 1, &raw, raw.len() as u64);
        }
        Ok(())
    }

    fn add(&mut self, file: &Surveyed, line: u64, offset: u64, raw: &[u8], length: u64) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        let shown = &raw[..raw.len().min(SHOWN)];
        let text = match csv::decoded(shown, file.content.encoding) {
            Some(text) => text.into_owned(),
            None => String::from_utf8_lossy(shown).into_owned(),
        };
        self.records.push(RawRecord { line, offset, text, length });
    }
}
