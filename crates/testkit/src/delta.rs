//! Reads a Delta table by replaying its JSON log, without the engine.

use crate::frames::table_of;
use crate::{Table, TestkitError};
use chrono::NaiveDate;
use polars::prelude::{DataFrame, IntoLazy, LazyFrame, PlRefPath, ScanArgsParquet, UnionArgs, concat, lit};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A table of a lake as its log says it is.
#[derive(Debug, Clone)]
pub struct DeltaTable {
    pub version: u64,
    /// Active data files with their partition values, by path below the table.
    pub files: BTreeMap<String, BTreeMap<String, Option<String>>>,
    pub frame: DataFrame,
}

impl DeltaTable {
    /// Replays every commit in `folder`; no table is an error.
    pub fn read(folder: &Path) -> Result<Self, TestkitError> {
        let log = folder.join("_delta_log");
        let entries = std::fs::read_dir(&log).map_err(TestkitError::at(&log))?;
        let mut commits: Vec<_> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .collect();
        commits.sort();
        let mut files = BTreeMap::new();
        for commit in &commits {
            let text = std::fs::read_to_string(commit).map_err(TestkitError::at(commit))?;
            for line in text.lines() {
                replay(&serde_json::from_str(line).map_err(|e| TestkitError::at(commit)(e.into()))?, &mut files);
            }
        }
        let frame = frame(folder, &files)?;
        Ok(Self { version: commits.len().saturating_sub(1) as u64, files, frame })
    }

    /// The named columns as canonical text.
    pub fn table(&self, columns: &[&str]) -> Result<Table, TestkitError> {
        table_of(&self.frame, columns)
    }
}

fn replay(action: &Value, files: &mut BTreeMap<String, BTreeMap<String, Option<String>>>) {
    let path = |action: &Value| action["path"].as_str().map(unescaped);
    if let Some(path) = path(&action["remove"]) {
        files.remove(&path);
    }
    if let Some(path) = path(&action["add"]) {
        let values = action["add"]["partitionValues"].as_object().into_iter().flatten();
        let values = values.map(|(name, value)| (name.clone(), value.as_str().map(str::to_owned)));
        files.insert(path, values.collect());
    }
}

/// Paths in the log are URL-encoded.
fn unescaped(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = (byte == b'%').then(|| after.get(..2)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Partition columns are dates or null; they are not in the data files.
fn frame(folder: &Path, files: &BTreeMap<String, BTreeMap<String, Option<String>>>) -> Result<DataFrame, TestkitError> {
    let mut parts: Vec<LazyFrame> = Vec::new();
    for (path, values) in files {
        let file = folder.join(path);
        let place = PlRefPath::new(file.to_string_lossy());
        let mut part = LazyFrame::scan_parquet(place, ScanArgsParquet { glob: false, ..Default::default() })?;
        for (name, value) in values {
            let date = value.as_deref().and_then(|text| text.parse::<NaiveDate>().ok());
            let typed = match date {
                Some(date) => lit(date),
                None => lit(polars::prelude::NULL),
            };
            part = part.with_column(typed.cast(polars::prelude::DataType::Date).alias(name.as_str()));
        }
        parts.push(part);
    }
    if parts.is_empty() {
        return Ok(DataFrame::empty());
    }
    let union = UnionArgs { diagonal: true, ..Default::default() };
    Ok(concat(parts, union)?.collect()?.lazy().collect()?)
}
