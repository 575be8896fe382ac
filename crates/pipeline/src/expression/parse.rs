//! The parser of expressions: precedence climbing with a limit on depth, and kinds where the columns are known.

mod call;

use super::token::{Token, tokens};
use super::{Arithmetic, Expression, Kind};
use crate::contract::ColumnType;
use crate::diagnostic::{TextMistake, closest};
use std::ops::Range;

/// How deep an expression may be, so that no walk over one outgrows the stack.
const DEPTH: usize = 128;

/// The columns that an expression may use; none for a type means that it has a mistake of its own.
pub(crate) type Columns<'a> = &'a [(&'a str, Option<ColumnType>)];

pub(super) fn parse(text: &str) -> Result<Expression, TextMistake> {
    Parser::new(text, None)?.whole().map(|node| node.expression)
}

/// Parses over known columns. Gives the expression and its kind, or every mistake.
pub(crate) fn parse_over(text: &str, columns: Columns<'_>) -> Result<(Expression, Kind), Vec<TextMistake>> {
    let mut parser = Parser::new(text, Some(columns)).map_err(|mistake| vec![mistake])?;
    match parser.whole() {
        Ok(node) if parser.mistakes.is_empty() => Ok((node.expression, node.kind)),
        Ok(_) => Err(parser.mistakes),
        Err(mistake) => {
            parser.mistakes.push(mistake);
            Err(parser.mistakes)
        }
    }
}

struct Parser<'a> {
    tokens: Vec<(Token, Range<usize>)>,
    next: usize,
    end: usize,
    nesting: usize,
    columns: Option<Columns<'a>>,
    /// Mistakes after which parsing goes on.
    mistakes: Vec<TextMistake>,
}

struct Node {
    expression: Expression,
    kind: Kind,
    depth: usize,
    range: Range<usize>,
}

type Parsed = Result<Node, TextMistake>;

impl<'a> Parser<'a> {
    fn new(text: &str, columns: Option<Columns<'a>>) -> Result<Self, TextMistake> {
        let tokens = tokens(text)?;
        Ok(Self { tokens, next: 0, end: text.len(), nesting: 0, columns, mistakes: Vec::new() })
    }

    fn whole(&mut self) -> Parsed {
        let node = self.either()?;
        match self.tokens.get(self.next) {
            None => Ok(node),
            Some((_, range)) => Err(TextMistake::new(range.clone(), "expected an operator or the end")),
        }
    }

    fn either(&mut self) -> Parsed {
        let mut left = self.both()?;
        while self.take(&Token::Or) {
            let right = self.both()?;
            left = self.joined(left, right, Expression::Or)?;
        }
        Ok(left)
    }

    fn both(&mut self) -> Parsed {
        let mut left = self.negation()?;
        while self.take(&Token::And) {
            let right = self.negation()?;
            left = self.joined(left, right, Expression::And)?;
        }
        Ok(left)
    }

    fn negation(&mut self) -> Parsed {
        let start = self.place().start;
        if !self.take(&Token::Not) {
            return self.comparison();
        }
        let inner = self.nested(Self::negation)?;
        self.expect_kind(&inner, Kind::Truth);
        wrapped(inner, start, Kind::Truth, Expression::Not)
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        if let Some(negated) = self.take_in() {
            return self.list(left, negated);
        }
        let Some((Token::Compare(sign), _)) = self.tokens.get(self.next) else { return Ok(left) };
        let sign = *sign;
        self.next += 1;
        let right = self.sum()?;
        if let Some((Token::Compare(_), range)) = self.tokens.get(self.next) {
            return Err(TextMistake::new(range.clone(), "comparisons do not chain; join two with `and`"));
        }
        let range = left.range.start..right.range.end;
        if !left.kind.fits(right.kind) {
            let message = format!("{} cannot be compared with {}", left.kind.words(), right.kind.words());
            self.mistakes.push(TextMistake::new(range.clone(), message));
        } else if left.kind == Kind::Truth || right.kind == Kind::Truth {
            self.mistakes.push(TextMistake::new(range.clone(), "conditions are not compared; use and, or, not"));
        }
        self.limit_digits(left.kind.aligned(right.kind), &range);
        let compare = |left, right| Expression::Compare(left, sign, right);
        binary(left, right, Kind::Truth, compare)
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        while let Some(sign) = self.take_sign(&[Arithmetic::Add, Arithmetic::Subtract]) {
            let right = self.product()?;
            left = self.computed(left, sign, right)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.unary()?;
        while let Some(sign) = self.take_sign(&[Arithmetic::Multiply]) {
            let right = self.unary()?;
            left = self.computed(left, sign, right)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let start = self.place().start;
        if self.take_sign(&[Arithmetic::Subtract]).is_none() {
            return self.single();
        }
        let inner = self.nested(Self::unary)?;
        self.expect_number(&inner);
        let kind = inner.kind;
        wrapped(inner, start, kind, Expression::Negate)
    }

    fn single(&mut self) -> Parsed {
        let range = self.place();
        let Some((token, _)) = self.tokens.get(self.next).cloned() else {
            return Err(TextMistake::new(range, "the expression ends where a value is expected"));
        };
        self.next += 1;
        let (expression, kind) = match token {
            Token::Number(number) => (Expression::Number(number), Kind::of_number(number)),
            Token::Text(text) => (Expression::Text(text), Kind::Text),
            Token::Name(name) if self.tokens.get(self.next).is_some_and(|(token, _)| *token == Token::Open) => {
                return self.call(&name, range);
            }
            Token::Name(name) => {
                let kind = self.column(&name, &range);
                (Expression::Column(name), kind)
            }
            Token::Open => {
                let inner = self.nested(Self::either)?;
                let range = range.start..self.close()?;
                return Ok(Node { range, ..inner });
            }
            _ => return Err(TextMistake::new(range, "expected a column, a number, a text or `(`")),
        };
        Ok(Node { expression, kind, depth: 1, range })
    }

    fn column(&mut self, name: &str, range: &Range<usize>) -> Kind {
        let Some(columns) = self.columns else { return Kind::Unknown };
        let kind = match columns.iter().find(|(column, _)| *column == name) {
            Some((_, None)) => return Kind::Unknown,
            Some((_, Some(kind))) => Kind::of_column(*kind).map_err(|reason| format!("`{name}` is {reason}")),
            None => Err(format!("there is no column `{name}`")),
        };
        kind.unwrap_or_else(|message| {
            let names = columns.iter().map(|(column, _)| *column).filter(|column| *column != name);
            let suggestion = if message.starts_with("there") { closest(name, names) } else { None };
            self.mistakes.push(TextMistake::new(range.clone(), message).suggesting(suggestion));
            Kind::Unknown
        })
    }

    fn joined(&mut self, left: Node, right: Node, make: fn(Box<Expression>, Box<Expression>) -> Expression) -> Parsed {
        self.expect_kind(&left, Kind::Truth);
        self.expect_kind(&right, Kind::Truth);
        binary(left, right, Kind::Truth, make)
    }

    fn computed(&mut self, left: Node, sign: Arithmetic, right: Node) -> Parsed {
        self.expect_number(&left);
        self.expect_number(&right);
        let kind = left.kind.computed(sign, right.kind);
        let kind = self.limit_digits(kind, &(left.range.start..right.range.end));
        binary(left, right, kind, |left, right| Expression::Arithmetic(left, sign, right))
    }

    fn limit_digits(&mut self, kind: Kind, range: &Range<usize>) -> Kind {
        let Some(digits) = kind.too_many_digits() else { return kind };
        if self.columns.is_some() {
            let message = format!("this can have {digits} digits, and 38 is the most that is exact");
            self.mistakes.push(TextMistake::new(range.clone(), message));
        }
        Kind::Unknown
    }

    fn expect_number(&mut self, node: &Node) {
        self.expect_kind(node, Kind::Number { whole: 0, scale: 0 });
    }

    /// Without columns nothing is known well enough to refuse.
    fn expect_kind(&mut self, node: &Node, wanted: Kind) {
        if self.columns.is_some() && !node.kind.fits(wanted) {
            let message = format!("expected {}, and this is {}", wanted.words(), node.kind.words());
            self.mistakes.push(TextMistake::new(node.range.clone(), message));
        }
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Parsed) -> Parsed {
        if self.nesting == DEPTH {
            return Err(too_deep(self.place()));
        }
        self.nesting += 1;
        let node = inner(self);
        self.nesting -= 1;
        node
    }

    fn close(&mut self) -> Result<usize, TextMistake> {
        let range = self.place();
        if self.take(&Token::Close) { Ok(range.end) } else { Err(TextMistake::new(range, "expected `)`")) }
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let found = self.tokens.get(self.next).is_some_and(|(token, _)| token == wanted);
        self.next += usize::from(found);
        found
    }

    fn take_sign(&mut self, signs: &[Arithmetic]) -> Option<Arithmetic> {
        match self.tokens.get(self.next) {
            Some((Token::Arithmetic(sign), _)) if signs.contains(sign) => {
                let sign = *sign;
                self.next += 1;
                Some(sign)
            }
            _ => None,
        }
    }

    fn place(&self) -> Range<usize> {
        self.tokens.get(self.next).map_or(self.end..self.end, |(_, range)| range.clone())
    }
}

fn binary(
    left: Node,
    right: Node,
    kind: Kind,
    make: impl Fn(Box<Expression>, Box<Expression>) -> Expression,
) -> Parsed {
    let range = left.range.start..right.range.end;
    let depth = 1 + left.depth.max(right.depth);
    if depth > DEPTH {
        return Err(too_deep(range));
    }
    Ok(Node { expression: make(Box::new(left.expression), Box::new(right.expression)), kind, depth, range })
}

fn wrapped(inner: Node, start: usize, kind: Kind, make: impl FnOnce(Box<Expression>) -> Expression) -> Parsed {
    let range = start..inner.range.end;
    let depth = 1 + inner.depth;
    if depth > DEPTH {
        return Err(too_deep(range));
    }
    Ok(Node { expression: make(Box::new(inner.expression)), kind, depth, range })
}

fn too_deep(range: Range<usize>) -> TextMistake {
    TextMistake::new(range, "the expression is too deep: 128 levels are the limit")
}

#[cfg(test)]
mod tests;
