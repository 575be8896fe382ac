//! Exact numbers from their text.

/// A number as written: `digits * 10^exponent`, negative or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    negative: bool,
    /// Decimal digits without zeros at either end; empty for zero.
    digits: String,
    exponent: i64,
}

impl Number {
    /// Reads `+-12.5e-3` and the like; `None` for anything else.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let written = exponent.map_or(Some(0), read_exponent)?;
        let kept = all.trim_end_matches('0');
        let exponent = written.saturating_sub(fraction.len() as i64).saturating_add((all.len() - kept.len()) as i64);
        Some(Self { negative, digits: kept.trim_start_matches('0').to_owned(), exponent })
    }

    /// The number times `10^scale` when that is a whole number of at most `precision` digits.
    pub(super) fn scaled(&self, scale: u32, precision: usize) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let zeros = usize::try_from(self.exponent.saturating_add(i64::from(scale))).ok()?;
        if self.digits.len().checked_add(zeros)? > precision {
            return None;
        }
        let value: i128 = format!("{}{}", self.digits, "0".repeat(zeros)).parse().ok()?;
        Some(if self.negative { -value } else { value })
    }
}

/// An exponent of any length; what is beyond all use becomes merely huge.
fn read_exponent(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let size = if digits.len() > 12 { 1_000_000_000_000 } else { format!("0{digits}").parse().ok()? };
    Some(sign * size)
}

/// Hundredths as text with two places.
pub(super) fn cents_text(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cents(text: &str) -> Option<i128> {
        Number::read(text)?.scaled(2, 10)
    }

    #[test]
    fn numbers_are_read_from_their_text() {
        for (text, expected) in [
            ("12.90", Some(1_290)),
            ("12.9", Some(1_290)),
            ("12.9000", Some(1_290)),
            ("12.345", None),
            ("-0.01", Some(-1)),
            ("+5", Some(500)),
            ("007", Some(700)),
            ("1.29e1", Some(1_290)),
            ("1290E-2", Some(1_290)),
            ("12900e-3", Some(1_290)),
            ("0.0000001290E8", Some(1_290)),
            ("1e-3", None),
            ("0e-99999999999999999999", Some(0)),
            ("0.000", Some(0)),
            ("99999999.99", Some(9_999_999_999)),
            ("100000000", None),
            ("1e99999999999999999999", None),
            ("1e-99999999999999999999", None),
        ] {
            assert_eq!(cents(text), expected, "{text}");
        }
        assert_eq!(cents(&format!("0.{}1", "0".repeat(400))), None);
        assert_eq!(cents(&"9".repeat(400)), None);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", ".", "12,90", "three", "1e", "1e+", "e5", "--1", "1 2", "0x10", "NaN", "1.2.3", "１"] {
            assert_eq!(Number::read(text), None, "{text}");
        }
    }
}
