//! `RowCountMatch "alias"`: the number of rows, as a share of the number of rows of a reference.
//!
//! Nulls: a row counts whatever it holds.
//! Rows: none; the rule is about the dataset.
//! Profiles: no difference. A reference without rows gives infinity, two datasets without rows NaN.
//!
//! ```dqdl
//! RowCountMatch "reference" >= 0.95
//! ```

use super::ask::{condition, one_column};
use super::{Finding, Planned, Refusal};
use crate::draft::Draft;
use crate::measure::{Measure, number};
use crate::reference::{judged, reference};
use assay_dqdl::tree::Check;
use polars::prelude::len;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let alias = one_column(check)?;
    let unknown = format!("Reference dataset '{alias}' not found in additional data sources");
    let other = reference(draft, alias, &unknown)?;
    let name = format!("Dataset.{alias}.RowCountMatch");
    let test = condition(check, &name, draft)?;
    let own = draft.measure(Measure::Rows, None);
    let theirs = draft.query(format!("rows of {alias}"), other.rows.select([len()]));
    Ok(Planned::whole(move |measured| {
        let count = measured.query(theirs).map(|found| found.columns().first().and_then(|c| number(&c.get(0).ok()?)));
        let count = match count {
            Ok(count) => count.unwrap_or_default(),
            Err(reason) => return Finding::failed(reason, Vec::new()),
        };
        let value = measured.count(own) / count;
        judged(test.holds(value), value, name)
    }))
}
