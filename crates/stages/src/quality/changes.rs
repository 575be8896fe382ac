//! Which rows fail in one run and not in another, by key, date by date.

use super::failing::{FailingRows, texts};
use super::kept::rules_of;
use crate::error::StageError;
use arrow::array::RecordBatch;
use chrono::NaiveDate;
use std::collections::HashSet;
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// A rule as both runs number it; none where a run has no such rule.
pub type RulePair = (Option<u32>, Option<u32>);

/// What differs in the failing rows of one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowChanges {
    /// Rows of the later run whose key does not fail in the earlier one.
    pub newly_failing: u64,
    /// Rows of the earlier run whose key does not fail in the later one.
    pub cured: u64,
    /// Keys of the first of them.
    pub newly_failing_examples: Vec<Vec<Option<String>>>,
    pub cured_examples: Vec<Vec<Option<String>>>,
}

/// Rows of two runs.
pub struct Sides<'a> {
    /// Folders of the table's failing rows.
    pub before: &'a Path,
    pub after: &'a Path,
    /// Columns that tell rows apart.
    pub key: &'a [String],
    pub rules: &'a [RulePair],
    /// Most keys that are kept of each kind.
    pub examples: usize,
}

/// Compares the rows of one date; adds to `found`, which has an entry for each rule. Holds a hash for each failing row
/// and rule of the date.
pub fn changes(sides: &Sides<'_>, date: Option<NaiveDate>, found: &mut [RowChanges]) -> Result<(), StageError> {
    let open = |folder: &Path| FailingRows::open(folder, Some(&[date]), None);
    let (before, after) = (open(sides.before)?, open(sides.after)?);
    let earlier = |pair: &RulePair| pair.0;
    let later = |pair: &RulePair| pair.1;
    let held = sides.keys(&before, earlier)?;
    let now = sides.keys(&after, later)?;
    sides.each(&after, later, |rule, hash, key| {
        if !held.contains(&(rule, hash)) {
            found[rule].newly_failing += 1;
            example(&mut found[rule].newly_failing_examples, sides.examples, key);
        }
    })?;
    sides.each(&before, earlier, |rule, hash, key| {
        if !now.contains(&(rule, hash)) {
            found[rule].cured += 1;
            example(&mut found[rule].cured_examples, sides.examples, key);
        }
    })
}

fn example(kept: &mut Vec<Vec<Option<String>>>, most: usize, key: &[Option<String>]) {
    if kept.len() < most && !kept.iter().any(|known| known == key) {
        kept.push(key.to_vec());
    }
}

impl Sides<'_> {
    fn keys(
        &self,
        rows: &FailingRows,
        side: impl Fn(&RulePair) -> Option<u32>,
    ) -> Result<HashSet<(usize, u128)>, StageError> {
        let mut keys = HashSet::new();
        self.each(rows, side, |rule, hash, _| {
            keys.insert((rule, hash));
        })?;
        Ok(keys)
    }

    /// Gives each row, for each rule that it made fail, with the hash of its key and the key.
    fn each(
        &self,
        rows: &FailingRows,
        side: impl Fn(&RulePair) -> Option<u32>,
        mut take: impl FnMut(usize, u128, &[Option<String>]),
    ) -> Result<(), StageError> {
        rows.batches(|batch| {
            let rules = rules_of(&batch).map_err(|error| StageError::parquet("the failing rows", error.into()))?;
            let keys = self.key_columns(&batch)?;
            for (row, failed) in rules.iter().enumerate() {
                let key = texts(&keys, row)?;
                let hash = hash(&key);
                for (place, pair) in self.rules.iter().enumerate() {
                    if side(pair).is_some_and(|number| failed.contains(&number)) {
                        take(place, hash, &key);
                    }
                }
            }
            Ok(true)
        })
    }

    fn key_columns(&self, batch: &RecordBatch) -> Result<RecordBatch, StageError> {
        let place = |name: &String| batch.schema().index_of(name);
        let places = self.key.iter().map(place).collect::<Result<Vec<_>, _>>();
        let columns = places.and_then(|places| batch.project(&places));
        columns.map_err(|error| StageError::parquet("the failing rows", error.into()))
    }
}

/// A null is no empty text, and no text runs into the next one.
fn hash(key: &[Option<String>]) -> u128 {
    let mut hash = Xxh3::new();
    for part in key {
        match part {
            None => hash.update(&[0]),
            Some(text) => {
                hash.update(&[1]);
                hash.update(&(text.len() as u64).to_le_bytes());
                hash.update(text.as_bytes());
            }
        }
    }
    hash.digest128()
}
