//! Spark's SQL, in the same subset as gold models; and values as Spark reads them from text and writes them as text,
//! with ANSI mode off: what cannot be read is null there.
//!
//! Every reader gives `None` where Spark's cast gives null.

use crate::bind::{bind_in, spark_condition};
use crate::catalog::{Catalog, Use};
use crate::dialect::Dialect;
use crate::error::SqlError;
use crate::literal::{civil, days_checked, exact_text};
use crate::plan::Bound;
use crate::types::{Field, Type, narrow_field_of};
use polars::prelude::{DataType, Expr};

const DAY: i64 = 86_400_000_000;

/// Checks a query in Spark's SQL, its session in UTC and its clock at `now` (microseconds since 1970-01-01).
/// What the subset does not hold is a mistake with `Cause::Subset`, which says nothing of what Spark makes of it.
pub fn bind(sql: &str, catalog: &dyn Catalog, now: i64) -> Result<Bound, Vec<SqlError>> {
    bind_in(Dialect::Spark { now }, sql, catalog, Use::Query)
}

/// Checks a condition in Spark's SQL over columns and gives it as an expression that fails on no data. The columns may
/// be stored in the narrower types that `field_of` widens.
pub fn condition(text: &str, fields: &[Field], now: i64) -> Result<Expr, Vec<SqlError>> {
    spark_condition(Dialect::Spark { now }, text, fields)
}

/// The type of a column stored as `dtype`, none where the subset has none.
pub fn field_of(dtype: &DataType) -> Option<Type> {
    narrow_field_of(dtype)
}

/// Whether a name stands for a column wherever it is written bare. To Spark most words do, to the grammar here fewer.
pub fn is_name(name: &str) -> bool {
    let dialect = Dialect::Spark { now: 0 };
    let condition = format!("{name} = 1 and 1 < {name} and {name} is null");
    let query = format!("select {name}, t.{name} from t where {name} = 1 group by {name} order by {name}");
    crate::parse::expression(&condition, dialect).is_ok() && crate::parse::query(&query, dialect).is_ok()
}

/// The type in which Spark compares values of two types for equality; none where it refuses to, or where the types are
/// beyond the subset.
pub fn compared(a: Type, b: Type) -> Option<Type> {
    crate::bind::spark_compared(a, b)
}

/// Values of `from` as `to`, null where they have no such form. The column must be of the type `dtype_of(from)`.
pub fn cast(values: Expr, from: Type, to: Type) -> Expr {
    crate::lower::spark_cast(values, from, to)
}

/// A whole number: blanks and control characters around it fall away, and so do places behind a point.
pub fn integer(text: &str) -> Option<i64> {
    let bytes = trimmed(text).as_bytes();
    let (negative, digits) = match bytes.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, bytes),
    };
    if digits.is_empty() {
        return None;
    }
    let point = digits.iter().position(|b| *b == b'.').unwrap_or(digits.len());
    if !digits.iter().skip(point + 1).all(u8::is_ascii_digit) {
        return None;
    }
    digits[..point].iter().try_fold(0i64, |n, b| {
        let digit = b.is_ascii_digit().then(|| i64::from(b - b'0'))?;
        let n = n.checked_mul(10)?;
        if negative { n.checked_sub(digit) } else { n.checked_add(digit) }
    })
}

/// A double: also `1d`, `1e5`, `.5`, `inf` and `nan` in any case.
pub fn double(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c <= ' ');
    match text.to_ascii_lowercase().as_str() {
        "inf" | "+inf" | "infinity" | "+infinity" => return Some(f64::INFINITY),
        "-inf" | "-infinity" => return Some(f64::NEG_INFINITY),
        "nan" => return Some(f64::NAN),
        _ if text == "+NaN" || text == "-NaN" => return Some(f64::NAN),
        _ => {}
    }
    let number = match text.as_bytes() {
        [.., before, b'd' | b'D' | b'f' | b'F'] if before.is_ascii_digit() || *before == b'.' => {
            &text[..text.len() - 1]
        }
        _ => text,
    };
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    if plain { number.parse().ok() } else { None }
}

/// A truth value by one of the words that stand for it.
pub fn boolean(text: &str) -> Option<bool> {
    match trimmed(text).to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// Units of a decimal of at most `precision` digits at `scale`, half away from zero; an exponent may follow the number.
pub fn decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let text = trimmed(text);
    let (number, exponent) = match text.find(['e', 'E']) {
        None => (text, 0i64),
        Some(at) => (&text[..at], text[at + 1..].strip_prefix('+').unwrap_or(&text[at + 1..]).parse().ok()?),
    };
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // How many of the digits stand before the unit of the result.
    let kept = i64::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_add(i64::from(scale))?;
    let mut units = 0i128;
    let mut up = false;
    for (at, digit) in (0i64..).zip(&digits) {
        if at < kept {
            units = units.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        } else {
            up = at == kept && *digit >= b'5';
            break;
        }
    }
    let missing = kept - i64::try_from(digits.len()).ok()?;
    if missing > 0 && units != 0 {
        units = units.checked_mul(10i128.checked_pow(u32::try_from(missing).ok()?)?)?;
    }
    units += i128::from(up && kept >= 0);
    let limit = 10i128.checked_pow(precision.into());
    let fits = limit.is_none_or(|limit| units < limit);
    fits.then_some(if negative { -units } else { units })
}

/// Days since 1970-01-01: a year, a month and a day, the latter two with one or two digits and optional; behind a whole
/// date a blank or `T` may begin anything.
pub fn date(text: &str) -> Option<i32> {
    let (sign, text) = signed(trimmed(text))?;
    let end = text.find([' ', 'T']).unwrap_or(text.len());
    let parts: Vec<&str> = text[..end].splitn(3, '-').collect();
    if parts.len() < 3 && end < text.len() {
        return None;
    }
    let year = digits(parts.first()?, 4, 7)?;
    let month = parts.get(1).map_or(Some(1), |part| digits(part, 1, 2))?;
    let day = parts.get(2).map_or(Some(1), |part| digits(part, 1, 2))?;
    i32::try_from(days_checked(sign * year, month, day)?).ok()
}

/// Microseconds since 1970-01-01 in UTC. A text without a zone is in UTC, one with a time alone is of the day `today`
/// (days since 1970-01-01). Zones are `Z`, `UTC`, `GMT` and offsets; names of regions are not known here.
pub fn timestamp(text: &str, today: i32) -> Option<i64> {
    let text = trimmed(text);
    if let Some(time) = text.strip_prefix('T') {
        return Some(i64::from(today) * DAY + clock(time)?);
    }
    let hour = text.find(':');
    if let Some(at) = hour
        && at <= 2
        && text[..at].bytes().all(|b| b.is_ascii_digit())
    {
        return Some(i64::from(today) * DAY + clock(text)?);
    }
    let (sign, rest) = signed(text)?;
    let end = rest.find([' ', 'T']).unwrap_or(rest.len());
    let parts: Vec<&str> = rest[..end].split('-').collect();
    if parts.len() > 3 || (parts.len() < 3 && end < rest.len()) {
        return None;
    }
    let year = digits(parts.first()?, 4, 6)?;
    let month = parts.get(1).map_or(Some(1), |part| digits(part, 1, 2))?;
    let day = parts.get(2).map_or(Some(1), |part| digits(part, 1, 2))?;
    let days = days_checked(sign * year, month, day)?;
    let time = if end < rest.len() { clock(&rest[end + 1..])? } else { 0 };
    days.checked_mul(DAY)?.checked_add(time)
}

/// `h[:m[:s[.fraction]]][zone]` in microseconds, the zone taken away.
fn clock(text: &str) -> Option<i64> {
    let mut parts = [0i64; 3];
    let mut rest = text;
    let mut given = 0;
    for part in &mut parts {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        *part = digits(&rest[..end], 1, 2)?;
        rest = &rest[end..];
        given += 1;
        match rest.strip_prefix(':') {
            Some(next) if given < 3 => rest = next,
            _ => break,
        }
    }
    let mut micros = 0;
    if given == 3
        && let Some(fraction) = rest.strip_prefix('.')
    {
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        micros = fraction[..end]
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(6)
            .fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
        rest = &fraction[end..];
    }
    // A zone follows seconds only.
    if given < 3 && !rest.is_empty() {
        return None;
    }
    let [hour, minute, second] = parts;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000 + micros - offset(rest.trim())? * 1_000_000)
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    let rest = match zone {
        "" | "Z" | "UTC" | "GMT" | "UT" => return Some(0),
        _ => ["UTC", "GMT", "UT"].iter().find_map(|name| zone.strip_prefix(name)).unwrap_or(zone),
    };
    let (sign, rest) = match rest.as_bytes().first()? {
        b'+' => (1, &rest[1..]),
        b'-' => (-1, &rest[1..]),
        _ => return None,
    };
    let parts: Vec<&str> = rest.split(':').collect();
    let (hours, minutes) = match parts.as_slice() {
        [hours] if hours.len() <= 2 => (digits(hours, 1, 2)?, 0),
        [both] if both.len() == 4 && both.is_ascii() => (digits(&both[..2], 2, 2)?, digits(&both[2..], 2, 2)?),
        [hours, minutes] => (digits(hours, 1, 2)?, digits(minutes, 1, 2)?),
        _ => return None,
    };
    let seconds = hours * 3600 + minutes * 60;
    (minutes < 60 && seconds <= 18 * 3600).then_some(sign * seconds)
}

fn signed(text: &str) -> Option<(i64, &str)> {
    match text.as_bytes().first()? {
        b'-' => Some((-1, &text[1..])),
        b'+' => Some((1, &text[1..])),
        _ => Some((1, text)),
    }
}

fn digits(text: &str, least: usize, most: usize) -> Option<i64> {
    let fits = (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ' || c == '\u{7f}')
}

/// A decimal as text: with all its places, and with an exponent below a millionth.
pub fn decimal_text(units: i128, scale: u8) -> String {
    let digits = units.unsigned_abs().to_string();
    let exponent = digits.len() as i64 - 1 - i64::from(scale);
    if exponent >= -6 {
        return exact_text(units, scale);
    }
    let sign = if units < 0 { "-" } else { "" };
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}E{exponent}")
}

/// A date as text: a year beyond four digits has a sign.
pub fn date_text(days: i32) -> String {
    let (year, month, day) = civil(days.into());
    let sign = match year {
        ..0 => "-",
        0..=9999 => "",
        _ => "+",
    };
    format!("{sign}{:04}-{month:02}-{day:02}", year.abs())
}

/// A timestamp as text, in UTC.
pub fn timestamp_text(micros: i64) -> String {
    let text = crate::literal::timestamp_text(micros.rem_euclid(DAY), false);
    let clock = text.split_once(' ').map_or("", |(_, clock)| clock);
    let days = i32::try_from(micros.div_euclid(DAY)).unwrap_or_default();
    format!("{} {clock}", date_text(days))
}

/// The digits by which a double is written, with an exponent.
pub(crate) fn digits_of(x: f64) -> String {
    long_digits(x, 53).unwrap_or_else(|| format!("{x:e}"))
}

/// The digits of a whole number beyond those that `bits` hold: there are more than tell it from its neighbours.
fn long_digits(x: f64, bits: u32) -> Option<String> {
    const MOST: f64 = 9_223_372_036_854_775_808.0;
    let size = x.abs();
    if size >= MOST || size.is_nan() {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = size as u64;
    let spare = whole.checked_ilog2().filter(|log| *log >= bits)?.saturating_sub(bits + 1);
    let lost = if spare > 1 { (1u64 << spare).ilog10() } else { 0 };
    let unit = 10u64.pow(lost);
    let kept = whole / unit + u64::from(lost > 0 && whole % unit >= unit / 2);
    let digits = kept.to_string();
    let exponent = digits.len() - 1 + lost as usize;
    let (first, rest) = digits.split_at(1);
    let rest = rest.trim_end_matches('0');
    let (sign, point) = (if x < 0.0 { "-" } else { "" }, if rest.is_empty() { "" } else { "." });
    Some(format!("{sign}{first}{point}{rest}e{exponent}"))
}

/// A float of 32 bits as text.
pub(crate) fn float_text(x: f64) -> String {
    #[allow(clippy::cast_possible_truncation)]
    let narrow = x as f32;
    let size = narrow.abs();
    if !x.is_finite() || size == 0.0 {
        return double_text(x);
    }
    if (1e-3..1e7).contains(&size) {
        format!("{narrow:?}")
    } else {
        with_exponent(&long_digits(x, 24).unwrap_or_else(|| format!("{narrow:e}")))
    }
}

/// A double as text: at least one place, and an exponent below a thousandth and from ten millions on.
pub fn double_text(x: f64) -> String {
    if x.is_nan() {
        return "NaN".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = x.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{x:?}");
    }
    with_exponent(&digits_of(x))
}

fn with_exponent(text: &str) -> String {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn whole_numbers() {
        let cases = [
            ("12", Some(12)),
            (" +12\t", Some(12)),
            ("-7.9", Some(-7)),
            (".5", Some(0)),
            ("5.", Some(5)),
            ("", None),
            ("-", None),
            ("1e3", None),
            ("1.x", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("1 2", None),
        ];
        for (text, expected) in cases {
            assert_eq!(integer(text), expected, "{text:?}");
        }
    }

    #[test]
    fn doubles() {
        for (text, expected) in [("1.5", 1.5), (" 1e3 ", 1000.0), (".5", 0.5), ("5.", 5.0), ("1.5d", 1.5), ("2F", 2.0)]
        {
            assert_eq!(double(text), Some(expected), "{text:?}");
        }
        assert_eq!(double("-Infinity"), Some(f64::NEG_INFINITY));
        assert!(double("NaN").unwrap().is_nan());
        for text in ["", "abc", "1,5", "d", "0x10", "1 2", "infinit"] {
            assert_eq!(double(text), None, "{text:?}");
        }
    }

    #[test]
    fn decimals() {
        let cases = [
            ("1.25", 5, 1, Some(13)),
            ("-1.25", 5, 1, Some(-13)),
            ("1e3", 6, 2, Some(100_000)),
            ("12.5E-1", 6, 2, Some(125)),
            ("0.004", 5, 2, Some(0)),
            ("0.005", 5, 2, Some(1)),
            ("1000", 5, 2, None),
            ("999.995", 5, 2, None),
            ("x", 5, 2, None),
            ("", 5, 2, None),
            ("1e-30", 5, 2, Some(0)),
            ("0e99", 5, 2, Some(0)),
        ];
        for (text, precision, scale, expected) in cases {
            assert_eq!(decimal(text, precision, scale), expected, "{text:?}");
        }
    }

    #[test]
    fn dates() {
        let cases = [
            ("1970-01-02", Some(1)),
            ("1970-1-2", Some(1)),
            ("1970", Some(0)),
            ("1970-02", Some(31)),
            ("1970-01-01 anything", Some(0)),
            ("1970-01-01Tx", Some(0)),
            ("1970-01-01x", None),
            ("1970-01T", None),
            ("70-01-01", None),
            ("2024-02-30", None),
            ("01/02/1970", None),
            ("", None),
            (" 1970-01-01 ", Some(0)),
        ];
        for (text, expected) in cases {
            assert_eq!(date(text), expected, "{text:?}");
        }
    }

    #[test]
    fn timestamps() {
        let cases = [
            ("1970-01-01 00:00:01", Some(1_000_000)),
            ("1970-01-01T00:00:01.5Z", Some(1_500_000)),
            ("1970-01-01 1:2:3", Some(3_723_000_000)),
            ("1970-01-01 01:00:00+01:00", Some(0)),
            ("1970-01-01 00:00:00.1234567", Some(123_456)),
            ("1970-01-01", Some(0)),
            ("1970", Some(0)),
            ("1970-01-01 24:00:00", None),
            ("1970-01-01 00:00Z", None),
            ("12:30", Some(DAY + 45_000_000_000)),
            ("yesterday", None),
        ];
        for (text, expected) in cases {
            assert_eq!(timestamp(text, 1), expected, "{text:?}");
        }
    }

    #[test]
    fn doubles_as_text() {
        let cases = [
            (1.0, "1.0"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (1e7, "1.0E7"),
            (1_234_567.5, "1234567.5"),
            (12_345_678.5, "1.23456785E7"),
            (-0.0, "-0.0"),
            (f64::NAN, "NaN"),
        ];
        for (x, expected) in cases {
            assert_eq!(double_text(x), expected);
        }
    }
}
