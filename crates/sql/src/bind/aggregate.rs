//! Aggregate calls: what they take, the condition behind them, and those that are made of others.

use sqlparser::ast::{Expr as Ast, Spanned};

use super::Binder;
use super::cast::coerce;
use super::expr::{Context, case};
use super::function::Arguments;
use super::spark::spark_aggregate;
use crate::error::Place;
use crate::literal::Literal;
use crate::plan::{Aggregate, Arithmetic, Call, Expr, Node};
use crate::types::{MAX_PRECISION, Type, decimal};

/// Whether `name`, in lower case, is an aggregate of the subset.
pub(super) fn is_aggregate(name: &str) -> bool {
    name == MAX_BY || simple(name).is_some()
}

const MAX_BY: &str = "max_by";

impl Binder<'_> {
    /// A call of one of the names for which [`is_aggregate`] holds.
    pub(super) fn aggregate_call(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        if let Some(place) = cx.aggregates {
            return self.refuse(at, format!("the aggregate `{name}` cannot stand {place}"));
        }
        if arguments.distinct && name != "count" {
            return self.refuse(at, format!("`distinct` inside `{name}` is not in the subset; it is in `count`"));
        }
        let inner = Context {
            aggregates: Some("inside another aggregate"),
            windows: Some("inside an aggregate"),
            scope: cx.scope,
        };
        let filter = match arguments.filter {
            Some(ast) => self.boolean(ast, &inner, "the condition of `filter`").map(Some),
            None => Some(None),
        };
        if self.is_spark() && name == MAX_BY {
            return self.refuse(at, "which of several greatest rows `max_by` takes is not defined");
        }
        let Some(function) = simple(name) else { return self.max_by(arguments, filter, at, &inner) };
        let argument = match (arguments.star, arguments.list.as_slice(), function) {
            (true, [], Aggregate::Count) if !arguments.distinct => None,
            (false, [x], _) => Some(self.typed(x, &inner)?),
            _ => return self.refuse(at, format!("`{name}` takes one argument")),
        };
        let argument = match (argument, filter?) {
            (argument, None) => argument,
            (Some(argument), Some(condition)) => Some(filtered(argument, condition, at)),
            (None, Some(condition)) => {
                Some(filtered(Expr::literal(Literal::Integer(1), Type::Int32, at), condition, at))
            }
        };
        if self.is_spark()
            && let Some(argument) = argument.as_ref()
            && let Some(value) = spark_aggregate(function, argument, at)
        {
            return Some(value);
        }
        self.call(function, name, argument, arguments.distinct, at)
    }

    /// The value of the row with the greatest keys: behind the greatest text of keys and value.
    fn max_by(
        &mut self,
        arguments: &Arguments<'_>,
        filter: Option<Option<Expr>>,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        let (false, [value, keys @ ..]) = (arguments.star, arguments.list.as_slice()) else {
            return self.order_missing(at);
        };
        if keys.is_empty() {
            return self.order_missing(at);
        }
        let value = self.typed(value, cx).and_then(|expr| self.packable(expr, value));
        let keys: Vec<Option<Expr>> =
            keys.iter().map(|ast| self.varying(ast, cx).and_then(|expr| self.packable(expr, ast))).collect();
        let keys = keys.into_iter().collect::<Option<Vec<_>>>();
        let (value, keys, filter) = (value?, keys?, filter?);
        let (kind, before) = (value.kind, keys.iter().map(|key| key.kind).collect());
        let missing = keys.iter().any(|key| key.nullable);
        let nullable = value.nullable || missing || filter.is_some();
        let list = keys.into_iter().chain([value]).collect();
        let packed = Expr { node: Node::Packed(list), kind: Type::String, nullable: missing, at };
        let packed = match filter {
            Some(condition) => filtered(packed, condition, at),
            None => packed,
        };
        let missing = packed.nullable;
        let greatest = call(Aggregate::Max, Some(packed), Type::String, missing, at);
        Some(Expr { node: Node::Unpacked(before, Box::new(greatest)), kind, nullable, at })
    }

    fn order_missing(&mut self, at: Place) -> Option<Expr> {
        let error = at.error("`max_by` takes a value, and one key or more that order the rows");
        self.note(error.help("write `max_by(value, key)`"))
    }

    fn packable(&mut self, expr: Expr, ast: &Ast) -> Option<Expr> {
        if expr.kind == Type::Double {
            let error = Place::from(ast.span()).error("`max_by` of a double is not in the subset");
            return self.note(error.help("cast it to a decimal"));
        }
        Some(expr)
    }

    fn call(
        &mut self,
        function: Aggregate,
        name: &str,
        argument: Option<Expr>,
        distinct: bool,
        at: Place,
    ) -> Option<Expr> {
        let Some(argument) = argument else { return Some(call(Aggregate::Count, None, Type::Int64, false, at)) };
        let (kind, nullable) = (argument.kind, argument.nullable);
        match (function, kind) {
            (Aggregate::Count, _) => {
                let function = if distinct { Aggregate::CountDistinct } else { Aggregate::Count };
                Some(call(function, Some(argument), Type::Int64, false, at))
            }
            (Aggregate::Min | Aggregate::Max, Type::Boolean) => {
                self.refuse(at, format!("`{name}` of a boolean is not in the subset"))
            }
            (Aggregate::Min | Aggregate::Max, _) => Some(call(function, Some(argument), kind, nullable, at)),
            (_, kind) if !kind.is_number() => self.refuse(at, format!("`{name}` takes a number, and this is {kind}")),
            (_, Type::Double) => Some(call(function, Some(argument), kind, nullable, at)),
            (Aggregate::Sum, kind) => {
                let sum = match kind {
                    Type::Decimal { scale, .. } => decimal(MAX_PRECISION, scale),
                    _ => Type::Int64,
                };
                Some(call(function, Some(argument), sum, nullable, at))
            }
            (_, kind) => average(argument, kind, at),
        }
    }
}

pub(super) fn call(function: Aggregate, argument: Option<Expr>, kind: Type, nullable: bool, at: Place) -> Expr {
    let call = Call { function, argument, kind, nullable };
    Expr { node: Node::Aggregate(Box::new(call)), kind, nullable, at }
}

/// Null where the condition is not true: aggregates leave nulls out. What can fail is not computed there either.
pub(super) fn filtered(argument: Expr, condition: Expr, at: Place) -> Expr {
    let null = Expr::literal(Literal::Null, argument.kind, at);
    case(vec![condition], vec![argument, null], at)
}

/// The average of exact numbers: an exact sum over a count, rounded once.
fn average(argument: Expr, kind: Type, at: Place) -> Option<Expr> {
    let (precision, scale) = kind.digits()?;
    let nullable = argument.nullable;
    let argument = coerce(argument, decimal(precision, scale));
    let sum = call(Aggregate::Sum, Some(argument.clone()), decimal(MAX_PRECISION, scale), nullable, at);
    let count = call(Aggregate::Count, Some(argument), Type::Int64, false, at);
    let kind = decimal(MAX_PRECISION, (scale + 4).clamp(6, MAX_PRECISION));
    let node = Node::Arithmetic(Arithmetic::Divide, Box::new(sum), Box::new(count));
    Some(Expr { node, kind, nullable, at })
}

/// The aggregates of one argument.
fn simple(name: &str) -> Option<Aggregate> {
    Some(match name {
        "count" => Aggregate::Count,
        "sum" => Aggregate::Sum,
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        "avg" => Aggregate::Mean,
        _ => return None,
    })
}
