//! Pairing the rows of two sorted sides by key, and finding the columns in which they differ.

use super::columns::Columns;
use super::side::{Place, Side};
use super::{ColumnDifference, Example, Text};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::kernels::cmp::distinct;
use arrow::error::ArrowError;
use arrow::row::RowConverter;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::cmp::Ordering;

/// Changed rows that are looked at together.
const PAIRS: usize = 4096;
/// Characters of an example.
const LONGEST: usize = 200;

/// What pairing found.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pub(super) added: u64,
    pub(super) removed: u64,
    pub(super) changed: u64,
    pub(super) unchanged: u64,
    pub(super) duplicates: [u64; 2],
    /// One for each column that is not of the key.
    pub(super) columns: Vec<ColumnDifference>,
    pub(super) added_examples: Vec<Vec<Text>>,
    pub(super) removed_examples: Vec<Vec<Text>>,
}

impl Pairs {
    pub(super) fn new(columns: &Columns) -> Self {
        let column = |column: &super::columns::Column| ColumnDifference {
            name: column.name.clone(),
            changed: 0,
            compared: 0,
            examples: Vec::new(),
        };
        Self { columns: columns.values().iter().map(column).collect(), ..Self::default() }
    }

    /// Adds the figures of other rows; at most `examples` examples stay.
    pub(super) fn absorb(&mut self, other: Self, examples: usize) {
        self.added += other.added;
        self.removed += other.removed;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.duplicates = [self.duplicates[0] + other.duplicates[0], self.duplicates[1] + other.duplicates[1]];
        for (mine, other) in self.columns.iter_mut().zip(other.columns) {
            mine.changed += other.changed;
            mine.compared += other.compared;
            mine.examples.extend(other.examples);
            mine.examples.truncate(examples);
        }
        self.added_examples.extend(other.added_examples);
        self.added_examples.truncate(examples);
        self.removed_examples.extend(other.removed_examples);
        self.removed_examples.truncate(examples);
    }
}

/// Pairs two sides. Of several rows with one key, equal ones are paired first and the rest in the order of
/// their values; what is over was added or removed.
pub(super) fn pair(columns: &Columns, before: &Side, after: &Side, examples: usize) -> Result<Pairs, ArrowError> {
    let mut merge = Merge { columns, before, after, examples, found: Pairs::new(columns), waiting: Vec::new() };
    let (mut old, mut new) = (before.rows.as_slice(), after.rows.as_slice());
    while !old.is_empty() || !new.is_empty() {
        let order = match (old.first(), new.first()) {
            (Some(a), Some(b)) => before.key(*a).cmp(after.key(*b)),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        let olds = if order.is_le() { run(before, old) } else { 0 };
        let news = if order.is_ge() { run(after, new) } else { 0 };
        merge.key(&old[..olds], &new[..news])?;
        (old, new) = (&old[olds..], &new[news..]);
    }
    merge.flush()?;
    for column in &mut merge.found.columns {
        column.compared = merge.found.changed + merge.found.unchanged;
    }
    Ok(merge.found)
}

/// How many rows at the beginning share one key.
fn run(side: &Side, rows: &[Place]) -> usize {
    let Some(first) = rows.first() else { return 0 };
    let key = side.key(*first);
    rows.iter().take_while(|row| side.key(**row) == key).count()
}

struct Merge<'a> {
    columns: &'a Columns,
    before: &'a Side,
    after: &'a Side,
    examples: usize,
    found: Pairs,
    /// Changed pairs that are not looked at yet.
    waiting: Vec<(Place, Place)>,
}

impl Merge<'_> {
    /// All rows of one key, sorted by value.
    fn key(&mut self, old: &[Place], new: &[Place]) -> Result<(), ArrowError> {
        if self.columns.keyed {
            self.found.duplicates[0] += old.len().saturating_sub(1) as u64;
            self.found.duplicates[1] += new.len().saturating_sub(1) as u64;
        }
        if let ([a], [b]) = (old, new) {
            if self.before.value(*a) == self.after.value(*b) {
                self.found.unchanged += 1;
                return Ok(());
            }
            return self.changed(*a, *b);
        }
        let (mut left_old, mut left_new) = (Vec::new(), Vec::new());
        let (mut i, mut j) = (0, 0);
        while i < old.len() && j < new.len() {
            match self.before.value(old[i]).cmp(self.after.value(new[j])) {
                Ordering::Equal => {
                    self.found.unchanged += 1;
                    (i, j) = (i + 1, j + 1);
                }
                Ordering::Less => {
                    left_old.push(old[i]);
                    i += 1;
                }
                Ordering::Greater => {
                    left_new.push(new[j]);
                    j += 1;
                }
            }
        }
        left_old.extend_from_slice(&old[i..]);
        left_new.extend_from_slice(&new[j..]);
        let pairs = left_old.len().min(left_new.len());
        for (a, b) in left_old.iter().zip(&left_new) {
            self.changed(*a, *b)?;
        }
        for row in &left_old[pairs..] {
            self.found.removed += 1;
            if self.found.removed_examples.len() < self.examples {
                self.found.removed_examples.push(self.shown(self.before.key(*row))?);
            }
        }
        for row in &left_new[pairs..] {
            self.found.added += 1;
            if self.found.added_examples.len() < self.examples {
                self.found.added_examples.push(self.shown(self.after.key(*row))?);
            }
        }
        Ok(())
    }

    fn changed(&mut self, old: Place, new: Place) -> Result<(), ArrowError> {
        self.found.changed += 1;
        self.waiting.push((old, new));
        if self.waiting.len() >= PAIRS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ArrowError> {
        let pairs = std::mem::take(&mut self.waiting);
        if pairs.is_empty() {
            return Ok(());
        }
        let rows = &self.columns.value_rows;
        let old = decoded(rows, pairs.iter().map(|(old, _)| self.before.value(*old)))?;
        let new = decoded(rows, pairs.iter().map(|(_, new)| self.after.value(*new)))?;
        for (at, (old, new)) in old.iter().zip(&new).enumerate() {
            let differs = distinct(old, new)?;
            self.found.columns[at].changed += differs.true_count() as u64;
            let wanted = self.examples.saturating_sub(self.found.columns[at].examples.len());
            for row in differs.values().set_indices().take(wanted) {
                let key = self.shown(self.after.key(pairs[row].1))?;
                let example = Example { key, before: text(old, row)?, after: text(new, row)? };
                self.found.columns[at].examples.push(example);
            }
        }
        Ok(())
    }

    fn shown(&self, key: &[u8]) -> Result<Vec<Text>, ArrowError> {
        decoded(&self.columns.key_rows, std::iter::once(key))?.iter().map(|column| text(column, 0)).collect()
    }
}

fn decoded<'a>(rows: &RowConverter, bytes: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>, ArrowError> {
    let parser = rows.parser();
    let parsed: Vec<_> = bytes.map(|bytes| parser.parse(bytes)).collect();
    rows.convert_rows(parsed)
}

/// A cell as a person reads it; null is none. Bytes that are text are shown as text, others in hexadecimal.
fn text(column: &ArrayRef, row: usize) -> Result<Text, ArrowError> {
    if column.is_null(row) {
        return Ok(None);
    }
    let raw = column.as_binary_opt::<i32>().and_then(|bytes| std::str::from_utf8(bytes.value(row)).ok());
    let shown = match raw {
        Some(text) => text.to_owned(),
        None => ArrayFormatter::try_new(column, &FormatOptions::default())?.value(row).try_to_string()?,
    };
    Ok(Some(match shown.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &shown[..cut]),
        None => shown,
    }))
}
