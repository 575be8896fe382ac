//! `ColumnValues "column"` with a condition: every row's value meets it, or with `with threshold` a share of the rows.
//!
//! Nulls: a null fails, but passes `!=` and `not in` unless NULL is listed; `= NULL` and NULL in a list mean it.
//! Rows: a row fails when its value does not meet the condition.
//! Numbers: `between` leaves out both ends. Integers and decimals are compared exactly; the service compares doubles,
//! which matters beyond 15 digits and is said then. NaN is greater than every number and equals itself.
//! Text: `matches` means the whole text. EMPTY is the text without characters, WHITESPACES_ONLY one of spaces.
//! Dates: the time of day does not count; text is read as a date, and what is none is skipped.
//! Profiles: in `deequ`, `matches` binds `^` and `$` to the outer alternatives only, an empty text matches nothing,
//! `not matches` refuses a text that begins with a match, a null is skipped by EMPTY and WHITESPACES_ONLY, and the
//! threshold counts for dates alone.
//!
//! ```dqdl
//! ColumnValues "quantity" between 0 and 1000
//! ColumnValues "status" in ["paid", "open", NULL] with threshold > 0.99
//! ColumnValues "email" matches "[^@]+@[^@]+"
//! ColumnValues "ordered" > (now() - 30 days)
//! ```

mod dates;
mod numbers;
mod texts;

use super::ask::{metric, one_column, threshold};
use super::completeness::share;
use super::{Fate, Fates, Finding, Planned, Refusal, unmet};
use crate::data::Profile;
use crate::draft::{Aside, Draft, FilterId, RowTest, RowsId};
use crate::measured::Measured;
use crate::numbers::NumberTest;
use assay_dqdl::tree::{Check, Condition, Operator};
use polars::prelude::{DataType, Expr, PlSmallStr};

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let target = Target::of(check, draft)?;
    match &check.condition {
        Some(Condition::Number(test)) => numbers::plan(check, test, target, draft),
        Some(Condition::Text(test)) => texts::plan(check, test, target, draft),
        Some(Condition::Date(test)) => dates::plan(check, test, target, draft),
        _ => Err(Refusal::failed("ColumnValues needs a condition on numbers, text or dates")),
    }
}

/// The column that is looked at.
struct Target {
    written: String,
    name: PlSmallStr,
    dtype: DataType,
    filter: Option<FilterId>,
}

impl Target {
    fn of(check: &Check, draft: &mut Draft<'_>) -> Result<Self, Refusal> {
        let written = one_column(check)?.to_owned();
        let (name, dtype) = draft.quoted_column(&written)?;
        Ok(Self { written, name, dtype, filter: draft.filter(check)? })
    }

    fn metric(&self, what: &str) -> String {
        format!("Column.{}.{what}", self.written)
    }
}

/// A rule whose metric is the share of rows that meet the condition.
fn by_share(
    check: &Check,
    target: Target,
    test: Expr,
    what: &'static str,
    aside: Aside,
    draft: &mut Draft<'_>,
) -> Result<Planned, Refusal> {
    let name = target.metric(what);
    let wanted = wanted_share(check, &name, draft)?;
    let test = RowTest::of(test, target.filter, vec![target.name.clone()], requirement(check));
    let rows = draft.rows_aside(test, aside);
    let analyzer = if what == "PatternMatch" { "PatternMatch" } else { "Compliance" };
    let said = said(draft.profile());
    let fate = unsaid(draft.profile(), rows, what, target.filter.is_some());
    let planned = Planned::by_row(rows, move |measured| match said(measured, rows) {
        Some(value) => Finding::of(wanted.holds(value), value, metric(name, value)),
        None => Finding::empty(analyzer, &target.written, target.filter.is_some()),
    });
    Ok(planned.fated(fate))
}

/// To the open evaluator every row fails a condition that says nothing of any row, and a pattern after a filter that
/// keeps none.
fn unsaid(profile: Profile, rows: RowsId, what: &str, filtered: bool) -> Option<Fates> {
    let wanted = profile == Profile::Deequ && filtered == (what == "PatternMatch");
    wanted.then(|| -> Fates {
        Box::new(move |measured| {
            let counts = measured.rows(rows);
            if counts.passed + counts.failed == 0 { Fate::Fails } else { Fate::AsTested }
        })
    })
}

/// The share of rows that meet a condition; none where there is no row, and for the open evaluator none where the
/// condition says nothing of any row.
fn said(profile: Profile) -> fn(&Measured, RowsId) -> Option<f64> {
    match profile {
        Profile::Glue => share,
        Profile::Deequ => |measured, rows| {
            let counts = measured.rows(rows);
            share(measured, rows).filter(|_| counts.passed + counts.failed > 0)
        },
    }
}

/// The share of rows that must meet the condition.
fn wanted_share(check: &Check, name: &str, draft: &Draft<'_>) -> Result<NumberTest, Refusal> {
    let dates = matches!(check.condition, Some(Condition::Date(_)));
    let given = match draft.profile() == Profile::Glue || dates {
        true => threshold(check, name, draft)?,
        false => None,
    };
    Ok(given.unwrap_or(NumberTest { op: Operator::Equal, operands: vec![Some(1.0)] }))
}

/// What a failing row does not do.
fn requirement(check: &Check) -> String {
    match &check.condition {
        Some(condition) => format!("does not meet the constraint {}", assay_dqdl::canonical::condition(condition)),
        None => "does not meet the constraint".to_owned(),
    }
}

/// The reason of a null, beside the reason of the numbers.
fn null_reason() -> String {
    unmet("NULL")
}
