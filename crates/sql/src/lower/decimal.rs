//! Exact arithmetic on decimals as 128-bit units. Rounding is half away from zero; `None` is a result that does not fit.

/// Ten to the power of `n`, up to 38.
pub(super) fn pow10(n: u8) -> Option<i128> {
    10i128.checked_pow(u32::from(n))
}

/// Whether the units have at most `precision` digits.
pub(super) fn fits(units: i128, precision: u8) -> bool {
    pow10(precision).is_none_or(|limit| units.unsigned_abs() < limit.unsigned_abs())
}

/// The same number with another scale.
pub(super) fn rescale(units: i128, from: u8, to: u8) -> Option<i128> {
    if to >= from {
        return units.checked_mul(pow10(to - from)?);
    }
    let Some(divisor) = pow10(from - to) else { return Some(0) };
    let (quotient, rest) = (units / divisor, units % divisor);
    let up = rest.unsigned_abs() * 2 >= divisor.unsigned_abs();
    Some(if up { quotient + units.signum() } else { quotient })
}

/// `a / b` at `scale`, where `a` and `b` have the scales `of_a` and `of_b`, rounded once from the exact quotient.
/// `b` is not zero.
pub(super) fn quotient(a: i128, of_a: u8, b: i128, of_b: u8, scale: u8) -> Option<i128> {
    let shift = i32::from(scale) + i32::from(of_b) - i32::from(of_a);
    let (upper, lower) = (a.unsigned_abs(), b.unsigned_abs());
    let magnitude = match u8::try_from(shift) {
        Ok(shift) => match pow10(shift).and_then(|p| upper.checked_mul(p.unsigned_abs())) {
            Some(upper) => nearest(upper, lower),
            None => digit_by_digit(upper, lower, shift)?,
        },
        // The dividend has more places than the result needs: the digits behind them only decide the rounding.
        Err(_) => {
            let divisor = pow10(u8::try_from(-shift).ok()?)?.unsigned_abs();
            let whole = upper / lower;
            whole / divisor + u128::from((whole % divisor) * 2 >= divisor)
        }
    };
    let magnitude = i128::try_from(magnitude).ok()?;
    Some(if (a < 0) == (b < 0) { magnitude } else { -magnitude })
}

fn nearest(upper: u128, lower: u128) -> u128 {
    let (whole, rest) = (upper / lower, upper % lower);
    whole + u128::from(rest >= lower - rest)
}

/// Long division, for quotients whose dividend does not fit when it is shifted at once.
fn digit_by_digit(upper: u128, lower: u128, shift: u8) -> Option<u128> {
    let (mut whole, mut rest) = (upper / lower, upper % lower);
    for _ in 0..shift {
        let (digit, next) = times_ten(rest, lower);
        whole = whole.checked_mul(10)?.checked_add(digit)?;
        rest = next;
    }
    whole.checked_add(u128::from(rest >= lower - rest))
}

/// Ten times `rest`, divided by `lower`: doubling keeps every step below twice `lower`, which fits.
fn times_ten(rest: u128, lower: u128) -> (u128, u128) {
    let double = |(digit, rest): (u128, u128)| {
        if rest >= lower - rest { (digit * 2 + 1, rest - (lower - rest)) } else { (digit * 2, rest * 2) }
    };
    let (digit, four) = double(double((0, rest)));
    let five = if four >= lower - rest { (digit + 1, four - (lower - rest)) } else { (digit, four + rest) };
    double(five)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        let cases = [
            (125, 1, 13),
            (-125, 1, -13),
            (124, 1, 12),
            (-124, 1, -12),
            (5, 0, 0),
            (50, 0, 1),
            (49, 0, 0),
            (125, 4, 12500),
        ];
        for (units, to, expected) in cases {
            assert_eq!(rescale(units, 2, to), Some(expected), "{units} to {to}");
        }
        assert_eq!(rescale(i128::MAX, 0, 1), None);
        assert_eq!(rescale(7, 38, 0), Some(0));
    }

    #[test]
    fn quotients_are_rounded_once() {
        let cases = [
            // 1 / 3 = 0.33
            (1, 0, 3, 0, 2, Some(33)),
            // 2 / 3 = 0.67, and its negative
            (2, 0, 3, 0, 2, Some(67)),
            (-2, 0, 3, 0, 2, Some(-67)),
            (2, 0, -3, 0, 2, Some(-67)),
            // 1.005 / 1 = 1.01
            (1005, 3, 1, 0, 2, Some(101)),
            // 1.00499 / 1 = 1.00, although 1.005 rounds up
            (100_499, 5, 1, 0, 2, Some(100)),
            (10i128.pow(37), 0, 1, 0, 2, None),
        ];
        for (a, s1, b, s2, scale, expected) in cases {
            assert_eq!(quotient(a, s1, b, s2, scale), expected, "{a} / {b}");
        }
        // 38 digits over 38 digits at 37 places: one third, by hand.
        let third = "3".repeat(37).parse::<i128>().unwrap();
        let nines = "9".repeat(38).parse::<i128>().unwrap();
        assert_eq!(quotient(nines / 3, 0, nines, 0, 37), Some(third));
    }

    proptest! {
        #[test]
        fn a_quotient_is_within_half_a_unit(a in any::<i64>(), b in any::<i32>().prop_filter("zero", |b| *b != 0), s1 in 0u8..6, s2 in 0u8..6, scale in 0u8..10) {
            let q = quotient(a.into(), s1, b.into(), s2, scale).unwrap();
            // |q * b * 10^s1 - a * 10^(s2 + scale)| * 2 <= |b| * 10^s1
            let left = q * i128::from(b) * pow10(s1).unwrap();
            let right = i128::from(a) * pow10(s2 + scale).unwrap();
            prop_assert!((left - right).abs() * 2 <= i128::from(b).abs() * pow10(s1).unwrap());
        }

        #[test]
        fn long_division_equals_division(upper in 0u128..1 << 90, lower in 1u128..1 << 90, shift in 0u8..10) {
            prop_assert_eq!(digit_by_digit(upper, lower, shift), Some(nearest(upper * 10u128.pow(shift.into()), lower)));
        }
    }
}
