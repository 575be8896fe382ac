//! Copies of a table in plain files: `publish = [{ format = "csv", path = "…" }]`.

use super::page::Page;
use super::places::Places;
use super::section::{Section, Text};
use crate::definition::{Publication, PublishedFiles, PublishedForm};
use crate::words::Word;

pub(crate) const PUBLICATION_KEYS: &[&str] = &["format", "path", "name"];

/// What a name of files stands for until they are written.
const TIME: &str = "{time}";

/// Takes the section of a table, the table's name in full, and why its files cannot be named by their source, if so.
pub(super) fn read(
    page: &mut Page<'_>,
    section: &Section<'_>,
    table: &str,
    unnamed: Option<&str>,
    places: &mut Places,
) -> Vec<Publication> {
    let publications = section.list(page, "publish");
    publications.iter().filter_map(|section| read_one(page, section, table, unnamed, places)).collect()
}

fn read_one(
    page: &mut Page<'_>,
    section: &Section<'_>,
    table: &str,
    unnamed: Option<&str>,
    places: &mut Places,
) -> Option<Publication> {
    section.only(page, PUBLICATION_KEYS);
    section.require(page, "format");
    let form = section.word::<PublishedForm>(page, "format");
    let path = section.needed(page, "path");
    if let Some(path) = &path {
        let copy = form.map_or("copy", |form| form.word());
        places.take_folder(page, format!("the {copy} files of `{table}`"), path);
    }
    let name = section.text(page, "name");
    if let Some(name) = &name {
        match (unnamed, form) {
            (Some(reason), _) => page.mistake(name.place.clone(), reason),
            (None, Some(form)) => check_file_name(page, name, form),
            (None, None) => {}
        }
    }
    let by_source = |name: Text<'_>| PublishedFiles::BySource { name: name.value.to_owned() };
    Some(Publication {
        form: form?,
        path: path?.value.to_owned(),
        files: name.map_or(PublishedFiles::ByDate, by_source),
    })
}

fn check_file_name(page: &mut Page<'_>, name: &Text<'_>, form: PublishedForm) {
    let ending = format!(".{}", form.word());
    let plain = name.value.replacen(TIME, "", 1);
    let no_name = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':');
    let message = if plain == name.value {
        format!("`{TIME}` stands in the name, because each source file gives a file of its own")
    } else if plain.contains(['{', '}']) {
        format!("`{TIME}`, once, is the only part of the name that is filled in")
    } else if !plain.ends_with(&ending) {
        format!("the files are {}, so their name ends in `{ending}`", form.word())
    } else if name.value.len() > 200 || name.value.starts_with(['.', '_']) || plain.contains(no_name) {
        "this is no name of a file; it has no folder, begins with no `.` or `_`, and is no longer than 200 bytes"
            .to_owned()
    } else {
        return;
    };
    page.mistake(name.place.clone(), message);
}
