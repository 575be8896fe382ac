//! `ColumnExists "column"`: the dataset has a column of exactly this name, capitals included.
//!
//! Rows: none; the rule is about the dataset, and reads no row.
//! Profiles: no difference.
//!
//! ```dqdl
//! ColumnExists "order_id"
//! ```

use super::ask::{metric, one_column};
use super::{Finding, Planned, Refusal};
use crate::draft::Draft;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let written = one_column(check)?;
    let name = format!("Dataset.{written}.ColumnExists");
    let there = draft.schema.contains(written);
    let value = f64::from(u8::from(there));
    Ok(Planned::whole(move |_| Finding::of(there, value, metric(name, value))))
}
