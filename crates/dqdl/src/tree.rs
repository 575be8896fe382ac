//! The typed tree of a ruleset: what its text means, each part with its place.

use std::ops::Range;

/// Bytes of the text.
pub type Span = Range<usize>;

/// A document that has at least one rule or analyzer.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruleset {
    /// `Metadata = {"Version": "…"}`.
    pub version: Option<String>,
    /// `DataSources = {"Primary": …, "AdditionalDataSources": […]}`.
    pub primary: Option<String>,
    pub additional: Vec<String>,
    /// Declared constants; rules hold their values already.
    pub constants: Vec<Constant>,
    pub default_labels: Vec<Label>,
    pub rules: Vec<Rule>,
    pub analyzers: Vec<Analyzer>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    pub name: String,
    pub value: ConstantValue,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ConstantValue {
    Text(String),
    List(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub key: String,
    pub value: String,
    /// Its key is one of the document's defaults; the value may still be the rule's own.
    pub inherited: bool,
}

/// One entry of `Rules`, labels of its own and defaults merged.
///
/// `and` and `or` may nest as deep as the text is long: walk with [`Rule::checks`] or a stack of your own, not by
/// recursion. Dropping, cloning and comparing need no stack.
#[derive(Debug)]
pub struct Rule {
    pub body: Body,
    /// Defaults first, each with the rule's own value where it has one, then the others as written.
    pub labels: Vec<Label>,
    /// Those that belong to the rule's canonical text: its own, and the defaults too where labels stand behind
    /// parentheses. Always empty for `and` and `or`.
    pub shown: Vec<Label>,
    pub span: Span,
}

#[derive(Debug)]
pub enum Body {
    Check(Box<Check>),
    /// Left-associative; `and` binds tighter than `or`.
    Both {
        op: Connective,
        left: Box<Rule>,
        right: Box<Rule>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connective {
    And,
    Or,
}

/// One rule type applied to its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub kind: crate::RuleType,
    pub parameters: Vec<Parameter>,
    pub condition: Option<Condition>,
    /// The constant whose texts `in` compares with.
    pub list: Option<String>,
    /// Text of `where`, verbatim.
    pub filter: Option<String>,
    pub threshold: Option<Test<Number>>,
    /// `with` words other than a numeric `threshold`, in order; of two with one name the later counts.
    pub tags: Vec<Tag>,
    pub span: Span,
}

/// A parameter, its constant already put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub value: String,
    pub quoted: bool,
    /// The constant that gave the value.
    pub constant: Option<String>,
    /// `of` or `and` that stands before it and means nothing.
    pub connector: Option<String>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    pub name: String,
    pub value: Condition,
}

/// Five kinds; the first that fits the operands.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    Number(Test<Number>),
    Text(Test<Text>),
    Date(Test<Date>),
    Duration(Test<Duration>),
    Size(Test<Size>),
}

/// An operator and what it compares with. `between` excludes both ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Test<T> {
    pub op: Operator,
    /// One; two for `between`; any number for `in`.
    pub operands: Vec<T>,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    Between,
    NotBetween,
    In,
    NotIn,
    Matches,
    NotMatches,
}

/// An operand of a number condition. As deep as the text is long: see [`Rule`].
#[derive(Debug)]
pub enum Number {
    /// As it is written, without a `+` or an exponent; in tags other than the threshold also the word for no number.
    Literal(String),
    Null,
    Call {
        name: String,
        arguments: Vec<Number>,
    },
    /// One level of precedence, left-associative.
    Binary {
        op: Arithmetic,
        left: Box<Number>,
        right: Box<Number>,
    },
    /// Parentheses around two operands, once however many were written; in tags around anything.
    Group(Box<Number>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Escapes resolved where the language resolves them (inside `in`), else verbatim.
    Literal(String),
    Null,
    /// The text of no characters; `WHITESPACES_ONLY` is one of nothing but spaces.
    Empty,
    WhitespacesOnly,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Date {
    /// `dddd-dd-dd`; not checked against the calendar.
    Day(String),
    /// `hh:mm` or `h:mm AM`, as written.
    Time(String),
    Now,
    /// `(now() - 3 days)`: the sign is in the amount; `minus` is what was written, also before a zero.
    Offset {
        amount: i64,
        unit: Unit,
        minus: bool,
    },
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Days,
    Hours,
    Minutes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration {
    pub amount: i64,
    pub unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub amount: i64,
    pub unit: SizeUnit,
}

/// Powers of 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeUnit {
    Bytes,
    Kilobytes,
    Megabytes,
    Gigabytes,
    Terabytes,
}

/// One entry of `Analyzers`.
#[derive(Debug, Clone, PartialEq)]
pub struct Analyzer {
    /// A rule type without a verdict of its own, or `AllStatistics`.
    pub kind: crate::RuleType,
    pub parameters: Vec<Parameter>,
    pub span: Span,
}
