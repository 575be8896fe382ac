//! `IsUnique "column" …`: no two rows have the same key.
//!
//! Nulls: a row that is null in all key columns does not count, so a column of nulls and different values is unique.
//! Rows: a row fails when another row has the same key; two rows with a null key have the same key.
//! Profiles: no difference. A dataset without a key in any row fails.
//!
//! ```dqdl
//! IsUnique "invoice" "stock_code"
//! ```

use super::uniqueness::plan_whole;
use super::{Planned, Refusal};
use crate::draft::Draft;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    plan_whole(check, draft)
}
