//! Generated data of the shipped pipelines, with the dirt their contracts speak of.
//!
//! The same seed gives the same bytes on every machine.

mod error;
mod random;
mod sales;

pub use error::DemoError;
pub use sales::{Dirt, Sales};

use chrono::NaiveDate;
use std::path::Path;

/// How much data to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    pub seed: u64,
    pub first_date: NaiveDate,
    /// Number of consecutive dates.
    pub dates: u32,
    pub records_per_date: u64,
    /// One file of JSON lines a date instead of the mixed formats: for benchmarks.
    pub lines: bool,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    pub files: u64,
    /// Records in them, refused ones included; blank lines are not records.
    pub records: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// Writes the bronze files of one pipeline below its lake folder; the function hears the records written so far.
pub type Generator = fn(&Scale, &Path, &mut dyn FnMut(u64)) -> Result<Written, DemoError>;

/// The pipelines that have generated data, by name.
pub fn generators() -> &'static [(&'static str, Generator)] {
    &[("sales_lakehouse", |scale, lake, progress| {
        let sales = Sales::from(*scale);
        if scale.lines {
            let sales = Sales { dirt: Dirt::comparable(), ..sales };
            let path = |date: NaiveDate| lake.join(format!("bronze/sales/date={date}/sales.jsonl"));
            return sales.write_lines(&path, progress);
        }
        sales.write(lake, progress)
    })]
}
