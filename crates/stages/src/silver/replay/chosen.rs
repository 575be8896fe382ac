//! The quarantine as a replay reads it: row by row, in the order in which records were refused.

use crate::error::StageError;
use crate::silver::publish::conformed_columns;
use crate::silver::upsert::Reading;
use arrow::array::{Array, AsArray, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use assay_lake::{Lake, LakeFile, Snapshot};
use assay_pipeline::TableName;
use chrono::NaiveDate;
use parquet::errors::ParquetError;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Which refused records are put through again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Of all dates, and those without one, when there is none.
    pub dates: Option<BTreeSet<NaiveDate>>,
    /// Primary reason codes; any when empty.
    pub reasons: BTreeSet<String>,
}

/// Refused records that have date, reason and file in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusedGroup {
    pub date: Option<NaiveDate>,
    pub reason: String,
    pub path: String,
    pub records: u64,
}

/// Counts what a quarantine holds at its newest version, in order; none when there is no quarantine.
pub async fn refused_groups(lake: &Lake, table: &TableName) -> Result<Option<(i64, Vec<RefusedGroup>)>, StageError> {
    let folder = lake.quarantine(table);
    let Some(snapshot) = assay_lake::open(&folder).await? else { return Ok(None) };
    let mut groups: BTreeMap<(Option<NaiveDate>, String, String), u64> = BTreeMap::new();
    snapshot.fetch(snapshot.files())?;
    for file in snapshot.files() {
        let reading = Reading::open(&snapshot.path_of(file))?;
        for batch in reading.batches(None, Some(&["_source_file", "reason"]))? {
            let batch = batch.map_err(|error| reading.broken(error))?;
            let texts = |name| text(&batch, name).map_err(|error| reading.bad(error));
            let (paths, reasons) = (texts("_source_file")?, texts("reason")?);
            for row in 0..batch.num_rows() {
                let key = (file.partition, reasons.value(row).to_owned(), paths.value(row).to_owned());
                *groups.entry(key).or_default() += 1;
            }
        }
    }
    let group = |((date, reason, path), records)| RefusedGroup { date, reason, path, records };
    Ok(Some((snapshot.version(), groups.into_iter().map(group).collect())))
}

impl Choice {
    pub(super) fn has_date(&self, date: Option<NaiveDate>) -> bool {
        match (&self.dates, date) {
            (None, _) => true,
            (Some(dates), Some(date)) => dates.contains(&date),
            (Some(_), None) => false,
        }
    }

    fn has(&self, reason: &str) -> bool {
        self.reasons.is_empty() || self.reasons.contains(reason)
    }
}

/// One refused record, or one element of an exploded one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) path: &'a str,
    pub(super) line: u64,
    pub(super) offset: u64,
    pub(super) date: Option<NaiveDate>,
    pub(super) message: &'a str,
    /// As much as was kept.
    pub(super) raw: &'a [u8],
    /// True length of the record, in bytes.
    pub(super) len: u64,
    /// Counted from 1; 0 for a whole record.
    pub(super) item: u64,
    pub(super) chosen: bool,
}

impl Entry<'_> {
    pub(super) fn is_whole(&self) -> bool {
        self.raw.len() as u64 == self.len
    }
}

/// A batch of the quarantine with its columns at hand.
pub(super) struct Page {
    /// With the columns of the quarantine's files, in their order.
    pub(super) batch: RecordBatch,
    date: Option<NaiveDate>,
    paths: StringArray,
    reasons: StringArray,
    messages: StringArray,
    lines: Int64Array,
    offsets: Int64Array,
    lens: Int64Array,
    raw: BinaryArray,
}

impl Page {
    fn of(batch: &RecordBatch, date: Option<NaiveDate>) -> Result<Self, ParquetError> {
        let batch = conformed_columns(batch)?;
        let number = |name: &str| Ok::<_, ParquetError>(column(&batch, name)?.as_primitive::<Int64Type>().clone());
        Ok(Self {
            date,
            paths: text(&batch, "_source_file")?,
            reasons: text(&batch, "reason")?,
            messages: text(&batch, "message")?,
            lines: number("_source_line")?,
            offsets: number("_byte_offset")?,
            lens: number("raw_bytes")?,
            raw: column(&batch, "raw")?.as_binary::<i32>().clone(),
            batch,
        })
    }

    /// The primary reason's code.
    pub(super) fn reason(&self, row: usize) -> &str {
        self.reasons.value(row)
    }

    /// Elements have ordinals only where records are exploded.
    pub(super) fn entry(&self, row: usize, exploded: bool, choice: &Choice) -> Entry<'_> {
        let message = if self.messages.is_valid(row) { self.messages.value(row) } else { "" };
        Entry {
            path: self.paths.value(row),
            line: self.lines.value(row) as u64,
            offset: self.offsets.value(row) as u64,
            date: self.date,
            message,
            raw: self.raw.value(row),
            len: self.lens.value(row) as u64,
            item: if exploded { ordinal(message) } else { 0 },
            chosen: choice.has_date(self.date) && choice.has(self.reasons.value(row)),
        }
    }
}

/// Hands every batch of these files to `take`, in the order of the files' paths.
pub(super) fn pages(
    of: &Snapshot,
    files: &[LakeFile],
    mut take: impl FnMut(Page) -> Result<(), StageError>,
) -> Result<(), StageError> {
    of.fetch(files)?;
    files.iter().try_for_each(|file| pages_of(&of.path_of(file), file.partition, &mut take))
}

/// Hands every batch of one file to `take`.
pub(super) fn pages_of(
    place: &Path,
    date: Option<NaiveDate>,
    mut take: impl FnMut(Page) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let reading = Reading::open(place)?;
    for batch in reading.batches(None, None)? {
        let batch = batch.map_err(|error| reading.broken(error))?;
        take(Page::of(&batch, date).map_err(|error| reading.bad(error))?)?;
    }
    Ok(())
}

/// The files with records that can be chosen, in the order of their paths.
pub(super) fn files(snapshot: &Snapshot, wanted: impl Fn(Option<NaiveDate>) -> bool) -> Vec<LakeFile> {
    let mut files: Vec<LakeFile> = snapshot.files().iter().filter(|file| wanted(file.partition)).cloned().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn ordinal(message: &str) -> u64 {
    let number = message.strip_prefix("element ").and_then(|rest| rest.split_once(": "));
    number.and_then(|(number, _)| number.parse().ok()).unwrap_or(0)
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array, ParquetError> {
    batch.column_by_name(name).map(AsRef::as_ref).ok_or_else(|| ParquetError::General(format!("no column {name}")))
}

fn text(batch: &RecordBatch, name: &str) -> Result<StringArray, ParquetError> {
    Ok(cast(column(batch, name)?, &DataType::Utf8)?.as_string::<i32>().clone())
}
