//! `SchemaMatch "alias"`: the share of columns that a reference has too, with the same name and type.
//!
//! Where the numbers of columns differ, the share is 0.
//!
//! Nulls: it is about columns, not values.
//! Rows: none; the rule is about the dataset.
//! Profiles: no difference. Capitals in names do not matter, nor does whether a column may be null.
//!
//! ```dqdl
//! SchemaMatch "reference" = 1.0
//! ```

use super::ask::{condition, metric, one_column};
use super::{Finding, Planned, Refusal};
use crate::draft::Draft;
use crate::reference::reference;
use assay_dqdl::tree::Check;
use polars::prelude::Schema;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let alias = one_column(check)?;
    let other = reference(draft, alias, &format!("{alias} not found in additional sources"))?;
    let name = format!("Dataset.{alias}.SchemaMatch");
    let test = condition(check, &name, draft)?;
    let value = share(&draft.schema, &other.schema);
    Ok(Planned::whole(move |_| match test.holds(value) {
        true => Finding::passed(metric(name, value)),
        false => {
            let reason = format!("{:.2}% of columns passed the threshold", value * 100.0);
            Finding::failed(reason, metric(name, value))
        }
    }))
}

fn share(own: &Schema, other: &Schema) -> f64 {
    if own.len() != other.len() {
        return 0.0;
    }
    let same = |name: &str| other.iter().find(|(theirs, _)| theirs.to_lowercase() == name.to_lowercase());
    let matched = own.iter().filter(|(name, dtype)| same(name).is_some_and(|(_, theirs)| theirs == *dtype)).count();
    matched as f64 / own.len() as f64
}
