//! Generated data, independent computations, fault scripts; dev only.
//!
//! Shares no code with the engine: what the oracle says is computed a second time, in the plainest way.

pub mod cluster;
pub mod copies;
pub mod delta;
pub mod emulators;
pub mod error;
pub mod frames;
pub mod oracle;
pub mod s3;
pub mod table;
pub mod workspace;

pub use error::TestkitError;
pub use frames::table_of;
pub use oracle::{
    Counts, Expected, Layers, ORDER_COLUMNS, Orders, Quarantined, Refusals, Retail, SALES_COLUMNS, SilverRow,
    online_retail, operational_lake, orders_parquet, sales_star,
};
pub use table::{Row, Table, assert_same_rows};
pub use workspace::{Changes, Outcome, Running, Workspace};
