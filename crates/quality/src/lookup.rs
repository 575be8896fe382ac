//! Whether rows are among those of another frame: a boolean column of the pass.

use crate::column::column;
use crate::draft::{Draft, Lookup, lookup_column};
use crate::grouping::{key_column, marked};
use polars::prelude::{
    DataFrame, Expr, JoinArgs, JoinCoalesce, JoinType, LazyFrame, MaintainOrderJoin, PlSmallStr, PolarsResult,
    UniqueKeepStrategy, lit,
};

/// The rows with the column of a lookup. `repeated` holds the keys that occur more than once, by key set.
pub(crate) fn with_lookup(
    rows: LazyFrame,
    draft: &Draft<'_>,
    id: usize,
    repeated: &[Option<DataFrame>],
) -> PolarsResult<LazyFrame> {
    let marker = lookup_column(id);
    match &draft.lookups[id] {
        Lookup::Repeated(keys) => match &repeated[keys.0] {
            Some(found) => marked(rows, &draft.keys[keys.0].columns, found, marker),
            None => Ok(rows.with_columns([lit(false).alias(marker)])),
        },
        Lookup::Among { keys, others, frame, nulls } => {
            let named = others.iter().enumerate().map(|(at, key)| key.clone().alias(key_column(at)));
            let others = frame.clone().select(named.collect::<Vec<_>>()).unique(None, UniqueKeepStrategy::Any);
            let right = (0..keys.len()).map(|at| column(&key_column(at))).collect();
            Ok(join(rows, keys.clone(), others, right, *nulls, marker))
        }
    }
}

/// A left join with distinct rows that leaves the rows and their order as they are, and adds the marker.
pub(crate) fn join(
    rows: LazyFrame,
    left: Vec<Expr>,
    others: LazyFrame,
    right: Vec<Expr>,
    nulls: bool,
    marker: PlSmallStr,
) -> LazyFrame {
    let names: Vec<PlSmallStr> =
        (0..left.len()).map(|at| PlSmallStr::from_string(format!("{marker}{}", key_column(at)))).collect();
    let keys: Vec<Expr> = left.into_iter().zip(&names).map(|(key, name)| key.alias(name.clone())).collect();
    let mut args = JoinArgs::new(JoinType::Left).with_coalesce(JoinCoalesce::CoalesceColumns);
    args.nulls_equal = nulls;
    args.maintain_order = MaintainOrderJoin::Left;
    let found = others.with_columns([lit(true).alias(marker.clone())]);
    let joined = rows.with_columns(keys).join(found, names.iter().map(column).collect::<Vec<_>>(), right, args);
    let known = column(&marker).fill_null(lit(false)).alias(marker);
    joined.with_columns([known]).drop(polars::prelude::by_name(names, true, false))
}
