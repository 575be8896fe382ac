//! The implicit casts of Spark 3.5 with ANSI mode off.

use super::binary::{digits_of, spark_digits};
use super::call;
use crate::bind::Binder;
use crate::bind::cast::coerce;
use crate::error::Place;
use crate::literal::Literal;
use crate::plan::{Comparison, Expr, Function, Node};
use crate::types::{Type, common, joint};

/// The expression as `kind`, null where its value has no such form.
pub(in crate::bind) fn cast(expr: Expr, kind: Type) -> Expr {
    let widens = matches!(&expr.node, Node::Literal(Literal::Integer(_))) && kind == Type::Int64;
    if expr.node == Node::Untyped || expr.kind == kind || widens {
        return coerce(expr, kind);
    }
    let at = expr.at;
    call(Function::Cast, vec![expr], kind, at)
}

impl Binder<'_> {
    /// Both operands of a comparison as one type.
    pub(in crate::bind) fn spark_comparable(
        &mut self,
        op: Comparison,
        both: Vec<Expr>,
        at: Place,
    ) -> Option<Vec<Expr>> {
        let [left, right] = both.as_slice() else { return None };
        let equality = matches!(op, Comparison::Equal | Comparison::NotEqual);
        if !equality && (beyond(left, right) || beyond(right, left)) {
            return self
                .refuse(at, "a comparison of a whole number with a literal beyond its type is not in the subset");
        }
        let kind = match (&left.node, &right.node) {
            (Node::Untyped, Node::Untyped) => Type::Boolean,
            (Node::Untyped, _) => right.kind,
            (_, Node::Untyped) => left.kind,
            _ => match compared(left, right, equality) {
                Some(kind) => kind,
                None => return self.refuse(at, format!("a comparison of {} with {}", left.kind, right.kind)),
            },
        };
        Some(both.into_iter().map(|e| self.cast_at(e, kind)).collect())
    }

    /// Expressions brought to one type, as lists and branches are: beside a text, everything is text.
    pub(in crate::bind) fn spark_alike(&mut self, exprs: Vec<Expr>, at: Place) -> Option<Vec<Expr>> {
        let typed: Vec<&Expr> = exprs.iter().filter(|e| e.node != Node::Untyped).collect();
        let text = typed.iter().any(|e| e.kind == Type::String);
        let mut met: Option<Type> = None;
        for expr in &typed {
            let kind = expr.kind;
            met = match met {
                None => Some(kind),
                Some(other) if other == kind => Some(kind),
                Some(other) if text && other != Type::Boolean && kind != Type::Boolean => Some(Type::String),
                Some(other) => match wider(other, kind) {
                    Some(kind) => Some(kind),
                    None => return self.refuse(at, format!("{other} beside {kind} is not in the subset")),
                },
            };
        }
        let Some(kind) = met else { return Some(exprs) };
        Some(exprs.into_iter().map(|e| cast(e, kind)).collect())
    }
}

/// Whether a decimal literal lies outside the values of a whole number: Spark decides then without looking at the
/// number, even where it is null.
fn beyond(number: &Expr, literal: &Expr) -> bool {
    let (Node::Literal(Literal::Decimal(units)), Some((_, scale))) = (&literal.node, literal.kind.digits()) else {
        return false;
    };
    let bits = match number.kind {
        Type::Int8 => 7,
        Type::Int16 => 15,
        Type::Int32 => 31,
        Type::Int64 => 63,
        _ => return false,
    };
    let unit = 10i128.checked_pow(scale.into()).unwrap_or(i128::MAX);
    let limit = (1i128 << bits).saturating_mul(unit);
    !(-limit..=limit - unit).contains(units)
}

/// The type in which values of two types are compared for equality.
pub(crate) fn spark_compared(a: Type, b: Type) -> Option<Type> {
    let value = |kind| Expr::column(0, kind, true, Place::default());
    compared(&value(a), &value(b), true)
}

fn compared(left: &Expr, right: &Expr, equality: bool) -> Option<Type> {
    let (a, b) = (left.kind, right.kind);
    match (a, b) {
        _ if a == b => Some(a),
        (Type::String, Type::Decimal { .. }) | (Type::Decimal { .. }, Type::String) => Some(Type::Double),
        (Type::String, other) | (other, Type::String) => Some(other),
        (Type::Boolean, other) | (other, Type::Boolean) => (equality && other.is_number()).then_some(other),
        (Type::Decimal { .. }, _) | (_, Type::Decimal { .. }) if a.is_exact() && b.is_exact() => {
            Some(joint(spark_digits(left)?, spark_digits(right)?))
        }
        _ => wider(a, b),
    }
}

/// The type in which rows of several queries meet.
pub(in crate::bind) fn spark_joint(a: Type, b: Type) -> Option<Type> {
    match (a, b) {
        _ if a == b => Some(a),
        (Type::String, other) | (other, Type::String) => (other != Type::Boolean).then_some(Type::String),
        _ => wider(a, b),
    }
}

/// The type that numbers, or dates and timestamps, have in common.
fn wider(a: Type, b: Type) -> Option<Type> {
    match (a, b) {
        (Type::Date, other) | (other, Type::Date) if other.is_timestamp() => Some(other),
        (a, b) if a.is_timestamp() && b.is_timestamp() => Some(Type::TimestampUtc),
        (Type::Decimal { .. }, _) | (_, Type::Decimal { .. }) if a.is_exact() && b.is_exact() => {
            Some(joint(digits_of(a)?, digits_of(b)?))
        }
        _ => common(a, b),
    }
}
