//! Reads a pipeline's folder: every mistake with its place, or validated data.

mod column;
mod contract;
mod digest;
mod feed;
pub(crate) mod file;
mod formats;
mod kept;
mod model;
mod order;
mod outputs;
pub(crate) mod page;
mod places;
mod publication;
mod quality;
mod record_path;
pub(crate) mod section;
mod source;
mod sql_scan;
mod texts;
mod warehouse;

use crate::definition::{Pipeline, Schedule};
use crate::diagnostic::{Mistake, Mistakes, TextMistake};
use crate::schedule::{check_cron, check_zone};
use page::Page;
use places::Places;
use section::{Section, Text, check_name};
use std::path::Path;

pub use kept::{DefinitionFiles, digest_of};
pub use outputs::Output;
pub use quality::RuleMistake;

#[cfg(test)]
pub(crate) use {
    column::COLUMN_KEYS,
    contract::{GATE_KEYS, ModeWord, SILVER_KEYS},
    feed::{DYNAMODB_KEYS, KAGGLE_KEYS, POSTGRES_KEYS},
    model::GOLD_KEYS,
    publication::PUBLICATION_KEYS,
    quality::{QUALITY_KEYS, REFERENCE_KEYS, RETENTION_KEYS},
    source::BRONZE_KEYS,
    warehouse::{LOAD_KEYS, WAREHOUSE_KEYS},
};

/// The file that makes a folder a pipeline.
pub const PIPELINE_FILE: &str = "pipeline.toml";

pub(crate) const PIPELINE_KEYS: &[&str] =
    &["name", "description", "schedule", "bronze", "silver", "gold", "warehouse", "failing_rows"];
pub(crate) const SCHEDULE_KEYS: &[&str] = &["cron", "zone"];

impl Pipeline {
    /// Reads `pipeline.toml`, the gold models and the rulesets below `folder`; gives every mistake of all files.
    pub fn read(folder: &Path) -> Result<Pipeline, Mistakes> {
        read(folder, None)
    }
}

/// Reads a pipeline that must have the name of its folder.
pub(crate) fn read(folder: &Path, wanted_name: Option<&str>) -> Result<Pipeline, Mistakes> {
    match std::fs::metadata(folder) {
        Ok(about) if about.is_dir() => {}
        Ok(_) => {
            return Err(Mistake::in_file(folder, "this is a file; a pipeline is a folder with a pipeline.toml").into());
        }
        Err(error) => return Err(Mistake::in_file(folder, format!("the folder cannot be read: {error}")).into()),
    }
    let path = folder.join(PIPELINE_FILE);
    let text = file::read_text(&path)?;
    let document = section::parse(&path, &text)?;
    let mut page = Page::new(&path, &text);
    let root = Section::root(&document);
    root.only(&mut page, PIPELINE_KEYS);
    let name = read_name(&mut page, &root, wanted_name);
    let description = root.text(&mut page, "description").map_or(String::new(), |text| text.value.to_owned());
    let schedule = read_schedule(&mut page, &root);
    root.require(&mut page, "bronze");
    let mut places = Places::default();
    let sources = source::read(&mut page, &root, &mut places);
    root.require(&mut page, "silver");
    let contracts = contract::read(&mut page, &root, &sources, &mut places);
    let (files, unreadable) = texts::read(folder);
    let gold = model::read(&mut page, &root, folder, &contracts, &files, unreadable, &mut places);
    let warehouse = warehouse::read(&mut page, &root, &gold.models, &gold.scans);
    let failing_rows = quality::read_retention(&mut page, &root);
    let mut mistakes = page.into_mistakes();
    mistakes.0.extend(gold.mistakes.0);
    mistakes.none_or()?;
    let digest = digest::digest(&text, &files);
    let (models, rulesets) = (gold.models, gold.rulesets);
    Ok(Pipeline {
        name,
        description,
        schedule,
        sources,
        contracts,
        models,
        warehouse,
        rulesets,
        failing_rows,
        digest,
        folder: folder.to_owned(),
    })
}

fn read_name(page: &mut Page<'_>, root: &Section<'_>, wanted: Option<&str>) -> String {
    let Some(name) = root.needed(page, "name") else { return String::new() };
    check_name(page, &name);
    if let Some(wanted) = wanted.filter(|wanted| *wanted != name.value) {
        let message = format!("a pipeline has the name of its folder, `{wanted}`");
        page.suggest(name.place, message, Some(wanted.to_owned()));
    }
    name.value.to_owned()
}

fn read_schedule(page: &mut Page<'_>, root: &Section<'_>) -> Option<Schedule> {
    let section = root.section(page, "schedule")?;
    section.only(page, SCHEDULE_KEYS);
    let cron = section.needed(page, "cron");
    let zone = section.needed(page, "zone");
    let mut check = |text: &Option<Text<'_>>, check: fn(&str) -> Result<(), TextMistake>| {
        if let Some(text) = text
            && let Err(mistake) = check(text.value)
        {
            page.inside(&text.place, text.value, mistake);
        }
    };
    check(&cron, check_cron);
    check(&zone, check_zone);
    Some(Schedule { cron: cron?.value.to_owned(), zone: zone?.value.to_owned() })
}

#[cfg(test)]
mod tests;
