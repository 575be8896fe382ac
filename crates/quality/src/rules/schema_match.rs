//! `SchemaMatch "alias"`: the share of columns that a reference has too, with the same name and type.
//!
//! Where the numbers of columns differ, the share is 0 and the rule fails whatever its condition.
//!
//! Nulls: it is about columns, not values.
//! Rows: none; the rule is about the dataset.
//! Profiles: no difference. Capitals in names matter; their order and whether a column may be null do not.
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
    let alike = draft.schema.len() == other.schema.len() && !draft.schema.is_empty();
    let value = if alike { share(&draft.schema, &other.schema) } else { 0.0 };
    Ok(Planned::whole(move |_| match (alike, test.holds(value)) {
        (false, _) => Finding::failed("Column counts do not match", metric(name, value)),
        (true, true) => Finding::passed(metric(name, value)),
        (true, false) => {
            let reason = format!("{:.2}% of columns passed the threshold", value * 100.0);
            Finding::failed(reason, metric(name, value))
        }
    }))
}

fn share(own: &Schema, other: &Schema) -> f64 {
    let matched = own.iter().filter(|(name, dtype)| other.get(name) == Some(*dtype)).count();
    matched as f64 / own.len() as f64
}
