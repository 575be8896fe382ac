//! `StandardDeviation "column"`: the standard deviation of the column's numbers, of the population.
//!
//! Nulls: do not count; a column without a value fails.
//! Rows: none; the rule is about the dataset.
//! Numbers: NaN in a row makes the number NaN. One number alone deviates by 0.
//! Profiles: no difference.
//!
//! ```dqdl
//! StandardDeviation "price" < 30.5
//! ```

use super::statistic;
use super::{Planned, Refusal};
use crate::draft::Draft;
use crate::measure::Measure;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    statistic::plan(check, draft, "StandardDeviation", Measure::StandardDeviation)
}
