//! The forms that a copy can have, and the writer of one file.

use super::text;
use crate::error::StageError;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use assay_pipeline::PublishedForm;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::io::{self, Write};

/// Rows of a row group: what other programs read at a time.
const GROUP_ROWS: usize = 122_880;

/// The ending of a form's files, without a point.
pub(super) fn ending(form: PublishedForm) -> &'static str {
    match form {
        PublishedForm::Parquet => "parquet",
        PublishedForm::Csv => "csv",
        PublishedForm::Tsv => "tsv",
    }
}

/// Writes the rows of one file.
pub(super) enum FormWriter<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Text { into: W, separator: u8 },
}

impl<W: Write + Send> FormWriter<W> {
    /// `notes` go into the metadata of Parquet; text has no place for them.
    pub(super) fn new(
        form: PublishedForm,
        schema: &SchemaRef,
        notes: Vec<(&str, String)>,
        mut into: W,
        path: &str,
    ) -> Result<Self, StageError> {
        let separator = match form {
            PublishedForm::Parquet => return parquet(schema, notes, into, path),
            PublishedForm::Csv => b',',
            PublishedForm::Tsv => b'\t',
        };
        let names = schema.fields().iter().map(|field| field.name().as_str());
        text::header(names, separator, &mut into).map_err(|error| StageError::copy(path, error))?;
        Ok(Self::Text { into, separator })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch, path: &str) -> Result<(), StageError> {
        match self {
            Self::Parquet(writer) => writer.write(batch).map_err(|error| StageError::copy_parquet(path, error)),
            Self::Text { into, separator } => (0..batch.num_rows())
                .try_for_each(|row| text::row(batch, row, *separator, into))
                .map_err(|error| StageError::copy(path, error)),
        }
    }

    pub(super) fn finish(self, path: &str) -> Result<(), StageError> {
        match self {
            Self::Parquet(writer) => writer.close().map(drop).map_err(|error| StageError::copy_parquet(path, error)),
            Self::Text { mut into, .. } => into.flush().map_err(|error| StageError::copy(path, error)),
        }
    }
}

fn parquet<W: Write + Send>(
    schema: &SchemaRef,
    notes: Vec<(&str, String)>,
    into: W,
    path: &str,
) -> Result<FormWriter<W>, StageError> {
    let notes: Vec<KeyValue> = notes.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_key_value_metadata(Some(notes).filter(|notes| !notes.is_empty()))
        .set_created_by("assay".to_owned())
        .build();
    let writer = ArrowWriter::try_new(into, schema.clone(), Some(properties));
    Ok(FormWriter::Parquet(Box::new(writer.map_err(|error| StageError::copy_parquet(path, error))?)))
}

/// A digest of a row: its values as text, and its place.
pub(super) fn row_digest(batch: &RecordBatch, row: usize, place: (i64, i64), scratch: &mut Vec<u8>) -> io::Result<u64> {
    scratch.clear();
    text::row(batch, row, b',', scratch)?;
    scratch.extend_from_slice(&place.0.to_le_bytes());
    scratch.extend_from_slice(&place.1.to_le_bytes());
    Ok(xxhash_rust::xxh3::xxh3_64(scratch))
}
