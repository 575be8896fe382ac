//! Grain, partition and load columns against the columns that the models really give.

use super::page::Page;
use super::section::{self, Section, Text};
use super::{PIPELINE_FILE, file};
use crate::contract::ColumnType;
use crate::definition::Pipeline;
use crate::diagnostic::Mistakes;

/// A model's name and the columns that its SELECT gives, as the compiler of gold models found them.
pub type Output = (String, Vec<(String, ColumnType)>);

impl Pipeline {
    /// Checks what only the compiled SELECTs can tell: that columns exist, that a partition is a date,
    /// that sums to compare are of numbers. Models without an output are not checked.
    pub fn check_outputs(&self, outputs: &[Output]) -> Result<(), Mistakes> {
        let path = self.folder.join(PIPELINE_FILE);
        let text = file::read_text(&path)?;
        let document = section::parse(&path, &text)?;
        let mut page = Page::new(&path, &text);
        let root = Section::root(&document);
        for (name, section) in root.sections(&mut page, "gold") {
            let Some(output) = outputs.iter().find(|(model, _)| model == name.value) else { continue };
            for column in section.texts(&mut page, "grain") {
                find(&mut page, &column, output);
            }
            if let Some(column) = section.text(&mut page, "partition")
                && let Some(kind) = find(&mut page, &column, output).filter(|kind| *kind != ColumnType::Date)
            {
                let message = format!("the partition is a date column, and `{}` is {}", column.value, kind.named());
                page.mistake(column.place, message);
            }
        }
        if let Some(warehouse) = root.section(&mut page, "warehouse") {
            check_loads(&mut page, &warehouse, outputs);
        }
        page.into_mistakes().none_or()
    }
}

fn check_loads(page: &mut Page<'_>, warehouse: &Section<'_>, outputs: &[Output]) {
    for (name, load) in warehouse.sections(page, "load") {
        let Some(output) = outputs.iter().find(|(model, _)| model == name.value) else { continue };
        let mut columns = load.texts(page, "sort_key");
        columns.extend(load.text(page, "distribution_key"));
        for column in columns {
            find(page, &column, output);
        }
        for column in load.texts(page, "reconcile") {
            let kind = find(page, &column, output);
            let has_sum =
                |kind: &ColumnType| matches!(kind, ColumnType::Int32 | ColumnType::Int64 | ColumnType::Decimal { .. });
            if let Some(kind) = kind.filter(|kind| !has_sum(kind)) {
                let message = format!("sums are compared of exact numbers, and `{}` is {}", column.value, kind.named());
                page.mistake(column.place, message);
            }
        }
    }
}

fn find(page: &mut Page<'_>, column: &Text<'_>, (model, columns): &Output) -> Option<ColumnType> {
    let found = columns.iter().find(|(name, _)| name == column.value);
    if found.is_none() {
        let message = format!("the model `{model}` gives no column `{}`", column.value);
        page.misspelt(column.place.clone(), message, column.value, columns.iter().map(|(name, _)| name.as_str()));
    }
    found.map(|(_, kind)| *kind)
}
