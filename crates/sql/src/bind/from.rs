//! The from clause: tables, named queries and joins.

use sqlparser::ast::{
    Expr as Ast, Ident, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Spanned, TableAlias,
    TableFactor, TableWithJoins,
};

use super::Binder;
use super::expr::{Context, integer};
use super::scope::{Scope, Visible, name_of};
use super::spark::gives_one_row;
use super::suggest::nearest;
use crate::catalog::TableRef;
use crate::error::{Cause, Place, SqlError};
use crate::plan::{Comparison, Expr, Keeps, Node, Plan};
use crate::types::Field;

/// A from clause that was read; the plan is missing when a table is unknown.
pub(super) struct Tables {
    pub plan: Option<Plan>,
    pub scope: Scope,
}

impl Binder<'_> {
    pub(super) fn from(&mut self, from: &[TableWithJoins]) -> Tables {
        let Some(first) = from.first() else { return Tables { plan: Some(Plan::One), scope: Scope::default() } };
        let mut left = self.table(&first.relation);
        if let Some(second) = from.get(1) {
            let message = "a comma between tables joins every row with every row; write `join ... on`";
            left.plan = self.refuse(second.span(), message);
            left.scope.open = true;
        }
        for join in &first.joins {
            left = self.join(left, join);
        }
        left
    }

    fn table(&mut self, factor: &TableFactor) -> Tables {
        let nothing = Tables { plan: None, scope: Scope { columns: Vec::new(), around: 0, open: true } };
        match factor {
            TableFactor::Table { name, alias, args, with_hints, version, partitions, sample, .. } => {
                let bare = args.is_none() && with_hints.is_empty() && partitions.is_empty();
                let bare = bare && version.is_none() && sample.is_none();
                if self.unless(bare, name.span(), "what follows this table's name").is_none() {
                    return nothing;
                }
                self.named_table(name, alias.as_ref()).unwrap_or(nothing)
            }
            TableFactor::Derived { lateral: false, subquery, alias, .. } if self.is_spark() => {
                let Some((plan, fields)) = self.inner(subquery) else { return nothing };
                let qualifier: Vec<String> = alias.iter().map(|alias| name_of(&alias.name)).collect();
                let visible = |f: Field| Visible {
                    qualifier: qualifier.clone(),
                    name: f.name,
                    kind: f.kind,
                    nullable: f.nullable,
                };
                let scope = Scope { columns: fields.into_iter().map(visible).collect(), around: 0, open: false };
                Tables { plan: Some(plan), scope }
            }
            TableFactor::Derived { subquery, .. } => {
                let error = Place::from(subquery.span()).error("a query in from is not in the subset");
                self.note::<()>(error.help("name it with `with name as (select ...)`"));
                nothing
            }
            other => {
                self.refuse::<()>(other.span(), "only tables and named queries can stand in from");
                nothing
            }
        }
    }

    fn named_table(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Option<Tables> {
        let at = Place::from(name.span());
        let idents = identifiers(name);
        let Some(table) = idents.as_deref().and_then(table_ref) else {
            return self.refuse(at, format!("`{name}` is not a table's name"));
        };
        if let Some(alias) = alias {
            self.unless(alias.columns.is_empty(), alias.name.span, "a column list after an alias")?;
        }
        let qualifier = match alias {
            Some(alias) => vec![name_of(&alias.name)],
            None => table.parts().map(str::to_owned).collect(),
        };
        let (plan, fields) = self.relation(table, at)?;
        let visible =
            |f: Field| Visible { qualifier: qualifier.clone(), name: f.name, kind: f.kind, nullable: f.nullable };
        let scope = Scope { columns: fields.into_iter().map(visible).collect(), around: 0, open: plan.is_none() };
        Some(Tables { plan, scope })
    }

    /// A named query or a base table. The plan is missing for a named query that has mistakes itself.
    fn relation(&mut self, table: TableRef, at: Place) -> Option<(Option<Plan>, Vec<Field>)> {
        if table.layer.is_none()
            && let Some((_, query)) = self.named.iter().rev().find(|(name, _)| *name == table.name)
        {
            return Some(query.clone().map_or((None, Vec::new()), |(plan, fields)| (Some(plan), fields)));
        }
        match self.catalog.fields(&table) {
            Some(fields) => Some((Some(Plan::Scan { table, fields: fields.clone() }), fields)),
            None => {
                let error = self.unknown_table(&table, at);
                self.note(error)
            }
        }
    }

    fn unknown_table(&self, table: &TableRef, at: Place) -> SqlError {
        let written = table.to_string();
        let mut known = self.catalog.tables();
        known.extend(self.named.iter().map(|(name, _)| name.clone()));
        let whole = nearest(&written, known.iter().map(String::as_str));
        let by_name = || known.iter().map(String::as_str).find(|k| k.rsplit('.').next() == Some(&table.name));
        let error = at.error(format!("there is no table `{written}`")).because(Cause::Name);
        match whole.or_else(by_name) {
            Some(name) => error.help(format!("did you mean `{name}`")),
            None => error,
        }
    }

    fn join(&mut self, left: Tables, join: &Join) -> Tables {
        let right = self.table(&join.relation);
        if let Some((anti, on)) = self.matching_join(&join.join_operator) {
            return self.join_matching(left, right, anti, on);
        }
        if let JoinOperator::CrossJoin(JoinConstraint::None) = &join.join_operator
            && self.is_spark()
        {
            return self.join_row(left, right, join.relation.span().into());
        }
        let constraint = self.join_kind(join);
        let twice = self.one_name(&left.scope, &right.scope, join.relation.span().into());
        let split = left.scope.columns.len();
        let mut scope = left.scope;
        scope.open |= right.scope.open;
        let kept = constraint.as_ref().map_or(Kept::Matches, |(kept, _)| *kept);
        let missing = |c: Visible, by: &[Kept]| Visible { nullable: c.nullable || by.contains(&kept), ..c };
        scope.columns = scope.columns.into_iter().map(|c| missing(c, &[Kept::Right, Kept::Both])).collect();
        scope.columns.extend(right.scope.columns.into_iter().map(|c| missing(c, &[Kept::Left, Kept::Both])));
        let on = constraint.and_then(|(kept, on)| {
            self.boolean(on, &Context::plain(&scope, "in a join condition"), "a join condition").map(|c| (kept, c))
        });
        let plan = match (left.plan, right.plan, on, twice) {
            (Some(l), Some(r), Some((Kept::Right, mut on)), Some(())) => {
                // The same join seen from the other side, its columns put back in order.
                let of_right = scope.columns.len() - split;
                on.renumber(&|i| if i < split { i + of_right } else { i - split });
                let joined = self.join_plan(r, l, Kept::Left, on, of_right);
                joined.map(|joined| {
                    let column = |(i, c): (usize, &Visible)| {
                        let place = if i < split { i + of_right } else { i - split };
                        Expr::column(place, c.kind, c.nullable, Place::default())
                    };
                    let exprs = scope.columns.iter().enumerate().map(column).collect();
                    Plan::Project { input: Box::new(joined), exprs }
                })
            }
            (Some(l), Some(r), Some((kept, on)), Some(())) => self.join_plan(l, r, kept, on, split),
            _ => None,
        };
        Tables { plan, scope }
    }

    /// `cross join`, where one side is a single row whatever the data.
    fn join_row(&mut self, left: Tables, right: Tables, at: Place) -> Tables {
        let twice = self.one_name(&left.scope, &right.scope, at);
        let mut scope = left.scope;
        scope.open |= right.scope.open;
        scope.columns.extend(right.scope.columns);
        let plan = match (left.plan, right.plan, twice) {
            (Some(l), Some(r), Some(())) if gives_one_row(&l) || gives_one_row(&r) => {
                let one = || integer(1, at);
                Some(Plan::Join { left: Box::new(l), right: Box::new(r), keeps: Keeps::None, on: vec![(one(), one())] })
            }
            (Some(_), Some(_), Some(())) => {
                self.refuse(at, "`cross join` of two tables of many rows is not in the subset; write `join ... on`")
            }
            _ => None,
        };
        Tables { plan, scope }
    }

    /// A join that only asks whether there is a match; the columns of the right side are seen by its condition alone.
    fn join_matching(&mut self, left: Tables, right: Tables, anti: bool, on: &Ast) -> Tables {
        let split = left.scope.columns.len();
        let mut both = left.scope.clone();
        both.open |= right.scope.open;
        both.columns.extend(right.scope.columns);
        let on = self.boolean(on, &Context::plain(&both, "in a join condition"), "a join condition");
        let plan = match (left.plan, right.plan, on) {
            (Some(rows), Some(others), Some(on)) => {
                let at = on.at;
                let Parted { pairs, of_right, rest } = parted(on, split);
                if pairs.is_empty() || !rest.is_empty() {
                    self.refuse(at, "this join takes equalities between the two tables and conditions on the right one")
                } else {
                    let column = |(i, c): (usize, &Visible)| Expr::column(i, c.kind, c.nullable, at);
                    let kept = left.scope.columns.iter().enumerate().map(column).collect();
                    Some(self.matched(rows, kept_by(others, of_right), pairs, anti, kept))
                }
            }
            _ => None,
        };
        Tables { plan, scope: left.scope }
    }

    /// Which rows without a match stay, and the condition.
    fn join_kind<'q>(&mut self, join: &'q Join) -> Option<(Kept, &'q Ast)> {
        let at = Place::from(join.relation.span());
        self.unless(!join.global, at, "`global join`")?;
        let (kept, constraint) = match &join.join_operator {
            JoinOperator::Join(c) | JoinOperator::Inner(c) => (Kept::Matches, c),
            JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (Kept::Left, c),
            JoinOperator::Right(c) | JoinOperator::RightOuter(c) if self.is_spark() => (Kept::Right, c),
            JoinOperator::FullOuter(c) if self.is_spark() => (Kept::Both, c),
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => {
                return self.refuse(at, "`right join` is not in the subset; swap the tables and write `left join`");
            }
            JoinOperator::FullOuter(_) => return self.refuse(at, "`full join` is not in the subset"),
            JoinOperator::CrossJoin(_) => return self.refuse(at, "`cross join` is not in the subset"),
            _ => return self.refuse(at, "only `join` and `left join` are in the subset"),
        };
        match constraint {
            JoinConstraint::On(on) => Some((kept, on)),
            JoinConstraint::Using(_) => self.refuse(at, "`using` is not in the subset; write `on a.x = b.x`"),
            JoinConstraint::Natural => self.refuse(at, "`natural join` is not in the subset; write `on a.x = b.x`"),
            JoinConstraint::None => self.refuse(at, "this join has no `on`"),
        }
    }

    fn one_name(&mut self, left: &Scope, right: &Scope, at: Place) -> Option<()> {
        let Some(qualifier) = right.columns.first().map(|c| &c.qualifier) else { return Some(()) };
        if left.columns.iter().all(|c| c.qualifier != *qualifier) {
            return Some(());
        }
        let error = at.error(format!("`{}` stands twice in from", qualifier.join(".")));
        self.note(error.help("give one of them an alias"))
    }

    /// Splits the condition into pairs of keys and the rest, and says what cannot be joined by.
    fn join_plan(&mut self, left: Plan, right: Plan, kept: Kept, on: Expr, split: usize) -> Option<Plan> {
        let at = on.at;
        let Parted { pairs, of_right, rest } = parted(on, split);
        if pairs.is_empty() {
            let message = "this join has no equality between the two tables, and would join every row with every row";
            return self.refuse(at, message);
        }
        if kept == Kept::Both
            && let Some(term) = rest.iter().chain(&of_right).next()
        {
            return self.refuse(term.at, "a full join takes equalities between the two tables only");
        }
        if kept != Kept::Matches
            && let Some(term) = rest.first()
        {
            let message = "a left join takes equalities between the two tables and conditions on the right one only";
            return self.refuse(term.at, message);
        }
        let right = kept_by(right, of_right);
        let keeps = match kept {
            Kept::Matches => Keeps::None,
            Kept::Both => Keeps::Both,
            Kept::Left | Kept::Right => Keeps::Left,
        };
        let joined = Plan::Join { left: Box::new(left), right: Box::new(right), keeps, on: pairs };
        Some(match rest.into_iter().reduce(both) {
            Some(condition) => Plan::Filter { input: Box::new(joined), condition },
            None => joined,
        })
    }
}

/// A condition on two relations.
pub(super) struct Parted {
    /// What must be equal, of the left one and of the right one.
    pub pairs: Vec<(Expr, Expr)>,
    /// Conditions on the right one, over its own columns.
    pub of_right: Vec<Expr>,
    pub rest: Vec<Expr>,
}

/// Parts a condition on relations of which the left one has `split` columns.
pub(super) fn parted(on: Expr, split: usize) -> Parted {
    let mut parted = Parted { pairs: Vec::new(), of_right: Vec::new(), rest: Vec::new() };
    for mut term in terms(on) {
        match (pair(&term, split), side(&term, split)) {
            (Some(pair), _) => parted.pairs.push(pair),
            (None, Some(Of::Right)) => {
                term.renumber(&|i| i - split);
                parted.of_right.push(term);
            }
            (None, _) => parted.rest.push(term),
        }
    }
    parted
}

/// The rows for which all conditions hold.
pub(super) fn kept_by(rows: Plan, conditions: Vec<Expr>) -> Plan {
    conditions.into_iter().fold(rows, |input, condition| Plan::Filter { input: Box::new(input), condition })
}

/// The rows of a join: those with a match, and besides them the others of these sides.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Kept {
    Matches,
    Left,
    Right,
    Both,
}

/// The side of a join whose columns an expression reads.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Of {
    Left,
    Right,
}

/// The one side an expression reads; `None` when it reads both or neither.
fn side(expr: &Expr, split: usize) -> Option<Of> {
    let (mut left, mut right) = (false, false);
    expr.columns(&mut |i| if i < split { left = true } else { right = true });
    match (left, right) {
        (true, false) => Some(Of::Left),
        (false, true) => Some(Of::Right),
        _ => None,
    }
}

/// The keys of `left = right` over the inputs of the join.
fn pair(term: &Expr, split: usize) -> Option<(Expr, Expr)> {
    let Node::Compare(Comparison::Equal, a, b) = &term.node else { return None };
    let (left, right) = match (side(a, split)?, side(b, split)?) {
        (Of::Left, Of::Right) => (a, b),
        (Of::Right, Of::Left) => (b, a),
        _ => return None,
    };
    let mut right = right.as_ref().clone();
    right.renumber(&|i| i - split);
    Some((left.as_ref().clone(), right))
}

/// The operands of a chain of `and`, left to right.
fn terms(expr: Expr) -> Vec<Expr> {
    match expr.node {
        Node::And(a, b) => {
            let mut all = terms(*a);
            all.extend(terms(*b));
            all
        }
        _ => vec![expr],
    }
}

fn both(a: Expr, b: Expr) -> Expr {
    let (kind, nullable, at) = (a.kind, a.nullable || b.nullable, a.at);
    Expr { node: Node::And(Box::new(a), Box::new(b)), kind, nullable, at }
}

/// The identifiers of a dotted name.
pub(super) fn identifiers(name: &ObjectName) -> Option<Vec<Ident>> {
    let ident = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(ident) => Some(ident.clone()),
        ObjectNamePart::Function(_) => None,
    };
    name.0.iter().map(ident).collect()
}

fn table_ref(idents: &[Ident]) -> Option<TableRef> {
    let (pipeline, layer, name) = match idents {
        [name] => (None, None, name),
        [layer, name] => (None, Some(layer), name),
        [pipeline, layer, name] => (Some(pipeline), Some(layer), name),
        _ => return None,
    };
    Some(TableRef { pipeline: pipeline.map(name_of), layer: layer.map(name_of), name: name_of(name) })
}
