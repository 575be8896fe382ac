//! `ColumnCount`: how many columns the dataset has.
//!
//! Rows: none; the rule is about the dataset, and reads no row.
//! Profiles: no difference.
//!
//! ```dqdl
//! ColumnCount = 11
//! ```

use super::ask::{condition, metric};
use super::{Finding, Planned, Refusal};
use crate::draft::Draft;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let name = "Dataset.*.ColumnCount".to_owned();
    let test = condition(check, &name, draft)?;
    let value = draft.schema.len() as f64;
    Ok(Planned::whole(move |_| Finding::of_count(test.holds(value), value, metric(name, value))))
}
