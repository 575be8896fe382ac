//! Functions, and lists of values: `starts_with(x, 'C')`, `x in ('a', 'b')`.

use super::{Expression, Kind, Node, Parsed, Parser, Token, binary, wrapped};
use crate::diagnostic::{TextMistake, closest};
use crate::expression::Comparison;
use std::ops::Range;

const FUNCTIONS: [&str; 4] = ["abs", "date", "file_date", "starts_with"];

impl Parser<'_> {
    /// Parses a call whose name was taken and whose `(` comes next.
    pub(super) fn call(&mut self, name: &str, range: Range<usize>) -> Parsed {
        self.next += 1;
        let node = match name {
            "abs" => self.absolute(range.start)?,
            "date" => self.date(range.start)?,
            "file_date" => Node { expression: Expression::FileDate, kind: Kind::Date, depth: 1, range: range.clone() },
            "starts_with" => self.starts_with(range.start)?,
            _ => {
                let message = format!("there is no function `{name}`; functions are {}", FUNCTIONS.join(", "));
                return Err(TextMistake::new(range, message).suggesting(closest(name, FUNCTIONS)));
            }
        };
        let end = self.close()?;
        Ok(Node { range: range.start..end, ..node })
    }

    fn absolute(&mut self, start: usize) -> Parsed {
        let inner = self.nested(Self::either)?;
        self.expect_number(&inner);
        let kind = inner.kind;
        wrapped(inner, start, kind, Expression::Absolute)
    }

    fn date(&mut self, start: usize) -> Parsed {
        let inner = self.nested(Self::either)?;
        if self.columns.is_some() && !matches!(inner.kind, Kind::Timestamp | Kind::Instant | Kind::Unknown) {
            let message = format!("expected a timestamp or an instant, and this is {}", inner.kind.words());
            self.mistakes.push(TextMistake::new(inner.range.clone(), message));
        }
        wrapped(inner, start, Kind::Date, Expression::DateOf)
    }

    fn starts_with(&mut self, start: usize) -> Parsed {
        let inner = self.nested(Self::either)?;
        self.expect_kind(&inner, Kind::Text);
        let place = self.place();
        if !self.take(&Token::Comma) {
            return Err(TextMistake::new(place, "expected `,` and the text that is looked for"));
        }
        let place = self.place();
        let Some((Token::Text(text), _)) = self.tokens.get(self.next) else {
            return Err(TextMistake::new(place, "expected a text between single quotes"));
        };
        let text = text.clone();
        self.next += 1;
        wrapped(inner, start, Kind::Truth, |inner| Expression::StartsWith(inner, text))
    }

    /// Takes `in` or `not in`; gives whether it is the latter.
    pub(super) fn take_in(&mut self) -> Option<bool> {
        let token = |at: usize| self.tokens.get(at).map(|(token, _)| token);
        let negated = match (token(self.next), token(self.next + 1)) {
            (Some(Token::In), _) => false,
            (Some(Token::Not), Some(Token::In)) => true,
            _ => return None,
        };
        self.next += 1 + usize::from(negated);
        Some(negated)
    }

    /// `x in (a, b)` is `x = a or x = b`; `x not in (a, b)` is `x <> a and x <> b`.
    pub(super) fn list(&mut self, left: Node, negated: bool) -> Parsed {
        if !matches!(left.expression, Expression::Column(_)) {
            return Err(TextMistake::new(left.range, "`in` is asked of a column"));
        }
        let place = self.place();
        if !self.take(&Token::Open) {
            return Err(TextMistake::new(place, "expected a list such as `('a', 'b')`"));
        }
        let sign = if negated { Comparison::NotEqual } else { Comparison::Equal };
        let mut parts = Vec::new();
        loop {
            let value = self.listed(&left)?;
            let column =
                Node { expression: left.expression.clone(), kind: left.kind, depth: 1, range: left.range.clone() };
            parts.push(binary(column, value, Kind::Truth, |left, right| Expression::Compare(left, sign, right))?);
            if !self.take(&Token::Comma) {
                break;
            }
        }
        let end = self.close()?;
        let node = balanced(parts, if negated { Expression::And } else { Expression::Or })?;
        Ok(Node { range: left.range.start..end, ..node })
    }

    fn listed(&mut self, left: &Node) -> Parsed {
        let value = self.unary()?;
        let is_literal = match &value.expression {
            Expression::Text(_) | Expression::Number(_) => true,
            Expression::Negate(inner) => matches!(**inner, Expression::Number(_)),
            _ => false,
        };
        if !is_literal {
            return Err(TextMistake::new(value.range, "a list holds texts and numbers"));
        }
        if !left.kind.fits(value.kind) {
            let message = format!("{} cannot be compared with {}", left.kind.words(), value.kind.words());
            self.mistakes.push(TextMistake::new(value.range.clone(), message));
        }
        self.limit_digits(left.kind.aligned(value.kind), &value.range);
        Ok(value)
    }
}

/// Joined by halves, so that a long list is no deep expression. Takes at least one part.
fn balanced(mut parts: Vec<Node>, join: fn(Box<Expression>, Box<Expression>) -> Expression) -> Parsed {
    let half = parts.split_off(parts.len().div_ceil(2));
    let left = match parts.len() {
        1 => parts.swap_remove(0),
        _ => balanced(parts, join)?,
    };
    match half.is_empty() {
        true => Ok(left),
        false => binary(left, balanced(half, join)?, Kind::Truth, join),
    }
}
