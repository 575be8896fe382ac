//! Queries inside a condition, and joins that only ask whether there is a match: both as joins with few columns.

use sqlparser::ast::{Expr as Ast, GroupByExpr, JoinConstraint, JoinOperator, Query, Select, SelectItem, SetExpr};

use super::coerce::{cast, spark_compared};
use crate::bind::Binder;
use crate::bind::expr::{Context, case, integer, not};
use crate::bind::from::{Parted, kept_by, parted};
use crate::error::Place;
use crate::literal::Literal;
use crate::plan::{Aggregate, Call, Comparison, Expr, Keeps, Node, Plan};
use crate::types::Type;

/// What stands beside the rows of a from clause because its condition asks for it.
pub(in crate::bind) struct Beside {
    /// Columns of the rows, those beside them included.
    width: usize,
    joined: Vec<Joined>,
}

enum Joined {
    /// One row beside every row.
    Row(Plan),
    /// The row of distinct ones whose first columns are these, else nulls.
    Match(Vec<Expr>, Plan),
}

impl Beside {
    pub fn of(width: usize) -> Self {
        Self { width, joined: Vec::new() }
    }

    /// The rows with what stands beside them.
    pub fn around(self, rows: Plan) -> Plan {
        self.joined.into_iter().fold(rows, |left, joined| {
            let one = || integer(1, Place::default());
            let (right, keeps, on) = match joined {
                Joined::Row(right) => (right, Keeps::None, vec![(one(), one())]),
                Joined::Match(keys, right) => {
                    let beside = |(place, key): (usize, Expr)| {
                        let (kind, at) = (key.kind, key.at);
                        (key, Expr::column(place, kind, true, at))
                    };
                    (right, Keeps::Left, keys.into_iter().enumerate().map(beside).collect())
                }
            };
            Plan::Join { left: Box::new(left), right: Box::new(right), keeps, on }
        })
    }

    fn add(&mut self, joined: Joined) -> usize {
        let first = self.width;
        self.width += match &joined {
            Joined::Row(plan) | Joined::Match(_, plan) => plan.width(),
        };
        self.joined.push(joined);
        first
    }
}

impl Binder<'_> {
    /// `(select max(x) from t)`: a query that gives one row whatever the data.
    pub(super) fn scalar_query(&mut self, query: &Query, at: Place) -> Option<Expr> {
        let (plan, kind) = self.inside(query, at)?;
        if !gives_one_row(&plan) {
            return self.refuse(at, "a query as a value is an aggregate without groups");
        }
        let Some(beside) = &mut self.beside else {
            return self.refuse(at, "a query inside an expression stands in the `where` of another query only");
        };
        let index = beside.add(Joined::Row(plan));
        Some(Expr::column(index, kind, true, at))
    }

    /// `x in (select y from t)`: null where the answer hangs on a null.
    pub(super) fn in_query(
        &mut self,
        x: &Ast,
        query: &Query,
        negated: bool,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        let x = self.expr(x, cx)?;
        let (plan, kind) = self.inside(query, at)?;
        let numbers = x.kind.is_number() && kind.is_number();
        let met = if numbers || x.kind == kind { spark_compared(x.kind, kind) } else { None };
        let Some(met) = met.filter(|_| x.node != Node::Untyped) else {
            return self.refuse(at, format!("{} in a query that gives {kind}", x.kind));
        };
        let x = cast(x, met);
        let y = || Expr::column(0, met, true, at);
        let values = Plan::Project { input: Box::new(plan), exprs: vec![cast(Expr::column(0, kind, true, at), met)] };
        let count = |argument| Call { function: Aggregate::Count, argument, kind: Type::Int64, nullable: false };
        let counts = Plan::Aggregate {
            input: Box::new(values.clone()),
            keys: Vec::new(),
            calls: vec![count(None), count(Some(y()))],
        };
        let Some(beside) = &mut self.beside else {
            return self.refuse(at, "a query inside an expression stands in the `where` of another query only");
        };
        let (all, found) =
            (beside.add(Joined::Row(counts)), beside.add(Joined::Match(vec![x.clone()], marked(values, vec![y()]))));
        let number = |index| Expr::column(index, Type::Int64, false, at);
        let test = |op, a: Expr, b: Expr| {
            let node = Node::Compare(op, Box::new(a), Box::new(b));
            Expr { node, kind: Type::Boolean, nullable: true, at }
        };
        let is_null = |x: Expr| Expr { node: Node::IsNull(Box::new(x)), kind: Type::Boolean, nullable: false, at };
        let said = |value| Expr::literal(Literal::Boolean(value), Type::Boolean, at);
        let unknown = || Expr::literal(Literal::Null, Type::Boolean, at);
        let zero = Expr::literal(Literal::Integer(0), Type::Int64, at);
        let conditions = vec![
            not(is_null(Expr::column(found + 1, Type::Boolean, true, at)), at),
            test(Comparison::Equal, number(all), zero),
            is_null(x),
            test(Comparison::Less, number(all + 1), number(all)),
        ];
        let among = case(conditions, vec![said(true), said(false), unknown(), unknown(), said(false)], at);
        Some(if negated { not(among, at) } else { among })
    }

    /// `exists (select 1 from t where t.x = y)`: equalities with the rows around, and conditions on its own tables.
    pub(super) fn exists(&mut self, query: &Query, negated: bool, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let held = self.beside.take();
        let found = self.matches_of(query, at, cx);
        self.beside = held;
        let (rows, keys, theirs) = found?;
        let Some(beside) = &mut self.beside else {
            return self.refuse(at, "a query inside an expression stands in the `where` of another query only");
        };
        let count = keys.len();
        let marker = match count {
            0 => {
                let call = Call { function: Aggregate::Count, argument: None, kind: Type::Int64, nullable: false };
                let counted = Plan::Aggregate { input: Box::new(rows), keys: Vec::new(), calls: vec![call] };
                let number = Expr::column(beside.add(Joined::Row(counted)), Type::Int64, false, at);
                let none = Expr::literal(Literal::Integer(0), Type::Int64, at);
                let node = Node::Compare(Comparison::Equal, Box::new(number), Box::new(none));
                Expr { node, kind: Type::Boolean, nullable: false, at }
            }
            _ => {
                let first = beside.add(Joined::Match(keys, marked(rows, theirs)));
                let marker = Expr::column(first + count, Type::Boolean, true, at);
                Expr { node: Node::IsNull(Box::new(marker)), kind: Type::Boolean, nullable: false, at }
            }
        };
        Some(if negated { marker } else { not(marker, at) })
    }

    /// The rows of a query behind `exists`, and what must be equal: of the rows around, and of its own.
    fn matches_of(&mut self, query: &Query, at: Place, cx: &Context<'_>) -> Option<(Plan, Vec<Expr>, Vec<Expr>)> {
        let plain = query.with.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
        let select = match query.body.as_ref() {
            SetExpr::Select(select) if plain && is_plain(select) => select,
            _ => return self.refuse(at, "a query behind `exists` is a plain select of rows"),
        };
        let own = self.from(&select.from);
        let around = cx.scope.columns.len();
        let mut both = cx.scope.clone();
        both.around = around;
        both.open |= own.scope.open;
        both.columns.extend(own.scope.columns);
        let inner = Context::plain(&both, "behind `exists`");
        for item in &select.projection {
            if let SelectItem::UnnamedExpr(ast) | SelectItem::ExprWithAlias { expr: ast, .. } = item {
                self.expr(ast, &inner)?;
            }
        }
        let condition = match &select.selection {
            Some(ast) => Some(self.boolean(ast, &inner, "the condition of `where`")?),
            None => None,
        };
        let rows = own.plan?;
        let Some(condition) = condition else { return Some((rows, Vec::new(), Vec::new())) };
        let Parted { pairs, of_right, rest } = parted(condition, around);
        if let Some(term) = rest.first() {
            let message = "`exists` takes equalities with the rows around and conditions on its own tables";
            return self.refuse(term.at, message);
        }
        let (keys, theirs) = pairs.into_iter().unzip();
        Some((kept_by(rows, of_right), keys, theirs))
    }

    /// The plan of a query inside an expression, and the type of its only column.
    fn inside(&mut self, query: &Query, at: Place) -> Option<(Plan, Type)> {
        let held = self.beside.take();
        let bound = self.inner(query);
        self.beside = held;
        let (plan, fields) = bound?;
        match fields.as_slice() {
            [field] => Some((plan, field.kind)),
            _ => self.refuse(at, "a query inside an expression gives one column"),
        }
    }

    /// The condition of `left semi join` and `left anti join`, and whether it is the latter.
    pub(in crate::bind) fn matching_join<'q>(&self, operator: &'q JoinOperator) -> Option<(bool, &'q Ast)> {
        let (anti, constraint) = match operator {
            JoinOperator::Semi(c) | JoinOperator::LeftSemi(c) => (false, c),
            JoinOperator::Anti(c) | JoinOperator::LeftAnti(c) => (true, c),
            _ => return None,
        };
        match constraint {
            JoinConstraint::On(on) if self.is_spark() => Some((anti, on)),
            _ => None,
        }
    }

    /// Rows of the left side that have a match, or that have none. `pairs` are keys of both sides.
    pub(in crate::bind) fn matched(
        &self,
        left: Plan,
        right: Plan,
        pairs: Vec<(Expr, Expr)>,
        anti: bool,
        kept: Vec<Expr>,
    ) -> Plan {
        let (own, theirs): (Vec<Expr>, Vec<Expr>) = pairs.into_iter().unzip();
        let count = theirs.len();
        let at = Place::default();
        let on = own.into_iter().enumerate().map(|(place, key)| {
            let kind = key.kind;
            (key, Expr::column(place, kind, true, at))
        });
        let on = on.collect();
        let width = left.width();
        let joined =
            Plan::Join { left: Box::new(left), right: Box::new(marked(right, theirs)), keeps: Keeps::Left, on };
        let marker = Expr::column(width + count, Type::Boolean, true, at);
        let missing = Expr { node: Node::IsNull(Box::new(marker)), kind: Type::Boolean, nullable: false, at };
        let condition = if anti { missing } else { not(missing, at) };
        Plan::Project { input: Box::new(Plan::Filter { input: Box::new(joined), condition }), exprs: kept }
    }
}

/// Whether a select gives a row for every row of its tables that its condition keeps.
fn is_plain(select: &Select) -> bool {
    let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(keys, modifiers) if keys.is_empty() && modifiers.is_empty());
    let bare = select.top.is_none() && select.lateral_views.is_empty() && select.qualify.is_none();
    ungrouped && bare && select.having.is_none() && !select.projection.iter().any(calls_something)
}

/// Whether an item may be an aggregate: then there is a row whatever the data.
fn calls_something(item: &SelectItem) -> bool {
    let (SelectItem::UnnamedExpr(ast) | SelectItem::ExprWithAlias { expr: ast, .. }) = item else { return false };
    !matches!(ast, Ast::Identifier(_) | Ast::CompoundIdentifier(_) | Ast::Value(_))
}

/// The distinct keys of a relation, with a column that is true behind them.
fn marked(relation: Plan, keys: Vec<Expr>) -> Plan {
    let kinds: Vec<Type> = keys.iter().map(|key| key.kind).collect();
    let at = Place::default();
    let mut exprs: Vec<Expr> =
        kinds.iter().enumerate().map(|(place, kind)| Expr::column(place, *kind, true, at)).collect();
    exprs.push(Expr::literal(Literal::Boolean(true), Type::Boolean, at));
    let keys = Plan::Project { input: Box::new(relation), exprs: keys };
    Plan::Project { input: Box::new(Plan::Distinct { input: Box::new(keys), kinds }), exprs }
}

/// Whether the relation is a single row whatever the data.
pub(in crate::bind) fn gives_one_row(plan: &Plan) -> bool {
    match plan {
        Plan::One => true,
        Plan::Aggregate { keys, .. } => keys.is_empty(),
        Plan::Project { input, .. } | Plan::Sort { input, .. } => gives_one_row(input),
        _ => false,
    }
}
