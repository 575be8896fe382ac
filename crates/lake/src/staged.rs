//! Data files that wait for their commit.

use crate::durable::sync;
use crate::error::LakeError;
use crate::field::{LakeField, from_arrow};
use crate::leftover;
use crate::log::{Commits, LOG_FOLDER, PART, Versions, commit_path};
use crate::place::Place;
use chrono::NaiveDate;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};
use uuid::Uuid;

/// Tells the files of this program from those of others that work for the same run, also after a crash.
pub(crate) static PROGRAM: LazyLock<u64> = LazyLock::new(|| Uuid::new_v4().as_u64_pair().1);
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// Files that are checked and synced at once.
const THREADS: usize = 8;

/// A data file in a table's folder that no version names yet.
#[derive(Debug, Clone, PartialEq)]
pub struct StagedFile {
    /// Below the table's folder: `date=2024-01-01/part-<run>-<program>-<number>.parquet`, see [`staged_path`].
    pub path: String,
    /// In bytes.
    pub size: u64,
    pub rows: u64,
    /// The date of all its rows; the partition column is not stored in the file.
    pub partition: Option<NaiveDate>,
    /// Statistics of the Delta protocol (`minValues` and so on); the row count is added.
    pub stats: Option<Value>,
}

/// A name below the table's folder that no other file has, for a file that is made next. `column` is the partition
/// column. When this program ends before the file is committed or discarded, who commits to the table next removes it.
pub fn staged_path(
    folder: &Place,
    run: &str,
    column: Option<&str>,
    date: Option<NaiveDate>,
) -> Result<String, LakeError> {
    begun(folder, run, column, date).map_err(|error| LakeError::disk(folder, "writing", error))
}

/// As [`staged_path`]. Files of one program share most of their names, so that logs pack them well: those are what a
/// reader of a table reads of other dates.
pub(crate) fn begun(
    folder: &Place,
    run: &str,
    column: Option<&str>,
    date: Option<NaiveDate>,
) -> std::io::Result<String> {
    let run: String = run.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("{PART}{run}-{:016x}-{number}.parquet", *PROGRAM);
    let path = match column {
        Some(column) => format!("{}/{name}", partition_folder(column, date)),
        None => name,
    };
    leftover::begin(folder, &path)?;
    Ok(path)
}

/// Removes staged files that will not be committed. Files that a commit names stay, so that it is
/// safe after a commit whose outcome is unknown; so do files when the log cannot be read.
pub fn discard(folder: impl Into<Place>, staged: &[StagedFile]) {
    let folder = &folder.into();
    let Ok(kept) = named_by_recent_commits(folder, staged) else { return };
    let gone: Vec<&str> = staged.iter().map(|file| file.path.as_str()).filter(|path| !kept.contains(*path)).collect();
    if folder.remove_all(gone.iter().copied()).is_err() {
        // What stays behind goes with the first commit after this program.
        return;
    }
    for path in gone {
        let _ = fs::remove_file(folder.folder().join(path));
    }
    leftover::end(folder, staged.iter().map(|file| file.path.as_str()));
}

pub(crate) fn partition_folder(column: &str, date: Option<NaiveDate>) -> String {
    match date {
        Some(date) => format!("{column}={}", date.format("%Y-%m-%d")),
        None => format!("{column}=__HIVE_DEFAULT_PARTITION__"),
    }
}

/// Rows of a data file, from its footer.
pub(crate) fn footer_rows(folder: &Place, path: &str) -> Result<u64, LakeError> {
    let reader = footer(folder, path)?;
    Ok(u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(0))
}

/// Checks each file against what was said of it and against the table's columns, and waits until all
/// are on disk with their names, or in the storage of a remote table. Blocking.
pub(crate) fn settle(
    folder: &Place,
    staged: &[StagedFile],
    schema: &[LakeField],
    partition: Option<&str>,
) -> Result<(), LakeError> {
    side_by_side(folder, staged, |file| {
        check(folder, file, schema, partition)?;
        if folder.is_remote() {
            return Ok(());
        }
        sync(&folder.folder().join(&file.path)).map_err(|error| LakeError::disk(folder, "writing", error))
    })?;
    if folder.is_remote() {
        return folder.upload(staged.iter().map(|file| file.path.as_str()));
    }
    let table = folder.folder();
    let mut folders: BTreeSet<PathBuf> = BTreeSet::from([table.to_path_buf()]);
    folders.extend(staged.iter().filter_map(|file| Some(table.join(&file.path).parent()?.to_path_buf())));
    if !table.join(LOG_FOLDER).exists() {
        // A new table: the pipeline's folders above it may be new too.
        folders.extend(table.ancestors().skip(1).take(3).map(Path::to_path_buf));
    }
    let folders: Vec<PathBuf> = folders.into_iter().filter(|path| path.is_dir()).collect();
    side_by_side(folder, &folders, |path| sync(path).map_err(|error| LakeError::disk(folder, "writing", error)))
}

/// Runs `work` for each item on a few threads: waiting for the disk takes most of the time.
fn side_by_side<T: Sync>(
    folder: &Place,
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

fn check(folder: &Place, file: &StagedFile, schema: &[LakeField], partition: Option<&str>) -> Result<(), LakeError> {
    let inside = Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
    let below = file.path.rsplit_once('/').map(|(below, _)| below);
    let expected = partition.map(|column| partition_folder(column, file.partition));
    if !inside || below != expected.as_deref() {
        return Err(refused(folder, &file.path, "does not lie in the folder of its date"));
    }
    let reader = footer(folder, &file.path)?;
    let metadata = reader.metadata().file_metadata();
    let size = fs::metadata(folder.folder().join(&file.path))
        .map_err(|error| LakeError::disk(folder, "reading", error))?
        .len();
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

fn footer(folder: &Place, path: &str) -> Result<SerializedFileReader<File>, LakeError> {
    let file = match File::open(folder.folder().join(path)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(damaged(folder, &format!("the data file {path} is missing"), Some(Box::new(error))));
        }
        Err(error) => return Err(LakeError::disk(folder, "reading", error)),
    };
    SerializedFileReader::new(file)
        .map_err(|error| damaged(folder, &format!("the data file {path} is no Parquet"), Some(Box::new(error))))
}

fn damaged(folder: &Place, what: &str, source: Option<crate::error::Cause>) -> LakeError {
    LakeError::Corrupt { place: folder.to_string(), what: what.to_owned(), source }
}

fn refused(folder: &Place, path: &str, what: &str) -> LakeError {
    LakeError::Refused { place: folder.to_string(), reason: format!("{path} {what}") }
}

/// Which of the staged files a commit names. Only commits younger than the files can.
fn named_by_recent_commits(folder: &Place, staged: &[StagedFile]) -> Result<BTreeSet<String>, LakeError> {
    // Clocks of file systems round or lag by a minute, those of storages by more.
    let slack = Duration::from_secs(if folder.is_remote() { 3600 } else { 60 });
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let oldest = staged.iter().filter_map(|file| modified(&folder.folder().join(&file.path))).min();
    let mut named = BTreeSet::new();
    let versions: Vec<u64> = Versions::of(folder)?.commits.into_iter().rev().collect();
    for commit in Commits::of(folder, versions) {
        let (version, mut commit) = commit?;
        let mut text = String::new();
        commit.read_to_string(&mut text).map_err(|error| LakeError::disk(folder, "reading", error))?;
        named.extend(staged.iter().filter(|file| text.contains(name(&file.path))).map(|file| file.path.clone()));
        let at = folder.join(&commit_path(version)).stat()?.map(|stat| stat.modified_ns);
        let at = at.and_then(|at| u64::try_from(at).ok()).map(|at| UNIX_EPOCH + Duration::from_nanos(at));
        if at.zip(oldest).is_some_and(|(at, oldest)| at + slack < oldest) {
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
    let below = path.components().all(|part| matches!(part, Component::Normal(_)));
    below && name.starts_with(PART) && name.ends_with(".parquet") && !path.starts_with(LOG_FOLDER)
}
