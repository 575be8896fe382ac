//! Casts: null where a value has no such form.

use polars::chunked_array::ops::arity::unary_elementwise;
use polars::prelude::*;

use super::DAY;
use super::arithmetic::{rounded, wrapped};
use crate::literal::exact_text;
use crate::lower::column::{from_units, units};
use crate::lower::decimal::{fits, pow10, rescale};
use crate::spark;
use crate::types::Type;

pub(super) fn cast(input: &Series, from: Type, to: Type) -> PolarsResult<Series> {
    match (from, to) {
        (a, b) if a == b => Ok(input.clone()),
        (Type::String, _) => from_text(input.str()?, to),
        (_, Type::String) => to_text(input, from),
        (a, b) if a.is_approximate() && b.is_approximate() => {
            Ok(input.f64()?.apply_values(|x| rounded(x, to)).into_series())
        }
        (a, _) if a.is_approximate() => from_double(input.f64()?, to),
        (_, Type::Double) => to_double(input, from),
        (_, Type::Float) => to_float(input, from),
        // Seconds as a double, as Spark has them on the way.
        (a, Type::Decimal { .. }) if a.is_timestamp() => from_double(to_double(input, from)?.f64()?, to),
        (_, Type::Boolean) => {
            let result: BooleanChunked = unary_elementwise(&units(input)?, |x: Option<i128>| x.map(|x| x != 0));
            Ok(result.into_series())
        }
        _ => {
            let result: Int128Chunked = unary_elementwise(&units(input)?, |x: Option<i128>| between(x?, from, to));
            from_units(result, to)
        }
    }
}

/// Between kinds whose values are whole numbers of units.
fn between(x: i128, from: Type, to: Type) -> Option<i128> {
    let scale = from.digits().map_or(0, |(_, scale)| scale);
    match to {
        Type::Decimal { precision, scale: wanted } => rescale(x, scale, wanted).filter(|units| fits(*units, precision)),
        Type::Date if from.is_timestamp() => Some(x.div_euclid(i128::from(DAY))),
        Type::Timestamp | Type::TimestampUtc if from == Type::Date => Some(x * i128::from(DAY)),
        kind if kind.is_integer() && from.is_timestamp() => Some(wrapped(x.div_euclid(1_000_000), to)),
        kind if kind.is_integer() => Some(wrapped(x / pow10(scale)?, to)),
        _ => Some(x),
    }
}

fn from_text(input: &StringChunked, to: Type) -> PolarsResult<Series> {
    match to {
        Type::Boolean => {
            let result: BooleanChunked = unary_elementwise(input, |x: Option<&str>| spark::boolean(x?));
            Ok(result.into_series())
        }
        Type::Double | Type::Float => {
            let result: Float64Chunked =
                unary_elementwise(input, |x: Option<&str>| Some(rounded(spark::double(x?)?, to)));
            Ok(result.into_series())
        }
        _ => {
            let result: Int128Chunked = unary_elementwise(input, |x: Option<&str>| read(x?, to));
            from_units(result, to)
        }
    }
}

fn read(text: &str, to: Type) -> Option<i128> {
    match to {
        kind if kind.is_integer() => spark::integer(text).map(i128::from).filter(|n| wrapped(*n, kind) == *n),
        Type::Decimal { precision, scale } => spark::decimal(text, precision, scale),
        Type::Date => spark::date(text).map(i128::from),
        _ => spark::timestamp(text, 0).map(i128::from),
    }
}

fn to_text(input: &Series, from: Type) -> PolarsResult<Series> {
    let result: StringChunked = match from {
        Type::Double => unary_elementwise(input.f64()?, |x: Option<f64>| x.map(spark::double_text)),
        Type::Float => unary_elementwise(input.f64()?, |x: Option<f64>| x.map(spark::float_text)),
        Type::Boolean => unary_elementwise(input.bool()?, |x: Option<bool>| x.map(|x| x.to_string())),
        _ => unary_elementwise(&units(input)?, |x: Option<i128>| x.map(|x| text_of(x, from))),
    };
    Ok(result.into_series())
}

fn text_of(x: i128, from: Type) -> String {
    match from {
        Type::Decimal { scale, .. } => spark::decimal_text(x, scale),
        Type::Date => i32::try_from(x).map_or_else(|_| String::new(), spark::date_text),
        Type::Timestamp | Type::TimestampUtc => i64::try_from(x).map_or_else(|_| String::new(), spark::timestamp_text),
        _ => x.to_string(),
    }
}

fn from_double(input: &Float64Chunked, to: Type) -> PolarsResult<Series> {
    if to == Type::Boolean {
        let result: BooleanChunked = unary_elementwise(input, |x: Option<f64>| x.map(|x| x != 0.0));
        return Ok(result.into_series());
    }
    // Casts of Rust stop at the ends of the type and take NaN for zero, as Java's do.
    #[allow(clippy::cast_possible_truncation)]
    let value = |x: f64| match to {
        Type::Int8 | Type::Int16 | Type::Int32 => Some(wrapped(i128::from(x as i32), to)),
        Type::Int64 => Some(i128::from(x as i64)),
        Type::Decimal { precision, scale } if x.is_finite() => spark::decimal(&spark::digits_of(x), precision, scale),
        _ => None,
    };
    let result: Int128Chunked = unary_elementwise(input, |x: Option<f64>| value(x?));
    from_units(result, to)
}

fn to_float(input: &Series, from: Type) -> PolarsResult<Series> {
    let result: Float64Chunked = match from {
        Type::Decimal { scale, .. } => {
            let value = |x: i128| exact_text(x, scale).parse::<f32>().ok().map(f64::from);
            unary_elementwise(&units(input)?, |x: Option<i128>| value(x?))
        }
        #[allow(clippy::cast_precision_loss)]
        kind if kind.is_integer() => unary_elementwise(&units(input)?, |x: Option<i128>| Some(f64::from(x? as f32))),
        _ => to_double(input, from)?.f64()?.apply_values(|x| rounded(x, Type::Float)),
    };
    Ok(result.into_series())
}

fn to_double(input: &Series, from: Type) -> PolarsResult<Series> {
    match from {
        Type::Decimal { scale, .. } => {
            let value = |x: i128| exact_text(x, scale).parse::<f64>().ok();
            let result: Float64Chunked = unary_elementwise(&units(input)?, |x: Option<i128>| value(x?));
            Ok(result.into_series())
        }
        #[allow(clippy::cast_precision_loss)]
        kind if kind.is_timestamp() => {
            let result: Float64Chunked = unary_elementwise(&units(input)?, |x: Option<i128>| Some(x? as f64 / 1e6));
            Ok(result.into_series())
        }
        _ => input.to_physical_repr().cast(&DataType::Float64),
    }
}
