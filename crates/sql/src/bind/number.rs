//! Arithmetic: result types of exact numbers, and rounding a quotient once.

use super::Binder;
use super::cast::{coerce, narrow};
use super::expr::integer;
use crate::error::Place;
use crate::literal::Literal;
use crate::plan::{Arithmetic, Expr, Function, Node};
use crate::types::{MAX_PRECISION, Type, common, decimal};

/// The fewest places a quotient keeps when nothing rounds it.
const QUOTIENT_SCALE: u8 = 6;

impl Binder<'_> {
    /// `+ - * /` over two numbers.
    pub(super) fn arithmetic(&mut self, op: Arithmetic, left: Expr, right: Expr, at: Place) -> Option<Expr> {
        if self.is_spark() {
            return self.spark_arithmetic(op, left, right, at);
        }
        let (left, right) = match (&left.node, &right.node) {
            (Node::Untyped, Node::Untyped) => return self.refuse(at, "the type of this null is not known"),
            (Node::Untyped, _) => (coerce(left, right.kind), right),
            (_, Node::Untyped) => {
                let kind = left.kind;
                (left, coerce(right, kind))
            }
            _ => (left, right),
        };
        if !left.kind.is_number() || !right.kind.is_number() {
            let message = format!("`{}` takes numbers, not {} and {}", symbol(op), left.kind, right.kind);
            return self.refuse(at, message);
        }
        if left.kind == Type::Double || right.kind == Type::Double {
            return Some(operation(op, coerce(left, Type::Double), coerce(right, Type::Double), Type::Double, at));
        }
        if left.kind.is_integer() && right.kind.is_integer() {
            let kind = common(left.kind, right.kind)?;
            return Some(operation(op, coerce(left, kind), coerce(right, kind), kind, at));
        }
        let (a, b) = (narrow(&left).digits()?, narrow(&right).digits()?);
        match decimal_result(op, a, b) {
            Some(kind) => Some(operation(op, left, right, kind, at)),
            None => {
                let error = at.error(format!("the product would have {} places, and there are 38", a.1 + b.1));
                self.note(error.help("cast an operand to fewer places"))
            }
        }
    }

    /// `-x` and `+x`.
    pub(super) fn signed(&mut self, inner: Expr, negative: bool, at: Place) -> Option<Expr> {
        if inner.node == Node::Untyped {
            return self.refuse(at, "the type of this null is not known");
        }
        let inner =
            if self.is_spark() && inner.kind == Type::String { super::spark::cast(inner, Type::Double) } else { inner };
        if !inner.kind.is_number() {
            return self.refuse(at, format!("a sign stands before a number, and this is {}", inner.kind));
        }
        Some(match (negative, &inner.node) {
            (false, _) if self.is_spark() && inner.kind.is_integer() => {
                let kind = inner.kind;
                super::spark::computed(inner, kind, at)
            }
            (false, _) => inner,
            (true, Node::Literal(Literal::Integer(n))) if *n != i64::MIN && !self.is_spark() => integer(-n, at),
            (true, Node::Literal(Literal::Decimal(units))) if !self.is_spark() => {
                let minimum = Expr::literal(Literal::Integer(i64::MIN), Type::Int64, at);
                if *units == -i128::from(i64::MIN) && inner.kind.digits() == Some((19, 0)) {
                    minimum
                } else {
                    Expr::literal(Literal::Decimal(-units), inner.kind, at)
                }
            }
            (true, _) if self.is_spark() => {
                let kind = inner.kind;
                Expr { node: Node::Function(Function::Negate, vec![inner]), kind, nullable: true, at }
            }
            (true, _) => unary(Node::Negate, inner, at),
        })
    }

    /// `round(x)` and `round(x, n)`.
    pub(super) fn round(&mut self, x: Expr, places: Option<&Expr>, at: Place) -> Option<Expr> {
        let places = match places.map(|p| &p.node) {
            None => 0,
            Some(Node::Literal(Literal::Integer(n @ 0..=38))) => u8::try_from(*n).unwrap_or(MAX_PRECISION),
            Some(_) => return self.refuse(at, "`round` takes a literal number of places from 0 to 38"),
        };
        match x.kind {
            Type::Double => {
                let error = at.error("`round` of a double is not exact");
                self.note(error.help("write `round(cast(... as decimal(p,s)), n)`"))
            }
            kind if kind.is_exact() => Some(rounded(x, places)),
            kind => self.refuse(at, format!("`round` takes a number, and this is {kind}")),
        }
    }
}

pub(super) fn unary(node: fn(Box<Expr>) -> Node, inner: Expr, at: Place) -> Expr {
    let (kind, nullable) = (inner.kind, inner.nullable);
    Expr { node: node(Box::new(inner)), kind, nullable, at }
}

/// An exact quotient at `scale`, of two exact numbers.
pub(super) fn quotient(left: Expr, right: Expr, scale: u8, at: Place) -> Option<Expr> {
    let ((p1, s1), (_, s2)) = (left.kind.digits()?, right.kind.digits()?);
    let kind = decimal(p1 - s1 + s2 + scale + 1, scale);
    Some(operation(Arithmetic::Quotient, left, right, kind, at))
}

fn operation(op: Arithmetic, left: Expr, right: Expr, kind: Type, at: Place) -> Expr {
    let nullable = left.nullable || right.nullable;
    Expr { node: Node::Arithmetic(op, Box::new(left), Box::new(right)), kind, nullable, at }
}

/// The type of a decimal result, or `None` for a product with too many places.
fn decimal_result(op: Arithmetic, (p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> Option<Type> {
    match op {
        Arithmetic::Add | Arithmetic::Subtract => {
            let scale = s1.max(s2);
            Some(decimal((p1 - s1).max(p2 - s2) + scale + 1, scale))
        }
        Arithmetic::Multiply => (s1 + s2 <= MAX_PRECISION).then(|| decimal(p1 + p2, s1 + s2)),
        Arithmetic::Divide | Arithmetic::Quotient => {
            let whole = (p1 - s1 + s2).min(MAX_PRECISION);
            let wanted = (s1 + p2 + 1).clamp(QUOTIENT_SCALE, MAX_PRECISION);
            let scale = wanted.min((MAX_PRECISION - whole).max(QUOTIENT_SCALE));
            Some(decimal(whole + scale, scale))
        }
    }
}

/// Rounds to `places`, half away from zero. A quotient inside is rounded to these places from its exact value, not
/// from a value that was rounded before.
pub(super) fn rounded(x: Expr, places: u8) -> Expr {
    let at = x.at;
    let Some((precision, scale)) = x.kind.digits() else { return x };
    if !x.any(&is_quotient) {
        return plain(x, precision, scale, places);
    }
    match x.node {
        Node::Arithmetic(Arithmetic::Divide, left, right) => {
            let (left, right) = (*left, *right);
            match quotient(left.clone(), right.clone(), places, at) {
                Some(exact) => exact,
                None => plain(operation(Arithmetic::Divide, left, right, x.kind, at), precision, scale, places),
            }
        }
        Node::Arithmetic(Arithmetic::Multiply, left, right) => product(*left, *right, x.kind, places, at),
        Node::Negate(inner) => unary(Node::Negate, rounded(*inner, places), at),
        Node::Abs(inner) => unary(Node::Abs, rounded(*inner, places), at),
        // Widening inside a `case` or `coalesce`: the value is the same before it.
        Node::Cast(inner) if inner.kind.digits().is_some_and(|(_, s)| s <= scale) => rounded(*inner, places),
        Node::Coalesce(list) => {
            let list = list.into_iter().map(|e| rounded(e, places)).collect();
            together(list, x.nullable, at, Node::Coalesce)
        }
        Node::Case(arms, otherwise) => {
            let (conditions, mut results): (Vec<Expr>, Vec<Expr>) = arms.into_iter().unzip();
            results.push(*otherwise);
            let results = results.into_iter().map(|e| rounded(e, places)).collect();
            together(results, x.nullable, at, |mut results| {
                let otherwise = results.pop().map(Box::new);
                let arms = conditions.into_iter().zip(results).collect();
                Node::Case(arms, otherwise.unwrap_or_else(|| Box::new(integer(0, at))))
            })
        }
        node => plain(Expr { node, ..x }, precision, scale, places),
    }
}

/// `a / b * c` is rounded as `a * c / b` where the places allow it.
fn product(left: Expr, right: Expr, kind: Type, places: u8, at: Place) -> Expr {
    let scaled = |e: &Expr| e.kind.digits().is_some_and(|(_, scale)| scale > 0);
    let (left_scaled, right_scaled) = (scaled(&left), scaled(&right));
    let (dividend, divisor, factor, ratio) = match (left.node, right.node) {
        (Node::Arithmetic(Arithmetic::Divide, a, b), node) if left_scaled => {
            (*a, *b, Expr { node, ..right }, left.kind)
        }
        (node, Node::Arithmetic(Arithmetic::Divide, a, b)) if right_scaled => {
            (*a, *b, Expr { node, ..left }, right.kind)
        }
        (l, r) => {
            let whole = operation(Arithmetic::Multiply, Expr { node: l, ..left }, Expr { node: r, ..right }, kind, at);
            let (precision, scale) = kind.digits().unwrap_or((MAX_PRECISION, 0));
            return plain(whole, precision, scale, places);
        }
    };
    let factors = (narrow(&dividend).digits(), narrow(&factor).digits());
    let upper = match factors {
        (Some(a), Some(b)) => decimal_result(Arithmetic::Multiply, a, b),
        _ => None,
    };
    let exact = upper.and_then(|upper| {
        let upper = operation(Arithmetic::Multiply, dividend.clone(), factor.clone(), upper, at);
        quotient(upper, divisor.clone(), places, at)
    });
    exact.unwrap_or_else(|| {
        let ratio = operation(Arithmetic::Divide, dividend, divisor, ratio, at);
        let (precision, scale) = kind.digits().unwrap_or((MAX_PRECISION, 0));
        plain(operation(Arithmetic::Multiply, ratio, factor, kind, at), precision, scale, places)
    })
}

fn is_quotient(expr: &Expr) -> bool {
    matches!(expr.node, Node::Arithmetic(Arithmetic::Divide, ..)) && matches!(expr.kind, Type::Decimal { .. })
}

fn plain(x: Expr, precision: u8, scale: u8, places: u8) -> Expr {
    if x.kind.is_integer() || places == scale {
        return x;
    }
    let (nullable, at) = (x.nullable, x.at);
    let carry = u8::from(places < scale);
    let kind = decimal(precision - scale + places + carry, places);
    Expr { node: Node::Round(Box::new(x)), kind, nullable, at }
}

/// Brings rounded branches to one type again.
fn together(exprs: Vec<Expr>, nullable: bool, at: Place, node: impl FnOnce(Vec<Expr>) -> Node) -> Expr {
    let kinds = exprs.iter().filter(|e| e.kind.is_exact()).map(narrow);
    let kind = kinds.reduce(|a, b| common(a, b).unwrap_or(a)).unwrap_or(Type::Int64);
    let node = node(exprs.into_iter().map(|e| coerce(e, kind)).collect());
    Expr { node, kind, nullable, at }
}

fn symbol(op: Arithmetic) -> &'static str {
    match op {
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::Multiply => "*",
        Arithmetic::Divide | Arithmetic::Quotient => "/",
    }
}
