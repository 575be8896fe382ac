//! What Spark takes and means where the gold language differs: texts that are numbers, null instead of a failure.

mod aggregate;
mod binary;
mod coerce;
mod function;
mod scalar;
mod subquery;

use sqlparser::ast::{
    CeilFloorKind, DataType, DateTimeField, ExactNumberInfo, Expr as Ast, Spanned, TimezoneInfo, UnaryOperator, Value,
    ValueWithSpan,
};

pub(super) use self::aggregate::spark_aggregate;
pub(crate) use self::coerce::spark_compared;
pub(super) use self::coerce::{cast, spark_joint};
pub(super) use self::subquery::{Beside, gives_one_row};
use super::Binder;
use super::expr::{Context, integer, not};
use crate::dialect::Dialect;
use crate::error::Place;
use crate::literal::{Literal, exact};
use crate::plan::{Expr, Function, Node};
use crate::spark;
use crate::types::{MAX_PRECISION, Type, decimal};

impl Binder<'_> {
    pub(super) fn is_spark(&self) -> bool {
        matches!(self.dialect, Dialect::Spark { .. })
    }

    /// Microseconds since 1970-01-01, for `current_timestamp()`.
    fn now(&self) -> i64 {
        match self.dialect {
            Dialect::Spark { now } => now,
            Dialect::Gold => 0,
        }
    }

    /// Expressions that the gold language has not.
    pub(super) fn spark_expr(&mut self, ast: &Ast, at: Place, cx: &Context<'_>) -> Option<Expr> {
        match ast {
            Ast::RLike { negated, expr, pattern, .. } => {
                let x = self.text(expr, cx, "rlike")?;
                let test = self.matching(x, pattern, at)?;
                Some(if *negated { not(test, at) } else { test })
            }
            Ast::IsNotDistinctFrom(a, b) => self.same(a, b, at, cx),
            Ast::IsDistinctFrom(a, b) => self.same(a, b, at, cx).map(|test| not(test, at)),
            Ast::Floor { expr, field } if plain_rounding(field) => self.whole(Function::Floor, expr, at, cx),
            Ast::Ceil { expr, field } if plain_rounding(field) => self.whole(Function::Ceil, expr, at, cx),
            Ast::Subquery(query) => self.scalar_query(query, at),
            Ast::Exists { subquery, negated } => self.exists(subquery, *negated, at, cx),
            Ast::InSubquery { expr, subquery, negated } => self.in_query(expr, subquery, *negated, at, cx),
            other => self.outside(other, at),
        }
    }

    /// `-5`: the sign is a part of a number that it stands before.
    pub(super) fn spark_negative(&mut self, operand: &Ast, op: UnaryOperator, at: Place) -> Option<Expr> {
        let Ast::Value(ValueWithSpan { value: Value::Number(text, long), .. }) = operand else { return None };
        if !self.is_spark() || op != UnaryOperator::Minus || text.contains(['e', 'E']) {
            return None;
        }
        let text = format!("-{text}");
        match text.parse::<i64>() {
            Ok(n) if *long => Some(Expr::literal(Literal::Integer(n), Type::Int64, at)),
            Ok(n) => Some(integer(n, at)),
            Err(_) if *long => None,
            Err(_) => exact(&text).map(|n| Expr::literal(Literal::Decimal(n.units), decimal(n.precision, n.scale), at)),
        }
    }

    /// `5L`.
    pub(super) fn long(&mut self, text: &str, at: Place) -> Option<Expr> {
        match text.parse() {
            Ok(n) => Some(Expr::literal(Literal::Integer(n), Type::Int64, at)),
            Err(_) => self.refuse(at, "this is no whole number of 64 bits"),
        }
    }

    /// `date '...'` and `timestamp '...'`.
    pub(super) fn spark_dated(&mut self, text: &str, kind: Type, at: Place) -> Option<Expr> {
        let (value, kind) = match kind {
            Type::Date => (spark::date(text).map(Literal::Date), kind),
            _ => (spark::timestamp(text, self.today()).map(Literal::Timestamp), Type::TimestampUtc),
        };
        match value {
            Some(value) => Some(Expr::literal(value, kind, at)),
            None => self.refuse(at, format!("this text is not a {kind}")),
        }
    }

    pub(super) fn spark_cast(&mut self, operand: &Ast, to: &DataType, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let Some(kind) = named_type(to) else {
            return self.refuse(at, format!("the type `{}` is not in the subset", to.to_string().to_lowercase()));
        };
        let inner = self.expr(operand, cx)?;
        self.castable(inner, kind, at)
    }

    /// A cast that Spark has and that means the same here.
    fn castable(&mut self, inner: Expr, kind: Type, at: Place) -> Option<Expr> {
        let calendar = |kind: Type| kind == Type::Date || kind.is_timestamp();
        let numeric = |kind: Type| kind.is_number() || kind == Type::Boolean;
        let refused = inner.node != Node::Untyped
            && (numeric(inner.kind) && calendar(kind) || inner.kind == Type::Date && numeric(kind));
        if refused || inner.kind.is_timestamp() && kind == Type::Boolean {
            return self.refuse(at, format!("a cast of {} to {kind} is not in the subset", inner.kind));
        }
        // A number that was cast is no literal any more, and decimals beside it are of other types.
        Some(match inner.node {
            Node::Literal(Literal::Integer(_)) => computed(inner, kind, at),
            _ => self.cast_at(inner, kind),
        })
    }

    /// A cast whose result may hang on the day: of a text that is a time alone.
    fn cast_at(&self, inner: Expr, kind: Type) -> Expr {
        if inner.kind != Type::String || inner.node == Node::Untyped || !kind.is_timestamp() {
            return cast(inner, kind);
        }
        let at = inner.at;
        call(Function::Instant(self.today()), vec![inner], kind, at)
    }

    /// Days since 1970-01-01.
    fn today(&self) -> i32 {
        i32::try_from(self.now().div_euclid(86_400_000_000)).unwrap_or(0)
    }

    /// A condition of a `case`: Spark takes no bare null there.
    pub(super) fn told(&mut self, condition: Expr) -> Option<Expr> {
        let bare = condition.node == Node::Literal(Literal::Null);
        if bare && self.is_spark() {
            return self.refuse(condition.at, "a condition of `case` that is null");
        }
        Some(condition)
    }

    pub(super) fn spark_substring(
        &mut self,
        text: Expr,
        from: Option<&Ast>,
        length: Option<&Ast>,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        let Some(from) = from else { return self.refuse(at, "`substring` needs its first position") };
        let mut operands = vec![text];
        for ast in std::iter::once(from).chain(length) {
            let operand = self.expr(ast, cx)?;
            operands.push(self.position_of(operand)?);
        }
        Some(call(Function::Substring, operands, Type::String, at))
    }

    /// A whole number of 32 bits, from what Spark makes one of without being asked.
    fn position_of(&mut self, x: Expr) -> Option<Expr> {
        match x.kind {
            kind if x.node == Node::Untyped || kind.is_number() || kind == Type::String => Some(cast(x, Type::Int32)),
            kind => self.refuse(x.at, format!("a whole number stands here, and this is {kind}")),
        }
    }

    /// Whether a text holds a match of a literal pattern.
    fn matching(&mut self, x: Expr, pattern: &Ast, at: Place) -> Option<Expr> {
        let Ast::Value(ValueWithSpan { value: Value::SingleQuotedString(pattern), .. }) = pattern else {
            return self.refuse(pattern.span(), "a pattern is a literal text");
        };
        match portable(pattern) {
            Some(pattern) if !crate::lower::is_pattern(&pattern) => {
                self.refuse(at, "this pattern is not one here: it is not closed, or too large")
            }
            Some(pattern) => Some(call(Function::Matches(pattern), vec![x], Type::Boolean, at)),
            None => self.refuse(at, "this pattern means other things to Java than here"),
        }
    }

    fn whole(&mut self, function: Function, operand: &Ast, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let x = self.number_of(operand, cx)?;
        Some(match x.kind {
            Type::Decimal { scale: 0, .. } => x,
            Type::Decimal { precision, scale } => call(function, vec![x], decimal(precision - scale + 1, 0), at),
            kind if kind.is_integer() => computed(x, Type::Int64, at),
            _ => call(function, vec![x], Type::Int64, at),
        })
    }

    /// A number, also one that a text holds.
    fn number_of(&mut self, ast: &Ast, cx: &Context<'_>) -> Option<Expr> {
        let x = self.expr(ast, cx)?;
        match x.kind {
            _ if x.node == Node::Untyped => Some(cast(x, Type::Double)),
            Type::String => Some(cast(x, Type::Double)),
            kind if kind.is_number() => Some(x),
            kind => self.refuse(ast.span(), format!("a number stands here, and this is {kind}")),
        }
    }
}

/// A whole number that is not a literal, even where its operand is one: beside a decimal it has all digits of its type.
pub(super) fn computed(x: Expr, kind: Type, at: Place) -> Expr {
    call(Function::Cast, vec![x], kind, at)
}

/// A function of Spark's over operands that have its types.
fn call(function: Function, operands: Vec<Expr>, kind: Type, at: Place) -> Expr {
    Expr { node: Node::Function(function, operands), kind, nullable: true, at }
}

/// `1.5e3`.
pub(super) fn double(text: &str, at: Place) -> Expr {
    let text = Expr::literal(Literal::Text(text.to_owned()), Type::String, at);
    cast(text, Type::Double)
}

fn plain_rounding(field: &CeilFloorKind) -> bool {
    matches!(field, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime))
}

/// A pattern of Java's in the terms of the engine, where both mean the same by it: classes of ASCII, no lookaround, no
/// back reference.
fn portable(pattern: &str) -> Option<String> {
    let mut text = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let (mut class, mut depth) = (false, 0);
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let inside = |set: &str| if class { set.to_owned() } else { format!("[{set}]") };
                match chars.next()? {
                    'd' => text += &inside("0-9"),
                    'w' => text += &inside("a-zA-Z0-9_"),
                    's' => text += &inside(" \\t\\n\\x0B\\f\\r"),
                    'D' if !class => text += "[^0-9]",
                    'W' if !class => text += "[^a-zA-Z0-9_]",
                    'S' if !class => text += "[^ \\t\\n\\x0B\\f\\r]",
                    c if c.is_ascii_punctuation() => text.extend(['\\', c]),
                    c @ ('n' | 't' | 'r') => text.extend(['\\', c]),
                    _ => return None,
                }
                continue;
            }
            '[' if class => return None,
            '[' => class = true,
            ']' => class = false,
            '&' if class && chars.peek() == Some(&'&') => return None,
            '(' if !class && chars.peek() == Some(&'?') => return None,
            '*' | '+' | '?' | '}' if !class && matches!(chars.peek(), Some('+' | '*' | '{')) => return None,
            '(' if !class => depth += 1,
            ')' if !class => depth -= 1,
            // Java's `$` also stands before a last line end, its `.` before none of several ones.
            '$' if !class => {
                let last = chars.clone().all(|c| c == ')') || depth == 0 && chars.peek() == Some(&'|');
                if !last {
                    return None;
                }
                text += "(?:(?:\\r\\n|[\\n\\r\\u0085\\u2028\\u2029])?\\z)";
                continue;
            }
            '.' if !class => {
                text += "[^\\n\\r\\u0085\\u2028\\u2029]";
                continue;
            }
            _ => {}
        }
        text.push(c);
    }
    Some(text)
}

/// The type that a name of Spark's stands for.
fn named_type(name: &DataType) -> Option<Type> {
    Some(match name {
        DataType::Boolean => Type::Boolean,
        DataType::TinyInt(None) => Type::Int8,
        DataType::SmallInt(None) => Type::Int16,
        DataType::Float(ExactNumberInfo::None) | DataType::Real => Type::Float,
        DataType::Int(None) | DataType::Integer(None) => Type::Int32,
        DataType::BigInt(None) => Type::Int64,
        DataType::Decimal(info) | DataType::Numeric(info) | DataType::Dec(info) => match info {
            ExactNumberInfo::None => Type::Decimal { precision: 10, scale: 0 },
            ExactNumberInfo::Precision(p) => digits(*p, 0)?,
            ExactNumberInfo::PrecisionAndScale(p, s) => digits(*p, *s)?,
        },
        DataType::Double(ExactNumberInfo::None) => Type::Double,
        DataType::String(None) => Type::String,
        DataType::Date => Type::Date,
        DataType::Timestamp(None, TimezoneInfo::None) => Type::TimestampUtc,
        DataType::Custom(name, arguments) if arguments.is_empty() => {
            match name.to_string().to_ascii_lowercase().as_str() {
                "byte" => Type::Int8,
                "short" => Type::Int16,
                "long" => Type::Int64,
                "string" => Type::String,
                _ => return None,
            }
        }
        _ => return None,
    })
}

fn digits(precision: u64, scale: i64) -> Option<Type> {
    let (precision, scale) = (u8::try_from(precision).ok()?, u8::try_from(scale).ok()?);
    ((1..=MAX_PRECISION).contains(&precision) && scale <= precision).then_some(Type::Decimal { precision, scale })
}
