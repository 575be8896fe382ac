//! The pipeline `sales_lakehouse` computed a second time, from the raw bronze files and without the engine.

mod csv;
mod gold;
mod input;
mod json;
mod number;
mod record;
mod rules;
#[cfg(test)]
mod tests;

pub use gold::SALES_COLUMNS;
pub use rules::SilverRow;

use crate::TestkitError;
use crate::table::Table;
use chrono::NaiveDate;
use record::{Piece, Place};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What a run over all dates must leave behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Accepted records, by file, line and offset.
    pub silver: Vec<SilverRow>,
    /// Refused records, by file, line and offset.
    pub quarantine: Vec<Quarantined>,
    /// By path below the pipeline's lake folder.
    pub files: BTreeMap<String, Counts>,
    /// By name of the table.
    pub gold: BTreeMap<&'static str, Table>,
}

/// A refused record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    pub file: String,
    /// Counted from 1.
    pub line: u64,
    /// Bytes before it in the unpacked file, a byte-order mark included.
    pub offset: u64,
    /// Reason codes, the primary one first.
    pub reasons: Vec<String>,
    /// The record's bytes, without line end; of an array's element, without the white space round it.
    pub raw: Vec<u8>,
}

impl Quarantined {
    pub fn primary(&self) -> &str {
        self.reasons.first().map_or("", String::as_str)
    }
}

/// `read = accepted + quarantined + blank`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub read: u64,
    pub accepted: u64,
    pub quarantined: u64,
    pub blank: u64,
}

impl Expected {
    /// Reads every bronze file below the pipeline's lake folder.
    pub fn read(pipeline_lake: &Path) -> Result<Self, TestkitError> {
        let mut ledger = Ledger::default();
        for (file, path) in input::files(pipeline_lake)? {
            let bytes = std::fs::read(&path).map_err(TestkitError::at(path))?;
            ledger.add(&file, bytes)?;
        }
        Ok(ledger.finish())
    }

    /// Takes the files as (path below the pipeline's lake folder, bytes) instead of reading them.
    pub fn of(files: &[(&str, &[u8])]) -> Result<Self, TestkitError> {
        let mut ledger = Ledger::default();
        for (file, bytes) in files {
            ledger.add(file, bytes.to_vec())?;
        }
        Ok(ledger.finish())
    }

    /// The silver table without its audit columns, of one date or of all.
    pub fn sales(&self, date: Option<NaiveDate>) -> Table {
        let rows: Vec<SilverRow> =
            self.silver.iter().filter(|row| date.is_none_or(|date| row.date == date)).cloned().collect();
        gold::sales(&rows)
    }

    /// The quarantine as a table of file, line and primary reason.
    pub fn refused(&self) -> Table {
        let row =
            |it: &Quarantined| vec![Some(it.file.clone()), Some(it.line.to_string()), Some(it.primary().to_owned())];
        Table::new(&["file", "line", "reason"], self.quarantine.iter().map(row).collect())
    }

    /// How many records have each primary reason.
    pub fn reasons(&self) -> BTreeMap<&str, u64> {
        let mut counts = BTreeMap::new();
        self.quarantine.iter().for_each(|it| *counts.entry(it.primary()).or_default() += 1);
        counts
    }

    /// The counts of all files together.
    pub fn total(&self) -> Counts {
        self.files.values().fold(Counts::default(), |sum, it| Counts {
            read: sum.read + it.read,
            accepted: sum.accepted + it.accepted,
            quarantined: sum.quarantined + it.quarantined,
            blank: sum.blank + it.blank,
        })
    }
}

#[derive(Default)]
struct Ledger {
    /// Records that pass everything but the search for duplicates, with their bytes.
    passed: Vec<(SilverRow, Vec<u8>)>,
    quarantine: Vec<Quarantined>,
    files: BTreeMap<String, Counts>,
}

impl Ledger {
    fn add(&mut self, file: &str, bytes: Vec<u8>) -> Result<(), TestkitError> {
        let bytes = input::unpacked(file, bytes)?;
        let mut counts = Counts::default();
        for cut in input::cut(file, &bytes)? {
            counts.read += 1;
            let place = Place { file: file.to_owned(), line: cut.line, offset: cut.offset };
            let judged = match cut.piece {
                Piece::Blank => {
                    counts.blank += 1;
                    continue;
                }
                Piece::Malformed => Err(vec!["malformed".to_owned()]),
                Piece::Record(values) => rules::judge(&values, &place),
            };
            match judged {
                Ok(row) => self.passed.push((row, cut.raw.to_vec())),
                Err(reasons) => self.refuse(place, reasons, cut.raw.to_vec()),
            }
        }
        self.files.insert(file.to_owned(), counts);
        Ok(())
    }

    fn refuse(&mut self, place: Place, reasons: Vec<String>, raw: Vec<u8>) {
        self.quarantine.push(Quarantined { file: place.file, line: place.line, offset: place.offset, reasons, raw });
    }

    fn finish(mut self) -> Expected {
        let mut silver = Vec::new();
        let mut winners: HashMap<(NaiveDate, String), (SilverRow, Vec<u8>)> = HashMap::new();
        for (row, raw) in std::mem::take(&mut self.passed) {
            let key = (row.date, row.transaction_id.clone());
            let loser = match winners.remove(&key) {
                Some(other) if by_place(&other.0, &row) == Ordering::Greater => {
                    winners.insert(key, other);
                    Some((row, raw))
                }
                other => {
                    winners.insert(key, (row, raw));
                    other
                }
            };
            if let Some((row, raw)) = loser {
                let place = Place { file: row.file, line: row.line, offset: row.offset };
                self.refuse(place, vec!["duplicate".to_owned()], raw);
            }
        }
        silver.extend(winners.into_values().map(|(row, _)| row));
        silver.sort_by(by_place);
        self.quarantine.sort_by(|a, b| (&a.file, a.line, a.offset).cmp(&(&b.file, b.line, b.offset)));
        for row in &silver {
            self.files.entry(row.file.clone()).or_default().accepted += 1;
        }
        for refused in &self.quarantine {
            self.files.entry(refused.file.clone()).or_default().quarantined += 1;
        }
        let gold = gold::tables(&silver);
        Expected { silver, quarantine: self.quarantine, files: self.files, gold }
    }
}

fn by_place(one: &SilverRow, other: &SilverRow) -> Ordering {
    (&one.file, one.line, one.offset).cmp(&(&other.file, other.line, other.offset))
}
