//! Expressions of a contract: exact arithmetic and comparison over the columns of one record.

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
