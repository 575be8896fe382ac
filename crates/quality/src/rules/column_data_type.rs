//! `ColumnDataType "column" = "type"`: every row's value can be cast to the type, or a share of them `with threshold`.
//!
//! Types: Boolean, Date, Timestamp, Integer, Long, Float, Double, DECIMAL(precision,scale), in any capitals. With
//! `!=` the rule is about rows whose value cannot be cast.
//!
//! Nulls: cannot be cast, so they fail `=` and pass `!=`.
//! Rows: a row fails when its value cannot be cast; with `!=` when it can.
//! Dates: `with format = "dd/MM/yyyy"` reads text after a Java pattern.
//! Profiles: `deequ` knows fourteen formats and reads no date after any other; it does not say which rows fail.
//! Without rows, also after `where`, the rule passes.
//!
//! ```dqdl
//! ColumnDataType "amount" = "DECIMAL(10,2)" with threshold > 0.95
//! ColumnDataType "born" = "Date" with format = "dd/MM/yyyy"
//! ```

use super::ask::{beyond_numbers, one_column, threshold};
use super::completeness::{aside, with_aside};
use super::{Finding, Planned, Refusal};
use crate::column::value;
use crate::data::Profile;
use crate::draft::{Draft, FilterId, RowTest};
use crate::java_date::DatePattern;
use crate::measure::Measure;
use crate::reference::judged;
use crate::text::{of_any, tested};
use assay_dqdl::tree::{Check, Condition, Operator, Text};
use assay_sql::spark;
use polars::prelude::{DataType, Expr, lit};

/// A type that values are cast to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Boolean,
    Date,
    Timestamp,
    Integer,
    Long,
    Double,
    Decimal(u8, u8),
}

const FORMATS: [&str; 14] = [
    "dd-MM-yyyy", "MM-dd-yyyy", "yyyy-MM-dd", "dd/MM/yyyy", "MM/dd/yyyy", "yyyy/MM/dd", "MM-yyyy", "dd-MM", "MM-dd",
    "yyyy-MM", "MM/yyyy", "dd/MM", "MM/dd", "yyyy/MM",
];

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let written = one_column(check)?.to_owned();
    let (wanted, negated) = wanted(check)?;
    let missing = || Refusal::failed(format!("Column {written} does not exist in the dataset"));
    let (base, found, dtype) = value(&draft.schema, &written, draft.profile() == Profile::Deequ).ok_or_else(missing)?;
    let name = format!("Column.{written}.ColumnDataType.Compliance");
    let limit = threshold(check, &name, draft)?;
    let filter = draft.filter(check)?;
    let formatted = format(check, wanted)?;
    let castable = match formatted {
        Some(format) => by_format(found, &dtype, format, draft.profile()),
        None => castable(found, &dtype, wanted, draft.data.now.timestamp().div_euclid(86_400)),
    };
    let castable = match (castable, draft.profile()) {
        (Err(Refusal::Failed(reason)), Profile::Deequ) => return Ok(uncastable(reason, filter, draft)),
        (castable, _) => castable?,
    };
    if draft.profile() == Profile::Deequ && check.threshold.as_ref().is_some_and(beyond_numbers) {
        return Ok(uncastable("the open evaluator has no past for the threshold".to_owned(), filter, draft));
    }
    let castable = castable.fill_null(lit(false));
    let test = if negated { castable.not() } else { castable };
    let requirement = match negated {
        true => "can be cast to the type",
        false => "cannot be cast to the type",
    };
    let aside = aside(draft, &test, filter);
    let rows = draft.rows(RowTest::of(test, filter, vec![base], requirement));
    let planned = Planned::by_row(rows, move |measured| match with_aside(measured, rows, aside) {
        None => Finding { reason: Some("No rows matched the filter".to_owned()), ..Finding::passed(Vec::new()) },
        Some(share) => {
            judged(limit.map_or(share == 1.0, |limit| limit.holds(share)), share, name)
        }
    });
    Ok(match draft.profile() {
        Profile::Glue => planned,
        Profile::Deequ => planned.silent(),
    })
}

/// To the open evaluator a type that is never cast makes the rule fail where there is a row to cast.
fn uncastable(reason: String, filter: Option<FilterId>, draft: &mut Draft<'_>) -> Planned {
    let rows = draft.measure(Measure::Rows, filter);
    Planned::whole(move |measured| match measured.count(rows) > 0.0 {
        true => Finding::failed(reason, Vec::new()),
        false => Finding { reason: Some("No rows matched the filter".to_owned()), ..Finding::passed(Vec::new()) },
    })
}

fn unsupported(reason: &str) -> Refusal {
    Refusal::failed(format!("Rule (or nested rule) not supported due to: {reason}"))
}

/// The type, and whether it must not be met.
fn wanted(check: &Check) -> Result<(Wanted, bool), Refusal> {
    let Some(Condition::Text(test)) = &check.condition else {
        return Err(unsupported("ColumnDataType rule requires a string-based condition"));
    };
    let negated = match test.op {
        Operator::Equal => false,
        Operator::NotEqual => true,
        _ => return Err(unsupported("Unsupported operator")),
    };
    let Some(Text::Literal(name)) = test.operands.first() else {
        return Err(unsupported("ColumnDataType rule requires exactly one data type operand"));
    };
    let wanted = match name.to_uppercase().as_str() {
        "BOOLEAN" => Wanted::Boolean,
        "DATE" => Wanted::Date,
        "TIMESTAMP" => Wanted::Timestamp,
        "INTEGER" => Wanted::Integer,
        "LONG" => Wanted::Long,
        "DOUBLE" | "FLOAT" => Wanted::Double,
        other => decimal(other).ok_or_else(|| unsupported(&format!("Unrecognized data type: {name}")))?,
    };
    Ok((wanted, negated))
}

/// `DECIMAL(10, 2)`.
fn decimal(name: &str) -> Option<Wanted> {
    let (precision, scale) = name.strip_prefix("DECIMAL(")?.strip_suffix(')')?.split_once(',')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u8>().ok())?;
    let (precision, scale) = (digits(precision)?, digits(scale.trim_start())?);
    ((1..=38).contains(&precision) && scale <= precision).then_some(Wanted::Decimal(precision, scale))
}

/// The text of `with format`.
fn format(check: &Check, wanted: Wanted) -> Result<Option<String>, Refusal> {
    if wanted != Wanted::Date || check.tags.is_empty() {
        return Ok(None);
    }
    let tag = check.tags.iter().rev().find(|tag| tag.name == "format").ok_or_else(|| unsupported("Unsupported rule format"))?;
    match &tag.value {
        Condition::Text(test) => match test.operands.first() {
            Some(Text::Literal(text)) if !text.is_empty() => Ok(Some(text.clone())),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

fn by_format(value: Expr, dtype: &DataType, format: String, profile: Profile) -> Result<Expr, Refusal> {
    let text = match dtype {
        DataType::String => value,
        dtype => of_any(value, dtype)
            .ok_or_else(|| Refusal::failed("a format reads text, and the column holds none"))?,
    };
    let known = profile == Profile::Glue || FORMATS.contains(&format.as_str());
    let pattern = DatePattern::of(&format).filter(|_| known);
    if pattern.is_none() && profile == Profile::Glue {
        return Err(Refusal::remote(format!("the format {format} has letters that are not known here")));
    }
    Ok(match pattern {
        Some(pattern) => tested(text, &format!("date {format}"), move |text| Some(pattern.reads(text))),
        None => lit(false),
    })
}

/// Whether a value can be cast, as a cast that gives null where it cannot does.
fn castable(value: Expr, dtype: &DataType, wanted: Wanted, today: i64) -> Result<Expr, Refusal> {
    let today = i32::try_from(today).unwrap_or_default();
    let any = || value.clone().is_not_null();
    let number = dtype.is_primitive_numeric() || dtype.is_decimal();
    let refused = || Refusal::failed(format!("the column's type {dtype} cannot be cast to the type of the rule"));
    Ok(match (dtype, wanted) {
        (DataType::String, wanted) => {
            tested(value, &format!("{wanted:?} {today}"), move |text| Some(reads(text, wanted, today)))
        }
        (DataType::Boolean, Wanted::Date) => return Err(refused()),
        (DataType::Boolean, Wanted::Decimal(precision, scale)) if precision == scale => value.not(),
        (DataType::Boolean, _) => any(),
        (DataType::Date | DataType::Datetime(..), Wanted::Date | Wanted::Timestamp) => any(),
        (DataType::Datetime(..), Wanted::Integer) => {
            let seconds = value.cast(DataType::Datetime(polars::prelude::TimeUnit::Microseconds, None));
            let seconds = seconds.cast(DataType::Int64).floor_div(lit(1_000_000i64));
            seconds.clone().gt_eq(lit(i64::from(i32::MIN))).and(seconds.lt_eq(lit(i64::from(i32::MAX))))
        }
        (DataType::Datetime(..), Wanted::Decimal(precision, scale)) => {
            let micros = value.cast(DataType::Datetime(polars::prelude::TimeUnit::Microseconds, None));
            fits(micros.cast(DataType::Int64).cast(DataType::Float64) / lit(1e6), precision, scale)
        }
        (DataType::Datetime(..), _) => any(),
        (DataType::Date, _) => lit(false),
        (_, Wanted::Date) => return Err(refused()),
        (_, Wanted::Decimal(precision, scale)) if number => fits(value.cast(DataType::Float64), precision, scale),
        _ if number => any(),
        _ => return Err(refused()),
    })
}

/// Whether a number, rounded to the scale half away from zero, has no more digits than the precision.
fn fits(value: Expr, precision: u8, scale: u8) -> Expr {
    let units = (value * lit(10f64.powi(scale.into()))).abs() + lit(0.5);
    units.lt(lit(10f64.powi(precision.into())))
}

/// Whether a text can be cast.
fn reads(text: &str, wanted: Wanted, today: i32) -> bool {
    match wanted {
        Wanted::Boolean => spark::boolean(text).is_some(),
        Wanted::Date => spark::date(text).is_some(),
        Wanted::Timestamp => spark::timestamp(text, today).is_some(),
        Wanted::Integer => spark::integer(text).is_some_and(|value| i32::try_from(value).is_ok()),
        Wanted::Long => spark::integer(text).is_some(),
        Wanted::Double => spark::double(text).is_some(),
        Wanted::Decimal(precision, scale) => spark::decimal(text, precision, scale).is_some(),
    }
}
