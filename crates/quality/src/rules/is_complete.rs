//! `IsComplete "column"`: every row has a value in the column.
//!
//! Nulls: a null fails; an empty text and NaN are values.
//! Rows: a row without a value fails.
//! Profiles: as `Completeness`, with a share of 1.
//!
//! ```dqdl
//! IsComplete "order_id"
//! ```

use super::completeness::plan_whole;
use super::{Planned, Refusal};
use crate::draft::Draft;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    plan_whole(check, draft)
}
