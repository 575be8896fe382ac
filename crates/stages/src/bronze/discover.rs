//! Lists the files of a source.

use crate::bronze::objects;
use crate::error::StageError;
use assay_lake::Place;
use assay_pipeline::{FileDates, Source};
use chrono::{DateTime, NaiveDate};
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// A file of a source, as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Below the pipeline's lake folder, with `/`.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Nanoseconds since 1970 (UTC).
    pub modified_ns: i64,
    /// The date of the folder that a `date=*` segment of the source's path matched, or the day (UTC) on which the
    /// file was last written, as the source says.
    pub folder_date: Option<NaiveDate>,
}

/// What a source's folder holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovered {
    /// In byte order of their paths.
    pub files: Vec<FoundFile>,
    /// How many entries were left out: hidden, or unfinished by their names (`_…`, `….tmp`, `….part`),
    /// or files beside the folders that the source's path describes.
    pub left_out: u64,
    /// Paths of the first ten of them.
    pub left_out_examples: Vec<String>,
}

/// Lists the files below the folders that the source's path describes. A missing folder holds no files.
pub fn discover(source: &Source, pipeline_folder: &Place) -> Result<Discovered, StageError> {
    if pipeline_folder.is_remote() {
        return objects::discover(source, pipeline_folder);
    }
    let pattern: Vec<&str> = source.path.split('/').filter(|segment| !segment.is_empty()).collect();
    let mut found = Discovered::default();
    descend(pipeline_folder.folder(), String::new(), &pattern, None, &mut found)?;
    if source.dates == FileDates::Arrival {
        found.files.iter_mut().for_each(|file| file.folder_date = arrived(file.modified_ns));
    }
    found.files.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    Ok(found)
}

/// As [`discover`], kept to the folders of these dates and to these paths; what was left out is told of the folders
/// that were listed. A source whose folders do not tell dates is listed whole.
pub fn discover_within(
    source: &Source,
    pipeline_folder: &Place,
    dates: &BTreeSet<NaiveDate>,
    paths: &BTreeSet<&str>,
) -> Result<Discovered, StageError> {
    let folders: Option<Vec<_>> = dates.iter().map(|date| Some((*date, source.folder_of(*date)?))).collect();
    let Some(folders) = folders else { return discover(source, pipeline_folder) };
    if pipeline_folder.is_remote() {
        let folders: Vec<String> = folders.into_iter().map(|(_, folder)| folder).collect();
        return objects::within(source, pipeline_folder, &folders, paths);
    }
    let pipeline_folder = pipeline_folder.folder();
    let pattern: Vec<&str> = source.path.split('/').filter(|segment| !segment.is_empty()).collect();
    let behind = pattern.iter().position(|segment| *segment == "date=*").map_or(pattern.len(), |at| at + 1);
    let mut found = Discovered::default();
    for (date, folder) in folders {
        if real_folder(pipeline_folder, &folder)? {
            descend(&pipeline_folder.join(&folder), folder, &pattern[behind..], Some(date), &mut found)?;
        }
    }
    let listed: HashSet<String> = found.files.iter().map(|file| file.path.clone()).collect();
    for path in paths.iter().filter(|path| !listed.contains(**path)) {
        found.files.extend(named(source, pipeline_folder, &pattern, path)?);
    }
    found.files.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    Ok(found)
}

/// The file at a path, as a listing would find it.
fn named(
    source: &Source,
    pipeline_folder: &Path,
    pattern: &[&str],
    path: &str,
) -> Result<Option<FoundFile>, StageError> {
    let names: Vec<&str> = path.split('/').collect();
    let described = names.len() > pattern.len()
        && names.iter().enumerate().all(|(at, name)| match pattern.get(at) {
            Some(segment) => matches(segment, name) && !(segment.contains('*') && left_out(name)),
            None => !left_out(name),
        });
    let Some((folder, _)) = path.rsplit_once('/').filter(|_| described) else { return Ok(None) };
    let place = pipeline_folder.join(path);
    if !real_folder(pipeline_folder, folder)? {
        return Ok(None);
    }
    match fs::symlink_metadata(&place) {
        Ok(meta) if meta.is_dir() => Ok(None),
        Ok(meta) => {
            let mut file = file(&place, path.to_owned(), None, Some(meta))?;
            file.folder_date = date_of(source, path, Some(file.modified_ns));
            Ok(Some(file))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StageError::io(path, "look at the file", error)),
    }
}

/// Whether a folder is there, and no part of its path below the pipeline's folder is a link: listings follow none.
fn real_folder(pipeline_folder: &Path, folder: &str) -> Result<bool, StageError> {
    let mut place = pipeline_folder.to_path_buf();
    for name in folder.split('/').filter(|name| !name.is_empty()) {
        place.push(name);
        match fs::symlink_metadata(&place) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Ok(false),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(false),
            Err(error) => return Err(StageError::io(folder, "look at the folder", error)),
        }
    }
    Ok(true)
}

fn descend(
    folder: &Path,
    below: String,
    pattern: &[&str],
    date: Option<NaiveDate>,
    found: &mut Discovered,
) -> Result<(), StageError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound && below.is_empty() => return Ok(()),
        Err(error) => return Err(StageError::io(&below, "list the folder", error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| StageError::io(&below, "list the folder", error))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            found.leave_out(format!("{below}/{}", name.to_string_lossy()));
            continue;
        };
        let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        let folder_like =
            entry.file_type().map_err(|error| StageError::io(&path, "look at the entry", error))?.is_dir();
        match pattern.first() {
            Some(segment) if segment.contains('*') && left_out(name) => found.leave_out(path),
            Some(segment) if matches(segment, name) && folder_like => {
                let date = folder_date(segment, name).or(date);
                descend(&entry.path(), path, &pattern[1..], date, found)?;
            }
            // Above the source's own folders other things of the pipeline lie; they are not the source's.
            Some(segment) if !segment.contains('*') => {}
            Some(_) => found.leave_out(path),
            None if left_out(name) => found.leave_out(path),
            None if folder_like => {
                let before = found.files.len();
                descend(&entry.path(), path.clone(), &[], date, found)?;
                // Other programs write a table as a folder of files; without files it is a file gone wrong.
                if found.files.len() == before && named_as_file(&path) {
                    return Err(StageError::NotAFile { path });
                }
            }
            None => found.files.push(file(&entry.path(), path, date, entry.metadata().ok())?),
        }
    }
    Ok(())
}

impl Discovered {
    pub(super) fn leave_out(&mut self, path: String) {
        self.left_out += 1;
        if self.left_out_examples.len() < 10 {
            self.left_out_examples.push(path);
        }
    }
}

fn named_as_file(path: &str) -> bool {
    const ENDINGS: [&str; 5] = [".json", ".jsonl", ".ndjson", ".csv", ".parquet"];
    let plain = [".gz", ".zst"].iter().find_map(|ending| path.strip_suffix(ending)).unwrap_or(path);
    ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

pub(super) fn left_out(name: &str) -> bool {
    name.starts_with(['.', '_']) || name.ends_with(".tmp") || name.ends_with(".part")
}

/// True when the segment of the source's path describes the folder's name; `*` stands for any characters.
pub(super) fn matches(segment: &str, name: &str) -> bool {
    match segment.split_once('*') {
        None => segment == name,
        Some((head, tail)) => match name.strip_prefix(head) {
            None => false,
            Some(rest) => (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches(tail, &rest[at..])),
        },
    }
}

fn folder_date(segment: &str, name: &str) -> Option<NaiveDate> {
    let text = name.strip_prefix("date=")?;
    if segment != "date=*" || text.len() != 10 {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// The date that a file of the source has from where it lies, or from its arrival.
pub(crate) fn date_of(source: &Source, path: &str, modified_ns: Option<i64>) -> Option<NaiveDate> {
    match source.dates {
        FileDates::Arrival => modified_ns.and_then(arrived),
        FileDates::Folder => {
            let segments = source.path.split('/').zip(path.split('/'));
            segments.filter_map(|(segment, name)| folder_date(segment, name)).last()
        }
    }
}

fn arrived(modified_ns: i64) -> Option<NaiveDate> {
    Some(DateTime::from_timestamp(modified_ns.div_euclid(1_000_000_000), 0)?.date_naive())
}

/// `own` is the entry's own metadata: what a link leads to is looked up.
fn file(
    place: &Path,
    path: String,
    folder_date: Option<NaiveDate>,
    own: Option<fs::Metadata>,
) -> Result<FoundFile, StageError> {
    let meta = match own.filter(|meta| !meta.is_symlink()) {
        Some(meta) => meta,
        None => match fs::metadata(place) {
            // A link to nothing would be gone each time that the run is started again.
            Err(error) if error.kind() == ErrorKind::NotFound && place.is_symlink() => {
                return Err(StageError::NotAFile { path });
            }
            meta => meta.map_err(|error| StageError::io(&path, "look at the file", error))?,
        },
    };
    Ok(FoundFile { size: meta.len(), modified_ns: modified_ns(&meta, &path)?, path, folder_date })
}

/// Nanoseconds since 1970; a time before that is negative.
pub(crate) fn modified_ns(meta: &fs::Metadata, path: &str) -> Result<i64, StageError> {
    let time = meta.modified().map_err(|error| StageError::io(path, "read the time of change", error))?;
    Ok(match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    })
}
