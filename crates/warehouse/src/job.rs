//! One load: which rows of which table go where, and what became of them.

use crate::error::WarehouseError;
use crate::quote::check_names;
use chrono::NaiveDate;
use std::collections::HashSet;

/// Most digits and decimal places of PostgreSQL's numeric type with a declared precision.
const MOST_DIGITS: u16 = 1000;

#[derive(Debug, Clone, PartialEq)]
pub struct LoadJob {
    pub pipeline: String,
    pub environment: String,
    pub schema: String,
    pub table: String,
    /// In the order of the rows' fields.
    pub columns: Vec<WarehouseColumn>,
    pub mode: Replace,
    /// Kept with the table for Redshift; PostgreSQL has no use for it.
    pub distribution_key: Option<String>,
    /// Columns of an index, and the order of previews.
    pub sort_key: Vec<String>,
    /// Numeric columns whose sums over the replaced rows are told.
    pub sums: Vec<String>,
    /// Schema of a lasting table that takes the rows first; without one they wait in a table of the session.
    pub staging: Option<String>,
    /// Id of the lake's table, which a table made anew does not share.
    pub lake_table: String,
    /// Version of the lake's table that the rows are of.
    pub lake_version: i64,
    pub run: String,
}

/// What of the table the rows stand for.
#[derive(Debug, Clone, PartialEq)]
pub enum Replace {
    /// The rows of these dates, and no others; a row of another date fails the load.
    Dates { column: String, dates: Vec<NaiveDate> },
    /// Every row; the table is made anew when its columns differ.
    All,
}

#[derive(Debug, Clone, PartialEq)]
pub struct WarehouseColumn {
    pub name: String,
    pub kind: WarehouseType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarehouseType {
    Boolean,
    Int32,
    Int64,
    Decimal { precision: u16, scale: u16 },
    Double,
    Text,
    Date,
    Timestamp,
    TimestampUtc,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadOutcome {
    /// Rows put in, and rows taken out for them with the sums that the job asked for, as decimal text.
    Loaded { copied: u64, replaced: u64, sums_replaced: Vec<Option<String>> },
    /// The load log has this version for all that was asked; nothing was read or written.
    AlreadyLoaded,
}

impl WarehouseType {
    /// The type as PostgreSQL itself spells it, so that it compares with the catalog's text.
    pub fn sql(self) -> String {
        match self {
            WarehouseType::Boolean => "boolean".to_owned(),
            WarehouseType::Int32 => "integer".to_owned(),
            WarehouseType::Int64 => "bigint".to_owned(),
            WarehouseType::Decimal { precision, scale } => format!("numeric({precision},{scale})"),
            WarehouseType::Double => "double precision".to_owned(),
            WarehouseType::Text => "text".to_owned(),
            WarehouseType::Date => "date".to_owned(),
            WarehouseType::Timestamp => "timestamp without time zone".to_owned(),
            WarehouseType::TimestampUtc => "timestamp with time zone".to_owned(),
        }
    }
}

impl LoadJob {
    /// `schema.table`, for messages.
    pub(crate) fn place(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    pub(crate) fn column_names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// The dates as ISO text, without repeats; empty when the whole table is replaced.
    pub(crate) fn dates(&self) -> Vec<String> {
        match &self.mode {
            Replace::All => Vec::new(),
            Replace::Dates { dates, .. } => iso_dates(dates),
        }
    }

    /// Refuses a job that PostgreSQL would refuse late or read otherwise than meant.
    pub(crate) fn check(&self) -> Result<(), WarehouseError> {
        check_names(&self.schema, &self.table, self.columns.iter().map(|column| &column.name))?;
        if let Some(staging) = &self.staging {
            check_names(staging, &self.table, [])?;
        }
        let mut problems = Vec::new();
        let mut seen = HashSet::new();
        for column in &self.columns {
            if !seen.insert(column.name.as_str()) {
                problems.push(format!("the column {} is there twice", column.name));
            }
            if let WarehouseType::Decimal { precision, scale } = column.kind
                && (precision == 0 || precision > MOST_DIGITS || scale > precision)
            {
                problems.push(format!("the column {} cannot be {}", column.name, column.kind.sql()));
            }
        }
        if self.columns.is_empty() {
            problems.push("it has no columns".to_owned());
        }
        for key in self.sort_key.iter().chain(&self.distribution_key).filter(|key| !seen.contains(key.as_str())) {
            problems.push(format!("the key column {key} is not one of its columns"));
        }
        for sum in self.sums.iter().filter(|sum| !seen.contains(sum.as_str())) {
            problems.push(format!("the summed column {sum} is not one of its columns"));
        }
        if self.staging.as_ref() == Some(&self.schema) {
            problems.push("its staging schema is its own schema".to_owned());
        }
        if let Replace::Dates { column, .. } = &self.mode {
            let date = self.columns.iter().any(|known| known.name == *column && known.kind == WarehouseType::Date);
            if !date {
                problems.push(format!("{column} is not one of its date columns"));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(WarehouseError::Schema { table: self.place(), problems })
    }
}

/// Sorted, without repeats.
pub(crate) fn iso_dates(dates: &[NaiveDate]) -> Vec<String> {
    let mut dates = dates.to_vec();
    dates.sort_unstable();
    dates.dedup();
    dates.iter().map(NaiveDate::to_string).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn job() -> LoadJob {
        let column = |name: &str, kind| WarehouseColumn { name: name.to_owned(), kind };
        LoadJob {
            pipeline: "p".into(),
            environment: "local".into(),
            schema: "s".into(),
            table: "t".into(),
            columns: vec![column("day", WarehouseType::Date), column("id", WarehouseType::Int64)],
            mode: Replace::Dates { column: "day".into(), dates: vec![] },
            distribution_key: Some("id".into()),
            sort_key: vec!["day".into()],
            sums: vec![],
            staging: None,
            lake_table: "t1".into(),
            lake_version: 1,
            run: "r".into(),
        }
    }

    #[test]
    fn all_mistakes_of_a_job_are_told_at_once() {
        job().check().unwrap();
        let mut bad = job();
        bad.columns.push(bad.columns[1].clone());
        bad.columns
            .push(WarehouseColumn { name: "amount".into(), kind: WarehouseType::Decimal { precision: 2, scale: 3 } });
        bad.mode = Replace::Dates { column: "id".into(), dates: vec![] };
        bad.sort_key.push("gone".into());
        bad.sums.push("lost".into());
        bad.staging = Some("s".into());
        let text = bad.check().unwrap_err().to_string();
        for part in [
            "id is there twice",
            "amount cannot be numeric(2,3)",
            "key column gone",
            "summed column lost",
            "staging schema is its own",
            "id is not one of its date",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn dates_are_sorted_and_told_once() {
        let day = |day| NaiveDate::from_ymd_opt(2024, 1, day).unwrap();
        assert_eq!(iso_dates(&[day(2), day(1), day(2)]), ["2024-01-01", "2024-01-02"]);
    }
}
