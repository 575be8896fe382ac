//! Aggregates: what the engine computes per group, and the column that makes of it.

use polars::prelude::*;

use super::arithmetic::narrowed;
use super::column::{column, elementwise, from_units, of_type, too_large, units};
use super::decimal::fits;
use super::key;
use super::spark::wrapped;
use crate::error::Place;
use crate::plan::{Aggregate, Call};
use crate::types::{MAX_PRECISION, Type, dtype_of};

/// A sum of fewer digits cannot exceed 38 before ten thousand million rows; wider decimals are summed in two halves.
const PLAIN_SUM: u8 = 28;
const HALF: i128 = 10_000_000_000_000_000_000;

/// The parts of one call.
pub(super) struct Parts {
    /// Computed before the groups are formed, per row.
    pub prepare: Vec<Expr>,
    /// Computed per group.
    pub aggregate: Vec<Expr>,
    /// The result, over the columns of `aggregate`.
    pub finish: Expr,
}

/// The parts of `call`, whose argument is the column `argument`; `prefix` is free for names.
pub(super) fn parts(call: &Call, argument: Option<Expr>, prefix: &str, at: Place) -> Parts {
    let (Some(argument), Some(typed)) = (argument, call.argument.as_ref()) else {
        return simple(Vec::new(), len().cast(DataType::Int64), prefix);
    };
    let input = format!("{prefix}_in");
    let x = column(input.as_str());
    let argument = match (call.function, typed.kind) {
        // Text is hashed where the engine has no hash for the number.
        (Aggregate::CountDistinct, Type::Decimal { .. }) => match key::parts(argument.clone(), typed.kind).as_slice() {
            [single] => single.clone(),
            _ => super::cast::cast(typed.kind, Type::String, at, argument),
        },
        _ => argument,
    };
    let prepare = vec![argument.alias(input.as_str())];
    match call.function {
        Aggregate::Count => simple(prepare, x.count().cast(DataType::Int64), prefix),
        Aggregate::CountDistinct => {
            // The engine counts null as one more value.
            let null = len().neq(x.clone().count()).cast(DataType::Int64);
            let values = x.n_unique().cast(DataType::Int64);
            simple(prepare, if typed.nullable { values - null } else { values }, prefix)
        }
        Aggregate::Min => simple(prepare, x.min(), prefix),
        Aggregate::Max => simple(prepare, x.max(), prefix),
        Aggregate::Mean => simple(prepare, x.mean(), prefix),
        Aggregate::Variance(less) => spread(simple(prepare, x.clone().var(less), prefix), x, prefix),
        Aggregate::Deviation(less) => spread(simple(prepare, x.clone().std(less), prefix), x, prefix),
        Aggregate::Sum | Aggregate::LenientSum => sum(call, typed.kind, prepare, x, prefix, at),
    }
}

fn simple(prepare: Vec<Expr>, aggregate: Expr, prefix: &str) -> Parts {
    let name = format!("{prefix}_out");
    Parts { prepare, aggregate: vec![aggregate.alias(name.as_str())], finish: column(name.as_str()) }
}

/// Exactly zero where all values are one: the engine leaves the rounding of their mean.
fn spread(mut parts: Parts, x: Expr, prefix: &str) -> Parts {
    let (least, most) = (format!("{prefix}_min"), format!("{prefix}_max"));
    parts.aggregate.extend([x.clone().min().alias(least.as_str()), x.max().alias(most.as_str())]);
    let (least, most) = (column(least.as_str()), column(most.as_str()));
    let one = least.clone().eq(most).and(least.is_finite()).and(parts.finish.clone().is_not_null());
    Parts { finish: when(one).then(lit(0.0)).otherwise(parts.finish), ..parts }
}

fn sum(call: &Call, kind: Type, prepare: Vec<Expr>, x: Expr, prefix: &str, at: Place) -> Parts {
    let total = call.kind;
    let lenient = call.function == Aggregate::LenientSum;
    let mut parts = match kind {
        Type::Int8 | Type::Int16 | Type::Int32 => simple(prepare, x.clone().cast(DataType::Int64).sum(), prefix),
        Type::Int64 => {
            let wide = simple(prepare, x.clone().cast(DataType::Int128).sum(), prefix);
            let finish = elementwise(vec![wide.finish], total, move |s| match lenient {
                true => from_units(units(&s[0])?.apply_values(|n| wrapped(n, total)), total),
                false => narrowed(&units(&s[0])?, total, at),
            });
            Parts { finish, ..wide }
        }
        Type::Decimal { precision, .. } if precision > PLAIN_SUM => {
            halves(total, prepare, prefix, (!lenient).then_some(at))
        }
        Type::Decimal { scale, .. } => {
            let widest = dtype_of(Type::Decimal { precision: MAX_PRECISION, scale });
            let sum = simple(prepare, x.clone().cast(widest).sum(), prefix);
            let finish =
                if lenient { elementwise(vec![sum.finish], total, move |s| fitting(&s[0], total)) } else { sum.finish };
            Parts { finish, ..sum }
        }
        _ => simple(prepare, x.clone().sum(), prefix),
    };
    if call.nullable {
        // The engine's sum of nothing is zero.
        let count = format!("{prefix}_count");
        parts.aggregate.push(x.count().alias(count.as_str()));
        let some = column(count.as_str()).gt(lit(0 as IdxSize));
        let null = Expr::Literal(LiteralValue::Scalar(Scalar::null(dtype_of(total))));
        parts.finish = when(some).then(parts.finish).otherwise(null);
    }
    parts
}

/// Null where a value has too many digits for its type.
fn fitting(sums: &Series, total: Type) -> PolarsResult<Series> {
    let (precision, _) = total.digits().unwrap_or((MAX_PRECISION, 0));
    let kept = |x: Option<i128>| x.filter(|units| fits(*units, precision));
    let result: Int128Chunked = polars::chunked_array::ops::arity::unary_elementwise(&units(sums)?, kept);
    from_units(result, total)
}

/// Sums the upper and the lower digits apart: neither sum can overflow, and joining them is checked. What does not fit
/// fails at its place, or is null where there is none.
fn halves(total: Type, mut prepare: Vec<Expr>, prefix: &str, at: Option<Place>) -> Parts {
    let (upper, lower) = (format!("{prefix}_upper"), format!("{prefix}_lower"));
    let half = |of: fn(i128) -> i128| {
        let input = prepare[0].clone();
        of_type(vec![input], DataType::Int128, move |s| Ok(units(&s[0])?.apply_values(of).into_series()))
    };
    let split = [half(|n| n / HALF).alias(upper.as_str()), half(|n| n % HALF).alias(lower.as_str())];
    prepare.extend(split);
    let aggregate = [&upper, &lower].map(|name| column(name.as_str()).sum().alias(name.as_str())).to_vec();
    let finish = elementwise(vec![column(upper.as_str()), column(lower.as_str())], total, move |s| {
        join(&units(&s[0])?, &units(&s[1])?, total, at)
    });
    Parts { prepare, aggregate, finish }
}

fn join(upper: &Int128Chunked, lower: &Int128Chunked, total: Type, at: Option<Place>) -> PolarsResult<Series> {
    use polars::chunked_array::ops::arity::broadcast_try_binary_elementwise;
    let result: Int128Chunked = broadcast_try_binary_elementwise(upper, lower, |u, l| {
        let (Some(u), Some(l)) = (u, l) else { return Ok(None) };
        match u.checked_mul(HALF).and_then(|u| u.checked_add(l)) {
            Some(units) if fits(units, MAX_PRECISION) => Ok(Some(units)),
            _ => at.map_or(Ok(None), |at| Err(too_large(total, at))),
        }
    })?;
    from_units(result, total)
}
