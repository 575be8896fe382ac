//! Takes the one wanted file out of what was downloaded, within bounds. Everything here blocks.

use crate::disk;
use crate::error::ExtractError;
use crate::job::{Limits, count};
use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use zip::read::{Config, ZipFileEntry, ZipReadOptions};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

const UNPACKED: &str = "unpacked.tmp";

/// The file to land: the download itself, or the wanted file of the archive that it is.
pub(crate) fn unpack(
    arrived: &Path,
    wanted: &str,
    dataset: &str,
    scratch: &Path,
    limits: &Limits,
    stop: &AtomicBool,
) -> Result<PathBuf, ExtractError> {
    if !is_archive(arrived).map_err(ExtractError::disk(arrived, "read"))? {
        return Ok(arrived.to_owned());
    }
    let target = scratch.join(UNPACKED);
    let archive = Archive { dataset, wanted, limits };
    let unpacked = archive.unpack(arrived, &target, stop);
    if let Err(ExtractError::Archive { .. }) = &unpacked {
        // The same bytes would be refused again; the next run asks for them anew.
        disk::remove(arrived)?;
    }
    if unpacked.is_err() {
        disk::remove(&target)?;
    }
    unpacked.map(|()| target)
}

fn is_archive(path: &Path) -> io::Result<bool> {
    let mut first = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut first)?;
    Ok(first == b"PK\x03\x04" || first == b"PK\x05\x06")
}

struct Archive<'a> {
    dataset: &'a str,
    wanted: &'a str,
    limits: &'a Limits,
}

impl Archive<'_> {
    fn unpack(&self, arrived: &Path, target: &Path, stop: &AtomicBool) -> Result<(), ExtractError> {
        let open = || File::open(arrived).map(BufReader::new).map_err(ExtractError::disk(arrived, "read"));
        let entry = self.find(open()?)?;
        let mut reader = open()?;
        let (packed, size) = (entry.compressed_size(), entry.size());
        let most = packed.saturating_mul(self.limits.ratio).max(Limits::FREE).min(self.limits.unpacked);
        self.bound(size, packed, most)?;
        let content = entry.with_reader(&mut reader, ZipReadOptions::new()).map_err(self.damaged())?;
        // A size that lies ends here, not on a full disk.
        let mut content = content.take(size.saturating_add(1));
        let mut file = File::create(target).map_err(ExtractError::disk(target, "make"))?;
        let mut block = vec![0; 1 << 20];
        let mut done = 0;
        loop {
            disk::go_on(stop)?;
            let read = content.read(&mut block).map_err(|error| self.refuse("it is damaged", Some(Box::new(error))))?;
            if read == 0 {
                break;
            }
            done += read as u64;
            file.write_all(&block[..read]).map_err(ExtractError::disk(target, "write"))?;
        }
        if done != size {
            return Err(self.refuse("the wanted file is not as long as the archive says", None));
        }
        file.sync_all().map_err(ExtractError::disk(target, "write"))
    }

    /// Looks at every entry: an archive with a name that climbs is not trusted with any of them.
    fn find(&self, reader: BufReader<File>) -> Result<ZipFileEntry<'static>, ExtractError> {
        let mut archive = ZipIterable::try_new(reader, Config::default()).map_err(self.damaged())?;
        if archive.len() > self.limits.entries {
            let bound = count(self.limits.entries as u64);
            return Err(self.refuse(&format!("it holds more than {bound} files"), None));
        }
        let mut found = None;
        let mut files = 0u64;
        for entry in archive.files().map_err(self.damaged())? {
            let entry = entry.map_err(self.damaged())?;
            let name = entry.name().map_err(self.damaged())?.into_owned();
            if let Some(why) = unsafe_name(&name) {
                return Err(self.refuse(&format!("the name of one of its files {why}"), None));
            }
            if entry.is_symlink() {
                return Err(self.refuse("one of its files is a link", None));
            }
            files += u64::from(entry.is_file());
            if name == self.wanted && found.replace(entry).is_some() {
                return Err(self.refuse(&format!("it holds {} twice", self.wanted), None));
            }
        }
        found.ok_or_else(|| {
            let files = count(files);
            self.refuse(&format!("none of its {files} files is {}. Correct the definition", self.wanted), None)
        })
    }

    fn bound(&self, size: u64, packed: u64, most: u64) -> Result<(), ExtractError> {
        if size <= most {
            return Ok(());
        }
        let reason = if most == self.limits.unpacked {
            format!("the wanted file has more than {} bytes", count(most))
        } else {
            format!(
                "{} packed bytes become more than {}, as in an archive made to fill disks",
                count(packed),
                count(most)
            )
        };
        Err(self.refuse(&reason, None))
    }

    fn damaged(&self) -> impl FnOnce(ZipError) -> ExtractError {
        |error| self.refuse("it cannot be read", Some(Box::new(error)))
    }

    fn refuse(&self, reason: &str, source: Option<Box<dyn Error + Send + Sync>>) -> ExtractError {
        ExtractError::Archive { dataset: self.dataset.to_owned(), reason: reason.to_owned(), source }
    }
}

/// Why the name could lead out of a folder, if it could.
fn unsafe_name(name: &str) -> Option<&'static str> {
    let mut letters = name.chars();
    let has_drive = letters.next().is_some_and(|c| c.is_ascii_alphabetic()) && letters.next() == Some(':');
    if name.is_empty() || name.contains('\0') {
        Some("is empty or holds a null character")
    } else if name.starts_with(['/', '\\']) {
        Some("is absolute")
    } else if has_drive {
        Some("begins with a drive")
    } else if name.split(['/', '\\']).any(|part| part == "..") {
        Some("climbs out of its folder")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_are_known() {
        for name in ["", "/etc/passwd", "\\x", "C:\\x", "c:x", "../x", "a/../../x", "a\\..\\x", "a\0b", ".."] {
            assert!(unsafe_name(name).is_some(), "{name:?}");
        }
        for name in ["a.csv", "a/b.csv", "a..b/c", "...", "ab:c"] {
            assert_eq!(unsafe_name(name), None, "{name:?}");
        }
    }
}
