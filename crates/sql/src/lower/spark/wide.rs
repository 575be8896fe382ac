//! Sums and products of decimals that need more than 128 bits before they are rounded.

use crate::lower::decimal::pow10;

/// Digits of a limb.
const DIGITS: usize = 19;
const BASE: u128 = 10_000_000_000_000_000_000;
/// Enough for the sum of two products of 38 digits each.
const LIMBS: usize = 5;

/// A magnitude, lowest digits first.
type Limbs = [u128; LIMBS];

/// `a + b` at `scale`; `None` where it has more than 38 digits.
pub(super) fn sum((a, of_a): (i128, u8), (b, of_b): (i128, u8), scale: u8) -> Option<i128> {
    let wide = of_a.max(of_b);
    let up = |x: i128, own: u8| Some(product(x.unsigned_abs(), pow10(wide - own)?.unsigned_abs()));
    let (left, right) = (up(a, of_a)?, up(b, of_b)?);
    let (negative, total) = if (a < 0) == (b < 0) {
        (a < 0, added(left, right))
    } else if above(&left, &right) {
        (a < 0, taken(left, right))
    } else {
        (b < 0, taken(right, left))
    };
    signed(rounded(&text(total), usize::from(wide - scale))?, negative)
}

/// `a * b` at `scale`.
pub(super) fn times((a, of_a): (i128, u8), (b, of_b): (i128, u8), scale: u8) -> Option<i128> {
    let digits = text(product(a.unsigned_abs(), b.unsigned_abs()));
    let lost = usize::from((of_a + of_b).checked_sub(scale)?);
    signed(rounded(&digits, lost)?, (a < 0) != (b < 0))
}

fn product(a: u128, b: u128) -> Limbs {
    let ([a0, a1], [b0, b1]) = ([a % BASE, a / BASE], [b % BASE, b / BASE]);
    let (low, middle, high) = (a0 * b0, a0 * b1 + a1 * b0, a1 * b1);
    carried([low % BASE, low / BASE + middle % BASE, middle / BASE + high % BASE, high / BASE, 0])
}

fn added(a: Limbs, b: Limbs) -> Limbs {
    carried(std::array::from_fn(|i| a[i] + b[i]))
}

fn carried(mut limbs: Limbs) -> Limbs {
    for i in 1..LIMBS {
        limbs[i] += limbs[i - 1] / BASE;
        limbs[i - 1] %= BASE;
    }
    limbs
}

/// `a - b`, where `a` is not the smaller one.
fn taken(a: Limbs, b: Limbs) -> Limbs {
    let mut borrowed = 0;
    std::array::from_fn(|i| {
        let (upper, lower) = (a[i], b[i] + borrowed);
        borrowed = u128::from(upper < lower);
        upper + borrowed * BASE - lower
    })
}

fn above(a: &Limbs, b: &Limbs) -> bool {
    a.iter().rev().ge(b.iter().rev())
}

fn text(limbs: Limbs) -> String {
    let digits: String = limbs.iter().rev().map(|limb| format!("{limb:0>DIGITS$}")).collect();
    digits.trim_start_matches('0').to_owned()
}

/// The number without its last `lost` digits, half up.
fn rounded(digits: &str, lost: usize) -> Option<u128> {
    let Some(kept) = digits.len().checked_sub(lost) else { return Some(0) };
    let whole: u128 = if kept == 0 { 0 } else { digits[..kept].parse().ok()? };
    let up = digits.as_bytes().get(kept).is_some_and(|digit| *digit >= b'5');
    whole.checked_add(u128::from(up))
}

fn signed(magnitude: u128, negative: bool) -> Option<i128> {
    let units = i128::try_from(magnitude).ok()?;
    Some(if negative { -units } else { units })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NINES: i128 = 99_999_999_999_999_999_999_999_999_999_999_999_999;

    #[test]
    fn results_are_those_of_spark() {
        // 99999999999999999999999999999999999999 + 0.1 and its like do not fit; what fits is exact.
        assert_eq!(sum((49, 0), (1, 38), 6), Some(49_000_000));
        assert_eq!(sum((-50, 0), (5 * 10i128.pow(37), 38), 6), Some(-49_500_000));
        assert_eq!(sum((NINES, 0), (1, 38), 6), None);
        // 21 digits and 38 places, times 17 digits.
        assert_eq!(times((3, 0), (10i128.pow(37), 38), 27), Some(3 * 10i128.pow(26)));
        assert_eq!(times((-NINES, 10), (15, 1), 8), Some(-15 * 10i128.pow(35)));
        assert_eq!(times((NINES, 0), (NINES, 0), 0), None);
    }
}
