//! Reads Parquet files row by row, with the exact text of every number.

use crate::bronze::content::Content;
use crate::bronze::cut::Layout;
use crate::bronze::survey::{Found, Piece};
use crate::bronze::window::Window;
use crate::error::StageError;
use crate::limits::Limits;
use crate::silver::moment::{self, Moment, TOO_FINE};
use crate::silver::row::Field;
use crate::watch::Watch;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float32Type,
    Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::io::{self, BufReader, Read};

/// Rows that are read at a time.
const ROWS: usize = 64 << 10;

/// Content as the Parquet reader wants it: places are asked for, no position is shared between threads.
#[derive(Clone)]
struct Source(Content);

struct Reading {
    content: Content,
    at: u64,
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.0.len
    }
}

impl ChunkReader for Source {
    type T = BufReader<Reading>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(Reading { content: self.0.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // A damaged footer can name any length.
        if start.saturating_add(length as u64) > self.0.len {
            return Err(ParquetError::EOF("a page lies beyond the end of the file".to_owned()));
        }
        let mut bytes = vec![0; length];
        self.0.read_exact_at(start, &mut bytes).map_err(|error| ParquetError::External(Box::new(error)))?;
        Ok(bytes.into())
    }
}

impl Read for Reading {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(self.at, into).map_err(io::Error::other)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Content tag, column names and rows of a Parquet file. An empty file has no rows.
pub(crate) fn survey(content: &Content, limits: &Limits, watch: &dyn Watch) -> Result<Found, StageError> {
    let tag = match content.tag {
        Some(tag) => tag,
        None => Window::new(content, watch).finish(limits.chunk)?,
    };
    let mut found = Found { tag, layout: Layout::Whole, header: Vec::new(), pieces: Vec::new(), records: 0, blank: 0 };
    if content.len == 0 {
        return Ok(found);
    }
    let metadata = metadata(content)?;
    found.header = metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
    for (group, meta) in metadata.metadata().row_groups().iter().enumerate() {
        let rows = usize::try_from(meta.num_rows()).unwrap_or(0);
        for from in (0..rows).step_by(ROWS) {
            let count = ROWS.min(rows - from);
            found.pieces.push(Piece::Rows { group, from, count, line: found.records + 1 });
            found.records += count as u64;
        }
    }
    Ok(found)
}

fn metadata(content: &Content) -> Result<ArrowReaderMetadata, StageError> {
    guarded(content, || ArrowReaderMetadata::load(&Source(content.clone()), Default::default()))
}

/// The rows of a piece, each column in one of the forms that [`field`] knows.
pub(crate) fn rows(content: &Content, group: usize, from: usize, count: usize) -> Result<RecordBatch, StageError> {
    let metadata = metadata(content)?;
    let batch = guarded(content, || {
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(Source(content.clone()), metadata)
            .with_row_groups(vec![group])
            .with_offset(from)
            .with_limit(count)
            .with_batch_size(count)
            .build()?;
        let schema = arrow::array::RecordBatchReader::schema(&reader);
        let batches = reader.collect::<Result<Vec<_>, ArrowError>>()?;
        Ok(concat_batches(&schema, &batches)?)
    })?;
    if batch.num_rows() != count {
        let source = ParquetError::General("a row group has fewer rows than the file says".to_owned());
        return Err(StageError::BadParquet { path: content.path.clone(), source });
    }
    Ok(batch)
}

/// The Parquet reader can panic on damaged pages; that is the file's fault and not the end of the worker.
fn guarded<T>(content: &Content, work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, StageError> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    let done = done.unwrap_or_else(|_| Err(ParquetError::General("a page is damaged".to_owned())));
    done.map_err(|source| StageError::BadParquet { path: content.path.clone(), source })
}

/// The column in a form that [`field`] knows, when there is one that holds every value exactly.
pub(crate) fn plain(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let to = match column.data_type() {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => {
            DataType::Int64
        }
        DataType::Dictionary(_, value) => return plain(&cast(column, value)?),
        _ => return Ok(column.clone()),
    };
    cast(column, &to)
}

/// One value; `store` keeps the text of numbers.
pub(crate) fn field<'a>(column: &'a ArrayRef, row: usize, store: &'a mut String) -> Field<'a> {
    // A column of nulls alone says of no value that it is one.
    if column.is_null(row) || *column.data_type() == DataType::Null {
        return Field::Null;
    }
    *store = match column.data_type() {
        DataType::Utf8 => return Field::Text(column.as_string::<i32>().value(row)),
        DataType::Boolean => return Field::Boolean(column.as_boolean().value(row)),
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(row);
            return Field::Moment(Moment { days, micros: 0 });
        }
        DataType::Date64 => return moment(column.as_primitive::<Date64Type>().value(row), 1000),
        // With a zone the value is already at UTC, and without one it is taken as it stands.
        DataType::Timestamp(TimeUnit::Second, _) => {
            return moment(column.as_primitive::<TimestampSecondType>().value(row), 1_000_000);
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            return moment(column.as_primitive::<TimestampMillisecondType>().value(row), 1000);
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            return moment(column.as_primitive::<TimestampMicrosecondType>().value(row), 1);
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let nanos = column.as_primitive::<TimestampNanosecondType>().value(row);
            return if nanos % 1000 == 0 { moment(nanos / 1000, 1) } else { Field::Unfit(TOO_FINE) };
        }
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).to_string(),
        // The shortest text that means this number, which is what was once written.
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Decimal32(..) => column.as_primitive::<Decimal32Type>().value_as_string(row),
        DataType::Decimal64(..) => column.as_primitive::<Decimal64Type>().value_as_string(row),
        DataType::Decimal256(..) => column.as_primitive::<Decimal256Type>().value_as_string(row),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        _ => return Field::Nested,
    };
    Field::Number(store)
}

/// A time in a unit of so many microseconds.
fn moment(value: i64, unit: i64) -> Field<'static> {
    match value.checked_mul(unit) {
        Some(micros) => Field::Moment(Moment { days: moment::day_of(micros), micros: micros.rem_euclid(moment::DAY) }),
        None => Field::Unfit("the time is too far from 1970 to be stored"),
    }
}

/// A row as JSON text, for the quarantine.
pub(crate) fn json(batch: &RecordBatch, row: usize) -> Vec<u8> {
    let mut object = serde_json::Map::new();
    let options = FormatOptions::default().with_null("");
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let value = match column.data_type() {
            _ if column.is_null(row) => serde_json::Value::Null,
            DataType::Null => serde_json::Value::Null,
            DataType::Boolean => column.as_boolean().value(row).into(),
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
            _ => match ArrayFormatter::try_new(column, &options) {
                Ok(text) => text.value(row).to_string().into(),
                Err(_) => format!("a value of type {}", column.data_type()).into(),
            },
        };
        object.insert(field.name().clone(), value);
    }
    serde_json::Value::Object(object).to_string().into_bytes()
}
