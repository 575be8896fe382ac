//! Why generated data could not be written.

use chrono::NaiveDate;
use std::path::PathBuf;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum DemoError {
    #[error(
        "The demo data cannot begin at {first_date} and last {dates} dates: dates end at 9999-12-31. \
         Nothing was written. Choose an earlier first date or fewer dates."
    )]
    Dates { first_date: NaiveDate, dates: u32 },
    #[error(
        "The rates of dirt sum to {sum} per 100,000 records, more than all of them. Nothing was written. Lower the rates."
    )]
    Dirt { sum: u64 },
    #[error("The folder {} could not be made, so demo data is missing there: {source}. Check its rights and the disk.", .path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("The demo file {} could not be written and is not there: {source}. Check the folder's rights and the disk.", .path.display())]
    File { path: PathBuf, source: std::io::Error },
}
