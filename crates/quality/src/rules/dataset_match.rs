//! `DatasetMatch "alias" "keys"`: the share of rows that a reference has too, found by their key and equal in the other
//! columns.
//!
//! Keys and columns are written `"a,b"`, or `"a->x,b->y"` where the reference gives them other names. A third parameter
//! names the columns to compare; without it all columns are. A key must be unique in both datasets. The share is of the
//! dataset that has more rows.
//!
//! Nulls: a null equals nothing, in a key as in a column.
//! Rows: a row that the reference does not have fails.
//! Profiles: `deequ` does not say which rows fail.
//!
//! ```dqdl
//! DatasetMatch "reference" "order_id->id" "amount,currency" >= 0.99
//! ```

use super::ask::{condition, metric, names};
use super::referential_integrity::listed;
use super::{Finding, Planned, Refusal};
use crate::data::Profile;
use crate::draft::{Draft, Lookup, RowTest};
use crate::measure::number;
use crate::measured::Measured;
use crate::reference::{Reference, comparable, known, reference, unmet};
use assay_dqdl::tree::Check;
use polars::prelude::{DataType, Expr, PlSmallStr, len};

type Column = (PlSmallStr, DataType);
/// Columns of the dataset and of the reference.
type Pairs = Vec<(Column, Column)>;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let parameters = names(check);
    let (alias, keys, matched) = match parameters.as_slice() {
        [alias, keys] => (*alias, mapped(keys), None),
        [alias, keys, matched] => (*alias, mapped(keys), Some(mapped(matched))),
        _ => return Err(Refusal::failed("DatasetMatch takes an alias, keys, and columns to compare")),
    };
    let other = reference(draft, alias, &format!("{alias} not found in additional sources"))?;
    let keys = pairs(&keys, draft, &other, "key columns")?;
    let matched = match matched {
        Some(matched) => pairs(&matched, draft, &other, "columns")?,
        None => pairs(&rest(draft, &keys), draft, &other, "columns")?,
    };
    let name = format!("Dataset.{alias}.DatasetMatch");
    let test = condition(check, &name, draft)?;
    let (mut own, mut theirs): (Vec<Expr>, Vec<Expr>) = (Vec::new(), Vec::new());
    for (left, right) in keys.iter().chain(&matched) {
        let (left, right) = comparable(left, right)?;
        own.push(left);
        theirs.push(right);
    }
    let columns: Vec<PlSmallStr> = keys.iter().chain(&matched).map(|(left, _)| left.0.clone()).collect();
    let key_names: Vec<PlSmallStr> = keys.iter().map(|(left, _)| left.0.clone()).collect();
    let occurrences = draft.keys(key_names, None);
    let by_key: Vec<Expr> = (0..keys.len()).map(|at| theirs[at].clone().alias(PlSmallStr::from_string(format!("k{at}")))).collect();
    let groups = other.rows.clone().select(by_key.clone()).group_by(named(by_key.len())).agg([len().alias("n")]);
    let n = Expr::Column("n".into());
    let label = format!("keys of {alias}: {}", parameters.get(1).copied().unwrap_or_default());
    let repeated = draft.query(label, groups.select([n.clone().max().alias("most"), n.sum().alias("rows")]));
    let (lookup, found) = draft.lookup(Lookup::Among { keys: own, others: theirs, frame: other.rows, nulls: false });
    let mut rows = RowTest::of(found, None, columns, format!("has no equal row in {alias}"));
    rows.lookups.push(lookup);
    let rows = draft.rows(rows);
    let planned = Planned::by_row(rows, move |measured| {
        let counted = |at: usize| measured.query(repeated).map(|found| found.columns().get(at).and_then(|c| number(&c.get(0).ok()?)));
        let (most, all) = match (counted(0), counted(1)) {
            (Ok(most), Ok(all)) => (most.unwrap_or_default(), all.unwrap_or_default()),
            (Err(reason), _) | (_, Err(reason)) => return Finding::failed(reason, Vec::new()),
        };
        if measured.keys(occurrences).repeated() > 0 || most > 1.0 {
            let which = if most > 1.0 { "the second" } else { "the first" };
            let reason = format!("The key is not unique in {which} dataset, so its rows cannot be matched.");
            return Finding::failed(reason, Vec::new());
        }
        judged(measured, rows, all, name, |value| test.holds(value))
    });
    Ok(match draft.profile() {
        Profile::Glue => planned,
        Profile::Deequ => planned.silent(),
    })
}

fn judged(
    measured: &Measured,
    rows: crate::draft::RowsId,
    theirs: f64,
    name: String,
    holds: impl Fn(f64) -> bool,
) -> Finding {
    let counts = measured.rows(rows);
    let value = counts.passed as f64 / ((counts.passed + counts.failed) as f64).max(theirs);
    match holds(value) {
        true => Finding::passed(metric(name, value)),
        false => Finding::failed(unmet(value), metric(name, value)),
    }
}

fn named(count: usize) -> Vec<Expr> {
    (0..count).map(|at| Expr::Column(PlSmallStr::from_string(format!("k{at}")))).collect()
}

/// `a->b` or `a`, between commas.
fn mapped(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| match part.split_once("->") {
        Some((own, theirs)) => (own.trim().to_owned(), theirs.trim().to_owned()),
        None => (part.to_owned(), part.to_owned()),
    };
    listed(text).into_iter().map(pair).collect()
}

/// The dataset's columns that are no keys, under the same names.
fn rest(draft: &Draft<'_>, keys: &Pairs) -> Vec<(String, String)> {
    let is_key = |name: &PlSmallStr| keys.iter().any(|(own, _)| own.0 == *name);
    draft.schema.iter_names().filter(|name| !is_key(name)).map(|name| (name.to_string(), name.to_string())).collect()
}

fn pairs(names: &[(String, String)], draft: &Draft<'_>, other: &Reference, what: &str) -> Result<Pairs, Refusal> {
    let missing = |lost: Vec<&str>, place: &str| {
        Refusal::failed(format!("The following {what} were not found in the {place} dataset: {}", lost.join(", ")))
    };
    let lost: Vec<&str> =
        names.iter().filter(|(own, _)| known(&draft.schema, own).is_none()).map(|(own, _)| own.as_str()).collect();
    if !lost.is_empty() {
        return Err(missing(lost, "first"));
    }
    let lost: Vec<&str> = names
        .iter()
        .filter(|(_, theirs)| known(&other.schema, theirs).is_none())
        .map(|(_, theirs)| theirs.as_str())
        .collect();
    if !lost.is_empty() {
        return Err(missing(lost, "second"));
    }
    Ok(names.iter().filter_map(|(own, theirs)| Some((known(&draft.schema, own)?, known(&other.schema, theirs)?))).collect())
}
