//! Generated data of the shipped pipelines, with the dirt their contracts speak of.
//!
//! The same seed gives the same bytes on every machine.

mod draft;
mod error;
mod operational;
mod orders;
mod random;
mod retail;
mod sales;
mod text;

pub use error::DemoError;
pub use operational::{Customer, Event, Item, Landed, Landing, Operations, Order};
pub use sales::{Dirt, Sales};

use chrono::{Datelike, Days, NaiveDate};
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

/// The pipelines whose generated data is files, by name.
pub fn generators() -> &'static [(&'static str, Generator)] {
    &[
        ("online_retail", retail::write),
        ("orders_parquet", orders::write),
        ("sales_lakehouse", |scale, lake, progress| {
            let sales = Sales::from(*scale);
            if scale.lines {
                let sales = Sales { dirt: Dirt::comparable(), ..sales };
                let path = |date: NaiveDate| lake.join(format!("bronze/sales/date={date}/sales.jsonl"));
                return sales.write_lines(&path, progress);
            }
            sales.write(lake, progress)
        }),
        ("sales_star", |scale, lake, progress| Sales::from(*scale).write_json(lake, progress)),
    ]
}

/// Makes the rows of other systems that one pipeline reads.
pub type Systems = fn(&Scale) -> Result<Operations, DemoError>;

/// The pipelines whose generated data is rows of other systems, by name.
pub fn systems() -> &'static [(&'static str, Systems)] {
    &[("operational_lake", Operations::new)]
}

/// `dates` dates from `first_date` on; none of them outside the years 1 to 9999.
fn all_dates(first_date: NaiveDate, dates: u32) -> Result<Vec<NaiveDate>, DemoError> {
    let wrong = || DemoError::Dates { first_date, dates };
    let last = first_date.checked_add_days(Days::new(u64::from(dates.saturating_sub(1)))).ok_or_else(wrong)?;
    if first_date.year() < 1 || last.year() > 9999 {
        return Err(wrong());
    }
    Ok(first_date.iter_days().take(dates as usize).collect())
}
