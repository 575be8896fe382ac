//! `RowCount`: how many rows the dataset has, after `where`.
//!
//! Nulls: a row counts whatever it holds.
//! Rows: none; the rule is about the dataset.
//! Profiles: in `deequ` a rule with `where` passes on a dataset without rows.
//!
//! ```dqdl
//! RowCount between 1000 and 5000
//! ```

use super::ask::{condition, metric};
use super::{Finding, Planned, Refusal};
use crate::data::Profile;
use crate::draft::Draft;
use crate::measure::Measure;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let name = "Dataset.*.RowCount".to_owned();
    let filter = draft.filter(check)?;
    let test = condition(check, &name, draft)?;
    let rows = draft.measure(Measure::Rows, filter);
    // To the open evaluator there is nothing to count where the filter is null for all rows.
    let says = draft.filter_says(filter.filter(|_| draft.profile() == Profile::Deequ));
    Ok(Planned::whole(move |measured| {
        let value = measured.count(rows);
        if says.is_some_and(|says| measured.count(says) == 0.0) {
            return Finding::passed(Vec::new());
        }
        Finding::of_count(test.holds(value), value, metric(name, value))
    }))
}
