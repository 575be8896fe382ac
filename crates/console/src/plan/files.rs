//! Which source files belong to which dates: what lies there now against what the ledger knows.

use crate::plan::reach::Reach;
use crate::plan::{PlannedFile, VanishedFile};
use crate::ports::LedgerEntry;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// The sources as they lie there now, joined with the ledger.
pub(crate) struct Shelf {
    /// With the dates that the ledger knows.
    pub(crate) files: Vec<PlannedFile>,
    /// New or changed, by place in `files`.
    fresh: BTreeSet<usize>,
    vanished: Vec<LedgerEntry>,
}

impl Shelf {
    pub(crate) fn of(files: Vec<PlannedFile>, ledger: Vec<LedgerEntry>) -> Self {
        let mut known: BTreeMap<(String, String), LedgerEntry> =
            ledger.into_iter().map(|entry| ((entry.source.clone(), entry.path.clone()), entry)).collect();
        let mut shelf = Self { files, fresh: BTreeSet::new(), vanished: Vec::new() };
        for (place, file) in shelf.files.iter_mut().enumerate() {
            let entry = known.remove(&(file.source.clone(), file.path.clone()));
            let same = |entry: &LedgerEntry| entry.size == file.size && entry.modified_ns == file.modified_ns;
            if !entry.as_ref().is_some_and(same) {
                shelf.fresh.insert(place);
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

    /// Sources of which a file is new, changed or gone.
    pub(crate) fn changed_sources(&self) -> BTreeSet<&str> {
        let fresh = self.fresh.iter().map(|place| self.files[*place].source.as_str());
        fresh.chain(self.vanished.iter().map(|entry| entry.source.as_str())).collect()
    }

    /// Dates of new, changed and vanished files. A file whose dates cannot be known asks for everything.
    pub(crate) fn changed_dates(&self) -> Reach {
        let mut reach = Reach::Nothing;
        for file in self.fresh.iter().map(|place| &self.files[*place]) {
            let dates = file.folder_date.iter().chain(&file.known_dates).copied().collect();
            reach.join(&if file.folder_date.is_none() { Reach::All } else { Reach::Dates(dates) });
        }
        for entry in &self.vanished {
            let dates: BTreeSet<NaiveDate> = entry.dates.keys().copied().chain(folder_date(&entry.path)).collect();
            reach.join(&if dates.is_empty() { Reach::All } else { Reach::Dates(dates) });
        }
        reach
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

    /// Files of these sources that belong to the reach.
    pub(crate) fn files_of(&self, reach: &Reach, sources: &BTreeSet<&str>) -> Vec<PlannedFile> {
        let within = |file: &&PlannedFile| match reach {
            Reach::Nothing => false,
            Reach::Dates(dates) => belongs(file, dates),
            Reach::All => true,
        };
        self.files.iter().filter(|file| sources.contains(file.source.as_str())).filter(within).cloned().collect()
    }

    /// Files that are gone and of which the reach leaves nothing behind.
    pub(crate) fn vanished_of(&self, reach: &Reach, sources: &BTreeSet<&str>) -> Vec<VanishedFile> {
        let covered = |entry: &&LedgerEntry| match reach {
            Reach::Nothing => false,
            Reach::Dates(dates) => {
                entry.dates.keys().copied().chain(folder_date(&entry.path)).all(|d| dates.contains(&d))
            }
            Reach::All => true,
        };
        self.vanished
            .iter()
            .filter(|entry| sources.contains(entry.source.as_str()))
            .filter(covered)
            .map(|entry| VanishedFile { source: entry.source.clone(), path: entry.path.clone() })
            .collect()
    }
}

fn belongs(file: &PlannedFile, dates: &BTreeSet<NaiveDate>) -> bool {
    file.folder_date.iter().chain(&file.known_dates).any(|date| dates.contains(date))
}

/// Of a path's `date=YYYY-MM-DD` segment; the ledger does not keep it.
fn folder_date(path: &str) -> Option<NaiveDate> {
    path.split('/').filter_map(|segment| segment.strip_prefix("date=")).find_map(|text| text.parse().ok())
}
