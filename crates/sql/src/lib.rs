//! Gold models: a closed subset of SQL, typed, compiled to Polars with the standard's semantics.
//!
//! `bind` turns text into a typed plan or into every mistake with its place; `Bound::lower` turns the plan into a
//! lazy Polars query. The crate knows no storage: tables come from a `Catalog` and from the caller's frames.
//!
//! Aggregates are `count`, `sum`, `min`, `max`, `avg` and `max_by(value, key, ...)`, each with an optional
//! `filter (where ...)`. `max_by` is the value of the row with the greatest keys, compared from left to right; rows
//! with a null key are left out, and among equal keys the greatest value is taken, null being the least.

mod bind;
mod catalog;
mod dialect;
mod error;
mod lineage;
mod literal;
mod lower;
mod parse;
mod partial;
mod plan;
pub mod spark;
mod types;

pub use bind::{bind, condition};
pub use catalog::{Catalog, TableRef, Use};
pub use error::{Cause, LowerError, SqlError};
pub use lineage::ColumnLineage;
pub use lower::Share;
pub use partial::Partials;
pub use plan::Bound;
pub use types::{Field, Type, dtype_of, field_of};
