//! Data files that wait for their commit.

use crate::durable::sync;
use crate::error::LakeError;
use crate::field::{LakeField, from_arrow};
use crate::log::{LOG_FOLDER, PART, commit_file, commits};
use chrono::NaiveDate;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// Files that are checked and synced at once.
const THREADS: usize = 8;

/// A data file in a table's folder that no version names yet.
#[derive(Debug, Clone, PartialEq)]
pub struct StagedFile {
    /// Below the table's folder: `date=2024-01-01/part-<run>-<uuid>.parquet`, see [`staged_path`].
    pub path: String,
    /// In bytes.
    pub size: u64,
    pub rows: u64,
    /// The date of all its rows; the partition column is not stored in the file.
    pub partition: Option<NaiveDate>,
    /// Statistics of the Delta protocol (`minValues` and so on); the row count is added.
    pub stats: Option<Value>,
}

/// A name below the table's folder that no other file has. `column` is the partition column.
pub fn staged_path(run: &str, column: Option<&str>, date: Option<NaiveDate>) -> String {
    let run: String = run.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let name = format!("{PART}{run}-{}.parquet", Uuid::new_v4().simple());
    match column {
        Some(column) => format!("{}/{name}", partition_folder(column, date)),
        None => name,
    }
}

/// Removes staged files that will not be committed. Files that a commit names stay, so that it is
/// safe after a commit whose outcome is unknown; so do files when the log cannot be read.
pub fn discard(folder: &Path, staged: &[StagedFile]) {
    let Ok(kept) = named_by_recent_commits(folder, staged) else { return };
    for file in staged.iter().filter(|file| !kept.contains(&file.path)) {
        // What stays behind is removed by the next sweep.
        let _ = fs::remove_file(folder.join(&file.path));
    }
}

pub(crate) fn partition_folder(column: &str, date: Option<NaiveDate>) -> String {
    match date {
        Some(date) => format!("{column}={}", date.format("%Y-%m-%d")),
        None => format!("{column}=__HIVE_DEFAULT_PARTITION__"),
    }
}

/// Rows of a data file, from its footer.
pub(crate) fn footer_rows(folder: &Path, path: &str) -> Result<u64, LakeError> {
    let reader = footer(folder, path)?;
    Ok(u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(0))
}

/// Checks each file against what was said of it and against the table's columns, and waits until all
/// are on disk with their names. Blocking.
pub(crate) fn settle(
    folder: &Path,
    staged: &[StagedFile],
    schema: &[LakeField],
    partition: Option<&str>,
) -> Result<(), LakeError> {
    side_by_side(folder, staged, |file| {
        check(folder, file, schema, partition)?;
        sync(&folder.join(&file.path)).map_err(|error| LakeError::disk(folder, "writing", error))
    })?;
    let mut folders: BTreeSet<PathBuf> = BTreeSet::from([folder.to_path_buf()]);
    folders.extend(staged.iter().filter_map(|file| Some(folder.join(&file.path).parent()?.to_path_buf())));
    if !folder.join(LOG_FOLDER).exists() {
        // A new table: the pipeline's folders above it may be new too.
        folders.extend(folder.ancestors().skip(1).take(3).map(Path::to_path_buf));
    }
    let folders: Vec<PathBuf> = folders.into_iter().filter(|path| path.is_dir()).collect();
    side_by_side(folder, &folders, |path| sync(path).map_err(|error| LakeError::disk(folder, "writing", error)))
}

/// Runs `work` for each item on a few threads: waiting for the disk takes most of the time.
fn side_by_side<T: Sync>(
    folder: &Path,
    items: &[T],
    work: impl Fn(&T) -> Result<(), LakeError> + Sync,
) -> Result<(), LakeError> {
    let next = AtomicUsize::new(0);
    let run = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(item)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..items.len().min(THREADS)).map(|_| scope.spawn(run)).collect();
        let ended = |_| Err(damaged(folder, "a new file has a footer that cannot be read", None));
        let results = threads.into_iter().map(|thread| thread.join().unwrap_or_else(ended));
        results.collect::<Vec<_>>().into_iter().collect()
    })
}

fn check(folder: &Path, file: &StagedFile, schema: &[LakeField], partition: Option<&str>) -> Result<(), LakeError> {
    let inside = Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
    let below = file.path.rsplit_once('/').map(|(below, _)| below);
    let expected = partition.map(|column| partition_folder(column, file.partition));
    if !inside || below != expected.as_deref() {
        return Err(refused(folder, &file.path, "does not lie in the folder of its date"));
    }
    let reader = footer(folder, &file.path)?;
    let metadata = reader.metadata().file_metadata();
    let size = fs::metadata(folder.join(&file.path)).map_err(|error| LakeError::disk(folder, "reading", error))?.len();
    if u64::try_from(metadata.num_rows()) != Ok(file.rows) || size != file.size {
        return Err(refused(folder, &file.path, "changed after it was staged"));
    }
    let stored = parquet_to_arrow_schema(metadata.schema_descr(), metadata.key_value_metadata());
    let stored = stored.map_err(|error| damaged(folder, "a new file has no readable schema", Some(Box::new(error))))?;
    for field in stored.fields() {
        let field = from_arrow(field, folder)?;
        match schema.iter().find(|known| known.name == field.name) {
            Some(known) if known.kind == field.kind && Some(field.name.as_str()) != partition => {}
            Some(known) => {
                let what = format!("has {} as {} and not as {}", field.name, field.kind, known.kind);
                return Err(refused(folder, &file.path, &what));
            }
            None => return Err(refused(folder, &file.path, &format!("has the unknown column {}", field.name))),
        }
    }
    let absent = schema.iter().filter(|known| !known.nullable && Some(known.name.as_str()) != partition);
    match absent.into_iter().find(|known| stored.field_with_name(&known.name).is_err()) {
        Some(known) => Err(refused(folder, &file.path, &format!("lacks the column {}", known.name))),
        None => Ok(()),
    }
}

fn footer(folder: &Path, path: &str) -> Result<SerializedFileReader<File>, LakeError> {
    let file = match File::open(folder.join(path)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(damaged(folder, &format!("the data file {path} is missing"), Some(Box::new(error))));
        }
        Err(error) => return Err(LakeError::disk(folder, "reading", error)),
    };
    SerializedFileReader::new(file)
        .map_err(|error| damaged(folder, &format!("the data file {path} is no Parquet"), Some(Box::new(error))))
}

fn damaged(folder: &Path, what: &str, source: Option<crate::error::Cause>) -> LakeError {
    LakeError::Corrupt { place: folder.display().to_string(), what: what.to_owned(), source }
}

fn refused(folder: &Path, path: &str, what: &str) -> LakeError {
    LakeError::Refused { place: folder.display().to_string(), reason: format!("{path} {what}") }
}

/// Which of the staged files a commit names. Only commits younger than the files can.
fn named_by_recent_commits(folder: &Path, staged: &[StagedFile]) -> Result<BTreeSet<String>, LakeError> {
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let oldest = staged.iter().filter_map(|file| modified(&folder.join(&file.path))).min();
    let mut named = BTreeSet::new();
    for version in commits(folder)?.into_iter().rev() {
        let commit = commit_file(folder, version);
        let text = fs::read_to_string(&commit).map_err(|error| LakeError::disk(folder, "reading", error))?;
        named.extend(staged.iter().filter(|file| text.contains(name(&file.path))).map(|file| file.path.clone()));
        // A minute covers clocks of file systems that round or lag.
        let slack = std::time::Duration::from_secs(60);
        if modified(&commit).zip(oldest).is_some_and(|(at, oldest)| at + slack < oldest) {
            break;
        }
    }
    Ok(named)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a path below a table's folder is a data file as Assay names them.
pub(crate) fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with(PART) && name.ends_with(".parquet") && !path.starts_with(LOG_FOLDER)
}
