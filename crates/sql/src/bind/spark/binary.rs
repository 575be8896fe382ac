//! Operators: null-safe equality, remainders, times that move, and the types of numbers.

use sqlparser::ast::{BinaryOperator, DateTimeField, Expr as Ast, Interval, UnaryOperator, Value};

use super::call;
use super::coerce::cast;
use crate::bind::Binder;
use crate::bind::cast::narrow;
use crate::bind::compare::logical;
use crate::bind::expr::Context;
use crate::error::Place;
use crate::plan::{Arithmetic, Comparison, Expr, Function, Node};
use crate::types::{MAX_PRECISION, Type, common};

/// A decimal that has to give up places keeps at least so many.
const LEAST_SCALE: u8 = 6;

impl Binder<'_> {
    /// Operators that the gold language has not; `None` for the others.
    pub(in crate::bind) fn spark_binary(
        &mut self,
        left: &Ast,
        op: &BinaryOperator,
        right: &Ast,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Option<Expr>> {
        let sign = match op {
            BinaryOperator::Plus => 1,
            BinaryOperator::Minus => -1,
            _ => 0,
        };
        Some(match (op, left, right) {
            (BinaryOperator::Spaceship, ..) => self.same(left, right, at, cx),
            (BinaryOperator::Modulo, ..) => {
                let (left, right) = (self.number_of(left, cx), self.number_of(right, cx));
                left.zip(right).and_then(|(l, r)| self.numeric(Function::Remainder, l, r, at))
            }
            (_, _, Ast::Interval(interval)) if sign != 0 => self.moved(left, interval, sign, at, cx),
            (BinaryOperator::Plus, Ast::Interval(interval), _) => self.moved(right, interval, 1, at, cx),
            _ => return None,
        })
    }

    /// `a <=> b`: null is equal to null, and the answer is never null.
    pub(in crate::bind) fn same(&mut self, left: &Ast, right: &Ast, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let (a, b) = (self.expr(left, cx)?, self.expr(right, cx)?);
        let equal = self.compare(Comparison::Equal, a, b, at)?;
        let Node::Compare(_, a, b) = &equal.node else { return Some(equal) };
        let null =
            |x: &Expr| Expr { node: Node::IsNull(Box::new(x.clone())), kind: Type::Boolean, nullable: false, at };
        let both = logical(Node::And, null(a), null(b), at);
        let equal = Expr { node: Node::Is(Box::new(equal), true), kind: Type::Boolean, nullable: false, at };
        Some(logical(Node::Or, equal, both, at))
    }

    pub(in crate::bind) fn spark_arithmetic(
        &mut self,
        op: Arithmetic,
        left: Expr,
        right: Expr,
        at: Place,
    ) -> Option<Expr> {
        let number = |e: Expr| if e.kind == Type::String { cast(e, Type::Double) } else { e };
        let (left, right) = (number(left), number(right));
        if !left.kind.is_number() || !right.kind.is_number() {
            return self.refuse(at, format!("arithmetic of {} and {}", left.kind, right.kind));
        }
        let function = match op {
            Arithmetic::Add => Function::Add,
            Arithmetic::Subtract => Function::Subtract,
            Arithmetic::Multiply => Function::Multiply,
            Arithmetic::Divide | Arithmetic::Quotient => Function::Divide,
        };
        self.numeric(function, left, right, at)
    }

    pub(super) fn numeric(&mut self, function: Function, left: Expr, right: Expr, at: Place) -> Option<Expr> {
        let whole = left.kind.is_integer() && right.kind.is_integer();
        let kind = if left.kind == Type::Double || right.kind == Type::Double || whole && function == Function::Divide {
            Type::Double
        } else if whole {
            common(left.kind, right.kind)?
        } else {
            let (a, b) = (narrow(&left).digits()?, narrow(&right).digits()?);
            let kind = decimal_result(&function, a, b);
            return Some(call(function, vec![cast(left, exact(a)), cast(right, exact(b))], kind, at));
        };
        Some(call(function, vec![cast(left, kind), cast(right, kind)], kind, at))
    }

    /// A time moved by an interval of fixed length.
    fn moved(&mut self, time: &Ast, interval: &Interval, sign: i64, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let Some(micros) = micros(interval) else {
            return self.refuse(at, "only intervals of whole weeks, days, hours, minutes or seconds are in the subset");
        };
        let time = self.expr(time, cx)?;
        let time = match time.kind {
            // A date moved by days stays a date in Spark, by hours it becomes a timestamp; compared, both are the same.
            Type::Date | Type::String => cast(time, Type::TimestampUtc),
            kind if kind.is_timestamp() => time,
            kind => return self.refuse(at, format!("an interval moves a date or a timestamp, and this is {kind}")),
        };
        let kind = time.kind;
        Some(call(Function::Shift(sign * micros), vec![time], kind, at))
    }
}

fn exact((precision, scale): (u8, u8)) -> Type {
    Type::Decimal { precision, scale }
}

fn decimal_result(function: &Function, (p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> Type {
    let (p1, s1, p2, s2) = (u16::from(p1), u16::from(s1), u16::from(p2), u16::from(s2));
    let (precision, scale) = match function {
        Function::Add | Function::Subtract => {
            let scale = s1.max(s2);
            ((p1 - s1).max(p2 - s2) + scale + 1, scale)
        }
        Function::Multiply => (p1 + p2 + 1, s1 + s2),
        Function::Divide => {
            let scale = (s1 + p2 + 1).max(LEAST_SCALE.into());
            (p1 - s1 + s2 + scale, scale)
        }
        _ => ((p1 - s1).min(p2 - s2) + s1.max(s2), s1.max(s2)),
    };
    let most = u16::from(MAX_PRECISION);
    let scale = if precision <= most {
        scale
    } else {
        most.saturating_sub(precision - scale).max(scale.min(LEAST_SCALE.into()))
    };
    let byte = |n: u16| u8::try_from(n).unwrap_or(MAX_PRECISION);
    Type::Decimal { precision: byte(precision.min(most)), scale: byte(scale) }
}

fn micros(interval: &Interval) -> Option<i64> {
    let plain = interval.leading_precision.is_none()
        && interval.last_field.is_none()
        && interval.fractional_seconds_precision.is_none();
    let unit = match interval.leading_field.as_ref()? {
        DateTimeField::Week(None) | DateTimeField::Weeks => 7 * 86_400,
        DateTimeField::Day | DateTimeField::Days => 86_400,
        DateTimeField::Hour | DateTimeField::Hours => 3_600,
        DateTimeField::Minute | DateTimeField::Minutes => 60,
        DateTimeField::Second | DateTimeField::Seconds => 1,
        _ => return None,
    };
    let (sign, value) = match interval.value.as_ref() {
        Ast::UnaryOp { op: UnaryOperator::Minus, expr } => (-1, expr.as_ref()),
        other => (1, other),
    };
    let Ast::Value(value) = value else { return None };
    let (Value::Number(text, _) | Value::SingleQuotedString(text)) = &value.value else { return None };
    let amount: i64 = text.trim().parse().ok()?;
    plain.then(|| amount.checked_mul(sign * unit * 1_000_000)).flatten()
}
