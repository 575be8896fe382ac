//! Numbers over the rows of a dataset: what the single pass adds up, and how a number is made of it.

use crate::column::column;
use polars::prelude::{AnyValue, DataType, Expr, PlSmallStr, Schema, lit, when};

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
    /// In Unicode code points.
    MinimumLength(PlSmallStr),
    MaximumLength(PlSmallStr),
    /// Pearson's, over rows with a value in both columns; NaN where one of them does not vary.
    Correlation(PlSmallStr, PlSmallStr),
}

impl Measure {
    /// What the pass is to aggregate, in the order in which `finish` reads it. `kept` leaves out rows.
    pub fn parts(&self, schema: &Schema, kept: impl Fn(Expr) -> Expr) -> Vec<Expr> {
        match self {
            Self::Rows => vec![kept(lit(true)).sum()],
            Self::Present(name) => vec![kept(column(name).is_not_null()).sum()],
            Self::True(test) => vec![kept(test.clone()).sum()],
            Self::Sum(name) => vec![kept(addend(name, schema)).sum(), kept(column(name).is_not_null()).sum()],
            Self::Mean(name) => vec![kept(addend(name, schema)).sum(), kept(column(name).is_not_null()).sum()],
            Self::Minimum(name) => vec![kept(column(name)).min()],
            Self::Maximum(name) if is_float(name, schema) => {
                vec![kept(column(name)).max(), kept(column(name).is_nan()).sum()]
            }
            Self::Maximum(name) => vec![kept(column(name)).max()],
            Self::Variance(name) => vec![kept(column(name).cast(DataType::Float64)).var(0)],
            Self::MinimumLength(name) => vec![kept(column(name).str().len_chars()).min()],
            Self::MaximumLength(name) => vec![kept(column(name).str().len_chars()).max()],
            Self::Correlation(..) => Vec::new(),
        }
    }

    /// The two columns whose joint variation the pass follows, null where a row does not count.
    pub fn pair(&self, kept: impl Fn(Expr) -> Expr) -> Option<[Expr; 2]> {
        let Self::Correlation(left, right) = self else { return None };
        let float = |name| column(name).cast(DataType::Float64);
        let both = column(left).is_not_null().and(column(right).is_not_null());
        let of = |name| kept(when(both.clone()).then(float(name)).otherwise(lit(f64::NAN).cast(DataType::Float64)));
        let null = |name| when(both.clone()).then(of(name)).otherwise(lit(polars::prelude::NULL));
        Some([null(left), null(right)])
    }

    /// The number; none when no row has a value.
    pub fn finish(&self, parts: &[AnyValue<'_>]) -> Option<f64> {
        let part = |at: usize| parts.get(at).and_then(number);
        match self {
            Self::Rows | Self::Present(_) | Self::True(_) => Some(part(0).unwrap_or_default()),
            Self::Sum(_) => part(0).filter(|_| part(1) > Some(0.0)),
            Self::Mean(_) => Some(part(0)? / part(1).filter(|count| *count > 0.0)?),
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
        for (units, scale, wanted) in [(10, 1, 1.0), (-12345, 2, -123.45), (1, 38, 1e-38), (i128::MAX, 0, i128::MAX as f64)] {
            assert_eq!(decimal(units, scale), Some(wanted));
        }
    }
}
