//! Numbers over the rows of a dataset: what the single pass adds up, and how a number is made of it.

use crate::column::column;
use crate::text::{mapped, widened};
use assay_sql::{Type, spark};
use polars::prelude::{AnyValue, ChunkApply, DataType, Expr, IntoColumn, PlSmallStr, Schema, TimeUnit, lit};

/// A number over the rows that a filter keeps. Columns as the dataset spells them; nulls never count but in `Rows`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Measure {
    Rows,
    /// Rows with a value in the column.
    Present(PlSmallStr),
    /// Rows for which the expression is true. It never fails on data.
    True(Expr),
    Sum(PlSmallStr, Beyond),
    Mean(PlSmallStr, Beyond),
    /// NaN is greater than every number.
    Minimum(PlSmallStr),
    Maximum(PlSmallStr),
    /// Of the population: divided by the count.
    Variance(PlSmallStr),
    /// Its root.
    StandardDeviation(PlSmallStr),
    /// The least and the greatest of a whole number that the expression gives. It never fails on data.
    Shortest(Expr),
    Longest(Expr),
    /// Pearson's, over rows with a value in both columns; NaN where one of them does not vary.
    Correlation(PlSmallStr, PlSmallStr),
}

/// What a sum is that its type does not hold: 64 bits for whole numbers, 38 digits for decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// The sum.
    Kept,
    /// What Spark makes of it: whole numbers begin anew at the other end, and there is no decimal.
    AsSpark,
}

/// How a part of a number comes together over the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Total {
    Sum,
    Minimum,
    Maximum,
    /// Of the population.
    Variance,
}

impl Total {
    pub fn of(self, input: Expr) -> Expr {
        match self {
            Self::Sum => input.sum(),
            Self::Minimum => input.min(),
            Self::Maximum => input.max(),
            Self::Variance => input.var(0),
        }
    }
}

impl Measure {
    /// What is added up for the number, in the order in which `finish` reads it: a value of each row, and how.
    pub fn parts(&self, schema: &Schema) -> Vec<(Expr, Total)> {
        let present = |name| (column(name).is_not_null(), Total::Sum);
        match self {
            Self::Rows => vec![(lit(true), Total::Sum)],
            Self::Present(name) => vec![present(name)],
            Self::True(test) => vec![(test.clone(), Total::Sum)],
            Self::Sum(name, _) | Self::Mean(name, _) => {
                let value = || addend(name, schema);
                let counted = match schema.get(name) {
                    Some(DataType::String) => value().is_not_null(),
                    _ => column(name).is_not_null(),
                };
                match schema.get(name) {
                    Some(DataType::Decimal(precision, scale)) if *precision > EXACT_DIGITS => {
                        let [high, low] = halves(column(name));
                        let scale = lit(u32::try_from(*scale).unwrap_or_default());
                        vec![(high, Total::Sum), (counted, Total::Sum), (low, Total::Sum), (scale, Total::Maximum)]
                    }
                    _ => vec![(value(), Total::Sum), (counted, Total::Sum)],
                }
            }
            Self::Minimum(name) => vec![(bound(name, schema), Total::Minimum)],
            Self::Maximum(name) if is_float(name, schema) => {
                vec![(bound(name, schema), Total::Maximum), (column(name).is_nan(), Total::Sum)]
            }
            Self::Maximum(name) => vec![(column(name), Total::Maximum)],
            Self::Variance(name) | Self::StandardDeviation(name) => {
                vec![(column(name).cast(DataType::Float64), Total::Variance)]
            }
            Self::Shortest(length) => vec![(length.clone(), Total::Minimum)],
            Self::Longest(length) => vec![(length.clone(), Total::Maximum)],
            Self::Correlation(..) => Vec::new(),
        }
    }

    /// The two columns whose joint variation the pass follows.
    pub fn pair(&self) -> Option<[Expr; 2]> {
        let Self::Correlation(left, right) = self else { return None };
        Some([left, right].map(|name| column(name).cast(DataType::Float64)))
    }

    /// The number; none when no row has a value.
    pub fn finish(&self, parts: &[AnyValue<'_>]) -> Option<f64> {
        let part = |at: usize| parts.get(at).and_then(number);
        match self {
            Self::Rows | Self::Present(_) | Self::True(_) => Some(part(0).unwrap_or_default()),
            Self::Sum(_, beyond) => total(parts, *beyond).filter(|_| part(1) > Some(0.0)),
            Self::Mean(_, beyond) => Some(total(parts, *beyond)? / part(1).filter(|count| *count > 0.0)?),
            // Infinities, and squares beyond a double, leave no number.
            Self::Variance(_) => part(0).map(|value| if value.is_finite() { value } else { f64::NAN }),
            Self::StandardDeviation(_) => part(0).map(|value| if value.is_finite() { value.sqrt() } else { f64::NAN }),
            Self::Maximum(_) if part(1) > Some(0.0) => Some(f64::NAN),
            _ => part(0),
        }
    }
}

/// The column in a type in which its sum is exact, or a float's. Text counts as the numbers that it holds.
fn addend(name: &PlSmallStr, schema: &Schema) -> Expr {
    match schema.get(name) {
        Some(DataType::Decimal(..)) => column(name),
        Some(DataType::Datetime(unit, _)) => {
            let parts = match unit {
                TimeUnit::Nanoseconds => 1e9,
                TimeUnit::Microseconds => 1e6,
                TimeUnit::Milliseconds => 1e3,
            };
            column(name).cast(DataType::Int64).cast(DataType::Float64) / lit(parts)
        }
        Some(DataType::String) => spark::cast(column(name), Type::String, Type::Double),
        Some(dtype) if dtype.is_integer() && *dtype != DataType::Int128 => column(name).cast(DataType::Int128),
        _ => column(name).cast(DataType::Float64),
    }
}

/// A sum of 10^10 such decimals still fits into 38 digits; those of more digits are added up in halves.
const EXACT_DIGITS: usize = 28;

/// The sum of a `Sum`'s parts.
pub(crate) fn total(parts: &[AnyValue<'_>], beyond: Beyond) -> Option<f64> {
    match (parts, beyond) {
        ([AnyValue::Int128(high), _, AnyValue::Int128(low), scale], _) => {
            let scale = scale.extract::<usize>()?;
            let sum = high.checked_mul(1 << HALF).and_then(|high| high.checked_add(*low));
            match (sum.filter(|sum| sum.unsigned_abs() < 10u128.pow(38)), beyond) {
                (Some(sum), _) => decimal(sum, scale),
                (None, Beyond::Kept) => {
                    Some((*high as f64 * 2f64.powi(HALF) + *low as f64) / 10f64.powi(i32::try_from(scale).ok()?))
                }
                (None, Beyond::AsSpark) => None,
            }
        }
        ([AnyValue::Int128(sum), ..], Beyond::AsSpark) => Some(*sum as i64 as f64),
        _ => parts.first().and_then(number),
    }
}

/// Bits of the lower half.
const HALF: i32 = 64;

/// A decimal's units as `high * 2^64 + low`.
fn halves(value: Expr) -> [Expr; 2] {
    let half = |name: &'static str, of: fn(i128) -> i128| {
        mapped(value.clone(), name, DataType::Int128, move |column| {
            Ok(column.decimal()?.physical().apply_values(of).into_column())
        })
    };
    [half("high", |units| units >> HALF), half("low", |units| units & i128::from(u64::MAX))]
}

/// The column where its least and greatest values are looked for.
fn bound(name: &PlSmallStr, schema: &Schema) -> Expr {
    match schema.get(name) {
        Some(DataType::Float32) => widened(column(name)),
        _ => column(name),
    }
}

fn is_float(name: &PlSmallStr, schema: &Schema) -> bool {
    schema.get(name).is_some_and(DataType::is_float)
}

/// A number as the nearest double; none for null and for what is no number.
pub(crate) fn number(value: &AnyValue<'_>) -> Option<f64> {
    match value {
        AnyValue::Decimal(units, _, scale) => decimal(*units, *scale),
        AnyValue::Boolean(_) | AnyValue::String(_) | AnyValue::StringOwned(_) => None,
        other => other.extract::<f64>(),
    }
}

/// The double nearest to `units / 10^scale`: reading the text rounds once, a division of doubles twice.
fn decimal(units: i128, scale: usize) -> Option<f64> {
    format!("{units}e-{scale}").parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_decimal_becomes_the_nearest_double() {
        for (units, scale, wanted) in
            [(10, 1, 1.0), (-12345, 2, -123.45), (1, 38, 1e-38), (i128::MAX, 0, i128::MAX as f64)]
        {
            assert_eq!(decimal(units, scale), Some(wanted));
        }
    }
}
