//! Cells, numbers, sizes, ages and statuses as people read them.

use assay_console::views;
pub use assay_console::views::status_word as status;
use chrono::{DateTime, Utc};

/// A cell of data on one line; control characters never reach the terminal.
pub fn cell(value: Option<&str>) -> String {
    value.unwrap_or("null").chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `1,234,567`.
pub fn count(number: u64) -> String {
    views::count(usize::try_from(number).unwrap_or(usize::MAX))
}

/// `1 file`, `14 files`.
pub fn counted(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `41.2 MB`, in powers of a thousand.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = 0;
    tenths /= 1000;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `45ms`, `1.8s`, `6m 36s`, `2h 5m`.
pub fn duration(milliseconds: i64) -> String {
    let ms = milliseconds.max(0);
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms}ms"),
        1..=9 => format!("{}.{}s", seconds, ms % 1000 / 100),
        10..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// One unit: `15m`, `3h`, `1d`; `now` below a second.
pub fn age(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - then).num_seconds() {
        s if s <= 0 => "now".into(),
        s @ 1..=59 => format!("{s}s"),
        s @ 60..=3599 => format!("{}m", s / 60),
        s @ 3600..=86_399 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

/// Between two RFC 3339 times; `None` when either is not one.
pub fn between(start: &str, end: &str) -> Option<String> {
    let parse = |text| DateTime::parse_from_rfc3339(text).ok();
    Some(duration((parse(end)? - parse(start)?).num_milliseconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sizes_and_times() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([999, 1000, 41_250_000, 999_999_999].map(size), ["999 B", "1.0 kB", "41.2 MB", "999.9 MB"]);
        assert_eq!([850, 9_940, 59_999, 396_000, 7_500_000].map(duration), ["850ms", "9.9s", "59s", "6m 36s", "2h 5m"]);
        assert_eq!(counted(1, "file"), "1 file");
    }
}
