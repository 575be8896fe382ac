//! What becomes of each record of each file: accepted, refused, or refused because a later one has its key.

use super::input;
use super::layers::{Counts, Quarantined};
use super::record::{Cut, Piece, Place, Value};
use crate::TestkitError;
use std::collections::{BTreeMap, HashMap};

/// Records while files are read. `R` is a record that its contract accepts.
pub(super) struct Ledger<R> {
    passed: Vec<Passed<R>>,
    quarantine: Vec<Quarantined>,
    files: BTreeMap<String, Counts>,
}

/// A record that passes everything but the search for duplicates.
#[derive(Debug, Clone)]
pub(super) struct Passed<R> {
    pub row: R,
    /// Within all dates; empty where duplicates are kept.
    pub key: Vec<String>,
    pub place: Place,
    pub raw: Vec<u8>,
}

/// A row and its key, or all reasons, the primary one first.
pub(super) type Judged<R> = Result<(R, Vec<String>), Vec<String>>;

/// Judges a record by its fields and its place.
pub(super) type Judge<'a, R> = dyn Fn(&HashMap<String, Value>, &Place) -> Judged<R> + 'a;

/// Accepted records, refused ones and the counts of files; records in the order of their places.
pub(super) type Settled<R> = (Vec<Passed<R>>, Vec<Quarantined>, BTreeMap<String, Counts>);

impl<R> Ledger<R> {
    pub(super) fn new() -> Self {
        Self { passed: Vec::new(), quarantine: Vec::new(), files: BTreeMap::new() }
    }

    /// Judges every record of a file.
    pub(super) fn add(
        &mut self,
        file: &str,
        bytes: Vec<u8>,
        decode: super::csv::Decode,
        judge: &Judge<'_, R>,
    ) -> Result<(), TestkitError> {
        let bytes = input::unpacked(file, bytes)?;
        self.files.entry(file.to_owned()).or_default();
        for cut in input::cut(file, &bytes, decode)? {
            let place = Place { file: file.to_owned(), line: cut.line, offset: cut.offset };
            let judged = match &cut.piece {
                Piece::Blank => {
                    self.blank(file);
                    continue;
                }
                Piece::Malformed => Err(vec!["malformed".to_owned()]),
                Piece::Record(values) => judge(values, &place),
            };
            self.take(&cut, place, judged);
        }
        Ok(())
    }

    pub(super) fn blank(&mut self, file: &str) {
        let counts = self.files.entry(file.to_owned()).or_default();
        counts.read += 1;
        counts.blank += 1;
    }

    /// One row of a record, judged.
    pub(super) fn take(&mut self, cut: &Cut<'_>, place: Place, judged: Judged<R>) {
        self.files.entry(place.file.clone()).or_default().read += 1;
        match judged {
            Ok((row, key)) => self.passed.push(Passed { row, key, place, raw: cut.raw.to_vec() }),
            Err(reasons) => self.refuse(place, reasons, cut.raw.to_vec()),
        }
    }

    fn refuse(&mut self, place: Place, reasons: Vec<String>, raw: Vec<u8>) {
        self.quarantine.push(Quarantined { file: place.file, line: place.line, offset: place.offset, reasons, raw });
    }

    /// Of the same key the greatest place wins.
    pub(super) fn settle(mut self) -> Settled<R> {
        self.passed.sort_by(|one, other| one.place.cmp(&other.place));
        let mut last: HashMap<Vec<String>, usize> = HashMap::new();
        for (at, passed) in self.passed.iter().enumerate() {
            last.insert(passed.key.clone(), at);
        }
        let mut accepted = Vec::new();
        for (at, passed) in std::mem::take(&mut self.passed).into_iter().enumerate() {
            if passed.key.is_empty() || last[&passed.key] == at {
                self.files.entry(passed.place.file.clone()).or_default().accepted += 1;
                accepted.push(passed);
            } else {
                self.refuse(passed.place, vec!["duplicate".to_owned()], passed.raw);
            }
        }
        self.quarantine.sort_by(|a, b| (&a.file, a.line, a.offset).cmp(&(&b.file, b.line, b.offset)));
        for refused in &self.quarantine {
            self.files.entry(refused.file.clone()).or_default().quarantined += 1;
        }
        (accepted, self.quarantine, self.files)
    }
}
