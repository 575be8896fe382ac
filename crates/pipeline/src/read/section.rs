//! A table of a TOML file: typed access to its keys, with the place of each.

use super::page::Page;
use crate::diagnostic::Mistakes;
use crate::names;
use crate::words::Word;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text and where it stands, quotes included.
#[derive(Debug, Clone)]
pub(crate) struct Text<'d> {
    pub(crate) value: &'d str,
    pub(crate) place: Range<usize>,
}

/// A value that is a text or a table.
pub(crate) enum Entry<'d> {
    Text(Text<'d>),
    Section(Section<'d>),
}

pub(crate) struct Section<'d> {
    table: &'d DeTable<'d>,
    /// Its name in the header or before the `=`.
    pub(crate) place: Range<usize>,
}

/// Parses a file; syntax mistakes end the reading, because what follows one is a guess.
pub(crate) fn parse<'t>(file: &Path, text: &'t str) -> Result<Spanned<DeTable<'t>>, Mistakes> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table);
    }
    let mut page = Page::new(file, text);
    for error in errors {
        page.mistake(error.span().unwrap_or(0..0), error.message());
    }
    Err(page.into_mistakes())
}

impl<'d> Section<'d> {
    pub(crate) fn root(document: &'d Spanned<DeTable<'d>>) -> Self {
        Self { table: document.get_ref(), place: 0..0 }
    }

    /// Reports each key that is not one of `keys`.
    pub(crate) fn only(&self, page: &mut Page<'_>, keys: &[&str]) {
        for key in self.table.keys() {
            let name = key.get_ref();
            if !keys.contains(&name.as_ref()) {
                let message = format!("the key `{name}` is not known here; known are {}", keys.join(", "));
                page.misspelt(key.span(), message, name, keys.iter().copied());
            }
        }
    }

    pub(crate) fn text(&self, page: &mut Page<'_>, key: &str) -> Option<Text<'d>> {
        text(page, self.table.get(key)?, key)
    }

    /// A text that must be there.
    pub(crate) fn needed(&self, page: &mut Page<'_>, key: &str) -> Option<Text<'d>> {
        self.require(page, key);
        self.text(page, key)
    }

    pub(crate) fn flag(&self, page: &mut Page<'_>, key: &str) -> Option<bool> {
        let value = self.table.get(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            unexpected(page, value, key, "true or false");
        }
        flag
    }

    pub(crate) fn whole_number(&self, page: &mut Page<'_>, key: &str) -> Option<(i64, Range<usize>)> {
        let value = self.table.get(key)?;
        let number = value.get_ref().as_integer();
        let number = number.and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        if number.is_none() {
            unexpected(page, value, key, "a whole number");
        }
        Some((number?, value.span()))
    }

    /// A list of texts, each once; empty when the key is missing.
    pub(crate) fn texts(&self, page: &mut Page<'_>, key: &str) -> Vec<Text<'d>> {
        let Some(value) = self.table.get(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            unexpected(page, value, key, "a list of texts");
            return Vec::new();
        };
        let mut found: Vec<Text<'d>> = Vec::new();
        for item in items.iter() {
            let Some(item) = text(page, item, key) else { continue };
            if found.iter().any(|other| other.value == item.value) {
                page.mistake(item.place, format!("`{}` stands in this list twice", item.value));
            } else {
                found.push(item);
            }
        }
        found
    }

    /// A list that must be there and hold something.
    pub(crate) fn needed_texts(&self, page: &mut Page<'_>, key: &str) -> Vec<Text<'d>> {
        self.require(page, key);
        self.not_empty(page, key);
        self.texts(page, key)
    }

    /// Reports a list without elements.
    pub(crate) fn not_empty(&self, page: &mut Page<'_>, key: &str) {
        if let Some(value) = self.table.get(key)
            && value.get_ref().as_array().is_some_and(|items| items.is_empty())
        {
            page.mistake(value.span(), format!("`{key}` is empty"));
        }
    }

    /// A text, or the texts of a list, for a reader that comes after one who reported what is wrong with them.
    pub(crate) fn quiet_texts(&self, key: &str) -> Vec<&'d str> {
        match self.table.get(key).map(Spanned::get_ref) {
            Some(DeValue::Array(items)) => items.iter().filter_map(|item| item.get_ref().as_str()).collect(),
            Some(value) => value.as_str().into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Reads a flag without reporting one that is none.
    pub(crate) fn is_true(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| value.get_ref().as_bool() == Some(true))
    }

    pub(crate) fn word<W: Word>(&self, page: &mut Page<'_>, key: &str) -> Option<W> {
        let text = self.text(page, key)?;
        word(page, &text)
    }

    pub(crate) fn section(&self, page: &mut Page<'_>, key: &str) -> Option<Section<'d>> {
        let (name, value) = self.table.get_key_value(key)?;
        section(page, name.get_ref(), name.span(), value)
    }

    /// The tables of a table, by name, in the order of the file. Names are checked.
    pub(crate) fn sections(&self, page: &mut Page<'_>, key: &str) -> Vec<(Text<'d>, Section<'d>)> {
        let Some(outer) = self.section(page, key) else { return Vec::new() };
        let mut found = Vec::new();
        for (name, value) in outer.table {
            let text = Text { value: name.get_ref(), place: name.span() };
            check_name(page, &text);
            if let Some(section) = section(page, text.value, text.place.clone(), value) {
                found.push((text, section));
            }
        }
        found
    }

    /// The texts of a table, by name, in the order of the file. Names are checked.
    pub(crate) fn named_texts(&self, page: &mut Page<'_>, key: &str) -> Vec<(Text<'d>, Text<'d>)> {
        let found = self.foreign_texts(page, key);
        for (name, _) in &found {
            check_name(page, name);
        }
        found
    }

    /// As `named_texts`, where the names are those of another program.
    pub(crate) fn foreign_texts(&self, page: &mut Page<'_>, key: &str) -> Vec<(Text<'d>, Text<'d>)> {
        let Some(outer) = self.section(page, key) else { return Vec::new() };
        let mut found = Vec::new();
        for (name, value) in outer.table {
            let name = Text { value: name.get_ref(), place: name.span() };
            found.extend(text(page, value, name.value).map(|text| (name, text)));
        }
        found
    }

    /// The entries of a table by name, each a text or a table, in the order of the file.
    pub(crate) fn entries(&self, page: &mut Page<'_>, key: &str) -> Vec<(Text<'d>, Entry<'d>)> {
        let Some(outer) = self.section(page, key) else { return Vec::new() };
        let mut found = Vec::new();
        for (name, value) in outer.table {
            let name = Text { value: name.get_ref(), place: name.span() };
            let entry = match value.get_ref() {
                DeValue::Table(table) => Some(Entry::Section(Section { table, place: name.place.clone() })),
                _ => text(page, value, name.value).map(Entry::Text),
            };
            found.extend(entry.map(|entry| (name, entry)));
        }
        found
    }

    /// The tables of a table, by name, for a reader that comes after one who reported what is wrong with them.
    pub(crate) fn quietly(&self, key: &str) -> Vec<(&'d str, Section<'d>)> {
        let outer = self.table.get(key).and_then(|value| value.get_ref().as_table());
        let inner = outer.into_iter().flatten().filter_map(|(name, value)| {
            let table = value.get_ref().as_table()?;
            Some((name.get_ref().as_ref(), Section { table, place: name.span() }))
        });
        inner.collect()
    }

    /// A list of tables; empty when the key is missing.
    pub(crate) fn list(&self, page: &mut Page<'_>, key: &str) -> Vec<Section<'d>> {
        let Some(value) = self.table.get(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            unexpected(page, value, key, "a list of tables");
            return Vec::new();
        };
        items.iter().filter_map(|item| section(page, key, item.span(), item)).collect()
    }

    /// The names of a path in a record, from the outside in: one text with points between them, or a list of texts.
    pub(crate) fn names(&self, page: &mut Page<'_>, key: &str) -> Option<Vec<&'d str>> {
        let value = self.table.get(key)?;
        let names: Vec<&str> = match value.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| Some(text(page, item, key)?.value)).collect(),
            _ => text(page, value, key)?.value.split('.').collect(),
        };
        if names.is_empty() {
            page.mistake(value.span(), format!("`{key}` is empty"));
        }
        if names.iter().any(|name| matches!(*name, "" | "[]")) {
            page.mistake(value.span(), "a name in a record is not empty");
        }
        Some(names)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where the value of a key stands; the section's name when there is none.
    pub(crate) fn place_of(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or(self.place.clone(), Spanned::span)
    }

    pub(crate) fn require(&self, page: &mut Page<'_>, key: &str) {
        if !self.has(key) {
            page.mistake(self.place.clone(), format!("`{key}` is missing"));
        }
    }
}

/// Names become folders, columns and tables, so they are lower_snake and fit PostgreSQL.
pub(crate) fn check_name(page: &mut Page<'_>, name: &Text<'_>) {
    if names::is_name(name.value) {
        return;
    }
    let message = format!(
        "`{}` is not a name: lower-case letters, digits and `_`, a letter first, at most {} characters",
        name.value,
        names::NAME_LIMIT
    );
    page.suggest(name.place.clone(), message, names::to_name(name.value));
}

fn section<'d>(
    page: &mut Page<'_>,
    name: &str,
    place: Range<usize>,
    value: &'d Spanned<DeValue<'d>>,
) -> Option<Section<'d>> {
    let table = value.get_ref().as_table();
    if table.is_none() {
        unexpected(page, value, name, "a table");
    }
    table.map(|table| Section { table, place })
}

fn text<'d>(page: &mut Page<'_>, value: &'d Spanned<DeValue<'d>>, key: &str) -> Option<Text<'d>> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        unexpected(page, value, key, "a text in quotes");
    }
    text.map(|text| Text { value: text, place: value.span() })
}

/// One of a closed set of words.
pub(crate) fn word<W: Word>(page: &mut Page<'_>, text: &Text<'_>) -> Option<W> {
    let word = W::from_word(text.value);
    if word.is_none() {
        let words = || W::WORDS.iter().map(|(word, _)| *word);
        let message = format!("{} is one of {}", W::NAME, words().collect::<Vec<_>>().join(", "));
        page.misspelt(text.place.clone(), message, text.value, words());
    }
    word
}

fn unexpected(page: &mut Page<'_>, value: &Spanned<DeValue<'_>>, key: &str, wanted: &str) {
    let found = match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    page.mistake(value.span(), format!("`{key}` takes {wanted}, and this is {found}"));
}
