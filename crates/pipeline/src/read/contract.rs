//! Silver contracts: `[silver.<table>]`, its columns and its checks.

use super::formats;
use super::page::Page;
use super::section::{Section, Text, word};
use crate::contract::{Check, Column, ColumnType, Contract, Range, SilverMode};
use crate::definition::Source;
use crate::diagnostic::TextMistake;
use crate::expression::{Expression, Kind, parse_over};
use std::str::FromStr;

pub(crate) const SILVER_KEYS: &[&str] = &["source", "key", "partition", "columns", "checks"];
pub(crate) const COLUMN_KEYS: &[&str] = &["type", "path", "formats", "required", "range", "clean", "default"];

/// A column's name and its type, which is missing where it has a mistake.
type Types<'d> = Vec<(&'d str, Option<ColumnType>)>;

/// A mistake leaves a contract with what could be read, so that references to its name are still checked.
pub(super) fn read(page: &mut Page<'_>, root: &Section<'_>, sources: &[Source]) -> Vec<Contract> {
    let tables = root.sections(page, "silver");
    tables.into_iter().map(|(name, section)| read_contract(page, &name, &section, sources)).collect()
}

fn read_contract(page: &mut Page<'_>, name: &Text<'_>, section: &Section<'_>, sources: &[Source]) -> Contract {
    section.only(page, SILVER_KEYS);
    section.require(page, "columns");
    let columns = section.sections(page, "columns");
    if columns.is_empty() && section.has("columns") {
        page.mistake(section.place_of("columns"), "a table has at least one column");
    }
    let types: Types<'_> = columns
        .iter()
        .map(|(name, column)| (name.value, column.needed(page, "type").and_then(|kind| parsed(page, &kind))))
        .collect();
    let with_default: Vec<&str> =
        columns.iter().filter(|(_, column)| column.has("default")).map(|(name, _)| name.value).collect();
    let read: Vec<Column> = columns
        .iter()
        .zip(&types)
        .filter_map(|((name, column), (_, kind))| read_column(page, name, column, *kind, &types, &with_default))
        .collect();
    Contract {
        table: name.value.to_owned(),
        source: read_source(page, section, sources),
        key: read_key(page, section, &types),
        partition: read_partition(page, section, &types, &columns),
        checks: read_checks(page, section, &types),
        columns: read,
        mode: SilverMode::Replace,
        explode: Vec::new(),
        gate: None,
        folder: None,
        publish: Vec::new(),
    }
}

fn read_source(page: &mut Page<'_>, section: &Section<'_>, sources: &[Source]) -> String {
    let Some(source) = section.needed(page, "source") else { return String::new() };
    if !sources.iter().any(|known| known.name == source.value) {
        let message = format!("there is no source `{0}`: `[bronze.{0}]` is missing", source.value);
        page.misspelt(source.place, message, source.value, sources.iter().map(|known| known.name.as_str()));
    }
    source.value.to_owned()
}

fn read_key(page: &mut Page<'_>, section: &Section<'_>, types: &Types<'_>) -> Vec<String> {
    let key = section.texts(page, "key");
    for column in &key {
        if type_of(page, column, types) == Some(ColumnType::Double) {
            page.mistake(column.place.clone(), "a double is not exact, so it cannot identify a record");
        }
    }
    key.iter().map(|column| column.value.to_owned()).collect()
}

fn read_partition(
    page: &mut Page<'_>,
    section: &Section<'_>,
    types: &Types<'_>,
    columns: &[(Text<'_>, Section<'_>)],
) -> String {
    let Some(partition) = section.needed(page, "partition") else { return String::new() };
    let kind = type_of(page, &partition, types);
    if let Some(kind) = kind.filter(|kind| *kind != ColumnType::Date) {
        let message = format!("the partition is a date column, and `{}` is a {kind}", partition.value);
        page.mistake(partition.place.clone(), message);
    }
    let column = columns.iter().find(|(name, _)| name.value == partition.value);
    if let Some((name, column)) = column
        && !column.is_true("required")
    {
        let message = format!("`{}` is the partition, so it needs `required = true`", name.value);
        page.mistake(name.place.clone(), message);
    }
    partition.value.to_owned()
}

fn read_checks(page: &mut Page<'_>, section: &Section<'_>, types: &Types<'_>) -> Vec<Check> {
    let checks = section.named_texts(page, "checks");
    let mut read = Vec::new();
    for (name, text) in checks {
        if let Some(condition) = expression(page, &text, types, Kind::Truth, "a check is a condition") {
            read.push(Check { name: name.value.to_owned(), condition });
        }
    }
    read
}

fn read_column(
    page: &mut Page<'_>,
    name: &Text<'_>,
    section: &Section<'_>,
    kind: Option<ColumnType>,
    types: &Types<'_>,
    with_default: &[&str],
) -> Option<Column> {
    section.only(page, COLUMN_KEYS);
    let path = section.path(page, "path").unwrap_or_else(|| vec![name.value.to_owned()]);
    let required = section.flag(page, "required").unwrap_or(false);
    let range = section.text(page, "range").and_then(|range| parsed::<Range>(page, &range));
    let clean = section.texts(page, "clean").iter().filter_map(|text| word(page, text)).collect();
    let formats = section.texts(page, "formats");
    let kind = kind?;
    check_formats(page, name, section, kind, &formats);
    let is_string = matches!(kind, ColumnType::String { .. });
    let is_number = !is_string && !matches!(kind, ColumnType::Boolean | ColumnType::Date | ColumnType::Timestamp);
    if section.has("range") && !is_number {
        page.mistake(section.place_of("range"), format!("a range is for numbers, and `{}` is a {kind}", name.value));
    }
    if section.has("clean") && !is_string {
        page.mistake(section.place_of("clean"), format!("cleaning is for strings, and `{}` is a {kind}", name.value));
    }
    Some(Column {
        name: name.value.to_owned(),
        path,
        kind,
        formats: formats.iter().map(|format| format.value.to_owned()).collect(),
        required,
        range,
        clean,
        default: section.text(page, "default").and_then(|text| {
            let default = read_default(page, name, &text, kind, types)?;
            check_default_columns(page, &text, &default, with_default);
            Some(default)
        }),
        computed: None,
    })
}

fn check_formats(page: &mut Page<'_>, name: &Text<'_>, section: &Section<'_>, kind: ColumnType, formats: &[Text<'_>]) {
    if !matches!(kind, ColumnType::Date | ColumnType::Timestamp) {
        if section.has("formats") {
            let message = format!("formats are for dates and timestamps, and `{}` is a {kind}", name.value);
            page.mistake(section.place_of("formats"), message);
        }
        return;
    }
    if !section.has("formats") {
        let message = format!("`formats` is missing: a {kind} is never guessed, for example formats = [\"%Y-%m-%d\"]");
        page.mistake(section.place.clone(), message);
    }
    section.not_empty(page, "formats");
    for format in formats {
        if let Err(mistake) = formats::check(format.value, kind) {
            page.inside(&format.place, format.value, mistake);
        }
    }
}

fn read_default(
    page: &mut Page<'_>,
    name: &Text<'_>,
    text: &Text<'_>,
    kind: ColumnType,
    types: &Types<'_>,
) -> Option<Expression> {
    let wanted = match kind {
        ColumnType::String { .. } => Kind::Text,
        ColumnType::Boolean => Kind::Truth,
        ColumnType::Date | ColumnType::Timestamp => {
            page.mistake(text.place.clone(), format!("a {kind} has no default; expressions do not compute dates"));
            return None;
        }
        _ => Kind::Number { whole: 0, scale: 0 },
    };
    expression(page, text, types, wanted, &format!("`{}` is a {kind}", name.value))
}

/// Defaults that use each other would depend on the order in which they are computed.
fn check_default_columns(page: &mut Page<'_>, text: &Text<'_>, default: &Expression, with_default: &[&str]) {
    for column in default.columns().into_iter().filter(|column| with_default.contains(column)) {
        let message = format!("a default cannot use `{column}`, because `{column}` has a default itself");
        page.mistake(text.place.clone(), message);
    }
}

fn expression(page: &mut Page<'_>, text: &Text<'_>, types: &Types<'_>, wanted: Kind, why: &str) -> Option<Expression> {
    match parse_over(text.value, types) {
        Ok((expression, kind)) if kind.fits(wanted) => Some(expression),
        Ok((_, kind)) => {
            page.mistake(text.place.clone(), format!("{why}, and this gives {}", kind.words()));
            None
        }
        Err(mistakes) => {
            for mistake in mistakes {
                page.inside(&text.place, text.value, mistake);
            }
            None
        }
    }
}

/// The type of a column that is referred to; a column that does not exist is a mistake.
fn type_of(page: &mut Page<'_>, column: &Text<'_>, types: &Types<'_>) -> Option<ColumnType> {
    let found = types.iter().find(|(name, _)| *name == column.value);
    if found.is_none() {
        let message = format!("there is no column `{}`", column.value);
        page.misspelt(column.place.clone(), message, column.value, types.iter().map(|(name, _)| *name));
    }
    found.and_then(|(_, kind)| *kind)
}

fn parsed<T: FromStr<Err = TextMistake>>(page: &mut Page<'_>, text: &Text<'_>) -> Option<T> {
    let parsed = text.value.parse();
    parsed.map_err(|mistake| page.inside(&text.place, text.value, mistake)).ok()
}
