//! What a pipeline is: TOML, SQL and rule files into validated plain data, with the place of every mistake.
//!
//! Does no I/O beyond reading the folder it is given, and reads no clock.

pub mod contract;
pub mod definition;
pub mod diagnostic;
pub mod environment;
pub mod expression;
pub mod names;
pub mod permit;
pub mod quality;
pub mod read;
mod schedule;
pub mod schema;
pub mod words;
pub mod workspace;

pub use contract::{Bound, Check, Clean, Column, ColumnType, Contract, Gate, Range, SilverMode};
pub use definition::{
    Encoding, Feed, FileDates, Format, Load, LoadMode, Model, Pipeline, Publication, PublishedFiles, PublishedForm,
    ScanFeed, Schedule, Source, TableFeed, Warehouse,
};
pub use diagnostic::{Mistake, Mistakes};
pub use environment::{Bucket, Connection, Environment, Guard, Workspace};
pub use names::{Layer, TableName};
pub use permit::Permit;
pub use quality::{Reference, Retention, Ruleset};
