//! Expressions: the constructs of the subset, and the names of those outside it.

use sqlparser::ast::{
    CaseWhen, CastKind, DataType, DateTimeField, Expr as Ast, FunctionArguments, Spanned, TrimWhereField, TypedString,
    UnaryOperator, Value, ValueWithSpan,
};

use super::Binder;
use super::cast::coerce;
use super::scope::Scope;
use super::spark;
use crate::error::{Cause, Place};
use crate::literal::{Literal, exact};
use crate::plan::{Comparison, Expr, Node, Part, Side};
use crate::types::{Type, decimal};

/// What the clause that an expression stands in allows.
#[derive(Clone, Copy)]
pub(super) struct Context<'s> {
    pub scope: &'s Scope,
    /// Why an aggregate cannot stand here, as the end of a sentence.
    pub aggregates: Option<&'static str>,
    pub windows: Option<&'static str>,
}

impl<'s> Context<'s> {
    /// Neither aggregates nor windows.
    pub fn plain(scope: &'s Scope, place: &'static str) -> Self {
        Self { scope, aggregates: Some(place), windows: Some(place) }
    }

    pub fn having(scope: &'s Scope) -> Self {
        Self { scope, aggregates: None, windows: Some("in having") }
    }

    pub fn select(scope: &'s Scope) -> Self {
        Self { scope, aggregates: None, windows: None }
    }
}

impl Binder<'_> {
    /// An expression whose type is known on its own.
    pub(super) fn typed(&mut self, ast: &Ast, cx: &Context<'_>) -> Option<Expr> {
        let expr = self.expr(ast, cx)?;
        if expr.node == Node::Untyped {
            let error = expr.at.error("the type of this null is not known");
            return self.note(error.help("write `cast(null as ...)`"));
        }
        Some(expr)
    }

    /// A condition.
    pub(super) fn boolean(&mut self, ast: &Ast, cx: &Context<'_>, what: &str) -> Option<Expr> {
        let expr = self.expr(ast, cx)?;
        if expr.node != Node::Untyped && expr.kind != Type::Boolean {
            return self.refuse(expr.at, format!("{what} is true, false or null, and this is {}", expr.kind));
        }
        Some(coerce(expr, Type::Boolean))
    }

    /// An operand of `is true` and its like: to Spark, a text can be one.
    pub(super) fn truth(&mut self, ast: &Ast, cx: &Context<'_>, what: &str) -> Option<Expr> {
        if !self.is_spark() {
            return self.boolean(ast, cx, what);
        }
        let expr = self.expr(ast, cx)?;
        match expr.kind {
            Type::String | Type::Boolean => Some(spark::cast(expr, Type::Boolean)),
            kind => self.refuse(expr.at, format!("{what} is true, false or null, and this is {kind}")),
        }
    }

    pub(super) fn expr(&mut self, ast: &Ast, cx: &Context<'_>) -> Option<Expr> {
        let at = Place::from(ast.span());
        match ast {
            Ast::Identifier(ident) => self.column(std::slice::from_ref(ident), at, cx),
            Ast::CompoundIdentifier(parts) => self.column(parts, at, cx),
            Ast::Nested(inner) => self.expr(inner, cx),
            Ast::Value(value) => self.value(value),
            Ast::TypedString(typed) => self.typed_string(typed, at),
            Ast::UnaryOp { op, expr } => self.unary(*op, expr, at, cx),
            Ast::BinaryOp { left, op, right } => self.binary(left, op, right, at, cx),
            Ast::IsNull(x) => self.is_null(x, false, at, cx),
            Ast::IsNotNull(x) => self.is_null(x, true, at, cx),
            Ast::IsTrue(x) => self.is(x, Some(true), false, at, cx),
            Ast::IsNotTrue(x) => self.is(x, Some(true), true, at, cx),
            Ast::IsFalse(x) => self.is(x, Some(false), false, at, cx),
            Ast::IsNotFalse(x) => self.is(x, Some(false), true, at, cx),
            Ast::IsUnknown(x) => self.is(x, None, false, at, cx),
            Ast::IsNotUnknown(x) => self.is(x, None, true, at, cx),
            Ast::InList { expr, list, negated } => self.in_list(expr, list, *negated, at, cx),
            Ast::Between { expr, negated, low, high } => self.between(expr, low, high, *negated, at, cx),
            Ast::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like(expr, pattern, escape_char.as_ref(), *negated, at, cx)
            }
            Ast::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), at, cx)
            }
            Ast::Cast { kind: CastKind::Cast, expr, data_type, array: false, format: None } => {
                self.cast(expr, data_type, at, cx)
            }
            Ast::Extract { field, expr, .. } => self.extract(field, expr, at, cx),
            Ast::Substring { expr, substring_from, substring_for, .. } => {
                self.substring(expr, substring_from.as_deref(), substring_for.as_deref(), at, cx)
            }
            Ast::Trim { trim_where, trim_what, expr, trim_characters: None } => {
                self.trim(*trim_where, trim_what.as_deref(), expr, at, cx)
            }
            // A bare `current_date` is a column where there is one of that name.
            Ast::Function(function) if self.is_spark() && function.args == FunctionArguments::None => {
                let names = super::from::identifiers(&function.name).unwrap_or_default();
                match cx.scope.find(&names, at) {
                    Ok(column) => Some(column),
                    Err(_) => self.function(function, at, cx),
                }
            }
            Ast::Function(function) => self.function(function, at, cx),
            other if self.is_spark() => self.spark_expr(other, at, cx),
            other => self.outside(other, at),
        }
    }

    fn column(&mut self, parts: &[sqlparser::ast::Ident], at: Place, cx: &Context<'_>) -> Option<Expr> {
        match cx.scope.find(parts, at) {
            Ok(expr) => Some(expr),
            Err(Some(_)) if parts.len() == 1 && self.given.iter().any(|n| n.eq_ignore_ascii_case(&parts[0].value)) => {
                self.refuse(at, format!("a column that uses another one of its select list, `{}`", parts[0].value))
            }
            // `trim(both from -x)`, which the parser takes for a subtraction.
            Err(Some(error))
                if self.is_spark() && error.cause == Cause::Name && parts[0].value.eq_ignore_ascii_case("from") =>
            {
                self.note(error.because(Cause::Subset))
            }
            Err(Some(error)) => self.note(error),
            Err(None) => None,
        }
    }

    fn value(&mut self, value: &ValueWithSpan) -> Option<Expr> {
        let at = Place::from(value.span);
        match &value.value {
            Value::Number(text, true) if self.is_spark() => self.long(text, at),
            Value::Number(text, false) if self.is_spark() && text.contains(['e', 'E']) => Some(spark::double(text, at)),
            Value::Number(text, false) => self.number(text, at),
            Value::SingleQuotedString(text) => Some(Expr::literal(Literal::Text(text.clone()), Type::String, at)),
            Value::Boolean(b) => Some(Expr::literal(Literal::Boolean(*b), Type::Boolean, at)),
            Value::Null => Some(Expr { node: Node::Untyped, kind: Type::String, nullable: true, at }),
            Value::Placeholder(_) => self.refuse(at, "a query has no parameters"),
            other => self.refuse(at, format!("`{other}` is not a literal of the subset")),
        }
    }

    fn number(&mut self, text: &str, at: Place) -> Option<Expr> {
        if !text.contains('.')
            && let Ok(n) = text.parse::<i64>()
        {
            return Some(integer(n, at));
        }
        match exact(text) {
            Some(n) => Some(Expr::literal(Literal::Decimal(n.units), decimal(n.precision, n.scale), at)),
            None if text.contains(['e', 'E']) => {
                self.refuse(at, "a number with an exponent is approximate; write its digits")
            }
            None => self.refuse(at, "a number has at most 38 digits"),
        }
    }

    fn typed_string(&mut self, typed: &TypedString, at: Place) -> Option<Expr> {
        let Value::SingleQuotedString(text) = &typed.value.value else {
            return self.refuse(at, "this literal is not in the subset");
        };
        let kind = match self.sql_type(&typed.data_type, at)? {
            kind @ (Type::Date | Type::Timestamp | Type::TimestampUtc) => kind,
            kind => return self.refuse(at, format!("write `cast('...' as {kind})`")),
        };
        if self.is_spark() {
            return self.spark_dated(text, kind, at);
        }
        self.text_as(text, kind, at)
    }

    fn unary(&mut self, op: UnaryOperator, operand: &Ast, at: Place, cx: &Context<'_>) -> Option<Expr> {
        match op {
            UnaryOperator::Not => {
                let inner = self.boolean(operand, cx, "the operand of `not`")?;
                Some(not(inner, at))
            }
            UnaryOperator::Minus | UnaryOperator::Plus => {
                let inner = match self.spark_negative(operand, op, at) {
                    Some(literal) => return Some(literal),
                    None => self.expr(operand, cx)?,
                };
                self.signed(inner, op == UnaryOperator::Minus, at)
            }
            other => self.refuse(at, format!("the operator `{other}` is not in the subset")),
        }
    }

    fn is_null(&mut self, operand: &Ast, negated: bool, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let inner = self.expr(operand, cx)?;
        let inner = if inner.node == Node::Untyped { coerce(inner, Type::Boolean) } else { inner };
        let test = Expr { node: Node::IsNull(Box::new(inner)), kind: Type::Boolean, nullable: false, at };
        Some(if negated { not(test, at) } else { test })
    }

    fn is(&mut self, operand: &Ast, value: Option<bool>, negated: bool, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let inner = match value {
            Some(_) => self.truth(operand, cx, "this operand of `is`")?,
            None => self.boolean(operand, cx, "this operand of `is`")?,
        };
        let inner = Box::new(inner);
        let node = match value {
            Some(value) => Node::Is(inner, value),
            None => Node::IsNull(inner),
        };
        let test = Expr { node, kind: Type::Boolean, nullable: false, at };
        Some(if negated { not(test, at) } else { test })
    }

    fn case(
        &mut self,
        operand: Option<&Ast>,
        arms: &[CaseWhen],
        otherwise: Option<&Ast>,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        let operand = match operand {
            Some(ast) => Some(self.typed(ast, cx)?),
            None => None,
        };
        let mut conditions = Vec::new();
        for arm in arms {
            conditions.push(match &operand {
                None => self.boolean(&arm.condition, cx, "a condition of `case`").and_then(|c| self.told(c)),
                Some(operand) => {
                    let value = self.expr(&arm.condition, cx);
                    let at = Place::from(arm.condition.span());
                    value.and_then(|value| self.compare(Comparison::Equal, operand.clone(), value, at))
                }
            });
        }
        let mut results: Vec<Option<Expr>> = arms.iter().map(|arm| self.expr(&arm.result, cx)).collect();
        results.push(match otherwise {
            Some(ast) => self.expr(ast, cx),
            None => Some(Expr { node: Node::Untyped, kind: Type::String, nullable: true, at }),
        });
        let conditions = conditions.into_iter().collect::<Option<Vec<_>>>()?;
        let results = self.alike(results.into_iter().collect::<Option<Vec<_>>>()?, "the results of this `case`", at)?;
        if results.iter().all(|result| result.node == Node::Untyped) {
            return results.into_iter().next();
        }
        Some(case(conditions, results, at))
    }

    fn extract(&mut self, field: &DateTimeField, operand: &Ast, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let inner = self.typed(operand, cx)?;
        let sunday_first = matches!(field, DateTimeField::Dow | DateTimeField::Isodow) && self.is_spark();
        let Some(part) = part(field).filter(|_| !sunday_first) else {
            let message = format!("`extract({} from ...)` is not in the subset", field.to_string().to_lowercase());
            let help = "there are year, quarter, month, week, day, dow, isodow, doy, hour, minute, second";
            return self.note(at.error(message).help(help));
        };
        let of_day = matches!(part, Part::Hour | Part::Minute | Part::Second);
        match inner.kind {
            Type::Date if of_day => return self.refuse(at, "a date has no time of day"),
            Type::Date | Type::Timestamp | Type::TimestampUtc => {}
            kind => return self.refuse(at, format!("`extract` takes a date or a timestamp, and this is {kind}")),
        }
        let kind = if part == Part::Second { decimal(8, 6) } else { Type::Int32 };
        let nullable = inner.nullable;
        Some(Expr { node: Node::Extract(part, Box::new(inner)), kind, nullable, at })
    }

    fn substring(
        &mut self,
        text: &Ast,
        from: Option<&Ast>,
        length: Option<&Ast>,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        let text = self.text(text, cx, "substring");
        if self.is_spark() {
            return self.spark_substring(text?, from, length, at, cx);
        }
        let Some(from) = from else { return self.refuse(at, "`substring` needs its first position") };
        let from = self.position(from, cx);
        let length = match length {
            Some(ast) => Some(self.position(ast, cx)?),
            None => None,
        };
        let (text, from) = (text?, from?);
        let nullable = text.nullable || from.nullable || length.as_ref().is_some_and(|l| l.nullable);
        let node = Node::Substring(Box::new(text), Box::new(from), length.map(Box::new));
        Some(Expr { node, kind: Type::String, nullable, at })
    }

    fn position(&mut self, ast: &Ast, cx: &Context<'_>) -> Option<Expr> {
        let expr = self.expr(ast, cx)?;
        if expr.node != Node::Untyped && !expr.kind.is_integer() {
            return self.refuse(expr.at, format!("a position in a text is a whole number, and this is {}", expr.kind));
        }
        Some(coerce(expr, Type::Int64))
    }

    fn trim(
        &mut self,
        side: Option<TrimWhereField>,
        what: Option<&Ast>,
        operand: &Ast,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Expr> {
        let inner = self.text(operand, cx, "trim");
        let character = match what {
            None => " ".to_owned(),
            Some(ast) => match self.expr(ast, cx)?.node {
                Node::Literal(Literal::Text(text)) if text.chars().count() == 1 => text,
                _ => return self.refuse(ast.span(), "`trim` takes away one character, written as a literal"),
            },
        };
        let side = match side {
            None | Some(TrimWhereField::Both) => Side::Both,
            Some(TrimWhereField::Leading) => Side::Leading,
            Some(TrimWhereField::Trailing) => Side::Trailing,
        };
        let inner = inner?;
        let nullable = inner.nullable;
        Some(Expr { node: Node::Trim(side, Box::new(inner), character), kind: Type::String, nullable, at })
    }

    /// An operand that must be text.
    pub(super) fn text(&mut self, ast: &Ast, cx: &Context<'_>, function: &str) -> Option<Expr> {
        let expr = self.expr(ast, cx)?;
        if self.is_spark() {
            return Some(spark::cast(expr, Type::String));
        }
        if expr.node != Node::Untyped && expr.kind != Type::String {
            let error = expr.at.error(format!("`{function}` takes text, and this is {}", expr.kind));
            return self.note(error.help("write `cast(... as varchar)`"));
        }
        Some(coerce(expr, Type::String))
    }

    pub(super) fn outside(&mut self, ast: &Ast, at: Place) -> Option<Expr> {
        let (construct, help) = match ast {
            Ast::Cast { kind: CastKind::DoubleColon, data_type, .. } => {
                ("`::`", Some(format!("write `cast(... as {})`", data_type.to_string().to_lowercase())))
            }
            Ast::Cast { .. } | Ast::Convert { .. } => ("this form of `cast`", None),
            Ast::Subquery(_) => ("a query inside an expression", Some("join a query named in `with`".to_owned())),
            Ast::InSubquery { .. } => ("`in (select ...)`", Some("join a query named in `with`".to_owned())),
            Ast::Exists { .. } => ("`exists`", Some("join a query named in `with`".to_owned())),
            Ast::ILike { .. } => ("`ilike`", Some("write `lower(...) like ...`".to_owned())),
            Ast::Like { .. } => ("`like any`", None),
            Ast::SimilarTo { .. } | Ast::RLike { .. } => ("matching a regular expression", None),
            Ast::IsDistinctFrom(..) | Ast::IsNotDistinctFrom(..) => ("`is distinct from`", None),
            Ast::Interval(_) => ("`interval`", None),
            Ast::AtTimeZone { .. } => ("`at time zone`", None),
            Ast::Floor { .. } => ("`floor`", None),
            Ast::Ceil { .. } => ("`ceil`", None),
            Ast::Position { .. } => ("`position`", None),
            Ast::Tuple(_) => ("a row of values", None),
            Ast::Array(_) => ("an array", None),
            Ast::AnyOp { .. } | Ast::AllOp { .. } => ("`any` and `all`", None),
            Ast::GroupingSets(_) | Ast::Cube(_) | Ast::Rollup(_) => ("`grouping sets`, `cube` and `rollup`", None),
            Ast::Collate { .. } => ("`collate`", None),
            Ast::Wildcard(_) | Ast::QualifiedWildcard(..) => ("`*` in this place", None),
            _ => ("this expression", None),
        };
        let verb = if construct.contains(" and `") { "are" } else { "is" };
        let error = at.error(format!("{construct} {verb} not in the subset"));
        self.note(match help {
            Some(help) => error.help(help),
            None => error,
        })
    }

    /// The type that `cast` names.
    pub(super) fn sql_type(&mut self, data_type: &DataType, at: Place) -> Option<Type> {
        match super::cast::named_type(data_type) {
            Ok(kind) => Some(kind),
            Err(message) => self.refuse(at, message),
        }
    }
}

/// A whole number of the smallest type that holds it.
pub(super) fn integer(n: i64, at: Place) -> Expr {
    let kind = if i32::try_from(n).is_ok() { Type::Int32 } else { Type::Int64 };
    Expr::literal(Literal::Integer(n), kind, at)
}

pub(super) fn not(inner: Expr, at: Place) -> Expr {
    let nullable = inner.nullable;
    Expr { node: Node::Not(Box::new(inner)), kind: Type::Boolean, nullable, at }
}

/// A `case` of conditions and one more result, all results of one type.
pub(super) fn case(conditions: Vec<Expr>, mut results: Vec<Expr>, at: Place) -> Expr {
    let nullable = results.iter().any(|r| r.nullable);
    let otherwise = results.pop().unwrap_or_else(|| Expr::literal(Literal::Null, Type::Boolean, at));
    let kind = otherwise.kind;
    let arms = conditions.into_iter().zip(results).collect();
    Expr { node: Node::Case(arms, Box::new(otherwise)), kind, nullable, at }
}

fn part(field: &DateTimeField) -> Option<Part> {
    Some(match field {
        DateTimeField::Year => Part::Year,
        DateTimeField::Quarter => Part::Quarter,
        DateTimeField::Month => Part::Month,
        DateTimeField::Week(None) => Part::Week,
        DateTimeField::Day => Part::Day,
        DateTimeField::Dow => Part::DayOfWeek,
        DateTimeField::Isodow => Part::IsoDayOfWeek,
        DateTimeField::Doy => Part::DayOfYear,
        DateTimeField::Hour => Part::Hour,
        DateTimeField::Minute => Part::Minute,
        DateTimeField::Second => Part::Second,
        _ => return None,
    })
}
