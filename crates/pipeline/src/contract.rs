//! The contract of a silver table: columns, types, cleaning, ranges, checks, key.

mod range_text;
mod type_text;

use crate::expression::Expression;

/// What the accepted records of a silver table look like.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// Name of the silver table.
    pub table: String,
    /// Name of the bronze source that it reads.
    pub source: String,
    /// In declared order, which is the order of reasons and of the stored columns.
    pub columns: Vec<Column>,
    pub checks: Vec<Check>,
    /// Columns that identify a record within one business date; empty means that duplicates are kept.
    pub key: Vec<String>,
    /// The column whose date is the business date and the partition.
    pub partition: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    /// Path of the value in a nested record, outermost first; the header's name in CSV. Default: the column's name.
    pub path: Vec<String>,
    pub kind: ColumnType,
    /// Date and timestamp formats (strftime), tried in order on the whole text. Empty for other types.
    pub formats: Vec<String>,
    pub required: bool,
    /// Bounds on the cleaned value.
    pub range: Option<Range>,
    /// Applied in order to a string after trimming.
    pub clean: Vec<Clean>,
    /// What a null becomes, computed from the record's other columns.
    pub default: Option<Expression>,
}

/// Types that a contract can declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// At most this many characters (Unicode scalar values); longer is `range.<column>`.
    String {
        limit: Option<u32>,
    },
    Int32,
    Int64,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Double,
    Boolean,
    Date,
    /// Microseconds without a zone.
    Timestamp,
}

/// Bounds of a number, as exact decimal text in the definition: `range = "> 0"`, `">= 0 and <= 100"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub low: Option<Bound>,
    pub high: Option<Bound>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub value: crate::expression::Number,
    pub inclusive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clean {
    Lower,
    Upper,
    /// Every run of inner white space becomes one `_`.
    Underscore,
}

/// A condition on one record; false is `check.<name>`, null passes.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub name: String,
    pub condition: Expression,
}
