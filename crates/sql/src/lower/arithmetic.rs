//! `+ - * /`, signs and rounding: exact, and an error instead of a wrapped value.

use polars::chunked_array::ops::arity::{
    broadcast_binary_elementwise_values, broadcast_try_binary_elementwise, try_unary_elementwise,
};
use polars::prelude::*;

use super::column::{elementwise, failure, from_units, too_large, units};
use super::decimal::{fits, pow10, quotient, rescale};
use crate::error::Place;
use crate::plan::{Arithmetic, Expr as Typed, Node};
use crate::types::{MAX_PRECISION, Type};

/// Whether this operation can fail on some data.
pub(super) fn fallible(expr: &Typed) -> bool {
    match &expr.node {
        Node::Arithmetic(op, a, b) => match (expr.kind, a.kind.digits(), b.kind.digits()) {
            (Type::Decimal { .. }, Some(a), Some(b)) => !always_fits(*op, a, b),
            _ => true,
        },
        Node::Negate(x) | Node::Abs(x) => x.kind.is_integer(),
        Node::Round(x) => !round_fits(x.kind, expr.kind),
        _ => false,
    }
}

/// `left op right` of the types that the binder brought together.
pub(super) fn binary(op: Arithmetic, kinds: (Type, Type), kind: Type, at: Place, inputs: Vec<Expr>) -> Expr {
    match (kind, kinds.0.digits(), kinds.1.digits()) {
        (Type::Decimal { precision, scale }, Some(a), Some(b)) => elementwise(inputs, kind, move |s| {
            let (l, r) = (units(&s[0])?, units(&s[1])?);
            let result = exact(op, (&l, a), (&r, b), (precision, scale), kind, at)?;
            from_units(result, kind)
        }),
        (Type::Double, ..) => elementwise(inputs, kind, move |s| double(op, s[0].f64()?, s[1].f64()?, at)),
        _ => elementwise(inputs, kind, move |s| whole(op, &s[0], &s[1], kind, at)),
    }
}

/// `-x` and `abs(x)`.
pub(super) fn signed(kind: Type, at: Place, absolute: bool, input: Expr) -> Expr {
    elementwise(vec![input], kind, move |s| {
        if kind == Type::Double {
            let sign = |x: f64| if absolute { x.abs() } else { -x };
            return Ok(s[0].f64()?.apply_values(sign).into_series());
        }
        let sign = |x: i128| if absolute { x.abs() } else { -x };
        let result = units(&s[0])?.apply_values(sign);
        match kind {
            Type::Decimal { .. } => from_units(result, kind),
            _ => narrowed(&result, kind, at),
        }
    })
}

/// A decimal at another scale, half away from zero.
pub(super) fn round(from: Type, kind: Type, at: Place, input: Expr) -> Expr {
    let ((_, old), (precision, scale)) = (from.digits().unwrap_or((38, 0)), kind.digits().unwrap_or((38, 0)));
    elementwise(vec![input], kind, move |s| rescaled(&units(&s[0])?, old, precision, scale, kind, at))
}

/// Units at another scale, checked against the precision.
pub(super) fn rescaled(
    input: &Int128Chunked,
    old: u8,
    precision: u8,
    scale: u8,
    kind: Type,
    at: Place,
) -> PolarsResult<Series> {
    let result: Int128Chunked = try_unary_elementwise(input, |x| match x {
        None => Ok(None),
        Some(x) => match rescale(x, old, scale) {
            Some(units) if fits(units, precision) => Ok(Some(units)),
            _ => Err(too_large(kind, at)),
        },
    })?;
    from_units(result, kind)
}

/// Whole numbers as int32 or int64, checked.
pub(super) fn narrowed(input: &Int128Chunked, kind: Type, at: Place) -> PolarsResult<Series> {
    let (low, high) = match kind {
        Type::Int32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    match input.min_max() {
        Some((min, max)) if min < low || max > high => Err(too_large(kind, at)),
        _ => from_units(input.clone(), kind),
    }
}

fn always_fits(op: Arithmetic, (p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> bool {
    match op {
        Arithmetic::Add | Arithmetic::Subtract => (p1 - s1).max(p2 - s2) + s1.max(s2) < MAX_PRECISION,
        Arithmetic::Multiply => p1 + p2 <= MAX_PRECISION,
        Arithmetic::Divide | Arithmetic::Quotient => false,
    }
}

fn round_fits(from: Type, to: Type) -> bool {
    let ((p1, s1), (_, s2)) = (from.digits().unwrap_or((38, 0)), to.digits().unwrap_or((38, 0)));
    p1 - s1 + s2 + u8::from(s2 < s1) <= MAX_PRECISION
}

type Operand<'a> = (&'a Int128Chunked, (u8, u8));

fn exact(
    op: Arithmetic,
    (left, a): Operand<'_>,
    (right, b): Operand<'_>,
    (precision, scale): (u8, u8),
    kind: Type,
    at: Place,
) -> PolarsResult<Int128Chunked> {
    let (of_a, of_b) = (a.1, b.1);
    let up = |own: u8| pow10(scale.saturating_sub(own)).unwrap_or(1);
    let (up_a, up_b) = (up(of_a), up(of_b));
    // Under a null there may be any bits: they wrap where they must not stop the query.
    if always_fits(op, a, b) {
        return Ok(match op {
            Arithmetic::Add => broadcast_binary_elementwise_values(left, right, move |x: i128, y: i128| {
                x.wrapping_mul(up_a).wrapping_add(y.wrapping_mul(up_b))
            }),
            Arithmetic::Subtract => broadcast_binary_elementwise_values(left, right, move |x: i128, y: i128| {
                x.wrapping_mul(up_a).wrapping_sub(y.wrapping_mul(up_b))
            }),
            _ => broadcast_binary_elementwise_values(left, right, |x: i128, y: i128| x.wrapping_mul(y)),
        });
    }
    let compute = |x: i128, y: i128| match op {
        Arithmetic::Add => x.checked_mul(up_a)?.checked_add(y.checked_mul(up_b)?),
        Arithmetic::Subtract => x.checked_mul(up_a)?.checked_sub(y.checked_mul(up_b)?),
        Arithmetic::Multiply => x.checked_mul(y),
        Arithmetic::Divide | Arithmetic::Quotient => quotient(x, of_a, y, of_b, scale),
    };
    let divides = matches!(op, Arithmetic::Divide | Arithmetic::Quotient);
    broadcast_try_binary_elementwise(left, right, |x, y| match (x, y) {
        (Some(_), Some(0)) if divides => Err(division_by_zero(at)),
        (Some(x), Some(y)) => match compute(x, y) {
            Some(units) if fits(units, precision) => Ok(Some(units)),
            _ => Err(too_large(kind, at)),
        },
        _ => Ok(None),
    })
}

fn whole(op: Arithmetic, left: &Series, right: &Series, kind: Type, at: Place) -> PolarsResult<Series> {
    let (left, right) = (left.cast(&DataType::Int64)?, right.cast(&DataType::Int64)?);
    let narrow = kind == Type::Int32;
    let result: Int64Chunked = broadcast_try_binary_elementwise(left.i64()?, right.i64()?, |x, y| {
        let (Some(x), Some(y)) = (x, y) else { return Ok(None) };
        let value: Option<i64> = match op {
            Arithmetic::Add => x.checked_add(y),
            Arithmetic::Subtract => x.checked_sub(y),
            Arithmetic::Multiply => x.checked_mul(y),
            Arithmetic::Divide | Arithmetic::Quotient if y == 0 => return Err(division_by_zero(at)),
            Arithmetic::Divide | Arithmetic::Quotient => x.checked_div(y),
        };
        match value {
            Some(n) if !narrow || i32::try_from(n).is_ok() => Ok(Some(n)),
            _ => Err(too_large(kind, at)),
        }
    })?;
    if narrow { result.into_series().cast(&DataType::Int32) } else { Ok(result.into_series()) }
}

fn double(op: Arithmetic, left: &Float64Chunked, right: &Float64Chunked, at: Place) -> PolarsResult<Series> {
    let result: Float64Chunked = broadcast_try_binary_elementwise(left, right, |x, y| {
        let (Some(x), Some(y)) = (x, y) else { return Ok(None) };
        let value: f64 = match op {
            Arithmetic::Add => x + y,
            Arithmetic::Subtract => x - y,
            Arithmetic::Multiply => x * y,
            Arithmetic::Divide | Arithmetic::Quotient if y == 0.0 => return Err(division_by_zero(at)),
            Arithmetic::Divide | Arithmetic::Quotient => x / y,
        };
        if value.is_infinite() && x.is_finite() && y.is_finite() {
            return Err(too_large(Type::Double, at));
        }
        Ok(Some(value))
    })?;
    Ok(result.into_series())
}

fn division_by_zero(at: Place) -> PolarsError {
    failure("division by zero; guard the divisor with `nullif(..., 0)`", at)
}
