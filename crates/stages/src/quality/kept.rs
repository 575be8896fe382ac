//! Failing rows as they stay with a run: Parquet files by date, masked, with the count of each rule.

use super::mask;
use crate::error::StageError;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Schema, SchemaRef, UInt32Type};
use arrow::error::ArrowError;
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Numbers of the rules that a row made fail.
pub(super) const RULES: &str = "_rules";
/// Folder of rows without a date, and of tables without dates.
pub(super) const UNDATED: &str = "all";
/// Rows that are held at a time.
const BATCH: usize = 16_384;

/// Failing rows of one rule on one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingPart {
    /// From 1.
    pub rule: u32,
    pub date: Option<NaiveDate>,
    pub rows: u64,
}

/// What was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) parts: Vec<FailingPart>,
    /// Failing rows by date.
    pub(super) rows: BTreeMap<Option<NaiveDate>, u64>,
}

/// Cuts a file of failing rows into one for each date below `into`. Rows come mostly in the order of their dates, so
/// one file is open at a time; a date that comes again gets another one.
pub(super) fn keep(
    from: &Path,
    into: &Path,
    partition: Option<&str>,
    masked: &BTreeSet<String>,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Kept, StageError> {
    let place = from.display().to_string();
    let file = File::open(from).map_err(|error| StageError::io(&place, "read", error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| StageError::parquet(&place, error))?;
    let reader = reader.with_batch_size(BATCH).build().map_err(|error| StageError::parquet(&place, error))?;
    let mut cutter = Cutter {
        into,
        partition,
        masked,
        open: None,
        files: BTreeMap::new(),
        counts: BTreeMap::new(),
        rows: BTreeMap::new(),
    };
    for batch in reader {
        if cancelled() {
            return Err(StageError::Cancelled);
        }
        let batch = batch.map_err(|error| StageError::parquet(&place, error.into()))?;
        cutter.take(&batch)?;
    }
    cutter.close()?;
    let part = |((rule, date), rows)| FailingPart { rule, date, rows };
    Ok(Kept { parts: cutter.counts.into_iter().map(part).collect(), rows: cutter.rows })
}

type Date = Option<NaiveDate>;

struct Cutter<'a> {
    into: &'a Path,
    partition: Option<&'a str>,
    masked: &'a BTreeSet<String>,
    open: Option<(Date, PathBuf, ArrowWriter<File>)>,
    /// Files that each date has.
    files: BTreeMap<Date, u32>,
    counts: BTreeMap<(u32, Date), u64>,
    rows: BTreeMap<Date, u64>,
}

impl Cutter<'_> {
    fn take(&mut self, batch: &RecordBatch) -> Result<(), StageError> {
        let broken = |error: ArrowError| StageError::parquet("the failing rows", error.into());
        let dates = self.dates(batch).map_err(broken)?;
        let shown = self.shown(batch).map_err(broken)?;
        self.count(batch, &dates).map_err(broken)?;
        let distinct: BTreeSet<Date> = dates.iter().copied().collect();
        for date in distinct {
            let own: BooleanArray = dates.iter().map(|of| Some(*of == date)).collect();
            let rows = filter_record_batch(&shown, &own).map_err(broken)?;
            self.write(date, &rows)?;
        }
        Ok(())
    }

    fn dates(&self, batch: &RecordBatch) -> Result<Vec<Date>, ArrowError> {
        let Some(column) = self.partition.and_then(|name| batch.column_by_name(name)) else {
            return Ok(vec![None; batch.num_rows()]);
        };
        let days = cast(column, &DataType::Date32)?;
        let days = days.as_primitive::<Date32Type>();
        Ok((0..days.len()).map(|row| days.is_valid(row).then(|| days.value_as_date(row)).flatten()).collect())
    }

    fn shown(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let (mut fields, mut columns): (Vec<FieldRef>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let is_masked = self.masked.contains(field.name());
            fields.push(if is_masked { mask::field(field) } else { plain(field) });
            columns.push(if is_masked { mask::masked(column)? } else { cast(column, plain(field).data_type())? });
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
    }

    fn count(&mut self, batch: &RecordBatch, dates: &[Date]) -> Result<(), ArrowError> {
        for (date, rules) in dates.iter().zip(rules_of(batch)?) {
            *self.rows.entry(*date).or_default() += 1;
            for rule in rules {
                *self.counts.entry((rule, *date)).or_default() += 1;
            }
        }
        Ok(())
    }

    fn write(&mut self, date: Date, rows: &RecordBatch) -> Result<(), StageError> {
        if self.open.as_ref().is_none_or(|(open, ..)| *open != date) {
            self.close()?;
            self.open = Some(self.begin(date, rows.schema())?);
        }
        let Some((_, place, writer)) = &mut self.open else { return Ok(()) };
        writer.write(rows).map_err(|error| StageError::parquet(&place.display().to_string(), error))
    }

    fn begin(&mut self, date: Date, schema: SchemaRef) -> Result<(Date, PathBuf, ArrowWriter<File>), StageError> {
        let number = self.files.entry(date).or_default();
        *number += 1;
        let folder = self.into.join(date.map_or(UNDATED.to_owned(), |date| date.to_string()));
        let place = folder.join(format!("rows-{number:04}.parquet"));
        let made = fs::create_dir_all(&folder).and_then(|()| File::create_new(&place));
        let file = made.map_err(|error| StageError::write(&place.display().to_string(), error))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(file, schema, Some(properties));
        let writer = writer.map_err(|error| StageError::parquet(&place.display().to_string(), error))?;
        Ok((date, place, writer))
    }

    fn close(&mut self) -> Result<(), StageError> {
        let Some((_, place, writer)) = self.open.take() else { return Ok(()) };
        writer.close().map(drop).map_err(|error| StageError::parquet(&place.display().to_string(), error))
    }
}

/// The field without the forms that only some readers know.
fn plain(field: &FieldRef) -> FieldRef {
    let kind = match field.data_type() {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::LargeList(item) | DataType::List(item) => DataType::List(plain(item)),
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), kind, field.is_nullable()))
}

/// The rules that each row made fail.
pub(super) fn rules_of(batch: &RecordBatch) -> Result<Vec<Vec<u32>>, ArrowError> {
    let missing = || ArrowError::SchemaError(format!("the failing rows have no column {RULES}"));
    let column = batch.column_by_name(RULES).ok_or_else(missing)?;
    let item = Arc::new(Field::new("item", DataType::UInt32, true));
    let lists = cast(column, &DataType::List(item))?;
    let lists = lists.as_list::<i32>();
    let rules = |row: usize| lists.value(row).as_primitive::<UInt32Type>().values().to_vec();
    Ok((0..lists.len()).map(|row| if lists.is_valid(row) { rules(row) } else { Vec::new() }).collect())
}
