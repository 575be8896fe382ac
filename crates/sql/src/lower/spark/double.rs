//! Doubles: rounding, and whole numbers that order as they do.

/// To `places`, half away from zero and never to a negative zero, of the shortest decimal that reads back as the number.
pub(super) fn round(x: f64, places: i32) -> f64 {
    if !x.is_finite() || x == 0.0 {
        return x + 0.0;
    }
    let text = crate::spark::digits_of(x);
    let Some((digits, exponent)) = text.split_once('e') else { return x };
    let Ok(exponent) = exponent.parse::<i32>() else { return x };
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let plain: String = digits.chars().filter(char::is_ascii_digit).collect();
    // Digits before the last place that stays.
    let kept = exponent + 1 + places;
    let Ok(kept) = usize::try_from(kept) else { return 0.0 };
    if kept >= plain.len() {
        return x;
    }
    let up = plain.as_bytes()[kept] >= b'5';
    let units: u128 = plain[..kept].parse().unwrap_or(0) + u128::from(up);
    format!("{sign}{units}e-{places}").parse().unwrap_or(x) + 0.0
}

/// NaN is the greatest, and both zeros are one.
pub(super) fn order(x: f64) -> i64 {
    let x = if x.is_nan() { f64::NAN.copysign(1.0) } else { x + 0.0 };
    let bits = i64::from_ne_bytes(x.to_bits().to_ne_bytes());
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// The double of such a number.
pub(super) fn disorder(order: i64) -> f64 {
    let bits = if order < 0 { order ^ i64::MAX } else { order };
    f64::from_bits(u64::from_ne_bytes(bits.to_ne_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        let cases = [
            (2.5, 0, 3.0),
            (-2.5, 0, -3.0),
            (1.005, 2, 1.01),
            (0.04, 1, 0.0),
            (0.05, 1, 0.1),
            (1234.567, 2, 1234.57),
            (9.99, 1, 10.0),
            (1e300, 2, 1e300),
            (0.4, 0, 0.0),
            (0.5, 0, 1.0),
        ];
        for (x, places, expected) in cases {
            assert!((round(x, places) - expected).abs() < 1e-300 || round(x, places) == expected, "{x} to {places}");
        }
    }

    #[test]
    fn order_is_that_of_doubles() {
        let sorted = [f64::NEG_INFINITY, -1.5, -0.0, 1e-300, 2.0, f64::INFINITY, f64::NAN];
        assert!(sorted.windows(2).all(|pair| order(pair[0]) < order(pair[1])));
        assert_eq!(order(0.0), order(-0.0));
        assert!(disorder(order(f64::NAN)).is_nan());
        assert!(sorted[..6].iter().all(|x| disorder(order(*x)) == *x));
    }
}
