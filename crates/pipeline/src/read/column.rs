//! Columns of a contract: `<name> = { type = … }`.

use super::contract::{Types, parsed};
use super::formats;
use super::page::Page;
use super::record_path::read_path;
use super::section::{Section, Text, word};
use crate::contract::{Column, ColumnType, Range};
use crate::definition::{FileDates, Source};
use crate::expression::{Expression, Kind, parse_over};

pub(crate) const COLUMN_KEYS: &[&str] =
    &["type", "path", "formats", "required", "range", "clean", "default", "value", "pii"];

/// What a column's expressions can see of its table.
pub(super) struct Around<'t> {
    pub(super) types: &'t Types<'t>,
    with_default: Vec<&'t str>,
    /// In declared order, which is the order in which they are computed.
    with_value: Vec<&'t str>,
    explode: &'t [String],
    /// The source whose files have no date of their own.
    dateless: Option<&'t str>,
}

impl<'t> Around<'t> {
    pub(super) fn new(
        columns: &'t [(Text<'t>, Section<'t>)],
        types: &'t Types<'t>,
        explode: &'t [String],
        source: Option<&'t Source>,
    ) -> Self {
        let with =
            |key: &str| columns.iter().filter(|(_, column)| column.has(key)).map(|(name, _)| name.value).collect();
        let is_dateless = |source: &&Source| {
            source.dates == FileDates::Folder && !source.path.split('/').any(|segment| segment == "date=*")
        };
        Self {
            types,
            with_default: with("default"),
            with_value: with("value"),
            explode,
            dateless: source.filter(is_dateless).map(|source| source.name.as_str()),
        }
    }

    pub(super) fn is_computed(&self, column: &str) -> bool {
        self.with_value.contains(&column)
    }

    /// Reads an expression that must be of a kind; `why` says where that comes from.
    pub(super) fn expression(
        &self,
        page: &mut Page<'_>,
        text: &Text<'_>,
        wanted: Kind,
        why: &str,
    ) -> Option<Expression> {
        match parse_over(text.value, self.types) {
            Ok((expression, _)) if expression.uses_file_date() && self.dateless.is_some() => {
                let message = format!(
                    "the files of `{}` have no date: its path has no `date=*` folder, nor does it say `dates = \"arrival\"`",
                    self.dateless.unwrap_or_default()
                );
                page.mistake(text.place.clone(), message);
                None
            }
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
}

pub(super) fn read(
    page: &mut Page<'_>,
    name: &Text<'_>,
    section: &Section<'_>,
    kind: Option<ColumnType>,
    around: &Around<'_>,
) -> Option<Column> {
    section.only(page, COLUMN_KEYS);
    let is_computed = section.has("value");
    let path = match is_computed {
        true => vec![name.value.to_owned()],
        false => read_path(page, name, section, around.explode),
    };
    let required = section.flag(page, "required").unwrap_or(false);
    let pii = section.flag(page, "pii").unwrap_or(false);
    let range = section.text(page, "range").and_then(|range| parsed::<Range>(page, &range));
    let clean = section.texts(page, "clean").iter().filter_map(|text| word(page, text)).collect();
    let formats = section.texts(page, "formats");
    let kind = kind?;
    if is_computed {
        refuse_input(page, name, section);
    } else {
        check_formats(page, name, section, kind, &formats);
    }
    check_kind(page, name, section, kind);
    Some(Column {
        name: name.value.to_owned(),
        path,
        kind,
        formats: formats.iter().map(|format| format.value.to_owned()).collect(),
        required,
        range,
        clean,
        pii,
        default: if is_computed { None } else { read_default(page, name, section, kind, around) },
        computed: read_value(page, name, section, kind, around),
    })
}

/// What speaks of a value in the input, in a column that takes none.
fn refuse_input(page: &mut Page<'_>, name: &Text<'_>, section: &Section<'_>) {
    for key in ["path", "formats", "clean", "default"].into_iter().filter(|key| section.has(key)) {
        let message = format!("`{}` is computed, so `{key}` has no meaning", name.value);
        page.mistake(section.place_of(key), message);
    }
}

fn check_kind(page: &mut Page<'_>, name: &Text<'_>, section: &Section<'_>, kind: ColumnType) {
    let is_string = matches!(kind, ColumnType::String { .. });
    let is_number =
        matches!(kind, ColumnType::Int32 | ColumnType::Int64 | ColumnType::Decimal { .. } | ColumnType::Double);
    if section.has("range") && !is_number {
        page.mistake(
            section.place_of("range"),
            format!("a range is for numbers, and `{}` is {}", name.value, kind.named()),
        );
    }
    if section.has("clean") && !is_string && !section.has("value") {
        page.mistake(
            section.place_of("clean"),
            format!("cleaning is for strings, and `{}` is {}", name.value, kind.named()),
        );
    }
}

fn check_formats(page: &mut Page<'_>, name: &Text<'_>, section: &Section<'_>, kind: ColumnType, formats: &[Text<'_>]) {
    if !matches!(kind, ColumnType::Date | ColumnType::Timestamp | ColumnType::Instant) {
        if section.has("formats") {
            let message = format!("formats are for dates and times, and `{}` is {}", name.value, kind.named());
            page.mistake(section.place_of("formats"), message);
        }
        return;
    }
    // An instant has RFC 3339.
    if !section.has("formats") && kind != ColumnType::Instant {
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
    section: &Section<'_>,
    kind: ColumnType,
    around: &Around<'_>,
) -> Option<Expression> {
    let text = section.text(page, "default")?;
    if matches!(kind, ColumnType::Date | ColumnType::Timestamp | ColumnType::Instant) {
        let message = format!("`{}` is {}, which has no default; `value` computes one", name.value, kind.named());
        page.mistake(text.place.clone(), message);
        return None;
    }
    let default = around.expression(page, &text, wanted(kind), &format!("`{}` is {}", name.value, kind.named()))?;
    for column in default.columns() {
        // Defaults that use each other would depend on the order in which they are computed.
        let message = if around.with_default.contains(&column) {
            format!("a default cannot use `{column}`, because `{column}` has a default itself")
        } else if around.is_computed(column) {
            format!("a default cannot use `{column}`, because `{column}` is computed after the defaults")
        } else {
            continue;
        };
        page.mistake(text.place.clone(), message);
    }
    Some(default)
}

/// Values are computed in declared order after cleaning and defaults, so that they form no circle.
fn read_value(
    page: &mut Page<'_>,
    name: &Text<'_>,
    section: &Section<'_>,
    kind: ColumnType,
    around: &Around<'_>,
) -> Option<Expression> {
    let text = section.text(page, "value")?;
    let value = around.expression(page, &text, wanted(kind), &format!("`{}` is {}", name.value, kind.named()))?;
    let earlier = around.with_value.iter().take_while(|computed| **computed != name.value);
    let earlier: Vec<&str> = earlier.copied().collect();
    for column in value.columns().into_iter().filter(|column| around.is_computed(column) && !earlier.contains(column)) {
        let message = match column == name.value {
            true => format!("`{column}` cannot be computed from itself"),
            false => format!("`{column}` is computed after `{}`; declare it above", name.value),
        };
        page.mistake(text.place.clone(), message);
    }
    Some(value)
}

fn wanted(kind: ColumnType) -> Kind {
    match kind {
        ColumnType::String { .. } => Kind::Text,
        ColumnType::Boolean => Kind::Truth,
        ColumnType::Date => Kind::Date,
        ColumnType::Timestamp => Kind::Timestamp,
        ColumnType::Instant => Kind::Instant,
        ColumnType::Int32 | ColumnType::Int64 | ColumnType::Decimal { .. } | ColumnType::Double => {
            Kind::Number { whole: 0, scale: 0 }
        }
    }
}
