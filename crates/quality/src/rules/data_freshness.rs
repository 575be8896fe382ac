//! `DataFreshness "column"`: how long ago each row's time is, in hours rounded to two places.
//!
//! It is about every row, not about the newest: a table with history fails `<= 24 hours`. Use `where` to look at the
//! latest load alone.
//!
//! Nulls: a null fails, and so does a text that is no time.
//! Rows: a row fails when its age does not meet the condition.
//! Times: a date is its midnight; all are in UTC; `between` leaves out both ends.
//! Profiles: `deequ` does not say which rows fail. Without rows, also after `where`, the rule passes.
//!
//! ```dqdl
//! DataFreshness "loaded_at" <= 24 hours
//! ```

use super::ask::{metric, one_column, threshold};
use super::completeness::{aside, with_aside};
use super::{Finding, Planned, Refusal};
use crate::column::value;
use crate::data::Profile;
use crate::draft::{Draft, RowTest};
use crate::numbers::NumberTest;
use crate::text::{longs, tested_longs};
use assay_dqdl::tree::{Check, Condition, Duration, Test, Unit};
use polars::prelude::{DataType, Expr, NULL, TimeUnit, lit, when};

const DAY: i64 = 86_400;
/// The last second of which microseconds are counted in 64 bits.
const FARTHEST: f64 = 9_223_372_036_854.0;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let written = one_column(check)?.to_owned();
    let missing = || Refusal::failed(format!("Column {written} does not exist in the dataset"));
    let (base, found, dtype) = value(&draft.schema, &written, draft.profile() == Profile::Deequ).ok_or_else(missing)?;
    let Some(Condition::Duration(test)) = &check.condition else {
        return Err(Refusal::failed("Unsupported condition type for DataFreshness rule"));
    };
    let name = format!("Column.{written}.DataFreshness.Compliance");
    let wanted = threshold(check, &name, draft)?;
    let filter = draft.filter(check)?;
    let now = draft.data.now.timestamp();
    let hours = hours_of(test);
    let label = format!("age {now} {hours:?}");
    let seconds = seconds(found, &dtype, now.div_euclid(DAY), draft.profile())
        .ok_or_else(|| Refusal::failed(format!("Column {written} holds no times")))?;
    let meets = tested_longs(seconds, &label, move |second| hours.holds(age(now, second))).fill_null(lit(false));
    let aside = aside(draft, &meets, filter);
    let rows = draft.rows(RowTest::of(meets, filter, vec![base], requirement(check)));
    let judge = move |measured: &crate::measured::Measured| match with_aside(measured, rows, aside) {
        None => Finding { reason: Some("No rows matched the filter".to_owned()), ..Finding::passed(Vec::new()) },
        Some(share) => {
            let metrics = metric(name, share);
            match wanted.map_or(share == 1.0, |wanted| wanted.holds(share)) {
                true => Finding::passed(metrics),
                false => Finding::failed(format!("{}% of rows passed", percent(share)), metrics),
            }
        }
    };
    let planned = Planned::by_row(rows, judge);
    Ok(match draft.profile() {
        Profile::Glue => planned,
        Profile::Deequ => planned.silent(),
    })
}

fn requirement(check: &Check) -> String {
    match &check.condition {
        Some(condition) => format!("its age does not meet the constraint {}", assay_dqdl::canonical::condition(condition)),
        None => "its age does not meet the constraint".to_owned(),
    }
}

/// The condition in hours, minutes rounded to four places.
fn hours_of(test: &Test<Duration>) -> NumberTest {
    let hours = |duration: &Duration| match duration.unit {
        Unit::Days => 24.0 * duration.amount as f64,
        Unit::Hours => duration.amount as f64,
        Unit::Minutes => (duration.amount as f64 / 60.0 * 10_000.0).round() / 10_000.0,
    };
    NumberTest { op: test.op, operands: test.operands.iter().map(|operand| Some(hours(operand))).collect() }
}

/// Seconds since 1970-01-01 in UTC, which a number is to the open evaluator; none for a type that holds no times.
fn seconds(value: Expr, dtype: &DataType, today: i64, profile: Profile) -> Option<Expr> {
    let today = i32::try_from(today).ok()?;
    match dtype {
        DataType::String => Some(longs(value, "seconds", move |text| {
            Some(assay_sql::spark::timestamp(text, today)?.div_euclid(1_000_000))
        })),
        DataType::Date => Some(value.cast(DataType::Int64) * lit(DAY)),
        DataType::Datetime(unit, _) => {
            let parts = match unit {
                TimeUnit::Nanoseconds => 1_000_000_000i64,
                TimeUnit::Microseconds => 1_000_000,
                TimeUnit::Milliseconds => 1_000,
            };
            Some(value.cast(DataType::Int64).floor_div(lit(parts)))
        }
        _ if profile == Profile::Glue => None,
        // Their texts are no times.
        DataType::Boolean | DataType::Binary => Some(lit(NULL).cast(DataType::Int64)),
        dtype if dtype.is_integer() => Some(value.cast(DataType::Int64)),
        // What is no number of seconds is no time.
        dtype if dtype.is_float() || dtype.is_decimal() => {
            let value = value.cast(DataType::Float64);
            let near = when(value.clone().gt(lit(FARTHEST))).then(lit(FARTHEST)).otherwise(value.clone());
            let near = when(value.clone().lt(lit(-FARTHEST))).then(lit(-FARTHEST)).otherwise(near);
            Some(when(value.is_finite()).then(near).otherwise(lit(NULL)).floor().cast(DataType::Int64))
        }
        _ => None,
    }
}

/// Hours between two seconds, rounded to two places, half away from zero.
fn age(now: i64, then: i64) -> f64 {
    let apart = now.saturating_sub(then);
    let (whole, rest) = (apart / 36, apart % 36);
    let hundredths = whole + if rest.abs() * 2 >= 36 { rest.signum() } else { 0 };
    hundredths as f64 / 100.0
}

/// A share in percent with two places, half up.
fn percent(share: f64) -> String {
    format!("{:.2}", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_rounded_to_hundredths() {
        for (apart, hours) in [(3_600, 1.0), (17, 0.0), (18, 0.01), (-18, -0.01), (53, 0.01), (54, 0.02), (86_400, 24.0)] {
            assert_eq!(age(apart, 0).to_bits(), f64::to_bits(hours), "{apart}");
        }
    }
}
