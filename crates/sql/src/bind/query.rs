//! Queries: `with`, `union all`, and what may stand at the end of a question.

use sqlparser::ast::{Query, SetExpr, SetOperator, SetQuantifier, Spanned, With};

use super::cast::coerce;
use super::scope::name_of;
use super::{Binder, Relation, spark};
use crate::catalog::Use;
use crate::error::Place;
use crate::plan::{Expr, Plan};
use crate::types::{Field, Type, common};

impl Binder<'_> {
    /// The whole statement.
    pub(super) fn outermost(&mut self, query: &Query) -> Option<Relation> {
        let depth = self.named.len();
        let common = self.with(query.with.as_ref());
        let body = self.ordered(query);
        self.named.truncate(depth);
        common.and(body)
    }

    /// The result of a statement, whose columns must be told apart.
    pub(super) fn named_once(&mut self, plan: Plan, fields: Vec<Field>) -> Option<Relation> {
        let twice = fields.iter().enumerate().find(|(i, f)| fields[..*i].iter().any(|other| other.name == f.name));
        if let Some((_, field)) = twice {
            let error = Place::default().error(format!("there are two columns named `{}`", field.name));
            return self.note(error.help("give one of them another name with `as`"));
        }
        Some((plan, fields))
    }

    /// A query inside another one: a set of rows without an order.
    pub(super) fn inner(&mut self, query: &Query) -> Option<Relation> {
        let depth = self.named.len();
        let common = self.with(query.with.as_ref());
        let ordered = query.order_by.is_some() || query.limit_clause.is_some() || query.fetch.is_some();
        let plain = self.unless(!ordered, query.span(), "`order by` or `limit` of an inner query");
        let rest = self.endings(query);
        let body = self.set(&query.body);
        self.named.truncate(depth);
        common.and(plain).and(rest).and(body)
    }

    fn ordered(&mut self, query: &Query) -> Option<Relation> {
        let rest = self.endings(query);
        if self.purpose == Use::Model {
            let mut plain = Some(());
            if let Some(order) = &query.order_by {
                plain = self.refuse(order.span(), "a model is a set of rows: `order by` has no meaning in it");
            }
            if let Some(limit) = &query.limit_clause {
                plain = self.refuse(limit.span(), "`limit` and `offset` pick arbitrary rows of a model");
            }
            return rest.and(plain).and(self.set(&query.body));
        }
        let body = match (query.body.as_ref(), &query.order_by) {
            (_, None) => self.set(&query.body),
            (SetExpr::Select(select), Some(order)) => self.select_ordered(select, order),
            (set, Some(order)) => self.set_ordered(set, order),
        };
        let limited = match &query.limit_clause {
            None => body,
            Some(limit) => self.limit(limit).and_then(|(offset, limit)| {
                body.map(|(plan, fields)| (Plan::Limit { input: Box::new(plan), offset, limit }, fields))
            }),
        };
        rest.and(limited)
    }

    fn endings(&mut self, query: &Query) -> Option<()> {
        let at = query.span();
        let fetch = match &query.fetch {
            Some(fetch) => self.refuse(fetch.span(), "`fetch` is not in the subset; write `limit`"),
            None => Some(()),
        };
        let locks = self.unless(query.locks.is_empty() && query.for_clause.is_none(), at, "a `for` clause");
        let other = query.settings.is_none() && query.format_clause.is_none() && query.pipe_operators.is_empty();
        let other = self.unless(other, at, "this ending of the query");
        fetch.and(locks).and(other)
    }

    fn with(&mut self, with: Option<&With>) -> Option<()> {
        let Some(with) = with else { return Some(()) };
        let mut whole = self.unless(!with.recursive, with.with_token.0.span, "`with recursive`");
        for cte in &with.cte_tables {
            let at = Place::from(cte.alias.name.span);
            let plain = self.unless(cte.alias.columns.is_empty(), at, "a column list after the name of a query");
            let hint = self.unless(cte.materialized.is_none() && cte.from.is_none(), at, "a hint in `with`");
            let name = name_of(&cte.alias.name);
            let once = if self.named.iter().any(|(n, _)| *n == name) {
                self.refuse(at, format!("there are two queries named `{name}`"))
            } else {
                Some(())
            };
            let query = self.inner(&cte.query);
            whole = whole.and(plain).and(hint).and(once).and(query.as_ref().map(|_| ()));
            self.named.push((name, query));
        }
        whole
    }

    pub(super) fn set(&mut self, set: &SetExpr) -> Option<Relation> {
        match set {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.inner(query),
            SetExpr::SetOperation { .. } => self.union(set),
            SetExpr::Values(_) => self.refuse(set.span(), "`values` is not in the subset"),
            _ => self.refuse(set.span(), "only select is allowed here"),
        }
    }

    fn union(&mut self, set: &SetExpr) -> Option<Relation> {
        let distinct = self.is_spark() && is_distinct(set);
        let mut branches = Vec::new();
        let mut whole = match set {
            SetExpr::SetOperation { left, right, .. } if distinct => {
                let left = self.branches(left, &mut branches);
                left.and(self.branches(right, &mut branches))
            }
            _ => self.branches(set, &mut branches),
        };
        let mut bound = Vec::new();
        for branch in branches {
            match self.set(branch) {
                Some(output) => bound.push((output, Place::from(branch.span()))),
                None => whole = None,
            }
        }
        whole?;
        let kinds = self.meet_branches(&bound)?;
        let mut inputs = Vec::new();
        let mut fields = bound.first()?.0.1.clone();
        for ((plan, own), at) in bound {
            let exprs = own.iter().zip(&kinds).enumerate().map(|(i, (field, kind))| {
                let column = Expr::column(i, field.kind, field.nullable, at);
                if self.is_spark() { spark::cast(column, *kind) } else { coerce(column, *kind) }
            });
            let exprs: Vec<Expr> = exprs.collect();
            for (field, expr) in fields.iter_mut().zip(&exprs) {
                field.kind = expr.kind;
                field.nullable |= expr.nullable;
            }
            inputs.push(Plan::Project { input: Box::new(plan), exprs });
        }
        let all = Plan::Union { inputs };
        Some(match distinct {
            true => (Plan::Distinct { input: Box::new(all), kinds }, fields),
            false => (all, fields),
        })
    }

    /// The operands of a chain of `union all`, left to right.
    fn branches<'q>(&mut self, set: &'q SetExpr, into: &mut Vec<&'q SetExpr>) -> Option<()> {
        let SetExpr::SetOperation { left, op, set_quantifier, right } = set else {
            into.push(set);
            return Some(());
        };
        if self.is_spark() && is_distinct(set) {
            into.push(set);
            return Some(());
        }
        let kept = match (op, set_quantifier) {
            (SetOperator::Union, SetQuantifier::All) => Some(()),
            (SetOperator::Union, _) => {
                let message = "`union` without `all` removes duplicates and is not in the subset; write `union all`";
                self.refuse(right.span(), message)
            }
            (op, _) => self.refuse(right.span(), format!("`{}` is not in the subset", op.to_string().to_lowercase())),
        };
        let left = self.branches(left, into);
        let right = self.branches(right, into);
        kept.and(left).and(right)
    }

    fn meet_branches(&mut self, bound: &[(Relation, Place)]) -> Option<Vec<Type>> {
        let first = &bound.first()?.0.1;
        let mut kinds: Vec<Type> = first.iter().map(|f| f.kind).collect();
        let mut whole = Some(());
        for ((_, fields), at) in &bound[1..] {
            if fields.len() != kinds.len() {
                let message = format!("this select has {} columns and the first has {}", fields.len(), kinds.len());
                whole = self.refuse(*at, message);
                continue;
            }
            for ((field, kind), name) in fields.iter().zip(&mut kinds).zip(first.iter().map(|f| &f.name)) {
                let met =
                    if self.is_spark() { spark::spark_joint(field.kind, *kind) } else { common(field.kind, *kind) };
                match met {
                    Some(met) => *kind = met,
                    None => {
                        let message = format!("column `{name}` is {kind} in one select and {} in this one", field.kind);
                        whole = self.refuse(*at, message);
                    }
                }
            }
        }
        whole.map(|()| kinds)
    }
}

/// Whether this is a `union` that gives each row once.
fn is_distinct(set: &SetExpr) -> bool {
    let SetExpr::SetOperation { op: SetOperator::Union, set_quantifier, .. } = set else { return false };
    matches!(set_quantifier, SetQuantifier::None | SetQuantifier::Distinct)
}
