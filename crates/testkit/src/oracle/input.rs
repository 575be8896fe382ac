//! Bronze files: where they lie, how they are packed and what form they have.

use super::record::Cut;
use super::{csv, json};
use crate::TestkitError;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The files below a folder of the lake, in byte order of their paths below the lake folder; hidden and unfinished
/// ones are left out.
pub(super) fn files(pipeline_lake: &Path, folder: &str) -> Result<Vec<(String, PathBuf)>, TestkitError> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for (name, path) in entries(&pipeline_lake.join(&folder))? {
            if name.starts_with(['.', '_']) {
                continue;
            }
            let below = format!("{folder}/{name}");
            if path.is_dir() { folders.push(below) } else { all.push((below, path)) }
        }
    }
    all.sort_unstable();
    Ok(all)
}

/// The file's content, unpacked by its first bytes.
pub(super) fn unpacked(file: &str, bytes: Vec<u8>) -> Result<Vec<u8>, TestkitError> {
    let mut plain = Vec::new();
    let read = match bytes.as_slice() {
        [0x1f, 0x8b, ..] => flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd::stream::copy_decode(&bytes[..], &mut plain).map(|()| plain.len()),
        _ => return Ok(bytes),
    };
    match read {
        Ok(_) => Ok(plain),
        Err(error) => Err(TestkitError::Unreadable { file: file.to_owned(), why: error.to_string() }),
    }
}

/// The records of an unpacked file, whose name tells its form. A byte-order mark wins over `decode`.
pub(super) fn cut<'a>(file: &str, bytes: &'a [u8], decode: csv::Decode) -> Result<Vec<Cut<'a>>, TestkitError> {
    let unreadable = |why: String| TestkitError::Unreadable { file: file.to_owned(), why };
    let (content, decode) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(content) => (content, csv::utf8 as csv::Decode),
        None => (bytes, decode),
    };
    let skipped = (bytes.len() - content.len()) as u64;
    let name = [".gz", ".zst"].iter().find_map(|ending| file.strip_suffix(ending)).unwrap_or(file);
    match name.rsplit('.').next() {
        Some("json" | "jsonl" | "ndjson") => Ok(json::cut(content, skipped)),
        Some("csv") => csv::cut(content, skipped, decode).map_err(unreadable),
        _ => Err(unreadable("its name ends neither in .csv nor in .json, .jsonl or .ndjson".to_owned())),
    }
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, TestkitError> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(TestkitError::at(folder))? {
        let entry = entry.map_err(TestkitError::at(folder))?;
        all.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    Ok(all)
}
