//! Recursive descent over the tokens, with a stack of its own where the language nests. Stops at nothing: what cannot
//! be read is reported, and reading goes on at the next comma, bracket or section.

mod conditions;
pub(crate) mod raw;
mod rules;
mod sections;

use crate::fault::Fault;
use crate::lex::{Kind, Token};
use crate::syntax::{Node, Part};
use crate::tree::Span;

/// What reading a text gave.
pub(crate) struct Read {
    pub document: raw::Document,
    pub nodes: Vec<Node>,
    pub faults: Vec<Fault>,
    /// Tokens stepped over, again and again where reading went back.
    pub steps: u64,
}

/// A fault was reported; the caller decides where reading goes on.
pub(crate) struct Stop;

pub(crate) type Parsed<T> = Result<T, Stop>;

pub(crate) fn read(text: &str, tokens: &[Token]) -> Read {
    let mut parser = Parser::new(text, tokens);
    let document = parser.document();
    Read { document, nodes: parser.nodes, faults: parser.faults, steps: parser.steps }
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    /// Indices of tokens that are no trivia.
    told: Vec<usize>,
    at: usize,
    nodes: Vec<Node>,
    faults: Vec<Fault>,
    steps: u64,
    /// Whether rules outside of a list were reported: the fix puts all the text into one.
    bare: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        let told = tokens.iter().enumerate().filter(|(_, t)| !t.kind.is_trivia()).map(|(i, _)| i).collect();
        Self { text, tokens, told, at: 0, nodes: Vec::new(), faults: Vec::new(), steps: 0, bare: false }
    }

    fn token(&self, ahead: usize) -> Option<&'a Token> {
        self.told.get(self.at + ahead).and_then(|index| self.tokens.get(*index))
    }

    fn peek(&self) -> Option<Kind> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<Kind> {
        self.token(ahead).map(|token| token.kind)
    }

    /// Place of the next token; behind the text where there is none.
    fn here(&self) -> Span {
        self.token(0).map_or(self.text.len()..self.text.len(), |token| token.span.clone())
    }

    /// Place of the last token that was taken.
    fn before(&self) -> Span {
        let last = self.at.checked_sub(1).and_then(|at| self.told.get(at)).and_then(|index| self.tokens.get(*index));
        last.map_or(0..0, |token| token.span.clone())
    }

    fn since(&self, start: usize) -> Span {
        start..self.before().end.max(start)
    }

    fn take(&mut self) -> Span {
        let span = self.here();
        self.at += 1;
        self.steps += 1;
        span
    }

    fn take_if(&mut self, kind: Kind) -> Option<Span> {
        (self.peek() == Some(kind)).then(|| self.take())
    }

    fn want(&mut self, kind: Kind, what: &str) -> Parsed<Span> {
        self.take_if(kind).ok_or_else(|| self.expected(what))
    }

    /// Reports that the next token is not what the language wants here.
    fn expected(&mut self, what: &str) -> Stop {
        let found = match self.token(0) {
            None => "the text ends".to_owned(),
            Some(token) => format!("there is {}", named(&self.text[token.span.clone()])),
        };
        let cause = self.running_text().unwrap_or_default();
        let fault = Fault::error("S1", self.here(), format!("Expected {what}, but {found}.{cause}"));
        self.report(fault)
    }

    /// A forgotten quote shows where the next text begins: the one before the mistake runs over lines.
    fn running_text(&self) -> Option<String> {
        let (first, last) = (self.at.saturating_sub(5), self.told.len().min(self.at + 1));
        let near = self.told.get(first..last)?.iter().filter_map(|index| self.tokens.get(*index));
        let text = near.map(|token| &self.text[token.span.clone()]).find(|t| t.starts_with('"') && t.contains('\n'))?;
        let start: String = text.lines().next().unwrap_or_default().chars().take(40).collect();
        Some(format!(" The text that begins with `{start}` runs over lines: its closing quote may be missing."))
    }

    fn report(&mut self, fault: Fault) -> Stop {
        self.faults.push(fault);
        Stop
    }

    /// Index of the next token, for [`Parser::close`].
    fn open(&self) -> usize {
        self.told.get(self.at).copied().unwrap_or(self.tokens.len())
    }

    fn close(&mut self, part: Part, from: usize) {
        let last = self.at.checked_sub(1).and_then(|at| self.told.get(at)).map_or(from, |index| index + 1);
        self.nodes.push(Node { part, tokens: from..last.max(from) });
    }
}

/// Words of the text in a message, kept short and on one line.
fn named(text: &str) -> String {
    if text.starts_with('"') {
        return if text == "\"" { "a quote that nothing closes".to_owned() } else { "a text in quotes".to_owned() };
    }
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("`{short}…`") } else { format!("`{short}`") }
}
