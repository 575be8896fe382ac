//! What the rules on one number of a column share.

use super::ask::{condition, metric, number_column, one_column};
use super::{Finding, Planned, Refusal};
use crate::draft::Draft;
use crate::measure::Measure;
use assay_dqdl::tree::Check;
use polars::prelude::PlSmallStr;

pub(super) fn plan(
    check: &Check,
    draft: &mut Draft<'_>,
    what: &'static str,
    measure: impl FnOnce(PlSmallStr) -> Measure,
) -> Result<Planned, Refusal> {
    let written = one_column(check)?.to_owned();
    let name = format!("Column.{written}.{what}");
    let column = number_column(&written, draft)?;
    let test = condition(check, &name, draft)?;
    let filter = draft.filter(check)?;
    let number = draft.measure(measure(column), filter);
    Ok(Planned::whole(move |measured| match measured.number(number) {
        Some(value) => Finding::of(test.holds(value), value, metric(name, value)),
        None => Finding::empty(what, &written, filter.is_some()),
    }))
}
