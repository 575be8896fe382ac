//! What differs between two versions of a table: rows by key, columns, sums, dates.
//!
//! Files that both versions share are not read. The others are read date by date where the key allows it, and in
//! shares of the keys where their rows do not fit the memory that they may have.

mod columns;
mod merge;
mod side;
mod sum;

use crate::engine::guarded;
use crate::error::LakeError;
use crate::snapshot::{LakeFile, Snapshot};
use arrow::datatypes::DataType as ArrowType;
use chrono::NaiveDate;
use columns::Columns;
use merge::{Pairs, pair};
use polars::prelude::DataType;
use side::{Counts, Reading, Share, Side, Stop};
use std::collections::{BTreeMap, HashMap};
use sum::Sum;

/// Shares of a comparison. Rows that do not fit so many are almost all of one key.
const SHARES: u64 = 4096;

/// A cell as text; null is none.
pub type Text = Option<String>;

/// What is compared, and with what.
pub struct DifferenceAsk<'a> {
    /// Columns that identify a row. Without any, rows are compared whole and counted as they occur.
    pub key: &'a [String],
    /// Only rows of these dates; the table must be partitioned.
    pub dates: Option<&'a [NaiveDate]>,
    /// Most examples of each column, of added and of removed rows.
    pub examples: usize,
    /// A text column whose values are counted by date.
    pub count_by: Option<&'a str>,
    /// Bytes that the rows of one side may take; more rows are compared in shares.
    pub memory: u64,
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> DifferenceAsk<'a> {
    /// Whole tables by this key, with five examples, in 128 MB for each side.
    pub fn by(key: &'a [String]) -> Self {
        Self { key, dates: None, examples: 5, count_by: None, memory: 128 << 20, cancelled: &|| false }
    }
}

/// Two versions compared. Audit columns (`_...`) take no part. Rows of shared files are `untouched`; all figures but
/// `rows_before` and `rows_after` are of the rows that were read.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub before: Option<i64>,
    pub after: i64,
    /// Of the versions, or of the asked dates.
    pub rows_before: u64,
    pub rows_after: u64,
    pub added: u64,
    pub removed: u64,
    pub changed: u64,
    pub unchanged: u64,
    pub untouched: u64,
    /// Rows beyond the first of their key; none where rows are compared whole.
    pub duplicates_before: u64,
    pub duplicates_after: u64,
    /// Every compared column that is not of the key, in the table's order.
    pub columns: Vec<ColumnDifference>,
    /// Keys, or whole rows where there is no key.
    pub added_examples: Vec<Vec<Text>>,
    pub removed_examples: Vec<Vec<Text>>,
    /// Columns that came, went or changed their type. Their values are compared only where both types are exact
    /// numbers that fit one.
    pub schema: Vec<SchemaDifference>,
    /// Of the numeric columns that both have.
    pub sums: Vec<SumDifference>,
    /// Rows of the dates whose files differ, oldest first, rows without a date last; none without partitions.
    pub dates: Vec<DateDifference>,
    pub counted: Vec<CountDifference>,
    /// Rows whose value was one too many to be counted.
    pub uncounted: u64,
    pub files_read: u64,
    /// Size on disk of the files that were read.
    pub bytes_read: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDifference {
    pub name: String,
    pub changed: u64,
    /// Rows that are on both sides and were read.
    pub compared: u64,
    pub examples: Vec<Example>,
}

/// A changed cell. Texts of more than 200 characters end in `…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    pub key: Vec<Text>,
    pub before: Text,
    pub after: Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaDifference {
    pub column: String,
    pub before: Option<DataType>,
    pub after: Option<DataType>,
}

/// Exact decimal text; the sum of no value is none. A sum of doubles is rounded once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumDifference {
    pub column: String,
    pub before: Text,
    pub after: Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateDifference {
    pub date: Option<NaiveDate>,
    pub before: u64,
    pub after: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountDifference {
    pub date: Option<NaiveDate>,
    pub value: String,
    pub before: u64,
    pub after: u64,
}

/// Compares two versions of a table, or two tables. Blocking; `before` is none where there was no table.
///
/// Keys that are null are equal to each other. Doubles are equal when their bits are. The same table compared
/// with itself reads nothing.
pub fn difference(
    before: Option<&Snapshot>,
    after: &Snapshot,
    ask: &DifferenceAsk<'_>,
) -> Result<Difference, LakeError> {
    for snapshot in before.into_iter().chain([after]) {
        readable(snapshot, ask)?;
    }
    guarded(&after.folder, "comparing", || {
        let columns = Columns::of(before, after, ask)?;
        countable(after, &columns, ask)?;
        Comparison { before, after, ask, columns }.run()
    })
}

fn readable(snapshot: &Snapshot, ask: &DifferenceAsk<'_>) -> Result<(), LakeError> {
    let refuse = |what: String, advice: String| LakeError::Unsupported { place: snapshot.place(), what, advice };
    if let Some((what, advice)) = snapshot.refusal.clone() {
        return Err(refuse(what, advice));
    }
    if ask.dates.is_some() && snapshot.partition_column().is_none() {
        let what = "is not partitioned by date, and its rows of some dates were asked for".to_owned();
        return Err(refuse(what, "Compare it whole".to_owned()));
    }
    Ok(())
}

fn countable(after: &Snapshot, columns: &Columns, ask: &DifferenceAsk<'_>) -> Result<(), LakeError> {
    let Some(name) = ask.count_by else { return Ok(()) };
    let texts = columns.all.iter().filter(|column| column.kind == ArrowType::Utf8).map(|column| column.name.as_str());
    let texts: Vec<&str> = texts.collect();
    if texts.contains(&name) {
        return Ok(());
    }
    Err(LakeError::NoColumn { place: after.place(), column: name.to_owned(), known: texts.join(", ") })
}

struct Comparison<'a> {
    before: Option<&'a Snapshot>,
    after: &'a Snapshot,
    ask: &'a DifferenceAsk<'a>,
    columns: Columns,
}

/// Files that are compared with each other.
#[derive(Default)]
struct Unit<'a> {
    before: Vec<&'a LakeFile>,
    after: Vec<&'a LakeFile>,
}

/// The figures of units.
struct Tally {
    pairs: Pairs,
    sums: [Vec<Option<Sum>>; 2],
    counts: [Counts; 2],
    uncounted: u64,
}

type Files<'a> = Vec<&'a LakeFile>;

impl Comparison<'_> {
    fn run(&self) -> Result<Difference, LakeError> {
        let (old, new) = (self.asked(self.before), self.asked(Some(self.after)));
        let rows = |files: &Files<'_>| files.iter().map(|file| file.rows).sum();
        let (rows_before, rows_after): (u64, u64) = (rows(&old), rows(&new));
        let (old, new) = self.unshared(old, new);
        let untouched = rows_after - rows(&new);
        let (files_read, bytes_read) =
            old.iter().chain(&new).fold((0, 0), |(files, bytes), file| (files + 1, bytes + file.size));
        let dates = self.dates(&old, &new);
        for (snapshot, files) in self.before.iter().map(|before| (*before, &old)).chain([(self.after, &new)]) {
            snapshot.fetch(files.iter().copied())?;
        }
        let mut tally = self.nothing();
        for unit in self.units(old, new) {
            let one = self.unit(&unit)?;
            tally.absorb(one, self.ask.examples);
        }
        let Tally { pairs, sums, counts, uncounted } = tally;
        Ok(Difference {
            before: self.before.map(Snapshot::version),
            after: self.after.version(),
            rows_before,
            rows_after,
            added: pairs.added,
            removed: pairs.removed,
            changed: pairs.changed,
            unchanged: pairs.unchanged,
            untouched,
            duplicates_before: pairs.duplicates[0],
            duplicates_after: pairs.duplicates[1],
            columns: pairs.columns,
            added_examples: pairs.added_examples,
            removed_examples: pairs.removed_examples,
            schema: self.columns.schema.clone(),
            sums: self.sums(&sums),
            dates,
            counted: counted(counts),
            uncounted,
            files_read,
            bytes_read,
        })
    }

    fn asked<'s>(&self, snapshot: Option<&'s Snapshot>) -> Files<'s> {
        let wanted = |file: &&LakeFile| {
            self.ask.dates.is_none_or(|dates| file.partition.is_some_and(|date| dates.contains(&date)))
        };
        snapshot.into_iter().flat_map(Snapshot::files).filter(wanted).collect()
    }

    /// The files that only one side has. A file never changes, so what both name is equal.
    fn unshared<'f>(&self, old: Files<'f>, new: Files<'f>) -> (Files<'f>, Files<'f>) {
        if self.before.is_none_or(|before| before.folder != self.after.folder) {
            return (old, new);
        }
        let index = |files: &Files<'f>| files.iter().map(|file| (file.path.as_str(), file.size)).collect();
        let (olds, news): (HashMap<_, _>, HashMap<_, _>) = (index(&old), index(&new));
        let only = |files: Files<'f>, others: &HashMap<&str, u64>| {
            files.into_iter().filter(|file| others.get(file.path.as_str()) != Some(&file.size)).collect()
        };
        (only(old, &news), only(new, &olds))
    }

    /// By date where a row cannot move to another one; otherwise all files are one unit.
    fn units<'f>(&self, old: Files<'f>, new: Files<'f>) -> Vec<Unit<'f>> {
        let column = self.after.partition_column();
        let same = self.before.is_none_or(|before| before.partition_column() == column);
        let keys = &self.columns.all[..self.columns.keys];
        let by_date = same && column.is_some_and(|column| keys.iter().any(|key| key.name == column));
        let place = |file: &LakeFile| if by_date { (file.partition.is_none(), file.partition) } else { (false, None) };
        let mut units: BTreeMap<_, Unit<'f>> = BTreeMap::new();
        for file in old {
            units.entry(place(file)).or_default().before.push(file);
        }
        for file in new {
            units.entry(place(file)).or_default().after.push(file);
        }
        units.into_values().collect()
    }

    fn nothing(&self) -> Tally {
        let sums = || self.columns.all.iter().map(|column| Sum::of(&column.kind)).collect();
        Tally { pairs: Pairs::new(&self.columns), sums: [sums(), sums()], counts: Default::default(), uncounted: 0 }
    }

    /// In one share, and in more of them as long as one does not fit.
    fn unit(&self, unit: &Unit<'_>) -> Result<Tally, LakeError> {
        let rows = |files: &[&LakeFile]| files.iter().map(|file| file.rows).sum::<u64>();
        let total = rows(&unit.before).max(rows(&unit.after));
        let mut of = 1;
        loop {
            match self.shares(unit, of) {
                Ok(tally) => return Ok(tally),
                Err(Stop::Full { seen }) if of < SHARES => of = more_shares(of, total, seen),
                Err(Stop::Full { .. }) => {
                    return Err(LakeError::Unsupported {
                        place: self.after.place(),
                        what: "has more rows of one key than fit in memory".to_owned(),
                        advice: "Compare it by other columns".to_owned(),
                    });
                }
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
    }

    fn shares(&self, unit: &Unit<'_>, of: u64) -> Result<Tally, Stop> {
        let mut tally = self.nothing();
        for part in 0..of {
            tally.absorb(self.share(unit, Share { part, of })?, self.ask.examples);
        }
        Ok(tally)
    }

    fn share(&self, unit: &Unit<'_>, share: Share) -> Result<Tally, Stop> {
        let (before, after) = std::thread::scope(|scope| {
            let old = scope.spawn(|| self.side(self.before, &unit.before, share));
            let new = self.side(Some(self.after), &unit.after, share);
            (old.join(), new)
        });
        let before = before.unwrap_or_else(|_| Err(Stop::Failed(self.gave_up())))?;
        let after = after?;
        let pairs = pair(&self.columns, &before, &after, self.ask.examples);
        // The library's text could quote a value.
        let pairs = pairs.map_err(|_| Stop::Failed(self.gave_up()))?;
        Ok(Tally {
            pairs,
            uncounted: before.uncounted + after.uncounted,
            sums: [before.sums, after.sums],
            counts: [before.counts, after.counts],
        })
    }

    fn side(&self, snapshot: Option<&Snapshot>, files: &[&LakeFile], share: Share) -> Result<Side, Stop> {
        let Some(snapshot) = snapshot.filter(|_| !files.is_empty()) else { return Ok(Side::empty(&self.columns)) };
        let place = |name: &str| self.columns.all.iter().position(|column| column.name == name);
        let reading = Reading {
            snapshot,
            files,
            columns: &self.columns,
            counted: self.ask.count_by.and_then(place),
            memory: self.ask.memory,
            cancelled: self.ask.cancelled,
        };
        reading.share(share)
    }

    fn gave_up(&self) -> LakeError {
        LakeError::Engine {
            place: self.after.place(),
            doing: "comparing",
            what: "two rows could not be compared".to_owned(),
            source: None,
        }
    }

    fn sums(&self, sums: &[Vec<Option<Sum>>; 2]) -> Vec<SumDifference> {
        let [before, after] = sums;
        let columns = self.columns.all.iter().zip(before.iter().zip(after));
        let sums = columns.filter_map(|(column, (before, after))| {
            let (before, after) = (before.as_ref()?.text(), after.as_ref()?.text());
            Some(SumDifference { column: column.name.clone(), before, after })
        });
        sums.collect()
    }

    fn dates(&self, old: &Files<'_>, new: &Files<'_>) -> Vec<DateDifference> {
        if self.after.partition_column().is_none() {
            return Vec::new();
        }
        let mut dates: BTreeMap<(bool, Option<NaiveDate>), DateDifference> = BTreeMap::new();
        for file in old.iter().chain(new) {
            let date = file.partition;
            dates.entry((date.is_none(), date)).or_insert(DateDifference { date, before: 0, after: 0 });
        }
        for file in self.asked(self.before) {
            if let Some(found) = dates.get_mut(&(file.partition.is_none(), file.partition)) {
                found.before += file.rows;
            }
        }
        for file in self.asked(Some(self.after)) {
            if let Some(found) = dates.get_mut(&(file.partition.is_none(), file.partition)) {
                found.after += file.rows;
            }
        }
        dates.into_values().collect()
    }
}

impl Tally {
    fn absorb(&mut self, other: Self, examples: usize) {
        self.pairs.absorb(other.pairs, examples);
        self.uncounted += other.uncounted;
        for (mine, other) in self.sums.iter_mut().flatten().zip(other.sums.iter().flatten()) {
            if let (Some(mine), Some(other)) = (mine, other) {
                mine.absorb(other);
            }
        }
        for (mine, other) in self.counts.iter_mut().zip(other.counts) {
            for (place, rows) in other {
                *mine.entry(place).or_default() += rows;
            }
        }
    }
}

/// As many as the rows that were read until a share was full let expect, and a fourth more; at least twice as many.
fn more_shares(of: u64, total: u64, seen: u64) -> u64 {
    let expected = of.saturating_mul(total) / seen.max(1);
    expected.saturating_add(expected / 4).max(of * 2).min(SHARES)
}

/// Both sides' counts side by side, by date (none last) and value.
fn counted(counts: [Counts; 2]) -> Vec<CountDifference> {
    let mut all: BTreeMap<(bool, Option<NaiveDate>, String), [u64; 2]> = BTreeMap::new();
    for (side, counts) in counts.into_iter().enumerate() {
        for ((date, value), rows) in counts {
            all.entry((date.is_none(), date, value)).or_default()[side] += rows;
        }
    }
    let rows =
        all.into_iter().map(|((_, date, value), [before, after])| CountDifference { date, value, before, after });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_grow_by_what_was_seen_and_never_past_the_most() {
        assert_eq!(more_shares(1, 1000, 100), 12);
        assert_eq!(more_shares(12, 1000, 1000), 24, "twice as many where the guess was too low");
        assert_eq!(more_shares(3000, 1000, 1000), SHARES);
        assert_eq!(more_shares(1, u64::MAX, 0), SHARES);
    }
}
