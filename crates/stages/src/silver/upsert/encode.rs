//! Keys, versions and contents of rows as bytes that compare as the values do, from any batch.

use super::Incoming;
use crate::error::StageError;
use crate::silver::columns::{ITEM, arrow_type};
use crate::silver::moment;
use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use chrono::NaiveDate;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// Rows that are read at a time.
const ROWS: usize = 32 << 10;

/// A Parquet file that is read in parts.
pub(crate) struct Reading {
    file: File,
    pub(super) metadata: ArrowReaderMetadata,
    shown: String,
}

impl Reading {
    pub(crate) fn open(place: &Path) -> Result<Self, StageError> {
        let shown = place.display().to_string();
        let file = File::open(place).map_err(|error| StageError::io(&shown, "read the file", error))?;
        let metadata = ArrowReaderMetadata::load(&file, Default::default());
        let metadata = metadata.map_err(|source| StageError::BadParquet { path: shown.clone(), source })?;
        Ok(Self { file, metadata, shown })
    }

    /// These columns of one row group, or of the whole file; all columns when none are named.
    pub(crate) fn batches(
        &self,
        group: Option<usize>,
        columns: Option<&[&str]>,
    ) -> Result<ParquetRecordBatchReader, StageError> {
        let file = self.file.try_clone().map_err(|error| StageError::io(&self.shown, "read the file", error))?;
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone()).with_batch_size(ROWS);
        if let Some(columns) = columns {
            let fields = self.metadata.schema().fields().iter().enumerate();
            let wanted = fields.filter(|(_, field)| columns.contains(&field.name().as_str())).map(|(at, _)| at);
            let mask = ProjectionMask::roots(self.metadata.parquet_schema(), wanted);
            builder = builder.with_projection(mask);
        }
        if let Some(group) = group {
            builder = builder.with_row_groups(vec![group]);
        }
        builder.build().map_err(|source| self.bad(source))
    }

    pub(crate) fn bad(&self, source: ParquetError) -> StageError {
        StageError::BadParquet { path: self.shown.clone(), source }
    }

    pub(crate) fn broken(&self, error: ArrowError) -> StageError {
        self.bad(ParquetError::from(error))
    }
}

/// What is compared of rows. Of one file at a time.
pub(super) struct Encoder<'a> {
    incoming: &'a Incoming<'a>,
    date: Option<NaiveDate>,
    key: RowConverter,
    order: RowConverter,
    content: RowConverter,
}

/// Of the rows of a batch.
pub(super) struct Encoded {
    pub(super) keys: Vec<u128>,
    /// Version, path and line.
    pub(super) orders: Rows,
    /// Place beyond the line; none where the file does not keep it.
    pub(super) items: Option<Int64Array>,
}

impl<'a> Encoder<'a> {
    /// Of rows of this date.
    pub(super) fn new(incoming: &'a Incoming<'a>, date: Option<NaiveDate>) -> Result<Self, ArrowError> {
        let kind = |name: &str| incoming.kind(name);
        let fields = |kinds: Vec<DataType>| RowConverter::new(kinds.into_iter().map(SortField::new).collect());
        let columns = incoming.shape.columns.iter().map(|plan| arrow_type(plan.kind)).collect();
        Ok(Self {
            incoming,
            date,
            key: fields(incoming.upsert.key.iter().map(|name| kind(name)).collect())?,
            order: fields(vec![kind(&incoming.upsert.version), DataType::Utf8, DataType::Int64])?,
            content: fields(columns)?,
        })
    }

    /// Names of the columns that [`Encoder::encode`] needs.
    pub(super) fn names(&self) -> Vec<&'a str> {
        let upsert = self.incoming.upsert;
        let names = upsert.key.iter().map(String::as_str);
        names.chain([upsert.version.as_str(), "_source_file", "_source_line", ITEM]).collect()
    }

    pub(super) fn encode(&mut self, batch: &RecordBatch) -> Result<Encoded, ArrowError> {
        let key = self.incoming.upsert.key.iter().map(|name| self.column(batch, name).map(settled));
        let key = key.collect::<Result<Vec<_>, _>>()?;
        let keys = self.key.convert_columns(&key)?;
        let version = self.column(batch, &self.incoming.upsert.version)?;
        let source = typed(batch, "_source_file", &DataType::Utf8)?;
        let line = typed(batch, "_source_line", &DataType::Int64)?;
        let items = match batch.column_by_name(ITEM) {
            Some(_) => Some(typed(batch, ITEM, &DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            None => None,
        };
        Ok(Encoded {
            keys: keys.iter().map(|key| xxh3_128(key.as_ref())).collect(),
            orders: self.order.convert_columns(&[version, source, line])?,
            items,
        })
    }

    /// Hashes of the contract's columns, the partition among them, of these rows.
    pub(super) fn contents(&mut self, batch: &RecordBatch) -> Result<Vec<u128>, ArrowError> {
        let columns = self.incoming.shape.columns.iter().map(|plan| self.column(batch, &plan.name));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let rows = self.content.convert_columns(&columns)?;
        Ok(rows.iter().map(|row| xxh3_128(row.as_ref())).collect())
    }

    fn column(&self, batch: &RecordBatch, name: &str) -> Result<ArrayRef, ArrowError> {
        if name == self.incoming.partition {
            let days = self.date.map(moment::days);
            return Ok(Arc::new(Date32Array::from_iter(std::iter::repeat_n(days, batch.num_rows()))));
        }
        typed(batch, name, &self.incoming.kind(name))
    }
}

impl Incoming<'_> {
    fn kind(&self, name: &str) -> DataType {
        let plan = self.shape.columns.iter().find(|plan| plan.name == name);
        plan.map_or(DataType::Null, |plan| arrow_type(plan.kind))
    }
}

/// The column in its type; nulls where an older file does not have it.
pub(super) fn typed(batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    match batch.column_by_name(name) {
        Some(column) if column.data_type() == kind => Ok(Arc::clone(column)),
        Some(column) => cast(column, kind),
        None => Ok(new_null_array(kind, batch.num_rows())),
    }
}

/// Zero has two bit patterns.
fn settled(column: ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float64 => {
            let plain: Float64Array = column.as_primitive::<Float64Type>().unary(|value| value + 0.0);
            Arc::new(plain)
        }
        _ => column,
    }
}
