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
    pub mode: SilverMode,
    /// Path of an array in a nested record: each of its elements gives a row. Empty when a record is a row.
    ///
    /// A column whose path begins with it takes its value from the element, the others from the record.
    /// A record without the array is `missing.<name>`, one where it is no array `type.<name>` (`<name>` joined
    /// with points); an empty array counts as missing.
    pub explode: Vec<String>,
    pub gate: Option<Gate>,
    /// Where the table lies below the pipeline's lake folder; `silver/<table>` when absent.
    pub folder: Option<String>,
    pub publish: Vec<crate::definition::Publication>,
}

/// How a run changes a silver table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SilverMode {
    /// The run's dates are replaced by what the files hold for them; of one key within one date the record with
    /// the greatest (path, line) stays and the others are refused as `duplicate`.
    #[default]
    Replace,
    /// One row for each key of the whole table, whatever its date: the one with the greatest value of this column,
    /// then of (path, line). Older versions of a key are accepted and leave no row.
    Upsert { version: String },
}

/// What must hold before a silver table is published; otherwise the step fails and nothing changes.
/// It is asked of all records that the run accepts or refuses; without any it holds. Records without a date count in
/// a run that writes every dated record of their file.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Least share of accepted records, in percent.
    pub accepted: crate::expression::Number,
    /// Records that the share leaves out, judged on the cleaned texts of a record, refused or not.
    /// A record that cannot tell counts.
    pub except: Option<Expression>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    /// Path of the value in a nested record, outermost first; the header's name in CSV. Default: the column's name.
    pub path: Vec<String>,
    pub kind: ColumnType,
    /// Formats (strftime) of a date, a timestamp or an instant, tried in order on the whole text; those of an
    /// instant are read as UTC. Empty for other types, and for an instant whose text is RFC 3339.
    pub formats: Vec<String>,
    pub required: bool,
    /// Bounds on the cleaned value.
    pub range: Option<Range>,
    /// Applied in order to a string after trimming.
    pub clean: Vec<Clean>,
    /// What a null becomes, computed from the record's other columns that have neither a default nor a computed value.
    pub default: Option<Expression>,
    /// It tells of a person: masked in failing rows.
    pub pii: bool,
    /// The value, computed from the record's other columns; the input is not looked at. Values are computed in declared
    /// order, after cleaning and defaults, and use no computed column that is declared below.
    pub computed: Option<Expression>,
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
    /// A moment: microseconds in UTC. Text is RFC 3339 where no formats are declared.
    Instant,
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
    /// A whole number written with a fraction of zeros loses the fraction: `17850.0` becomes `17850`.
    WholeNumber,
}

/// A condition on one record; false is `check.<name>`, null passes.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub name: String,
    pub condition: Expression,
}
