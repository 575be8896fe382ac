//! Folders of a pipeline's lake folder: whose they are, so that no two things write into one another.

use super::page::Page;
use super::section::Text;
use std::ops::Range;

/// The folders that were met so far.
#[derive(Default)]
pub(super) struct Places {
    taken: Vec<Place>,
}

struct Place {
    /// As in `the source `orders``, for messages.
    owner: String,
    path: String,
}

impl Places {
    /// Takes a folder that files are read from; `*` may stand in it.
    pub(super) fn take_pattern(&mut self, page: &mut Page<'_>, owner: String, path: &Text<'_>) {
        if let Some(reason) = path_mistake(path.value) {
            page.mistake(path.place.clone(), reason);
        } else {
            self.take(page, owner, path.value, &path.place);
        }
    }

    /// Takes a folder that is written.
    pub(super) fn take_folder(&mut self, page: &mut Page<'_>, owner: String, path: &Text<'_>) {
        if path.value.contains('*') {
            page.mistake(path.place.clone(), "this folder is written, so it has no `*`");
        } else {
            self.take_pattern(page, owner, path);
        }
    }

    /// Takes a folder that is known to be one, and reports whom it clashes with.
    pub(super) fn take(&mut self, page: &mut Page<'_>, owner: String, path: &str, place: &Range<usize>) {
        if let Some(other) = self.taken.iter().find(|other| overlap(&other.path, path)) {
            let message = format!(
                "{owner} and {} need folders of their own, and `{path}` and `{}` share one",
                other.owner, other.path
            );
            page.mistake(place.clone(), message);
        }
        self.taken.push(Place { owner, path: path.to_owned() });
    }
}

/// Whether one folder can be the other or lie in it. Case counts for nothing, as on some file systems.
fn overlap(a: &str, b: &str) -> bool {
    a.split('/').zip(b.split('/')).all(|(a, b)| same(&a.to_lowercase(), &b.to_lowercase()))
}

fn same(a: &str, b: &str) -> bool {
    match (a.strip_suffix('*'), b.strip_suffix('*')) {
        (Some(a), Some(b)) => a.starts_with(b) || b.starts_with(a),
        (Some(a), None) => b.starts_with(a),
        (None, Some(b)) => a.starts_with(b),
        (None, None) => a == b,
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
    use super::*;

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

    #[test]
    fn folders_that_can_meet_overlap() {
        for (a, b, expected) in [
            ("a", "a", true),
            ("a/b", "a", true),
            ("a/b", "A/B/c", true),
            ("a/b", "a/bc", false),
            ("silver/a", "gold/a", false),
            ("a/date=*", "a/date=2024-01-01", true),
            ("a/date=*", "a/day=*", false),
            ("a/date=*", "a/eu", false),
            ("a/*", "a/date=*/b", true),
            ("*/b", "a/b", true),
            ("*/b", "a/c", false),
            ("a/*/c", "a/b/d", false),
        ] {
            assert_eq!((overlap(a, b), overlap(b, a)), (expected, expected), "{a} {b}");
        }
    }
}
