//! Bronze sources: `[bronze.<name>]`.

use super::feed;
use super::page::Page;
use super::places::Places;
use super::section::{Section, Text, word};
use crate::definition::{Encoding, Source};

pub(crate) const BRONZE_KEYS: &[&str] = &["path", "formats", "encoding", "dates", "once", "dead_letter", "feed"];

/// A mistake leaves a source with what could be read, so that references to its name are still checked.
pub(super) fn read(page: &mut Page<'_>, root: &Section<'_>, places: &mut Places) -> Vec<Source> {
    let sources = root.sections(page, "bronze");
    sources.into_iter().map(|(name, section)| read_source(page, &name, &section, places)).collect()
}

fn read_source(page: &mut Page<'_>, name: &Text<'_>, section: &Section<'_>, places: &mut Places) -> Source {
    section.only(page, BRONZE_KEYS);
    let path = section.needed(page, "path");
    if let Some(path) = &path {
        places.take_pattern(page, format!("the source `{}`", name.value), path);
    }
    let formats = section.needed_texts(page, "formats");
    let dead_letter = section.text(page, "dead_letter");
    if let Some(folder) = &dead_letter {
        places.take_folder(page, format!("the dead letters of `{}`", name.value), folder);
    }
    let source = Source {
        name: name.value.to_owned(),
        path: path.as_ref().map_or(String::new(), |path| path.value.to_owned()),
        formats: formats.iter().filter_map(|text| word(page, text)).collect(),
        encoding: section.word(page, "encoding").unwrap_or(Encoding::Utf8),
        dates: section.word(page, "dates").unwrap_or_default(),
        once: section.flag(page, "once").unwrap_or(false),
        feed: None,
        dead_letter: dead_letter.map(|folder| folder.value.to_owned()),
    };
    let feed = feed::read(page, section, &source);
    Source { feed, ..source }
}
