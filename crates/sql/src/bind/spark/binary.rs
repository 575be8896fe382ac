//! Operators: null-safe equality, remainders, times that move, and the types of numbers.

use sqlparser::ast::{BinaryOperator, DateTimeField, Expr as Ast, Interval, UnaryOperator, Value};

use super::call;
use super::coerce::cast;
use crate::bind::Binder;
use crate::bind::cast::{coerce, narrow};
use crate::bind::compare::logical;
use crate::bind::expr::Context;
use crate::error::Place;
use crate::literal::Literal;
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
            (BinaryOperator::Modulo, ..) => self.remainder(left, right, at, cx),
            (BinaryOperator::MyIntegerDivide, ..) => self.whole_quotient(left, right, at, cx),
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

    /// `a % b` and `mod(a, b)`.
    pub(super) fn remainder(&mut self, left: &Ast, right: &Ast, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let (left, right) = (self.expr(left, cx), self.expr(right, cx));
        let (left, right) = self.operands(left?, right?, false, at)?;
        self.numeric(Function::Remainder, left, right, at)
    }

    /// `a div b`.
    fn whole_quotient(&mut self, left: &Ast, right: &Ast, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let (left, right) = (self.expr(left, cx)?, self.expr(right, cx)?);
        let whole = |e: &Expr| e.node != Node::Untyped && e.kind.is_integer();
        if !whole(&left) || !whole(&right) {
            return self.refuse(at, format!("`div` of {} and {} is not in the subset", left.kind, right.kind));
        }
        Some(call(Function::Divide, vec![cast(left, Type::Int64), cast(right, Type::Int64)], Type::Int64, at))
    }

    /// The operands of arithmetic as numbers: a text is a double, and null is of the type beside it.
    fn operands(&mut self, left: Expr, right: Expr, quotient: bool, at: Place) -> Option<(Expr, Expr)> {
        let number = |e: Expr| if e.kind == Type::String { cast(e, Type::Double) } else { e };
        let (left, right) = match (&left.node, &right.node) {
            (Node::Untyped, Node::Untyped) => return self.refuse(at, "the type of this null is not known"),
            (Node::Untyped, _) | (_, Node::Untyped) if quotient => {
                return self.refuse(at, "a quotient with a bare null is not in the subset");
            }
            (Node::Untyped, _) => (coerce(left, number(right.clone()).kind), right),
            (_, Node::Untyped) => {
                let kind = number(left.clone()).kind;
                (left, coerce(right, kind))
            }
            _ => (left, right),
        };
        let (left, right) = (number(left), number(right));
        if !left.kind.is_number() || !right.kind.is_number() {
            return self.refuse(at, format!("arithmetic of {} and {}", left.kind, right.kind));
        }
        Some((left, right))
    }

    pub(in crate::bind) fn spark_arithmetic(
        &mut self,
        op: Arithmetic,
        left: Expr,
        right: Expr,
        at: Place,
    ) -> Option<Expr> {
        let days = |e: &Expr| e.node != Node::Untyped && is_days(e.kind);
        match op {
            Arithmetic::Add | Arithmetic::Subtract if left.kind == Type::Date && days(&right) => {
                return Some(later(left, right, op == Arithmetic::Subtract, at));
            }
            Arithmetic::Add if right.kind == Type::Date && days(&left) => return Some(later(right, left, false, at)),
            _ => {}
        }
        let (left, right) = self.operands(left, right, op == Arithmetic::Divide, at)?;
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
        let (a, b) = (left.kind, right.kind);
        let kind = if a.is_approximate() || b.is_approximate() || whole {
            if function == Function::Divide { Type::Double } else { common(a, b)? }
        } else {
            let (a, b) = (spark_digits(&left)?, spark_digits(&right)?);
            if function == Function::Remainder && a.0 - a.1 + b.1 > MAX_PRECISION {
                let message =
                    "a remainder of decimals whose quotient can have more than 38 digits is not in the subset";
                return self.refuse(at, message);
            }
            let kind = decimal_result(&function, a, b);
            return Some(call(function, vec![cast(left, exact(a)), cast(right, exact(b))], kind, at));
        };
        Some(call(function, vec![cast(left, kind), cast(right, kind)], kind, at))
    }

    /// A time moved by an interval. A date moved by whole days or months stays a date.
    fn moved(&mut self, time: &Ast, interval: &Interval, sign: i64, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let Some((amount, step)) = amount(interval) else {
            return self.refuse(at, "only intervals of one unit from seconds to years are in the subset");
        };
        let amount = amount.checked_mul(sign);
        let time = self.expr(time, cx)?;
        let kind = match time.kind {
            kind if time.node == Node::Untyped || !(kind == Type::Date || kind.is_timestamp()) => {
                return self.refuse(at, format!("an interval moves a date or a timestamp, and this is {kind}"));
            }
            Type::Date if matches!(step, Step::Micros(_)) => Type::TimestampUtc,
            kind => kind,
        };
        let function = match step {
            Step::Months(n) => amount.and_then(|a| i32::try_from(a.checked_mul(n)?).ok()).map(Function::AddMonths),
            Step::Days(n) if kind == Type::Date => {
                amount.and_then(|a| i32::try_from(a.checked_mul(n)?).ok()).map(Function::ShiftDays)
            }
            Step::Days(n) => amount.and_then(|a| a.checked_mul(n * DAY)).map(Function::Shift),
            Step::Micros(n) => amount.and_then(|a| a.checked_mul(n)).map(Function::Shift),
        };
        match function {
            Some(function) => Some(call(function, vec![cast(time, kind)], kind, at)),
            None => self.refuse(at, "this interval is too long"),
        }
    }
}

/// Whether numbers of this type can be a number of days.
pub(super) fn is_days(kind: Type) -> bool {
    kind.is_integer() && kind != Type::Int64
}

/// A date moved by a number of days.
pub(super) fn later(date: Expr, days: Expr, back: bool, at: Place) -> Expr {
    let days = cast(days, Type::Int32);
    let days = if back { call(Function::Negate, vec![days], Type::Int32, at) } else { days };
    call(Function::AddDays, vec![date, days], Type::Date, at)
}

/// Precision and scale of a number beside a decimal; a whole literal has its own digits only.
pub(super) fn spark_digits(expr: &Expr) -> Option<(u8, u8)> {
    match (&expr.node, expr.kind) {
        (Node::Literal(Literal::Integer(_)), _) => narrow(expr).digits(),
        (_, kind) => digits_of(kind),
    }
}

/// Precision and scale of the decimals that hold all values of an exact type.
pub(super) fn digits_of(kind: Type) -> Option<(u8, u8)> {
    if kind == Type::Int64 { Some((20, 0)) } else { kind.digits() }
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

/// One unit of an interval.
enum Step {
    Months(i64),
    Days(i64),
    Micros(i64),
}

const DAY: i64 = 86_400_000_000;

/// How many units an interval is long, and which.
fn amount(interval: &Interval) -> Option<(i64, Step)> {
    let plain = interval.leading_precision.is_none()
        && interval.last_field.is_none()
        && interval.fractional_seconds_precision.is_none();
    let step = match interval.leading_field.as_ref()? {
        DateTimeField::Year | DateTimeField::Years => Step::Months(12),
        DateTimeField::Month | DateTimeField::Months => Step::Months(1),
        DateTimeField::Week(None) | DateTimeField::Weeks => Step::Days(7),
        DateTimeField::Day | DateTimeField::Days => Step::Days(1),
        DateTimeField::Hour | DateTimeField::Hours => Step::Micros(3_600_000_000),
        DateTimeField::Minute | DateTimeField::Minutes => Step::Micros(60_000_000),
        DateTimeField::Second | DateTimeField::Seconds => Step::Micros(1_000_000),
        _ => return None,
    };
    let (sign, value) = match interval.value.as_ref() {
        Ast::UnaryOp { op: UnaryOperator::Minus, expr } => (-1, expr.as_ref()),
        other => (1, other),
    };
    let Ast::Value(value) = value else { return None };
    let (Value::Number(text, false) | Value::SingleQuotedString(text)) = &value.value else { return None };
    let amount: i64 = text.trim().parse().ok()?;
    plain.then_some((amount.checked_mul(sign)?, step))
}
