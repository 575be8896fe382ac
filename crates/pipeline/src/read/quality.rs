//! Rulesets beside their tables: `quality = { rules = "quality/…", … }`, and how long failing rows stay.

use super::page::Page;
use super::section::{Entry, Section, Text, check_name};
use super::texts::TextFiles;
use super::{PIPELINE_FILE, file, section};
use crate::contract::Contract;
use crate::definition::Pipeline;
use crate::diagnostic::Mistakes;
use crate::names::Layer;
use crate::quality::{Reference, Retention, Ruleset};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) const QUALITY_KEYS: &[&str] = &["rules", "references", "warn"];
pub(crate) const REFERENCE_KEYS: &[&str] = &["table", "same_dates"];
pub(crate) const RETENTION_KEYS: &[&str] = &["days", "runs"];

/// The name that rules give to the table they judge.
const PRIMARY: &str = "primary";

/// What is wrong with a rule that a definition names: a message, and the rules that may have been meant.
pub type RuleMistake = (String, Vec<String>);

impl Pipeline {
    /// Checks what only the parsed rulesets can tell of the rules named under `warn`. `wrong` takes the place of the
    /// ruleset in `rulesets` and the rule's text.
    pub fn check_rules(&self, wrong: &dyn Fn(usize, &str) -> Option<RuleMistake>) -> Result<(), Mistakes> {
        let path = self.folder.join(PIPELINE_FILE);
        let text = file::read_text(&path)?;
        let document = section::parse(&path, &text)?;
        let mut page = Page::new(&path, &text);
        let root = Section::root(&document);
        for layer in [Layer::Silver, Layer::Gold] {
            for (name, table) in root.sections(&mut page, layer.as_str()) {
                let is_its = |ruleset: &Ruleset| ruleset.layer == layer && ruleset.table == name.value;
                let Some(at) = self.rulesets.iter().position(is_its) else { continue };
                let Some(quality) = table.section(&mut page, "quality") else { continue };
                for rule in quality.texts(&mut page, "warn") {
                    if let Some((message, meant)) = wrong(at, rule.value) {
                        page.misspelt(rule.place, message, rule.value, meant.iter().map(String::as_str));
                    }
                }
            }
        }
        page.into_mistakes().none_or()
    }
}

/// Reads the rulesets of all tables; those with mistakes are left out. Every gold model of the file is known by name,
/// whether it could be read or not.
pub(super) fn read(
    page: &mut Page<'_>,
    root: &Section<'_>,
    folder: &Path,
    contracts: &[Contract],
    models: &[String],
    files: &TextFiles,
) -> Vec<Ruleset> {
    let silver: Vec<&str> = contracts.iter().map(|contract| contract.table.as_str()).collect();
    let gold: Vec<&str> = models.iter().map(String::as_str).collect();
    let known = Known { silver: &silver, gold: &gold, files, folder };
    let mut found = Vec::new();
    for layer in [Layer::Silver, Layer::Gold] {
        // The names were checked when the tables were read.
        let tables = root.quietly(layer.as_str());
        for (name, table) in tables {
            if let Some(quality) = table.section(page, "quality") {
                found.extend(known.ruleset(page, layer, name, &quality));
            }
        }
    }
    found
}

pub(super) fn read_retention(page: &mut Page<'_>, root: &Section<'_>) -> Retention {
    let mut kept = Retention::default();
    let Some(section) = root.section(page, "failing_rows") else { return kept };
    section.only(page, RETENTION_KEYS);
    for (key, value) in [("days", &mut kept.days), ("runs", &mut kept.runs)] {
        let Some((number, place)) = section.whole_number(page, key) else { continue };
        match u32::try_from(number) {
            Ok(number) if number > 0 => *value = number,
            _ => page.mistake(place, format!("`{key}` is a whole number of at least 1")),
        }
    }
    kept
}

struct Known<'k> {
    silver: &'k [&'k str],
    gold: &'k [&'k str],
    files: &'k TextFiles,
    folder: &'k Path,
}

impl Known<'_> {
    fn ruleset(&self, page: &mut Page<'_>, layer: Layer, table: &str, section: &Section<'_>) -> Option<Ruleset> {
        section.only(page, QUALITY_KEYS);
        let file = section.needed(page, "rules");
        let text = file.as_ref().and_then(|file| self.text(page, file));
        let references = self.references(page, layer, table, section);
        let warn = section.texts(page, "warn").iter().map(|rule| rule.value.to_owned()).collect();
        let (file, text) = (PathBuf::from(file?.value), text?);
        Some(Ruleset { layer, table: table.to_owned(), file, text, references, warn })
    }

    fn text(&self, page: &mut Page<'_>, file: &Text<'_>) -> Option<String> {
        let found = self.files.get(file.value).filter(|_| is_place(file.value)).cloned();
        // One that is there and could not be read is a mistake of its own.
        if found.is_none() && !(is_place(file.value) && self.folder.join(file.value).exists()) {
            let message = match is_place(file.value) {
                true => "this file does not exist in the pipeline's folder",
                false => "rules are a file `quality/<name>.dqdl` in the pipeline's folder",
            };
            let rulesets = self.files.keys().map(String::as_str).filter(|path| is_place(path));
            page.misspelt(file.place.clone(), message, file.value, rulesets);
        }
        found
    }

    fn references(
        &self,
        page: &mut Page<'_>,
        layer: Layer,
        table: &str,
        section: &Section<'_>,
    ) -> BTreeMap<String, Reference> {
        let mut found = BTreeMap::new();
        for (alias, entry) in section.entries(page, "references") {
            check_name(page, &alias);
            if alias.value == PRIMARY {
                page.mistake(alias.place.clone(), "`primary` is the table that the rules judge");
            }
            let (named, same_dates) = match entry {
                Entry::Text(text) => (Some(text), false),
                Entry::Section(section) => {
                    section.only(page, REFERENCE_KEYS);
                    (section.needed(page, "table"), section.flag(page, "same_dates").unwrap_or(false))
                }
            };
            let Some(named) = named else { continue };
            if let Some((layer, table)) = self.table(page, layer, table, &named) {
                found.insert(alias.value.to_owned(), Reference { layer, table, same_dates });
            }
        }
        found
    }

    /// A silver table sees those above it, since they are filled in that order; a gold one also all of silver.
    fn table(&self, page: &mut Page<'_>, layer: Layer, own: &str, named: &Text<'_>) -> Option<(Layer, String)> {
        let silver = self.silver.iter().map(|name| (Layer::Silver, *name));
        let gold = self.gold.iter().map(|name| (Layer::Gold, *name));
        let all: Vec<(Layer, &str)> = silver.chain(gold).collect();
        let full = |(layer, name): &(Layer, &str)| format!("{layer}.{name}");
        let Some(found) = all.iter().copied().find(|table| full(table) == named.value) else {
            let names: Vec<String> = all.iter().map(full).collect();
            let message = format!("there is no table `{}` in this pipeline", named.value);
            page.misspelt(named.place.clone(), message, named.value, names.iter().map(String::as_str));
            return None;
        };
        let place = |name: &str| self.silver.iter().position(|known| *known == name);
        let message = if found == (layer, own) {
            "a table is no reference of its own rules; they call it `primary`".to_owned()
        } else if layer == Layer::Silver && found.0 == Layer::Gold {
            format!("`{}` is filled after `silver.{own}` is published, so rules cannot look at it", named.value)
        } else if layer == Layer::Silver && place(found.1) > place(own) {
            format!("`{}` is filled after `silver.{own}`; declare it above", named.value)
        } else {
            return Some((found.0, found.1.to_owned()));
        };
        page.mistake(named.place.clone(), message);
        None
    }
}

fn is_place(path: &str) -> bool {
    let name = path.strip_prefix("quality/").and_then(|name| name.strip_suffix(".dqdl"));
    name.is_some_and(|name| !name.is_empty() && !name.contains(['/', '\\']))
}
