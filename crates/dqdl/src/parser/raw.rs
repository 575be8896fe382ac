//! What the grammar alone says: parts with their places, before anybody asks what they mean.

use crate::lex::Kind;
use crate::tree::{Arithmetic, Connective, Number, Operator, Span, Unit};

#[derive(Debug, Default)]
pub(crate) struct Document {
    pub metadata: Option<Dictionary>,
    pub sources: Option<Dictionary>,
    pub constants: Vec<Constant>,
    pub default_labels: Option<Labels>,
    pub rules: Option<Section<Entry>>,
    pub analyzers: Option<Section<Analyzer>>,
    /// Where the document ends; nothing behind it is read.
    pub end: usize,
}

#[derive(Debug)]
pub(crate) struct Section<T> {
    pub entries: Vec<T>,
}

#[derive(Debug)]
pub(crate) struct Dictionary {
    pub pairs: Vec<Pair>,
}

#[derive(Debug)]
pub(crate) struct Pair {
    pub key: Span,
    /// Tokens of the value; more than one for a list, brackets and commas among them.
    pub value: Vec<Span>,
    pub is_list: bool,
}

#[derive(Debug)]
pub(crate) struct Constant {
    pub name: Span,
    pub value: Vec<Value>,
    pub is_list: bool,
    pub span: Span,
}

/// A text, `$name`, or a word for no text.
#[derive(Debug)]
pub(crate) struct Value {
    pub kind: Kind,
    /// Of `$name` the name, else all of it.
    pub name: Span,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct Labels {
    pub pairs: Vec<(Span, Span)>,
    pub span: Span,
}

/// An entry of `Rules` with operands before the word that joins them.
#[derive(Debug)]
pub(crate) struct Entry {
    pub items: Vec<Item>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) enum Item {
    Check(Box<Check>),
    Group { labels: Option<Labels>, span: Span },
    Both(Connective),
}

#[derive(Debug)]
pub(crate) struct Check {
    pub name: Span,
    pub parameters: Vec<Parameter>,
    pub condition: Option<Condition>,
    pub filter: Option<Span>,
    pub labels: Option<Labels>,
    pub tags: Vec<Tag>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub kind: Kind,
    /// The text with its quotes, or the name; without `$`.
    pub value: Span,
    pub connector: Option<Span>,
    /// With `$`, without a connector.
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct Tag {
    pub name: Span,
    pub condition: Condition,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct Analyzer {
    pub name: Span,
    pub parameters: Vec<Parameter>,
    pub span: Span,
}

/// The kinds of condition that are still possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds(pub u8);

impl Kinds {
    pub const NUMBER: Kinds = Kinds(1);
    pub const TEXT: Kinds = Kinds(2);
    pub const DATE: Kinds = Kinds(4);
    pub const DURATION: Kinds = Kinds(8);
    pub const SIZE: Kinds = Kinds(16);
    pub const ALL: Kinds = Kinds(31);

    pub fn has(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }

    pub fn and(self, other: Kinds) -> Kinds {
        Kinds(self.0 & other.0)
    }

    pub fn or(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }
}

#[derive(Debug)]
pub(crate) struct Condition {
    pub op: Operator,
    pub operands: Vec<Operand>,
    /// What all operands can be.
    pub kinds: Kinds,
    /// `$name` in the place of a list.
    pub list: Option<Span>,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct Operand {
    pub value: OperandValue,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) enum OperandValue {
    Number(Number),
    /// With its quotes.
    Text,
    Constant,
    Null,
    Empty,
    WhitespacesOnly,
    /// `Date`, `Time`, `ClockTime` or `Now`.
    Date(Kind),
    Offset {
        minus: bool,
        amount: Span,
        unit: Unit,
    },
    Duration {
        amount: Span,
        unit: Unit,
    },
    Size {
        amount: Span,
        unit: Kind,
    },
}

pub(crate) fn arithmetic(kind: Kind) -> Option<Arithmetic> {
    Some(match kind {
        Kind::Plus => Arithmetic::Add,
        Kind::Minus => Arithmetic::Subtract,
        Kind::Star => Arithmetic::Multiply,
        Kind::Slash => Arithmetic::Divide,
        _ => return None,
    })
}
