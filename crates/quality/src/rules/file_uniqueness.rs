//! `FileUniqueness ["path"]`: the share of files whose content no other file has.
//!
//! Nulls: there are none.
//! Rows: none; the rule is about files.
//! Profiles: no difference; evaluated over the listing of the lake.
//!
//! ```dqdl
//! FileUniqueness "orders/" = 1.0
//! ```

use super::ask::{condition, metric, names};
use super::{Finding, Planned, Refusal};
use crate::draft::Draft;
use crate::files::{LISTED_HERE, algorithm, chosen, digests, listing, tags};
use assay_dqdl::tree::Check;
use std::collections::BTreeMap;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let files = listing(draft)?;
    tags(check, &["hashAlgorithm", "recentFiles", "uriRegex"])?;
    let name = "Dataset.*.FileUniqueness".to_owned();
    let test = condition(check, &name, draft)?;
    let list = chosen(check, files, names(check).first().copied())?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for sum in digests(files, &list, algorithm(check)?)? {
        *counts.entry(sum).or_default() += 1;
    }
    let unique = counts.values().filter(|count| **count == 1).count();
    let value = unique as f64 / list.len() as f64;
    let finding = Finding::of(test.holds(value), value, metric(name, value));
    Ok(Planned::whole(move |_| finding).may_differ(LISTED_HERE))
}
