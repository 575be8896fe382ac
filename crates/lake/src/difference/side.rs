//! One side of a comparison: rows of files as bytes that sort and compare as the rows do.

use super::columns::Columns;
use super::sum::Sum;
use crate::error::LakeError;
use crate::snapshot::{LakeFile, Snapshot};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, new_null_array};
use arrow::compute::{CastOptions, cast_with_options, filter};
use arrow::record_batch::RecordBatch;
use chrono::{Datelike, NaiveDate};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use xxhash_rust::xxh3::xxh3_64;

/// Rows that are decoded at a time, fewer where they are large.
const BATCH_ROWS: u64 = 8192;
const BATCH_BYTES: u64 = 32 * 1024 * 1024;
/// Distinct pairs of date and counted value.
const COUNTED: usize = 10_000;
/// Days from 0001-01-01 to 1970-01-01.
const EPOCH: i32 = 719_163;

/// The part of the rows that is held at a time: those whose key falls to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) part: u64,
    pub(super) of: u64,
}

/// Why a share was not read to its end.
pub(super) enum Stop {
    /// It needs more memory than it may have; so many rows of the files were read until then.
    Full {
        seen: u64,
    },
    Failed(LakeError),
}

/// Rows by date and value of the counted column.
pub(super) type Counts = BTreeMap<(Option<NaiveDate>, String), u64>;

/// The rows of a share, and figures of them.
pub(super) struct Side {
    bytes: Vec<u8>,
    pub(super) rows: Vec<Place>,
    /// One for each compared column that has a sum.
    pub(super) sums: Vec<Option<Sum>>,
    pub(super) counts: Counts,
    /// Rows whose value was one too many to be counted.
    pub(super) uncounted: u64,
}

/// Where a row lies: its key, then its other values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    at: usize,
    key: u32,
    value: u32,
}

/// What is read of a side.
pub(super) struct Reading<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) files: &'a [&'a LakeFile],
    pub(super) columns: &'a Columns,
    /// Place of the counted column among the compared ones.
    pub(super) counted: Option<usize>,
    /// Most bytes of a share.
    pub(super) memory: u64,
    pub(super) cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Side {
    fn new(columns: &Columns) -> Self {
        let sums = columns.all.iter().map(|column| Sum::of(&column.kind)).collect();
        Self { bytes: Vec::new(), rows: Vec::new(), sums, counts: Counts::new(), uncounted: 0 }
    }

    pub(super) fn empty(columns: &Columns) -> Self {
        Self::new(columns)
    }

    pub(super) fn key(&self, row: Place) -> &[u8] {
        &self.bytes[row.at..row.at + row.key as usize]
    }

    pub(super) fn value(&self, row: Place) -> &[u8] {
        let at = row.at + row.key as usize;
        &self.bytes[at..at + row.value as usize]
    }

    fn held(&self) -> u64 {
        (self.bytes.len() + self.rows.len() * size_of::<Place>()) as u64
    }

    fn sort(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_unstable_by(|a, b| self.key(*a).cmp(self.key(*b)).then_with(|| self.value(*a).cmp(self.value(*b))));
        self.rows = rows;
    }

    fn count(&mut self, date: Option<NaiveDate>, column: &dyn Array) {
        for value in column.as_string::<i32>() {
            let place = (date, value.unwrap_or_default().to_owned());
            if self.counts.len() >= COUNTED && !self.counts.contains_key(&place) {
                self.uncounted += 1;
                continue;
            }
            *self.counts.entry(place).or_default() += 1;
        }
    }
}

impl Reading<'_> {
    /// The rows of a share, sorted by key and then by value.
    pub(super) fn share(&self, share: Share) -> Result<Side, Stop> {
        let mut side = Side::new(self.columns);
        let mut seen = 0;
        for file in self.files {
            for batch in self.open(file).map_err(Stop::Failed)? {
                if (self.cancelled)() {
                    return Err(Stop::Failed(LakeError::Cancelled { place: self.snapshot.place() }));
                }
                let batch = batch.map_err(|error| self.unread(file, error))?;
                self.take(&mut side, file, &batch, share)?;
                seen += batch.num_rows() as u64;
                if side.held() > self.memory {
                    return Err(Stop::Full { seen });
                }
            }
        }
        side.sort();
        Ok(side)
    }

    fn open(&self, file: &LakeFile) -> Result<ParquetRecordBatchReader, LakeError> {
        let path = self.snapshot.path_of(file);
        let open = File::open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => LakeError::Corrupt {
                place: self.snapshot.place(),
                what: format!("the data file {} is missing", file.path),
                source: Some(Box::new(error)),
            },
            _ => LakeError::disk(&self.snapshot.folder, "reading", error),
        })?;
        let damaged = |error: parquet::errors::ParquetError| self.damaged(file, error);
        let builder = ParquetRecordBatchReaderBuilder::try_new(open).map_err(damaged)?;
        let stored = builder.parquet_schema().root_schema().get_fields().iter().enumerate();
        let wanted = |name: &str| self.columns.all.iter().any(|column| column.name == name);
        let roots: Vec<usize> = stored.filter(|(_, field)| wanted(field.name())).map(|(at, _)| at).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        // Rows unpack to some times their size on disk.
        let row = (file.size * 8 / file.rows.max(1)).max(1);
        let rows = (BATCH_BYTES / row).clamp(16, BATCH_ROWS);
        let rows = usize::try_from(rows).unwrap_or(16);
        builder.with_projection(mask).with_batch_size(rows).build().map_err(damaged)
    }

    fn take(&self, side: &mut Side, file: &LakeFile, batch: &RecordBatch, share: Share) -> Result<(), Stop> {
        let failed = |error| self.unread(file, error);
        let mut arrays = Vec::with_capacity(self.columns.all.len());
        for column in &self.columns.all {
            let array = match batch.column_by_name(&column.name) {
                Some(array) => array.clone(),
                None if self.snapshot.partition_column() == Some(column.name.as_str()) => {
                    constant(file.partition, batch.num_rows())
                }
                None => new_null_array(&column.kind, batch.num_rows()),
            };
            // Not to null: a value that does not fit must not look like none.
            let options = CastOptions { safe: false, ..CastOptions::default() };
            arrays.push(cast_with_options(&array, &column.kind, &options).map_err(failed)?);
        }
        let mut keys = self.columns.key_rows.convert_columns(&arrays[..self.columns.keys]).map_err(failed)?;
        if share.of > 1 {
            let ours: BooleanArray =
                keys.iter().map(|key| Some(xxh3_64(key.as_ref()) % share.of == share.part)).collect();
            for array in &mut arrays {
                *array = filter(array, &ours).map_err(failed)?;
            }
            keys = self.columns.key_rows.convert_columns(&arrays[..self.columns.keys]).map_err(failed)?;
        }
        let values = &arrays[self.columns.keys..];
        let values = self.columns.value_rows.convert_columns(values).map_err(failed)?;
        for at in 0..keys.num_rows() {
            let start = side.bytes.len();
            side.bytes.extend_from_slice(keys.row(at).as_ref());
            let key = side.bytes.len() - start;
            // Without other columns there are no rows of them.
            if at < values.num_rows() {
                side.bytes.extend_from_slice(values.row(at).as_ref());
            }
            let value = side.bytes.len() - start - key;
            let (Ok(key), Ok(value)) = (u32::try_from(key), u32::try_from(value)) else {
                return Err(Stop::Failed(self.too_large()));
            };
            side.rows.push(Place { at: start, key, value });
        }
        for (sum, array) in side.sums.iter_mut().zip(&arrays) {
            if let Some(sum) = sum {
                sum.add(array);
            }
        }
        if let Some(counted) = self.counted {
            side.count(file.partition, &arrays[counted]);
        }
        Ok(())
    }

    /// The library's text can quote a value, so that it is left out.
    fn unread(&self, file: &LakeFile, error: impl Error + Send + Sync + 'static) -> Stop {
        if let Some(kind) = crate::error::io_kind(&error) {
            return Stop::Failed(LakeError::disk(&self.snapshot.folder, "reading", std::io::Error::from(kind)));
        }
        let what = format!("the values of {} do not have the types that its log gives them", file.path);
        Stop::Failed(LakeError::Corrupt { place: self.snapshot.place(), what, source: None })
    }

    fn too_large(&self) -> LakeError {
        let (what, advice) = ("has a row of more than 4 GB".to_owned(), "Store large values elsewhere".to_owned());
        LakeError::Unsupported { place: self.snapshot.place(), what, advice }
    }

    fn damaged(&self, file: &LakeFile, error: parquet::errors::ParquetError) -> LakeError {
        let what = format!("the data file {} is no Parquet", file.path);
        LakeError::Corrupt { place: self.snapshot.place(), what, source: Some(Box::new(error)) }
    }
}

fn constant(date: Option<NaiveDate>, rows: usize) -> ArrayRef {
    let days = date.map(|date| date.num_days_from_ce() - EPOCH);
    std::sync::Arc::new(Date32Array::from(vec![days; rows]))
}
