//! The document: its sections in their order, and the lists in them.

use super::raw::{Constant, Dictionary, Document, Labels, Pair, Section, Value};
use super::{Parsed, Parser, Stop, raw};
use crate::RuleType;
use crate::fault::{Edit, Fault};
use crate::lex::Kind;
use crate::syntax::{Node, Part};

/// Sections in the order that the language wants.
fn rank(kind: Kind) -> Option<usize> {
    Some(match kind {
        Kind::Metadata => 0,
        Kind::DataSources => 1,
        Kind::Name => 2,
        Kind::DefaultLabels => 3,
        Kind::Rules => 4,
        Kind::Analyzers => 5,
        _ => return None,
    })
}

impl Parser<'_> {
    pub(super) fn document(&mut self) -> Document {
        let mut document = Document::default();
        let mut reached = 0;
        loop {
            let next = self.peek().and_then(rank);
            let Some(next) = next else {
                self.expected_section();
                if self.skip_to_section() {
                    continue;
                }
                break;
            };
            if next < reached || (next == reached && next != 2 && self.was_read(&document, next)) {
                let word = &self.text[self.here()];
                let message = format!(
                    "`{word}` stands too late or twice. The order is: Metadata, DataSources, constants, DefaultLabels, \
                     Rules, Analyzers."
                );
                self.report(Fault::error("S2", self.here(), message));
            }
            reached = reached.max(next);
            let read = self.section(next, &mut document);
            let more = match next {
                // A document ends with its last list; only `Analyzers` may follow `Rules`.
                4 if read.is_ok() => self.peek() == Some(Kind::Analyzers),
                5 if read.is_ok() => false,
                _ if read.is_err() => self.skip_to_section(),
                _ => true,
            };
            if !more {
                break;
            }
        }
        document.end = self.here().start;
        self.unread();
        document
    }

    fn was_read(&self, document: &Document, rank: usize) -> bool {
        match rank {
            0 => document.metadata.is_some(),
            1 => document.sources.is_some(),
            3 => document.default_labels.is_some(),
            4 => document.rules.is_some(),
            _ => document.analyzers.is_some(),
        }
    }

    fn section(&mut self, rank: usize, document: &mut Document) -> Parsed<()> {
        let from = self.open();
        let (part, read) = match rank {
            0 => (Part::Metadata, self.dictionary().map(|read| document.metadata = Some(read))),
            1 => (Part::DataSources, self.dictionary().map(|read| document.sources = Some(read))),
            2 => (Part::Constant, self.constant().map(|read| document.constants.push(read))),
            3 => (Part::DefaultLabels, self.labels().map(|read| document.default_labels = Some(read))),
            4 => {
                let mut entries = Vec::new();
                let read = self.list(Part::Entry, |parser| parser.entry(), &mut entries);
                document.rules.get_or_insert_with(|| Section { entries: Vec::new() }).entries.extend(entries);
                (Part::Rules, read)
            }
            _ => {
                let mut entries = Vec::new();
                let read = self.list(Part::Analyzer, |parser| parser.analyzer(), &mut entries);
                document.analyzers.get_or_insert_with(|| Section { entries: Vec::new() }).entries.extend(entries);
                (Part::Analyzers, read)
            }
        };
        self.close(part, from);
        read
    }

    /// A document that begins with a rule instead of a section gets the section offered.
    fn expected_section(&mut self) {
        if self.peek() == Some(Kind::LeftParenthesis) {
            self.bare_rules(self.here().start);
        } else {
            let what = "`Rules = [ … ]`, `Analyzers = [ … ]` or a section before them";
            self.expected(what);
        }
    }

    /// The text begins with rules at `start`; the next token is what the language cannot read.
    fn bare_rules(&mut self, start: usize) -> Stop {
        if std::mem::replace(&mut self.bare, true) {
            return self.expected("a section");
        }
        let end = self.text.trim_end().len();
        let edits = vec![
            Edit { span: start..start, text: "Rules = [\n    ".to_owned() },
            Edit { span: end..end, text: "\n]".to_owned() },
        ];
        let message = "Rules stand in a list: `Rules = [ … ]`.";
        self.report(Fault::error("S3", self.here(), message).mending("Put the text into Rules = [ … ]", edits))
    }

    /// Steps to the next word that begins a section; constants do not count.
    fn skip_to_section(&mut self) -> bool {
        while let Some(kind) = self.peek() {
            let begins = rank(kind).is_some_and(|rank| rank != 2);
            if begins && matches!(self.peek_at(1), Some(Kind::Equal | Kind::LeftBracket | Kind::LeftBrace)) {
                return true;
            }
            self.take();
        }
        false
    }

    /// What stands behind the end belongs to no part of the document.
    fn unread(&mut self) {
        let from = self.open();
        if from < self.tokens.len() {
            self.nodes.push(Node { part: Part::Unread, tokens: from..self.tokens.len() });
        }
    }

    fn dictionary(&mut self) -> Parsed<Dictionary> {
        self.take();
        self.want(Kind::Equal, "`=`")?;
        self.want(Kind::LeftBrace, "`{`")?;
        let mut pairs = Vec::new();
        loop {
            let key = self.want(Kind::Text, "a key in quotes")?;
            self.want(Kind::Colon, "`:`")?;
            pairs.push(self.pair(key)?);
            if self.take_if(Kind::Comma).is_none() {
                break;
            }
        }
        self.want(Kind::RightBrace, "`,` or `}`")?;
        Ok(Dictionary { pairs })
    }

    fn pair(&mut self, key: crate::Span) -> Parsed<Pair> {
        if let Some(text) = self.take_if(Kind::Text) {
            return Ok(Pair { key, value: vec![text], is_list: false });
        }
        let mut value = vec![self.want(Kind::LeftBracket, "a text in quotes or `[`")?];
        loop {
            value.push(self.want(Kind::Text, "a text in quotes")?);
            match self.take_if(Kind::Comma) {
                Some(comma) => value.push(comma),
                None => break,
            }
        }
        value.push(self.want(Kind::RightBracket, "`,` or `]`")?);
        Ok(Pair { key, value, is_list: true })
    }

    fn constant(&mut self) -> Parsed<Constant> {
        let name = self.here();
        if RuleType::from_name(&self.text[name.clone()]).is_some() && self.peek_at(1) != Some(Kind::Equal) {
            self.take();
            return Err(self.bare_rules(name.start));
        }
        self.take();
        self.want(Kind::Equal, "`=`")?;
        let is_list = self.take_if(Kind::LeftBracket).is_some();
        let mut value = vec![self.value()?];
        while is_list && self.take_if(Kind::Comma).is_some() {
            value.push(self.value()?);
        }
        if is_list {
            self.want(Kind::RightBracket, "`,` or `]`")?;
        }
        Ok(Constant { span: self.since(name.start), name, value, is_list })
    }

    fn value(&mut self) -> Parsed<Value> {
        let start = self.here().start;
        match self.peek() {
            Some(kind @ (Kind::Text | Kind::Null | Kind::Empty | Kind::WhitespacesOnly)) => {
                let span = self.take();
                Ok(Value { kind, name: span.clone(), span })
            }
            Some(Kind::Dollar) => {
                self.take();
                let name = self.want(Kind::Name, "the name of a constant")?;
                Ok(Value { kind: Kind::Dollar, name, span: self.since(start) })
            }
            _ => Err(self.expected("a text in quotes: a constant holds texts alone")),
        }
    }

    /// `labels = ["key"="value", …]`, from the word on.
    pub(super) fn labels(&mut self) -> Parsed<Labels> {
        let start = self.take().start;
        self.want(Kind::Equal, "`=`")?;
        self.want(Kind::LeftBracket, "`[`")?;
        let mut pairs = Vec::new();
        if self.take_if(Kind::RightBracket).is_none() {
            loop {
                let key = self.want(Kind::Text, "a label's key in quotes")?;
                self.want(Kind::Equal, "`=`")?;
                pairs.push((key, self.want(Kind::Text, "a label's value in quotes")?));
                if self.take_if(Kind::Comma).is_none() {
                    break;
                }
            }
            self.want(Kind::RightBracket, "`,` or `]`")?;
        }
        Ok(Labels { pairs, span: self.since(start) })
    }

    /// `= [ … ]` behind the word of a section; entries that cannot be read are reported and left out.
    fn list<T>(&mut self, part: Part, entry: impl Fn(&mut Self) -> Parsed<T>, entries: &mut Vec<T>) -> Parsed<()> {
        self.take();
        self.want(Kind::Equal, "`=`")?;
        self.want(Kind::LeftBracket, "`[`")?;
        if self.take_if(Kind::RightBracket).is_some() {
            return Ok(());
        }
        loop {
            let (from, at) = (self.open(), self.at);
            match entry(self) {
                Ok(read) => {
                    entries.push(read);
                    self.close(part, from);
                }
                Err(Stop) => {
                    self.recover(at);
                    self.close(Part::Broken, from);
                }
            }
            match self.peek() {
                Some(Kind::Comma) => {
                    let comma = self.take();
                    if self.peek() == Some(Kind::RightBracket) {
                        self.trailing_comma(comma);
                        self.take();
                        return Ok(());
                    }
                }
                Some(Kind::RightBracket) => {
                    self.take();
                    return Ok(());
                }
                Some(Kind::Name | Kind::LeftParenthesis) => self.missing_comma(),
                _ => return Err(self.expected("`,` or `]`")),
            }
        }
    }

    fn trailing_comma(&mut self, comma: crate::Span) {
        let message = "A list does not end with a comma.";
        self.report(Fault::error("S4", self.here(), message).replacing("Remove the comma", comma, ""));
    }

    fn missing_comma(&mut self) {
        let end = self.before().end;
        let message = "Between two entries stands a comma.";
        self.report(Fault::error("S5", self.here(), message).replacing("Insert a comma", end..end, ","));
    }

    /// Steps from a mistake to the comma or bracket that ends the entry which began at `began`.
    fn recover(&mut self, began: usize) {
        // A list inside the entry was not closed, and its comma was taken for one of its own.
        if self.at > began + 1 && self.at_comma_before_entry() {
            self.at -= 1;
            return;
        }
        let mut depth = 0_usize;
        for at in began..self.at {
            self.steps += 1;
            match self.told.get(at).and_then(|index| self.tokens.get(*index)).map(|token| token.kind) {
                Some(Kind::LeftBracket) => depth += 1,
                Some(Kind::RightBracket) => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        while let Some(kind) = self.peek() {
            match kind {
                Kind::LeftBracket => depth += 1,
                Kind::RightBracket if depth == 0 => return,
                Kind::RightBracket => depth -= 1,
                Kind::Comma if depth == 0 || self.is_type(1) => return,
                Kind::Rules | Kind::Analyzers | Kind::DefaultLabels if self.peek_at(1) == Some(Kind::Equal) => return,
                _ => {}
            }
            self.take();
        }
    }

    fn at_comma_before_entry(&self) -> bool {
        &self.text[self.before()] == "," && self.is_type(0)
    }

    /// Whether a rule type of the language stands so many tokens ahead.
    fn is_type(&self, ahead: usize) -> bool {
        match self.token(ahead) {
            Some(token) if token.kind == Kind::Name => RuleType::from_name(&self.text[token.span.clone()]).is_some(),
            _ => false,
        }
    }

    fn analyzer(&mut self) -> Parsed<raw::Analyzer> {
        let name = self.want(Kind::Name, "the name of an analyzer")?;
        let parameters = self.parameters(false)?;
        if !matches!(self.peek(), Some(Kind::Comma | Kind::RightBracket)) {
            return Err(self.expected("`,` or `]`: an analyzer has parameters alone"));
        }
        Ok(raw::Analyzer { span: self.since(name.start), name, parameters })
    }
}
