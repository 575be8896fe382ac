//! What fills a source's folder: `feed = { postgres = … }`, `{ dynamodb = … }` or `{ kaggle = … }`.

use super::page::Page;
use super::section::{Section, Text, check_name};
use crate::contract::ColumnType;
use crate::definition::{Feed, Format, ScanFeed, Source, TableFeed};
use crate::words::Word;
use std::ops::RangeInclusive;

pub(crate) const POSTGRES_KEYS: &[&str] = &["postgres", "table", "key", "watermark", "page_rows"];
pub(crate) const DYNAMODB_KEYS: &[&str] = &["dynamodb", "table", "columns", "segments", "read_units"];
pub(crate) const KAGGLE_KEYS: &[&str] = &["kaggle", "file"];

const PAGE_ROWS: u32 = 10_000;
const SEGMENTS: u16 = 4;

/// Below this folder each extraction lands in one of its own.
const LANDING: &str = "extracted_at=*";

/// Takes the section of the source, and the source as far as it is read.
pub(super) fn read(page: &mut Page<'_>, section: &Section<'_>, source: &Source) -> Option<Feed> {
    let feed = section.section(page, "feed")?;
    let kinds: Vec<&str> = ["postgres", "dynamodb", "kaggle"].into_iter().filter(|kind| feed.has(kind)).collect();
    match kinds.as_slice() {
        ["postgres"] => {
            check_landing(page, section, source);
            read_table(page, &feed).map(Feed::Postgres)
        }
        ["dynamodb"] => {
            check_landing(page, section, source);
            read_scan(page, &feed).map(Feed::DynamoDb)
        }
        ["kaggle"] => read_kaggle(page, section, &feed, source),
        _ => {
            page.mistake(feed.place.clone(), "a feed names one of postgres, dynamodb, kaggle");
            None
        }
    }
}

fn check_landing(page: &mut Page<'_>, section: &Section<'_>, source: &Source) {
    let folder = source.path.strip_suffix(LANDING).and_then(|folder| folder.strip_suffix('/'));
    if section.has("path") && folder.is_none_or(|folder| folder.contains('*')) {
        let message = format!("this source is fed from a table, so its path ends in `/{LANDING}` and has no other `*`");
        page.mistake(section.place_of("path"), message);
    }
    if section.has("formats") && source.formats != [Format::Parquet] {
        page.mistake(section.place_of("formats"), "what is fed from a table is Parquet: formats = [\"parquet\"]");
    }
}

fn read_table(page: &mut Page<'_>, feed: &Section<'_>) -> Option<TableFeed> {
    feed.only(page, POSTGRES_KEYS);
    let connection = read_connection(page, feed, "postgres");
    let table = feed.needed(page, "table");
    let key = feed.needed_texts(page, "key");
    let watermark = feed.text(page, "watermark");
    if let Some(table) = &table
        && !table.value.split_once('.').is_some_and(|(schema, table)| is_identifier(schema) && is_identifier(table))
    {
        page.mistake(table.place.clone(), "a table of PostgreSQL is named with its schema: `schema.table`");
    }
    for column in key.iter().chain(&watermark).filter(|column| !is_identifier(column.value)) {
        page.mistake(column.place.clone(), "this is no name of a column");
    }
    let page_rows = read_number(page, feed, "page_rows", 1..=1_000_000);
    Some(TableFeed {
        connection: connection?,
        table: table?.value.to_owned(),
        key: key.iter().map(|column| column.value.to_owned()).collect(),
        watermark: watermark.map(|column| column.value.to_owned()),
        page_rows: page_rows.unwrap_or(PAGE_ROWS),
    })
}

/// Names that PostgreSQL keeps whole; it cuts longer ones silently.
fn is_identifier(name: &str) -> bool {
    (1..=63).contains(&name.len()) && !name.contains(|c: char| c.is_control() || c == '.' || c == '"')
}

fn read_scan(page: &mut Page<'_>, feed: &Section<'_>) -> Option<ScanFeed> {
    feed.only(page, DYNAMODB_KEYS);
    let connection = read_connection(page, feed, "dynamodb");
    let table = feed.needed(page, "table");
    if let Some(table) = &table
        && !((3..=255).contains(&table.value.len()) && table.value.chars().all(is_plain))
    {
        let message = "a table of DynamoDB has 3 to 255 letters, digits, `_`, `-` and `.` in its name";
        page.mistake(table.place.clone(), message);
    }
    feed.require(page, "columns");
    let mut columns = Vec::new();
    let written = feed.foreign_texts(page, "columns");
    if written.is_empty() && feed.has("columns") {
        page.mistake(feed.place_of("columns"), "a table has at least one column");
    }
    for (name, text) in written {
        if name.value.is_empty() || name.value.chars().any(char::is_control) {
            page.mistake(name.place.clone(), "this is no name of an attribute");
        }
        match text.value.parse::<ColumnType>() {
            Err(mistake) => page.inside(&text.place, text.value, mistake),
            Ok(kind @ (ColumnType::Date | ColumnType::Timestamp | ColumnType::Instant)) => {
                let message = format!("DynamoDB has no {kind}; declare the attribute as a string");
                page.mistake(text.place.clone(), message);
            }
            Ok(kind) => columns.push((name.value.to_owned(), kind)),
        }
    }
    let segments = read_number(page, feed, "segments", 1..=1_000);
    let read_units = read_number(page, feed, "read_units", 1..=1_000_000);
    Some(ScanFeed {
        connection: connection?,
        table: table?.value.to_owned(),
        columns,
        segments: segments.unwrap_or(SEGMENTS),
        read_units,
    })
}

fn read_kaggle(page: &mut Page<'_>, section: &Section<'_>, feed: &Section<'_>, source: &Source) -> Option<Feed> {
    feed.only(page, KAGGLE_KEYS);
    if source.path.contains('*') {
        page.mistake(section.place_of("path"), "a data set is downloaded into one folder, so the path has no `*`");
    }
    let dataset = feed.text(page, "kaggle");
    let file = feed.needed(page, "file");
    if let Some(dataset) = &dataset
        && !dataset.value.split_once('/').is_some_and(|(owner, name)| is_plain_name(owner) && is_plain_name(name))
    {
        page.mistake(dataset.place.clone(), "a data set of Kaggle is written `owner/name`");
    }
    if let Some(file) = &file {
        check_file(page, file, source);
    }
    Some(Feed::Kaggle { dataset: dataset?.value.to_owned(), file: file?.value.to_owned() })
}

/// Files with other names would be left out when the folder is read.
fn check_file(page: &mut Page<'_>, file: &Text<'_>, source: &Source) {
    let name = file.value;
    if name.starts_with(['.', '_']) || name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | ':')) {
        page.mistake(file.place.clone(), "this is no name of a file; it has no folder and begins with no `.` or `_`");
    } else if !source.formats.is_empty()
        && !source.formats.iter().any(|format| name.ends_with(&format!(".{}", format.word())))
    {
        let words: Vec<&str> = source.formats.iter().map(|format| format.word()).collect();
        let message = format!("the source reads {}, and this file's name ends otherwise", words.join(", "));
        page.mistake(file.place.clone(), message);
    }
}

fn read_connection(page: &mut Page<'_>, feed: &Section<'_>, key: &str) -> Option<String> {
    let connection = feed.text(page, key)?;
    check_name(page, &connection);
    Some(connection.value.to_owned())
}

fn read_number<N: TryFrom<i64>>(
    page: &mut Page<'_>,
    feed: &Section<'_>,
    key: &str,
    range: RangeInclusive<i64>,
) -> Option<N> {
    let (number, place) = feed.whole_number(page, key)?;
    let found = if range.contains(&number) { N::try_from(number).ok() } else { None };
    if found.is_none() {
        page.mistake(place, format!("`{key}` is from {} to {}", range.start(), range.end()));
    }
    found
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain)
}
