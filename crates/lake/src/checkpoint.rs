//! Checkpoints with packed columns: every process that meets a table reads its newest one whole, and as the library
//! writes them they are several times as large.

use delta_kernel::engine::arrow_data::EngineDataArrowExt;
use delta_kernel::schema::SchemaRef;
use delta_kernel::{
    DeltaResult, DeltaResultIteratorStatic, Engine, Error, EvaluationHandler, FileDataReadResultIterator, FileMeta,
    JsonHandler, ParquetFooter, ParquetHandler, PredicateRef, Snapshot, StorageHandler,
};
use deltalake_core::DeltaTableError;
use deltalake_core::logstore::LogStoreRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::sync::Arc;
use url::Url;

/// Writes the checkpoint of a version, which is then the newest for every reader. Where there is one it stays.
pub(crate) async fn write(store: &LogStoreRef, version: u64) -> Result<(), DeltaTableError> {
    let root = store.transaction_url(None)?;
    let engine = Packing::of(store.engine(None));
    let work = move || {
        let snapshot = Snapshot::builder_for(root).at_version(version).build(&engine)?;
        snapshot.checkpoint(&engine, None).map(drop)
    };
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| DeltaTableError::generic(error.to_string()))?;
    Ok(done?)
}

/// The library's engine, but for the way it writes Parquet.
struct Packing {
    engine: Arc<dyn Engine>,
    parquet: Arc<Packed>,
}

struct Packed {
    parquet: Arc<dyn ParquetHandler>,
    storage: Arc<dyn StorageHandler>,
}

impl Packing {
    fn of(engine: Arc<dyn Engine>) -> Self {
        let parquet = Packed { parquet: engine.parquet_handler(), storage: engine.storage_handler() };
        Self { engine, parquet: Arc::new(parquet) }
    }
}

impl Engine for Packing {
    fn evaluation_handler(&self) -> Arc<dyn EvaluationHandler> {
        self.engine.evaluation_handler()
    }

    fn storage_handler(&self) -> Arc<dyn StorageHandler> {
        self.engine.storage_handler()
    }

    fn json_handler(&self) -> Arc<dyn JsonHandler> {
        self.engine.json_handler()
    }

    fn parquet_handler(&self) -> Arc<dyn ParquetHandler> {
        Arc::<Packed>::clone(&self.parquet)
    }
}

impl ParquetHandler for Packed {
    fn read_parquet_files(
        &self,
        files: &[FileMeta],
        schema: SchemaRef,
        predicate: Option<PredicateRef>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        self.parquet.read_parquet_files(files, schema, predicate)
    }

    fn write_parquet_file(
        &self,
        location: Url,
        mut data: DeltaResultIteratorStatic<Box<dyn delta_kernel::EngineData>>,
    ) -> DeltaResult<()> {
        let first = data.next().ok_or_else(|| Error::generic("a checkpoint without a row"))?;
        let first = first.try_into_record_batch()?;
        let mut writer = ArrowWriter::try_new_with_options(Vec::new(), first.schema(), options())?;
        writer.write(&first)?;
        for rows in data {
            writer.write(&rows.try_into_record_batch()?)?;
        }
        self.storage.put(&location, writer.into_inner()?.into(), true)
    }

    fn read_parquet_footer(&self, file: &FileMeta) -> DeltaResult<ParquetFooter> {
        self.parquet.read_parquet_footer(file)
    }
}

/// Paths differ from each other and share most of their text: dictionaries only add to what Zstandard finds.
fn options() -> ArrowWriterOptions {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .build();
    ArrowWriterOptions::new().with_skip_arrow_metadata(true).with_properties(properties)
}
