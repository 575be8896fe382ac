//! What aggregates take and give.

use sqlparser::ast::Expr as Ast;

use super::call;
use super::coerce::cast;
use crate::bind::Binder;
use crate::bind::aggregate::{call as aggregate, filtered};
use crate::bind::expr::{Context, integer};
use crate::error::Place;
use crate::plan::{Aggregate, Expr, Function};
use crate::types::{MAX_PRECISION, Type};

impl Binder<'_> {
    /// Aggregates that the gold language has not.
    pub(super) fn spread(&mut self, name: &str, x: &Ast, at: Place, cx: &Context<'_>) -> Option<Expr> {
        if let Some(place) = cx.aggregates {
            return self.refuse(at, format!("the aggregate `{name}` cannot stand {place}"));
        }
        let inner = Context {
            aggregates: Some("inside another aggregate"),
            windows: Some("inside an aggregate"),
            scope: cx.scope,
        };
        if name == "count_if" {
            let test = self.boolean(x, &inner, "what `count_if` counts")?;
            return Some(aggregate(Aggregate::Count, Some(filtered(integer(1, at), test, at)), Type::Int64, false, at));
        }
        let function = match name {
            "variance" | "var_samp" => Aggregate::Variance(1),
            "var_pop" => Aggregate::Variance(0),
            "stddev_pop" => Aggregate::Deviation(0),
            _ => Aggregate::Deviation(1),
        };
        let x = cast(self.number_of(x, &inner)?, Type::Double);
        Some(aggregate(function, Some(x), Type::Double, true, at))
    }
}

/// An aggregate that means something else than in the gold language: sums that do not fit wrap or are null, averages of
/// whole numbers are doubles, texts are numbers, and NaN is the greatest number.
pub(in crate::bind) fn spark_aggregate(function: Aggregate, argument: &Expr, at: Place) -> Option<Expr> {
    let argument = argument.clone();
    match (function, argument.kind) {
        (Aggregate::Sum, kind) => match kind {
            Type::String | Type::Double | Type::Float => {
                Some(aggregate(function, Some(cast(argument, Type::Double)), Type::Double, true, at))
            }
            kind if kind.is_exact() => Some(total(argument, at)),
            _ => None,
        },
        (Aggregate::Mean, Type::Decimal { precision, scale }) => {
            let count = aggregate(Aggregate::Count, Some(argument.clone()), Type::Int64, false, at);
            let count = cast(count, Type::Decimal { precision: 20, scale: 0 });
            let kind =
                Type::Decimal { precision: (precision + 4).min(MAX_PRECISION), scale: (scale + 4).min(MAX_PRECISION) };
            Some(call(Function::Divide, vec![total(argument, at), count], kind, at))
        }
        (Aggregate::Mean, kind) if kind.is_integer() || kind.is_approximate() || kind == Type::String => {
            Some(aggregate(function, Some(cast(argument, Type::Double)), Type::Double, true, at))
        }
        (Aggregate::Min | Aggregate::Max, kind) if kind.is_approximate() => {
            let order = call(Function::Order, vec![argument], Type::Int64, at);
            Some(call(Function::Disorder, vec![aggregate(function, Some(order), Type::Int64, true, at)], kind, at))
        }
        _ => None,
    }
}

fn total(argument: Expr, at: Place) -> Expr {
    let kind = match argument.kind {
        Type::Decimal { precision, scale } => Type::Decimal { precision: (precision + 10).min(MAX_PRECISION), scale },
        _ => Type::Int64,
    };
    aggregate(Aggregate::LenientSum, Some(argument), kind, true, at)
}
