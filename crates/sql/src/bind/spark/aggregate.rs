//! What aggregates take and give.

use super::call;
use super::coerce::cast;
use crate::bind::Binder;
use crate::error::Place;
use crate::plan::{Aggregate, Expr, Function};
use crate::types::Type;

impl Binder<'_> {
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
