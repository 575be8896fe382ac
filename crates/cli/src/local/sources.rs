//! Source files as they lie in the lake's folders.

use super::problems;
use crate::desk::Desk;
use assay_console::PlannedFile;
use assay_console::ports::Sources;
use assay_contract::Problem;
use assay_pipeline::{Environment, Pipeline};

pub struct LocalSources<'a> {
    pub desk: &'a Desk,
}

impl Sources for LocalSources<'_> {
    fn files(&self, pipeline: &Pipeline, environment: &Environment) -> Result<Vec<PlannedFile>, Problem> {
        let folder = self.desk.lake(environment).pipeline_folder(&pipeline.name);
        let mut files = Vec::new();
        for source in &pipeline.sources {
            let found = assay_stages::discover(source, &folder).map_err(|error| problems::stage(&error))?;
            files.extend(found.files.into_iter().map(|file| PlannedFile {
                source: source.name.clone(),
                path: file.path,
                size: file.size,
                modified_ns: file.modified_ns,
                folder_date: file.folder_date,
                known_dates: Vec::new(),
            }));
        }
        Ok(files)
    }
}
