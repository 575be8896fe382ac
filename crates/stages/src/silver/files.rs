//! Writes rows as Parquet files of a table, one or more for every date, with several threads at work.

use crate::error::StageError;
use crate::limits::Limits;
use crate::parallel::locked;
use crate::silver::moment;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use assay_lake::{Place, StagedFile, staged_path};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

/// Days since 1970-01-01; none for rows without a date.
pub(crate) type Date = Option<i32>;

/// The files of one table that a run is about to add.
pub(crate) struct Files<'a> {
    folder: Place,
    /// The partition column.
    column: &'a str,
    schema: SchemaRef,
    run: &'a str,
    limits: &'a Limits,
    format: OnceLock<Format>,
    open: Mutex<HashMap<Date, Arc<Mutex<Option<OpenFile>>>>>,
    /// Every file that was begun, so that none stays behind when the run fails.
    begun: Mutex<Vec<StagedFile>>,
    done: Mutex<Vec<StagedFile>>,
}

struct Format {
    properties: Arc<WriterProperties>,
    groups: ArrowRowGroupWriterFactory,
}

struct OpenFile {
    path: String,
    writer: SerializedFileWriter<Sink>,
    rows: u64,
}

/// A file that is open only while a row group is written, however many dates there are.
struct Sink {
    place: PathBuf,
    file: Option<File>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => self.file.insert(OpenOptions::new().append(true).open(&self.place)?).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> Files<'a> {
    pub(crate) fn new(folder: Place, column: &'a str, schema: SchemaRef, run: &'a str, limits: &'a Limits) -> Self {
        Self {
            folder,
            column,
            schema,
            run,
            limits,
            format: OnceLock::new(),
            open: Mutex::default(),
            begun: Mutex::default(),
            done: Mutex::default(),
        }
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Finishes every file; they are not yet on the table.
    pub(crate) fn finish(&self) -> Result<Vec<StagedFile>, StageError> {
        let open: Vec<_> = locked(&self.open).drain().collect();
        for (date, file) in open {
            if let Some(file) = locked(&file).take() {
                self.close(date, file)?;
            }
        }
        let mut done = std::mem::take(&mut *locked(&self.done));
        done.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(done)
    }

    /// Removes every file that was begun, unless a commit names it.
    pub(crate) fn discard(&self) {
        locked(&self.open).clear();
        assay_lake::discard(&self.folder, &locked(&self.begun));
    }

    fn format(&self, sample: &RecordBatch) -> Result<&Format, StageError> {
        if let Some(format) = self.format.get() {
            return Ok(format);
        }
        let format = Format::new(&self.schema, sample).map_err(|error| self.error(error))?;
        // Another thread may have been quicker; one of the two is used by all.
        Ok(self.format.get_or_init(|| format))
    }

    /// Adds a row group to the file of its date.
    fn append(&self, date: Date, format: &Format, group: Group) -> Result<(), StageError> {
        let rows = group.rows as u64;
        let chunks = group.writers.into_iter().map(ArrowColumnWriter::close).collect::<Result<Vec<_>, _>>();
        let chunks = chunks.map_err(|error| self.error(error))?;
        let slot = Arc::clone(locked(&self.open).entry(date).or_default());
        let mut slot = locked(&slot);
        let mut file = match slot.take() {
            Some(file) => file,
            None => self.begin(date, format)?,
        };
        let written = file.writer.next_row_group().and_then(|mut group| {
            chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut group))?;
            group.close().map(drop)
        });
        written.map_err(|error| self.error(error))?;
        file.rows += rows;
        file.writer.inner_mut().file = None;
        if file.rows >= self.limits.file_rows || file.writer.bytes_written() as u64 >= self.limits.file_bytes {
            return self.close(date, file);
        }
        *slot = Some(file);
        Ok(())
    }

    fn begin(&self, date: Date, format: &Format) -> Result<OpenFile, StageError> {
        let partition = date.and_then(moment::date);
        let path = staged_path(&self.folder, self.run, Some(self.column), partition)?;
        locked(&self.begun).push(StagedFile { path: path.clone(), size: 0, rows: 0, partition, stats: None });
        let place = self.folder.folder().join(&path);
        let write_error = |error| StageError::write(&self.folder.to_string(), error);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(write_error)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&place).map_err(write_error)?;
        let schema = format.groups_schema(&self.schema).map_err(|error| self.error(error))?;
        let sink = Sink { place, file: Some(file) };
        let writer = SerializedFileWriter::new(sink, schema, Arc::clone(&format.properties));
        Ok(OpenFile { path, writer: writer.map_err(|error| self.error(error))?, rows: 0 })
    }

    fn close(&self, date: Date, file: OpenFile) -> Result<(), StageError> {
        let sink = file.writer.into_inner().map_err(|error| self.error(error))?;
        let size = fs::metadata(&sink.place);
        let size = size.map_err(|error| StageError::write(&self.folder.to_string(), error))?.len();
        let partition = date.and_then(moment::date);
        locked(&self.done).push(StagedFile { path: file.path, size, rows: file.rows, partition, stats: None });
        Ok(())
    }

    fn error(&self, error: ParquetError) -> StageError {
        StageError::parquet(&self.folder.to_string(), error)
    }
}

impl Format {
    fn new(schema: &SchemaRef, sample: &RecordBatch) -> Result<Self, ParquetError> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by("assay".to_owned());
        for (field, column) in schema.fields().iter().zip(sample.columns()) {
            if !repeats(column) {
                properties = properties.set_column_dictionary_enabled(ColumnPath::from(field.name().as_str()), false);
            }
        }
        let properties = Arc::new(properties.build());
        let root = ArrowSchemaConverter::new().convert(schema)?.root_schema_ptr();
        let nowhere = SerializedFileWriter::new(io::sink(), root, Arc::clone(&properties))?;
        let groups = ArrowRowGroupWriterFactory::new(&nowhere, Arc::clone(schema));
        Ok(Self { properties, groups })
    }

    fn groups_schema(&self, schema: &SchemaRef) -> Result<parquet::schema::types::TypePtr, ParquetError> {
        Ok(ArrowSchemaConverter::new().convert(schema)?.root_schema_ptr())
    }
}

/// True when a dictionary is worth its price: the first rows hold each value twice or more on average.
fn repeats(column: &ArrayRef) -> bool {
    let column = column.slice(0, column.len().min(4096));
    let distinct = match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().iter().collect::<HashSet<_>>().len(),
        DataType::Binary | DataType::Int64 => return false,
        _ => return true,
    };
    distinct * 2 <= column.len()
}

/// The unfinished row groups of one thread.
pub(crate) struct Groups<'f> {
    files: &'f Files<'f>,
    open: HashMap<Date, Group>,
}

struct Group {
    writers: Vec<ArrowColumnWriter>,
    rows: usize,
    bytes: usize,
}

impl<'f> Groups<'f> {
    pub(crate) fn new(files: &'f Files<'f>) -> Self {
        Self { files, open: HashMap::new() }
    }

    pub(crate) fn schema(&self) -> &'f SchemaRef {
        self.files.schema()
    }

    /// Encodes rows of one date.
    pub(crate) fn add(&mut self, date: Date, batch: &RecordBatch) -> Result<(), StageError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let files = self.files;
        let format = files.format(batch)?;
        let group = match self.open.entry(date) {
            std::collections::hash_map::Entry::Occupied(group) => group.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                let writers = format.groups.create_column_writers(0).map_err(|error| files.error(error))?;
                free.insert(Group { writers, rows: 0, bytes: 0 })
            }
        };
        group.write(&files.schema, batch).map_err(|error| files.error(error))?;
        if group.rows >= files.limits.group_rows {
            return self.flush(date);
        }
        while self.open.len() > files.limits.open_dates || self.bytes() > files.limits.open_bytes {
            let Some(largest) = self.open.iter().max_by_key(|(_, group)| group.bytes).map(|(date, _)| *date) else {
                break;
            };
            self.flush(largest)?;
        }
        Ok(())
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> Result<(), StageError> {
        let dates: Vec<Date> = self.open.keys().copied().collect();
        dates.into_iter().try_for_each(|date| self.flush(date))
    }

    fn bytes(&self) -> usize {
        self.open.values().map(|group| group.bytes).sum()
    }

    fn flush(&mut self, date: Date) -> Result<(), StageError> {
        match (self.open.remove(&date), self.files.format.get()) {
            (Some(group), Some(format)) => self.files.append(date, format, group),
            _ => Ok(()),
        }
    }
}

impl Group {
    fn write(&mut self, schema: &SchemaRef, batch: &RecordBatch) -> Result<(), ParquetError> {
        let mut writers = self.writers.iter_mut();
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            for leaf in compute_leaves(field, column)? {
                if let Some(writer) = writers.next() {
                    writer.write(&leaf)?;
                }
            }
        }
        self.rows += batch.num_rows();
        self.bytes = self.writers.iter().map(ArrowColumnWriter::memory_size).sum();
        Ok(())
    }
}
