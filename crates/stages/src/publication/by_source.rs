//! One file for each source file, its rows in the source's order, under a name that it keeps for ever.

mod names;
mod sorted;

use super::form::row_digest;
use super::record::{self, Output, Part, Rows};
use super::{Copying, rows};
use crate::error::StageError;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef};
use polars::prelude::{Expr, col};
use std::collections::{BTreeMap, BTreeSet};

const FILE: &str = "_source_file";
const LINE: &str = "_source_line";
const ITEM: &str = "_source_item";

/// Source file → partition → rows.
type Found = BTreeMap<String, BTreeMap<String, Rows>>;

/// What a copy by source reads and writes.
pub(super) struct Columns {
    /// Those of the files.
    pub(super) shown: SchemaRef,
    /// Those that tell file and order.
    pub(super) place: SchemaRef,
}

impl Columns {
    fn of(copying: &Copying<'_>) -> Result<Self, StageError> {
        let has = |name: &&str| copying.snapshot.fields().iter().any(|field| field.name == **name);
        let place: Vec<String> = [FILE, LINE, ITEM].iter().filter(|name| has(name)).map(ToString::to_string).collect();
        if place.len() < 2 {
            return Err(StageError::CopySources { path: copying.place.path("") });
        }
        let shown = rows::schema(copying.snapshot, &copying.columns(false))?;
        Ok(Self { shown, place: rows::schema(copying.snapshot, &place)? })
    }

    /// All of them.
    pub(super) fn exprs(&self) -> Vec<Expr> {
        self.place.fields().iter().chain(self.shown.fields()).map(|field| col(field.name().as_str())).collect()
    }

    pub(super) fn order(&self) -> Vec<&str> {
        self.place.fields().iter().map(|field| field.name().as_str()).collect()
    }
}

/// Writes the files of sources whose rows changed, removes those of sources that the table no longer has.
pub(super) fn copy(copying: &mut Copying<'_>, name: &str) -> Result<(), StageError> {
    let columns = Columns::of(copying)?;
    let shape = copying.shape(&copying.columns(false));
    let parts = record::parts(copying.snapshot);
    let same = copying.record.shape == shape;
    let is_copied = |key: &String, part: &Part| same && copying.record.parts.get(key) == Some(&Some(part.digest()));
    let stale: BTreeMap<&String, &Part> = parts.iter().filter(|(key, part)| !is_copied(key, part)).collect();
    let mut found = Found::new();
    for (key, part) in &stale {
        tell(copying, &columns, key, part, &mut found)?;
    }
    let gone = copying.record.parts.keys().filter(|key| !parts.contains_key(*key));
    let touched: BTreeSet<String> = gone.chain(stale.keys().copied()).cloned().collect();
    if !same {
        copying.record.sources.values_mut().for_each(|output| output.whole = false);
    }
    learn(&mut copying.record.sources, &touched, found);
    names::assign(copying, name)?;
    let present = copying.place.names()?;
    for output in copying.record.sources.values_mut() {
        // A file that somebody removed is written again.
        output.whole &= !output.is_shown() || output.name.as_ref().is_some_and(|name| present.contains(name));
    }
    copying.record.shape = shape;
    copying.record.parts.retain(|key, _| parts.contains_key(key));
    copying.record.parts.extend(stale.keys().map(|key| ((*key).clone(), None)));
    if !touched.is_empty() || copying.record.sources.values().any(|output| !output.whole) {
        // Names are on disk before the files that bear them.
        copying.keep()?;
    }
    settle(copying, &columns)?;
    copying.record.parts.extend(stale.iter().map(|(key, part)| ((*key).clone(), Some(part.digest()))));
    copying.place.settle()?;
    copying.keep()
}

impl Output {
    /// Whether there is to be a file.
    pub(super) fn is_shown(&self) -> bool {
        self.name.is_some() && !self.rows.is_empty() && !self.double
    }
}

/// Makes every file what the record says, and the record whole.
fn settle(copying: &mut Copying<'_>, columns: &Columns) -> Result<(), StageError> {
    let open = copying.record.sources.iter().filter(|(_, output)| !output.whole);
    let (shown, hidden): (Vec<_>, Vec<_>) = open.partition(|(_, output)| output.is_shown());
    let mut removed = 0;
    for name in hidden.iter().filter_map(|(_, output)| output.name.as_ref()) {
        removed += u64::from(copying.place.remove(name)?);
    }
    sorted::write(copying, columns, &shown)?;
    copying.done.removed += removed;
    copying.done.written += shown.len() as u64;
    let all = copying.record.sources.values().filter(|output| output.is_shown()).count();
    copying.done.unchanged += (all - shown.len()) as u64;
    let doubles = copying.record.sources.iter().filter(|(_, output)| output.double && !output.rows.is_empty());
    copying.done.doubles.extend(doubles.map(|(path, _)| path.clone()));
    copying.record.sources.values_mut().for_each(|output| output.whole = true);
    Ok(())
}

/// Takes in what was found in the touched partitions; a source whose rows differ from before is no longer whole.
fn learn(sources: &mut BTreeMap<String, Output>, touched: &BTreeSet<String>, mut found: Found) {
    for (path, output) in sources.iter_mut() {
        let mut now = output.rows.clone();
        now.retain(|key, _| !touched.contains(key));
        now.extend(found.remove(path).unwrap_or_default());
        if now != output.rows {
            output.rows = now;
            output.whole = false;
        }
    }
    sources.extend(found.into_iter().map(|(path, rows)| (path, Output { rows, ..Output::default() })));
}

/// Digests of the rows of each source in one partition.
fn tell(copying: &Copying<'_>, columns: &Columns, key: &str, part: &Part, found: &mut Found) -> Result<(), StageError> {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut scratch = Vec::new();
    let dates = part.date.map(|date| vec![date]);
    let frame = copying.snapshot.scan(dates.as_deref())?.select(columns.exprs());
    rows::each(frame, copying.watch, |frame| {
        let (batch, place) = (rows::batch(frame, &columns.shown)?, rows::batch(frame, &columns.place)?);
        let files = place.column(0).as_string::<i32>();
        let failed = |error| StageError::copy(&copying.place.path(""), error);
        for row in 0..batch.num_rows() {
            let digest = row_digest(&batch, row, place_of(&place, row), &mut scratch).map_err(failed)?;
            let file = files.value(row);
            let sum = match sums.get_mut(file) {
                Some(sum) => sum,
                None => sums.entry(file.to_owned()).or_default(),
            };
            // A sum does not depend on the order of the rows in the table.
            *sum = (sum.0 + 1, sum.1.wrapping_add(digest));
        }
        Ok(())
    })?;
    for (file, (count, digest)) in sums {
        let rows = Rows { count, digest: format!("{digest:016x}") };
        found.entry(file).or_default().insert(key.to_owned(), rows);
    }
    Ok(())
}

/// Line and item of a row.
fn place_of(place: &RecordBatch, row: usize) -> (i64, i64) {
    let number = |column: usize| place.column(column).as_primitive::<Int64Type>().value(row);
    (number(1), if place.num_columns() > 2 { number(2) } else { 0 })
}
