//! `CustomSql "query"`: what a query gives.
//!
//! With a condition, the query gives one number, and the condition is on it. Without one, it gives the rows that pass:
//! a row passes when the result holds its values in the columns that the query gives, which must all be columns of the
//! dataset; `with threshold` is on the share of passing rows, else all must pass. The dataset is the table `primary`,
//! references are tables by their aliases. The language is Spark's SQL; of what is not in the part of it that runs here,
//! only the service can say.
//!
//! Nulls: a null is equal to a null when rows are compared with the result.
//! Rows: without a condition, a row that the result does not hold fails; with one there are none.
//! Profiles: `deequ` counts a row once for each row of the result that it equals, so that a share can be above 1, and
//! takes NULL for 0 where a number is asked for. It fails where the only column has a dot in its name, as `sum(a) / 2.5`
//! without a name of its own has.
//!
//! ```dqdl
//! CustomSql "select order_id from primary where amount >= 0" with threshold > 0.99
//! ```

mod name;

use super::ask::{beyond_numbers, condition, metric, one_column, threshold};
use super::completeness::share;
use super::{Finding, Planned, Refusal};
use crate::column::column;
use crate::data::Profile;
use crate::draft::{Draft, Lookup, RowTest};
use crate::measure::number;
use crate::numbers::NumberTest;
use crate::reference::{judged, known};
use crate::sql::{Query, query};
use assay_dqdl::tree::Check;
use assay_sql::{Type, dtype_of, field_of, spark};
use polars::prelude::{DataFrame, DataType, Expr, JoinArgs, JoinType, LazyFrame, PlSmallStr, Schema, len, lit};

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let text = one_column(check)?.to_owned();
    match &check.condition {
        Some(_) => plan_number(check, &text, draft),
        None => match plan_rows(check, &text, draft) {
            // A query that cannot be run lets no row pass.
            Err(Refusal::Failed(reason)) => {
                let rows = draft.rows(RowTest::of(lit(false), None, Vec::new(), "the query cannot be run"));
                Ok(Planned::by_row(rows, move |_| Finding::failed(reason, Vec::new())))
            }
            planned => planned,
        },
    }
}

fn plan_number(check: &Check, text: &str, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let name = "Dataset.*.CustomSQL".to_owned();
    let test = condition(check, &name, draft)?;
    let Query { mut frame, columns } = query(text, draft.data, &draft.schema)?;
    if columns.len() != 1 {
        return Err(Refusal::failed("Custom SQL did not return exactly 1 column"));
    }
    if draft.profile() == Profile::Deequ && name::holds_dot(text) {
        return Err(Refusal::failed("CustomSql Failed To Run"));
    }
    let schema = crate::engine::guarded(|| frame.collect_schema());
    let dtype = schema.ok().and_then(|schema| schema.get_at_index(0).map(|(_, dtype)| dtype.clone()));
    let kind =
        dtype.as_ref().and_then(field_of).ok_or_else(|| Refusal::remote("the query's result has no known type"))?;
    // Two rows are enough to see that there is not one.
    let answer = draft.query(format!("query {text}"), frame.slice(0, 2));
    let profile = draft.profile();
    Ok(Planned::whole(move |measured| {
        let found = match measured.query(answer) {
            Ok(found) => found,
            Err(_) => {
                return Finding::unknown(
                    "the query fails here on the data: a number does not fit, or a dataset cannot be read",
                );
            }
        };
        if found.height() != 1 {
            return Finding::failed("Custom SQL did not return exactly 1 row", Vec::new());
        }
        match (value(found, kind), profile) {
            (Some(value), _) => Finding::of(test.holds(value), value, metric(name, value)),
            (None, Profile::Deequ) => Finding::of(test.holds(0.0), 0.0, metric(name, 0.0)),
            (None, Profile::Glue) => Finding::failed("The query gives NULL, which meets no constraint", Vec::new())
                .may_differ("the open evaluator takes NULL for 0, and the documentation does not speak of it"),
        }
    }))
}

/// The single value as a double; none where it has no such form.
fn value(found: &DataFrame, kind: Type) -> Option<f64> {
    // Spark makes null of a date.
    let first = found.columns().first().filter(|_| kind != Type::Date)?;
    let name = first.name().clone();
    let cast = spark::cast(column(&name).cast(dtype_of(kind)), kind, Type::Double);
    let done = polars::prelude::IntoLazy::lazy(found.clone()).select([cast]).collect().ok()?;
    number(&done.columns().first()?.get(0).ok()?)
}

fn plan_rows(check: &Check, text: &str, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let name = "Dataset.*.CustomSQL.Compliance".to_owned();
    let wanted = threshold(check, &name, draft)?;
    if draft.profile() == Profile::Deequ && check.threshold.as_ref().is_some_and(beyond_numbers) {
        return Err(Refusal::failed("the open evaluator has no past for the threshold"));
    }
    if draft.profile() == Profile::Deequ {
        found_as_written(text, &draft.schema)?;
    }
    let Query { mut frame, columns } = query(text, draft.data, &draft.schema)?;
    let lost: Vec<&str> =
        columns.iter().filter(|name| known(&draft.schema, name, Profile::Glue).is_none()).map(String::as_str).collect();
    if !lost.is_empty() {
        return Err(Refusal::failed(format!(
            "The columns returned from the SQL statement should only belong to the primary table. Columns not found: {}",
            lost.join(", ")
        )));
    }
    if draft.profile() == Profile::Deequ && columns.iter().any(|name| name.contains('.')) {
        return Err(Refusal::failed("Error evaluating Custom SQL row-level rule: a name with a dot is no column's"));
    }
    let schema = crate::engine::guarded(|| frame.collect_schema())
        .map_err(|_| Refusal::remote("the query cannot be prepared here"))?;
    let (mut keys, mut others, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for (place, name) in columns.iter().enumerate() {
        let left = known(&draft.schema, name, Profile::Glue);
        let right = schema.get_at_index(place).map(|(name, dtype)| (name.clone(), dtype.clone()));
        let Some((left, right)) = left.zip(right) else { continue };
        let (key, other) = crate::reference::comparable(&left, &right, draft.profile())?;
        if left.1 != right.1 {
            // A value that the other type does not have is no null, and equals nothing.
            let (mine, theirs) = (column(&left.0), column(&right.0));
            keys.push(mine.clone().is_null());
            others.push(theirs.is_null());
            keys.push(key.clone().is_null().and(mine.is_not_null()));
            others.push(lit(false));
        }
        own.push(left.0);
        keys.push(key);
        others.push(other);
    }
    let multiplied = (draft.profile() == Profile::Deequ)
        .then(|| draft.query(format!("rows {text}"), multiplied(&draft.data.rows, &keys, &frame, &others)));
    let (lookup, found) = draft.lookup(Lookup::Among { keys, others, frame, nulls: true });
    let mut rows = RowTest::of(found, None, own, "is not in the result of the query");
    rows.lookups.push(lookup);
    let rows = draft.rows(rows);
    Ok(Planned::by_row(rows, move |measured| {
        let counts = measured.rows(rows);
        let Some(passing) = share(measured, rows) else {
            return Finding::failed("Custom SQL rule could not be evaluated due to data frame being empty", Vec::new());
        };
        let joined = match multiplied.map(|id| measured.query(id)) {
            Some(Ok(found)) => found.columns().first().and_then(|c| number(&c.get(0).ok()?)),
            _ => None,
        };
        let value = joined.map_or(passing, |joined| joined / (counts.passed + counts.failed) as f64);
        let met = wanted.as_ref().map_or(value == 1.0, |wanted: &NumberTest| wanted.holds(value));
        judged(met, value, name)
    }))
}

/// The open evaluator looks for a result's columns by exact names, and for each of them once.
fn found_as_written(text: &str, schema: &Schema) -> Result<(), Refusal> {
    let written = name::written(text);
    let twice = (1..written.len()).find(|at| written[..*at].iter().any(|name| name.eq_ignore_ascii_case(written[*at])));
    match (written.iter().find(|name| !schema.contains(name)), twice) {
        (Some(lost), _) => Err(Refusal::failed(format!(
            "The columns returned from the SQL statement should only belong to the primary table. Columns not found: {lost}"
        ))),
        (None, Some(at)) => Err(Refusal::failed(format!(
            "Error evaluating Custom SQL row-level rule: the query gives {} twice",
            written[at]
        ))),
        (None, None) => Ok(()),
    }
}

/// How many pairs of equal rows there are.
fn multiplied(rows: &LazyFrame, keys: &[Expr], frame: &LazyFrame, others: &[Expr]) -> LazyFrame {
    let name = |at: usize| PlSmallStr::from_string(format!("k{at}"));
    let grouped = |rows: &LazyFrame, keys: &[Expr], count: &str| {
        let keys: Vec<Expr> = keys.iter().enumerate().map(|(at, key)| key.clone().alias(name(at))).collect();
        let names: Vec<Expr> = (0..keys.len()).map(|at| Expr::Column(name(at))).collect();
        rows.clone().select(keys).group_by(names).agg([len().cast(DataType::Float64).alias(count)])
    };
    let names: Vec<Expr> = (0..keys.len()).map(|at| Expr::Column(name(at))).collect();
    let mut args = JoinArgs::new(JoinType::Inner);
    args.nulls_equal = true;
    let joined = grouped(rows, keys, "own").join(grouped(frame, others, "theirs"), names.clone(), names, args);
    joined.select([(Expr::Column("own".into()) * Expr::Column("theirs".into())).sum()])
}
