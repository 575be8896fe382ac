//! The groupings of the rows by sets of key columns.

use crate::column::column;
use crate::draft::{Draft, KeySet};
use crate::engine::{self, Stop};
use crate::error::QualityError;
use crate::keys::{Nulls, Occurrences};
use polars::prelude::{
    AllowedOptimizations, BooleanChunked, DataFrame, DataType, Expr, OptFlags, PlSmallStr, PolarsResult, len,
};
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a key.
const COUNT: &str = "\u{1}count";

/// How often the keys of a set occur, and the keys that occur more than once when `wanted`. What is held in memory is
/// the engine's grouping, then one row for each repeated key.
pub(crate) fn group(
    draft: &Draft<'_>,
    set: &KeySet,
    wanted: bool,
    stop: &Stop,
) -> Result<(Occurrences, Option<DataFrame>), QualityError> {
    let found = Arc::new(Mutex::new(Occurrences::default()));
    let collector = Arc::clone(&found);
    let keys: Vec<Expr> = set.columns.iter().map(column).collect();
    let mut rows = engine::gated(draft.data.rows.clone(), stop);
    if let Some(filter) = set.filter {
        rows = rows.filter(draft.filters[filter.0].1.clone());
    }
    let names = set.columns.clone();
    let note = move |groups: DataFrame| {
        let mut found = collector.lock().unwrap_or_else(PoisonError::into_inner);
        note(&groups, &names, wanted, &mut found)
    };
    // The function adds up beside its result, so that no column and no row may be left out before it.
    let flags: AllowedOptimizations = OptFlags::STREAMING;
    let groups = rows.select(keys.clone()).group_by(keys).agg([len().cast(DataType::UInt64).alias(COUNT)]);
    let repeated = engine::collect(groups.map(note, flags, None, Some("occurrences")), stop, draft.data.cancelled)?;
    let occurrences = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((occurrences, wanted.then_some(repeated)))
}

/// Adds the groups to what was found, and keeps those of more than one row.
fn note(groups: &DataFrame, names: &[PlSmallStr], wanted: bool, found: &mut Occurrences) -> PolarsResult<DataFrame> {
    let counts = groups.column(COUNT)?.u64()?.clone();
    let keys = names.iter().map(|name| groups.column(name)).collect::<PolarsResult<Vec<_>>>()?;
    let missing: Vec<BooleanChunked> =
        keys.iter().filter(|key| key.null_count() > 0).map(|key| key.is_null()).collect();
    if missing.is_empty() {
        counts.into_no_null_iter().for_each(|rows| found.add(rows, Nulls::None, 1));
    } else {
        for at in 0..groups.height() {
            let nulls = missing.iter().filter(|column| column.get(at) == Some(true)).count();
            let nulls = match nulls {
                0 => Nulls::None,
                all if all == keys.len() => Nulls::All,
                _ => Nulls::Some,
            };
            found.add(counts.get(at).unwrap_or_default(), nulls, 1);
        }
    }
    match wanted {
        true => groups.filter(&groups.column(COUNT)?.u64()?.iter().map(|rows| rows > Some(1)).collect()),
        false => Ok(groups.head(Some(0))),
    }
}

pub(crate) fn key_column(at: usize) -> PlSmallStr {
    PlSmallStr::from_string(format!("\u{1}key{at}"))
}
