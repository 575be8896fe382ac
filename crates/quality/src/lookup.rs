//! Whether rows are among those of another frame: a boolean column of the pass.

use crate::column::column;
use crate::draft::{Draft, Lookup, lookup_column};
use crate::engine::{self, Stop};
use crate::error::QualityError;
use crate::grouping::key_column;
use crate::known::Known;
use polars::prelude::{
    Column, DataFrame, Expr, IntoLazy, JoinArgs, JoinCoalesce, JoinType, LazyFrame, MaintainOrderJoin, PlSmallStr,
    PolarsResult, UniqueKeepStrategy, lit,
};

/// The rows with the column of a lookup. `repeated` holds the keys that occur more than once, by key set.
pub(crate) fn with_lookup(
    rows: LazyFrame,
    draft: &Draft<'_>,
    id: usize,
    repeated: &[Option<DataFrame>],
    stop: &Stop,
) -> Result<LazyFrame, QualityError> {
    let marker = lookup_column(id);
    let unreadable = |source| QualityError::Unreadable { source };
    match &draft.lookups[id] {
        Lookup::Repeated(keys) => {
            let names = &draft.keys[keys.0].columns;
            let Some(found) = repeated[keys.0].as_ref().filter(|found| found.height() > 0) else {
                return Ok(rows.with_columns([lit(false).alias(marker)]));
            };
            let renamed = |(at, name): (usize, &PlSmallStr)| {
                found.column(name).map(|column| column.clone().with_name(key_column(at)))
            };
            let columns = names.iter().enumerate().map(renamed).collect::<PolarsResult<Vec<Column>>>();
            let keys = columns.and_then(DataFrame::new_infer_height).map_err(unreadable)?;
            marked(rows, names.iter().map(column).collect(), keys, draft, true, marker).map_err(unreadable)
        }
        Lookup::Among { keys, others, frame, nulls } => {
            let named = others.iter().enumerate().map(|(at, key)| key.clone().alias(key_column(at)));
            let others = frame.clone().select(named.collect::<Vec<_>>()).unique(None, UniqueKeepStrategy::Any);
            let others = engine::collect(engine::gated(others, stop), stop, draft.data.cancelled)?;
            marked(rows, keys.clone(), others, draft, *nulls, marker).map_err(unreadable)
        }
    }
}

/// The rows with a boolean column that says whether their key is one of `others`, which are distinct.
fn marked(
    rows: LazyFrame,
    keys: Vec<Expr>,
    others: DataFrame,
    draft: &Draft<'_>,
    nulls: bool,
    marker: PlSmallStr,
) -> PolarsResult<LazyFrame> {
    if let ([key], [other]) = (keys.as_slice(), others.columns()) {
        let dtype = draft.data.rows.clone().select([key.clone().alias("key")]).collect_schema()?;
        let fits = |known: &Known| dtype.get("key").is_some_and(|dtype| known.compares_with(dtype));
        if let Some(known) = Known::of(other, nulls)?.filter(fits) {
            return Ok(rows.with_columns([known.holds(key.clone(), &marker).alias(marker)]));
        }
    }
    let right = (0..keys.len()).map(|at| column(&key_column(at))).collect();
    Ok(join(rows, keys, others.lazy(), right, nulls, marker))
}

/// A left join with distinct rows that leaves the rows and their order as they are, and adds the marker.
fn join(
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
