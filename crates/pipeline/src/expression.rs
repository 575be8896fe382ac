//! Expressions of a contract: exact arithmetic and comparison over the columns of one record.

mod kind;
mod parse;
mod print;
mod token;

pub(crate) use kind::Kind;
pub(crate) use parse::parse_over;

use crate::diagnostic::TextMistake;
use std::cmp::Ordering;

/// The greatest number of digits: what 128 bits hold, and PostgreSQL, Delta and Redshift share.
pub const DIGITS: u8 = 38;

/// An exact decimal: `unscaled / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    pub unscaled: i128,
    pub scale: u8,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Column(String),
    Number(Number),
    Text(String),
    Absolute(Box<Expression>),
    Negate(Box<Expression>),
    Arithmetic(Box<Expression>, Arithmetic, Box<Expression>),
    Compare(Box<Expression>, Comparison, Box<Expression>),
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    /// `date(x)`: the day (UTC) of a timestamp or an instant.
    DateOf(Box<Expression>),
    /// `file_date()`: the date of the file that holds the record.
    FileDate,
    /// `starts_with(x, 'C')`.
    StartsWith(Box<Expression>, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Expression {
    /// Parses without knowing the columns: `abs(a - b * c) <= 0.01 and not d = 'x'`.
    pub fn parse(text: &str) -> Result<Expression, TextMistake> {
        parse::parse(text)
    }

    /// The columns that it reads, in order of first use.
    pub fn columns(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        self.visit(&mut |part| match part {
            Expression::Column(name) if !names.contains(&name.as_str()) => names.push(name),
            _ => {}
        });
        names
    }

    /// Whether `file_date()` stands in it.
    pub fn uses_file_date(&self) -> bool {
        let mut uses = false;
        self.visit(&mut |part| uses |= *part == Expression::FileDate);
        uses
    }

    fn visit<'e>(&'e self, look: &mut impl FnMut(&'e Expression)) {
        look(self);
        match self {
            Expression::Column(_) | Expression::Number(_) | Expression::Text(_) | Expression::FileDate => {}
            Expression::Absolute(inner)
            | Expression::Negate(inner)
            | Expression::Not(inner)
            | Expression::DateOf(inner)
            | Expression::StartsWith(inner, _) => {
                inner.visit(look);
            }
            Expression::Arithmetic(left, _, right)
            | Expression::Compare(left, _, right)
            | Expression::And(left, right)
            | Expression::Or(left, right) => {
                left.visit(look);
                right.visit(look);
            }
        }
    }
}

impl Number {
    /// Reads `12`, `-0.50`: digits, at most 38, with a point between digits if at all. Keeps trailing zeros.
    pub fn parse(text: &str) -> Option<Number> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() + fraction.len() > usize::from(DIGITS) {
            return None;
        }
        let unscaled: i128 = format!("0{whole}{fraction}").parse().ok()?;
        let scale = u8::try_from(fraction.len()).ok()?;
        Some(Number { unscaled: if negative { -unscaled } else { unscaled }, scale })
    }

    /// Compares the values: `1.0` equals `1`. Scales are those that `parse` gives, at most 38.
    pub fn compare(self, other: Number) -> Ordering {
        let parts = |number: Number| {
            let one = 10i128.pow(u32::from(number.scale.min(DIGITS)));
            let fraction = number.unscaled.rem_euclid(one) * 10i128.pow(u32::from(DIGITS.saturating_sub(number.scale)));
            (number.unscaled.div_euclid(one), fraction)
        };
        parts(self).cmp(&parts(other))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_exact() {
        let number = |unscaled, scale| Some(Number { unscaled, scale });
        for (text, expected) in [
            ("0", number(0, 0)),
            ("007", number(7, 0)),
            ("0.010", number(10, 3)),
            ("-12.5", number(-125, 1)),
            ("0.1000000000000000000000000000000000001", number(1_000_000_000_000_000_000_000_000_000_000_000_001, 37)),
            ("99999999999999999999999999999999999999", number(10i128.pow(38) - 1, 0)),
            ("100000000000000000000000000000000000000", None),
            ("1.", None),
            (".5", None),
            ("", None),
            ("-", None),
            ("1e5", None),
            ("1.2.3", None),
            ("١", None),
        ] {
            assert_eq!(Number::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn columns_are_listed_once() {
        let expression = Expression::parse("abs(a - b * a) <= 0.01 or c = 'a' and not d").unwrap();
        assert_eq!(expression.columns(), ["a", "b", "c", "d"]);
    }

    proptest! {
        #[test]
        fn numbers_compare_by_value(a in -10_000i64..10_000, b in -10_000i64..10_000, s in 0u8..4, t in 0u8..4) {
            let (x, y) = (Number { unscaled: a.into(), scale: s }, Number { unscaled: b.into(), scale: t });
            let (left, right) = (a * 10i64.pow(3 - u32::from(s)), b * 10i64.pow(3 - u32::from(t)));
            prop_assert_eq!(x.compare(y), left.cmp(&right));
        }
    }
}
