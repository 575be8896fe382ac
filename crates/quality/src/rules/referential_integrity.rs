//! `ReferentialIntegrity "columns" "alias.column"`: the share of rows whose key a reference knows.
//!
//! Several columns are written `"a,b" "alias.{x,y}"`. The last dot parts the alias from a column, so that an alias may be
//! `database.table`.
//!
//! Nulls: a row with a null in its key is not found.
//! Rows: a row whose key the reference does not know fails.
//! Profiles: `deequ` does not say which rows fail.
//!
//! ```dqdl
//! ReferentialIntegrity "product_id" "products.id" = 1.0
//! ```

use super::ask::{condition, names};
use super::completeness::share;
use super::{Finding, Planned, Refusal};
use crate::data::Profile;
use crate::draft::{Draft, Lookup, RowTest};
use crate::reference::{comparable, judged, known, reference};
use assay_dqdl::tree::Check;
use polars::prelude::PlSmallStr;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let parameters = names(check);
    let (own, target) = match parameters.as_slice() {
        [own, target] => (listed(own), *target),
        _ => return Err(Refusal::failed("ReferentialIntegrity takes columns and columns of a reference")),
    };
    let (alias, theirs) = parted(target)
        .ok_or_else(|| Refusal::failed(format!("{target} names no column of a reference: write \"alias.column\"")))?;
    let other = reference(draft, alias, &format!("{alias} not found in additional sources"))?;
    if own.len() != theirs.len() {
        let reason = format!("{} columns cannot be looked up in {} of {alias}", own.len(), theirs.len());
        return Err(Refusal::failed(reason));
    }
    let name = format!("Column.{alias}.ReferentialIntegrity");
    let test = condition(check, &name, draft)?;
    let (mut keys, mut others, mut columns) = (Vec::new(), Vec::new(), Vec::<PlSmallStr>::new());
    let missing = |column: &str, frame: &str| {
        Refusal::failed(format!("Column {column} does not exist in {frame} data frame."))
    };
    let own = own.iter().map(|name| known(&draft.schema, name, draft.profile()).ok_or_else(|| missing(name, "primary")));
    let own = own.collect::<Result<Vec<_>, _>>()?;
    if let Some(lost) = theirs.iter().find(|name| known(&other.schema, name, draft.profile()).is_none()) {
        return Err(missing(lost, "reference"));
    }
    let theirs = match draft.profile() {
        Profile::Glue => theirs,
        Profile::Deequ => distinct(theirs),
    };
    for (left, theirs) in own.into_iter().zip(theirs) {
        let right = known(&other.schema, theirs, draft.profile()).ok_or_else(|| missing(theirs, "reference"))?;
        let (key, other) = comparable(&left, &right, draft.profile())?;
        columns.push(left.0);
        keys.push(key);
        others.push(other);
    }
    let (lookup, found) = draft.lookup(Lookup::Among { keys, others, frame: other.rows, nulls: false });
    let mut rows = RowTest::of(found, None, columns, format!("is not a key of {alias}"));
    rows.lookups.push(lookup);
    let rows = draft.rows(rows);
    let planned = Planned::by_row(rows, move |measured| {
        let Some(value) = share(measured, rows) else {
            return Finding::failed("Primary data frame contains no data.", Vec::new());
        };
        judged(test.holds(value), value, name)
    });
    Ok(match draft.profile() {
        Profile::Glue => planned,
        Profile::Deequ => planned.silent(),
    })
}

/// The alias and the columns behind its dot.
fn parted(target: &str) -> Option<(&str, Vec<&str>)> {
    match target.split_once(".{") {
        Some((alias, columns)) => Some((alias, listed(columns.trim_end().strip_suffix('}')?))),
        None => target.rsplit_once('.').map(|(alias, column)| (alias, vec![column.trim()])),
    }
}

/// The open evaluator looks into each column of a reference once, and pairs what is left with the dataset's columns.
fn distinct(names: Vec<&str>) -> Vec<&str> {
    let mut once: Vec<&str> = Vec::with_capacity(names.len());
    names.into_iter().for_each(|name| if !once.contains(&name) { once.push(name) });
    once
}

/// Names between commas.
pub(super) fn listed(names: &str) -> Vec<&str> {
    names.split(',').map(str::trim).collect()
}
