//! Silver: types every record, refuses what the contract refuses, and writes the rest, partition by partition.

pub(crate) mod columns;
mod copies;
pub(crate) mod csv;
pub(crate) mod explode;
pub(crate) mod fault;
mod files;
pub(crate) mod gate;
pub(crate) mod ingest;
pub(crate) mod json;
pub(crate) mod keys;
pub(crate) mod moment;
pub(crate) mod number;
pub(crate) mod parquet_rows;
pub(crate) mod pass;
pub(crate) mod program;
pub(crate) mod publish;
pub(crate) mod refused;
pub(crate) mod replay;
mod rounds;
pub(crate) mod row;
pub(crate) mod shape;
mod token;
pub(crate) mod upsert;

pub use ingest::{Counts, FileReport, IngestJob, Ingested, PathOf, PlannedFile, Scope, ingest};
pub use replay::{Choice, FileChange, ReadFile, RefusedGroup, ReplayJob, Replayed, refused_groups, replay};
pub use upsert::Upserted;
