//! `DatasetMatch "alias" "keys"`: the share of rows that a reference has too, found by their key and equal in the other
//! columns.
//!
//! Keys and columns are written `"a,b"`, or `"a->x,b->y"` where the reference gives them other names. A third parameter
//! names the columns to compare; without it all that are no keys are. A key must be unique in both datasets. The share
//! is of the rows of the dataset itself.
//!
//! Nulls: a null in a key equals nothing; in a column that is compared it equals a null.
//! Rows: a row that the reference does not have fails.
//! Profiles: `deequ` does not say which rows fail, and compares columns by one hash of them all, the names of either
//! side sorted: values of different types are not equal, and a null has no part in it.
//!
//! ```dqdl
//! DatasetMatch "reference" "order_id->id" "amount,currency" >= 0.99
//! ```

use super::ask::{condition, names};
use super::completeness::share;
use super::referential_integrity::listed;
use crate::column::column;
use super::{Finding, Planned, Refusal};
use crate::data::Profile;
use crate::draft::{Draft, Lookup, RowTest};
use crate::measure::number;
use crate::reference::{Reference, comparable, judged, known, reference};
use assay_dqdl::tree::Check;
use polars::prelude::{DataType, Expr, PlSmallStr, Schema, len, lit};

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
    let written = matched.unwrap_or_else(|| rest(draft, &keys));
    let matched = pairs(&written, draft, &other, "columns")?;
    let name = format!("Dataset.{alias}.DatasetMatch");
    let test = condition(check, &name, draft)?;
    if matched.is_empty() {
        return Err(Refusal::failed("Empty column comparison map provided."));
    }
    let (mut own, mut theirs) = keyed(&keys, draft.profile())?;
    let width = theirs.len();
    // Nulls are found among nulls, so that this flag is what keeps a null in a key from being found.
    own.push(keys.iter().map(|(left, _)| column(&left.0).is_null()).reduce(Expr::or).unwrap_or(lit(false)));
    theirs.push(lit(false));
    match draft.profile() {
        Profile::Glue => {
            let (left, right) = keyed(&matched, Profile::Glue)?;
            own.extend(left);
            theirs.extend(right);
        }
        Profile::Deequ => {
            let side = |of: fn(&(String, String)) -> &String, schema: &Schema| hashed(written.iter().map(of), schema);
            own.push(side(|(own, _)| own, &draft.schema));
            theirs.push(side(|(_, theirs)| theirs, &other.schema));
        }
    }
    let columns: Vec<PlSmallStr> = keys.iter().chain(&matched).map(|(left, _)| left.0.clone()).collect();
    let key_names: Vec<PlSmallStr> = keys.iter().map(|(left, _)| left.0.clone()).collect();
    let occurrences = draft.keys(key_names, None);
    let by_key: Vec<Expr> = (0..width).map(|at| column(&keys[at].1.0).alias(PlSmallStr::from_string(format!("k{at}")))).collect();
    let groups = other.rows.clone().select(by_key.clone()).group_by(named(by_key.len())).agg([len().alias("n")]);
    let n = Expr::Column("n".into());
    let label = format!("keys of {alias}: {}", parameters.get(1).copied().unwrap_or_default());
    let repeated = draft.query(label, groups.select([n.max().alias("most")]));
    let (lookup, found) = draft.lookup(Lookup::Among { keys: own, others: theirs, frame: other.rows, nulls: true });
    let mut rows = RowTest::of(found, None, columns, format!("has no equal row in {alias}"));
    rows.lookups.push(lookup);
    let rows = draft.rows(rows);
    let planned = Planned::by_row(rows, move |measured| {
        let most = measured.query(repeated).map(|found| found.columns().first().and_then(|c| number(&c.get(0).ok()?)));
        let most = match most {
            Ok(most) => most.unwrap_or_default(),
            Err(reason) => return Finding::failed(reason, Vec::new()),
        };
        if measured.keys(occurrences).repeated() > 0 || most > 1.0 {
            let which = if most > 1.0 { "the second" } else { "the first" };
            let reason = format!("The key is not unique in {which} dataset, so its rows cannot be matched.");
            return Finding::failed(reason, Vec::new());
        }
        let Some(value) = share(measured, rows) else {
            return Finding::failed("Cannot evaluate: primary DataFrame is empty", Vec::new());
        };
        judged(test.holds(value), value, name)
    });
    Ok(match draft.profile() {
        Profile::Glue => planned,
        Profile::Deequ => planned.silent(),
    })
}

/// Both sides of pairs, made comparable.
fn keyed(pairs: &Pairs, profile: Profile) -> Result<(Vec<Expr>, Vec<Expr>), Refusal> {
    Ok(pairs.iter().map(|(left, right)| comparable(left, right, profile)).collect::<Result<Vec<_>, _>>()?.into_iter().unzip())
}

/// The hash of the columns in the order of the names that the rule gives them.
fn hashed<'n>(names: impl Iterator<Item = &'n String>, schema: &Schema) -> Expr {
    let mut names: Vec<&String> = names.collect();
    names.sort();
    let found = names.into_iter().filter_map(|name| known(schema, name, Profile::Deequ));
    crate::hash::of_row(found.map(|(name, _)| column(&name)).collect())
}

fn named(count: usize) -> Vec<Expr> {
    (0..count).map(|at| Expr::Column(PlSmallStr::from_string(format!("k{at}")))).collect()
}

/// `a->b` or `a`, between commas; of two for the same column the last counts.
fn mapped(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| match part.split_once("->") {
        Some((own, theirs)) => (own.trim().to_owned(), theirs.trim().to_owned()),
        None => (part.to_owned(), part.to_owned()),
    };
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (own, theirs) in listed(text).into_iter().map(pair) {
        match pairs.iter_mut().find(|(known, _)| *known == own) {
            Some((_, known)) => *known = theirs,
            None => pairs.push((own, theirs)),
        }
    }
    pairs
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
        names.iter().filter(|(own, _)| known(&draft.schema, own, draft.profile()).is_none()).map(|(own, _)| own.as_str()).collect();
    if !lost.is_empty() {
        return Err(missing(lost, "first"));
    }
    let lost: Vec<&str> = names
        .iter()
        .filter(|(_, theirs)| known(&other.schema, theirs, draft.profile()).is_none())
        .map(|(_, theirs)| theirs.as_str())
        .collect();
    if !lost.is_empty() {
        return Err(missing(lost, "second"));
    }
    Ok(names.iter().filter_map(|(own, theirs)| Some((known(&draft.schema, own, draft.profile())?, known(&other.schema, theirs, draft.profile())?))).collect())
}
