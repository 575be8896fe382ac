//! Spark's names of functions.

use sqlparser::ast::{Expr as Ast, Function as Written, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::binary::{is_days, later};
use super::call;
use super::coerce::cast;
use crate::bind::Binder;
use crate::bind::expr::{Context, case, integer, not};
use crate::error::Place;
use crate::literal::Literal;
use crate::plan::{Expr, Function, Node, Part, Side};
use crate::types::Type;

impl Binder<'_> {
    /// A function of Spark's; `None` for one that the gold language has and that means the same.
    pub(in crate::bind) fn spark_function(
        &mut self,
        name: &str,
        written: &Written,
        at: Place,
        cx: &Context<'_>,
    ) -> Option<Option<Expr>> {
        let plain = written.over.is_none() && written.filter.is_none() && written.within_group.is_empty();
        let list = if plain { operands(&written.args)? } else { return None };
        Some(match (name, list.as_slice()) {
            ("current_timestamp" | "now", []) => {
                Some(Expr::literal(Literal::Timestamp(self.now()), Type::TimestampUtc, at))
            }
            ("current_date" | "curdate", []) => Some(Expr::literal(Literal::Date(self.today()), Type::Date, at)),
            ("nvl" | "ifnull", [a, b]) => self.first_of(&[*a, *b], at, cx),
            ("coalesce", [_, ..]) => self.first_of(&list, at, cx),
            ("nvl2", [x, a, b]) => self.expr(x, cx).and_then(|x| self.choice(present(x, at), a, b, at, cx)),
            ("if" | "iff", [test, a, b]) => {
                self.boolean(test, cx, "the condition of `if`").and_then(|test| self.choice(test, a, b, at, cx))
            }
            ("isnull", [x]) => self.expr(x, cx).map(|x| not(present(x, at), at)),
            ("isnotnull", [x]) => self.expr(x, cx).map(|x| present(x, at)),
            ("isnan", [x]) => self.number_of(x, cx).map(|x| {
                let test = call(Function::IsNan, vec![cast(x, Type::Double)], Type::Boolean, at);
                // Null is no NaN.
                Expr { node: Node::Is(Box::new(test), true), kind: Type::Boolean, nullable: false, at }
            }),
            ("mod", [a, b]) => self.remainder(a, b, at, cx),
            ("abs" | "floor" | "ceil" | "ceiling" | "round" | "negative", _) => self.scalar_number(name, &list, at, cx),
            ("concat", [_, ..]) => return None,
            ("upper" | "ucase", [x]) => self.text(x, cx, name).map(|x| of_text(Node::Upper, x, at)),
            ("lower" | "lcase", [x]) => self.text(x, cx, name).map(|x| of_text(Node::Lower, x, at)),
            ("ltrim" | "rtrim" | "trim", [x]) => {
                let side = match name {
                    "ltrim" => Side::Leading,
                    "rtrim" => Side::Trailing,
                    _ => Side::Both,
                };
                self.text(x, cx, name).map(|x| {
                    let nullable = x.nullable;
                    Expr { node: Node::Trim(side, Box::new(x), " ".to_owned()), kind: Type::String, nullable, at }
                })
            }
            ("length" | "len" | "char_length" | "character_length", [x]) => {
                self.text(x, cx, name).map(|x| call(Function::Length, vec![x], Type::Int32, at))
            }
            ("substr" | "substring", [x, from]) => {
                self.text(x, cx, name).and_then(|x| self.spark_substring(x, Some(from), None, at, cx))
            }
            ("substr" | "substring", [x, from, length]) => {
                self.text(x, cx, name).and_then(|x| self.spark_substring(x, Some(from), Some(length), at, cx))
            }
            ("contains" | "startswith" | "endswith", [x, y]) => {
                let function = match name {
                    "contains" => Function::Contains,
                    "startswith" => Function::StartsWith,
                    _ => Function::EndsWith,
                };
                let (x, y) = (self.text(x, cx, name), self.text(y, cx, name));
                x.zip(y).map(|(x, y)| call(function, vec![x, y], Type::Boolean, at))
            }
            ("rlike" | "regexp" | "regexp_like", [x, pattern]) => {
                self.text(x, cx, name).and_then(|x| self.matching(x, pattern, at))
            }
            (
                "count_if" | "variance" | "var_samp" | "var_pop" | "std" | "stddev" | "stddev_samp" | "stddev_pop",
                [x],
            ) => self.spread(name, x, at, cx),
            ("to_date" | "date", [x]) => self.calendar(x, Type::Date, at, cx),
            ("to_timestamp" | "timestamp", [x]) => self.calendar(x, Type::TimestampUtc, at, cx),
            ("date_add" | "date_sub" | "datediff" | "date_diff", [a, b]) => self.days(name, a, b, at, cx),
            ("string" | "tinyint" | "smallint" | "int" | "bigint" | "float" | "double" | "boolean", [x]) => {
                let kind = match name {
                    "string" => Type::String,
                    "tinyint" => Type::Int8,
                    "smallint" => Type::Int16,
                    "float" => Type::Float,
                    "int" => Type::Int32,
                    "bigint" => Type::Int64,
                    "double" => Type::Double,
                    _ => Type::Boolean,
                };
                self.expr(x, cx).and_then(|x| self.castable(x, kind, at))
            }
            (_, [x]) => match part(name) {
                Some(part) => self.part_of(part, name == "dayofweek", x, at, cx),
                None => return None,
            },
            _ => return None,
        })
    }

    fn first_of(&mut self, list: &[&Ast], at: Place, cx: &Context<'_>) -> Option<Expr> {
        let list: Vec<Expr> = list.iter().map(|x| self.expr(x, cx)).collect::<Option<_>>()?;
        let list = self.spark_alike(list, at)?;
        if list.iter().all(|e| e.node == Node::Untyped) {
            return list.into_iter().next();
        }
        let (kind, nullable) = (list.first()?.kind, list.iter().all(|e| e.nullable));
        Some(Expr { node: Node::Coalesce(list), kind, nullable, at })
    }

    fn choice(&mut self, test: Expr, a: &Ast, b: &Ast, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let results = vec![self.expr(a, cx)?, self.expr(b, cx)?];
        let results = self.spark_alike(results, at)?;
        if results.iter().all(|result| result.node == Node::Untyped) {
            return results.into_iter().next();
        }
        Some(case(vec![test], results, at))
    }

    fn calendar(&mut self, x: &Ast, kind: Type, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let x = self.expr(x, cx)?;
        self.castable(x, kind, at)
    }

    fn days(&mut self, name: &str, a: &Ast, b: &Ast, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let date = self.calendar(a, Type::Date, at, cx)?;
        if name.ends_with("diff") {
            let from = self.calendar(b, Type::Date, at, cx)?;
            return Some(call(Function::DaysBetween, vec![date, from], Type::Int32, at));
        }
        let days = self.expr(b, cx)?;
        if days.node != Node::Untyped && !is_days(days.kind) {
            return self.refuse(at, format!("`{name}` takes a whole number of days of 32 bits"));
        }
        Some(later(date, days, name == "date_sub", at))
    }

    fn part_of(&mut self, part: Part, from_one: bool, x: &Ast, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let of_day = matches!(part, Part::Hour | Part::Minute | Part::Second);
        let x = self.calendar(x, if of_day { Type::TimestampUtc } else { Type::Date }, at, cx)?;
        let kind = if part == Part::Second { Type::Decimal { precision: 8, scale: 6 } } else { Type::Int32 };
        let taken = cast(Expr { node: Node::Extract(part, Box::new(x)), kind, nullable: true, at }, Type::Int32);
        Some(if from_one { call(Function::Add, vec![taken, integer(1, at)], Type::Int32, at) } else { taken })
    }
}

fn of_text(node: fn(Box<Expr>) -> Node, x: Expr, at: Place) -> Expr {
    let nullable = x.nullable;
    Expr { node: node(Box::new(x)), kind: Type::String, nullable, at }
}

fn present(x: Expr, at: Place) -> Expr {
    let x = if x.node == Node::Untyped { cast(x, Type::Boolean) } else { x };
    let test = Expr { node: Node::IsNull(Box::new(x)), kind: Type::Boolean, nullable: false, at };
    not(test, at)
}

/// The plain operands of a call; `None` where there is more between the brackets.
fn operands(args: &FunctionArguments) -> Option<Vec<&Ast>> {
    match args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::List(list) if list.duplicate_treatment.is_none() && list.clauses.is_empty() => {
            let operand = |arg| match arg {
                &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Some(expr),
                _ => None,
            };
            list.args.iter().map(operand).collect()
        }
        _ => None,
    }
}

fn part(name: &str) -> Option<Part> {
    Some(match name {
        "year" => Part::Year,
        "quarter" => Part::Quarter,
        "month" => Part::Month,
        "weekofyear" => Part::Week,
        "day" | "dayofmonth" => Part::Day,
        "dayofweek" => Part::DayOfWeek,
        "dayofyear" => Part::DayOfYear,
        "hour" => Part::Hour,
        "minute" => Part::Minute,
        "second" => Part::Second,
        _ => return None,
    })
}
