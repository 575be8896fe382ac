//! Warehouse loads: `[warehouse]` and `[warehouse.load.<model>]`.

use super::model::check_column;
use super::page::Page;
use super::section::{Section, Text, check_name};
use super::sql_scan::Scan;
use crate::definition::{Load, LoadMode, Model, Warehouse};

pub(crate) const WAREHOUSE_KEYS: &[&str] = &["schema", "staging", "load"];
pub(crate) const LOAD_KEYS: &[&str] = &["mode", "distribution_key", "sort_key", "reconcile"];

pub(super) fn read(page: &mut Page<'_>, root: &Section<'_>, models: &[Model], scans: &[Scan]) -> Option<Warehouse> {
    let section = root.section(page, "warehouse")?;
    section.only(page, WAREHOUSE_KEYS);
    let schema = section.needed(page, "schema");
    if let Some(schema) = &schema {
        check_name(page, schema);
    }
    let staging = section.text(page, "staging");
    if let Some(staging) = &staging {
        check_name(page, staging);
        if schema.as_ref().is_some_and(|schema| schema.value == staging.value) {
            page.mistake(staging.place.clone(), "staging tables lie in a schema of their own");
        }
    }
    let mut loads = Vec::new();
    for (name, load) in section.sections(page, "load") {
        let model = models.iter().zip(scans).find(|(model, _)| model.name == name.value);
        if model.is_none() {
            let message = format!("there is no model `{0}` to load: `[gold.{0}]` is missing", name.value);
            page.misspelt(name.place.clone(), message, name.value, models.iter().map(|model| model.name.as_str()));
        }
        loads.extend(read_load(page, &name, &load, model));
    }
    let staging = staging.map(|schema| schema.value.to_owned());
    Some(Warehouse { schema: schema?.value.to_owned(), staging, loads })
}

fn read_load(
    page: &mut Page<'_>,
    name: &Text<'_>,
    section: &Section<'_>,
    model: Option<(&Model, &Scan)>,
) -> Option<Load> {
    section.only(page, LOAD_KEYS);
    section.require(page, "mode");
    let mode = section.word(page, "mode");
    let distribution_key = section.text(page, "distribution_key");
    let sort_key = section.texts(page, "sort_key");
    let reconcile = section.texts(page, "reconcile");
    if let Some((model, scan)) = model {
        if mode == Some(LoadMode::ReplaceDates) && model.partition.is_none() {
            let message = format!("`{}` has no partition, so its dates cannot be replaced", model.name);
            page.suggest(section.place_of("mode"), message, Some("replace_all".to_owned()));
        }
        // An empty SELECT is reported where the model names its file.
        if !scan.words.is_empty() {
            for column in distribution_key.iter().chain(&sort_key).chain(&reconcile) {
                check_column(page, column, &model.name, scan);
            }
        }
    }
    let values = |texts: &[Text<'_>]| texts.iter().map(|text| text.value.to_owned()).collect();
    Some(Load {
        table: name.value.to_owned(),
        mode: mode?,
        distribution_key: distribution_key.map(|column| column.value.to_owned()),
        sort_key: values(&sort_key),
        reconcile: values(&reconcile),
    })
}
