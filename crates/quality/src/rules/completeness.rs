//! `Completeness "column"`: the share of rows with a value in the column, 0 to 1.
//!
//! Nulls: what is counted as missing; an empty text and NaN are values.
//! Rows: a row without a value fails, whatever the condition says of the share.
//! Profiles: no difference. A dataset without rows fails; one whose `where` keeps no row passes.
//!
//! ```dqdl
//! Completeness "customer_id" > 0.75
//! ```

use super::ask::{condition, metric, one_column};
use super::{Finding, Planned, Refusal};
use crate::column::column;
use crate::draft::{Aside, Draft, FilterId, RowTest, RowsId};
use crate::measured::Measured;
use crate::numbers::NumberTest;
use assay_dqdl::tree::{Check, Operator};
use polars::prelude::PlSmallStr;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let name = format!("Column.{}.Completeness", one_column(check)?);
    let test = condition(check, &name, draft)?;
    planned(check, draft, name, test)
}

/// All rows must have a value.
pub(super) fn plan_whole(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let name = format!("Column.{}.Completeness", one_column(check)?);
    planned(check, draft, name, NumberTest { op: Operator::Equal, operands: vec![Some(1.0)] })
}

fn planned(check: &Check, draft: &mut Draft<'_>, name: String, test: NumberTest) -> Result<Planned, Refusal> {
    let (column, _) = draft.column(one_column(check)?)?;
    let filter = draft.filter(check)?;
    let rows = present(draft, column, filter);
    let written = one_column(check)?.to_owned();
    Ok(Planned::by_row(rows, move |measured| match share(measured, rows) {
        Some(value) => Finding::of(test.holds(value), value, metric(name, value)),
        None => Finding::empty("Completeness", &written, filter.is_some()),
    }))
}

/// The meaning of completeness for a row.
pub(super) fn present(draft: &mut Draft<'_>, name: PlSmallStr, filter: Option<FilterId>) -> RowsId {
    let test = column(&name).is_not_null();
    draft.rows_aside(RowTest::of(test, filter, vec![name], "does not meet the constraint"), Aside::Skips)
}

/// Passing rows by all rows; none without rows.
pub(super) fn share(measured: &Measured, rows: RowsId) -> Option<f64> {
    let counts = measured.rows(rows);
    let all = counts.passed + counts.failed + counts.skipped;
    (all > 0).then(|| counts.passed as f64 / all as f64)
}
