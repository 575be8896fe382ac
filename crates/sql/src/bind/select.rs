//! One select: its clauses in the order in which they take effect.

use sqlparser::ast::{
    Distinct, Expr as Ast, GroupByExpr, OrderBy, Select, SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind,
    Spanned, Value, WildcardAdditionalOptions,
};

use super::expr::Context;
use super::lift::{Grouping, lift_windows};
use super::order::{Key, Target, sort_key};
use super::scope::{Scope, name_of};
use super::spark::Beside;
use super::{Binder, Relation};
use crate::catalog::Use;
use crate::error::Place;
use crate::plan::{Expr, Node, Plan, SortKey};
use crate::types::Field;

/// A column of the result before aggregates and windows are lifted out of it.
struct Item {
    name: String,
    expr: Expr,
}

impl Binder<'_> {
    /// A select without an order.
    pub(super) fn select(&mut self, select: &Select) -> Option<Relation> {
        self.select_with(select, None)
    }

    /// The outermost select of a question, sorted.
    pub(super) fn select_ordered(&mut self, select: &Select, order: &OrderBy) -> Option<Relation> {
        self.select_with(select, Some(order))
    }

    fn select_with(&mut self, select: &Select, order: Option<&OrderBy>) -> Option<Relation> {
        let plain = self.plain(select);
        let distinct = self.distinct(select);
        let from = self.from(&select.from);
        let scope = &from.scope;
        let beside = self.is_spark().then(|| Beside::of(scope.columns.len()));
        let outside = std::mem::replace(&mut self.beside, beside);
        let filter =
            self.clause(select.selection.as_ref(), &Context::plain(scope, "in where"), "the condition of `where`");
        let beside = self.beside.take();
        let keys = self.group_keys(select, scope);
        let items = self.items(&select.projection, scope);
        let having = self.clause(select.having.as_ref(), &Context::having(scope), "the condition of `having`");
        self.beside = outside;
        let (mut exprs, fields) = output(items?);
        let order = match order {
            Some(order) => self.order_keys(order, &fields).and_then(|keys| self.hidden(keys, &mut exprs, scope)),
            None => Some(Vec::new()),
        };
        let (order, keys, filter, mut having) = (order?, keys?, filter?, having?);
        plain?;
        let distinct = distinct?;
        if distinct && exprs.len() > fields.len() {
            let at = exprs[fields.len()].at;
            return self.refuse(at, "with `distinct`, `order by` takes columns of the result");
        }
        let mut plan = from.plan?;
        if let Some(beside) = beside {
            plan = beside.around(plan);
        }
        if let Some(condition) = filter {
            plan = Plan::Filter { input: Box::new(plan), condition };
        }
        if keys.is_some() || exprs.iter().chain(&having).any(has_aggregate) {
            plan = self.aggregate(plan, keys.unwrap_or_default(), &mut exprs, having.as_mut(), scope)?;
        } else if let Some(having) = &having {
            return self.refuse(having.at, "`having` without `group by` or an aggregate; write `where`");
        }
        if let Some(condition) = having {
            plan = Plan::Filter { input: Box::new(plan), condition };
        }
        let windows = lift_windows(&mut exprs, plan.width());
        if !windows.is_empty() {
            plan = Plan::Windows { input: Box::new(plan), windows };
        }
        let fields: Vec<Field> =
            fields.into_iter().zip(&exprs).map(|(f, e)| Field { nullable: e.nullable, ..f }).collect();
        Some((self.shape(plan, exprs, distinct, order, &fields), fields))
    }

    /// Refuses what other dialects put into a select.
    fn plain(&mut self, select: &Select) -> Option<()> {
        let at = Place::from(select.select_token.0.span);
        let checks = [
            (select.top.is_none(), "`top`"),
            (select.into.is_none(), "`into`"),
            (select.exclude.is_none(), "`exclude`"),
            (select.lateral_views.is_empty(), "`lateral view`"),
            (select.prewhere.is_none(), "`prewhere`"),
            (select.connect_by.is_empty(), "`connect by`"),
            (select.cluster_by.is_empty() && select.distribute_by.is_empty(), "`cluster by`"),
            (select.sort_by.is_empty(), "`sort by`"),
            (select.named_window.is_empty(), "a named window"),
            (select.qualify.is_none(), "`qualify`"),
            (select.value_table_mode.is_none(), "`select as`"),
            (select.select_modifiers.is_none() && select.optimizer_hints.is_empty(), "a hint after `select`"),
            (matches!(select.flavor, SelectFlavor::Standard), "a query that begins with `from`"),
        ];
        checks.into_iter().map(|(absent, what)| self.unless(absent, at, what)).collect::<Vec<_>>().into_iter().collect()
    }

    fn distinct(&mut self, select: &Select) -> Option<bool> {
        let at = Place::from(select.select_token.0.span);
        match &select.distinct {
            None | Some(Distinct::All) => Some(false),
            Some(Distinct::On(_)) => self.refuse(at, "`distinct on` is not in the subset"),
            Some(Distinct::Distinct) if self.purpose == Use::Model => {
                let error = at.error("`select distinct` is not allowed in a model");
                self.note(error.help("write `group by` with the columns that make a row"))
            }
            Some(Distinct::Distinct) => Some(true),
        }
    }

    /// A condition that may be absent: `Some(None)` when it is.
    fn clause(&mut self, ast: Option<&Ast>, context: &Context<'_>, what: &str) -> Option<Option<Expr>> {
        match ast {
            None => Some(None),
            // Spark takes a name in brackets right behind a table for the table's alias.
            Some(Ast::Nested(inner)) if self.is_spark() && matches!(inner.as_ref(), Ast::Identifier(_)) => {
                self.refuse(inner.span(), format!("{what} that is one name in brackets"))
            }
            Some(ast) => self.boolean(ast, context, what).map(Some),
        }
    }

    /// The keys of `group by`: `Some(None)` when there is none.
    fn group_keys(&mut self, select: &Select, scope: &Scope) -> Option<Option<Vec<Expr>>> {
        let group = &select.group_by;
        let GroupByExpr::Expressions(asts, modifiers) = group else {
            return self.refuse(group.span(), "`group by all` is not in the subset; name the columns");
        };
        if asts.is_empty() {
            return Some(None);
        }
        let at = Place::from(group.span());
        let plain = self.unless(modifiers.is_empty(), at, "this modifier of `group by`");
        let context = Context::plain(scope, "in group by");
        let keys: Vec<Option<Expr>> = asts.iter().map(|ast| self.group_key(ast, &context, select)).collect();
        plain.and(keys.into_iter().collect::<Option<Vec<_>>>()).map(Some)
    }

    fn group_key(&mut self, ast: &Ast, context: &Context<'_>, select: &Select) -> Option<Expr> {
        let ast = if self.is_spark() { named_item(ast, context.scope, &select.projection) } else { ast };
        let key = self.typed(ast, context)?;
        if key.is_constant() {
            return self.refuse(ast.span(), "a constant groups nothing; repeat the expression of the select list");
        }
        Some(key)
    }

    fn items(&mut self, projection: &[SelectItem], scope: &Scope) -> Option<Vec<Item>> {
        let given = std::mem::take(&mut self.given);
        let mut items: Vec<Option<Vec<Item>>> = Vec::new();
        for (index, item) in projection.iter().enumerate() {
            items.push(match item {
                SelectItem::UnnamedExpr(ast) => self.unnamed(ast, scope, index),
                SelectItem::ExprWithAlias { expr, alias } => {
                    let expr = self.typed(expr, &Context::select(scope));
                    if self.is_spark() {
                        self.given.push(name_of(alias));
                    }
                    expr.map(|expr| vec![Item { name: name_of(alias), expr }])
                }
                SelectItem::ExprWithAliases { expr, .. } => self.refuse(expr.span(), "give a column one name"),
                SelectItem::Wildcard(options) => self.star(None, options, scope),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    let parts = super::from::identifiers(name).unwrap_or_default();
                    let parts: Vec<String> = parts.iter().map(name_of).collect();
                    self.star(Some(parts), options, scope)
                }
                SelectItem::QualifiedWildcard(_, _) => self.refuse(item.span(), "this `*` is not in the subset"),
            });
        }
        self.given = given;
        let mut taken: Vec<String> = Vec::new();
        let mut whole = Vec::new();
        for item in items.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten() {
            if taken.contains(&item.name) && !self.is_spark() {
                let error = item.expr.at.error(format!("there are two columns named `{}`", item.name));
                return self.note(error.help("give one of them another name with `as`"));
            }
            taken.push(item.name.clone());
            whole.push(item);
        }
        if whole.is_empty() { self.refuse(Place::default(), "the select list is empty") } else { Some(whole) }
    }

    fn unnamed(&mut self, ast: &Ast, scope: &Scope, index: usize) -> Option<Vec<Item>> {
        let expr = self.typed(ast, &Context::select(scope))?;
        let name = match ast {
            Ast::Identifier(_) | Ast::CompoundIdentifier(_) => match expr.node {
                Node::Column(i) => scope.columns[i].name.clone(),
                _ => return None,
            },
            _ if self.purpose == Use::Model => {
                let error = expr.at.error("this column has no name");
                return self.note(error.help("write `as` and a name after it"));
            }
            Ast::Function(function) => function.name.to_string().to_lowercase(),
            _ => format!("column_{}", index + 1),
        };
        Some(vec![Item { name, expr }])
    }

    fn star(
        &mut self,
        of: Option<Vec<String>>,
        options: &WildcardAdditionalOptions,
        scope: &Scope,
    ) -> Option<Vec<Item>> {
        let at = Place::from(options.wildcard_token.0.span);
        if self.purpose == Use::Model {
            let message = "`*` is not allowed in a model: a new column of the table would change the model";
            return self.note(at.error(message).help("name the columns"));
        }
        let extra = options.opt_ilike.is_some()
            || options.opt_exclude.is_some()
            || options.opt_except.is_some()
            || options.opt_replace.is_some()
            || options.opt_rename.is_some()
            || options.opt_alias.is_some();
        self.unless(!extra, at, "what follows `*`")?;
        let of_table = |q: &[String]| of.as_ref().is_none_or(|of| q.ends_with(of));
        let items: Vec<Item> = scope
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| of_table(&c.qualifier))
            .map(|(i, c)| Item { name: c.name.clone(), expr: Expr::column(i, c.kind, c.nullable, at) })
            .collect();
        if items.is_empty() && !scope.open {
            return self.refuse(at, "there is no table in from for this `*`");
        }
        Some(items)
    }

    /// Binds the keys that are not columns of the result as further columns behind it.
    fn hidden(&mut self, keys: Vec<Key>, exprs: &mut Vec<Expr>, scope: &Scope) -> Option<Vec<(Key, usize)>> {
        let mut placed = Vec::new();
        for key in keys {
            let index = match &key.target {
                Target::Output(index) => *index,
                Target::Expr(ast) => {
                    exprs.push(self.typed(ast, &Context::select(scope))?);
                    exprs.len() - 1
                }
            };
            placed.push((key, index));
        }
        Some(placed)
    }

    fn aggregate(
        &mut self,
        input: Plan,
        keys: Vec<Expr>,
        exprs: &mut [Expr],
        having: Option<&mut Expr>,
        scope: &Scope,
    ) -> Option<Plan> {
        let mut grouping = Grouping::new(keys, scope);
        for expr in exprs.iter_mut().chain(having) {
            grouping.lift(expr);
        }
        let (keys, calls, errors) = grouping.finish();
        let clean = errors.is_empty();
        self.errors.extend(errors);
        clean.then(|| Plan::Aggregate { input: Box::new(input), keys, calls })
    }

    /// Project, distinct, sort, and the columns that only served sorting dropped.
    fn shape(&self, input: Plan, exprs: Vec<Expr>, distinct: bool, order: Vec<(Key, usize)>, fields: &[Field]) -> Plan {
        let visible = fields.len();
        let all: Vec<Field> =
            exprs.iter().map(|e| Field { name: String::new(), kind: e.kind, nullable: e.nullable }).collect();
        let mut plan = Plan::Project { input: Box::new(input), exprs };
        if distinct {
            plan = Plan::Distinct { input: Box::new(plan), kinds: all.iter().map(|f| f.kind).collect() };
        }
        if order.is_empty() {
            return plan;
        }
        let keys: Vec<SortKey> = order.iter().map(|(key, index)| sort_key(*index, &all, key)).collect();
        plan = Plan::Sort { input: Box::new(plan), keys };
        if all.len() == visible {
            return plan;
        }
        let column = |(i, f): (usize, &Field)| Expr::column(i, f.kind, f.nullable, Place::default());
        Plan::Project { input: Box::new(plan), exprs: all.iter().enumerate().take(visible).map(column).collect() }
    }
}

fn output(items: Vec<Item>) -> (Vec<Expr>, Vec<Field>) {
    items
        .into_iter()
        .map(|Item { name, expr }| {
            let field = Field { name, kind: expr.kind, nullable: expr.nullable };
            (expr, field)
        })
        .unzip()
}

/// The item of the select list that a key names by its number or, where no column has this name, by its alias.
fn named_item<'q>(key: &'q Ast, scope: &Scope, items: &'q [SelectItem]) -> &'q Ast {
    match key {
        Ast::Value(value) => {
            let index = if let Value::Number(text, false) = &value.value { text.parse::<usize>().ok() } else { None };
            match index.and_then(|n| items.get(n.checked_sub(1)?)) {
                Some(SelectItem::UnnamedExpr(ast) | SelectItem::ExprWithAlias { expr: ast, .. }) => ast,
                _ => key,
            }
        }
        Ast::Identifier(name) if !scope.columns.iter().any(|c| c.name.eq_ignore_ascii_case(&name.value)) => {
            let named = items.iter().find_map(|item| match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    alias.value.eq_ignore_ascii_case(&name.value).then_some(expr)
                }
                _ => None,
            });
            named.unwrap_or(key)
        }
        _ => key,
    }
}

fn has_aggregate(expr: &Expr) -> bool {
    expr.any(&|e| matches!(e.node, Node::Aggregate(_)))
}
