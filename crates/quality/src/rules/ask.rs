//! What the rules read from a check, and the metrics that they name.

use super::Refusal;
use crate::data::Profile;
use crate::draft::Draft;
use crate::numbers::NumberTest;
use assay_dqdl::tree::{Check, Condition, Number, Operator, Test};
use polars::prelude::{DataType, PlSmallStr};

/// The parameters as they are written.
pub(crate) fn names(check: &Check) -> Vec<&str> {
    check.parameters.iter().map(|parameter| parameter.value.as_str()).collect()
}

/// The first parameter.
pub(crate) fn one_column(check: &Check) -> Result<&str, Refusal> {
    names(check).first().copied().ok_or_else(|| Refusal::failed("the rule names no column"))
}

/// The columns that the parameters name, as the dataset spells them.
pub(crate) fn columns(check: &Check, draft: &Draft<'_>) -> Result<Vec<PlSmallStr>, Refusal> {
    one_column(check)?;
    names(check).into_iter().map(|name| flat_column(name, draft)).collect()
}

/// The column, which the open evaluator takes only where it is not made of others.
pub(crate) fn flat_column(name: &str, draft: &Draft<'_>) -> Result<PlSmallStr, Refusal> {
    let (found, dtype) = draft.column(name)?;
    match draft.profile() == Profile::Deequ && dtype.is_nested() {
        true => Err(Refusal::unfit(format!("Unsupported nested column type of column {name}!"))),
        false => Ok(found),
    }
}

/// The number condition, earlier values of `metric` put in.
pub(crate) fn condition(check: &Check, metric: &str, draft: &Draft<'_>) -> Result<NumberTest, Refusal> {
    match &check.condition {
        Some(Condition::Number(test)) => number_test(check, test, metric, draft),
        _ => Err(Refusal::failed("the rule has no condition on a number")),
    }
}

/// The share of rows that must meet the condition; none where the rule has no threshold.
pub(crate) fn threshold(check: &Check, metric: &str, draft: &Draft<'_>) -> Result<Option<NumberTest>, Refusal> {
    check.threshold.as_ref().map(|test| number_test(check, test, metric, draft)).transpose()
}

fn number_test(check: &Check, test: &Test<Number>, metric: &str, draft: &Draft<'_>) -> Result<NumberTest, Refusal> {
    match draft.profile() == Profile::Deequ && beyond_numbers(test) {
        // The open evaluator has no past, and fails when it meets such an operand.
        true => Ok(NumberTest { op: Operator::Equal, operands: vec![None] }),
        false => NumberTest::of(&draft.resolved(test, metric, check.filter.as_deref())?),
    }
}

/// Whether an operand is, or is made of, something else than numbers.
pub(crate) fn beyond_numbers(test: &Test<Number>) -> bool {
    let mut ahead: Vec<&Number> = test.operands.iter().collect();
    while let Some(number) = ahead.pop() {
        match number {
            Number::Literal(_) => {}
            Number::Group(inner) => ahead.push(inner),
            Number::Binary { left, right, .. } => ahead.extend([&**left, &**right]),
            Number::Null | Number::Call { .. } => return true,
        }
    }
    false
}

/// The column, which must hold numbers.
pub(crate) fn number_column(name: &str, draft: &Draft<'_>) -> Result<PlSmallStr, Refusal> {
    let (found, dtype) = draft.column(name)?;
    match dtype.is_primitive_numeric() || dtype.is_decimal() {
        true => Ok(found),
        false => Err(Refusal::unfit(format!(
            "Expected type of column {name} to be a number's, but found {} instead!",
            type_name(&dtype)
        ))),
    }
}

/// The column, which must hold text.
pub(crate) fn text_column(name: &str, draft: &Draft<'_>) -> Result<PlSmallStr, Refusal> {
    let (found, dtype) = draft.column(name)?;
    match dtype == DataType::String {
        true => Ok(found),
        false => Err(Refusal::unfit(format!(
            "Expected type of column {name} to be StringType, but found {} instead!",
            type_name(&dtype)
        ))),
    }
}

/// A type as the service names it.
pub(crate) fn type_name(dtype: &DataType) -> String {
    match dtype {
        DataType::String => "StringType".to_owned(),
        DataType::Boolean => "BooleanType".to_owned(),
        DataType::Int8 => "ByteType".to_owned(),
        DataType::Int16 => "ShortType".to_owned(),
        DataType::Int32 => "IntegerType".to_owned(),
        DataType::Int64 => "LongType".to_owned(),
        DataType::Float32 => "FloatType".to_owned(),
        DataType::Float64 => "DoubleType".to_owned(),
        DataType::Date => "DateType".to_owned(),
        DataType::Datetime(..) => "TimestampType".to_owned(),
        DataType::Binary => "BinaryType".to_owned(),
        DataType::Decimal(precision, scale) => format!("DecimalType({precision},{scale})"),
        other => other.to_string(),
    }
}

/// `Column.a.X` for one column, `Multicolumn.a,b.X` for several.
pub(crate) fn key_metric(names: &[&str], what: &str) -> String {
    match names {
        [one] => format!("Column.{one}.{what}"),
        several => format!("Multicolumn.{}.{what}", several.join(",")),
    }
}

pub(crate) fn metric(name: String, value: f64) -> Vec<(String, f64)> {
    vec![(name, value)]
}
