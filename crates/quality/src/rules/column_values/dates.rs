//! Values compared with dates.

use super::{Target, by_share};
use crate::column::column;
use crate::data::Profile;
use crate::draft::{Aside, Draft};
use crate::rules::ask::type_name;
use crate::rules::{Planned, Refusal};
use crate::text::days;
use assay_dqdl::tree::{Check, Date, Operator, Test, Unit};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use polars::prelude::{DataType, Expr, lit};

pub(super) fn plan(
    check: &Check,
    test: &Test<Date>,
    target: Target,
    draft: &mut Draft<'_>,
) -> Result<Planned, Refusal> {
    let now = draft.data.now;
    let null = test.operands.contains(&Date::Null);
    let operands: Vec<i32> = test
        .operands
        .iter()
        .filter(|operand| **operand != Date::Null)
        .map(|operand| day(operand, now))
        .collect::<Result<_, _>>()?;
    let meets = meets(&target, test.op, &operands, null, draft.profile() == Profile::Deequ)?;
    by_share(check, target, meets, "ColumnValues.Compliance", Aside::Passes, draft)
}

/// The day that an operand means, since 1970-01-01. A time of day means today.
fn day(operand: &Date, now: DateTime<Utc>) -> Result<i32, Refusal> {
    let date = match operand {
        Date::Day(text) => NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| {
            Refusal::failed(format!("Invalid date operand in ColumnValues rule: there is no day {text}."))
        })?,
        Date::Offset { amount, unit, .. } => moved(now, *amount, *unit)
            .ok_or_else(|| Refusal::failed("Invalid date operand in ColumnValues rule: it is beyond the calendar."))?
            .date_naive(),
        Date::Now | Date::Time(_) | Date::Null => now.date_naive(),
    };
    Ok(since_epoch(date))
}

pub(crate) fn moved(now: DateTime<Utc>, amount: i64, unit: Unit) -> Option<DateTime<Utc>> {
    let by = match unit {
        Unit::Days => TimeDelta::try_days(amount),
        Unit::Hours => TimeDelta::try_hours(amount),
        Unit::Minutes => TimeDelta::try_minutes(amount),
    };
    now.checked_add_signed(by?)
}

fn since_epoch(date: NaiveDate) -> i32 {
    // Days of chrono's calendar are far within 32 bits.
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).unwrap_or_default()
}

fn meets(target: &Target, op: Operator, operands: &[i32], null: bool, deequ: bool) -> Result<Expr, Refusal> {
    let name = &target.name;
    let (missing, present) = (|| column(name).is_null(), || column(name).is_not_null());
    let wrong = |what: &str| Err(Refusal::failed(format!("ColumnValues date {op:?} requires {what}.")));
    if null && operands.is_empty() {
        return match op {
            Operator::Equal | Operator::In => Ok(missing()),
            Operator::NotEqual | Operator::NotIn => Ok(present()),
            _ => wrong("a date operand"),
        };
    }
    let (Some(first), Some(last)) = (operands.first(), operands.last()) else { return wrong("a date operand") };
    let day = || as_day(target, deequ);
    let day = |test: fn(Expr, Expr) -> Expr, operand: &i32| -> Result<Expr, Refusal> {
        Ok(test(day()?, lit(*operand)))
    };
    let each = |operand| day(Expr::eq, operand);
    let any = || -> Result<Expr, Refusal> {
        let tests = operands.iter().map(each).collect::<Result<Vec<_>, _>>()?;
        Ok(tests.into_iter().reduce(Expr::or).unwrap_or_else(|| lit(false)))
    };
    Ok(match op {
        Operator::Greater => present().and(day(Expr::gt, first)?),
        Operator::GreaterOrEqual => present().and(day(Expr::gt_eq, first)?),
        Operator::Less => present().and(day(Expr::lt, first)?),
        Operator::LessOrEqual => present().and(day(Expr::lt_eq, first)?),
        Operator::Between => present().and(day(Expr::gt, first)?).and(day(Expr::lt, last)?),
        Operator::NotBetween => missing().or(day(Expr::lt_eq, first)?.or(day(Expr::gt_eq, last)?)),
        Operator::Equal | Operator::In if null => missing().or(any()?),
        Operator::Equal | Operator::In => present().and(any()?),
        Operator::NotEqual | Operator::NotIn if null => present().and(any()?.not()),
        Operator::NotEqual | Operator::NotIn => missing().or(any()?.not()),
        Operator::Matches | Operator::NotMatches => return wrong("no pattern"),
    })
}

/// The day of a value, since 1970-01-01; null where a text is no date.
fn as_day(target: &Target, deequ: bool) -> Result<Expr, Refusal> {
    let value = column(&target.name);
    match &target.dtype {
        DataType::String => Ok(days(value, "days", assay_sql::spark::date)),
        DataType::Date => Ok(value.cast(DataType::Int32)),
        DataType::Datetime(..) => Ok(value.cast(DataType::Date).cast(DataType::Int32)),
        // The open evaluator reads a date in whatever text stands for a value.
        _ if deequ => Ok(days(super::texts::as_text(target)?, "days", assay_sql::spark::date)),
        other => Err(Refusal::unfit(format!(
            "Column {} of type {} cannot be compared with dates!",
            target.written,
            type_name(other)
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn operands_are_days() {
        let now = DateTime::from_timestamp(86_400 * 10 + 3_600, 0).unwrap();
        let offset = |amount, unit| Date::Offset { amount, unit, minus: amount < 0 };
        for (operand, wanted) in [
            (Date::Day("1970-01-03".to_owned()), 2),
            (Date::Day("1969-12-31".to_owned()), -1),
            (Date::Now, 10),
            (Date::Time("21:45".to_owned()), 10),
            (offset(-2, Unit::Hours), 9),
            (offset(3, Unit::Days), 13),
        ] {
            assert_eq!(day(&operand, now).ok(), Some(wanted), "{operand:?}");
        }
        for wrong in [Date::Day("2022-02-30".to_owned()), offset(i64::MAX, Unit::Days)] {
            assert!(matches!(day(&wrong, now), Err(Refusal::Failed(_))), "{wrong:?}");
        }
    }
}
