//! Values as text: exact numbers, dates and timestamps, read strictly and written back.

use std::fmt::Write as _;

/// A constant. Its type stands beside it, in the expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Literal {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Units of the last place of the decimal's scale.
    Decimal(i128),
    Text(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01 00:00:00.
    Timestamp(i64),
}

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400;

/// An exact number as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exact {
    pub units: i128,
    pub precision: u8,
    pub scale: u8,
}

/// Reads `-12.50`; no exponent, no group marks, at least one digit. `None` when it is not one or exceeds 38 digits.
pub(crate) fn exact(text: &str) -> Option<Exact> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = whole.bytes().all(|b| b.is_ascii_digit()).then(|| whole.trim_start_matches('0'))?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || whole.len() + fraction.len() > 38 {
        return None;
    }
    let units = whole.bytes().chain(fraction.bytes()).fold(0i128, |n, b| n * 10 + i128::from(b - b'0'));
    let (places, scale) = (u8::try_from(whole.len() + fraction.len()).ok()?, u8::try_from(fraction.len()).ok()?);
    Some(Exact { units: if negative { -units } else { units }, precision: places.max(1), scale })
}

/// Units of a decimal as text, with all places of its scale.
pub(crate) fn exact_text(units: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if units < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Reads `2026-01-31`: days since 1970-01-01.
pub(crate) fn date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..])?);
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > days_in(year, month) {
        return None;
    }
    i32::try_from(days_from(year, month, day)).ok()
}

/// Reads `2026-01-31 23:59:59.5` (or with `T`; the time may be missing): microseconds since 1970-01-01.
/// With `zone`, the text must end with `Z` or an offset like `+01:00`.
pub(crate) fn timestamp(text: &str, zone: bool) -> Option<i64> {
    let (text, offset) = if zone { split_zone(text)? } else { (text, 0) };
    let day = i64::from(date(text.get(..10)?)?);
    let rest = text.get(10..)?;
    let micros = if rest.is_empty() { 0 } else { time(rest.strip_prefix([' ', 'T'])?)? };
    Some((day * DAY - offset) * MICROS + micros)
}

/// Days since 1970-01-01 as `2026-01-31`.
pub(crate) fn date_text(days: i32) -> String {
    let (year, month, day) = civil(i64::from(days));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Microseconds since 1970-01-01 as `2026-01-31 23:59:59` with a fraction only where there is one.
pub(crate) fn timestamp_text(micros: i64, zone: bool) -> String {
    let seconds = micros.div_euclid(MICROS);
    let (fraction, clock) = (micros.rem_euclid(MICROS), seconds.rem_euclid(DAY));
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    if fraction != 0 {
        let _ = write!(text, ".{}", format!("{fraction:06}").trim_end_matches('0'));
    }
    if zone {
        text.push('Z');
    }
    text
}

fn time(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let bytes = clock.as_bytes();
    let shaped = matches!(bytes.len(), 5 | 8) && bytes[2] == b':' && (bytes.len() == 5 || bytes[5] == b':');
    if !shaped || fraction.is_empty() || fraction.len() > 6 || (bytes.len() == 5 && text.contains('.')) {
        return None;
    }
    let (hour, minute) = (number(&bytes[..2])?, number(&bytes[3..5])?);
    let second = if bytes.len() == 8 { number(&bytes[6..])? } else { 0 };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = number(format!("{fraction:0<6}").as_bytes())?;
    Some((hour * 3600 + minute * 60 + second) * MICROS + micros)
}

fn split_zone(text: &str) -> Option<(&str, i64)> {
    if let Some(rest) = text.strip_suffix(['Z', 'z']) {
        return Some((rest, 0));
    }
    let cut = text.len().checked_sub(6)?;
    let (rest, zone) = (text.get(..cut)?, text.get(cut..)?.as_bytes());
    let sign = match zone[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(&zone[1..3])?, number(&zone[4..])?);
    (zone[3] == b':' && hours < 16 && minutes < 60).then_some((rest, sign * (hours * 3600 + minutes * 60)))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

/// Days since 1970-01-01, where there is such a day.
pub(crate) fn days_checked(year: i64, month: i64, day: i64) -> Option<i64> {
    let real = (1..=12).contains(&month) && day >= 1 && day <= days_in(year, month);
    real.then(|| days_from(year, month, day))
}

/// The same day of a month that many months later, or the last day of that month.
pub(crate) fn months_later(days: i64, by: i32) -> i64 {
    let (year, month, day) = civil(days);
    let months = year * 12 + month - 1 + i64::from(by);
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    days_from(year, month, day.min(days_in(year, month)))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar; the year is counted from March so that a leap day ends it.
fn days_from(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, of_year - (153 * march_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let cases = [
            ("0", Some((0, 1, 0))),
            ("007", Some((7, 1, 0))),
            ("0.01", Some((1, 2, 2))),
            ("-12.50", Some((-1250, 4, 2))),
            (".5", Some((5, 1, 1))),
            ("1.", Some((1, 1, 0))),
            (
                "99999999999999999999999999999999999999",
                Some((99_999_999_999_999_999_999_999_999_999_999_999_999, 38, 0)),
            ),
            ("100000000000000000000000000000000000000", None),
            ("1e3", None),
            ("", None),
            (".", None),
            ("1.2.3", None),
            ("--1", None),
            ("١", None),
        ];
        for (text, expected) in cases {
            assert_eq!(exact(text).map(|e| (e.units, e.precision, e.scale)), expected, "{text}");
        }
    }

    #[test]
    fn dates_are_strict() {
        let cases = [
            ("1970-01-01", Some(0)),
            ("2000-02-29", Some(11_016)),
            ("1900-02-29", None),
            ("2026-13-01", None),
            ("2026-1-01", None),
            ("0001-01-01", Some(-719_162)),
            ("9999-12-31", Some(2_932_896)),
            ("2026-01-01 ", None),
        ];
        for (text, expected) in cases {
            assert_eq!(date(text), expected, "{text}");
        }
    }

    #[test]
    fn timestamps_are_strict() {
        let cases = [
            ("1970-01-01", false, Some(0)),
            ("1970-01-01 00:00:01", false, Some(1_000_000)),
            ("1970-01-01T00:01", false, Some(60_000_000)),
            ("1970-01-01 00:00:00.5", false, Some(500_000)),
            ("1970-01-01 24:00:00", false, None),
            ("1970-01-01 00:00:00.1234567", false, None),
            ("1970-01-01 00:00:00Z", false, None),
            ("1970-01-01 01:00:00+01:00", true, Some(0)),
            ("1970-01-01 00:00:00", true, None),
            ("1970-01-01 00:00:00é01:00", true, None),
        ];
        for (text, zone, expected) in cases {
            assert_eq!(timestamp(text, zone), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,30}", zone in any::<bool>()) {
            let _ = (exact(&text), date(&text), timestamp(&text, zone));
        }

        #[test]
        fn what_is_written_is_read_back(days in -719_162i32..=2_932_896, micros in 0i64..86_400_000_000, units in any::<i64>(), scale in 0u8..=19) {
            prop_assert_eq!(date(&date_text(days)), Some(days));
            let at = i64::from(days) * 86_400_000_000 + micros;
            prop_assert_eq!(timestamp(&timestamp_text(at, false), false), Some(at));
            prop_assert_eq!(timestamp(&timestamp_text(at, true), true), Some(at));
            prop_assert_eq!(exact(&exact_text(i128::from(units), scale)).map(|e| (e.units, e.scale)), Some((i128::from(units), scale)));
        }
    }
}
