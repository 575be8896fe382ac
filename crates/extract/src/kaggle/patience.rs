//! How long to wait before the next request.

use chrono::{DateTime, Utc};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// What a `Retry-After` asks for: seconds, or a moment as HTTP writes it. None when it is neither.
pub(crate) fn asked(header: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = header.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = DateTime::parse_from_rfc2822(text).ok()?.to_utc();
    Some((moment - now).to_std().unwrap_or_default())
}

/// The wait after so many failures in a row, the first being one.
pub(crate) fn own(failures: u32) -> Duration {
    FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn seconds_and_moments_are_understood() {
        let now = DateTime::parse_from_rfc3339("2026-01-02T03:04:05Z").unwrap().to_utc();
        let cases = [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Fri, 02 Jan 2026 03:05:05 GMT", Some(60)),
            ("Fri, 02 Jan 2026 03:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
        ];
        for (text, expected) in cases {
            assert_eq!(asked(text, now), expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn own_waits_grow_to_a_bound() {
        assert_eq!([own(1), own(2), own(3)].map(|wait| wait.as_secs()), [1, 2, 4]);
        assert_eq!(own(u32::MAX), LONGEST);
    }
}
