//! Which waiting rows enter a table, and which of its rows leave it.

use super::encode::{Encoder, Reading};
use super::{Incoming, Upserted};
use crate::error::StageError;
use crate::parallel;
use arrow::array::{Array, AsArray, BooleanBufferBuilder, Int64Array, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Int64Type};
use assay_lake::LakeFile;
use chrono::NaiveDate;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A file, by its place in a list, and a row of it.
pub(super) type Spot = (usize, usize);
/// A row of the table, and the waiting row to which it gives way.
pub(super) type Pair = (Spot, Spot);

/// What is to be written.
pub(super) struct Decided {
    /// Of each waiting file, which rows enter the table.
    pub(super) kept: Vec<BooleanBufferBuilder>,
    /// Of each file of the table that loses rows, which.
    pub(super) gone: BTreeMap<usize, BooleanBufferBuilder>,
    /// Partitions in which rows come or go.
    pub(super) touched: BTreeSet<Option<NaiveDate>>,
    pub(super) upserted: Upserted,
    /// Rows of the table that gave way, and the waiting rows that took their places, each by file and row; kept
    /// only where places decide.
    pub(super) pairs: Vec<Pair>,
}

/// A key takes this many times the memory that finding a duplicate takes.
const WEIGHT: u64 = 8;

/// The best waiting row of a key.
struct Best {
    key: u128,
    order: Box<[u8]>,
    item: i64,
    content: u128,
    file: u32,
    row: u32,
}

/// The keys that are looked at together.
#[derive(Clone, Copy)]
struct Share {
    number: u64,
    of: u64,
}

impl Share {
    fn has(self, key: u128) -> bool {
        (key >> 64) as u64 % self.of == self.number
    }
}

/// The best rows of a share.
#[derive(Default)]
struct Newest {
    table: HashTable<Best>,
    /// Least and greatest value of the first key column, as far as it tells row groups apart.
    bounds: Bounds,
}

/// What is known of the values of a column.
#[derive(Debug, Clone, Default, PartialEq)]
enum Bounds {
    /// There were no rows yet.
    #[default]
    Empty,
    Numbers(i64, i64),
    Texts(Vec<u8>, Vec<u8>),
    /// Any value is possible.
    All,
}

/// What becomes of a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is newer than the waiting row.
    Newer,
    /// It is what the waiting row is.
    Same,
    /// The waiting row takes its place.
    Replaced,
    /// Its file was read and holds it no more.
    Dropped,
}

struct Met {
    verdict: Verdict,
    key: u128,
    row: usize,
}

pub(super) fn decide(incoming: &Incoming<'_>, folder: &Path, held: &[LakeFile]) -> Result<Decided, StageError> {
    let mut decided = Decided {
        kept: incoming.waiting.iter().map(|file| filled(file.rows as usize)).collect(),
        gone: BTreeMap::new(),
        touched: BTreeSet::new(),
        upserted: Upserted::default(),
        pairs: Vec::new(),
    };
    let rows: u64 = incoming.waiting.iter().map(|file| file.rows).sum();
    let of = rows.div_ceil((incoming.keys / WEIGHT).max(1)).max(1);
    for number in 0..of {
        let share = Share { number, of };
        let newest = newest(incoming, share, &mut decided)?;
        let numbers: Vec<usize> = (0..held.len()).collect();
        let met = parallel::map(incoming.threads, &numbers, |at| meet(incoming, folder, &held[*at], share, &newest))?;
        for (at, met) in met.into_iter().enumerate() {
            decided.apply(at, &held[at], met, &newest, incoming.by_place);
        }
    }
    decided.settle(incoming);
    Ok(decided)
}

/// Finds the best waiting row of each key of the share, and marks it as kept.
fn newest(incoming: &Incoming<'_>, share: Share, decided: &mut Decided) -> Result<Newest, StageError> {
    let mut newest = Newest::default();
    for (number, file) in incoming.waiting.iter().enumerate() {
        let reading = Reading::open(&incoming.folder.join(&file.path))?;
        let mut encoder = Encoder::new(incoming, file.partition).map_err(|error| reading.broken(error))?;
        let mut first = 0;
        for batch in reading.batches(None, None)? {
            let batch = batch.map_err(|error| reading.broken(error))?;
            incoming.check_cancelled()?;
            newest
                .take(&batch, &mut encoder, (number, first), share, decided)
                .map_err(|error| reading.broken(error))?;
            if let Some(key) = incoming.upsert.key.first() {
                newest.bounds.widen(batch.column_by_name(key).map(AsRef::as_ref));
            }
            first += batch.num_rows();
        }
    }
    Ok(newest)
}

impl Newest {
    fn take(
        &mut self,
        batch: &RecordBatch,
        encoder: &mut Encoder<'_>,
        (file, first): (usize, usize),
        share: Share,
        decided: &mut Decided,
    ) -> Result<(), arrow::error::ArrowError> {
        let encoded = encoder.encode(batch)?;
        let contents = encoder.contents(batch)?;
        for (at, key) in encoded.keys.iter().enumerate().filter(|(_, key)| share.has(**key)) {
            let order = encoded.orders.row(at);
            let item = item(encoded.items.as_ref(), at).unwrap_or(0);
            let row = first + at;
            let new = || Best {
                key: *key,
                order: order.as_ref().into(),
                item,
                content: contents[at],
                file: file as u32,
                row: row as u32,
            };
            match self.table.entry(*key as u64, |best| best.key == *key, |best| best.key as u64) {
                Entry::Vacant(free) => {
                    free.insert(new());
                    decided.kept[file].set_bit(row, true);
                }
                Entry::Occupied(mut best) => {
                    decided.upserted.older += 1;
                    let best = best.get_mut();
                    if (order.as_ref(), item) > (&*best.order, best.item) {
                        decided.kept[best.file as usize].set_bit(best.row as usize, false);
                        *best = new();
                        decided.kept[file].set_bit(row, true);
                    }
                }
            }
        }
        Ok(())
    }

    fn of(&self, key: u128) -> Option<&Best> {
        self.table.find(key as u64, |best| best.key == key)
    }
}

/// What becomes of the rows of one file of the table that have a key of the share.
fn meet(
    incoming: &Incoming<'_>,
    folder: &Path,
    file: &LakeFile,
    share: Share,
    newest: &Newest,
) -> Result<Vec<Met>, StageError> {
    let rebuilt = file.partition.is_some_and(|date| incoming.rebuilt.is_some_and(|dates| dates.contains(&date)));
    let mut met = Vec::new();
    if newest.table.is_empty() && !rebuilt {
        return Ok(met);
    }
    let reading = Reading::open(&folder.join(&file.path))?;
    let mut encoder = Encoder::new(incoming, file.partition).map_err(|error| reading.broken(error))?;
    let names = encoder.names();
    let mut first = 0;
    for (number, group) in reading.metadata.metadata().row_groups().iter().enumerate() {
        let rows = usize::try_from(group.num_rows()).unwrap_or(0);
        if rebuilt || newest.bounds.meet(group, incoming.upsert.key.first().map_or("", String::as_str)) {
            let start = met.len();
            let mut at = first;
            for batch in reading.batches(Some(number), Some(&names))? {
                let batch = batch.map_err(|error| reading.broken(error))?;
                incoming.check_cancelled()?;
                judge(incoming, &batch, &mut encoder, at, rebuilt, share, newest, &mut met)
                    .map_err(|error| reading.broken(error))?;
                at += batch.num_rows();
            }
            if !incoming.by_place {
                compare(&reading, number, first, &mut encoder, newest, &mut met[start..])?;
            }
        }
        first += rows;
    }
    Ok(met)
}

/// Notes the rows of a batch whose key waits, or which are dropped.
#[expect(clippy::too_many_arguments, reason = "what is known of the file that the batch is of")]
fn judge(
    incoming: &Incoming<'_>,
    batch: &RecordBatch,
    encoder: &mut Encoder<'_>,
    first: usize,
    rebuilt: bool,
    share: Share,
    newest: &Newest,
    met: &mut Vec<Met>,
) -> Result<(), arrow::error::ArrowError> {
    let encoded = encoder.encode(batch)?;
    let sources = super::encode::typed(batch, "_source_file", &DataType::Utf8)?;
    let sources = sources.as_string::<i32>();
    for (at, key) in encoded.keys.iter().enumerate().filter(|(_, key)| share.has(**key)) {
        let read = rebuilt && sources.is_valid(at) && incoming.read.contains(sources.value(at));
        let verdict = match newest.of(*key) {
            None if read => Verdict::Dropped,
            None => continue,
            Some(_) if read => Verdict::Replaced,
            Some(best) => {
                let order = encoded.orders.row(at);
                // Where the table keeps no place beyond the line, the same line is the same record.
                let item = item(encoded.items.as_ref(), at).unwrap_or(best.item);
                match (order.as_ref(), item) > (&*best.order, best.item) {
                    true => Verdict::Newer,
                    false => Verdict::Replaced,
                }
            }
        };
        met.push(Met { verdict, key: *key, row: first + at });
    }
    Ok(())
}

/// Finds the rows of a row group among the replaced ones that are what the waiting rows are.
fn compare(
    reading: &Reading,
    group: usize,
    first: usize,
    encoder: &mut Encoder<'_>,
    newest: &Newest,
    met: &mut [Met],
) -> Result<(), StageError> {
    if !met.iter().any(|met| met.verdict == Verdict::Replaced) {
        return Ok(());
    }
    let mut at = first;
    for batch in reading.batches(Some(group), None)? {
        let batch = batch.map_err(|error| reading.broken(error))?;
        let end = at + batch.num_rows();
        let mut within: Vec<&mut Met> =
            met.iter_mut().filter(|met| met.verdict == Verdict::Replaced && (at..end).contains(&met.row)).collect();
        if !within.is_empty() {
            let mut wanted = filled(batch.num_rows());
            within.iter().for_each(|met| wanted.set_bit(met.row - at, true));
            let rows = filter_record_batch(&batch, &wanted.finish().into()).map_err(|error| reading.broken(error))?;
            let contents = encoder.contents(&rows).map_err(|error| reading.broken(error))?;
            for (met, content) in within.iter_mut().zip(contents) {
                if newest.of(met.key).is_some_and(|best| best.content == content) {
                    met.verdict = Verdict::Same;
                }
            }
        }
        at = end;
    }
    Ok(())
}

impl Decided {
    fn apply(&mut self, at: usize, file: &LakeFile, met: Vec<Met>, newest: &Newest, by_place: bool) {
        for Met { verdict, key, row } in met {
            let best = newest.of(key);
            match verdict {
                Verdict::Newer | Verdict::Same => {
                    if let Some(best) = best {
                        self.kept[best.file as usize].set_bit(best.row as usize, false);
                    }
                    let count = &mut self.upserted;
                    *(if verdict == Verdict::Same { &mut count.unchanged } else { &mut count.older }) += 1;
                }
                Verdict::Replaced | Verdict::Dropped => {
                    let rows = file.rows as usize;
                    self.gone.entry(at).or_insert_with(|| filled(rows)).set_bit(row, true);
                    self.touched.insert(file.partition);
                    if let Some(best) = best.filter(|_| by_place) {
                        self.pairs.push(((at, row), (best.file as usize, best.row as usize)));
                    }
                    let count = &mut self.upserted;
                    *(if verdict == Verdict::Dropped { &mut count.dropped } else { &mut count.updated }) += 1;
                }
            }
        }
    }

    /// Counts what enters, and where.
    fn settle(&mut self, incoming: &Incoming<'_>) {
        let mut entering = 0;
        for (file, kept) in incoming.waiting.iter().zip(&self.kept) {
            let rows = (0..kept.len()).filter(|row| kept.get_bit(*row)).count() as u64;
            entering += rows;
            if rows > 0 {
                self.touched.insert(file.partition);
            }
        }
        self.upserted.inserted = entering.saturating_sub(self.upserted.updated);
    }
}

impl Incoming<'_> {
    pub(super) fn check_cancelled(&self) -> Result<(), StageError> {
        if self.watch.cancelled() { Err(StageError::Cancelled) } else { Ok(()) }
    }
}

fn item(items: Option<&Int64Array>, at: usize) -> Option<i64> {
    items.filter(|items| items.is_valid(at)).map(|items| items.value(at))
}

/// That many bits, none set.
fn filled(rows: usize) -> BooleanBufferBuilder {
    let mut bits = BooleanBufferBuilder::new(rows);
    bits.append_n(rows, false);
    bits
}

impl Bounds {
    /// Takes the values of a column in; without one, or with a null among them, anything is possible.
    fn widen(&mut self, column: Option<&dyn Array>) {
        let own = column.map_or(Self::All, Self::of);
        *self = match (std::mem::take(self), own) {
            (Self::Empty, other) | (other, Self::Empty) => other,
            (Self::Numbers(low, high), Self::Numbers(from, to)) => Self::Numbers(low.min(from), high.max(to)),
            (Self::Texts(low, high), Self::Texts(from, to)) => Self::Texts(low.min(from), high.max(to)),
            _ => Self::All,
        };
    }

    fn of(column: &dyn Array) -> Self {
        if column.is_empty() {
            return Self::Empty;
        }
        if column.null_count() > 0 {
            return Self::All;
        }
        match column.data_type() {
            DataType::Int64 => {
                let values = column.as_primitive::<Int64Type>().values();
                values.iter().fold(Self::Empty, |bounds, value| bounds.with(*value))
            }
            DataType::Int32 => {
                let values = column.as_primitive::<arrow::datatypes::Int32Type>().values();
                values.iter().fold(Self::Empty, |bounds, value| bounds.with(i64::from(*value)))
            }
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                let low = texts.iter().flatten().min().unwrap_or_default();
                let high = texts.iter().flatten().max().unwrap_or_default();
                Self::Texts(low.into(), high.into())
            }
            _ => Self::All,
        }
    }

    fn with(self, value: i64) -> Self {
        match self {
            Self::Numbers(low, high) => Self::Numbers(low.min(value), high.max(value)),
            _ => Self::Numbers(value, value),
        }
    }

    /// False when no row of the group can have a value within the bounds.
    fn meet(&self, group: &RowGroupMetaData, column: &str) -> bool {
        let columns = group.columns().iter();
        let mut statistics = columns.filter(|found| found.column_path().string() == column);
        let Some(statistics) = statistics.next().and_then(|found| found.statistics()) else { return true };
        match (self, statistics) {
            (Self::Empty, _) => false,
            (Self::Numbers(low, high), Statistics::Int64(found)) => {
                apart(low, high, found.min_opt(), found.max_opt()).is_none_or(|apart| !apart)
            }
            (Self::Numbers(low, high), Statistics::Int32(found)) => {
                let (from, to) = (found.min_opt().map(|v| i64::from(*v)), found.max_opt().map(|v| i64::from(*v)));
                apart(low, high, from.as_ref(), to.as_ref()).is_none_or(|apart| !apart)
            }
            (Self::Texts(low, high), Statistics::ByteArray(found)) => {
                let (from, to) = (found.min_bytes_opt(), found.max_bytes_opt());
                apart(low.as_slice(), high.as_slice(), from, to).is_none_or(|apart| !apart)
            }
            _ => true,
        }
    }
}

/// Whether the two ranges share no value; none when the second is not known.
fn apart<T: Ord + ?Sized>(low: &T, high: &T, from: Option<&T>, to: Option<&T>) -> Option<bool> {
    Some(to? < low || from? > high)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow::array::StringArray;

    #[test]
    fn bounds_grow_with_what_they_take_in() {
        let numbers = |values: Vec<Option<i64>>| Int64Array::from(values);
        let mut bounds = Bounds::default();
        bounds.widen(Some(&numbers(vec![])));
        assert_eq!(bounds, Bounds::Empty);
        bounds.widen(Some(&numbers(vec![Some(5), Some(-2)])));
        bounds.widen(Some(&numbers(vec![Some(3), Some(9)])));
        assert_eq!(bounds, Bounds::Numbers(-2, 9));
        bounds.widen(Some(&numbers(vec![Some(1), None])));
        assert_eq!(bounds, Bounds::All);
        let mut texts = Bounds::default();
        texts.widen(Some(&StringArray::from(vec!["b", "a"])));
        texts.widen(Some(&StringArray::from(vec!["é"])));
        assert_eq!(texts, Bounds::Texts("a".into(), "é".into()));
        texts.widen(None);
        assert_eq!(texts, Bounds::All);
    }

    #[test]
    fn ranges_are_apart_only_when_that_is_known() {
        assert_eq!(apart(&1, &5, Some(&6), Some(&9)), Some(true));
        assert_eq!(apart(&1, &5, Some(&5), Some(&9)), Some(false));
        assert_eq!(apart(&1, &5, Some(&-3), Some(&0)), Some(true));
        assert_eq!(apart(&1, &5, None, Some(&9)), None);
    }
}
