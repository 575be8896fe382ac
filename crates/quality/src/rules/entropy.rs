//! `Entropy "column"`: how evenly the column's values are spread: the negative sum of `share * ln(share)`.
//!
//! Nulls: do not count; a column without a value fails.
//! Rows: none; the rule is about the dataset.
//! Profiles: no difference.
//!
//! ```dqdl
//! Entropy "country" > 1
//! ```

use super::ask::{columns, condition, metric, one_column};
use super::{Finding, Planned, Refusal};
use crate::draft::Draft;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let written = one_column(check)?.to_owned();
    let name = format!("Column.{written}.Entropy");
    let columns = columns(check, draft)?;
    let test = condition(check, &name, draft)?;
    let filter = draft.filter(check)?;
    let keys = draft.keys(columns, filter);
    Ok(Planned::whole(move |measured| match measured.keys(keys).entropy() {
        Some(value) => Finding::of(test.holds(value), value, metric(name, value)),
        None => Finding::empty("Entropy", &written, filter.is_some()),
    }))
}
