//! Gold models: `[gold.<model>]`, the SQL files, and the order in which models can be built.

use super::PIPELINE_FILE;
use super::contract::read_folder;
use super::order::order;
use super::page::Page;
use super::places::Places;
use super::publication;
use super::quality;
use super::section::{Section, Text};
use super::sql_scan::{Scan, TableReference, scan};
use super::texts::TextFiles;
use crate::contract::Contract;
use crate::definition::Model;
use crate::diagnostic::{Mistake, Mistakes, closest};
use crate::names::Layer;
use crate::quality::Ruleset;
use std::path::{Path, PathBuf};

pub(crate) const GOLD_KEYS: &[&str] = &["sql", "grain", "partition", "folder", "publish", "quality"];

/// Why a model's files are not named by a source file.
const UNNAMED: &str = "a model's rows come from many files, so its copies are named by the table and its dates";

/// The models and what is known of their SQL, which stand in the same order.
pub(super) struct Gold {
    pub(super) models: Vec<Model>,
    pub(super) scans: Vec<Scan>,
    /// Of silver tables too. A model comes after those that its rules look at.
    pub(super) rulesets: Vec<Ruleset>,
    /// Mistakes in the SQL files.
    pub(super) mistakes: Mistakes,
}

pub(super) fn read(
    page: &mut Page<'_>,
    root: &Section<'_>,
    folder: &Path,
    contracts: &[Contract],
    files: &TextFiles,
    unreadable: Mistakes,
    places: &mut Places,
) -> Gold {
    let mut gold = Gold { models: Vec::new(), scans: Vec::new(), rulesets: Vec::new(), mistakes: unreadable };
    for (name, section) in root.sections(page, "gold") {
        let (model, scan) = read_model(page, &name, &section, folder, files, &gold.mistakes, places);
        gold.models.push(model);
        gold.scans.push(scan);
    }
    let names: Vec<String> = gold.models.iter().map(|model| model.name.clone()).collect();
    gold.rulesets = quality::read(page, root, folder, contracts, &names, files);
    let reads = read_references(&mut gold, folder, contracts);
    match order(&reads) {
        Ok(order) => {
            gold.models = order.iter().map(|at| gold.models[*at].clone()).collect();
            gold.scans = order.iter().map(|at| gold.scans[*at].clone()).collect();
        }
        Err(circle) => {
            let mistake = circle_mistake(&gold, folder, &circle);
            gold.mistakes.0.extend(mistake);
        }
    }
    gold
}

fn read_model(
    page: &mut Page<'_>,
    name: &Text<'_>,
    section: &Section<'_>,
    folder: &Path,
    files: &TextFiles,
    unreadable: &Mistakes,
    places: &mut Places,
) -> (Model, Scan) {
    section.only(page, GOLD_KEYS);
    let file = section.needed(page, "sql");
    let grain = section.needed_texts(page, "grain");
    let partition = section.text(page, "partition");
    let sql = file.as_ref().and_then(|file| {
        let sql = files.get(file.value);
        let known_unreadable = unreadable.0.iter().any(|mistake| mistake.file == folder.join(file.value));
        if sql.is_none() && !known_unreadable {
            missing_file(page, file, files);
        }
        sql.cloned()
    });
    let scan = sql.as_deref().map(scan);
    if let (Some(scan), Some(file)) = (&scan, &file) {
        if scan.words.is_empty() {
            page.mistake(file.place.clone(), format!("`{}` holds no SELECT", file.value));
        } else {
            for column in grain.iter().chain(&partition) {
                check_column(page, column, name.value, scan);
            }
        }
    }
    let table = format!("gold.{}", name.value);
    // Where a build keeps what each month contributes to the model.
    places.take(page, format!("the contributions of `{table}`"), &format!("contributions/{}", name.value), &name.place);
    let model = Model {
        name: name.value.to_owned(),
        file: PathBuf::from(file.map_or("", |file| file.value)),
        sql: sql.unwrap_or_default(),
        grain: grain.iter().map(|column| column.value.to_owned()).collect(),
        partition: partition.map(|column| column.value.to_owned()),
        folder: read_folder(page, section, &table, name, places),
        publish: publication::read(page, section, &table, Some(UNNAMED), places),
    };
    (model, scan.unwrap_or_default())
}

/// Reports a column that the model's SQL does not even mention. What it does give, its compiler knows.
pub(super) fn check_column(page: &mut Page<'_>, column: &Text<'_>, model: &str, scan: &Scan) {
    if !scan.may_give(column.value) {
        let message = format!("the model `{model}` gives no column `{}`", column.value);
        page.misspelt(column.place.clone(), message, column.value, scan.words.iter().map(String::as_str));
    }
}

fn missing_file(page: &mut Page<'_>, file: &Text<'_>, files: &TextFiles) {
    let name = file.value.strip_prefix("gold/").and_then(|name| name.strip_suffix(".sql"));
    let is_place = name.is_some_and(|name| !name.is_empty() && !name.contains(['/', '\\']));
    let message = if is_place {
        "this file does not exist in the pipeline's folder"
    } else {
        "a model's SQL is a file `gold/<name>.sql` in the pipeline's folder"
    };
    let models = files.keys().map(String::as_str).filter(|path| path.ends_with(".sql"));
    page.misspelt(file.place.clone(), message, file.value, models);
}

/// For each model the indexes of the models that it reads; unknown tables are mistakes of the SQL file.
fn read_references(gold: &mut Gold, folder: &Path, contracts: &[Contract]) -> Vec<Vec<usize>> {
    let silver = contracts.iter().map(|contract| format!("silver.{}", contract.table));
    let known: Vec<String> = silver.chain(gold.models.iter().map(|model| format!("gold.{}", model.name))).collect();
    let mut mistakes = Vec::new();
    let mut reads = Vec::new();
    for (model, scan) in gold.models.iter().zip(&gold.scans) {
        let mut indexes = Vec::new();
        for reference in &scan.tables {
            let name = format!("{}.{}", reference.layer, reference.table);
            if !known.contains(&name) {
                mistakes.push(unknown_table(folder, model, reference, &name, &known));
            }
            indexes.extend(gold.models.iter().position(|other| is_read(reference, other)));
        }
        let own = |ruleset: &&Ruleset| ruleset.layer == Layer::Gold && ruleset.table == model.name;
        let looked_at = gold.rulesets.iter().find(own).into_iter().flat_map(|ruleset| ruleset.references.values());
        let looked_at = looked_at.filter(|reference| reference.layer == Layer::Gold);
        indexes.extend(
            looked_at.filter_map(|looked_at| gold.models.iter().position(|other| other.name == looked_at.table)),
        );
        reads.push(indexes);
    }
    gold.mistakes.0.extend(mistakes);
    reads
}

fn is_read(reference: &TableReference, model: &Model) -> bool {
    reference.layer == "gold" && reference.table == model.name
}

fn unknown_table(folder: &Path, model: &Model, reference: &TableReference, name: &str, known: &[String]) -> Mistake {
    let message = match reference.layer.as_str() {
        "silver" | "gold" => format!("there is no table `{name}` in this pipeline"),
        _ => format!("a model reads `silver.<table>` and `gold.<model>`, and `{name}` is neither"),
    };
    Mistake::at(folder.join(&model.file), &model.sql, reference.place.clone(), message)
        .with_suggestion(closest(name, known.iter().map(String::as_str)).map(str::to_owned))
}

fn circle_mistake(gold: &Gold, folder: &Path, circle: &[usize]) -> Option<Mistake> {
    let names: Vec<&str> = circle.iter().map(|at| gold.models[*at].name.as_str()).collect();
    let (first, second) = (*circle.first()?, *circle.get(1)?);
    let model = &gold.models[first];
    let Some(reference) = gold.scans[first].tables.iter().find(|read| is_read(read, &gold.models[second])) else {
        let message = format!("models and their rules look at each other in a circle: {}", names.join(" looks at "));
        return Some(Mistake::in_file(folder.join(PIPELINE_FILE), message));
    };
    let message = format!("models read each other in a circle: {}", names.join(" reads "));
    Some(Mistake::at(folder.join(&model.file), &model.sql, reference.place.clone(), message))
}
