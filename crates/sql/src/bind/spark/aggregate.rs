//! What aggregates take and give.

use sqlparser::ast::Expr as Ast;

use super::call;
use super::coerce::cast;
use crate::bind::Binder;
use crate::bind::aggregate::{call as aggregate, filtered};
use crate::bind::expr::{Context, integer};
use crate::error::Place;
use crate::plan::{Aggregate, Expr, Function};
use crate::types::Type;

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

    /// The argument in the type that Spark aggregates it in: averages of whole numbers are doubles, texts are numbers.
    pub(in crate::bind) fn spark_argument(&mut self, function: Aggregate, argument: Expr) -> Expr {
        match (function, argument.kind) {
            (Aggregate::Sum | Aggregate::Mean, Type::String) => cast(argument, Type::Double),
            (Aggregate::Mean, kind) if kind.is_integer() => cast(argument, Type::Double),
            (Aggregate::Min | Aggregate::Max, Type::Double) => {
                let at = argument.at;
                call(Function::Order, vec![argument], Type::Int64, at)
            }
            _ => argument,
        }
    }

    /// The aggregate over such an argument in the type that the query sees.
    pub(in crate::bind) fn spark_aggregate(
        &mut self,
        function: Aggregate,
        argument: Type,
        value: Expr,
        at: Place,
    ) -> Expr {
        match (function, argument) {
            (Aggregate::Min | Aggregate::Max, Type::Double) => call(Function::Disorder, vec![value], Type::Double, at),
            _ => value,
        }
    }
}
