//! Casts between types: strict, half away from zero, an error instead of a wrapped or a missing value.

use polars::chunked_array::ops::arity::{try_unary_elementwise, unary_elementwise};
use polars::prelude::*;

use super::arithmetic::{narrowed, rescaled};
use super::column::{elementwise, failure, from_units, too_large, units};
use super::decimal::{fits, rescale};
use crate::error::Place;
use crate::literal::{date, date_text, exact, exact_text, timestamp, timestamp_text};
use crate::types::{Type, dtype_of};

/// Whether the cast can fail on some data.
pub(super) fn fallible(from: Type, to: Type) -> bool {
    match (from, to) {
        (_, Type::String | Type::Double) => from == Type::String && to == Type::Double,
        (Type::String, _) => true,
        (a, Type::Int64) if a.is_integer() => false,
        (a, Type::Decimal { .. }) if a.is_exact() => !widens(a, to),
        (a, b) => a.is_number() && b.is_number(),
    }
}

/// The cast of a column.
pub(super) fn cast(from: Type, to: Type, at: Place, input: Expr) -> Expr {
    if from == Type::Int32 && to == Type::Int64 || from.is_integer() && to == Type::Double {
        return input.cast(dtype_of(to));
    }
    if let (Type::Decimal { scale: a, .. }, Type::Decimal { scale: b, .. }) = (from, to)
        && a == b
        && widens(from, to)
    {
        return input.cast(dtype_of(to));
    }
    elementwise(vec![input], to, move |s| convert(&s[0], from, to, at))
}

fn widens(from: Type, to: Type) -> bool {
    let (Some((p1, s1)), Some((p2, s2))) = (from.digits(), to.digits()) else { return false };
    s2 >= s1 && p2 - s2 >= p1 - s1
}

fn convert(input: &Series, from: Type, to: Type, at: Place) -> PolarsResult<Series> {
    match (from, to) {
        (Type::String, _) => from_text(input.str()?, to, at),
        (_, Type::String) => to_text(input, from),
        (Type::Double, _) => from_double(input.f64()?, to, at),
        (Type::Decimal { scale, .. }, Type::Double) => {
            let value = |units: i128| exact_text(units, scale).parse::<f64>().unwrap_or(f64::NAN);
            let result: Float64Chunked = unary_elementwise(&units(input)?, |x: Option<i128>| x.map(value));
            Ok(result.into_series())
        }
        (Type::Date, Type::Timestamp) => {
            let micros = units(input)?.apply_values(|days| days * 86_400_000_000);
            from_units(micros, to)
        }
        (_, Type::Date) => from_units(units(input)?.apply_values(|micros| micros.div_euclid(86_400_000_000)), to),
        (_, Type::Timestamp | Type::TimestampUtc) => from_units(units(input)?, to),
        _ => between_exact(input, from, to, at),
    }
}

fn between_exact(input: &Series, from: Type, to: Type, at: Place) -> PolarsResult<Series> {
    let (_, old) = from.digits().unwrap_or((38, 0));
    let input = units(input)?;
    match to {
        Type::Decimal { precision, scale } => rescaled(&input, old, precision, scale, to, at),
        _ if old == 0 => narrowed(&input, to, at),
        _ => narrowed(&input.apply_values(|x| rescale(x, old, 0).unwrap_or(x)), to, at),
    }
}

fn to_text(input: &Series, from: Type) -> PolarsResult<Series> {
    let text = |of: &dyn Fn(i128) -> String| -> PolarsResult<Series> {
        let result: StringChunked = unary_elementwise(&units(input)?, |x: Option<i128>| x.map(of));
        Ok(result.into_series())
    };
    match from {
        Type::Decimal { scale, .. } => text(&|units| exact_text(units, scale)),
        Type::Date => text(&|days| i32::try_from(days).map_or_else(|_| String::new(), date_text)),
        Type::Timestamp | Type::TimestampUtc => text(&|micros| {
            i64::try_from(micros).map_or_else(|_| String::new(), |m| timestamp_text(m, from == Type::TimestampUtc))
        }),
        Type::Double => {
            let result: StringChunked = unary_elementwise(input.f64()?, |x: Option<f64>| x.map(|x| x.to_string()));
            Ok(result.into_series())
        }
        _ => input.cast(&DataType::String),
    }
}

fn from_text(input: &StringChunked, to: Type, at: Place) -> PolarsResult<Series> {
    let wrong = || failure(&format!("a text is not a {to}"), at);
    if to == Type::Boolean {
        let result: BooleanChunked = read(input, |text| match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(wrong()),
        })?;
        return Ok(result.into_series());
    }
    if to == Type::Double {
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        let result: Float64Chunked = read(input, |text| match text.parse::<f64>() {
            Ok(x) if number(text) && x.is_finite() => Ok(x),
            _ => Err(wrong()),
        })?;
        return Ok(result.into_series());
    }
    let result: Int128Chunked = read(input, |text| match to {
        Type::Date => date(text).map(i128::from).ok_or_else(wrong),
        Type::Timestamp => timestamp(text, false).map(i128::from).ok_or_else(wrong),
        Type::TimestampUtc => timestamp(text, true).map(i128::from).ok_or_else(wrong),
        Type::Decimal { precision, scale } => {
            let number = exact(text).ok_or_else(wrong)?;
            let units = rescale(number.units, number.scale, scale).filter(|units| fits(*units, precision));
            units.ok_or_else(|| too_large(to, at))
        }
        _ => exact(text).filter(|n| n.scale == 0 && !text.contains('.')).map(|n| n.units).ok_or_else(wrong),
    })?;
    if to.is_integer() { narrowed(&result, to, at) } else { from_units(result, to) }
}

fn read<T, K>(input: &StringChunked, value: impl Fn(&str) -> PolarsResult<K>) -> PolarsResult<ChunkedArray<T>>
where
    T: PolarsDataType,
    T::Array: ArrayFromIter<Option<K>>,
{
    try_unary_elementwise(input, |text: Option<&str>| text.map(|t| value(t.trim_matches(' '))).transpose())
}

/// A double stands for the shortest decimal that reads back as it.
fn from_double(input: &Float64Chunked, to: Type, at: Place) -> PolarsResult<Series> {
    let (precision, scale) = to.digits().unwrap_or((38, 0));
    let result: Int128Chunked = try_unary_elementwise(input, |x: Option<f64>| {
        let Some(x) = x else { return Ok(None) };
        match shortest(x, scale) {
            Some(units) if fits(units, precision) => Ok(Some(units)),
            _ => Err(too_large(to, at)),
        }
    })?;
    if to.is_integer() { narrowed(&result, to, at) } else { from_units(result, to) }
}

fn shortest(x: f64, scale: u8) -> Option<i128> {
    if !x.is_finite() || x.abs() >= 1e38 {
        return None;
    }
    let text = format!("{x}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    // Digits behind the first 38 of a tiny number are below every scale.
    let fraction = fraction.get(..fraction.len().min(38)).unwrap_or(fraction);
    let kept = 38usize.saturating_sub(whole.trim_start_matches(['-', '0']).len()).min(fraction.len());
    let number = exact(&format!("{whole}.{}", fraction.get(..kept).unwrap_or("")))?;
    rescale(number.units, number.scale, scale)
}
