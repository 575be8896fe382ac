//! Accepted records as Arrow columns.

use crate::silver::refused::Place;
use crate::silver::row::{Cell, Row};
use crate::silver::shape::Shape;
use arrow::array::{
    ArrayRef, BooleanArray, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int32Builder,
    Int64Builder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
    UInt32Array,
};
use arrow::buffer::ScalarBuffer;
use arrow::compute::{filter_record_batch, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use assay_pipeline::ColumnType;
use std::sync::Arc;

/// Where a row lies in its file, beyond the line: the place of its record's first byte in the unpacked file (the
/// row's ordinal in Parquet) plus the ordinal of its element, such that the first is 1. With the line it orders
/// rows as the file has them.
pub(crate) const ITEM: &str = "_source_item";

/// The columns of a silver file: the contract's without the partition, then the audit columns.
pub(crate) fn schema(shape: &Shape) -> SchemaRef {
    stored(shape, shape.explode.is_some())
}

/// The columns of a file that waits for what becomes of its rows.
pub(crate) fn staged_schema(shape: &Shape) -> SchemaRef {
    stored(shape, shape.items())
}

fn stored(shape: &Shape, items: bool) -> SchemaRef {
    let stored = shape.columns.iter().enumerate().filter(|(at, _)| *at != shape.partition);
    let mut fields: Vec<Field> = stored.map(|(_, plan)| Field::new(&plan.name, arrow_type(plan.kind), true)).collect();
    fields
        .extend([Field::new("_source_file", DataType::Utf8, true), Field::new("_source_line", DataType::Int64, true)]);
    fields.extend(items.then(|| Field::new(ITEM, DataType::Int64, true)));
    fields.extend([Field::new("_run_id", DataType::Utf8, true), Field::new("_processed_at", utc(), true)]);
    Arc::new(Schema::new(fields))
}

pub(crate) fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

pub(crate) fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::String { .. } => DataType::Utf8,
        ColumnType::Int32 => DataType::Int32,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(precision, scale as i8),
        ColumnType::Double => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::Instant => utc(),
    }
}

/// What every row of a run has.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    pub(crate) run: String,
    /// Microseconds since 1970 (UTC).
    pub(crate) processed_at: i64,
}

impl Stamp {
    pub(crate) fn runs(&self, rows: usize) -> ArrayRef {
        Arc::new(StringArray::new_repeated(&self.run, rows))
    }

    pub(crate) fn times(&self, rows: usize) -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from_value(self.processed_at, rows).with_timezone("UTC"))
    }
}

enum Builder {
    /// The partition column, which is kept apart.
    None,
    Text(StringBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Decimal(Decimal128Builder),
    Double(Float64Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

/// Collects accepted records.
pub(crate) struct Columns {
    builders: Vec<Builder>,
    lines: Vec<i64>,
    /// Places beyond the lines; none where no column takes them.
    items: Option<Vec<i64>>,
    /// Business dates, in days since 1970-01-01.
    dates: Vec<i32>,
}

/// Accepted records of one piece of a file.
pub(crate) struct Rows {
    pub(crate) batch: RecordBatch,
    pub(crate) dates: Vec<i32>,
}

impl Columns {
    pub(crate) fn new(shape: &Shape, rows: usize) -> Self {
        let builder = |(at, kind): (usize, ColumnType)| match kind {
            _ if at == shape.partition => Builder::None,
            ColumnType::String { .. } => Builder::Text(StringBuilder::with_capacity(rows, rows * 16)),
            ColumnType::Int32 => Builder::Int32(Int32Builder::with_capacity(rows)),
            ColumnType::Int64 => Builder::Int64(Int64Builder::with_capacity(rows)),
            ColumnType::Decimal { .. } => {
                Builder::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(arrow_type(kind)))
            }
            ColumnType::Double => Builder::Double(Float64Builder::with_capacity(rows)),
            ColumnType::Boolean => Builder::Boolean(BooleanBuilder::with_capacity(rows)),
            ColumnType::Date => Builder::Date(Date32Builder::with_capacity(rows)),
            ColumnType::Timestamp | ColumnType::Instant => {
                Builder::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(arrow_type(kind)))
            }
        };
        let builders = shape.columns.iter().map(|plan| plan.kind).enumerate().map(builder).collect();
        let items = shape.items().then(|| Vec::with_capacity(rows));
        Self { builders, lines: Vec::with_capacity(rows), items, dates: Vec::with_capacity(rows) }
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Appends an accepted record.
    #[inline]
    pub(crate) fn push(&mut self, row: &Row, record: &str, place: Place<'_>, date: i32) {
        let view = row.view(record);
        self.lines.push(place.line as i64);
        if let Some(items) = &mut self.items {
            items.push((place.offset + place.item.max(1)) as i64);
        }
        self.dates.push(date);
        for (at, (builder, cell)) in self.builders.iter_mut().zip(&row.cells).enumerate() {
            match (builder, *cell) {
                (Builder::None, _) => {}
                (Builder::Text(builder), Cell::Text(_)) => builder.append_option(view.text(at)),
                (Builder::Int32(builder), Cell::Number(value)) => builder.append_value(value as i32),
                (Builder::Int64(builder), Cell::Number(value)) => builder.append_value(value as i64),
                (Builder::Decimal(builder), Cell::Number(value)) => builder.append_value(value),
                (Builder::Double(builder), Cell::Double(value)) => builder.append_value(value),
                (Builder::Boolean(builder), Cell::Boolean(value)) => builder.append_value(value),
                (Builder::Date(builder), Cell::Number(value)) => builder.append_value(value as i32),
                (Builder::Timestamp(builder), Cell::Number(value)) => builder.append_value(value as i64),
                (builder, _) => builder.append_null(),
            }
        }
    }

    /// The records as a batch of the silver schema.
    pub(crate) fn finish(self, schema: &SchemaRef, file: &str, stamp: &Stamp) -> Result<Rows, ArrowError> {
        let rows = self.len();
        let mut arrays: Vec<ArrayRef> = self.builders.into_iter().filter_map(Builder::finish).collect();
        arrays.push(Arc::new(StringArray::new_repeated(file, rows)));
        arrays.push(Arc::new(arrow::array::Int64Array::new(ScalarBuffer::from(self.lines), None)));
        if let Some(items) = self.items {
            arrays.push(Arc::new(arrow::array::Int64Array::new(ScalarBuffer::from(items), None)));
        }
        arrays.push(stamp.runs(rows));
        arrays.push(stamp.times(rows));
        Ok(Rows { batch: RecordBatch::try_new(Arc::clone(schema), arrays)?, dates: self.dates })
    }
}

impl Builder {
    fn append_null(&mut self) {
        match self {
            Self::None => {}
            Self::Text(builder) => builder.append_null(),
            Self::Int32(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::Decimal(builder) => builder.append_null(),
            Self::Double(builder) => builder.append_null(),
            Self::Boolean(builder) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Timestamp(builder) => builder.append_null(),
        }
    }

    fn finish(self) -> Option<ArrayRef> {
        Some(match self {
            Self::None => return None,
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Int32(mut builder) => Arc::new(builder.finish()),
            Self::Int64(mut builder) => Arc::new(builder.finish()),
            Self::Decimal(mut builder) => Arc::new(builder.finish()),
            Self::Double(mut builder) => Arc::new(builder.finish()),
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
            Self::Date(mut builder) => Arc::new(builder.finish()),
            Self::Timestamp(mut builder) => Arc::new(builder.finish()),
        })
    }
}

/// Up to this many dates, copying runs of rows is quicker than picking them one by one.
const FEW_DATES: usize = 4;

impl Rows {
    /// The rows of each date, without those that `lost` names.
    pub(crate) fn by_date(self, lost: &[bool]) -> Result<Vec<(i32, RecordBatch)>, ArrowError> {
        let Some(first) = self.dates.first().copied() else { return Ok(Vec::new()) };
        let mut dates = vec![first];
        for date in &self.dates {
            if dates.last() != Some(date) && !dates.contains(date) {
                dates.push(*date);
                if dates.len() > FEW_DATES {
                    return self.by_many_dates(lost);
                }
            }
        }
        if dates.len() == 1 && !lost.contains(&true) {
            return Ok(vec![(first, self.batch)]);
        }
        let part = |date: i32| {
            let kept = self.dates.iter().zip(lost).map(|(of, lost)| Some(*of == date && !lost));
            Ok((date, filter_record_batch(&self.batch, &BooleanArray::from_iter(kept))?))
        };
        dates.into_iter().map(part).collect()
    }

    fn by_many_dates(self, lost: &[bool]) -> Result<Vec<(i32, RecordBatch)>, ArrowError> {
        let mut order: Vec<u32> = (0..self.dates.len() as u32).filter(|at| !lost[*at as usize]).collect();
        order.sort_by_key(|at| self.dates[*at as usize]);
        let mut parts = Vec::new();
        for run in order.chunk_by(|a, b| self.dates[*a as usize] == self.dates[*b as usize]) {
            let places = UInt32Array::from(run.to_vec());
            let columns = self.batch.columns().iter().map(|column| take(column, &places, None));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            let part = RecordBatch::try_new(self.batch.schema(), columns)?;
            parts.push((self.dates[run[0] as usize], part));
        }
        Ok(parts)
    }
}
