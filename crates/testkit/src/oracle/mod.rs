//! The shipped pipelines computed a second time, from the raw bronze files and without the engine.

pub(crate) mod csv;
mod gold;
mod input;
mod json;
mod judge;
mod layers;
mod ledger;
mod moments;
mod number;
mod operational;
mod orders;
mod record;
mod retail;
mod rules;
mod star;
#[cfg(test)]
mod tests;

pub use gold::SALES_COLUMNS;
pub use layers::{Counts, Layers, Quarantined};
pub use operational::{Refusals, operational_lake};
pub use orders::{ORDER_COLUMNS, Orders, orders_parquet};
pub use retail::{Retail, online_retail};
pub use rules::SilverRow;
pub use star::sales_star;

use crate::TestkitError;
use crate::table::Table;
use chrono::NaiveDate;
use ledger::Ledger;
use std::collections::BTreeMap;
use std::path::Path;

/// What a run of `sales_lakehouse` over all dates must leave behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Accepted records, by file, line and offset.
    pub silver: Vec<SilverRow>,
    /// Refused records, by file, line and offset.
    pub quarantine: Vec<Quarantined>,
    /// By path below the pipeline's lake folder.
    pub files: BTreeMap<String, Counts>,
    /// By name of the table.
    pub gold: BTreeMap<&'static str, Table>,
}

impl Expected {
    /// Reads every bronze file below the pipeline's lake folder.
    pub fn read(pipeline_lake: &Path) -> Result<Self, TestkitError> {
        let mut files = files_below(pipeline_lake, "bronze/sales")?;
        files.retain(|(file, _)| file.starts_with("bronze/sales/date="));
        Self::of_all(files)
    }

    /// Takes the files as (path below the pipeline's lake folder, bytes) instead of reading them.
    pub fn of(files: &[(&str, &[u8])]) -> Result<Self, TestkitError> {
        Self::of_all(owned(files))
    }

    fn of_all(files: Vec<(String, Vec<u8>)>) -> Result<Self, TestkitError> {
        let mut ledger = Ledger::new();
        for (file, bytes) in files {
            ledger.add(&file, bytes, csv::utf8, &|values, place| {
                let row = rules::judge(values, place)?;
                let key = vec![row.date.to_string(), row.transaction_id.clone()];
                Ok((row, key))
            })?;
        }
        let (accepted, quarantine, files) = ledger.settle();
        let silver: Vec<SilverRow> = accepted.into_iter().map(|passed| passed.row).collect();
        let gold = gold::tables(&silver);
        Ok(Self { silver, quarantine, files, gold })
    }

    /// The silver table without its audit columns, of one date or of all.
    pub fn sales(&self, date: Option<NaiveDate>) -> Table {
        let rows: Vec<SilverRow> =
            self.silver.iter().filter(|row| date.is_none_or(|date| row.date == date)).cloned().collect();
        gold::sales(&rows)
    }

    /// The quarantine as a table of file, line and primary reason.
    pub fn refused(&self) -> Table {
        layers::refused(&self.quarantine)
    }

    /// How many records have each primary reason.
    pub fn reasons(&self) -> BTreeMap<&str, u64> {
        layers::reasons(self.quarantine.iter())
    }

    /// The counts of all files together.
    pub fn total(&self) -> Counts {
        layers::total(&self.files)
    }
}

/// Every file below a folder of the lake with its bytes, by path below the lake folder.
fn files_below(pipeline_lake: &Path, folder: &str) -> Result<Vec<(String, Vec<u8>)>, TestkitError> {
    let files = input::files(pipeline_lake, folder)?.into_iter();
    files.map(|(file, path)| Ok((file, std::fs::read(&path).map_err(TestkitError::at(path))?))).collect()
}

fn owned(files: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    files.iter().map(|(file, bytes)| ((*file).to_owned(), bytes.to_vec())).collect()
}

/// A cell that holds something.
fn some(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}
