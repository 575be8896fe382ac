//! Source files as they lie in the lake's folders.

use super::problems;
use crate::desk::Desk;
use assay_console::PlannedFile;
use assay_console::ports::{Sources, Within};
use assay_contract::Problem;
use assay_lake::Place;
use assay_pipeline::{Environment, Pipeline, Source};
use assay_stages::{Discovered, StageError};
use std::collections::BTreeSet;

pub struct LocalSources<'a> {
    pub desk: &'a Desk,
}

impl LocalSources<'_> {
    fn each(
        &self,
        pipeline: &Pipeline,
        environment: &Environment,
        list: impl Fn(&Source, &Place) -> Result<Discovered, StageError>,
    ) -> Result<Vec<PlannedFile>, Problem> {
        let folder = self.desk.lake(environment).pipeline_folder(&pipeline.name);
        let mut files = Vec::new();
        for source in &pipeline.sources {
            let found = list(source, &folder).map_err(|error| problems::stage(&error))?;
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

impl Sources for LocalSources<'_> {
    fn files(&self, pipeline: &Pipeline, environment: &Environment) -> Result<Vec<PlannedFile>, Problem> {
        self.each(pipeline, environment, assay_stages::discover)
    }

    fn files_within(
        &self,
        pipeline: &Pipeline,
        environment: &Environment,
        within: &Within,
    ) -> Result<Vec<PlannedFile>, Problem> {
        self.each(pipeline, environment, |source, folder| {
            let of_source = within.paths.iter().filter(|(name, _)| *name == source.name);
            let paths: BTreeSet<&str> = of_source.map(|(_, path)| path.as_str()).collect();
            assay_stages::discover_within(source, folder, &within.dates, &paths)
        })
    }

    fn set_aside(
        &self,
        pipeline: &Pipeline,
        environment: &Environment,
        run: &str,
        gone: &BTreeSet<(String, String)>,
    ) -> Result<BTreeSet<(String, String)>, Problem> {
        let folder = self.desk.lake(environment).pipeline_folder(&pipeline.name);
        let mut moved = BTreeSet::new();
        for source in &pipeline.sources {
            let of_source = gone.iter().filter(|(name, _)| *name == source.name);
            let paths: Vec<&str> = of_source.map(|(_, path)| path.as_str()).collect();
            let found = assay_stages::set_aside_by(source, &folder, run, &paths);
            let found = found.map_err(|error| problems::stage(&error))?;
            moved.extend(found.into_iter().map(|path| (source.name.clone(), path)));
        }
        Ok(moved)
    }
}
