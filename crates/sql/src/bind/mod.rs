//! Syntax tree to typed plan. Every mistake is collected; nothing of a query with mistakes is returned.

mod aggregate;
mod cast;
mod compare;
mod expr;
mod from;
mod function;
mod lift;
mod number;
mod order;
mod query;
mod scope;
mod select;
mod spark;
mod suggest;

use self::expr::Context;
use self::scope::{Scope, Visible};
pub(crate) use self::spark::spark_compared;
use crate::catalog::{Catalog, Use};
use crate::dialect::Dialect;
use crate::error::{Place, SqlError};
use crate::parse;
use crate::plan::{Bound, Plan};
use crate::types::Field;

/// Checks `sql` against the tables of `catalog`. Gives all mistakes, in the order of the text.
pub fn bind(sql: &str, catalog: &dyn Catalog, purpose: Use) -> Result<Bound, Vec<SqlError>> {
    bind_in(Dialect::Gold, sql, catalog, purpose)
}

pub(crate) fn bind_in(
    dialect: Dialect,
    sql: &str,
    catalog: &dyn Catalog,
    purpose: Use,
) -> Result<Bound, Vec<SqlError>> {
    let query = parse::query(sql, dialect).map_err(|e| vec![e])?;
    let mut binder =
        Binder { catalog, purpose, dialect, beside: None, given: Vec::new(), errors: Vec::new(), named: Vec::new() };
    let bound = binder.outermost(&query).and_then(|(plan, fields)| binder.named_once(plan, fields));
    binder.finish(bound.map(|(plan, fields)| Bound { plan, fields }))
}

/// Checks a condition over the columns `fields` and gives it as a Polars expression over columns of these names, which
/// must have the Polars types that `dtype_of` gives for theirs.
/// Rows for which it is false or null are not true: `LazyFrame::filter` drops both.
pub fn condition(text: &str, fields: &[Field]) -> Result<polars::prelude::Expr, Vec<SqlError>> {
    let bound = condition_in(Dialect::Gold, text, fields)?;
    crate::lower::condition(&bound, fields).map_err(|e| vec![bound.at.error(e.to_string())])
}

/// The same in Spark's dialect; the columns may be stored in the narrower types that `field_of` widens.
pub(crate) fn spark_condition(
    dialect: Dialect,
    text: &str,
    fields: &[Field],
) -> Result<polars::prelude::Expr, Vec<SqlError>> {
    let bound = condition_in(dialect, text, fields)?;
    crate::lower::condition_over(&bound, fields).map_err(|e| vec![bound.at.error(e.to_string())])
}

fn condition_in(dialect: Dialect, text: &str, fields: &[Field]) -> Result<crate::plan::Expr, Vec<SqlError>> {
    let ast = parse::expression(text, dialect).map_err(|e| vec![e])?;
    let visible =
        |f: &Field| Visible { qualifier: Vec::new(), name: f.name.clone(), kind: f.kind, nullable: f.nullable };
    let scope = Scope { columns: fields.iter().map(visible).collect(), around: 0, open: false };
    let mut binder = Binder {
        catalog: &Nothing,
        purpose: Use::Query,
        dialect,
        beside: None,
        given: Vec::new(),
        errors: Vec::new(),
        named: Vec::new(),
    };
    let bound = binder.boolean(&ast, &Context::plain(&scope, "in a condition"), "a condition");
    binder.finish(bound)
}

/// The catalog of a condition.
struct Nothing;

impl Catalog for Nothing {
    fn fields(&self, _: &crate::catalog::TableRef) -> Option<Vec<Field>> {
        None
    }

    fn tables(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The state of one call of `bind`.
struct Binder<'a> {
    catalog: &'a dyn Catalog,
    purpose: Use,
    dialect: Dialect,
    /// While a `where` of Spark's is bound: what its condition asks for beside the rows.
    beside: Option<spark::Beside>,
    /// While a select list of Spark's is bound: the names that it gives so far, which later columns may use.
    given: Vec<String>,
    errors: Vec<SqlError>,
    /// The queries of the `with` clauses that are in force, innermost last. One with mistakes is `None`.
    named: Vec<(String, Option<Relation>)>,
}

/// A query that was bound, and its columns.
type Relation = (Plan, Vec<Field>);

impl Binder<'_> {
    fn finish<T>(mut self, value: Option<T>) -> Result<T, Vec<SqlError>> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => {
                self.errors.sort_by_key(|e| (e.line, e.column));
                self.errors.dedup();
                Err(self.errors)
            }
        }
    }

    /// Notes a mistake. Gives `None`, so that a caller can return it in place of a value.
    fn refuse<T>(&mut self, place: impl Into<Place>, message: impl Into<String>) -> Option<T> {
        self.note(place.into().error(message))
    }

    fn note<T>(&mut self, error: SqlError) -> Option<T> {
        self.errors.push(error);
        None
    }

    /// Notes a construct outside the subset when it is there.
    fn unless(&mut self, absent: bool, place: impl Into<Place>, construct: &str) -> Option<()> {
        if absent { Some(()) } else { self.refuse(place, format!("{construct} is not in the subset")) }
    }
}
