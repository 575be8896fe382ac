//! The functions of Spark's dialect, batch by batch. None of them fails on data.

mod arithmetic;
mod cast;
mod double;
mod wide;

use polars::chunked_array::ops::arity::{broadcast_binary_elementwise, unary_elementwise};
use polars::prelude::*;

pub(super) use self::arithmetic::wrapped;
use super::column::{elementwise, from_units, units};
use super::decimal::pow10;
use super::expr::fold;
use crate::literal::months_later as months_after;
use crate::plan::Function;
use crate::spark;
use crate::types::Type;

const DAY: i64 = 86_400_000_000;

/// `function` over operands of the types `from`, giving `kind`.
pub(super) fn apply(function: &Function, from: Vec<Type>, kind: Type, inputs: Vec<Expr>) -> PolarsResult<Expr> {
    let first = from.first().copied().unwrap_or(kind);
    if let Function::Matches(pattern) = function {
        let Some(input) = inputs.into_iter().next() else { polars_bail!(ComputeError: "a pattern has no text") };
        return Ok(input.str().contains(lit(pattern.as_str()), true));
    }
    let function = function.clone();
    Ok(elementwise(inputs, kind, move |s| match &function {
        Function::Cast => cast::cast(&s[0], first, kind),
        Function::Instant(today) => {
            let read = |x: Option<&str>| spark::timestamp(x?, *today).map(i128::from);
            let result: Int128Chunked = unary_elementwise(s[0].str()?, read);
            from_units(result, kind)
        }
        Function::Add | Function::Subtract | Function::Multiply | Function::Divide | Function::Remainder => {
            arithmetic::binary(&function, &from, kind, &s[0], &s[1])
        }
        Function::Negate | Function::Abs => arithmetic::signed(function == Function::Abs, kind, &s[0]),
        Function::Length => {
            let length = |x: Option<&str>| x.and_then(|x| i32::try_from(x.chars().count()).ok());
            let result: Int32Chunked = unary_elementwise(s[0].str()?, length);
            Ok(result.into_series())
        }
        Function::Substring => substring(s),
        Function::Contains => tested(s, |x, y| x.contains(y)),
        Function::StartsWith => tested(s, |x, y| x.starts_with(y)),
        Function::EndsWith => tested(s, |x, y| x.ends_with(y)),
        Function::Round(places) => {
            let round = |x| arithmetic::rounded(double::round(x, *places), kind);
            Ok(s[0].f64()?.apply_values(round).into_series())
        }
        Function::Floor => match first {
            Type::Decimal { scale, .. } => mapped(&s[0], kind, |x| pow10(scale).map_or(0, |unit| x.div_euclid(unit))),
            _ => whole(&s[0], f64::floor),
        },
        Function::Ceil => match first {
            Type::Decimal { scale, .. } => {
                mapped(&s[0], kind, |x| pow10(scale).map_or(0, |unit| -(-x).div_euclid(unit)))
            }
            _ => whole(&s[0], f64::ceil),
        },
        Function::IsNan => {
            let result: BooleanChunked = unary_elementwise(s[0].f64()?, |x: Option<f64>| x.map(f64::is_nan));
            Ok(result.into_series())
        }
        Function::Order => {
            let result: Int64Chunked = unary_elementwise(s[0].f64()?, |x: Option<f64>| x.map(double::order));
            Ok(result.into_series())
        }
        Function::Disorder => {
            let result: Float64Chunked = unary_elementwise(s[0].i64()?, |x: Option<i64>| x.map(double::disorder));
            Ok(result.into_series())
        }
        Function::Shift(by) => {
            let by = i128::from(*by);
            let limit = |micros: i128| i64::try_from(micros).is_ok().then_some(micros);
            let result: Int128Chunked =
                unary_elementwise(&units(&s[0])?, |x: Option<i128>| x.and_then(|x| limit(x + by)));
            from_units(result, kind)
        }
        Function::ShiftDays(by) => mapped(&s[0], kind, |day| wrapped(day + i128::from(*by), Type::Int32)),
        Function::AddMonths(by) => mapped(&s[0], kind, |time| months_later(time, *by, kind)),
        // Days wrap as other whole numbers do.
        Function::AddDays => paired(s, kind, |day, n| wrapped(day + n, Type::Int32)),
        Function::DaysBetween => paired(s, kind, |to, from| wrapped(to - from, Type::Int32)),
        Function::Matches(_) => polars_bail!(ComputeError: "a pattern was not lowered"),
    }))
}

/// Whether the engine takes this pattern.
pub(crate) fn is_pattern(pattern: &str) -> bool {
    fold(lit("").str().contains(lit(pattern), true)).is_ok()
}

/// Values of `from` as `to`.
pub(crate) fn spark_cast(values: Expr, from: Type, to: Type) -> Expr {
    if from == to {
        return values;
    }
    elementwise(vec![values], to, move |s| cast::cast(&s[0], from, to))
}

fn tested(s: &[Series], test: impl Fn(&str, &str) -> bool) -> PolarsResult<Series> {
    let result: BooleanChunked =
        broadcast_binary_elementwise(s[0].str()?, s[1].str()?, |x: Option<&str>, y: Option<&str>| Some(test(x?, y?)));
    Ok(result.into_series())
}

fn mapped(series: &Series, kind: Type, of: impl Fn(i128) -> i128) -> PolarsResult<Series> {
    let result: Int128Chunked = unary_elementwise(&units(series)?, |x: Option<i128>| x.map(&of));
    from_units(result, kind)
}

/// The same day of a month that many months later, or the last day of it; the time of day stays.
fn months_later(time: i128, by: i32, kind: Type) -> i128 {
    let unit = if kind == Type::Date { 1 } else { i128::from(DAY) };
    let (days, rest) = (time.div_euclid(unit), time.rem_euclid(unit));
    let moved = i64::try_from(days).map_or(days, |days| months_after(days, by).into());
    moved * unit + rest
}

fn paired(s: &[Series], kind: Type, of: impl Fn(i128, i128) -> i128) -> PolarsResult<Series> {
    let (left, right) = (units(&s[0])?, units(&s[1])?);
    let result: Int128Chunked =
        broadcast_binary_elementwise(&left, &right, |a: Option<i128>, b: Option<i128>| Some(of(a?, b?)));
    from_units(result, kind)
}

/// A double towards a whole number of 64 bits; beyond them the nearest there is, as Java casts.
fn whole(series: &Series, to: fn(f64) -> f64) -> PolarsResult<Series> {
    #[allow(clippy::cast_possible_truncation)]
    let result: Int64Chunked = unary_elementwise(series.f64()?, |x: Option<f64>| x.map(|x| to(x) as i64));
    Ok(result.into_series())
}

fn substring(s: &[Series]) -> PolarsResult<Series> {
    let rows = s.iter().map(|series| series.len()).find(|len| *len != 1).unwrap_or(1);
    let spread = |series: &Series| if series.len() == 1 { series.new_from_index(0, rows) } else { series.clone() };
    let (text, from) = (spread(&s[0]), spread(&s[1]));
    let length = match s.get(2) {
        Some(length) => spread(length),
        None => Series::new("length".into(), [i32::MAX]).new_from_index(0, rows),
    };
    let bounds: Vec<Option<(i32, i32)>> =
        from.i32()?.iter().zip(length.i32()?.iter()).map(|(from, length)| Some((from?, length?))).collect();
    let result: StringChunked =
        text.str()?.iter().zip(bounds).map(|(text, bounds)| Some(cut(text?, bounds?))).collect();
    Ok(result.into_series())
}

/// Positions count from 1, from the end where they are negative; 0 is the first one too.
fn cut(text: &str, (from, length): (i32, i32)) -> String {
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let start = match i64::from(from) {
        from @ 1.. => from - 1,
        0 => 0,
        from => count + from,
    };
    let end = (start + i64::from(length)).min(count);
    let first = usize::try_from(start.max(0)).unwrap_or(0);
    let taken = usize::try_from(end - start.max(0)).unwrap_or(0);
    text.chars().skip(first).take(taken).collect()
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn positions_count_from_one_and_from_the_end() {
        let cases = [
            ((1, 2), "ab"),
            ((0, 2), "ab"),
            ((2, i32::MAX), "bcde"),
            ((-2, 9), "de"),
            ((-7, 3), "a"),
            ((9, 1), ""),
            ((2, -1), ""),
            ((i32::MIN, i32::MAX), "abcd"),
        ];
        for (bounds, expected) in cases {
            assert_eq!(cut("abcde", bounds), expected, "{bounds:?}");
        }
    }
}
