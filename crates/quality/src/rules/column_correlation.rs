//! `ColumnCorrelation "column" "column"`: Pearson's coefficient of two columns of numbers, -1 to 1.
//!
//! Nulls: a row counts only with a value in both columns; without such rows the rule fails.
//! Rows: none; the rule is about the dataset.
//! Numbers: a column that does not vary has the coefficient NaN, which meets no comparison.
//! Profiles: no difference.
//!
//! ```dqdl
//! ColumnCorrelation "height" "weight" > 0.8
//! ```

use super::ask::{condition, key_metric, metric, names, number_column};
use super::{Finding, Planned, Refusal};
use crate::draft::Draft;
use crate::measure::Measure;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let [left, right] = names(check)[..] else { return Err(Refusal::failed("the rule needs two columns")) };
    let name = key_metric(&[left, right], "ColumnCorrelation");
    let columns = [number_column(left, draft)?, number_column(right, draft)?];
    let test = condition(check, &name, draft)?;
    let filter = draft.filter(check)?;
    let written = format!("{left},{right}");
    let [left, right] = columns;
    let number = draft.measure(Measure::Correlation(left, right), filter);
    Ok(Planned::whole(move |measured| match measured.number(number) {
        Some(value) => Finding::of(test.holds(value), value, metric(name, value)),
        None => Finding::empty("Correlation", &written, filter.is_some()),
    }))
}
