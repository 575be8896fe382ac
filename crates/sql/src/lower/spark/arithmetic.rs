//! Arithmetic: whole numbers wrap, decimals that do not fit are null, and so is what is divided by zero.

use polars::chunked_array::ops::arity::broadcast_binary_elementwise;
use polars::prelude::*;

use super::wide;
use crate::lower::column::{from_units, units};
use crate::lower::decimal::{fits, pow10, quotient, rescale};
use crate::plan::Function;
use crate::types::Type;

pub(super) fn binary(
    function: &Function,
    from: &[Type],
    kind: Type,
    left: &Series,
    right: &Series,
) -> PolarsResult<Series> {
    if kind.is_approximate() {
        let result: Float64Chunked =
            broadcast_binary_elementwise(left.f64()?, right.f64()?, |a: Option<f64>, b: Option<f64>| {
                double(function, a?, b?).map(|x| rounded(x, kind))
            });
        return Ok(result.into_series());
    }
    let scales = (scale(from.first()), scale(from.get(1)));
    let (left, right) = (units(left)?, units(right)?);
    let result: Int128Chunked = broadcast_binary_elementwise(&left, &right, |a: Option<i128>, b: Option<i128>| {
        let (a, b) = (a?, b?);
        match kind {
            Type::Decimal { precision, scale } => {
                exact(function, (a, scales.0), (b, scales.1), scale).filter(|units| fits(*units, precision))
            }
            _ => whole(function, a, b).map(|n| wrapped(n, kind)),
        }
    });
    from_units(result, kind)
}

/// `-x` and `abs(x)`.
pub(super) fn signed(absolute: bool, kind: Type, series: &Series) -> PolarsResult<Series> {
    if kind.is_approximate() {
        let sign = |x: f64| if absolute { x.abs() } else { -x };
        return Ok(series.f64()?.apply_values(sign).into_series());
    }
    super::mapped(series, kind, |x| wrapped(if absolute { x.abs() } else { -x }, kind))
}

/// A double as the nearest value of its type. For operations on two floats this is what they give: a double holds more
/// than twice their digits.
pub(super) fn rounded(x: f64, kind: Type) -> f64 {
    #[allow(clippy::cast_possible_truncation)]
    if kind == Type::Float { f64::from(x as f32) } else { x }
}

/// A whole number in the bits of its type; decimals stay.
pub(in crate::lower) fn wrapped(n: i128, kind: Type) -> i128 {
    #[allow(clippy::cast_possible_truncation)]
    match kind {
        Type::Int8 => i128::from(n as i8),
        Type::Int16 => i128::from(n as i16),
        Type::Int32 => i128::from(n as i32),
        Type::Int64 => i128::from(n as i64),
        _ => n,
    }
}

fn scale(kind: Option<&Type>) -> u8 {
    kind.and_then(|kind| kind.digits()).map_or(0, |(_, scale)| scale)
}

fn double(function: &Function, a: f64, b: f64) -> Option<f64> {
    match function {
        Function::Add => Some(a + b),
        Function::Subtract => Some(a - b),
        Function::Multiply => Some(a * b),
        Function::Divide => (b != 0.0).then(|| a / b),
        _ => (b != 0.0).then(|| a % b),
    }
}

fn whole(function: &Function, a: i128, b: i128) -> Option<i128> {
    match function {
        Function::Add => Some(a + b),
        Function::Subtract => Some(a - b),
        Function::Multiply => Some(a * b),
        Function::Divide => a.checked_div(b),
        _ => a.checked_rem(b),
    }
}

fn exact(function: &Function, (a, of_a): (i128, u8), (b, of_b): (i128, u8), scale: u8) -> Option<i128> {
    let b = match function {
        Function::Divide | Function::Remainder if b == 0 => return None,
        Function::Subtract => -b,
        _ => b,
    };
    let wide = of_a.max(of_b);
    let up = |x: i128, own: u8| x.checked_mul(pow10(wide - own)?);
    let both = || (up(a, of_a), up(b, of_b));
    match function {
        Function::Divide => quotient(a, of_a, b, of_b, scale),
        Function::Multiply => match a.checked_mul(b) {
            Some(product) => rescale(product, of_a + of_b, scale),
            None => wide::times((a, of_a), (b, of_b), scale),
        },
        // The type of the remainder leaves room for the dividend: a divisor that does not fit is greater.
        Function::Remainder => {
            let (left, right) = both();
            rescale(right.map_or(left, |right| left?.checked_rem(right))?, wide, scale)
        }
        _ => {
            let (left, right) = both();
            match left.zip(right).and_then(|(left, right)| left.checked_add(right)) {
                Some(sum) => rescale(sum, wide, scale),
                None => wide::sum((a, of_a), (b, of_b), scale),
            }
        }
    }
}
