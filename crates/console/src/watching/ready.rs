//! The sources as a plan may see them while some files are not complete yet.

use super::FileKey;
use crate::journal::Journal;
use crate::plan::PlannedFile;
use crate::ports::Sources;
use assay_contract::Problem;
use assay_pipeline::{Environment, Pipeline};
use std::collections::{BTreeMap, BTreeSet};

/// Shows files that are not complete as the ledger knows them, and new ones not at all: no plan takes them for
/// changed or gone. A run whose dates need one of them refuses at it, and is tried again.
pub struct ReadyFiles<'a> {
    pub sources: &'a dyn Sources,
    pub journal: &'a dyn Journal,
    pub unready: &'a BTreeSet<FileKey>,
}

impl Sources for ReadyFiles<'_> {
    fn files(&self, pipeline: &Pipeline, environment: &Environment) -> Result<Vec<PlannedFile>, Problem> {
        let mut files = self.sources.files(pipeline, environment)?;
        if self.unready.is_empty() {
            return Ok(files);
        }
        let entries = self.journal.ledger(&pipeline.name, &environment.name)?;
        let mut known: BTreeMap<FileKey, (u64, i64)> = entries
            .into_iter()
            .map(|entry| ((entry.source, entry.path), (entry.size, entry.modified_ns)))
            .filter(|(key, _)| self.unready.contains(key))
            .collect();
        files.retain_mut(|file| {
            let key = (file.source.clone(), file.path.clone());
            match (self.unready.contains(&key), known.remove(&key)) {
                (false, _) => true,
                (true, None) => false,
                (true, Some((size, modified_ns))) => {
                    (file.size, file.modified_ns) = (size, modified_ns);
                    true
                }
            }
        });
        files.extend(known.into_iter().map(|((source, path), (size, modified_ns))| PlannedFile {
            source,
            path,
            size,
            modified_ns,
            folder_date: None,
            known_dates: Vec::new(),
        }));
        files.sort_by(|a, b| (&a.source, a.path.as_bytes()).cmp(&(&b.source, b.path.as_bytes())));
        Ok(files)
    }
}
