//! Types by their SQL names, explicit casts, and the silent widening of operands.

use sqlparser::ast::{DataType, ExactNumberInfo, Expr as Ast, TimezoneInfo};

use super::Binder;
use super::expr::Context;
use crate::error::Place;
use crate::literal::{Literal, date, exact_text, timestamp};
use crate::plan::{Expr, Node};
use crate::types::{MAX_PRECISION, Type, common, decimal};

impl Binder<'_> {
    pub(super) fn cast(&mut self, operand: &Ast, to: &DataType, at: Place, cx: &Context<'_>) -> Option<Expr> {
        if self.is_spark() {
            return self.spark_cast(operand, to, at, cx);
        }
        let kind = self.sql_type(to, at);
        let inner = self.expr(operand, cx);
        let (kind, inner) = (kind?, inner?);
        if inner.node == Node::Untyped || inner.kind == kind {
            return Some(coerce(inner, kind));
        }
        if !castable(inner.kind, kind) {
            return self.refuse(at, format!("{} cannot be cast to {kind}", inner.kind));
        }
        if let Node::Literal(Literal::Text(text)) = &inner.node
            && matches!(kind, Type::Date | Type::Timestamp | Type::TimestampUtc)
        {
            return self.text_as(text, kind, at);
        }
        // A quotient is rounded once, to the scale that is asked for.
        let inner = match kind.digits() {
            Some((_, scale)) if matches!(inner.kind, Type::Decimal { .. }) => super::number::rounded(inner, scale),
            _ => inner,
        };
        Some(if inner.kind == kind { inner } else { wrap(inner, kind) })
    }

    /// A literal text as a date or timestamp.
    pub(super) fn text_as(&mut self, text: &str, kind: Type, at: Place) -> Option<Expr> {
        let (value, example) = match kind {
            Type::Date => (date(text).map(Literal::Date), "2026-01-31"),
            Type::Timestamp => (timestamp(text, false).map(Literal::Timestamp), "2026-01-31 23:59:59"),
            _ => (timestamp(text, true).map(Literal::Timestamp), "2026-01-31 23:59:59Z"),
        };
        match value {
            Some(value) => Some(Expr::literal(value, kind, at)),
            None => {
                let error = at.error(format!("this text is not a {kind}"));
                self.note(error.help(format!("a {kind} is written like '{example}'")))
            }
        }
    }

    /// Brings expressions to one type. `what` names them in the message.
    pub(super) fn alike(&mut self, exprs: Vec<Expr>, what: &str, at: Place) -> Option<Vec<Expr>> {
        if self.is_spark() {
            return self.spark_alike(exprs, at);
        }
        match meet(&exprs) {
            Ok(Some(kind)) => Some(exprs.into_iter().map(|e| coerce(e, kind)).collect()),
            Ok(None) => Some(exprs),
            Err((a, b)) => self.refuse(at, format!("{what} are of different types, {a} and {b}")),
        }
    }
}

/// The type all expressions can take without loss; `None` when all are null without a type.
pub(super) fn meet(exprs: &[Expr]) -> Result<Option<Type>, (Type, Type)> {
    let typed = exprs.iter().filter(|e| e.node != Node::Untyped);
    let with_decimal = exprs.iter().any(|e| matches!(e.kind, Type::Decimal { .. }));
    let mut met = None;
    for expr in typed {
        let kind = if with_decimal { narrow(expr) } else { expr.kind };
        met = Some(match met {
            None => kind,
            Some(other) => common(other, kind).ok_or((other, kind))?,
        });
    }
    Ok(met)
}

/// The type of an operand of exact arithmetic: a whole literal needs only its own digits.
pub(super) fn narrow(expr: &Expr) -> Type {
    match expr.node {
        Node::Literal(Literal::Integer(n)) => {
            let digits = n.unsigned_abs().checked_ilog10().map_or(1, |d| d + 1);
            decimal(u8::try_from(digits).unwrap_or(MAX_PRECISION), 0)
        }
        _ => expr.kind,
    }
}

/// The expression as `kind`, which it can take without loss. Literals change at once.
pub(super) fn coerce(expr: Expr, kind: Type) -> Expr {
    if expr.node == Node::Untyped {
        return Expr::literal(Literal::Null, kind, expr.at);
    }
    if expr.kind == kind {
        return expr;
    }
    match widened(&expr, kind) {
        Some(value) => Expr::literal(value, kind, expr.at),
        None => wrap(expr, kind),
    }
}

fn wrap(expr: Expr, kind: Type) -> Expr {
    let (nullable, at) = (expr.nullable, expr.at);
    Expr { node: Node::Cast(Box::new(expr)), kind, nullable, at }
}

fn widened(expr: &Expr, kind: Type) -> Option<Literal> {
    let Node::Literal(value) = &expr.node else { return None };
    match (value, kind) {
        (Literal::Null, _) => Some(Literal::Null),
        (Literal::Integer(n), Type::Int64) => Some(Literal::Integer(*n)),
        (Literal::Integer(n), Type::Decimal { precision, scale }) => scaled(i128::from(*n), precision, scale),
        (Literal::Decimal(units), Type::Decimal { precision, scale }) => {
            let (_, own) = expr.kind.digits()?;
            scaled(*units, precision, scale.checked_sub(own)?)
        }
        (Literal::Date(days), Type::Timestamp) => Some(Literal::Timestamp(i64::from(*days) * 86_400_000_000)),
        _ => None,
    }
}

fn scaled(units: i128, precision: u8, places: u8) -> Option<Literal> {
    let units = units.checked_mul(10i128.checked_pow(u32::from(places))?)?;
    let digits = exact_text(units.abs(), 0).len();
    (digits <= usize::from(precision)).then_some(Literal::Decimal(units))
}

fn castable(from: Type, to: Type) -> bool {
    match (from, to) {
        (a, b) if a.is_number() && b.is_number() => true,
        (Type::String, _) | (_, Type::String) => true,
        (Type::Date, Type::Timestamp) => true,
        (a, Type::Date | Type::Timestamp | Type::TimestampUtc) if a.is_timestamp() => true,
        _ => false,
    }
}

/// The type that a SQL name stands for, or why it is refused.
pub(super) fn named_type(data_type: &DataType) -> Result<Type, String> {
    Ok(match data_type {
        DataType::Boolean | DataType::Bool => Type::Boolean,
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => Type::Int32,
        DataType::BigInt(None) | DataType::Int8(None) => Type::Int64,
        DataType::Decimal(info) | DataType::Numeric(info) | DataType::Dec(info) => return decimal_of(info),
        DataType::DoublePrecision | DataType::Double(ExactNumberInfo::None) | DataType::Float8 => Type::Double,
        DataType::Varchar(None) | DataType::CharacterVarying(None) | DataType::CharVarying(None) | DataType::Text => {
            Type::String
        }
        DataType::Varchar(_) | DataType::CharacterVarying(_) | DataType::Character(_) | DataType::Char(_) => {
            return Err("a cast to text with a length cuts it off silently; write `varchar`, or `substring`".to_owned());
        }
        DataType::Date => Type::Date,
        DataType::Timestamp(None | Some(6), TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => Type::Timestamp,
        DataType::Timestamp(None | Some(6), TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => Type::TimestampUtc,
        other => {
            let name = other.to_string().to_lowercase();
            return Err(format!(
                "the type `{name}` is not in the subset; there are boolean, int, bigint, decimal(p,s), \
                 double precision, varchar, date, timestamp, timestamp with time zone"
            ));
        }
    })
}

fn decimal_of(info: &ExactNumberInfo) -> Result<Type, String> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => return Err("write the digits of the decimal, as in `decimal(15,2)`".to_owned()),
        ExactNumberInfo::Precision(p) => (*p, 0),
        ExactNumberInfo::PrecisionAndScale(p, s) => (*p, *s),
    };
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision @ 1..=MAX_PRECISION), Ok(scale)) if scale <= precision => Ok(Type::Decimal { precision, scale }),
        _ => Err("a decimal has 1 to 38 digits, and a scale from 0 to that many".to_owned()),
    }
}
