//! What a run over all dates must leave behind in every layer.

use crate::table::Table;
use std::collections::BTreeMap;

/// Tables and refused records of one pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layers {
    /// By name of the table, without audit columns.
    pub silver: BTreeMap<&'static str, Table>,
    /// By name of the silver table; by file, line and offset.
    pub quarantine: BTreeMap<&'static str, Vec<Quarantined>>,
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

impl Layers {
    /// The quarantine of a table as a table of file, line and primary reason.
    pub fn refused(&self, table: &str) -> Table {
        refused(self.quarantine.get(table).map_or(&[], Vec::as_slice))
    }

    /// How many records of all tables have each primary reason.
    pub fn reasons(&self) -> BTreeMap<&str, u64> {
        reasons(self.quarantine.values().flatten())
    }

    /// The counts of all files together.
    pub fn total(&self) -> Counts {
        total(&self.files)
    }
}

pub(super) fn refused(quarantine: &[Quarantined]) -> Table {
    let row = |it: &Quarantined| vec![Some(it.file.clone()), Some(it.line.to_string()), Some(it.primary().to_owned())];
    Table::new(&["file", "line", "reason"], quarantine.iter().map(row).collect())
}

pub(super) fn reasons<'a>(quarantine: impl Iterator<Item = &'a Quarantined>) -> BTreeMap<&'a str, u64> {
    let mut counts = BTreeMap::new();
    quarantine.for_each(|it| *counts.entry(it.primary()).or_default() += 1);
    counts
}

pub(super) fn total(files: &BTreeMap<String, Counts>) -> Counts {
    files.values().fold(Counts::default(), |sum, it| Counts {
        read: sum.read + it.read,
        accepted: sum.accepted + it.accepted,
        quarantined: sum.quarantined + it.quarantined,
        blank: sum.blank + it.blank,
    })
}
