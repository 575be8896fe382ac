//! The file that keeps what a table's version holds: a line about the version, its files, a checksum of both.

use crate::place::Place;
use crate::recent::{File, Newest};
use crate::snapshot::Snapshot;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// Of the file's form; another one is not read.
const FORM: u32 = 2;
/// Files of a version that is kept: a longer list is not quicker to read than its log.
const FILES: usize = 200_000;
/// Bytes of a file: name, date, rows and size, each with its lowest byte first.
const WIDTH: usize = 36;
const CHECK: usize = 8;
const NO_DATE: i32 = i32::MIN;

/// What a version holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// Where the table lies, in words that tell it from every other one.
    place: String,
    pub(super) version: u64,
    /// Of the version's commit.
    pub(super) file: File,
    /// When it was committed.
    pub(super) at: Option<DateTime<Utc>>,
    /// Ordered by date, those without one last.
    pub(super) files: Vec<Held>,
}

/// A file of the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// As [`name`] gives it.
    pub(super) path: u128,
    pub(super) date: Option<NaiveDate>,
    pub(super) rows: u64,
    /// In bytes.
    pub(super) size: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    form: u32,
    place: String,
    version: u64,
    file: File,
    /// Nanoseconds since 1970.
    at: Option<i64>,
}

/// A file's path below its table, shortened.
pub(super) fn name(path: &str) -> u128 {
    xxh3_128(path.as_bytes())
}

impl Kept {
    pub(super) fn of(newest: Newest, snapshot: &Snapshot) -> Self {
        let held = |file: &crate::snapshot::LakeFile| Held {
            path: name(&file.path),
            date: file.partition,
            rows: file.rows,
            size: file.size,
        };
        Self::at(newest, snapshot.committed_at(), snapshot.files().iter().map(held).collect())
    }

    pub(super) fn at(newest: Newest, at: Option<DateTime<Utc>>, files: Vec<Held>) -> Self {
        Self { place: told(&newest.folder), version: newest.version, file: newest.file, at, files }
    }

    /// What was kept of a table; none where that is missing, damaged or of another form.
    pub(super) fn read(keep: &Path, folder: &Place) -> Option<Self> {
        let place = told(folder);
        let bytes = std::fs::read(path(keep, &place)).ok()?;
        Self::parse(&bytes).filter(|kept| kept.place == place)
    }

    /// Replaces what was kept of the table. Where that fails, the log is read once more the next time.
    pub(super) fn write(&self, keep: &Path) {
        if self.files.len() <= FILES && self.file.is_sure() {
            let _ = self.put(keep);
        }
    }

    /// Two that write at once may spoil the draft: its checksum tells.
    fn put(&self, keep: &Path) -> io::Result<()> {
        let path = path(keep, &self.place);
        std::fs::create_dir_all(keep)?;
        let draft = path.with_file_name(format!(".{}.tmp", name(&self.place)));
        std::fs::write(&draft, self.bytes()?)?;
        std::fs::rename(&draft, &path)
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let head = Head {
            form: FORM,
            place: self.place.clone(),
            version: self.version,
            file: self.file.clone(),
            at: self.at.and_then(|at| at.timestamp_nanos_opt()),
        };
        let mut bytes = serde_json::to_vec(&head)?;
        bytes.push(b'\n');
        bytes.reserve(self.files.len() * WIDTH + CHECK);
        for file in &self.files {
            bytes.extend(file.path.to_le_bytes());
            bytes.extend(file.date.map_or(NO_DATE, |date| date.num_days_from_ce()).to_le_bytes());
            bytes.extend(file.rows.to_le_bytes());
            bytes.extend(file.size.to_le_bytes());
        }
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        Ok(bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (text, check) = bytes.split_last_chunk::<CHECK>()?;
        if xxh3_64(text) != u64::from_le_bytes(*check) {
            return None;
        }
        let end = text.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&text[..end]).ok().filter(|head: &Head| head.form == FORM)?;
        let (rows, rest) = text[end + 1..].as_chunks::<WIDTH>();
        let files = rows.iter().map(Held::parse).collect::<Option<Vec<_>>>().filter(|_| rest.is_empty())?;
        let at = head.at.map(DateTime::from_timestamp_nanos);
        Some(Self { place: head.place, version: head.version, file: head.file, at, files })
    }
}

impl Held {
    fn parse(row: &[u8; WIDTH]) -> Option<Self> {
        let (path, rest) = row.split_first_chunk::<16>()?;
        let (date, rest) = rest.split_first_chunk::<4>()?;
        let (rows, rest) = rest.split_first_chunk::<8>()?;
        let (size, _) = rest.split_first_chunk::<8>()?;
        let date = match i32::from_le_bytes(*date) {
            NO_DATE => None,
            days => Some(NaiveDate::from_num_days_from_ce_opt(days)?),
        };
        let (rows, size) = (u64::from_le_bytes(*rows), u64::from_le_bytes(*size));
        Some(Self { path: u128::from_le_bytes(*path), date, rows, size })
    }
}

fn told(folder: &Place) -> String {
    let here = std::path::absolute(folder.folder()).unwrap_or_else(|_| folder.folder().to_owned());
    if folder.is_remote() { format!("{folder} {}", here.display()) } else { here.display().to_string() }
}

fn path(keep: &Path, place: &str) -> PathBuf {
    keep.join(format!("{:032x}", name(place)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn kept(files: Vec<Held>) -> Kept {
        let at = Some(DateTime::from_timestamp_nanos(1_700_000_000_123_456_789));
        Kept { place: "/a\nb".into(), version: 7, file: File::OnDisk(1, 2, 3, 4, 5), at, files }
    }

    fn held() -> impl Strategy<Value = Held> {
        let date = proptest::option::of(-4_000_000..4_000_000i32);
        (any::<u128>(), date, any::<u64>(), any::<u64>()).prop_map(|(path, date, rows, size)| Held {
            path,
            date: date.map(|days| NaiveDate::from_num_days_from_ce_opt(days).unwrap()),
            rows,
            size,
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_what_was_damaged_is_not(
            files in proptest::collection::vec(held(), 0..20),
            at in any::<proptest::sample::Index>(),
            bit in 0..8u32,
        ) {
            let whole = kept(files);
            let mut bytes = whole.bytes().unwrap();
            prop_assert_eq!(Kept::parse(&bytes), Some(whole));
            let at = at.index(bytes.len());
            prop_assert_eq!(Kept::parse(&bytes[..at]), None);
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(Kept::parse(&bytes), None);
        }

        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = bytes;
            bytes.extend(xxh3_64(&bytes).to_le_bytes());
            prop_assert_eq!(Kept::parse(&bytes), None);
        }
    }
}
