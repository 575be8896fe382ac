//! Operators of two operands, and the predicates: comparison, `in`, `between`, `like`.

use sqlparser::ast::{BinaryOperator, Expr as Ast, Spanned, Value, ValueWithSpan};

use super::Binder;
use super::cast::{coerce, meet};
use super::expr::{Context, not};
use crate::error::Place;
use crate::literal::Literal;
use crate::plan::{Arithmetic, Comparison, Expr, Node, Wild};
use crate::types::Type;

/// Shorter lists are compared one by one, which the engine can push into a file's statistics.
const LONG_LIST: usize = 4;

impl Binder<'_> {
    pub(super) fn binary(
        &mut self,
        left: &Ast,
        op: &BinaryOperator,
        right: &Ast,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        if let BinaryOperator::And | BinaryOperator::Or = op {
            let word = if *op == BinaryOperator::And { "an operand of `and`" } else { "an operand of `or`" };
            let (left, right) = (self.boolean(left, cx, word), self.boolean(right, cx, word));
            let node = if *op == BinaryOperator::And { Node::And } else { Node::Or };
            return Some(logical(node, left?, right?, at));
        }
        if *op == BinaryOperator::StringConcat {
            let (left, right) = (self.text(left, cx, "||"), self.text(right, cx, "||"));
            return Some(concat(vec![left?, right?], at));
        }
        if self.is_spark()
            && let Some(bound) = self.spark_binary(left, op, right, at, cx)
        {
            return bound;
        }
        let (left, right) = (self.expr(left, cx), self.expr(right, cx));
        let arithmetic = match op {
            BinaryOperator::Plus => Some(Arithmetic::Add),
            BinaryOperator::Minus => Some(Arithmetic::Subtract),
            BinaryOperator::Multiply => Some(Arithmetic::Multiply),
            BinaryOperator::Divide => Some(Arithmetic::Divide),
            _ => None,
        };
        if let Some(arithmetic) = arithmetic {
            return self.arithmetic(arithmetic, left?, right?, at);
        }
        let comparison = match op {
            BinaryOperator::Eq => Comparison::Equal,
            BinaryOperator::NotEq => Comparison::NotEqual,
            BinaryOperator::Lt => Comparison::Less,
            BinaryOperator::LtEq => Comparison::LessOrEqual,
            BinaryOperator::Gt => Comparison::Greater,
            BinaryOperator::GtEq => Comparison::GreaterOrEqual,
            other => return self.refuse(at, format!("the operator `{other}` is not in the subset")),
        };
        self.compare(comparison, left?, right?, at)
    }

    /// Two values as a truth value. A literal text beside a date is that date.
    pub(super) fn compare(&mut self, op: Comparison, left: Expr, right: Expr, at: Place) -> Option<Expr> {
        let both = vec![left, right];
        let both = if self.is_spark() { self.spark_comparable(op, both, at)? } else { self.comparable(both, at)? };
        let [left, right] = both.try_into().ok()?;
        let nullable = left.nullable || right.nullable;
        let node = Node::Compare(op, Box::new(left), Box::new(right));
        Some(Expr { node, kind: Type::Boolean, nullable, at })
    }

    fn comparable(&mut self, exprs: Vec<Expr>, at: Place) -> Option<Vec<Expr>> {
        let calendar = |e: &&Expr| matches!(e.kind, Type::Date | Type::Timestamp | Type::TimestampUtc);
        let exprs = match exprs.iter().find(calendar).map(|e| e.kind) {
            None => exprs,
            Some(kind) => {
                let dated: Vec<Option<Expr>> = exprs.into_iter().map(|e| self.dated(e, kind)).collect();
                dated.into_iter().collect::<Option<Vec<_>>>()?
            }
        };
        match meet(&exprs) {
            Ok(kind) => {
                let kind = kind.unwrap_or(Type::Boolean);
                Some(exprs.into_iter().map(|e| coerce(e, kind)).collect())
            }
            Err((a, b)) => {
                let error = at.error(format!("{a} cannot be compared with {b}"));
                self.note(error.help("cast one of them to the other's type"))
            }
        }
    }

    fn dated(&mut self, expr: Expr, kind: Type) -> Option<Expr> {
        match &expr.node {
            Node::Literal(Literal::Text(text)) => self.text_as(text, kind, expr.at),
            _ => Some(expr),
        }
    }

    pub(super) fn between(
        &mut self,
        operand: &Ast,
        low: &Ast,
        high: &Ast,
        negated: bool,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        let (x, low, high) = (self.expr(operand, cx), self.expr(low, cx), self.expr(high, cx));
        let (x, low, high) = (x?, low?, high?);
        let above = self.compare(Comparison::GreaterOrEqual, x.clone(), low, at);
        let below = self.compare(Comparison::LessOrEqual, x, high, at);
        let test = logical(Node::And, above?, below?, at);
        Some(if negated { not(test, at) } else { test })
    }

    pub(super) fn in_list(
        &mut self,
        operand: &Ast,
        list: &[Ast],
        negated: bool,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        let mut exprs = vec![self.expr(operand, cx)];
        exprs.extend(list.iter().map(|ast| self.expr(ast, cx)).collect::<Vec<_>>());
        let exprs = exprs.into_iter().collect::<Option<Vec<_>>>()?;
        let alike = if self.is_spark() { self.spark_alike(exprs, at) } else { self.comparable(exprs, at) };
        let mut exprs = alike?.into_iter();
        let x = exprs.next()?;
        let (literals, others): (Vec<Expr>, Vec<Expr>) = exprs.partition(is_value);
        let mut tests: Vec<Expr> = Vec::new();
        if literals.len() > LONG_LIST {
            let values = literals.into_iter().filter_map(value).collect();
            let node = Node::OneOf(Box::new(x.clone()), values);
            tests.push(Expr { node, kind: Type::Boolean, nullable: x.nullable, at });
        } else {
            tests.extend(literals.into_iter().map(|e| equal(&x, e, at)));
        }
        tests.extend(others.into_iter().map(|e| equal(&x, e, at)));
        let test = balanced(tests, at)?;
        Some(if negated { not(test, at) } else { test })
    }

    pub(super) fn like(
        &mut self,
        operand: &Ast,
        pattern: &Ast,
        escape: Option<&ValueWithSpan>,
        negated: bool,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        let x = self.text(operand, cx, "like");
        let Ast::Value(ValueWithSpan { value: Value::SingleQuotedString(pattern), span }) = pattern else {
            return self.refuse(pattern.span(), "`like` takes a pattern written as a literal text");
        };
        let escape = match escape.map(|e| &e.value) {
            None if self.is_spark() => Some('\\'),
            None => None,
            Some(Value::SingleQuotedString(text)) if text.chars().count() == 1 => text.chars().next(),
            Some(_) => return self.refuse(at, "`escape` takes one character"),
        };
        let Some(pieces) = pieces(pattern, escape) else {
            return self.refuse(*span, "the escape character must stand before `%`, `_` or itself");
        };
        let x = x?;
        let nullable = x.nullable;
        let test = Expr { node: Node::Like(Box::new(x), pieces), kind: Type::Boolean, nullable, at };
        Some(if negated { not(test, at) } else { test })
    }
}

pub(super) fn concat(parts: Vec<Expr>, at: Place) -> Expr {
    let nullable = parts.iter().any(|p| p.nullable);
    // A chain of `||` is one node, however long.
    let flat = parts.into_iter().flat_map(|part| match part.node {
        Node::Concat(inner) => inner,
        _ => vec![part],
    });
    Expr { node: Node::Concat(flat.collect()), kind: Type::String, nullable, at }
}

pub(super) fn logical(node: fn(Box<Expr>, Box<Expr>) -> Node, left: Expr, right: Expr, at: Place) -> Expr {
    let nullable = left.nullable || right.nullable;
    Expr { node: node(Box::new(left), Box::new(right)), kind: Type::Boolean, nullable, at }
}

/// A chain of `or` as a tree of small depth.
fn balanced(mut tests: Vec<Expr>, at: Place) -> Option<Expr> {
    while tests.len() > 1 {
        let mut next = Vec::with_capacity(tests.len().div_ceil(2));
        let mut rest = tests.into_iter();
        while let Some(first) = rest.next() {
            next.push(match rest.next() {
                Some(second) => logical(Node::Or, first, second, at),
                None => first,
            });
        }
        tests = next;
    }
    tests.pop()
}

fn equal(x: &Expr, value: Expr, at: Place) -> Expr {
    let nullable = x.nullable || value.nullable;
    let node = Node::Compare(Comparison::Equal, Box::new(x.clone()), Box::new(value));
    Expr { node, kind: Type::Boolean, nullable, at }
}

fn is_value(expr: &Expr) -> bool {
    matches!(&expr.node, Node::Literal(value) if *value != Literal::Null)
}

fn value(expr: Expr) -> Option<Literal> {
    match expr.node {
        Node::Literal(value) => Some(value),
        _ => None,
    }
}

/// The pieces of a pattern, neighbours joined. `None` when the escape character stands before something else.
fn pieces(pattern: &str, escape: Option<char>) -> Option<Vec<Wild>> {
    let mut pieces: Vec<Wild> = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let literal = if Some(c) == escape {
            Some(chars.next().filter(|next| matches!(next, '%' | '_') || Some(*next) == escape)?)
        } else if c == '%' || c == '_' {
            None
        } else {
            Some(c)
        };
        match (literal, pieces.last_mut()) {
            (Some(c), Some(Wild::Text(text))) => text.push(c),
            (Some(c), _) => pieces.push(Wild::Text(c.to_string())),
            (None, Some(Wild::Any)) if c == '%' => {}
            (None, _) => pieces.push(if c == '%' { Wild::Any } else { Wild::One }),
        }
    }
    Some(pieces)
}
