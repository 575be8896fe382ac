//! Files that cannot be read at all: moved out of the source's folder, each beside the reason.
//!
//! A file is such a one when its compressed data is damaged or cut off, its Parquet or its CSV header cannot be
//! read, its text is UTF-16, its name fits no format of the source, this user may not read it, or, for JSON, when
//! it holds records and none of them is a JSON object. Anything else is a matter of single records.

use crate::bronze::Piece;
use crate::bronze::cut::{Cutter, Layout};
use crate::bronze::discover::modified_ns;
use crate::bronze::survey::Surveyed;
use crate::error::StageError;
use crate::silver::{PlannedFile, csv, json};
use assay_lake::{Lake, Place, Stat};
use assay_pipeline::permit::PermitError;
use assay_pipeline::{Format, Permit, Source};
use chrono::{DateTime, SecondsFormat, Utc};
use parquet::errors::ParquetError;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// A file that was moved to the dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it lay, below the pipeline's lake folder.
    pub path: String,
    /// Where it lies now, below the pipeline's lake folder.
    pub place: String,
    pub reason: String,
}

impl DeadLetter {
    /// In words, for the log.
    pub fn told(&self) -> String {
        format!("{} cannot be read: {}. It lies in {} now", self.path, self.reason, self.place)
    }
}

/// Where a source's dead letters lie, and in whose name they are moved there.
pub struct DeadLetters<'a> {
    /// None when the source keeps none: then what cannot be read is an error.
    folder: Option<&'a str>,
    pipeline: Place,
    run: &'a str,
    at: DateTime<Utc>,
}

const REASON: &str = ".reason.txt";

impl<'a> DeadLetters<'a> {
    /// Fails without a permit for the lake.
    pub fn new(
        source: &'a Source,
        lake: &Lake,
        pipeline: &str,
        run: &'a str,
        permit: &Permit,
        now: DateTime<Utc>,
    ) -> Result<Self, PermitError> {
        permit.check(lake.environment(), now)?;
        Ok(Self { folder: source.dead_letter.as_deref(), pipeline: lake.pipeline_folder(pipeline), run, at: now })
    }

    pub(crate) fn pipeline_folder(&self) -> &Place {
        &self.pipeline
    }

    /// Fails for a JSON file without a single object, where the source has dead letters.
    pub(crate) fn check(&self, surveyed: Surveyed) -> Result<Surveyed, StageError> {
        let judged = self.folder.is_some() && surveyed.format == Format::Json;
        if judged && surveyed.records > surveyed.blank && !has_object(&surveyed)? {
            return Err(StageError::NoObject { path: surveyed.path });
        }
        Ok(surveyed)
    }

    /// Moves the file away when this error means that it cannot be read at all; else gives the error back.
    /// A file that this run moved before is told again.
    pub(crate) fn set_aside(&self, planned: &PlannedFile, error: StageError) -> Result<DeadLetter, StageError> {
        let Some(folder) = self.folder else { return Err(error) };
        let moved = |source| StageError::NotSetAside { path: planned.path.clone(), source };
        if let StageError::Vanished { .. } = error {
            return self.told(folder, planned)?.ok_or(error);
        }
        let Some(reason) = reason(&error) else { return Err(error) };
        let place = self.pipeline.join(&planned.path);
        let letter = self.letter(planned, &reason);
        if place.is_remote() {
            let there = place.stat()?.ok_or_else(|| StageError::Vanished { path: planned.path.clone() })?;
            if (there.size, there.modified_ns) != (planned.size, planned.modified_ns) {
                return Err(StageError::Changed { path: planned.path.clone() });
            }
            let name = self.send_away(folder, &place, &there, letter)?;
            return Ok(DeadLetter { path: planned.path.clone(), place: format!("{folder}/{name}"), reason });
        }
        let place = place.folder();
        let meta = fs::metadata(place).map_err(|error| StageError::io(&planned.path, "look at the file", error))?;
        if meta.len() != planned.size || modified_ns(&meta, &planned.path)? != planned.modified_ns {
            return Err(StageError::Changed { path: planned.path.clone() });
        }
        let name = self.file_away(folder, place, &letter).map_err(moved)?;
        Ok(DeadLetter { path: planned.path.clone(), place: format!("{folder}/{name}"), reason })
    }

    fn letter(&self, planned: &PlannedFile, reason: &str) -> String {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let PlannedFile { path, size, .. } = planned;
        format!("{reason}\n\nfile: {path}\nsize: {size} bytes\nrun: {}\nmoved: {at}\n", self.run)
    }

    /// The file gets its second name, then its reason, then loses its first name: a crash in between leaves a state
    /// from which the same call ends the work.
    fn file_away(&self, folder: &str, from: &Path, letter: &str) -> io::Result<String> {
        let to = self.pipeline.folder().join(folder);
        fs::create_dir_all(&to)?;
        let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let same = |there: fs::Metadata, here: fs::Metadata| (there.dev(), there.ino()) == (here.dev(), here.ino());
        let mut number = 1;
        let name = loop {
            let name = numbered(&name, number);
            match fs::hard_link(from, to.join(&name)) {
                Ok(()) => break name,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if same(fs::symlink_metadata(to.join(&name))?, fs::symlink_metadata(from)?) {
                        break name;
                    }
                }
                Err(_) => match copied(from, &to, &name) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    done => break done.map(|()| name)?,
                },
            }
            number += 1;
        };
        let mut reason = NamedTempFile::new_in(&to)?;
        reason.write_all(letter.as_bytes())?;
        reason.as_file().sync_all()?;
        reason.persist(to.join(format!("{name}{REASON}"))).map_err(|error| error.error)?;
        fs::remove_file(from)?;
        Ok(name)
    }

    /// As [`DeadLetters::file_away`] in a bucket, in the same order.
    fn send_away(&self, folder: &str, from: &Place, stat: &Stat, letter: String) -> Result<String, StageError> {
        let to = self.pipeline.join(folder);
        let own = from.to_string();
        let own = own.rsplit('/').next().unwrap_or_default();
        let mut number = 1;
        let name = loop {
            let name = numbered(own, number);
            match to.join(&name).stat()? {
                None => {
                    from.copy_to(&to.join(&name))?;
                    break name;
                }
                Some(there) if there.is_content_of(stat) => break name,
                Some(_) => number += 1,
            }
        };
        to.join(&format!("{name}{REASON}")).write(letter.into())?;
        from.remove()?;
        Ok(name)
    }

    /// The letter that this run wrote of the file before.
    fn told(&self, folder: &str, planned: &PlannedFile) -> Result<Option<DeadLetter>, StageError> {
        letter_of(&self.pipeline, folder, self.run, &planned.path)
    }
}

/// Of these paths of a source, those whose files this very run moved to the dead letters, as the letters beside them
/// tell: also when the step that moved them died before it could say so. `folder` is the pipeline's lake folder.
pub fn set_aside_by(source: &Source, folder: &Place, run: &str, paths: &[&str]) -> Result<Vec<String>, StageError> {
    let Some(letters) = &source.dead_letter else { return Ok(Vec::new()) };
    let mut moved = Vec::new();
    for path in paths {
        if letter_of(folder, letters, run, path)?.is_some() {
            moved.push((*path).to_owned());
        }
    }
    Ok(moved)
}

fn letter_of(pipeline: &Place, folder: &str, run: &str, path: &str) -> Result<Option<DeadLetter>, StageError> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (file, run) = (format!("file: {path}"), format!("run: {run}"));
    for number in 1.. {
        let name = numbered(name, number);
        let Some(text) = pipeline.join(folder).join(&format!("{name}{REASON}")).read()? else { break };
        let text = String::from_utf8_lossy(&text);
        if text.lines().any(|line| line == file) && text.lines().any(|line| line == run) {
            let reason = text.lines().next().unwrap_or_default().to_owned();
            return Ok(Some(DeadLetter { path: path.to_owned(), place: format!("{folder}/{name}"), reason }));
        }
    }
    Ok(None)
}

/// The second and later letters of one name: `a.2.json`.
fn numbered(name: &str, number: u32) -> String {
    match name.find('.').filter(|at| *at > 0) {
        _ if number == 1 => name.to_owned(),
        Some(at) => format!("{}.{number}{}", &name[..at], &name[at..]),
        None => format!("{name}.{number}"),
    }
}

/// For places that lie on another disk, or whose disk knows no second names.
fn copied(from: &Path, folder: &Path, name: &str) -> io::Result<()> {
    let mut copy = NamedTempFile::new_in(folder)?;
    io::copy(&mut fs::File::open(from)?, &mut copy)?;
    copy.as_file().sync_all()?;
    copy.persist_noclobber(folder.join(name)).map(drop).map_err(|error| error.error)
}

/// In words without any value of the file; none when the error is no fault of the file as a whole.
fn reason(error: &StageError) -> Option<String> {
    Some(match error {
        StageError::NoObject { .. } => "no record of it is a JSON object".to_owned(),
        StageError::Encoding { found, .. } => format!("it is {found}, which is not read"),
        StageError::UnknownFormat { formats, .. } => {
            format!("its name fits none of the source's formats ({formats})")
        }
        StageError::Compressed { kind, source, .. } if source.raw_os_error().is_none() => {
            format!("the {kind} data cannot be decompressed, it is cut off or damaged ({source})")
        }
        StageError::DuplicateHeader { .. } => "its header names a column twice".to_owned(),
        StageError::BadHeader { why, .. } => format!("its header {why}"),
        StageError::BadParquet { source, .. } if is_own_fault(source) => {
            format!("the Parquet file cannot be read ({source})")
        }
        StageError::Io { source, doing, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            format!("this user cannot {doing} ({source})")
        }
        _ => return None,
    })
}

/// False when the disk or a change of the file is behind it.
fn is_own_fault(error: &ParquetError) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<StageError>() {
            return false;
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    true
}

fn has_object(file: &Surveyed) -> Result<bool, StageError> {
    let content = file.content.opened()?;
    for piece in &file.pieces {
        // Of a record that is too long to be held nothing is known.
        let Piece::Bytes(chunk) = *piece else { return Ok(true) };
        let mut bytes = vec![0; chunk.len];
        content.read_exact_at(chunk.at, &mut bytes)?;
        let mut cutter = Cutter::new(file.layout, chunk.phase, chunk.line);
        let last = chunk.last || file.layout != Layout::Array;
        while let Some(cut) = cutter.next(&bytes, last) {
            let text = csv::decoded(&bytes[cut.start..cut.end], content.encoding);
            if cut.oddity.is_none() && text.is_some_and(|text| json::is_object(&text)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_stand_before_the_endings() {
        let cases = [("a.json", 1, "a.json"), ("a.json.gz", 2, "a.2.json.gz"), ("a", 3, "a.3"), (".a", 2, ".a.2")];
        for (name, number, expected) in cases {
            assert_eq!(numbered(name, number), expected);
        }
    }

    #[test]
    fn a_fault_of_the_disk_or_a_change_is_no_fault_of_the_file() {
        let path = || "a".to_owned();
        let changed = || StageError::Changed { path: path() };
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let cases = [
            (StageError::BadParquet { path: path(), source: ParquetError::General("x".into()) }, true),
            (StageError::BadParquet { path: path(), source: ParquetError::External(Box::new(changed())) }, false),
            (
                StageError::BadParquet {
                    path: path(),
                    source: ParquetError::External(Box::new(io::Error::other(changed()))),
                },
                false,
            ),
            (StageError::Compressed { path: path(), kind: "gzip", source: io::ErrorKind::UnexpectedEof.into() }, true),
            (StageError::Compressed { path: path(), kind: "gzip", source: io::Error::from_raw_os_error(5) }, false),
            (StageError::Io { path: path(), doing: "open the file", source: denied }, true),
            (StageError::Io { path: path(), doing: "read the file", source: io::Error::from_raw_os_error(5) }, false),
            (changed(), false),
            (StageError::Cancelled, false),
        ];
        for (error, dead) in cases {
            assert_eq!(reason(&error).is_some(), dead, "{error:?}");
        }
    }
}
