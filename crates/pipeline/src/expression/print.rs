//! Expressions and numbers as text that parses to the same again.

use super::{Arithmetic, Comparison, Expression, Number};
use std::fmt;

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expression::Column(name) => f.write_str(name),
            Expression::Number(number) => number.fmt(f),
            Expression::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Expression::Absolute(inner) => write!(f, "abs({inner})"),
            Expression::Negate(inner) => write!(f, "-{}", Within(inner, UNARY)),
            Expression::Not(inner) => write!(f, "not {}", Within(inner, NOT)),
            Expression::Arithmetic(left, sign, right) => {
                let level = level(self);
                write!(f, "{} {sign} {}", Within(left, level), Within(right, level + 1))
            }
            Expression::Compare(left, sign, right) => {
                write!(f, "{} {sign} {}", Within(left, SUM), Within(right, SUM))
            }
            Expression::And(left, right) => write!(f, "{} and {}", Within(left, AND), Within(right, AND + 1)),
            Expression::Or(left, right) => write!(f, "{} or {}", Within(left, OR), Within(right, OR + 1)),
            Expression::DateOf(inner) => write!(f, "date({inner})"),
            Expression::FileDate => f.write_str("file_date()"),
            Expression::StartsWith(inner, start) => write!(f, "starts_with({inner}, '{}')", start.replace('\'', "''")),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.unscaled.unsigned_abs(), width = scale + 1);
        match digits.split_at(digits.len() - scale) {
            (whole, "") => write!(f, "{sign}{whole}"),
            (whole, fraction) => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Arithmetic::Add => "+",
            Arithmetic::Subtract => "-",
            Arithmetic::Multiply => "*",
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "<>",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        })
    }
}

const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARE: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;
const UNARY: u8 = 7;
const SINGLE: u8 = 8;

fn level(expression: &Expression) -> u8 {
    match expression {
        Expression::Or(..) => OR,
        Expression::And(..) => AND,
        Expression::Not(_) => NOT,
        Expression::Compare(..) => COMPARE,
        Expression::Arithmetic(_, Arithmetic::Multiply, _) => PRODUCT,
        Expression::Arithmetic(..) => SUM,
        Expression::Negate(_) => UNARY,
        Expression::Number(number) if number.unscaled < 0 => UNARY,
        Expression::Column(_)
        | Expression::Number(_)
        | Expression::Text(_)
        | Expression::Absolute(_)
        | Expression::DateOf(_)
        | Expression::FileDate
        | Expression::StartsWith(..) => SINGLE,
    }
}

/// An operand, in parentheses where it binds less tightly than its place asks for.
struct Within<'e>(&'e Expression, u8);

impl fmt::Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if level(self.0) < self.1 { write!(f, "({})", self.0) } else { self.0.fmt(f) }
    }
}
