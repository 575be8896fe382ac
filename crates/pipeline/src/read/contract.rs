//! Silver contracts: `[silver.<table>]`, its columns and its checks.

use super::column::{self, Around};
use super::page::Page;
use super::places::Places;
use super::publication;
use super::record_path::read_explode;
use super::section::{Section, Text};
use crate::contract::{Check, ColumnType, Contract, Gate, SilverMode};
use crate::definition::Source;
use crate::diagnostic::TextMistake;
use crate::expression::{Expression, Kind, Number};
use crate::words::Word;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::str::FromStr;

pub(crate) const SILVER_KEYS: &[&str] = &[
    "source",
    "explode",
    "key",
    "partition",
    "mode",
    "version",
    "gate",
    "folder",
    "publish",
    "quality",
    "columns",
    "checks",
];
pub(crate) const GATE_KEYS: &[&str] = &["accepted", "except"];

/// A column's name and its type, which is missing where it has a mistake.
pub(super) type Types<'d> = Vec<(&'d str, Option<ColumnType>)>;

type Columns<'d> = [(Text<'d>, Section<'d>)];

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ModeWord {
    Replace,
    Upsert,
}

impl Word for ModeWord {
    const NAME: &'static str = "a mode";
    const WORDS: &'static [(&'static str, Self)] = &[("replace", ModeWord::Replace), ("upsert", ModeWord::Upsert)];
}

/// A mistake leaves a contract with what could be read, so that references to its name are still checked.
pub(super) fn read(page: &mut Page<'_>, root: &Section<'_>, sources: &[Source], places: &mut Places) -> Vec<Contract> {
    let tables = root.sections(page, "silver");
    tables.into_iter().map(|(name, section)| read_contract(page, &name, &section, sources, places)).collect()
}

fn read_contract(
    page: &mut Page<'_>,
    name: &Text<'_>,
    section: &Section<'_>,
    sources: &[Source],
    places: &mut Places,
) -> Contract {
    section.only(page, SILVER_KEYS);
    let source = read_source(page, section, sources);
    section.require(page, "columns");
    let columns = section.sections(page, "columns");
    if columns.is_empty() && section.has("columns") {
        page.mistake(section.place_of("columns"), "a table has at least one column");
    }
    let types: Types<'_> = columns
        .iter()
        .map(|(name, column)| (name.value, column.needed(page, "type").and_then(|kind| parsed(page, &kind))))
        .collect();
    let known_source = sources.iter().find(|known| known.name == source);
    let explode = read_explode(page, section, known_source);
    let around = Around::new(&columns, &types, &explode, known_source);
    let read = columns.iter().zip(&types);
    let read =
        read.filter_map(|((name, column), (_, kind))| column::read(page, name, column, *kind, &around)).collect();
    let key = read_key(page, section, &types);
    let mode = read_mode(page, section, &types, &columns, &key);
    refuse_masked(page, section, &columns);
    let table = format!("silver.{}", name.value);
    let folder = read_folder(page, section, &table, name, places);
    let quarantine = format!("quarantine/{}", name.value);
    places.take(page, format!("the quarantine of `{table}`"), &quarantine, &name.place);
    let unnamed = (mode != SilverMode::Replace)
        .then_some("in a table of mode `upsert` a file's rows are replaced by later ones, so no file is named by it");
    Contract {
        table: name.value.to_owned(),
        source,
        partition: read_partition(page, section, &types, &columns),
        checks: read_checks(page, section, &around),
        gate: read_gate(page, section, &around),
        publish: publication::read(page, section, &table, unnamed, places),
        columns: read,
        key,
        mode,
        explode,
        folder,
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

/// Reads a table's own folder, and takes it or that of its layer. `table` is `<layer>.<name>`.
pub(super) fn read_folder(
    page: &mut Page<'_>,
    section: &Section<'_>,
    table: &str,
    name: &Text<'_>,
    places: &mut Places,
) -> Option<String> {
    let owner = format!("the table `{table}`");
    let folder = section.text(page, "folder");
    match &folder {
        Some(folder) => places.take_folder(page, owner, folder),
        None => places.take(page, owner, &table.replacen('.', "/", 1), &name.place),
    }
    folder.map(|folder| folder.value.to_owned())
}

/// Rows without their key could not be told apart, and failing rows of two runs not be compared.
fn refuse_masked(page: &mut Page<'_>, section: &Section<'_>, columns: &Columns<'_>) {
    let named: BTreeSet<&str> = ["key", "partition"].iter().flat_map(|key| section.quiet_texts(key)).collect();
    for column in named {
        if let Some((name, section)) = columns.iter().find(|(name, _)| name.value == column)
            && section.is_true("pii")
        {
            let message = format!("`{column}` tells rows apart, so it cannot be masked; name no person in a key");
            page.mistake(name.place.clone(), message);
        }
    }
}

fn read_mode(
    page: &mut Page<'_>,
    section: &Section<'_>,
    types: &Types<'_>,
    columns: &Columns<'_>,
    key: &[String],
) -> SilverMode {
    let version = section.text(page, "version");
    let mode = section.word(page, "mode");
    if mode != Some(ModeWord::Upsert) {
        // A mode that is no word may have been meant as an upsert.
        if let Some(version) = version.filter(|_| mode.is_some() || !section.has("mode")) {
            page.mistake(version.place, "only `mode = \"upsert\"` has a version");
        }
        return SilverMode::Replace;
    }
    if key.is_empty() {
        page.mistake(section.place_of("mode"), "an upsert needs a key: the columns that identify a row");
    }
    for column in key {
        require_value(page, columns, column, "is in the key of an upsert");
    }
    let Some(version) = section.needed(page, "version") else { return SilverMode::Replace };
    if let Some(kind @ (ColumnType::Double | ColumnType::Boolean)) = type_of(page, &version, types) {
        let message = format!("a version grows with every change, and `{}` is {}", version.value, kind.named());
        page.mistake(version.place.clone(), message);
    }
    require_value(page, columns, version.value, "is the version");
    SilverMode::Upsert { version: version.value.to_owned() }
}

fn read_partition(page: &mut Page<'_>, section: &Section<'_>, types: &Types<'_>, columns: &Columns<'_>) -> String {
    let Some(partition) = section.needed(page, "partition") else { return String::new() };
    let kind = type_of(page, &partition, types);
    if let Some(kind) = kind.filter(|kind| *kind != ColumnType::Date) {
        let message = format!("the partition is a date column, and `{}` is {}", partition.value, kind.named());
        page.mistake(partition.place.clone(), message);
    }
    require_value(page, columns, partition.value, "is the partition");
    partition.value.to_owned()
}

/// Reports a column that may be null where that has no meaning.
fn require_value(page: &mut Page<'_>, columns: &Columns<'_>, column: &str, role: &str) {
    if let Some((name, section)) = columns.iter().find(|(name, _)| name.value == column)
        && !section.is_true("required")
    {
        page.mistake(name.place.clone(), format!("`{column}` {role}, so it needs `required = true`"));
    }
}

fn read_checks(page: &mut Page<'_>, section: &Section<'_>, around: &Around<'_>) -> Vec<Check> {
    let checks = section.named_texts(page, "checks");
    let mut read = Vec::new();
    for (name, text) in checks {
        if let Some(condition) = around.expression(page, &text, Kind::Truth, "a check is a condition") {
            read.push(Check { name: name.value.to_owned(), condition });
        }
    }
    read
}

fn read_gate(page: &mut Page<'_>, section: &Section<'_>, around: &Around<'_>) -> Option<Gate> {
    let gate = section.section(page, "gate")?;
    gate.only(page, GATE_KEYS);
    let text = gate.needed(page, "accepted");
    let except = gate.text(page, "except").and_then(|text| read_except(page, &text, around));
    let text = text?;
    let limit = |whole| Number { unscaled: whole, scale: 0 };
    let accepted = Number::parse(text.value)
        .filter(|number| number.compare(limit(0)) != Ordering::Less && number.compare(limit(100)) != Ordering::Greater);
    if accepted.is_none() {
        page.mistake(text.place, "the least share of accepted records is a percentage from 0 to 100, such as \"99.5\"");
    }
    Some(Gate { accepted: accepted?, except })
}

/// A refused record may have no value but its texts.
fn read_except(page: &mut Page<'_>, text: &Text<'_>, around: &Around<'_>) -> Option<Expression> {
    let except = around.expression(page, text, Kind::Truth, "what a gate leaves out is a condition")?;
    let mut is_known = true;
    let mut refuse = |page: &mut Page<'_>, message: String| {
        is_known = false;
        page.mistake(text.place.clone(), message);
    };
    for column in except.columns() {
        let kind = around.types.iter().find(|(name, _)| *name == column).and_then(|(_, kind)| *kind);
        if let Some(kind) = kind.filter(|kind| !matches!(kind, ColumnType::String { .. })) {
            refuse(
                page,
                format!("a gate looks at strings, which a refused record also has, and `{column}` is {}", kind.named()),
            );
        } else if around.is_computed(column) {
            refuse(page, format!("a refused record has no computed columns, and `{column}` is one"));
        }
    }
    if except.uses_file_date() {
        refuse(page, "a gate looks at a record's strings, and `file_date()` is none".to_owned());
    }
    is_known.then_some(except)
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

pub(super) fn parsed<T: FromStr<Err = TextMistake>>(page: &mut Page<'_>, text: &Text<'_>) -> Option<T> {
    let parsed = text.value.parse();
    parsed.map_err(|mistake| page.inside(&text.place, text.value, mistake)).ok()
}
