//! A pipeline as plain validated data.

use crate::contract::Contract;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    pub name: String,
    pub description: String,
    pub schedule: Option<Schedule>,
    pub sources: Vec<Source>,
    pub contracts: Vec<Contract>,
    /// In an order in which each model comes after the models that it reads.
    pub models: Vec<Model>,
    pub warehouse: Option<Warehouse>,
    /// Hex digest of every file that makes up the definition: same digest, same behaviour.
    pub digest: String,
    /// The folder that it was read from.
    pub folder: PathBuf,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Five-field cron expression.
    pub cron: String,
    /// IANA time zone.
    pub zone: String,
}

/// Files of a bronze source.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub name: String,
    /// Folder below the pipeline's lake folder. `*` stands for one path segment;
    /// a segment `date=*` gives the files their folder date.
    pub path: String,
    /// Formats that may occur, told apart by the file's name (below compression endings).
    pub formats: Vec<Format>,
    pub encoding: Encoding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Csv,
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Latin1,
    Windows1252,
}

/// A gold table: one SELECT.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub name: String,
    /// File of the SELECT, below the pipeline's folder.
    pub file: PathBuf,
    pub sql: String,
    /// Columns that identify a row.
    pub grain: Vec<String>,
    /// Date column that partitions the table; without one the table is rebuilt whole.
    pub partition: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Warehouse {
    pub schema: String,
    pub loads: Vec<Load>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Gold model and warehouse table.
    pub table: String,
    pub mode: LoadMode,
    pub distribution_key: Option<String>,
    pub sort_key: Vec<String>,
    /// Numeric columns whose sums are compared after the load, besides the row count.
    pub reconcile: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadMode {
    /// Replaces the dates of the run; the model must be partitioned.
    ReplaceDates,
    /// Replaces the whole table.
    ReplaceAll,
}
