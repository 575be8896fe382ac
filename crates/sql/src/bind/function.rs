//! Function calls: scalar functions and rankings; aggregates are in a file of their own.

use sqlparser::ast::{
    DuplicateTreatment, Expr as Ast, Function, FunctionArg, FunctionArgExpr, FunctionArguments, OrderByExpr, Spanned,
    WindowSpec, WindowType,
};

use super::Binder;
use super::aggregate::is_aggregate;
use super::cast::coerce;
use super::compare::concat;
use super::expr::{Context, case};
use super::number::unary;
use super::suggest::offer;
use crate::error::Place;
use crate::plan::{Comparison, Expr, Node, Ranking, SortKey, Window};
use crate::types::Type;

const NAMES: &[&str] = &[
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "max_by",
    "rank",
    "dense_rank",
    "row_number",
    "upper",
    "lower",
    "trim",
    "substring",
    "concat",
    "round",
    "abs",
    "coalesce",
    "nullif",
    "extract",
    "cast",
];

/// What stands between the brackets of a call, and the condition behind them.
pub(super) struct Arguments<'q> {
    pub list: Vec<&'q Ast>,
    pub star: bool,
    pub distinct: bool,
    pub filter: Option<&'q Ast>,
}

impl Binder<'_> {
    pub(super) fn function(&mut self, call: &Function, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let name = call.name.to_string().to_lowercase();
        let at = Place { width: at.width.max(name.chars().count()), ..at };
        if self.is_spark()
            && let Some(bound) = self.spark_function(&name, call, at, cx)
        {
            return bound;
        }
        if self.is_spark() && (call.filter.is_some() || call.over.is_some()) && !NAMES.contains(&name.as_str()) {
            return self.refuse(at, format!("`filter` and `over` behind `{name}` are not in the subset"));
        }
        if !NAMES.contains(&name.as_str()) {
            let error = at.error(format!("the function `{name}` is not in the subset"));
            return match offer(&name, NAMES.iter().copied()) {
                Some(help) => self.note(error.help(help)),
                None => self.note(error),
            };
        }
        let arguments = self.arguments(call, &name, at)?;
        if arguments.filter.is_some() && !is_aggregate(&name) {
            return self.refuse(at, format!("`filter` stands behind aggregates, and `{name}` is none"));
        }
        if let Some(function) = ranking(&name) {
            return self.window(function, &name, call, &arguments, at, cx);
        }
        if call.over.is_some() {
            let message = format!("`{name}` over a window is not in the subset; rank, dense_rank and row_number are");
            return self.refuse(at, message);
        }
        if is_aggregate(&name) {
            return self.aggregate_call(&name, &arguments, at, cx);
        }
        if arguments.star || arguments.distinct {
            return self.refuse(at, format!("`{name}` takes expressions"));
        }
        self.scalar(&name, &arguments.list, at, cx)
    }

    fn arguments<'q>(&mut self, call: &'q Function, name: &str, at: Place) -> Option<Arguments<'q>> {
        let plain = call.null_treatment.is_none()
            && call.within_group.is_empty()
            && !call.uses_odbc_syntax
            && matches!(call.parameters, FunctionArguments::None);
        if !plain {
            return self.refuse(at, format!("`within group` and null treatment of `{name}` are not in the subset"));
        }
        let FunctionArguments::List(list) = &call.args else {
            return self.refuse(at, format!("`{name}` is called with brackets around its arguments"));
        };
        self.unless(list.clauses.is_empty(), at, &format!("this clause inside `{name}`"))?;
        let mut arguments = Arguments {
            list: Vec::new(),
            star: false,
            distinct: list.duplicate_treatment == Some(DuplicateTreatment::Distinct),
            filter: call.filter.as_deref(),
        };
        for argument in &list.args {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.list.push(expr),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => arguments.star = true,
                _ => return self.refuse(at, format!("this argument of `{name}` is not in the subset")),
            }
        }
        Some(arguments)
    }

    fn scalar(&mut self, name: &str, list: &[&Ast], at: Place, cx: &Context<'_>) -> Option<Expr> {
        match (name, list) {
            ("upper", [x]) => self.text(x, cx, name).map(|x| unary(Node::Upper, x, at)),
            ("lower", [x]) => self.text(x, cx, name).map(|x| unary(Node::Lower, x, at)),
            ("concat", [_, ..]) => {
                let parts: Vec<Option<Expr>> = list.iter().map(|x| self.text(x, cx, name)).collect();
                Some(concat(parts.into_iter().collect::<Option<Vec<_>>>()?, at))
            }
            ("abs", [x]) => {
                let x = self.typed(x, cx)?;
                match x.kind.is_number() {
                    true => Some(unary(Node::Abs, x, at)),
                    false => self.refuse(at, format!("`abs` takes a number, and this is {}", x.kind)),
                }
            }
            ("round", [x]) => {
                let x = self.typed(x, cx)?;
                self.round(x, None, at)
            }
            ("round", [x, places]) => {
                let (x, places) = (self.typed(x, cx), self.expr(places, cx));
                self.round(x?, Some(&places?), at)
            }
            ("coalesce", [_, ..]) => {
                let list: Vec<Option<Expr>> = list.iter().map(|x| self.expr(x, cx)).collect();
                let list = list.into_iter().collect::<Option<Vec<_>>>()?;
                let list = self.alike(list, "the arguments of this `coalesce`", at)?;
                let kind = list.first()?.kind;
                if list.iter().all(|e| e.node == Node::Untyped) {
                    return self.refuse(at, "the type of this null is not known");
                }
                let nullable = list.iter().all(|e| e.nullable);
                Some(Expr { node: Node::Coalesce(list), kind, nullable, at })
            }
            ("nullif", [a, b]) => {
                let (a, b) = (self.typed(a, cx), self.expr(b, cx));
                let (a, b) = (a?, b?);
                let equal = self.compare(Comparison::Equal, a.clone(), b, at)?;
                let null = Expr { node: Node::Untyped, kind: a.kind, nullable: true, at };
                let kind = a.kind;
                Some(case(vec![equal], vec![coerce(null, kind), a], at))
            }
            _ => self.refuse(at, format!("`{name}` does not take {} arguments", list.len())),
        }
    }

    fn window(
        &mut self,
        function: Ranking,
        name: &str,
        written: &Function,
        arguments: &Arguments<'_>,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        if let Some(place) = cx.windows {
            return self.refuse(at, format!("`{name}` cannot stand {place}"));
        }
        if arguments.star || arguments.distinct || !arguments.list.is_empty() {
            return self.refuse(at, format!("`{name}` takes no arguments"));
        }
        let spec = match &written.over {
            Some(WindowType::WindowSpec(spec)) => spec,
            Some(WindowType::NamedWindow(_)) => return self.refuse(at, "a named window is not in the subset"),
            None => return self.refuse(at, format!("write `{name}() over (partition by ... order by ...)`")),
        };
        let window = self.window_spec(function, name, spec, at, cx)?;
        let rank = Expr { node: Node::Window(Box::new(window)), kind: Type::Int64, nullable: false, at };
        Some(if self.is_spark() { super::spark::cast(rank, Type::Int32) } else { rank })
    }

    fn window_spec(
        &mut self,
        function: Ranking,
        name: &str,
        spec: &WindowSpec,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Window> {
        self.unless(spec.window_name.is_none(), at, "a named window")?;
        self.unless(spec.window_frame.is_none(), at, "the frame of a ranking")?;
        if spec.order_by.is_empty() {
            return self.refuse(at, format!("`{name}` needs an `order by` inside `over`"));
        }
        let inner = Context { windows: Some("inside another window"), ..*cx };
        let partition: Vec<Option<Expr>> = spec.partition_by.iter().map(|ast| self.varying(ast, &inner)).collect();
        let order: Vec<Option<SortKey>> = spec.order_by.iter().map(|key| self.window_key(key, &inner)).collect();
        let partition = partition.into_iter().collect::<Option<Vec<_>>>();
        let order = order.into_iter().collect::<Option<Vec<_>>>();
        Some(Window { function, partition: partition?, order: order? })
    }

    fn window_key(&mut self, written: &OrderByExpr, cx: &Context<'_>) -> Option<SortKey> {
        self.unless(written.with_fill.is_none(), written.expr.span(), "`with fill`")?;
        let expr = self.varying(&written.expr, cx)?;
        let (descending, nulls_last) = self.direction(written);
        Some(SortKey { expr, descending, nulls_last })
    }

    /// A key of rows: a constant would neither part nor order anything.
    pub(super) fn varying(&mut self, ast: &Ast, cx: &Context<'_>) -> Option<Expr> {
        let expr = self.typed(ast, cx)?;
        if expr.is_constant() {
            return self.refuse(ast.span(), "a constant neither parts nor orders rows; name an expression");
        }
        Some(expr)
    }
}

fn ranking(name: &str) -> Option<Ranking> {
    Some(match name {
        "rank" => Ranking::Rank,
        "dense_rank" => Ranking::DenseRank,
        "row_number" => Ranking::RowNumber,
        _ => return None,
    })
}
