//! The typed plan: relations whose columns are known by position, and expressions over them.

use crate::catalog::TableRef;
use crate::error::Place;
use crate::literal::Literal;
use crate::types::{Field, Type};

/// A query that was checked: its result columns and how to compute them.
#[derive(Debug, Clone)]
pub struct Bound {
    pub(crate) plan: Plan,
    pub(crate) fields: Vec<Field>,
}

impl Bound {
    /// The columns of the result, in order, with exactly the types that `lower` gives.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The tables that the query reads, each once, in the order of their first mention.
    pub fn reads(&self) -> Vec<TableRef> {
        let mut tables = Vec::new();
        self.plan.scans(&mut |table| {
            if !tables.contains(table) {
                tables.push(table.clone());
            }
        });
        tables
    }
}

/// A relation. Column `n` of a node is the `n`th of its output.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    /// One row without columns of meaning: a select without from.
    One,
    Scan {
        table: TableRef,
        fields: Vec<Field>,
    },
    Filter {
        input: Box<Plan>,
        condition: Expr,
    },
    Project {
        input: Box<Plan>,
        exprs: Vec<Expr>,
    },
    /// Output: keys, then calls.
    Aggregate {
        input: Box<Plan>,
        keys: Vec<Expr>,
        calls: Vec<Call>,
    },
    /// Output: the input's columns, then one int64 per window.
    Windows {
        input: Box<Plan>,
        windows: Vec<Window>,
    },
    /// Output: left, then right. `on` holds pairs of one type over left and right; the residual is over both.
    Join {
        left: Box<Plan>,
        right: Box<Plan>,
        keeps: Keeps,
        on: Vec<(Expr, Expr)>,
    },
    Union {
        inputs: Vec<Plan>,
    },
    /// Each row once; `kinds` are the types of its columns.
    Distinct {
        input: Box<Plan>,
        kinds: Vec<Type>,
    },
    Sort {
        input: Box<Plan>,
        keys: Vec<SortKey>,
    },
    Limit {
        input: Box<Plan>,
        offset: u64,
        limit: Option<u64>,
    },
}

/// Which rows of a join stay where they have no match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    None,
    Left,
    Both,
}

/// An expression over the columns of one relation. Equality does not look at the place.
#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub node: Node,
    pub kind: Type,
    pub nullable: bool,
    pub at: Place,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.node == other.node
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Column(usize),
    Literal(Literal),
    /// The word null before its neighbours gave it a type. Never reaches lowering.
    Untyped,
    /// To the kind of this expression.
    Cast(Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    Abs(Box<Expr>),
    /// A decimal to the scale of this expression, half away from zero.
    Round(Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IsNull(Box<Expr>),
    /// Whether a boolean is exactly this; null gives false.
    Is(Box<Expr>, bool),
    /// Whether a value equals one of these literals, none of which is null.
    OneOf(Box<Expr>, Vec<Literal>),
    Like(Box<Expr>, Vec<Wild>),
    Case(Vec<(Expr, Expr)>, Box<Expr>),
    Coalesce(Vec<Expr>),
    Extract(Part, Box<Expr>),
    Upper(Box<Expr>),
    Lower(Box<Expr>),
    Trim(Side, Box<Expr>, String),
    /// Text, first character counted from 1, length if given.
    Substring(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    Concat(Vec<Expr>),
    /// A text that sorts as these values do from left to right, null where any but the last of them is null; the last
    /// may be null and is then the least. Doubles have none.
    Packed(Vec<Expr>),
    /// The last value of such a text, as the kind of this expression; the types are those of the values before it.
    Unpacked(Vec<Type>, Box<Expr>),
    /// What only Spark's dialect has. Never fails on data: what has no value is null.
    Function(Function, Vec<Expr>),
    /// Before aggregates are lifted out of a select.
    Aggregate(Box<Call>),
    /// Before windows are lifted out of a select.
    Window(Box<Window>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    /// Decimal quotients are exact and rounded once, half away from zero, to the scale of the result.
    Divide,
    /// A decimal quotient whose scale the text asked for; `Divide` may still be given another one.
    Quotient,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A function of Spark's dialect; the expression's own type says what it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Function {
    /// To the type of the expression.
    Cast,
    /// A text to a timestamp, a time alone on this day since 1970-01-01.
    Instant(i32),
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Negate,
    Abs,
    /// In characters.
    Length,
    /// From a position, and of a length if there is a third operand.
    Substring,
    Contains,
    StartsWith,
    EndsWith,
    /// Whether the text holds a match of this pattern.
    Matches(String),
    /// To a number of places.
    Round(i32),
    Floor,
    Ceil,
    IsNan,
    /// A double as a number that orders as doubles do, NaN last.
    Order,
    /// The double of such a number.
    Disorder,
    /// A timestamp moved by microseconds.
    Shift(i64),
    /// A date moved by days.
    ShiftDays(i32),
    /// A date or timestamp moved by months, to the last day of a shorter one.
    AddMonths(i32),
    AddDays,
    DaysBetween,
}

/// A piece of a `like` pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wild {
    Text(String),
    One,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Second,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Both,
    Leading,
    Trailing,
}

/// An aggregate over the rows of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub function: Aggregate,
    /// `None` for `count(*)`.
    pub argument: Option<Expr>,
    pub kind: Type,
    pub nullable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Count,
    CountDistinct,
    Sum,
    /// Of exact numbers: whole numbers wrap, and a decimal that does not fit is null.
    LenientSum,
    Min,
    Max,
    /// Of doubles; the average of exact numbers is a sum divided by a count.
    Mean,
    /// Of doubles, divided by the count less this.
    Variance(u8),
    /// Its root.
    Deviation(u8),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    pub function: Ranking,
    pub partition: Vec<Expr>,
    pub order: Vec<SortKey>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ranking {
    Rank,
    DenseRank,
    RowNumber,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SortKey {
    pub expr: Expr,
    pub descending: bool,
    pub nulls_last: bool,
}

impl Plan {
    /// The relations this one is made of.
    pub fn inputs(&self) -> Vec<&Plan> {
        match self {
            Plan::One | Plan::Scan { .. } => Vec::new(),
            Plan::Filter { input, .. }
            | Plan::Project { input, .. }
            | Plan::Aggregate { input, .. }
            | Plan::Windows { input, .. }
            | Plan::Distinct { input, .. }
            | Plan::Sort { input, .. }
            | Plan::Limit { input, .. } => vec![input],
            Plan::Join { left, right, .. } => vec![left, right],
            Plan::Union { inputs } => inputs.iter().collect(),
        }
    }

    /// How many columns the relation has.
    pub fn width(&self) -> usize {
        match self {
            Plan::One => 0,
            Plan::Scan { fields, .. } => fields.len(),
            Plan::Project { exprs, .. } => exprs.len(),
            Plan::Aggregate { keys, calls, .. } => keys.len() + calls.len(),
            Plan::Windows { input, windows } => input.width() + windows.len(),
            Plan::Join { left, right, .. } => left.width() + right.width(),
            Plan::Union { inputs } => inputs.first().map_or(0, Plan::width),
            Plan::Filter { input, .. }
            | Plan::Distinct { input, .. }
            | Plan::Sort { input, .. }
            | Plan::Limit { input, .. } => input.width(),
        }
    }

    /// Calls `visit` with every base table, in the order of the text, as often as it is read.
    pub fn scans<'a>(&'a self, visit: &mut dyn FnMut(&'a TableRef)) {
        if let Plan::Scan { table, .. } = self {
            visit(table);
        }
        for input in self.inputs() {
            input.scans(visit);
        }
    }
}

impl Expr {
    pub fn column(index: usize, kind: Type, nullable: bool, at: Place) -> Self {
        Self { node: Node::Column(index), kind, nullable, at }
    }

    pub fn literal(value: Literal, kind: Type, at: Place) -> Self {
        let nullable = value == Literal::Null;
        Self { node: Node::Literal(value), kind, nullable, at }
    }

    /// The direct operands.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.node {
            Node::Column(_) | Node::Literal(_) | Node::Untyped => Vec::new(),
            Node::Cast(x)
            | Node::Negate(x)
            | Node::Abs(x)
            | Node::Round(x)
            | Node::Not(x)
            | Node::IsNull(x)
            | Node::Is(x, _)
            | Node::OneOf(x, _)
            | Node::Like(x, _)
            | Node::Extract(_, x)
            | Node::Upper(x)
            | Node::Lower(x)
            | Node::Trim(_, x, _)
            | Node::Unpacked(_, x) => vec![x],
            Node::Arithmetic(_, a, b) | Node::Compare(_, a, b) | Node::And(a, b) | Node::Or(a, b) => vec![a, b],
            Node::Case(arms, otherwise) => arms.iter().flat_map(|(c, r)| [c, r]).chain([otherwise.as_ref()]).collect(),
            Node::Coalesce(list) | Node::Concat(list) | Node::Packed(list) | Node::Function(_, list) => {
                list.iter().collect()
            }
            Node::Substring(x, from, length) => {
                [x.as_ref(), from.as_ref()].into_iter().chain(length.as_deref()).collect()
            }
            Node::Aggregate(call) => call.argument.iter().collect(),
            Node::Window(window) => window.partition.iter().chain(window.order.iter().map(|key| &key.expr)).collect(),
        }
    }

    /// The direct operands, to change in place.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.node {
            Node::Column(_) | Node::Literal(_) | Node::Untyped => Vec::new(),
            Node::Cast(x)
            | Node::Negate(x)
            | Node::Abs(x)
            | Node::Round(x)
            | Node::Not(x)
            | Node::IsNull(x)
            | Node::Is(x, _)
            | Node::OneOf(x, _)
            | Node::Like(x, _)
            | Node::Extract(_, x)
            | Node::Upper(x)
            | Node::Lower(x)
            | Node::Trim(_, x, _)
            | Node::Unpacked(_, x) => vec![x],
            Node::Arithmetic(_, a, b) | Node::Compare(_, a, b) | Node::And(a, b) | Node::Or(a, b) => vec![a, b],
            Node::Case(arms, otherwise) => {
                arms.iter_mut().flat_map(|(c, r)| [c, r]).chain([otherwise.as_mut()]).collect()
            }
            Node::Coalesce(list) | Node::Concat(list) | Node::Packed(list) | Node::Function(_, list) => {
                list.iter_mut().collect()
            }
            Node::Substring(x, from, length) => {
                [x.as_mut(), from.as_mut()].into_iter().chain(length.as_deref_mut()).collect()
            }
            Node::Aggregate(call) => call.argument.iter_mut().collect(),
            Node::Window(window) => {
                window.partition.iter_mut().chain(window.order.iter_mut().map(|key| &mut key.expr)).collect()
            }
        }
    }

    /// Whether the value can be null, from what its operands are now.
    pub fn renew_nullable(&mut self) {
        self.nullable = match &self.node {
            Node::Column(_) | Node::Literal(_) | Node::Untyped | Node::Aggregate(_) | Node::Window(_) => self.nullable,
            Node::IsNull(_) | Node::Is(..) => false,
            Node::Function(..) => true,
            Node::Coalesce(list) => list.iter().all(|e| e.nullable),
            Node::Packed(list) => list.iter().rev().skip(1).any(|e| e.nullable),
            // The text can hold a null that it does not show.
            Node::Unpacked(_, x) => self.nullable || x.nullable,
            Node::Case(arms, otherwise) => otherwise.nullable || arms.iter().any(|(_, result)| result.nullable),
            _ => self.children().iter().any(|e| e.nullable),
        };
    }

    /// Whether `test` holds for this expression or anything in it.
    pub fn any(&self, test: &dyn Fn(&Expr) -> bool) -> bool {
        test(self) || self.children().into_iter().any(|child| child.any(test))
    }

    /// Whether the value is the same for every row.
    pub fn is_constant(&self) -> bool {
        !self.any(&|e| matches!(e.node, Node::Column(_) | Node::Aggregate(_) | Node::Window(_)))
    }

    /// Calls `visit` with every column this expression reads.
    pub fn columns(&self, visit: &mut dyn FnMut(usize)) {
        if let Node::Column(index) = self.node {
            visit(index);
        }
        for child in self.children() {
            child.columns(visit);
        }
    }

    /// Renumbers every column.
    pub fn renumber(&mut self, number: &dyn Fn(usize) -> usize) {
        if let Node::Column(index) = &mut self.node {
            *index = number(*index);
        }
        for child in self.children_mut() {
            child.renumber(number);
        }
    }
}
