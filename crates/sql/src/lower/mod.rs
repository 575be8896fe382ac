//! The plan as a lazy Polars query. Column `n` of every node is named `cn`.

mod aggregate;
mod arithmetic;
mod cast;
mod column;
mod decimal;
mod expr;
mod key;
mod packed;
mod share;
mod spark;
mod text;
mod window;

use polars::prelude::*;

use self::column::column;
use self::expr::{Lowering, can_fail};
pub use self::share::Share;
pub(crate) use self::spark::{is_pattern, spark_cast};
use self::window::Ordering;
use crate::catalog::TableRef;
use crate::error::{LowerError, Place};
use crate::plan::{Bound, Call, Expr as Typed, Keeps, Plan, SortKey, Window};
use crate::types::{Field as Named, Type, dtype_of, field_of, narrow_field_of};

type Frames<'a> = &'a dyn Fn(&TableRef) -> PolarsResult<LazyFrame>;

impl Bound {
    /// The query over the frames of its tables. Its columns have the names and exactly the types of `fields`, and its
    /// rows no order but that of an outermost `order by`. What fails on the data (division by zero, a value out of
    /// range) fails when the frame is collected, with the place in the text and without the value.
    pub fn lower(&self, frames: &dyn Fn(&TableRef) -> PolarsResult<LazyFrame>) -> Result<LazyFrame, LowerError> {
        let frame = plan(&self.plan, frames)?;
        let named = self.fields.iter().enumerate().map(|(i, f)| column(name(i)).alias(f.name.as_str()));
        Ok(frame.select(named.collect::<Vec<_>>()))
    }
}

/// A condition over columns that have their own names.
pub(crate) fn condition(typed: &Typed, fields: &[Named]) -> PolarsResult<Expr> {
    let named = |i: usize| column(fields.get(i).map_or("", |f| f.name.as_str()));
    Lowering { column: &named }.expr(typed)
}

/// The same over columns that are stored in narrower types than the condition takes.
pub(crate) fn condition_over(typed: &Typed, fields: &[Named]) -> PolarsResult<Expr> {
    let named = |i: usize| match fields.get(i) {
        Some(field) => column(field.name.as_str()).cast(dtype_of(field.kind)),
        None => column(""),
    };
    Lowering { column: &named }.expr(typed)
}

fn name(index: usize) -> PlSmallStr {
    format!("c{index}").into()
}

fn names(width: usize) -> Vec<Expr> {
    (0..width).map(|i| column(name(i))).collect()
}

fn lower(typed: &Typed) -> PolarsResult<Expr> {
    Lowering { column: &|i| column(name(i)) }.expr(typed)
}

fn plan(node: &Plan, frames: Frames<'_>) -> Result<LazyFrame, LowerError> {
    match node {
        Plan::One => Ok(DataFrame::new(1, vec![Column::new("row".into(), [0i32])])?.lazy()),
        Plan::Scan { table, fields } => scan(table, fields, frames),
        Plan::Filter { input, condition } => Ok(filter(plan(input, frames)?, condition, input.width())?),
        Plan::Project { input, exprs } => Ok(project(plan(input, frames)?, exprs)?),
        Plan::Aggregate { input, keys, calls } => Ok(aggregated(plan(input, frames)?, keys, calls)?),
        Plan::Windows { input, windows } => Ok(ranked(plan(input, frames)?, windows, input.width())?),
        Plan::Join { left, right, keeps, on } => {
            let widths = (left.width(), right.width());
            Ok(joined(plan(left, frames)?, plan(right, frames)?, *keeps, on, widths)?)
        }
        Plan::Union { inputs } => {
            let inputs = inputs.iter().map(|i| plan(i, frames)).collect::<Result<Vec<_>, _>>()?;
            Ok(concat(inputs, UnionArgs { rechunk: false, ..UnionArgs::default() })?)
        }
        Plan::Distinct { input, kinds } => {
            let column = |(i, kind): (usize, &Type)| Typed::column(i, *kind, true, Place::default());
            let keys: Vec<Typed> = kinds.iter().enumerate().map(column).collect();
            Ok(aggregated(plan(input, frames)?, &keys, &[])?)
        }
        Plan::Sort { input, keys } => Ok(sorted(plan(input, frames)?, keys)?),
        Plan::Limit { input, offset, limit } => {
            let offset = i64::try_from(*offset).unwrap_or(i64::MAX);
            let limit = limit.and_then(|l| IdxSize::try_from(l).ok()).unwrap_or(IdxSize::MAX);
            Ok(plan(input, frames)?.slice(offset, limit))
        }
    }
}

fn scan(table: &TableRef, fields: &[Named], frames: Frames<'_>) -> Result<LazyFrame, LowerError> {
    let opened = |source| LowerError::Table { table: table.clone(), source };
    let mut frame = frames(table).map_err(opened)?;
    let schema = frame.collect_schema().map_err(opened)?;
    let mut columns = Vec::with_capacity(fields.len());
    for (index, field) in fields.iter().enumerate() {
        let missing = || LowerError::Missing { table: table.clone(), column: field.name.clone() };
        let dtype = schema.get(field.name.as_str()).ok_or_else(missing)?;
        if ![field_of(dtype), narrow_field_of(dtype)].contains(&Some(field.kind)) {
            return Err(LowerError::Changed {
                table: table.clone(),
                column: field.name.clone(),
                expected: field.kind,
                found: dtype.to_string(),
            });
        }
        let wanted = dtype_of(field.kind);
        let own = column(field.name.as_str());
        columns.push(if *dtype == wanted { own } else { own.cast(wanted) }.alias(name(index)));
    }
    Ok(frame.select(columns))
}

/// A condition that can fail becomes a column first: the engine moves plain conditions below others, to rows that
/// these were to keep away.
fn filter(frame: LazyFrame, condition: &Typed, width: usize) -> PolarsResult<LazyFrame> {
    let lowered = lower(condition)?;
    if !can_fail(condition) {
        return Ok(frame.filter(lowered));
    }
    Ok(frame.with_columns([lowered.alias("keep")]).filter(column("keep")).select(names(width)))
}

/// Columns are computed beside the old ones: a select of constants alone would give one row instead of all.
fn project(frame: LazyFrame, exprs: &[Typed]) -> PolarsResult<LazyFrame> {
    let lowered: Vec<Expr> = exprs.iter().map(lower).collect::<PolarsResult<_>>()?;
    if exprs.iter().any(|e| !e.is_constant()) {
        let columns = lowered.into_iter().enumerate().map(|(i, e)| e.alias(name(i)));
        return Ok(frame.select(columns.collect::<Vec<_>>()));
    }
    let fresh = |i: usize| PlSmallStr::from(format!("p{i}"));
    let width = lowered.len();
    let columns = lowered.into_iter().enumerate().map(|(i, e)| e.alias(fresh(i)));
    let chosen = (0..width).map(|i| column(fresh(i)).alias(name(i)));
    Ok(frame.with_columns(columns.collect::<Vec<_>>()).select(chosen.collect::<Vec<_>>()))
}

fn aggregated(frame: LazyFrame, keys: &[Typed], calls: &[Call]) -> PolarsResult<LazyFrame> {
    let mut prepare = Vec::new();
    let (mut hashed, mut whole) = (Vec::new(), Vec::new());
    for (i, typed) in keys.iter().enumerate() {
        let mut of_key: Vec<PlSmallStr> = Vec::new();
        for part in key::parts(lower(typed)?, typed.kind) {
            of_key.push(format!("k{}", hashed.len() + of_key.len()).into());
            prepare.extend(of_key.last().map(|name| part.alias(name.clone())));
        }
        whole.push(key::whole(&of_key, typed.kind).alias(name(i)));
        hashed.extend(of_key);
    }
    let (mut aggregates, mut finish) = (Vec::new(), Vec::new());
    for (i, call) in calls.iter().enumerate() {
        let argument = call.argument.as_ref().map(lower).transpose()?;
        let at = call.argument.as_ref().map_or(Place::default(), |a| a.at);
        let parts = aggregate::parts(call, argument, &format!("a{i}"), at);
        prepare.extend(parts.prepare);
        aggregates.extend(parts.aggregate);
        finish.push(parts.finish.alias(name(keys.len() + i)));
    }
    let frame = if prepare.is_empty() { frame } else { frame.with_columns(prepare) };
    let grouped = if keys.is_empty() {
        frame.select(aggregates)
    } else {
        let hashed: Vec<Expr> = hashed.into_iter().map(column).collect();
        frame.group_by(hashed).agg(aggregates)
    };
    Ok(grouped.select(whole.into_iter().chain(finish).collect::<Vec<_>>()))
}

fn ranked(frame: LazyFrame, windows: &[Window], width: usize) -> PolarsResult<LazyFrame> {
    let (mut keys, mut ranks) = (Vec::new(), Vec::new());
    for (i, window) in windows.iter().enumerate() {
        let mut columns = Vec::new();
        for (j, typed) in window.partition.iter().chain(window.order.iter().map(|k| &k.expr)).enumerate() {
            let key = PlSmallStr::from(format!("w{i}_{j}"));
            keys.push(lower(typed)?.alias(key.clone()));
            columns.push(column(key));
        }
        let ordering = Ordering {
            ranking: window.function,
            partition: window.partition.len(),
            descending: window.order.iter().map(|k| k.descending).collect(),
            nulls_last: window.order.iter().map(|k| k.nulls_last).collect(),
        };
        ranks.push(window::ranking(columns, ordering).alias(name(width + i)));
    }
    Ok(frame.with_columns(keys).with_columns(ranks).select(names(width + windows.len())))
}

fn joined(
    left: LazyFrame,
    right: LazyFrame,
    keeps: Keeps,
    on: &[(Typed, Typed)],
    (of_left, of_right): (usize, usize),
) -> PolarsResult<LazyFrame> {
    let (mut left_keys, mut right_keys) = (Vec::new(), Vec::new());
    for (l, r) in on {
        left_keys.extend(key::parts(lower(l)?, l.kind));
        right_keys.extend(key::parts(lower(r)?, r.kind));
    }
    let key = |side: &str, i: usize| PlSmallStr::from(format!("{side}{i}"));
    let keys = |side: &str| (0..left_keys.len()).map(|i| column(key(side, i))).collect::<Vec<_>>();
    let (left_names, right_names) = (keys("l"), keys("r"));
    let called = |keys: Vec<Expr>, side: &str| -> Vec<Expr> {
        keys.into_iter().enumerate().map(|(i, k)| k.alias(key(side, i))).collect()
    };
    let shifted = (0..of_right).map(|i| column(name(i)).alias(name(of_left + i)));
    let kept = right_names.clone();
    let right = right.with_columns(called(right_keys, "r")).select(shifted.chain(kept).collect::<Vec<_>>());
    let kind = match keeps {
        Keeps::None => JoinType::Inner,
        Keeps::Left => JoinType::Left,
        Keeps::Both => JoinType::Full,
    };
    let joined = left
        .with_columns(called(left_keys.clone(), "l"))
        .join_builder()
        .with(right)
        .left_on(left_names)
        .right_on(right_names)
        .how(kind)
        .coalesce(JoinCoalesce::KeepColumns)
        .finish();
    Ok(joined.select(names(of_left + of_right)))
}

fn sorted(frame: LazyFrame, keys: &[SortKey]) -> PolarsResult<LazyFrame> {
    let exprs = keys.iter().map(|k| lower(&k.expr)).collect::<PolarsResult<Vec<_>>>()?;
    let options = SortMultipleOptions::default()
        .with_order_descending_multi(keys.iter().map(|k| k.descending))
        .with_nulls_last_multi(keys.iter().map(|k| k.nulls_last));
    Ok(frame.sort_by_exprs(exprs, options))
}
