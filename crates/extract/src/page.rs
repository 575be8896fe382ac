//! One Parquet file of a landing. Everything here blocks.

use crate::disk;
use crate::error::ExtractError;
use crate::manifest::Page;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Bytes that the writer may hold before it writes them as a row group.
const HELD: usize = 16 << 20;

/// A page that is being written; it has its name only when it is whole.
pub(crate) struct PageFile {
    path: PathBuf,
    draft: PathBuf,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl PageFile {
    /// `folder` is made where it is missing.
    pub(crate) fn create(folder: &Path, name: &str, schema: SchemaRef) -> Result<PageFile, ExtractError> {
        disk::make_folder(folder)?;
        let path = folder.join(name);
        let draft = path.with_added_extension("tmp");
        let file = File::create(&draft).map_err(ExtractError::disk(&draft, "make"))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(fault(&path))?;
        Ok(PageFile { path, draft, writer, rows: 0 })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ExtractError> {
        self.writer.write(batch).map_err(fault(&self.path))?;
        self.rows += batch.num_rows() as u64;
        if self.writer.memory_size() > HELD {
            self.writer.flush().map_err(fault(&self.path))?;
        }
        Ok(())
    }

    /// The file is whole and on disk when this returns.
    pub(crate) fn finish(self) -> Result<Page, ExtractError> {
        let file = self.writer.into_inner().map_err(fault(&self.path))?;
        let synced = file.sync_all().and_then(|()| file.metadata());
        let bytes = synced.map_err(ExtractError::disk(&self.draft, "write"))?.len();
        disk::rename(&self.draft, &self.path)?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Page { file: name, rows: self.rows, bytes })
    }
}

/// A full disk comes out of the Parquet writer wrapped; it is said as what it is.
fn fault(path: &Path) -> impl FnOnce(ParquetError) -> ExtractError {
    let path = path.to_owned();
    |source| match source {
        ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
            Ok(source) => ExtractError::Disk { path, doing: "write", source: *source },
            Err(cause) => ExtractError::Parquet { path, source: ParquetError::External(cause) },
        },
        source => ExtractError::Parquet { path, source },
    }
}
