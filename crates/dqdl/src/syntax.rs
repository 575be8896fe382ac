//! The lossless tree: every byte of the text in its tokens, and the parts of the language over them.

pub use crate::lex::{Kind, Token};
use crate::tree::Span;

/// What a part of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    Metadata,
    DataSources,
    Constant,
    DefaultLabels,
    Rules,
    Analyzers,
    /// One entry of `Rules`, with all its parts joined by `and` and `or`.
    Entry,
    /// An entry that could not be read, up to the comma or bracket at which reading went on.
    Broken,
    /// A pair of parentheses around rules, with labels behind it.
    Group,
    /// A rule type with its parameters and all that belongs to it.
    Check,
    /// The name of a rule type.
    RuleType,
    Parameter,
    Condition,
    Operand,
    Filter,
    Labels,
    Tag,
    Analyzer,
    /// What stands behind the end of the document and is not read.
    Unread,
}

/// A part of the text: the tokens from its first to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub part: Part,
    /// Indices of tokens; empty where a part holds none.
    pub tokens: std::ops::Range<usize>,
}

/// Flat, so that no nesting of a text is a nesting in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syntax {
    pub(crate) tokens: Vec<Token>,
    pub(crate) nodes: Vec<Node>,
}

impl Syntax {
    /// All tokens in order, white space and comments too: one begins where the one before ends.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// All parts; what lies inside another comes before it.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Bytes of a part.
    pub fn span(&self, node: &Node) -> Span {
        let end = self.tokens.last().map_or(0, |token| token.span.end);
        let start = self.tokens.get(node.tokens.start).map_or(end, |token| token.span.start);
        match node.tokens.clone().last().and_then(|last| self.tokens.get(last)) {
            Some(token) => start..token.span.end,
            None => start..start,
        }
    }

    /// The token that holds a byte; `None` behind the last.
    pub fn token_at(&self, byte: usize) -> Option<&Token> {
        let index = self.tokens.partition_point(|token| token.span.end <= byte);
        self.tokens.get(index)
    }

    /// The parts around a byte, the innermost first.
    pub fn around(&self, byte: usize) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| {
            let span = self.span(node);
            span.start <= byte && byte < span.end
        })
    }

    /// The text, put together from the tokens.
    pub fn text(&self, text: &str) -> String {
        self.tokens.iter().filter_map(|token| text.get(token.span.clone())).collect()
    }
}
