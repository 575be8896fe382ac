//! Numbers in columns compared with literals, without going through a float where the column does not.

use crate::column::column;
use polars::prelude::{AnyValue, DataType, Expr, PlSmallStr, Scalar, lit};

/// A literal of a rule: `units / 10^scale`, or the nearest double where it has more digits than fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Literal {
    Exact { units: i128, scale: u32 },
    Float(f64),
}

impl Literal {
    /// Reads `-12.50`; none for what is no number.
    pub fn of(text: &str) -> Option<Self> {
        let float = text.parse::<f64>().ok()?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let fraction = fraction.trim_end_matches('0');
        let units = format!("{whole}{fraction}").parse::<i128>();
        let scale = u32::try_from(fraction.len()).ok();
        Some(match (units, scale) {
            (Ok(units), Some(scale)) if scale <= 38 && units.unsigned_abs() < 10u128.pow(37) => {
                Self::Exact { units, scale }
            }
            _ => Self::Float(float),
        })
    }

    /// A computed number: its shortest text is read.
    pub fn of_number(value: f64) -> Self {
        match value.is_finite() {
            true => Self::of(&format!("{value}")).unwrap_or(Self::Float(value)),
            false => Self::Float(value),
        }
    }

    pub fn float(self) -> f64 {
        match self {
            Self::Exact { units, scale } => format!("{units}e-{scale}").parse().unwrap_or(f64::NAN),
            Self::Float(value) => value,
        }
    }

    /// The greatest integer of `10^-scale` that is not greater, and whether it is equal; none where it does not fit.
    fn floor(self, scale: u32) -> Option<(i128, bool)> {
        let Self::Exact { units, scale: own } = self else { return None };
        match scale.checked_sub(own) {
            Some(more) => Some((units.checked_mul(10i128.checked_pow(more)?)?, true)),
            None => {
                let parts = 10i128.checked_pow(own - scale)?;
                Some((units.div_euclid(parts), units.rem_euclid(parts) == 0))
            }
        }
    }
}

/// A comparison of one number with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
}

/// Whether the column's number compares so with the literal; null where the column is null. NaN equals itself and is
/// greater than every number. Integers and decimals are compared exactly.
pub(crate) fn compare(name: &PlSmallStr, dtype: &DataType, with: Comparison, literal: Literal) -> Expr {
    let value = column(name);
    let scale = match dtype {
        DataType::Decimal(_, scale) => u32::try_from(*scale).ok(),
        dtype if dtype.is_integer() => Some(0),
        _ => None,
    };
    let Some(((floor, whole), scale)) = scale.and_then(|scale| literal.floor(scale).zip(Some(scale))) else {
        return floats(value.cast(DataType::Float64), with, lit(literal.float()));
    };
    // x > 1.5 is x > 1 for whole numbers, and x >= 1.5 is x > 1 too.
    let (with, bound) = match (with, whole) {
        (Comparison::GreaterOrEqual, false) => (Comparison::Greater, floor),
        (Comparison::Less, false) => (Comparison::LessOrEqual, floor),
        (Comparison::Equal, false) => return known(name, false),
        (with, _) => (with, floor),
    };
    match bounded(dtype, scale, bound) {
        Some(bound) => floats(value, with, bound),
        None => constant(name, with, bound > 0),
    }
}

/// The same for a double and a bound.
pub(crate) fn floats(value: Expr, with: Comparison, bound: Expr) -> Expr {
    match with {
        Comparison::Greater => value.gt(bound),
        Comparison::GreaterOrEqual => value.gt_eq(bound),
        Comparison::Less => value.lt(bound),
        Comparison::LessOrEqual => value.lt_eq(bound),
        Comparison::Equal => value.eq(bound),
    }
}

/// The bound in the column's own type; none where that cannot hold it.
fn bounded(dtype: &DataType, scale: u32, bound: i128) -> Option<Expr> {
    match dtype {
        DataType::Decimal(precision, _) => {
            let fits = bound.unsigned_abs() < 10u128.checked_pow(u32::try_from(*precision).ok()?)?;
            let value = AnyValue::Decimal(bound, *precision, scale as usize);
            fits.then(|| lit(Scalar::new(dtype.clone(), value)))
        }
        DataType::Int8 => i8::try_from(bound).ok().map(lit),
        DataType::Int16 => i16::try_from(bound).ok().map(lit),
        DataType::Int32 => i32::try_from(bound).ok().map(lit),
        DataType::Int64 => i64::try_from(bound).ok().map(lit),
        DataType::UInt32 => u32::try_from(bound).ok().map(lit),
        DataType::UInt64 => u64::try_from(bound).ok().map(lit),
        _ => i64::try_from(bound).ok().map(|bound| lit(bound).cast(dtype.clone())),
    }
}

/// What every value of the column compares as with a bound beyond the type.
fn constant(name: &PlSmallStr, with: Comparison, above: bool) -> Expr {
    let holds = match with {
        Comparison::Greater | Comparison::GreaterOrEqual => !above,
        Comparison::Less | Comparison::LessOrEqual => above,
        Comparison::Equal => false,
    };
    known(name, holds)
}

/// `holds` where the column has a value, else null.
fn known(name: &PlSmallStr, holds: bool) -> Expr {
    let present = polars::prelude::when(column(name).is_not_null());
    present.then(lit(holds)).otherwise(lit(polars::prelude::NULL).cast(DataType::Boolean))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use polars::prelude::{Column, DataFrame, IntoLazy, NamedFrom, Series};

    #[test]
    fn literals_are_read_exactly() {
        for (text, units, scale) in [("0", 0, 0), ("-12.50", -125, 1), ("9007199254740993", 9_007_199_254_740_993, 0)] {
            assert_eq!(Literal::of(text), Some(Literal::Exact { units, scale }), "{text}");
        }
        assert!(matches!(Literal::of(&"9".repeat(60)), Some(Literal::Float(_))));
        assert_eq!(Literal::of("1,5"), None);
        assert_eq!(Literal::of_number(0.1), Literal::Exact { units: 1, scale: 1 });
    }

    fn answers(values: Series, with: Comparison, literal: &str) -> Vec<Option<bool>> {
        let name = values.name().clone();
        let dtype = values.dtype().clone();
        let frame = DataFrame::new_infer_height(vec![Column::from(values)]).unwrap();
        let test = compare(&name, &dtype, with, Literal::of(literal).unwrap());
        let found = frame.lazy().select([test.alias("t")]).collect().unwrap();
        found.column("t").unwrap().bool().unwrap().iter().collect()
    }

    #[test]
    fn whole_numbers_compare_with_fractions() {
        let values = || Series::new("a".into(), [Some(1i32), Some(2), None]);
        for (with, literal, first, second) in [
            (Comparison::Greater, "1.5", false, true),
            (Comparison::GreaterOrEqual, "1.5", false, true),
            (Comparison::Less, "1.5", true, false),
            (Comparison::LessOrEqual, "1.5", true, false),
            (Comparison::Equal, "1.5", false, false),
            (Comparison::GreaterOrEqual, "2", false, true),
            (Comparison::Less, "2", true, false),
            (Comparison::Greater, "99999999999", false, false),
            (Comparison::Greater, "-99999999999.5", true, true),
        ] {
            assert_eq!(answers(values(), with, literal), [Some(first), Some(second), None], "{with:?} {literal}");
        }
    }

    #[test]
    fn large_integers_are_not_rounded() {
        let values = || Series::new("a".into(), [9_007_199_254_740_993i64]);
        assert_eq!(answers(values(), Comparison::Greater, "9007199254740992"), [Some(true)]);
        assert_eq!(answers(values(), Comparison::Equal, "9007199254740992"), [Some(false)]);
    }

    #[test]
    fn decimals_are_not_rounded() {
        // 10^-20 above, at and below zero: as doubles of the service's width they are, but as sums of them they are not.
        let texts = Series::new("a".into(), ["0.00000000000000000001", "0", "-0.00000000000000000001"]);
        let values = || texts.cast(&DataType::Decimal(38, 20)).unwrap();
        assert_eq!(answers(values(), Comparison::Greater, "0"), [Some(true), Some(false), Some(false)]);
        assert_eq!(
            answers(values(), Comparison::Less, "0.000000000000000000005"),
            [Some(false), Some(true), Some(true)]
        );
    }

    #[test]
    fn not_a_number_is_the_greatest() {
        let values = || Series::new("a".into(), [f64::NAN, f64::INFINITY, -0.0]);
        assert_eq!(answers(values(), Comparison::Greater, "0"), [Some(true), Some(true), Some(false)]);
        assert_eq!(answers(values(), Comparison::Less, "10"), [Some(false), Some(false), Some(true)]);
        assert_eq!(answers(values(), Comparison::Equal, "0"), [Some(false), Some(false), Some(true)]);
    }
}
