//! A pipeline as plain validated data.

use crate::contract::Contract;
use crate::names::{Layer, TableName};
use crate::quality::{Retention, Ruleset};
use chrono::NaiveDate;
use std::collections::BTreeMap;
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
    pub rulesets: Vec<Ruleset>,
    pub failing_rows: Retention,
    /// Hex digest of every file that makes up the definition: same digest, same behaviour.
    pub digest: String,
    /// The folder that it was read from.
    pub folder: PathBuf,
}

impl Pipeline {
    /// When it runs by itself, in words: its schedule, or `When files arrive`. None when it runs only when asked.
    pub fn rhythm(&self) -> Option<String> {
        let arrive = || self.watches().then(|| "When files arrive".to_owned());
        self.schedule.as_ref().map(Schedule::words).or_else(arrive)
    }

    /// Whether a daemon watches its sources' folders.
    pub fn watches(&self) -> bool {
        self.sources.iter().any(|source| source.dates == FileDates::Arrival)
    }

    /// The rules that judge a table.
    pub fn ruleset(&self, layer: Layer, table: &str) -> Option<&Ruleset> {
        self.rulesets.iter().find(|ruleset| ruleset.layer == layer && ruleset.table == table)
    }

    /// Tables that do not lie in the folder of their layer, and where below the pipeline's lake folder they do.
    pub fn places(&self) -> BTreeMap<TableName, String> {
        let silver = self.contracts.iter().map(|table| (Layer::Silver, &table.table, &table.folder));
        let gold = self.models.iter().map(|model| (Layer::Gold, &model.name, &model.folder));
        let placed = silver.chain(gold).filter_map(|(layer, name, folder)| Some((layer, name, folder.clone()?)));
        placed.map(|(layer, name, folder)| (TableName::new(&self.name, layer, name), folder)).collect()
    }
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
    pub dates: FileDates,
    /// A file whose content was read under another path is not read again.
    pub once: bool,
    /// What fills the folder, where that is not left to other programs.
    pub feed: Option<Feed>,
    /// Folder below the pipeline's lake folder for files that cannot be read at all; each lies beside its reason.
    /// Without one such a file fails the step.
    pub dead_letter: Option<String>,
}

impl Source {
    /// The one folder below the pipeline's lake folder whose files have this date, with `/`; none where the path has
    /// other `*` before its `date=*`, or where folders do not tell dates.
    pub fn folder_of(&self, date: NaiveDate) -> Option<String> {
        let mut folder = String::new();
        for segment in self.path.split('/').filter(|segment| !segment.is_empty()) {
            match segment {
                "date=*" if self.dates == FileDates::Folder => return Some(format!("{folder}date={date}")),
                wild if wild.contains('*') => return None,
                plain => folder.extend([plain, "/"]),
            }
        }
        None
    }
}

/// What a file's own date is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileDates {
    /// That of its `date=` folder; none without such a folder.
    #[default]
    Folder,
    /// The day (UTC) on which it was last written.
    Arrival,
}

/// Fills a source's folder before it is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Feed {
    /// One file of a data set, downloaded when the folder holds none or when that is asked for.
    Kaggle {
        /// `owner/name`.
        dataset: String,
        /// The file's name inside the data set, and in the folder.
        file: String,
    },
    Postgres(TableFeed),
    DynamoDb(ScanFeed),
}

/// Rows of a PostgreSQL table, landed as Parquet below `extracted_at=*/` with the source's types.
#[derive(Debug, Clone, PartialEq)]
pub struct TableFeed {
    /// Name of a connection of the environment.
    pub connection: String,
    /// `schema.table`.
    pub table: String,
    /// Unique and not null; pages are cut along it.
    pub key: Vec<String>,
    /// A column that grows with every change of a row: only rows at or above the last one seen are read.
    pub watermark: Option<String>,
    pub page_rows: u32,
}

/// Items of a DynamoDB table, landed as Parquet below `extracted_at=*/`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanFeed {
    /// Name of a connection of the environment.
    pub connection: String,
    pub table: String,
    /// Attributes and their types, in the order of the landed columns.
    pub columns: Vec<(String, crate::contract::ColumnType)>,
    /// Scanned side by side.
    pub segments: u16,
    /// Read capacity units per second over all segments; unlimited when absent.
    pub read_units: Option<u32>,
}

/// A copy of a table's current rows in plain files, for programs that read no Delta. Written after each commit,
/// each file replaced in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    pub form: PublishedForm,
    /// Folder below the pipeline's lake folder.
    pub path: String,
    pub files: PublishedFiles,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishedForm {
    Parquet,
    /// With header and RFC 4180 quoting; null is empty, an empty text is `""`.
    Csv,
    /// As `Csv`, separated by tabs.
    Tsv,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishedFiles {
    /// `<table>.<ending>`, below `<column>=<date>/` where the table is partitioned; without audit columns.
    ByDate,
    /// One file for each source file, its rows in the source's order, named once and for ever. `{time}` in the
    /// name is the moment of processing as `YYYYMMDD_HHMMSS` (UTC); a second file in one second takes the next
    /// free second. Only the contract's columns without the partition column.
    BySource { name: String },
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
    /// Where the table lies below the pipeline's lake folder; `gold/<name>` when absent.
    pub folder: Option<String>,
    pub publish: Vec<Publication>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Warehouse {
    pub schema: String,
    /// Schema of lasting staging tables, filled before the tables of `schema`; without one they are temporary.
    pub staging: Option<String>,
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
