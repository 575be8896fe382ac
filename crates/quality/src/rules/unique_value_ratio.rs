//! `UniqueValueRatio "column"`: values that occur once by different values, 0 to 1.
//!
//! Nulls: not a value.
//! Rows: a row fails when another row has the same value, two nulls among them.
//! Profiles: a column without values fails; with `where` it passes, but in `deequ` fails too.
//!
//! ```dqdl
//! UniqueValueRatio "email" > 0.9
//! ```

use super::ask::{condition, key_metric, names};
use super::uniqueness::planned;
use super::{Planned, Refusal};
use crate::draft::Draft;
use crate::keys::Occurrences;
use assay_dqdl::tree::Check;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let name = key_metric(&names(check), "UniqueValueRatio");
    let test = condition(check, &name, draft)?;
    planned(check, draft, name, test, Occurrences::unique_value_ratio)
}
