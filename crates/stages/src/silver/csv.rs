//! Reads a CSV record into a row.

use crate::silver::row::{Field, Row};
use crate::silver::shape::Shape;
use assay_pipeline::Encoding;
use std::borrow::Cow;

/// Which columns each field of a file's records belongs to.
#[derive(Debug)]
pub(crate) struct Fields {
    columns: Vec<Vec<usize>>,
    /// Names that no column takes.
    pub(crate) ignored: Vec<String>,
}

impl Fields {
    pub(crate) fn of(header: &[String], shape: &Shape) -> Self {
        let takes = |name: &String| {
            let plans = shape.columns.iter().enumerate();
            plans.filter(|(_, plan)| plan.header.as_ref() == Some(name)).map(|(at, _)| at).collect::<Vec<_>>()
        };
        let columns: Vec<_> = header.iter().map(takes).collect();
        let unknown = header.iter().zip(&columns).filter(|(_, columns)| columns.is_empty());
        Self { ignored: unknown.map(|(name, _)| name.clone()).collect(), columns }
    }

    /// Columns of the contract that take the field.
    pub(crate) fn columns(&self, field: usize) -> &[usize] {
        self.columns.get(field).map_or(&[], Vec::as_slice)
    }
}

/// Gives the row its cells; false when it is malformed.
pub(crate) fn read(record: &str, fields: &Fields, shape: &Shape, row: &mut Row) -> bool {
    row.begin();
    let (mut at, mut store) = (0, String::new());
    let mut rest = Some(record);
    while let Some(text) = rest {
        let Some((field, behind)) = split(text, &mut store) else {
            return row.malformed("a quote stands where none may be, or is not closed");
        };
        for column in fields.columns(at) {
            row.set(*column, &shape.columns[*column], record, field);
        }
        at += 1;
        rest = behind;
    }
    if at != fields.columns.len() {
        return row.malformed(format!("the record has {at} fields and the header has {}", fields.columns.len()));
    }
    true
}

/// The first field and what lies behind its comma; none when a quote is not closed, text follows it, or
/// it stands within an unquoted field.
fn split<'t: 's, 's>(text: &'t str, store: &'s mut String) -> Option<(Field<'s>, Option<&'t str>)> {
    let Some(mut inside) = text.strip_prefix('"') else {
        let (field, rest) = match memchr::memchr(b',', text.as_bytes()) {
            Some(comma) => (&text[..comma], Some(&text[comma + 1..])),
            None => (text, None),
        };
        return memchr::memchr(b'"', field.as_bytes()).is_none().then_some((Field::Text(field), rest));
    };
    let whole = inside;
    store.clear();
    loop {
        let close = memchr::memchr(b'"', inside.as_bytes())?;
        let behind = &inside[close + 1..];
        if let Some(more) = behind.strip_prefix('"') {
            store.push_str(&inside[..=close]);
            inside = more;
            continue;
        }
        let field = if store.is_empty() {
            Field::Text(&whole[..close])
        } else {
            store.push_str(&inside[..close]);
            Field::Text(store)
        };
        return match behind.strip_prefix(',') {
            Some(rest) => Some((field, Some(rest))),
            None => behind.is_empty().then_some((field, None)),
        };
    }
}

/// The names of a header, trimmed; none when a quote is not closed.
pub(crate) fn header(record: &str) -> Option<Vec<String>> {
    let (mut names, mut store) = (Vec::new(), String::new());
    let mut rest = Some(record);
    while let Some(text) = rest {
        let (field, behind) = split(text, &mut store)?;
        if let Field::Text(name) = field {
            names.push(name.trim().to_owned());
        }
        rest = behind;
    }
    Some(names)
}

/// The text of bytes in this encoding; none when they are not valid UTF-8.
pub(crate) fn decoded(bytes: &[u8], encoding: Encoding) -> Option<Cow<'_, str>> {
    match encoding {
        Encoding::Utf8 => simdutf8::basic::from_utf8(bytes).ok().map(Cow::Borrowed),
        Encoding::Latin1 => Some(encoding_rs::mem::decode_latin1(bytes)),
        Encoding::Windows1252 => encoding_rs::WINDOWS_1252.decode_without_bom_handling_and_without_replacement(bytes),
    }
}
