//! Where in the lake a landing goes.

use chrono::{DateTime, Utc};

const SEGMENT: &str = "extracted_at=";

/// The moment as the name of a landing's folder has it.
pub(crate) fn stamp(moment: DateTime<Utc>) -> String {
    moment.format("%Y%m%dT%H%M%SZ").to_string()
}

/// The folder of a landing of this moment, below the pipeline's lake folder; none when the source's path leaves open
/// more than `extracted_at=*` at its end.
pub(crate) fn landing(path: &str, moment: DateTime<Utc>) -> Option<String> {
    let path = path.trim_end_matches('/');
    let above = path.strip_suffix("/extracted_at=*").unwrap_or(path);
    Some(format!("{}/{SEGMENT}{}", plain(above)?, stamp(moment)))
}

/// A path that names one folder below the lake folder.
pub(crate) fn plain(path: &str) -> Option<&str> {
    let path = path.trim_end_matches('/');
    let fine = |segment: &str| !segment.is_empty() && segment != "." && segment != ".." && !segment.contains('*');
    path.split('/').all(fine).then_some(path)
}

/// True for a text that can be the name of a file of ours.
pub(crate) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_landing_has_one_folder() {
        let moment = DateTime::parse_from_rfc3339("2026-03-04T05:06:07.9+01:00").unwrap().to_utc();
        let cases = [
            ("bronze/orders/extracted_at=*", Some("bronze/orders/extracted_at=20260304T040607Z")),
            ("bronze/orders/", Some("bronze/orders/extracted_at=20260304T040607Z")),
            ("bronze/*/extracted_at=*", None),
            ("bronze/orders/date=*", None),
            ("../orders", None),
            ("/orders", None),
            ("", None),
        ];
        for (path, expected) in cases {
            assert_eq!(landing(path, moment).as_deref(), expected, "{path}");
        }
    }
}
