//! `Mean "column"`: the mean of the column's numbers.
//!
//! Nulls: do not count; a column without a value fails.
//! Rows: none; the rule is about the dataset.
//! Numbers: NaN in a row makes the number NaN. Integers and decimals are added up exactly before the division.
//! Profiles: no difference.
//!
//! ```dqdl
//! Mean "rating" between 3 and 5
//! ```

use super::statistic;
use super::{Planned, Refusal};
use crate::draft::Draft;
use crate::measure::Measure;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let beyond = draft.beyond();
    statistic::plan(check, draft, "Mean", |name| Measure::Mean(name, beyond))
}
