//! The files of a definition besides `pipeline.toml`: SQL below `gold/`, rules below `quality/`.

use super::file::read_text;
use crate::diagnostic::{Mistake, Mistakes};
use std::collections::BTreeMap;
use std::path::Path;

/// Text by path below the pipeline's folder, with `/`.
pub(super) type TextFiles = BTreeMap<String, String>;

/// Folders and the ending of their files.
const FOLDERS: &[(&str, &str)] = &[("gold", ".sql"), ("quality", ".dqdl")];

/// A pipeline with more files in a folder than this is not one that people wrote.
const FILE_LIMIT: usize = 1_000;

/// Reads all of them once, so that the digest covers what the definition uses.
pub(super) fn read(folder: &Path) -> (TextFiles, Mistakes) {
    let (mut files, mut mistakes) = (TextFiles::new(), Mistakes::default());
    for (name, ending) in FOLDERS {
        let path = folder.join(name);
        let found = match names(&path, ending) {
            Ok(found) => found,
            Err(mistake) => {
                mistakes.0.push(mistake);
                continue;
            }
        };
        for file in found {
            match read_text(&path.join(&file)) {
                Ok(text) => {
                    files.insert(format!("{name}/{file}"), text);
                }
                Err(mistake) => mistakes.0.push(mistake),
            }
        }
    }
    (files, mistakes)
}

fn names(path: &Path, ending: &str) -> Result<Vec<String>, Mistake> {
    let unreadable = |error: std::io::Error| Mistake::in_file(path, format!("the folder cannot be read: {error}"));
    let entries = match std::fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        let Some(name) = name.to_str().filter(|name| name.ends_with(ending)) else { continue };
        names.push(name.to_owned());
        if names.len() > FILE_LIMIT {
            return Err(Mistake::in_file(path, format!("the folder has more than {FILE_LIMIT} `*{ending}` files")));
        }
    }
    names.sort();
    Ok(names)
}
