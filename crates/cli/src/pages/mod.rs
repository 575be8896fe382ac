//! Rows of any layer, a page at a time: what the verbs print and what the window is sent.

pub mod difference;
mod lake;
mod query;
mod warehouse;

use crate::desk::Desk;
use crate::exit;
use assay_contract::Problem;
use assay_pipeline::{Layer, TableName};
use chrono::NaiveDate;
use polars::prelude::{DataFrame, IpcStreamReader, SerReader};
use std::io::Cursor;

pub use query::query;

/// Which rows of a table.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Newest when absent.
    pub version: Option<i64>,
    pub offset: u64,
    pub limit: u32,
    /// All when empty.
    pub columns: Vec<String>,
    /// A condition in the language of the gold models.
    pub condition: Option<String>,
}

/// A page as it was read.
#[derive(Debug)]
pub struct Page {
    pub frame: DataFrame,
    /// Rows that fit, on this page or not.
    pub total: u64,
    pub version: Option<i64>,
}

/// A page as Arrow IPC stream bytes, for the window.
pub struct Bytes {
    pub ipc: Vec<u8>,
    pub total: u64,
    pub version: Option<i64>,
}

pub fn page(desk: &Desk, table: &TableName, question: &Question) -> Result<Page, Problem> {
    decoded(bytes(desk, table, question)?)
}

pub fn bytes(desk: &Desk, table: &TableName, question: &Question) -> Result<Bytes, Problem> {
    match table.layer {
        Layer::Silver | Layer::Gold => lake::table(desk, table, question),
        Layer::Bronze => lake::records(desk, table, question),
        Layer::Warehouse => warehouse::table(desk, table, question),
    }
}

/// Refused records of a silver table, by date and reason code.
pub fn quarantine(
    desk: &Desk,
    table: &TableName,
    date: Option<NaiveDate>,
    reason: Option<&str>,
    offset: u64,
    limit: u32,
) -> Result<Page, Problem> {
    decoded(lake::quarantine(desk, table, date, reason, offset, limit)?)
}

pub use lake::quarantine as quarantine_bytes;

fn decoded(bytes: Bytes) -> Result<Page, Problem> {
    let frame = IpcStreamReader::new(Cursor::new(bytes.ipc)).finish();
    let frame = frame.map_err(|error| exit::because("The page could not be read back.", &error, "Report this."))?;
    Ok(Page { frame, total: bytes.total, version: bytes.version })
}
