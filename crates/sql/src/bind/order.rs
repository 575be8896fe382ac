//! `order by`, `limit` and `offset` at the end of a question.

use sqlparser::ast::{Expr as Ast, LimitClause, OrderBy, OrderByExpr, OrderByKind, SetExpr, Spanned, Value};

use super::scope::same;
use super::{Binder, Relation};
use crate::error::Place;
use crate::plan::{Expr, Plan, SortKey};
use crate::types::Field;

/// What a key of the outermost `order by` sorts by.
pub(super) enum Target {
    /// A column of the result.
    Output(usize),
    /// An expression over the tables of the select.
    Expr(Box<Ast>),
}

/// A key of `order by` before its expression is bound.
pub(super) struct Key {
    pub target: Target,
    pub descending: bool,
    pub nulls_last: bool,
    pub at: Place,
}

impl Binder<'_> {
    /// The keys, with names and numbers of result columns resolved.
    pub(super) fn order_keys(&mut self, order: &OrderBy, fields: &[Field]) -> Option<Vec<Key>> {
        let OrderByKind::Expressions(exprs) = &order.kind else {
            return self.refuse(order.span(), "`order by all` is not in the subset");
        };
        self.unless(order.interpolate.is_none(), order.span(), "`interpolate`")?;
        let keys: Vec<Option<Key>> = exprs.iter().map(|e| self.order_key(e, fields)).collect();
        keys.into_iter().collect()
    }

    fn order_key(&mut self, written: &OrderByExpr, fields: &[Field]) -> Option<Key> {
        self.unless(written.with_fill.is_none(), written.expr.span(), "`with fill`")?;
        let at = Place::from(written.expr.span());
        let (descending, nulls_last) = self.direction(written);
        let target = match &written.expr {
            Ast::Identifier(ident) => match fields.iter().position(|f| same(&f.name, ident)) {
                Some(index) => Target::Output(index),
                None => Target::Expr(Box::new(written.expr.clone())),
            },
            Ast::Value(value) => match &value.value {
                Value::Number(text, _) => match text.parse::<usize>() {
                    Ok(n) if (1..=fields.len()).contains(&n) => Target::Output(n - 1),
                    _ => return self.refuse(at, format!("there is no column number {text} in the result")),
                },
                _ => return self.refuse(at, "a constant orders nothing"),
            },
            other => Target::Expr(Box::new(other.clone())),
        };
        Some(Key { target, descending, nulls_last, at })
    }

    /// Sorts the result of a `union all`: only its columns can be named.
    pub(super) fn set_ordered(&mut self, set: &SetExpr, order: &OrderBy) -> Option<Relation> {
        let (plan, fields) = self.set(set)?;
        let mut keys = Vec::new();
        for key in self.order_keys(order, &fields)? {
            match key.target {
                Target::Output(index) => keys.push(sort_key(index, &fields, &key)),
                Target::Expr(_) => {
                    return self.refuse(key.at, "after `union all`, `order by` takes names or numbers of its columns");
                }
            }
        }
        Some((Plan::Sort { input: Box::new(plan), keys }, fields))
    }

    /// Offset and limit.
    pub(super) fn limit(&mut self, clause: &LimitClause) -> Option<(u64, Option<u64>)> {
        let LimitClause::LimitOffset { limit, offset, limit_by } = clause else {
            return self.refuse(clause.span(), "write `limit n offset m`");
        };
        self.unless(limit_by.is_empty(), clause.span(), "`limit by`")?;
        let limit = match limit {
            Some(expr) => Some(self.count_of(expr)?),
            None => None,
        };
        let offset = match offset {
            Some(offset) => self.count_of(&offset.value)?,
            None => 0,
        };
        Some((offset, limit))
    }

    /// Whether a key sorts descending, and whether nulls come last. Unless the text says so, they do; to Spark null is
    /// the least value.
    pub(super) fn direction(&self, written: &OrderByExpr) -> (bool, bool) {
        let descending = written.options.asc == Some(false);
        let first = written.options.nulls_first.unwrap_or(self.is_spark() && !descending);
        (descending, !first)
    }

    fn count_of(&mut self, expr: &Ast) -> Option<u64> {
        if let Ast::Value(value) = expr
            && let Value::Number(text, _) = &value.value
            && let Ok(n) = text.parse()
        {
            return Some(n);
        }
        self.refuse(expr.span(), "`limit` and `offset` take a whole number")
    }
}

/// A key over column `index` of a result.
pub(super) fn sort_key(index: usize, fields: &[Field], key: &Key) -> SortKey {
    let field = &fields[index];
    SortKey {
        expr: Expr::column(index, field.kind, field.nullable, key.at),
        descending: key.descending,
        nulls_last: key.nulls_last,
    }
}
