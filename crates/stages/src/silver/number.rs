//! Reads decimal numbers from their text, exactly.

/// Why a text is not a number of the asked precision and scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberFault {
    NotANumber,
    /// Digits other than zeros lie behind the scale.
    Fraction,
    /// More digits than the precision has.
    Overflow,
}

/// Powers of ten that an i128 holds.
pub(crate) const POWERS: [i128; 39] = powers();

const fn powers() -> [i128; 39] {
    let mut all = [1; 39];
    let mut at = 1;
    while at < 39 {
        all[at] = all[at - 1] * 10;
        at += 1;
    }
    all
}

/// The number times `10^scale`. Accepts a sign, digits with or without a point, and an exponent.
#[inline]
pub(crate) fn read(text: &[u8], precision: u8, scale: u8) -> Result<i128, NumberFault> {
    match plain(text, scale) {
        Some(value) if value.unsigned_abs() < POWERS[usize::from(precision).min(38)].unsigned_abs() => Ok(value),
        Some(_) => Err(NumberFault::Overflow),
        None => any(text, precision, scale),
    }
}

/// The common case: at most eighteen digits, no exponent, no more digits behind the point than the scale has.
#[inline]
fn plain(text: &[u8], scale: u8) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    let mut behind = None;
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + i64::from(byte - b'0');
                behind = behind.map(|count: u8| count + 1);
            }
            b'.' if behind.is_none() => behind = Some(0),
            _ => return None,
        }
    }
    if behind.is_some() && digits.len() == 1 {
        return None;
    }
    let missing = scale.checked_sub(behind.unwrap_or(0))?;
    let value = i128::from(value).checked_mul(POWERS[usize::from(missing).min(38)])?;
    Some(if negative { -value } else { value })
}

fn any(text: &[u8], precision: u8, scale: u8) -> Result<i128, NumberFault> {
    let parts = Parts::of(text).ok_or(NumberFault::NotANumber)?;
    let (digits, exponent) = parts.significant();
    if digits.is_empty() {
        return Ok(0);
    }
    let shift = exponent.saturating_add(i64::from(scale));
    if shift < 0 {
        return Err(NumberFault::Fraction);
    }
    if (digits.len() as i64).saturating_add(shift) > i64::from(precision) {
        return Err(NumberFault::Overflow);
    }
    let whole = digits.iter().fold(0i128, |value, digit| value * 10 + i128::from(digit - b'0'));
    let value = whole * POWERS[usize::try_from(shift).unwrap_or(0)];
    Ok(if parts.negative { -value } else { value })
}

/// True when the text is a number, of any size.
pub(crate) fn is_number(text: &[u8]) -> bool {
    Parts::of(text).is_some()
}

struct Parts<'a> {
    negative: bool,
    before: &'a [u8],
    behind: &'a [u8],
    exponent: i64,
}

impl<'a> Parts<'a> {
    fn of(text: &'a [u8]) -> Option<Self> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let (before, text) = text.split_at(digits(text));
        let (behind, text) = match text {
            [b'.', rest @ ..] => rest.split_at(digits(rest)),
            _ => (&text[..0], text),
        };
        if before.is_empty() && behind.is_empty() {
            return None;
        }
        let exponent = match text {
            [] => 0,
            [b'e' | b'E', rest @ ..] => exponent(rest)?,
            _ => return None,
        };
        Some(Self { negative, before, behind, exponent })
    }

    /// The digits without zeros at either end, and the power of ten that they are to be multiplied with.
    fn significant(&self) -> (Vec<u8>, i64) {
        let all: Vec<u8> = self.before.iter().chain(self.behind).copied().collect();
        let first = all.iter().position(|digit| *digit != b'0').unwrap_or(all.len());
        let last = all.iter().rposition(|digit| *digit != b'0').map_or(first, |at| at + 1);
        let cut = (all.len() - last) as i64;
        let exponent = self.exponent.saturating_sub(self.behind.len() as i64).saturating_add(cut);
        (all[first..last].to_vec(), exponent)
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if text.is_empty() || digits(text) != text.len() {
        return None;
    }
    // Beyond this every number is either zero or does not fit; the exact exponent no longer matters.
    let value = text.iter().fold(0i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(1 << 40));
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_exactly_what_is_written() {
        let zeros = "0".repeat(400);
        for (text, precision, scale, expected) in [
            ("12.34", 10, 2, Ok(1234)),
            ("-12.3", 10, 2, Ok(-1230)),
            ("12.340", 10, 2, Ok(1234)),
            ("12.345", 10, 2, Err(NumberFault::Fraction)),
            ("1.5e3", 10, 2, Ok(150_000)),
            ("15E-1", 10, 2, Ok(150)),
            ("1e-3", 10, 2, Err(NumberFault::Fraction)),
            ("0e-99999999999999999999", 10, 2, Ok(0)),
            ("1e99999999999999999999", 10, 2, Err(NumberFault::Overflow)),
            ("1e-99999999999999999999", 10, 2, Err(NumberFault::Fraction)),
            ("99999999.99", 10, 2, Ok(9_999_999_999)),
            ("100000000", 10, 2, Err(NumberFault::Overflow)),
            ("5.0", 10, 0, Ok(5)),
            ("5.1", 10, 0, Err(NumberFault::Fraction)),
            (&format!("1.{zeros}"), 10, 2, Ok(100)),
            (&format!("{zeros}1"), 10, 2, Ok(100)),
            (&format!("1{zeros}"), 10, 2, Err(NumberFault::Overflow)),
            (&format!("1{zeros}e-400"), 10, 2, Ok(100)),
            ("99999999999999999999999999999999999999", 38, 0, Ok(POWERS[38] - 1)),
            ("", 10, 2, Err(NumberFault::NotANumber)),
            ("-", 10, 2, Err(NumberFault::NotANumber)),
            (".", 10, 2, Err(NumberFault::NotANumber)),
            ("1e", 10, 2, Err(NumberFault::NotANumber)),
            ("12,90", 10, 2, Err(NumberFault::NotANumber)),
            ("1.2.3", 10, 2, Err(NumberFault::NotANumber)),
            ("0x10", 10, 2, Err(NumberFault::NotANumber)),
            ("NaN", 10, 2, Err(NumberFault::NotANumber)),
        ] {
            assert_eq!(read(text.as_bytes(), precision, scale), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_form_of_a_number_is_that_number(value in -999_999_999i64..999_999_999, zeros in 0usize..30, shift in 0i32..20) {
            let sign = if value < 0 { "-" } else { "" };
            let (whole, cents) = (value.abs() / 100, value.abs() % 100);
            let plain = format!("{sign}{whole}.{cents:02}{}", "0".repeat(zeros));
            let shifted = format!("{sign}{}{}e-{}", value.abs(), "0".repeat(shift as usize), shift + 2);
            prop_assert_eq!(read(plain.as_bytes(), 12, 2), Ok(i128::from(value)));
            prop_assert_eq!(read(shifted.as_bytes(), 12, 2), Ok(i128::from(value)));
        }

        #[test]
        fn any_text_is_a_number_or_a_fault(text in "[-+0-9.eE]{0,50}", precision in 1u8..=38, scale in 0u8..=38) {
            let given = read(text.as_bytes(), precision, scale.min(precision));
            prop_assert_eq!(given == Err(NumberFault::NotANumber), !is_number(text.as_bytes()));
        }
    }
}
