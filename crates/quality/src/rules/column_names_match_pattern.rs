//! `ColumnNamesMatchPattern "pattern"`: the name of every column holds a match of the pattern.
//!
//! Rows: none; the rule is about the dataset, and reads no row.
//! Patterns: a match anywhere in the name is enough; write `^…$` for the whole name.
//! Profiles: no difference.
//!
//! ```dqdl
//! ColumnNamesMatchPattern "^[a-z_0-9]+$"
//! ```

use super::ask::{metric, one_column};
use super::{Finding, Planned, Refusal};
use crate::draft::Draft;
use crate::pattern::Pattern;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let pattern = Pattern::of(one_column(check)?)?;
    let mut others = Vec::new();
    for name in draft.schema.iter_names() {
        if !pattern.is_in(name).ok_or_else(|| Refusal::remote("the pattern takes too long on a column's name"))? {
            others.push(name.to_string());
        }
    }
    let all = draft.schema.len();
    // Not a number without columns, as the open evaluator has it.
    let share = (all - others.len()) as f64 / all as f64;
    Ok(Planned::whole(move |_| {
        let metrics = metric("Dataset.*.ColumnNamesPatternMatchRatio".to_owned(), share);
        match others.is_empty() {
            true => Finding::passed(metrics),
            false => Finding::failed(format!("Columns that do not match the pattern: {}", others.join(", ")), metrics),
        }
    }))
}
