//! Which source files belong to which dates: what lies there now against what the ledger knows.

use crate::plan::reach::Reach;
use crate::plan::{PlannedFile, VanishedFile};
use crate::ports::LedgerEntry;
use assay_pipeline::{Pipeline, SilverMode};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// The sources as they lie there now, joined with the ledger.
pub(crate) struct Shelf {
    /// With the dates that the ledger knows.
    pub(crate) files: Vec<PlannedFile>,
    /// New or changed, by place in `files`.
    fresh: BTreeSet<usize>,
    /// Those of them whose dates only reading tells: the plan takes them whatever its dates are.
    loose: BTreeSet<usize>,
    /// Sources of which a file was read before.
    read: BTreeSet<String>,
    upserts: BTreeSet<String>,
    vanished: Vec<LedgerEntry>,
}

impl Shelf {
    /// `upserts` are the sources of upsert tables alone.
    pub(crate) fn of(upserts: BTreeSet<String>, files: Vec<PlannedFile>, ledger: Vec<LedgerEntry>) -> Self {
        let mut shelf = Self {
            files,
            fresh: BTreeSet::new(),
            loose: BTreeSet::new(),
            read: ledger.iter().map(|entry| entry.source.clone()).collect(),
            upserts,
            vanished: Vec::new(),
        };
        let mut known: BTreeMap<(String, String), LedgerEntry> =
            ledger.into_iter().map(|entry| ((entry.source.clone(), entry.path.clone()), entry)).collect();
        for (place, file) in shelf.files.iter_mut().enumerate() {
            let entry = known.remove(&(file.source.clone(), file.path.clone()));
            let same = |entry: &LedgerEntry| entry.size == file.size && entry.modified_ns == file.modified_ns;
            if !entry.as_ref().is_some_and(same) {
                shelf.fresh.insert(place);
                // A new file adds to an upsert table and takes nothing away, whatever folder it lies in.
                let adds = entry.is_none() && shelf.upserts.contains(&file.source);
                if shelf.read.contains(&file.source) && (file.folder_date.is_none() || adds) {
                    shelf.loose.insert(place);
                }
            }
            file.known_dates = entry.map(|entry| entry.dates.into_keys().collect()).unwrap_or_default();
        }
        shelf.vanished = known.into_values().collect();
        shelf
    }

    /// Every date of a folder or of the ledger.
    pub(crate) fn dates(&self) -> BTreeSet<NaiveDate> {
        let present = self.files.iter().flat_map(|file| file.folder_date.iter().chain(&file.known_dates));
        present.chain(self.vanished.iter().flat_map(|entry| entry.dates.keys())).copied().collect()
    }

    /// What new, changed and vanished files ask for, by source; sources without any are left out.
    ///
    /// A file without a date of its own asks for everything the first time; once its source was read, for the
    /// dates that it is known to have held, and for those that reading it will tell.
    pub(crate) fn changes(&self) -> BTreeMap<&str, Reach> {
        let mut changes: BTreeMap<&str, Reach> = BTreeMap::new();
        for (place, file) in self.fresh.iter().map(|place| (place, &self.files[*place])) {
            let known = || file.known_dates.iter().copied().collect::<BTreeSet<_>>();
            let first = !self.read.contains(&file.source);
            let asks = match file.folder_date {
                _ if self.loose.contains(place) => Reach::Dates(known()),
                None => Reach::All,
                Some(_) if first && self.upserts.contains(&file.source) => Reach::All,
                Some(date) => Reach::Dates(known().into_iter().chain([date]).collect()),
            };
            changes.entry(&file.source).or_default().join(&asks);
        }
        for entry in &self.vanished {
            let dates: BTreeSet<NaiveDate> = entry.dates.keys().copied().chain(folder_date(&entry.path)).collect();
            // An upsert table does not keep what a vanished file had displaced.
            let all = dates.is_empty() || self.upserts.contains(&entry.source);
            changes.entry(&entry.source).or_default().join(&if all { Reach::All } else { Reach::Dates(dates) });
        }
        for reach in changes.values_mut() {
            if let Reach::Dates(dates) = reach {
                self.widen(dates);
            }
        }
        changes
    }

    /// Adds the dates to which changed files of these dates contributed before: leaving them out would keep
    /// records of a content that is gone.
    pub(crate) fn widen(&self, dates: &mut BTreeSet<NaiveDate>) {
        loop {
            let before = dates.len();
            for place in &self.fresh {
                let file = &self.files[*place];
                if belongs(file, dates) {
                    dates.extend(&file.known_dates);
                }
            }
            if dates.len() == before {
                return;
            }
        }
    }

    /// Files that the reaches of their sources take; `loose` tells whether those that only reading dates go along.
    pub(crate) fn files_of(&self, reaches: &BTreeMap<&str, Reach>, loose: bool) -> Vec<PlannedFile> {
        let within = |place: usize, file: &PlannedFile| match reaches.get(file.source.as_str()) {
            None | Some(Reach::Nothing) => false,
            Some(Reach::All) => true,
            Some(_) if loose && self.loose.contains(&place) => true,
            Some(Reach::Follows) => false,
            Some(Reach::Dates(dates)) => belongs(file, dates),
        };
        let files = self.files.iter().enumerate();
        files.filter(|(place, file)| within(*place, file)).map(|(_, file)| file.clone()).collect()
    }

    /// Files that are gone and of which the reaches leave nothing behind.
    pub(crate) fn vanished_of(&self, reaches: &BTreeMap<&str, Reach>) -> Vec<VanishedFile> {
        let covered = |entry: &&LedgerEntry| match reaches.get(entry.source.as_str()) {
            None | Some(Reach::Nothing | Reach::Follows) => false,
            Some(Reach::Dates(_)) if self.upserts.contains(&entry.source) => false,
            Some(Reach::Dates(dates)) => {
                entry.dates.keys().copied().chain(folder_date(&entry.path)).all(|d| dates.contains(&d))
            }
            Some(Reach::All) => true,
        };
        let gone = self.vanished.iter().filter(covered);
        gone.map(|entry| VanishedFile { source: entry.source.clone(), path: entry.path.clone() }).collect()
    }
}

/// Sources of which every table is an upsert.
pub(crate) fn upserts(pipeline: &Pipeline) -> BTreeSet<String> {
    let of = |source: &str, upsert: bool| {
        let mut tables = pipeline.contracts.iter().filter(|contract| contract.source == source);
        tables.any(|contract| matches!(contract.mode, SilverMode::Upsert { .. }) == upsert)
    };
    let names = pipeline.sources.iter().map(|source| &source.name);
    names.filter(|name| of(name, true) && !of(name, false)).cloned().collect()
}

fn belongs(file: &PlannedFile, dates: &BTreeSet<NaiveDate>) -> bool {
    file.folder_date.iter().chain(&file.known_dates).any(|date| dates.contains(date))
}

/// Of a path's `date=YYYY-MM-DD` segment; the ledger does not keep it.
fn folder_date(path: &str) -> Option<NaiveDate> {
    path.split('/').filter_map(|segment| segment.strip_prefix("date=")).find_map(|text| text.parse().ok())
}
