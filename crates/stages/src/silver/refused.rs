//! Refused records as rows of the quarantine.

use crate::error::StageError;
use crate::silver::columns::{Stamp, utc};
use crate::silver::fault::{Reason, Words};
use crate::silver::shape::Shape;
use arrow::array::{ArrayRef, BinaryBuilder, Int64Builder, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::errors::ParquetError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The partition column of every quarantine.
pub(crate) const DATE: &str = "date";

/// The columns of a quarantine file, in order; the partition column is not stored.
pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("_source_file", DataType::Utf8, true),
        Field::new("_source_line", DataType::Int64, true),
        Field::new("_byte_offset", DataType::Int64, true),
        Field::new("reason", DataType::Utf8, true),
        Field::new("column", DataType::Utf8, true),
        Field::new("message", DataType::Utf8, true),
        Field::new("secondary", DataType::Utf8, true),
        Field::new("raw", DataType::Binary, true),
        Field::new("raw_bytes", DataType::Int64, true),
        Field::new("_run_id", DataType::Utf8, true),
        Field::new("_processed_at", utc(), true),
    ]))
}

/// Where a record lies, and its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) line: u64,
    pub(crate) offset: u64,
    /// Which element of the record it is, counted from 1; 0 for a record that is a row itself.
    pub(crate) item: u64,
    pub(crate) raw: &'a [u8],
    /// True length of the record, in bytes.
    pub(crate) len: u64,
}

/// Collects refused records of one piece of a file, by date.
#[derive(Default)]
pub(crate) struct Refused {
    /// By days since 1970-01-01.
    by_date: BTreeMap<Option<i32>, Builders>,
    pub(crate) count: u64,
    /// How often each was the primary reason.
    pub(crate) reasons: BTreeMap<Reason, u64>,
    kept: usize,
    /// Where the last record begins whose bytes were all kept.
    whole: Option<u64>,
}

#[derive(Default)]
struct Builders {
    lines: Int64Builder,
    offsets: Int64Builder,
    reasons: StringBuilder,
    columns: StringBuilder,
    messages: StringBuilder,
    secondary: StringBuilder,
    raw: BinaryBuilder,
    raw_bytes: Int64Builder,
}

impl Refused {
    /// With this many bytes kept of a long record for each of its refused elements but the first.
    pub(crate) fn new(kept: usize) -> Self {
        Self { kept, ..Self::default() }
    }

    /// Adds a record; `reasons` has the primary one first.
    pub(crate) fn push(&mut self, shape: &Shape, date: Option<i32>, place: Place<'_>, reasons: &[(Reason, Words)]) {
        let Some(((primary, words), others)) = reasons.split_first() else { return };
        self.count += 1;
        *self.reasons.entry(*primary).or_default() += 1;
        let to = self.by_date.entry(date).or_default();
        to.lines.append_value(place.line as i64);
        to.offsets.append_value(place.offset as i64);
        to.reasons.append_value(primary.code(shape));
        to.columns.append_option(primary.column(shape));
        match place.item {
            0 => to.messages.append_value(words),
            item => to.messages.append_value(format!("element {item}: {words}")),
        }
        match others {
            [] => to.secondary.append_null(),
            _ => {
                let codes: Vec<String> = others.iter().map(|(reason, _)| reason.code(shape)).collect();
                to.secondary.append_value(codes.join(", "));
            }
        }
        let again = place.item > 0 && self.whole.replace(place.offset) == Some(place.offset);
        to.raw.append_value(if again { &place.raw[..place.raw.len().min(self.kept)] } else { place.raw });
        to.raw_bytes.append_value(place.len as i64);
    }

    /// The records as batches of the quarantine's schema.
    pub(crate) fn finish(
        self,
        schema: &SchemaRef,
        file: &str,
        stamp: &Stamp,
    ) -> Result<Vec<(Option<i32>, RecordBatch)>, StageError> {
        let batches = self.by_date.into_iter().map(|(date, mut from)| {
            let lines = from.lines.finish();
            let rows = lines.len();
            let arrays: Vec<ArrayRef> = vec![
                Arc::new(StringArray::new_repeated(file, rows)),
                Arc::new(lines),
                Arc::new(from.offsets.finish()),
                Arc::new(from.reasons.finish()),
                Arc::new(from.columns.finish()),
                Arc::new(from.messages.finish()),
                Arc::new(from.secondary.finish()),
                Arc::new(from.raw.finish()),
                Arc::new(from.raw_bytes.finish()),
                stamp.runs(rows),
                stamp.times(rows),
            ];
            let batch = RecordBatch::try_new(Arc::clone(schema), arrays);
            let batch = batch.map_err(|error| StageError::Write {
                path: file.to_owned(),
                source: ParquetError::ArrowError(error.to_string()),
            })?;
            Ok((date, batch))
        });
        batches.collect()
    }
}
