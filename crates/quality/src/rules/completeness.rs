//! `Completeness "column"`: the share of rows with a value in the column, 0 to 1.
//!
//! Nulls: what is counted as missing; an empty text and NaN are values.
//! Rows: a row without a value fails, whatever the condition says of the share.
//! Profiles: no difference. A dataset without rows fails; one whose `where` keeps no row passes.
//!
//! ```dqdl
//! Completeness "customer_id" > 0.75
//! ```

use super::ask::{condition, flat_column, metric, one_column};
use super::{Fate, Fates, Finding, Planned, Refusal};
use crate::column::column;
use crate::data::Profile;
use crate::draft::{Aside, Draft, FilterId, MeasureId, RowTest, RowsId, filter_column};
use crate::measure::Measure;
use crate::measured::Measured;
use crate::numbers::NumberTest;
use assay_dqdl::tree::{Check, Operator};
use polars::prelude::{Expr, PlSmallStr};

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
    let column = flat_column(one_column(check)?, draft)?;
    let filter = draft.filter(check)?;
    draft.complete(one_column(check)?, &column, filter);
    let rows = present(draft, column, filter);
    let written = one_column(check)?.to_owned();
    let fate = lost(draft, filter);
    let planned = Planned::by_row(rows, move |measured| match share(measured, rows) {
        Some(value) => Finding::of(test.holds(value), value, metric(name, value)),
        None => Finding::empty("Completeness", &written, filter.is_some()),
    });
    Ok(planned.fated(fate))
}

/// To the open evaluator every row fails where the filter is null for all of them.
pub(super) fn lost(draft: &mut Draft<'_>, filter: Option<FilterId>) -> Option<Fates> {
    let says = draft.filter_says(filter.filter(|_| draft.profile() == Profile::Deequ))?;
    Some(Box::new(move |measured| if measured.count(says) == 0.0 { Fate::Fails } else { Fate::AsTested }))
}

/// The meaning of completeness for a row.
pub(super) fn present(draft: &mut Draft<'_>, name: PlSmallStr, filter: Option<FilterId>) -> RowsId {
    let test = column(&name).is_not_null();
    draft.rows_aside(RowTest::of(test, filter, vec![name], "does not meet the constraint"), Aside::Skips)
}

/// Passing rows by all rows; none without rows.
pub(super) fn share(measured: &Measured, rows: RowsId) -> Option<f64> {
    with_aside(measured, rows, None)
}

/// Rows that the open evaluator counts as passing though the filter does not keep them, being null.
pub(super) fn aside(draft: &mut Draft<'_>, test: &Expr, filter: Option<FilterId>) -> Option<MeasureId> {
    let FilterId(filter) = filter.filter(|_| draft.profile() == Profile::Deequ)?;
    let unkept = Expr::Column(filter_column(filter)).is_null();
    Some(draft.measure(Measure::True(unkept.and(test.clone())), None))
}

/// As `share`, with those.
pub(super) fn with_aside(measured: &Measured, rows: RowsId, aside: Option<MeasureId>) -> Option<f64> {
    let counts = measured.rows(rows);
    let all = counts.passed + counts.failed + counts.skipped;
    let passed = counts.passed as f64 + aside.map_or(0.0, |aside| measured.count(aside));
    (all > 0).then(|| passed / all as f64)
}
