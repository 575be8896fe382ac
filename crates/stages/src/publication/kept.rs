//! How the record of a copy lies beside it: a base, and segments of the entries that changed since.
//!
//! A segment is never changed. It has the keys of those before it that are no larger, which are removed once it is on
//! disk: a record of n entries has about log n files, and each entry is written about log n times, however many runs
//! add to it. What an interrupted run leaves behind applies before the segment that has all of its keys.

use super::place::Place;
use super::record::{Output, Record};
use crate::error::StageError;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Of the base. Segments are `.published.<number>.json`.
const BASE: &str = ".published.json";

/// The record as it lies on disk.
#[derive(Default)]
pub(super) struct Kept {
    record: Record,
    /// Of the base's entries.
    base: usize,
    /// In the order in which they apply.
    segments: Vec<Segment>,
    /// The greatest number that was ever given, as far as files tell.
    last: u32,
    /// Files whose keys others have.
    stale: Vec<u32>,
}

struct Segment {
    number: u32,
    keys: Keys,
}

#[derive(Default)]
struct Keys {
    parts: BTreeSet<String>,
    sources: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct Change {
    shape: String,
    pattern: String,
    parts: BTreeMap<String, Option<String>>,
    /// Partitions that are gone.
    gone: BTreeSet<String>,
    sources: BTreeMap<String, Output>,
}

impl Kept {
    /// Reads what lies there; a copy without a record has an empty one.
    pub(super) fn open(place: &Place) -> Result<Self, StageError> {
        let record = match place.read(BASE)? {
            Some(text) => parsed::<Record>(&text, place, BASE)?,
            None => Record::default(),
        };
        let mut numbers: Vec<u32> = place.names()?.iter().filter_map(|name| number(name)).collect();
        numbers.sort_unstable();
        let last = numbers.last().copied().unwrap_or(0).max(record.through);
        let mut kept = Self { base: record.len(), last, record, ..Self::default() };
        for number in numbers {
            if number <= kept.record.through {
                kept.stale.push(number);
                continue;
            }
            let text = place.read(&name(number))?.unwrap_or_default();
            let change: Change = parsed(&text, place, &name(number))?;
            kept.segments.push(Segment { number, keys: change.keys() });
            change.apply(&mut kept.record);
        }
        Ok(kept)
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// Makes the record durable, where it differs from what lies on disk: whole, or as a segment.
    pub(super) fn keep(&mut self, record: &Record, whole: bool, place: &Place) -> Result<(), StageError> {
        let mut keys = self.changed(record);
        if keys.len() == 0 && (&record.shape, &record.pattern) == (&self.record.shape, &self.record.pattern) {
            return Ok(());
        }
        let change = Change::of(record, &keys);
        while let Some(segment) = self.segments.pop_if(|segment| segment.keys.len() <= keys.len()) {
            keys.parts.extend(segment.keys.parts);
            keys.sources.extend(segment.keys.sources);
            self.stale.push(segment.number);
        }
        if whole || keys.len() >= self.base {
            let base = Record { through: self.last, ..record.clone() };
            place.keep(BASE, &text(&base, place, BASE)?)?;
            self.stale.extend(self.segments.drain(..).map(|segment| segment.number));
            self.base = base.len();
        } else {
            let number = self.last + 1;
            let file = name(number);
            place.keep(&file, &text(&Change::of(record, &keys), place, &file)?)?;
            self.segments.push(Segment { number, keys });
            self.last = number;
        }
        change.apply(&mut self.record);
        for number in self.stale.drain(..) {
            place.remove(&name(number))?;
        }
        Ok(())
    }

    /// What differs from the record on disk.
    fn changed(&self, record: &Record) -> Keys {
        let parts = record.parts.iter().filter(|(key, digest)| self.record.parts.get(*key) != Some(digest));
        let gone = self.record.parts.keys().filter(|key| !record.parts.contains_key(*key));
        let sources = record.sources.iter().filter(|(path, output)| self.record.sources.get(*path) != Some(output));
        Keys {
            parts: parts.map(|(key, _)| key).chain(gone).cloned().collect(),
            sources: sources.map(|(path, _)| path.clone()).collect(),
        }
    }
}

impl Keys {
    fn len(&self) -> usize {
        self.parts.len() + self.sources.len()
    }
}

impl Change {
    /// The record's entries of these keys.
    fn of(record: &Record, keys: &Keys) -> Self {
        let part = |key: &String| Some((key.clone(), record.parts.get(key)?.clone()));
        let source = |path: &String| Some((path.clone(), record.sources.get(path)?.clone()));
        Self {
            shape: record.shape.clone(),
            pattern: record.pattern.clone(),
            parts: keys.parts.iter().filter_map(part).collect(),
            gone: keys.parts.iter().filter(|key| !record.parts.contains_key(*key)).cloned().collect(),
            sources: keys.sources.iter().filter_map(source).collect(),
        }
    }

    fn keys(&self) -> Keys {
        Keys {
            parts: self.parts.keys().chain(&self.gone).cloned().collect(),
            sources: self.sources.keys().cloned().collect(),
        }
    }

    fn apply(self, record: &mut Record) {
        record.shape = self.shape;
        record.pattern = self.pattern;
        record.parts.retain(|key, _| !self.gone.contains(key));
        record.parts.extend(self.parts);
        record.sources.extend(self.sources);
    }
}

fn name(number: u32) -> String {
    format!(".published.{number}.json")
}

fn number(name: &str) -> Option<u32> {
    name.strip_prefix(".published.")?.strip_suffix(".json")?.parse().ok()
}

fn parsed<T: for<'de> Deserialize<'de>>(text: &str, place: &Place, name: &str) -> Result<T, StageError> {
    serde_json::from_str(text).map_err(|source| StageError::CopyRecord { path: place.path(name), source })
}

fn text(what: &impl Serialize, place: &Place, name: &str) -> Result<String, StageError> {
    serde_json::to_string_pretty(what).map_err(|source| StageError::CopyRecord { path: place.path(name), source })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::fs;
    use std::path::Path;

    fn place(folder: &Path) -> Place {
        Place::open(&assay_lake::Place::on_disk(folder), "out").unwrap()
    }

    fn output(tag: u8) -> Output {
        Output { tag: Some(tag.to_string()), ..Output::default() }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Source(u8, u8),
        Part(u8, Option<u8>),
        Shape(u8),
        Keep { whole: bool, crash: bool },
        Open,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0u8..40, any::<u8>()).prop_map(|(path, tag)| Step::Source(path, tag)),
            2 => (0u8..9, proptest::option::of(0u8..3)).prop_map(|(key, digest)| Step::Part(key, digest)),
            1 => (0u8..3).prop_map(Step::Shape),
            6 => (prop::bool::weighted(0.1), any::<bool>()).prop_map(|(whole, crash)| Step::Keep { whole, crash }),
            2 => Just(Step::Open),
        ]
    }

    fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(folder.join("out")).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
    }

    fn same(one: &Record, other: &Record) -> bool {
        let plain = |record: &Record| Record { through: 0, ..record.clone() };
        plain(one) == plain(other)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// A crash leaves the files of before beside the new one: none of them had been removed yet.
        #[test]
        fn what_was_kept_is_read_whatever_was_left_behind(steps in prop::collection::vec(step(), 1..80)) {
            let folder = tempfile::tempdir().unwrap();
            let place = place(folder.path());
            let (mut kept, mut record, mut on_disk) = (Kept::open(&place).unwrap(), Record::default(), Record::default());
            for step in steps {
                match step {
                    Step::Source(path, tag) => drop(record.sources.insert(path.to_string(), output(tag))),
                    Step::Part(key, Some(digest)) => {
                        record.parts.insert(key.to_string(), Some(digest.to_string()).filter(|_| digest > 0));
                    }
                    Step::Part(key, None) => drop(record.parts.remove(&key.to_string())),
                    Step::Shape(shape) => record.shape = shape.to_string(),
                    Step::Keep { whole, crash } => {
                        let before = files(folder.path());
                        kept.keep(&record, whole, &place).unwrap();
                        on_disk = record.clone();
                        if crash {
                            let after = files(folder.path());
                            for (name, bytes) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
                                fs::write(folder.path().join("out").join(name), bytes).unwrap();
                            }
                            kept = Kept::open(&place).unwrap();
                        }
                        prop_assert!(same(kept.record(), &on_disk));
                    }
                    Step::Open => {
                        kept = Kept::open(&place).unwrap();
                        prop_assert!(same(kept.record(), &on_disk));
                    }
                }
            }
        }
    }

    #[test]
    fn a_source_more_costs_no_more_than_its_share() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let (mut record, mut written, mut most) = (Record::default(), 0, 0);
        for run in 0..600u32 {
            record.sources.insert(format!("{run:05}"), output(1));
            let before = files(folder.path());
            Kept::open(&place).unwrap().keep(&record, false, &place).unwrap();
            let after = files(folder.path());
            written += after
                .iter()
                .filter(|(name, text)| before.get(*name) != Some(text))
                .map(|(_, text)| text.len())
                .sum::<usize>();
            most = most.max(after.len());
        }
        assert!(same(Kept::open(&place).unwrap().record(), &record));
        let whole = serde_json::to_string_pretty(&record).unwrap().len();
        // Rewriting it whole each time would be 300 times its size.
        assert!(written < 12 * whole, "{written} bytes for a record of {whole}");
        assert!(most <= 12, "{most} files");
    }
}
