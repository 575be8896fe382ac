//! What changed between two versions of a table, and what a run changed in all of its tables.

use serde::{Deserialize, Serialize};

/// One table before and after. Audit columns (`_...`) take no part.
///
/// Rows of files that both versions share are not read and count as `untouched`; all other figures, sums and
/// duplicates among them, are of the rows that were read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TableDifference {
    /// `pipeline.layer.table`; `pipeline.quarantine.table` for refused records.
    pub table: String,
    /// Absent when there was no table before.
    pub before: Option<u32>,
    pub after: u32,
    /// Columns that identify a row; empty when rows were compared whole.
    pub key: Vec<String>,
    /// Of the whole version, or of the dates that were asked for.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows_before: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows_after: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub added: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub removed: u64,
    /// Rows of the same key with another value in at least one column.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub changed: u64,
    /// Rows that were read and are equal.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub unchanged: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub untouched: u64,
    /// Rows beyond the first of their key.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub duplicates_before: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub duplicates_after: u64,
    /// Columns in which a row changed, in the table's order.
    pub columns: Vec<ColumnChange>,
    /// Keys of added rows, or the whole rows where there is no key; the first few.
    pub added_examples: Vec<Vec<Option<String>>>,
    pub removed_examples: Vec<Vec<Option<String>>>,
    /// Columns that came, went or have another type.
    pub schema: Vec<SchemaChange>,
    pub sums: Vec<SumChange>,
    /// Dates whose files differ, oldest first, at most 4,000.
    pub dates: Vec<DateChange>,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub dates_left_out: u64,
    /// Refused records by date and reason; quarantine only.
    pub reasons: Vec<ReasonChange>,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub reasons_left_out: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub files_read: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub bytes_read: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ColumnChange {
    pub name: String,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub changed: u64,
    /// Rows that are in both versions and were read.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub compared: u64,
    pub examples: Vec<CellChange>,
}

/// A changed cell. Null is absent; a text of more than 200 characters ends in `…`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CellChange {
    /// Values of the key columns, in their order.
    pub key: Vec<Option<String>>,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// A column's type before and after; absent where there was or is no such column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SchemaChange {
    pub column: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Exact decimal text; the sum of no value is absent. A sum of doubles is rounded once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SumChange {
    pub column: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DateChange {
    /// ISO date, or `none`.
    pub date: String,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows_before: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub rows_after: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ReasonChange {
    /// ISO date, or `none`.
    pub date: String,
    pub reason: String,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub before: u64,
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub after: u64,
}

/// What a run changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RunDifference {
    pub run: String,
    /// Silver, gold and quarantine tables with a commit of the run.
    pub tables: Vec<TableDifference>,
    pub warehouse: Vec<WarehouseDifference>,
    /// Tables of the run that it left as they were.
    pub unchanged: Vec<String>,
    /// Tables that could not be compared, and why.
    pub left_out: Vec<LeftOut>,
}

/// Rows and sums that a load took out and put in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct WarehouseDifference {
    pub table: String,
    /// Of the dates that were loaded; `rows`, then the sums.
    pub measures: Vec<SumChange>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LeftOut {
    pub table: String,
    pub why: String,
}

impl TableDifference {
    /// Whether no row and no column differs.
    pub fn is_empty(&self) -> bool {
        self.added + self.removed + self.changed == 0 && self.schema.is_empty()
    }
}
