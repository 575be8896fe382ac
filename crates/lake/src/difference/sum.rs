//! Sums that do not depend on the order of their terms.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, i256};

/// The sum of a column's values; nulls are no values.
#[derive(Debug, Clone)]
pub(super) enum Sum {
    Exact { scale: usize, near: i128, far: i256, any: bool },
    Double { parts: Vec<f64>, odd: f64, any: bool },
}

impl Sum {
    /// None for a column that has no sum.
    pub(super) fn of(kind: &DataType) -> Option<Self> {
        let exact = |scale| Self::Exact { scale, near: 0, far: i256::ZERO, any: false };
        match kind {
            DataType::Int64 => Some(exact(0)),
            DataType::Decimal128(_, scale) => Some(exact(usize::try_from(*scale).unwrap_or(0))),
            DataType::Float64 => Some(Self::Double { parts: Vec::new(), odd: 0.0, any: false }),
            _ => None,
        }
    }

    /// Adds a column of the type that the sum was made for.
    pub(super) fn add(&mut self, column: &dyn Array) {
        match column.data_type() {
            DataType::Int64 => {
                column.as_primitive::<Int64Type>().iter().flatten().for_each(|n| self.add_exact(n.into()))
            }
            DataType::Decimal128(..) => {
                column.as_primitive::<Decimal128Type>().iter().flatten().for_each(|n| self.add_exact(n));
            }
            DataType::Float64 => column.as_primitive::<Float64Type>().iter().flatten().for_each(|n| self.add_double(n)),
            _ => {}
        }
    }

    pub(super) fn absorb(&mut self, other: &Self) {
        match (self, other) {
            (Self::Exact { far, any, near, .. }, Self::Exact { near: n, far: f, any: a, .. }) => {
                *far = far.wrapping_add(*f).wrapping_add(i256::from_i128(*n)).wrapping_add(i256::from_i128(*near));
                *near = 0;
                *any |= a;
            }
            (this @ Self::Double { .. }, Self::Double { parts, odd, any }) => {
                parts.iter().for_each(|part| this.add_double(*part));
                if let Self::Double { odd: mine, any: mine_any, .. } = this {
                    *mine += odd;
                    *mine_any |= any;
                }
            }
            _ => {}
        }
    }

    /// Decimal text; none when there was no value.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Exact { any: false, .. } | Self::Double { any: false, .. } => None,
            Self::Exact { scale, near, far, .. } => {
                Some(pointed(&far.wrapping_add(i256::from_i128(*near)).to_string(), *scale))
            }
            Self::Double { parts, odd, .. } => {
                let sum = if *odd == 0.0 { rounded(parts) } else { *odd };
                Some(format!("{sum}"))
            }
        }
    }

    /// 256 bits hold 10^38 values of 38 digits: a sum of rows cannot leave them.
    fn add_exact(&mut self, value: i128) {
        let Self::Exact { near, far, any, .. } = self else { return };
        *any = true;
        match near.checked_add(value) {
            Some(sum) => *near = sum,
            None => {
                *far = far.wrapping_add(i256::from_i128(*near));
                *near = value;
            }
        }
    }

    /// Keeps the sum as parts that do not overlap, so that no digit is lost before the end.
    fn add_double(&mut self, value: f64) {
        let Self::Double { parts, odd, any } = self else { return };
        *any = true;
        if !value.is_finite() {
            *odd += value;
            return;
        }
        let mut carried = value;
        let mut kept = 0;
        for at in 0..parts.len() {
            let (mut large, mut small) = (carried, parts[at]);
            if large.abs() < small.abs() {
                std::mem::swap(&mut large, &mut small);
            }
            let sum = large + small;
            let rest = small - (sum - large);
            if rest != 0.0 {
                parts[kept] = rest;
                kept += 1;
            }
            carried = sum;
        }
        parts.truncate(kept);
        parts.push(carried);
    }
}

/// The sum of parts that do not overlap, smallest first, rounded once.
fn rounded(parts: &[f64]) -> f64 {
    let Some((last, rest)) = parts.split_last() else { return 0.0 };
    let (mut sum, mut lost, mut left) = (*last, 0.0, rest.len());
    while left > 0 && lost == 0.0 {
        left -= 1;
        let next = sum + rest[left];
        lost = rest[left] - (next - sum);
        sum = next;
    }
    // Half way between two doubles the parts that are left decide.
    if left > 0 && lost != 0.0 && (lost < 0.0) == (rest[left - 1] < 0.0) {
        let twice = lost * 2.0;
        let next = sum + twice;
        if next - sum == twice {
            sum = next;
        }
    }
    sum
}

/// Puts the decimal point into a whole number's digits.
fn pointed(digits: &str, scale: usize) -> String {
    if scale == 0 {
        return digits.to_owned();
    }
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow::array::{Decimal128Array, Float64Array, Int64Array};

    #[test]
    fn sums_larger_than_their_type_are_exact() {
        let mut sum = Sum::of(&DataType::Int64).unwrap();
        sum.add(&Int64Array::from(vec![Some(i64::MAX), None, Some(i64::MAX), Some(1)]));
        assert_eq!(sum.text().unwrap(), "18446744073709551615");
        let mut sum = Sum::of(&DataType::Decimal128(38, 2)).unwrap();
        let most = 99_999_999_999_999_999_999_999_999_999_999_999_999_i128;
        sum.add(&Decimal128Array::from(vec![most, most, most]).with_precision_and_scale(38, 2).unwrap());
        assert_eq!(sum.text().unwrap(), "2999999999999999999999999999999999999.97");
        let mut other = Sum::of(&DataType::Decimal128(38, 2)).unwrap();
        other.add(&Decimal128Array::from(vec![-most, -most, -most, -5]).with_precision_and_scale(38, 2).unwrap());
        sum.absorb(&other);
        assert_eq!(sum.text().unwrap(), "-0.05");
    }

    #[test]
    fn no_value_has_no_sum_and_zero_has_one() {
        let mut sum = Sum::of(&DataType::Int64).unwrap();
        sum.add(&Int64Array::from(vec![None, None]));
        assert_eq!(sum.text(), None);
        sum.add(&Int64Array::from(vec![0]));
        assert_eq!(sum.text().as_deref(), Some("0"));
        assert!(Sum::of(&DataType::Utf8).is_none());
    }

    #[test]
    fn doubles_sum_to_the_same_in_any_order() {
        let values = [1e100, 0.1, -1e100, 0.2, 1e-9, 3.5];
        let sum = |values: &[f64]| {
            let mut sum = Sum::of(&DataType::Float64).unwrap();
            sum.add(&Float64Array::from(values.to_vec()));
            sum.text().unwrap()
        };
        let mut turned = values;
        turned.reverse();
        assert_eq!(sum(&values), "3.800000001");
        assert_eq!(sum(&turned), sum(&values));
        assert_eq!(sum(&[f64::INFINITY, 1.0]), "inf");
    }
}
