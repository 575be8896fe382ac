//! Numbers over the rows of a dataset: what the single pass adds up, and how a number is made of it.

use crate::column::column;
use polars::prelude::{AnyValue, DataType, Expr, PlSmallStr, Schema, lit};

/// A number over the rows that a filter keeps. Columns as the dataset spells them; nulls never count but in `Rows`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Measure {
    Rows,
    /// Rows with a value in the column.
    Present(PlSmallStr),
    /// Rows for which the expression is true. It never fails on data.
    True(Expr),
    Sum(PlSmallStr),
    Mean(PlSmallStr),
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
            Self::Sum(name) | Self::Mean(name) => vec![(addend(name, schema), Total::Sum), present(name)],
            Self::Minimum(name) => vec![(column(name), Total::Minimum)],
            Self::Maximum(name) if is_float(name, schema) => {
                vec![(column(name), Total::Maximum), (column(name).is_nan(), Total::Sum)]
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
            Self::Sum(_) => part(0).filter(|_| part(1) > Some(0.0)),
            Self::Mean(_) => Some(part(0)? / part(1).filter(|count| *count > 0.0)?),
            Self::StandardDeviation(_) => part(0).map(f64::sqrt),
            Self::Maximum(_) if part(1) > Some(0.0) => Some(f64::NAN),
            _ => part(0),
        }
    }
}

/// The column in a type in which its sum is exact, or a float's. Decimals of many digits may overflow, so they add up
/// as floats.
fn addend(name: &PlSmallStr, schema: &Schema) -> Expr {
    match schema.get(name) {
        Some(DataType::Decimal(precision, _)) if *precision <= EXACT_DIGITS => column(name),
        Some(dtype) if dtype.is_integer() && *dtype != DataType::Int128 => column(name).cast(DataType::Int128),
        _ => column(name).cast(DataType::Float64),
    }
}

/// A sum of 10^10 such decimals still fits into 38 digits.
const EXACT_DIGITS: usize = 28;

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
