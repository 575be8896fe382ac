//! `Sum "column"`: the sum of the column's numbers.
//!
//! Nulls: do not count; a column without a value fails.
//! Rows: none; the rule is about the dataset.
//! Numbers: NaN in a row makes the number NaN. Integers and decimals are added up exactly; the service adds doubles, so that an exact sum may be met here and not there.
//! Profiles: no difference.
//!
//! ```dqdl
//! Sum "amount" > 100000
//! ```

use super::statistic;
use super::{Planned, Refusal};
use crate::draft::Draft;
use crate::measure::Measure;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let beyond = draft.beyond();
    statistic::plan(check, draft, "Sum", |name| Measure::Sum(name, beyond))
}
