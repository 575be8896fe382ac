//! PostgreSQL: private cluster, COPY loads, reconciliation.

mod account;
mod cluster;
mod connection;
mod error;
mod job;
mod load;
mod load_log;
mod measure;
mod place;
mod preview;
mod programs;
mod quote;
mod reconcile;
mod refusal;
mod seed;
mod server;
mod server_state;
mod staging;
mod table;

pub use cluster::{Cluster, erase};
pub use connection::Warehouse;
pub use error::{TableState, WarehouseError};
pub use job::{LoadJob, LoadOutcome, Replace, WarehouseColumn, WarehouseType};
pub use measure::LoadedRows;
pub use preview::{Page, PageColumn, TableList, TableSummary};
pub use programs::programs;
pub use reconcile::{Difference, Measures, reconcile};
pub use refusal::Refusal;
