//! Columns of a landing: their types, and rows on the way into a Parquet file.

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int16Builder, Int32Builder,
    Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int16,
    Int32,
    Int64,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Text,
    Boolean,
    Date,
    /// Microseconds without a zone.
    Timestamp,
    /// Microseconds in UTC.
    Instant,
    Double,
}

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Kind::Int16 => DataType::Int16,
            Kind::Int32 => DataType::Int32,
            Kind::Int64 => DataType::Int64,
            // A scale is at most the precision, which is at most 38.
            Kind::Decimal { precision, scale } => DataType::Decimal128(precision, scale.cast_signed()),
            Kind::Text => DataType::Utf8,
            Kind::Boolean => DataType::Boolean,
            Kind::Date => DataType::Date32,
            Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Kind::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Double => DataType::Float64,
        }
    }

    fn builder(self) -> Builder {
        match self {
            Kind::Int16 => Builder::Int16(Int16Builder::new()),
            Kind::Int32 => Builder::Int32(Int32Builder::new()),
            Kind::Int64 => Builder::Int64(Int64Builder::new()),
            Kind::Decimal { precision, scale } => {
                let builder = Decimal128Builder::new().with_data_type(self.data_type());
                Builder::Decimal(builder, precision, scale)
            }
            Kind::Text => Builder::Text(StringBuilder::new()),
            Kind::Boolean => Builder::Boolean(BooleanBuilder::new()),
            Kind::Date => Builder::Date(Date32Builder::new()),
            Kind::Timestamp | Kind::Instant => {
                Builder::Micros(TimestampMicrosecondBuilder::new().with_data_type(self.data_type()))
            }
            Kind::Double => Builder::Double(Float64Builder::new()),
        }
    }
}

/// Values of one column, with what is needed to check the next one.
pub(crate) enum Builder {
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    /// Values, precision, scale.
    Decimal(Decimal128Builder, u8, u8),
    Text(StringBuilder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Micros(TimestampMicrosecondBuilder),
    Double(Float64Builder),
}

impl Builder {
    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Int16(values) => Arc::new(values.finish()),
            Builder::Int32(values) => Arc::new(values.finish()),
            Builder::Int64(values) => Arc::new(values.finish()),
            Builder::Decimal(values, ..) => Arc::new(values.finish()),
            Builder::Text(values) => Arc::new(values.finish()),
            Builder::Boolean(values) => Arc::new(values.finish()),
            Builder::Date(values) => Arc::new(values.finish()),
            Builder::Micros(values) => Arc::new(values.finish()),
            Builder::Double(values) => Arc::new(values.finish()),
        }
    }
}

/// Rows that are not in a file yet.
pub(crate) struct Rows {
    schema: SchemaRef,
    pub builders: Vec<Builder>,
    /// How many rows, and how many bytes of values.
    pub count: usize,
    pub bytes: usize,
}

impl Rows {
    pub(crate) fn new(columns: &[(String, Kind)]) -> Rows {
        let fields: Vec<Field> = columns.iter().map(|(name, kind)| Field::new(name, kind.data_type(), true)).collect();
        let builders = columns.iter().map(|(_, kind)| kind.builder()).collect();
        Rows { schema: Arc::new(Schema::new(fields)), builders, count: 0, bytes: 0 }
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Takes the rows out; there are none in here afterwards.
    pub(crate) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        self.count = 0;
        self.bytes = 0;
        RecordBatch::try_new(self.schema(), self.builders.iter_mut().map(Builder::finish).collect())
    }
}

/// A chain of row contents: the same rows in the same order give the same digest, also when they come in pages.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    digest: u128,
    row: Vec<u8>,
}

impl Chain {
    /// Goes on after an earlier digest; an empty text is the beginning.
    pub(crate) fn after(digest: &str) -> Chain {
        Chain { digest: u128::from_str_radix(digest, 16).unwrap_or(0), row: Vec::new() }
    }

    pub(crate) fn value(&mut self, value: Option<&[u8]>) {
        let length = value.map_or(u64::MAX, |bytes| bytes.len() as u64);
        self.row.extend_from_slice(&length.to_le_bytes());
        self.row.extend_from_slice(value.unwrap_or_default());
    }

    /// Ends the row; one that does not count is forgotten.
    pub(crate) fn end_row(&mut self, counts: bool) {
        if counts {
            self.row.extend_from_slice(&self.digest.to_le_bytes());
            self.digest = xxh3_128(&self.row);
        }
        self.row.clear();
    }

    pub(crate) fn digest(&self) -> String {
        format!("{:032x}", self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&[Option<&str>]]) -> String {
        let mut chain = Chain::after("");
        for row in rows {
            row.iter().for_each(|value| chain.value(value.map(str::as_bytes)));
            chain.end_row(true);
            chain = Chain::after(&chain.digest());
        }
        chain.digest()
    }

    #[test]
    fn a_chain_tells_rows_apart_and_goes_on_across_pages() {
        let base = digest(&[&[Some("a"), None], &[Some("b"), Some("c")]]);
        assert_eq!(base, digest(&[&[Some("a"), None], &[Some("b"), Some("c")]]));
        let others: [&[&[Option<&str>]]; 4] = [
            &[&[Some("b"), Some("c")], &[Some("a"), None]],
            &[&[Some("a"), Some("")], &[Some("b"), Some("c")]],
            &[&[Some("a"), None], &[Some("bc"), Some("")]],
            &[&[Some("a"), None]],
        ];
        for other in others {
            assert_ne!(base, digest(other));
        }
        let mut chain = Chain::after(&base);
        chain.value(Some(b"left out"));
        chain.end_row(false);
        assert_eq!(chain.digest(), base);
    }
}
