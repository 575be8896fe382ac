//! What becomes of single records that are put into a table beside the rows that it holds.

use super::Incoming;
use super::decide::{self, Decided, Pair, Spot};
use super::encode::{Reading, typed};
use super::write;
use crate::error::StageError;
use crate::silver::columns::ITEM;
use crate::silver::files::Files;
use arrow::array::{Array, AsArray, BooleanBufferBuilder};
use arrow::datatypes::{DataType, Int64Type};
use assay_lake::{LakeFile, StagedFile};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where a row's record lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowPlace {
    pub(crate) path: String,
    pub(crate) line: u64,
    /// Place of the record's first byte plus the ordinal of its element; none where the table keeps no such place.
    pub(crate) item: Option<u64>,
    pub(crate) date: Option<NaiveDate>,
}

/// A row of the table that gives way to a waiting one, each with its place.
#[derive(Debug)]
pub(crate) struct Displaced {
    held: Spot,
    by: Spot,
    pub(crate) row: RowPlace,
    pub(crate) winner: RowPlace,
}

/// Which waiting rows enter the table, and which of its rows leave it.
pub(crate) struct Settled {
    decided: Decided,
}

/// Compares the waiting rows with those of `held`. Unless they have keys, every one enters.
pub(crate) fn settle(
    incoming: &Incoming<'_>,
    folder: &Path,
    held: &[LakeFile],
    keyed: bool,
) -> Result<Settled, StageError> {
    if keyed {
        return Ok(Settled { decided: decide::decide(incoming, folder, held)? });
    }
    let all = |file: &StagedFile| {
        let mut bits = BooleanBufferBuilder::new(file.rows as usize);
        bits.append_n(file.rows as usize, true);
        bits
    };
    let decided = Decided {
        kept: incoming.waiting.iter().map(all).collect(),
        gone: BTreeMap::new(),
        touched: incoming.waiting.iter().map(|file| file.partition).collect(),
        upserted: Default::default(),
        pairs: Vec::new(),
    };
    Ok(Settled { decided })
}

impl Settled {
    /// Partitions that are written anew.
    pub(crate) fn touched(&self) -> &BTreeSet<Option<NaiveDate>> {
        &self.decided.touched
    }

    /// Rows of the table that give way to others, in no order.
    pub(crate) fn displaced(
        &self,
        incoming: &Incoming<'_>,
        folder: &Path,
        held: &[LakeFile],
    ) -> Result<Vec<Displaced>, StageError> {
        let (mut rows, mut winners) = (BTreeMap::new(), BTreeMap::new());
        let pairs = &self.decided.pairs;
        let of = |file: usize, side: fn(&Pair) -> Spot| {
            pairs.iter().map(side).filter(|(at, _)| *at == file).map(|(_, row)| row).collect::<BTreeSet<_>>()
        };
        for at in pairs.iter().map(|(held, _)| held.0).collect::<BTreeSet<_>>() {
            rows.insert(at, places(&folder.join(&held[at].path), held[at].partition, &of(at, |pair| pair.0))?);
        }
        for at in pairs.iter().map(|(_, by)| by.0).collect::<BTreeSet<_>>() {
            let file = &incoming.waiting[at];
            let wanted = of(at, |pair| pair.1);
            winners.insert(at, places(&incoming.folder.join(&file.path), file.partition, &wanted)?);
        }
        let place = |of: &BTreeMap<usize, BTreeMap<usize, RowPlace>>, (file, row): Spot| {
            of.get(&file).and_then(|rows| rows.get(&row)).cloned()
        };
        let pair = |(held, by): &Pair| {
            let (row, winner) = (place(&rows, *held)?, place(&winners, *by)?);
            Some(Displaced { held: *held, by: *by, row, winner })
        };
        Ok(pairs.iter().filter_map(pair).collect())
    }

    /// The table keeps its row after all, and the waiting one does not enter.
    pub(crate) fn give_back(&mut self, displaced: &Displaced) {
        self.decided.kept[displaced.by.0].set_bit(displaced.by.1, false);
        if let Some(gone) = self.decided.gone.get_mut(&displaced.held.0) {
            gone.set_bit(displaced.held.1, false);
        }
    }

    /// Waiting rows that do not enter.
    pub(crate) fn lost(&self, incoming: &Incoming<'_>) -> Result<Vec<RowPlace>, StageError> {
        let mut lost = Vec::new();
        for (file, kept) in incoming.waiting.iter().zip(&self.decided.kept) {
            let wanted: BTreeSet<usize> = (0..kept.len()).filter(|row| !kept.get_bit(*row)).collect();
            if !wanted.is_empty() {
                lost.extend(places(&incoming.folder.join(&file.path), file.partition, &wanted)?.into_values());
            }
        }
        Ok(lost)
    }

    /// Writes the partitions in which rows come or go.
    pub(crate) fn write(
        &self,
        incoming: &Incoming<'_>,
        folder: &Path,
        held: &[LakeFile],
        files: &Files<'_>,
    ) -> Result<Vec<StagedFile>, StageError> {
        write::write(incoming, folder, held, &self.decided, files)
    }
}

/// Where the records of these rows of a file lie, by row.
fn places(
    file: &Path,
    date: Option<NaiveDate>,
    wanted: &BTreeSet<usize>,
) -> Result<BTreeMap<usize, RowPlace>, StageError> {
    let reading = Reading::open(file)?;
    let (mut found, mut first) = (BTreeMap::new(), 0);
    for batch in reading.batches(None, Some(&["_source_file", "_source_line", ITEM]))? {
        let batch = batch.map_err(|error| reading.broken(error))?;
        let path = typed(&batch, "_source_file", &DataType::Utf8).map_err(|error| reading.broken(error))?;
        let line = typed(&batch, "_source_line", &DataType::Int64).map_err(|error| reading.broken(error))?;
        let item = typed(&batch, ITEM, &DataType::Int64).map_err(|error| reading.broken(error))?;
        let (path, line, item) =
            (path.as_string::<i32>(), line.as_primitive::<Int64Type>(), item.as_primitive::<Int64Type>());
        for row in wanted.range(first..first + batch.num_rows()) {
            let at = row - first;
            let place = RowPlace {
                path: if path.is_valid(at) { path.value(at).to_owned() } else { String::new() },
                line: line.value(at) as u64,
                item: item.is_valid(at).then(|| item.value(at) as u64),
                date,
            };
            found.insert(*row, place);
        }
        first += batch.num_rows();
    }
    Ok(found)
}
