//! The record of a landing: how far it is, and what the next one needs to know of it.

use crate::disk;
use crate::error::ExtractError;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

const PREFIX: &str = "landing-";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub run: String,
    /// What was read from where: another shape makes what was landed before useless for going on.
    pub shape: String,
    /// RFC 3339 with microseconds.
    pub extracted_at: String,
    /// The landing's folder below the pipeline's lake folder.
    pub folder: String,
    /// All pages are there; only the folder may still have to be put in its place.
    pub complete: bool,
    /// How many snapshots the pages are of: each resumption takes a new one.
    pub snapshots: u32,
    /// Only rows at or above this one were read; none means the whole table.
    pub since: Option<String>,
    /// The greatest watermark of the first snapshot.
    pub until: Option<String>,
    /// Read one after the other, or side by side.
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Place in the source after the last page; none before the first.
    pub last: Option<serde_json::Value>,
    pub done: bool,
    pub rows: u64,
    /// Rows that the next landing reads again although they may be the same.
    pub edge_rows: u64,
    /// Over the edge rows in their order.
    pub digest: String,
    pub pages: Vec<Page>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Page {
    pub file: String,
    pub rows: u64,
    pub bytes: u64,
}

impl Manifest {
    pub(crate) fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows).sum()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.pages().map(|page| page.bytes).sum()
    }

    pub(crate) fn pages(&self) -> impl Iterator<Item = &Page> {
        self.parts.iter().flat_map(|part| &part.pages)
    }

    /// Whether this landing holds nothing that `before` did not.
    pub(crate) fn repeats(&self, before: &Manifest) -> bool {
        let same = |(now, then): (&Part, &Part)| {
            now.rows == now.edge_rows && now.edge_rows == then.edge_rows && now.digest == then.digest
        };
        self.shape == before.shape
            && self.until == before.until
            && self.parts.len() == before.parts.len()
            && self.parts.iter().zip(&before.parts).all(same)
    }

    /// The file's name sorts by time.
    pub(crate) fn path(&self, state: &Path) -> PathBuf {
        let stamp: String = self.extracted_at.chars().filter(char::is_ascii_alphanumeric).collect();
        state.join(format!("{PREFIX}{stamp}-{}.json", self.run))
    }

    /// Blocks.
    pub(crate) fn write(&self, state: &Path) -> Result<(), ExtractError> {
        let path = self.path(state);
        let text = serde_json::to_vec_pretty(self);
        disk::write_whole(&path, &text.map_err(|source| ExtractError::Manifest { path: path.clone(), source })?)
    }

    /// All of a source, the newest first. Blocks.
    pub(crate) fn list(state: &Path) -> Result<Vec<PathBuf>, ExtractError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(state).map_err(ExtractError::disk(state, "list"))? {
            let path = entry.map_err(ExtractError::disk(state, "list"))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(PREFIX) && name.ends_with(".json") {
                found.push(path);
            }
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found)
    }

    /// Blocks.
    pub(crate) fn read(path: &Path) -> Result<Manifest, ExtractError> {
        let bytes = fs::read(path).map_err(ExtractError::disk(path, "read"))?;
        serde_json::from_slice(&bytes).map_err(|source| ExtractError::Manifest { path: path.to_owned(), source })
    }
}
