//! Numbers from their text, exactly or not at all.

/// The number times ten to the power of `scale`; none when the text is no number, or when digits other than zeros
/// would be cut off, or when it has more than `precision` digits.
pub(crate) fn unscaled(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (negative, plain) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, exponent) = match plain.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (plain, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let figures = || whole.bytes().chain(fraction.bytes());
    if figures().next().is_none() || !figures().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Where the point stands among the figures after the shift by exponent and scale.
    let point = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(scale);
    let mut value: u128 = 0;
    let mut place: i64 = 0;
    for byte in figures() {
        let digit = u128::from(byte - b'0');
        if place < point {
            value = value.checked_mul(10)?.checked_add(digit)?;
        } else if digit != 0 {
            return None;
        }
        place += 1;
    }
    if value != 0 {
        let zeros = u32::try_from((point - place).max(0)).ok()?;
        value = value.checked_mul(10u128.checked_pow(zeros)?)?;
    }
    if value >= 10u128.checked_pow(u32::from(precision))? {
        return None;
    }
    let value = i128::try_from(value).ok()?;
    Some(if negative { -value } else { value })
}

/// A whole number, also when it is written with a fraction of zeros or an exponent.
pub(crate) fn integer(text: &str) -> Option<i64> {
    i64::try_from(unscaled(text, 19, 0)?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_exact_number_is_none() {
        let cases = [
            ("0", 0, Some(0)),
            ("-0.00", 2, Some(0)),
            ("1.5", 2, Some(150)),
            ("-1.500", 2, Some(-150)),
            ("1.005", 2, None),
            ("1E+2", 0, Some(100)),
            ("1.5e1", 0, Some(15)),
            ("15e-1", 0, None),
            ("150E-1", 0, Some(15)),
            (".5", 1, Some(5)),
            ("5.", 1, Some(50)),
            ("0e999999999", 0, Some(0)),
            ("1e999999999", 0, None),
            ("1e-999999999", 0, None),
            ("99999", 0, Some(99999)),
            ("100000", 0, None),
            ("", 0, None),
            ("-", 0, None),
            (".", 0, None),
            ("1.2.3", 0, None),
            ("NaN", 0, None),
            ("--1", 0, None),
            ("1 ", 0, None),
            ("é", 0, None),
        ];
        for (text, scale, expected) in cases {
            assert_eq!(unscaled(text, 5, scale), expected, "{text}");
        }
    }

    #[test]
    fn integers_reach_their_ends() {
        assert_eq!(integer("9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer("9223372036854775808"), None);
        assert_eq!(integer("1.5"), None);
        assert_eq!(integer("2.0"), Some(2));
    }

    proptest! {
        #[test]
        fn every_decimal_comes_back(value in -(10i128.pow(38) - 1)..10i128.pow(38), scale in 0u8..=38) {
            // Written as digits with a point put in by hand, not by the code under test.
            let figures = format!("{:0>1$}", value.unsigned_abs(), usize::from(scale) + 1);
            let (whole, fraction) = figures.split_at(figures.len() - usize::from(scale));
            let text = format!("{}{whole}.{fraction}", if value < 0 { "-" } else { "" });
            prop_assert_eq!(unscaled(&text, 38, scale), Some(value));
        }

        #[test]
        fn no_text_panics(text in "[-+.eE0-9]{0,50}") {
            let _ = unscaled(&text, 38, 10);
        }
    }
}
