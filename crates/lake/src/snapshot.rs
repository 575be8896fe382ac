//! A table at one version.

use crate::engine::guarded;
use crate::error::LakeError;
use crate::field::{LakeField, from_arrow};
use crate::history;
use crate::log::{Log, signed};
use crate::place::Place;
use crate::recent::{self, Newest};
use crate::staged::footer_rows;
use chrono::{DateTime, NaiveDate, Utc};
use deltalake_core::kernel::{EagerSnapshot, LogicalFileView};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Logs on this disk that are read at a time: each takes threads, and these memory, whatever it holds.
static READING: Semaphore = Semaphore::const_new(4);

/// A version of a table: its columns and the files that make it up. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(crate) folder: Place,
    version: i64,
    fields: Arc<[LakeField]>,
    partition: Option<String>,
    files: Arc<[LakeFile]>,
    committed_at: Option<DateTime<Utc>>,
    /// Why its rows cannot be read, when they cannot: what the table has, and what to do.
    pub(crate) refusal: Option<(String, String)>,
    pub(crate) state: EagerSnapshot,
}

/// A data file of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeFile {
    /// Below the table's folder.
    pub path: String,
    /// In bytes.
    pub size: u64,
    pub rows: u64,
    /// The date of all its rows; none in the null partition and in tables without partitions.
    pub partition: Option<NaiveDate>,
}

/// The rows of one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionInfo {
    /// None for rows without a date.
    pub date: Option<NaiveDate>,
    pub rows: u64,
    /// Of the files on disk.
    pub bytes: u64,
    pub files: u32,
}

/// The newest version of the table in `folder`; none when nothing was committed there yet.
pub async fn open(folder: impl Into<Place>) -> Result<Option<Snapshot>, LakeError> {
    newest(&Log::at(&folder.into())?).await
}

/// The newest version of the log's table, read only when this process has not just done so, and only from the version
/// on that it has read.
pub(crate) async fn newest(log: &Log) -> Result<Option<Snapshot>, LakeError> {
    let folder = log.folder.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let newest = Newest::of(&folder)?;
        let known = newest.recall();
        let earlier = if known.is_none() { newest.earlier() } else { None };
        Some((newest, known, earlier))
    });
    let looked = looked.await.map_err(|error| LakeError::disk(&log.folder, "reading", error))?;
    let (newest, earlier) = match looked.filter(|_| log.listed) {
        Some((_, Some(known), _)) => return Ok(Some(known)),
        Some((newest, None, earlier)) => (Some(newest), earlier),
        None => (None, None),
    };
    let _turn = if log.folder.is_remote() { None } else { READING.acquire().await.ok() };
    let forwarded = match earlier {
        Some(earlier) => log.forward(earlier.state).await,
        None => None,
    };
    let state = match forwarded {
        Some(state) => state,
        None => match log.load(None).await? {
            Some(state) => state,
            None => return Ok(None),
        },
    };
    let snapshot = Snapshot::read(log, state).await?;
    if let Some(newest) = newest {
        newest.remember(&snapshot);
    }
    Ok(Some(snapshot))
}

/// The table in `folder` as it was at `version`. Fails when there is no such version any more.
pub async fn open_version(folder: impl Into<Place>, version: i64) -> Result<Snapshot, LakeError> {
    let log = Log::at(&folder.into())?;
    let no_version = || LakeError::NoVersion { place: log.place(), version };
    let wanted = u64::try_from(version).map_err(|_| no_version())?;
    let folder = log.folder.clone();
    let known = tokio::task::spawn_blocking(move || recent::at_version(&folder, wanted)).await;
    if let Some(known) = known.map_err(|error| LakeError::disk(&log.folder, "reading", error))? {
        return Ok(known);
    }
    match log.load(Some(wanted)).await? {
        Some(state) => Snapshot::read(&log, state).await,
        None => Err(LakeError::NotFound { place: log.place() }),
    }
}

impl Snapshot {
    pub fn version(&self) -> i64 {
        self.version
    }

    /// In the table's column order, the partition column among them.
    pub fn fields(&self) -> &[LakeField] {
        &self.fields
    }

    pub fn partition_column(&self) -> Option<&str> {
        self.partition.as_deref()
    }

    /// Sorted by partition (without a date last), then by path: the order of rows in pages.
    pub fn files(&self) -> &[LakeFile] {
        &self.files
    }

    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// When the version was committed, as its writer recorded it; none when its commit was cleaned up.
    pub fn committed_at(&self) -> Option<DateTime<Utc>> {
        self.committed_at
    }

    /// Oldest date first, rows without a date last. One entry for a table without partitions.
    pub fn partitions(&self) -> Vec<PartitionInfo> {
        by_date(self.files.iter().map(|file| (file.partition, file.rows, file.size)))
    }

    /// The id that the table was made with: a table made anew in the same folder has another one.
    pub fn table_id(&self) -> Result<String, LakeError> {
        let id = metadata(&self.state, &self.folder)?["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| LakeError::Corrupt {
            place: self.place(),
            what: "its log gives the table no id".to_owned(),
            source: None,
        })
    }

    /// Brings files of this version onto this disk, where they lie elsewhere. Every reader of a file by its path does
    /// so first. Blocking.
    pub fn fetch<'f>(&self, files: impl IntoIterator<Item = &'f LakeFile>) -> Result<(), LakeError> {
        self.folder.fetch(files.into_iter().map(|file| (file.path.as_str(), file.size)))
    }

    /// Where a file of this version is on this disk, once it was fetched.
    pub fn path_of(&self, file: &LakeFile) -> PathBuf {
        self.folder.folder().join(&file.path)
    }

    pub(crate) fn place(&self) -> String {
        self.folder.to_string()
    }

    pub(crate) async fn read(log: &Log, state: EagerSnapshot) -> Result<Self, LakeError> {
        let folder = log.folder.clone();
        // Replaying the log allocates and reads footers of files without a count: not for the runtime's threads.
        let work = move || guarded(&folder, "reading the log of", || Self::build(&folder, state));
        let built = tokio::task::spawn_blocking(work).await;
        built.map_err(|error| LakeError::disk(&log.folder, "reading the log of", error))?
    }

    fn build(folder: &Place, state: EagerSnapshot) -> Result<Self, LakeError> {
        let schema = state.arrow_schema();
        let fields = schema.fields().iter().map(|field| from_arrow(field, folder));
        let fields: Vec<LakeField> = fields.collect::<Result<_, _>>()?;
        let partition = partition_column(&state, &fields, folder)?;
        let mut refusal = column_mapping(&state, folder)?;
        let mut files = Vec::new();
        for view in state.log_data().iter() {
            if view.deletion_vector_descriptor().is_some() {
                refusal = Some((
                    "has deletion vectors".to_owned(),
                    "Rewrite it without them (in Spark: REORG TABLE ... APPLY (PURGE))".to_owned(),
                ));
            }
            files.push(read_file(&view, partition.as_deref(), folder)?);
        }
        files.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        let version = state.version();
        Ok(Self {
            folder: folder.clone(),
            version: signed(version),
            fields: fields.into(),
            partition,
            files: files.into(),
            committed_at: history::committed_at(folder, version),
            refusal,
            state,
        })
    }
}

/// Files in the order of their dates, each with its rows and bytes, as one entry for each date.
pub(crate) fn by_date(files: impl Iterator<Item = (Option<NaiveDate>, u64, u64)>) -> Vec<PartitionInfo> {
    let mut found: Vec<PartitionInfo> = Vec::new();
    for (date, rows, bytes) in files {
        match found.last_mut().filter(|last| last.date == date) {
            Some(last) => {
                last.rows += rows;
                last.bytes += bytes;
                last.files += 1;
            }
            None => found.push(PartitionInfo { date, rows, bytes, files: 1 }),
        }
    }
    found
}

fn key(file: &LakeFile) -> (bool, Option<NaiveDate>, &str) {
    (file.partition.is_none(), file.partition, &file.path)
}

/// The log's metadata as JSON: the one public way to its parts.
pub(crate) fn metadata(state: &EagerSnapshot, folder: &Place) -> Result<Value, LakeError> {
    serde_json::to_value(state.metadata()).map_err(|error| LakeError::disk(folder, "reading the log of", error))
}

fn partition_column(state: &EagerSnapshot, fields: &[LakeField], folder: &Place) -> Result<Option<String>, LakeError> {
    let metadata = metadata(state, folder)?;
    let columns = metadata["partitionColumns"].as_array().map(Vec::as_slice).unwrap_or_default();
    let columns: Vec<&str> = columns.iter().filter_map(Value::as_str).collect();
    match columns.as_slice() {
        [] => Ok(None),
        [column] if is_date(fields, column) => Ok(Some((*column).to_owned())),
        _ => Err(LakeError::Unsupported {
            place: folder.to_string(),
            what: format!("is partitioned by {}", columns.join(", ")),
            advice: "Partition it by one date column".to_owned(),
        }),
    }
}

fn is_date(fields: &[LakeField], column: &str) -> bool {
    fields.iter().any(|field| field.name == column && field.kind == polars::prelude::DataType::Date)
}

fn column_mapping(state: &EagerSnapshot, folder: &Place) -> Result<Option<(String, String)>, LakeError> {
    let metadata = metadata(state, folder)?;
    let mode = metadata["configuration"]["delta.columnMapping.mode"].as_str().unwrap_or("none");
    let advice = || "Copy it into a table without column mapping".to_owned();
    Ok((mode != "none").then(|| (format!("uses column mapping ({mode})"), advice())))
}

fn read_file(view: &LogicalFileView, partition: Option<&str>, folder: &Place) -> Result<LakeFile, LakeError> {
    let path = view.path().into_owned();
    if path.contains("://") || path.starts_with('/') {
        return Err(LakeError::Unsupported {
            place: folder.to_string(),
            what: "keeps files outside its folder".to_owned(),
            advice: "Copy it into one folder".to_owned(),
        });
    }
    let date = match partition {
        Some(column) => partition_date(view, column, folder)?,
        None => None,
    };
    let size = u64::try_from(view.size()).unwrap_or(0);
    let rows = match view.num_records() {
        Some(rows) => rows as u64,
        None => {
            folder.fetch([(path.as_str(), size)])?;
            footer_rows(folder, &path)?
        }
    };
    Ok(LakeFile { path, size, rows, partition: date })
}

/// The date in the log: the path is only a convention.
pub(crate) fn partition_date(
    view: &LogicalFileView,
    column: &str,
    folder: &Place,
) -> Result<Option<NaiveDate>, LakeError> {
    let values = view.partition_values_map();
    let Some(text) = values.get(column).cloned().flatten().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    NaiveDate::parse_from_str(&text, "%Y-%m-%d").map(Some).map_err(|error| LakeError::Corrupt {
        place: folder.to_string(),
        what: format!("its log gives {column} a value that is no date"),
        source: Some(Box::new(error)),
    })
}
