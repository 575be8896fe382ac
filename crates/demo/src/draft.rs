//! One file in the making: appears under its name when it is complete.

use crate::DemoError;
use chrono::NaiveDate;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub(crate) struct Draft {
    path: PathBuf,
    part: PathBuf,
    out: BufWriter<File>,
    gzip: bool,
    /// What is not written yet.
    pub buffer: Vec<u8>,
    bytes: u64,
}

impl Draft {
    /// Begins the file at `path`, and its folder where it is missing; with `gzip` the content is packed.
    pub(crate) fn create(path: PathBuf, gzip: bool) -> Result<Self, DemoError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        std::fs::create_dir_all(folder).map_err(|source| DemoError::Folder { path: folder.to_path_buf(), source })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let part = path.with_file_name(format!(".{name}.part"));
        let file = File::create(&part).map_err(|source| DemoError::File { path: path.clone(), source })?;
        Ok(Self { path, part, out: BufWriter::new(file), gzip, buffer: Vec::new(), bytes: 0 })
    }

    /// Writes what has gathered once that is a block.
    pub(crate) fn settle(&mut self) -> Result<(), DemoError> {
        if self.buffer.len() < BLOCK {
            return Ok(());
        }
        self.flush().map_err(|source| DemoError::File { path: self.path.clone(), source })
    }

    /// Completes the file, gives it its name and says its bytes on disk. With `arrival` it looks as if it had been
    /// written at noon (UTC) of that date.
    pub(crate) fn finish(mut self, arrival: Option<NaiveDate>) -> Result<u64, DemoError> {
        let done = self
            .flush()
            .and_then(|()| self.out.flush())
            .and_then(|()| arrival.map_or(Ok(()), |date| self.out.get_ref().set_modified(noon(date))))
            .and_then(|()| std::fs::rename(&self.part, &self.path));
        done.map_err(|source| DemoError::File { path: self.path.clone(), source })?;
        Ok(self.bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let packed;
        let bytes = if self.gzip {
            packed = gzip_member(&self.buffer);
            &packed
        } else {
            &self.buffer
        };
        self.out.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Bytes that are gathered before they are written, and packed into one gzip member.
const BLOCK: usize = 1 << 20;

fn noon(date: NaiveDate) -> SystemTime {
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    let seconds = Duration::from_secs(days.unsigned_abs() * 86_400);
    let midnight = if days < 0 { SystemTime::UNIX_EPOCH - seconds } else { SystemTime::UNIX_EPOCH + seconds };
    midnight + Duration::from_secs(43_200)
}

/// A complete gzip member; a gzip file is any number of them.
fn gzip_member(bytes: &[u8]) -> Vec<u8> {
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    member.extend_from_slice(&miniz_oxide::deflate::compress_to_vec(bytes, 6));
    member.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    member.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    member
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Read;

    #[test]
    fn members_one_after_the_other_unpack_to_the_whole() {
        let file = [gzip_member(b"one\n"), gzip_member(b"two\n")].concat();
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&file[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo\n");
    }

    #[test]
    fn a_file_appears_when_it_is_complete_with_its_date_of_arrival() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        let mut draft = Draft::create(path.clone(), false).unwrap();
        draft.buffer.extend_from_slice(b"one");
        assert!(!path.exists());
        assert_eq!(draft.finish(NaiveDate::from_ymd_opt(2026, 1, 5)).unwrap(), 3);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        let seconds = path.metadata().unwrap().modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        // 2026-01-05T12:00:00Z.
        assert_eq!(seconds.as_secs(), 1_767_614_400);
        assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }
}
