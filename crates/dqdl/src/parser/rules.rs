//! Entries of `Rules`: rule types with all that belongs to them, joined by `and` and `or`.

use super::raw::{Check, Entry, Item, Parameter, Tag};
use super::{Parsed, Parser, Stop};
use crate::RuleType;
use crate::fault::Fault;
use crate::lex::Kind;
use crate::syntax::Part;
use crate::tree::Connective;

/// What waits for its right side.
enum Waiting {
    /// A parenthesis: its place, and the index of its token.
    Group(usize, usize),
    Join(Connective),
}

impl Parser<'_> {
    pub(super) fn entry(&mut self) -> Parsed<Entry> {
        let start = self.here().start;
        let mut items = Vec::new();
        let mut waiting = Vec::new();
        let mut groups = 0_usize;
        loop {
            while self.peek() == Some(Kind::LeftParenthesis) {
                waiting.push(Waiting::Group(self.here().start, self.open()));
                groups += 1;
                self.take();
            }
            let check = self.check()?;
            items.push(Item::Check(Box::new(check)));
            while groups > 0 && self.peek() == Some(Kind::RightParenthesis) {
                self.take();
                groups -= 1;
                self.end_group(&mut items, &mut waiting)?;
            }
            let op = match self.peek() {
                Some(Kind::And) => Connective::And,
                Some(Kind::Or) => Connective::Or,
                _ => break,
            };
            self.take();
            join(&mut items, &mut waiting, |top| top == Connective::And || op == Connective::Or);
            waiting.push(Waiting::Join(op));
        }
        self.end_entry(groups)?;
        join(&mut items, &mut waiting, |_| true);
        Ok(Entry { items, span: self.since(start) })
    }

    /// `)` was taken: joins what stands since its `(`, and reads labels behind it.
    fn end_group(&mut self, items: &mut Vec<Item>, waiting: &mut Vec<Waiting>) -> Parsed<()> {
        self.steps += join(items, waiting, |_| true);
        let labels = if self.peek() == Some(Kind::Labels) { Some(self.labels()?) } else { None };
        if let Some(Waiting::Group(start, from)) = waiting.pop() {
            items.push(Item::Group { labels, span: self.since(start) });
            self.close(Part::Group, from);
        }
        Ok(())
    }

    /// An entry ends at a comma, a bracket, or before the next rule where a comma was forgotten.
    fn end_entry(&mut self, groups: usize) -> Parsed<()> {
        match self.peek() {
            Some(Kind::Comma | Kind::RightBracket) if groups == 0 => Ok(()),
            _ if groups > 0 => Err(self.expected("`and`, `or` or `)`")),
            Some(Kind::LeftParenthesis) => Ok(()),
            Some(Kind::Name) if RuleType::from_name(&self.text[self.here()]).is_some() => Ok(()),
            Some(Kind::Labels) => Err(self.late_labels()),
            _ => Err(self.shouted().unwrap_or_else(|| self.expected("`,` or `]`"))),
        }
    }

    /// A word of the language in other letters is a name to it: `BETWEEN`, `Where`.
    fn shouted(&mut self) -> Option<Stop> {
        let span = self.before();
        let word = self.text[span.clone()].to_ascii_lowercase();
        let known = ["between", "in", "not", "where", "with", "matches", "labels"].contains(&word.as_str());
        known.then(|| {
            let message = format!("`{}` is a name here: the language writes `{word}`.", &self.text[span.clone()]);
            let fault = Fault::error("S8", self.here(), message);
            self.report(fault.replacing(format!("Write {word}"), span, word.clone()))
        })
    }

    fn late_labels(&mut self) -> Stop {
        let message = "Labels stand before `with`. Behind it they need parentheses around the rule: \
                       `(rule with threshold > 0.9) labels=[…]`.";
        self.report(Fault::error("S6", self.here(), message))
    }

    fn check(&mut self) -> Parsed<Check> {
        let from = self.open();
        let name = match self.peek() {
            Some(Kind::Slash) if self.peek_at(1) == Some(Kind::Slash) => return Err(self.foreign_comment()),
            _ => self.want(Kind::Name, "the name of a rule type or `(`")?,
        };
        self.nodes.push(crate::syntax::Node { part: Part::RuleType, tokens: from..from + 1 });
        let parameters = self.parameters(true)?;
        let condition = self.condition(false)?;
        let filter = self.filter()?;
        let labels = if self.peek() == Some(Kind::Labels) {
            let from = self.open();
            let labels = self.labels()?;
            self.close(Part::Labels, from);
            Some(labels)
        } else {
            None
        };
        let mut tags = Vec::new();
        while self.peek() == Some(Kind::With) {
            tags.push(self.tag()?);
        }
        self.close(Part::Check, from);
        Ok(Check { span: self.since(name.start), name, parameters, condition, filter, labels, tags })
    }

    fn foreign_comment(&mut self) -> Stop {
        let here = self.here();
        let both = here.start..here.end + 1;
        let message = "A comment begins with `#`.";
        self.report(Fault::error("S7", here, message).replacing("Write #", both, "#"))
    }

    /// `and` before a parenthesis joins rules, before anything else it is a word that a parameter may have.
    pub(super) fn parameters(&mut self, joins: bool) -> Parsed<Vec<Parameter>> {
        let mut found = Vec::new();
        loop {
            let word = match self.peek() {
                Some(Kind::And) if joins && !self.parameter_follows() => return Ok(found),
                Some(Kind::Of | Kind::And) => true,
                Some(Kind::Text | Kind::Name | Kind::Dollar) => false,
                _ => return Ok(found),
            };
            let from = self.open();
            let connector = word.then(|| self.take());
            found.push(self.parameter(connector)?);
            self.close(Part::Parameter, from);
        }
    }

    fn parameter_follows(&self) -> bool {
        matches!(self.peek_at(1), Some(Kind::Text | Kind::Name | Kind::Dollar))
    }

    fn parameter(&mut self, connector: Option<crate::Span>) -> Parsed<Parameter> {
        let start = self.here().start;
        match self.peek() {
            Some(kind @ (Kind::Text | Kind::Name)) => {
                let value = self.take();
                Ok(Parameter { kind, span: value.clone(), value, connector })
            }
            Some(Kind::Dollar) => {
                self.take();
                let value = self.want(Kind::Name, "the name of a constant")?;
                Ok(Parameter { kind: Kind::Dollar, span: self.since(start), value, connector })
            }
            _ => Err(self.expected("a parameter: a text in quotes, a name or `$` with a name")),
        }
    }

    fn filter(&mut self) -> Parsed<Option<crate::Span>> {
        let from = self.open();
        if self.take_if(Kind::Where).is_none() {
            return Ok(None);
        }
        let text = self.want(Kind::Text, "a condition in quotes")?;
        self.close(Part::Filter, from);
        Ok(Some(text))
    }

    fn tag(&mut self) -> Parsed<Tag> {
        let from = self.open();
        let start = self.take().start;
        let name = self.want(Kind::Name, "a name such as `threshold`")?;
        let Some(condition) = self.condition(true)? else {
            return Err(self.expected("a condition: `=`, `>`, `between` …"));
        };
        self.close(Part::Tag, from);
        Ok(Tag { name, condition, span: self.since(start) })
    }
}

/// Moves joining words from the stack behind their operands, as long as `binds` says so and no parenthesis is met.
fn join(items: &mut Vec<Item>, waiting: &mut Vec<Waiting>, binds: impl Fn(Connective) -> bool) -> u64 {
    let mut steps = 0;
    while let Some(Waiting::Join(op)) = waiting.last() {
        if !binds(*op) {
            break;
        }
        items.push(Item::Both(*op));
        waiting.pop();
        steps += 1;
    }
    steps
}
