//! Bronze sources: `[bronze.<name>]`.

use super::page::Page;
use super::section::{Section, Text, word};
use crate::definition::{Encoding, FileDates, Source};

pub(crate) const BRONZE_KEYS: &[&str] = &["path", "formats", "encoding"];

/// A mistake leaves a source with what could be read, so that references to its name are still checked.
pub(super) fn read(page: &mut Page<'_>, root: &Section<'_>) -> Vec<Source> {
    root.sections(page, "bronze").into_iter().map(|(name, section)| read_source(page, &name, &section)).collect()
}

fn read_source(page: &mut Page<'_>, name: &Text<'_>, section: &Section<'_>) -> Source {
    section.only(page, BRONZE_KEYS);
    let path = section.needed(page, "path");
    if let Some(path) = &path
        && let Some(reason) = path_mistake(path.value)
    {
        page.mistake(path.place.clone(), reason);
    }
    let formats = section.needed_texts(page, "formats");
    Source {
        name: name.value.to_owned(),
        path: path.map_or(String::new(), |path| path.value.to_owned()),
        formats: formats.iter().filter_map(|text| word(page, text)).collect(),
        encoding: section.word(page, "encoding").unwrap_or(Encoding::Utf8),
        dates: FileDates::Folder,
        once: false,
        feed: None,
        dead_letter: None,
    }
}

/// A path stays below the pipeline's lake folder, and `*` stands for a segment or its value.
fn path_mistake(path: &str) -> Option<&'static str> {
    let segments: Vec<&str> = path.split('/').collect();
    let is_pattern = |segment: &str| match segment.split_once('=') {
        Some((key, value)) => !key.contains('*') && (value == "*" || !value.contains('*')),
        None => segment == "*" || !segment.contains('*'),
    };
    if path.starts_with('/') || path.contains(['\\', ':']) {
        Some("the path is below the pipeline's lake folder, with `/` between folders")
    } else if segments.iter().any(|segment| segment.is_empty() || *segment == "." || *segment == "..") {
        Some("a folder of the path is empty, `.` or `..`")
    } else if path.chars().any(char::is_control) {
        Some("the path has a control character")
    } else if !segments.iter().all(|segment| is_pattern(segment)) {
        Some("`*` stands for a whole folder name, or for the value in `date=*`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::path_mistake;

    #[test]
    fn paths_stay_below_the_lake() {
        for path in ["bronze/sales/date=*", "raw", "bronze/*/sales", "a/region=eu/b"] {
            assert_eq!(path_mistake(path), None, "{path}");
        }
        for path in [
            "",
            "/etc",
            "../other",
            "a//b",
            "a/./b",
            "a\\b",
            "s3://bucket/a",
            "a/",
            "sales*",
            "da*=x",
            "date=2*",
            "a\u{0}",
        ] {
            assert!(path_mistake(path).is_some(), "{path}");
        }
    }
}
