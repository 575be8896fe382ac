//! Where a column's value lies in a nested record, and which array of a record gives the rows.

use super::page::Page;
use super::section::{Section, Text};
use crate::definition::{Format, Source};
use crate::words::Word;

/// Reads `explode`. Takes the source that the records come from, where it is known.
pub(super) fn read_explode(page: &mut Page<'_>, section: &Section<'_>, source: Option<&Source>) -> Vec<String> {
    let Some(names) = section.names(page, "explode") else { return Vec::new() };
    if let Some(name) = names.iter().find(|name| name.ends_with("[]")) {
        let message = format!("`{name}` stands here without `[]`; the paths of the columns have it");
        page.mistake(section.place_of("explode"), message);
    }
    let other = source.and_then(|source| source.formats.iter().find(|format| **format != Format::Json));
    if let Some(format) = other {
        let message = format!("only a JSON record holds an array of records, and the source reads {}", format.word());
        page.mistake(section.place_of("explode"), message);
    }
    names.into_iter().map(|name| name.trim_end_matches("[]").to_owned()).collect()
}

/// Reads a column's `path`; its name where there is none.
pub(super) fn read_path(
    page: &mut Page<'_>,
    name: &Text<'_>,
    section: &Section<'_>,
    explode: &[String],
) -> Vec<String> {
    let written = section.names(page, "path").unwrap_or_else(|| vec![name.value]);
    let names: Vec<String> = written.iter().map(|name| name.strip_suffix("[]").unwrap_or(name).to_owned()).collect();
    let place = if section.has("path") { section.place_of("path") } else { name.place.clone() };
    let marked: Vec<usize> = (0..written.len()).filter(|at| written[*at].ends_with("[]")).collect();
    let is_below = !explode.is_empty() && names.starts_with(explode);
    match marked.as_slice() {
        [] if is_below => {
            let meant = format!("{}[]{}", explode.join("."), dotted(&names[explode.len()..]));
            let message = format!("`{}` is the array whose elements give the rows", explode.join("."));
            page.suggest(place, message, Some(meant));
        }
        [] => {}
        [at] if is_below && at + 1 == explode.len() => {}
        _ => {
            let array = explode.join(".");
            let message = match explode.is_empty() {
                true => "`[]` stands after the array of `explode`, and this table has none".to_owned(),
                false => format!("`[]` stands after `{array}`, the array of `explode`, and nowhere else"),
            };
            page.mistake(place, message);
        }
    }
    names
}

fn dotted(names: &[String]) -> String {
    names.iter().map(|name| format!(".{name}")).collect()
}
