//! What a query means: values by hand, refusals by snapshot, the shipped models, and random queries against a reader
//! of one row at a time.
#![allow(clippy::unwrap_used)]

mod last;
mod models;
mod partial;
mod random;
mod refused;
mod spark;
mod support;
mod types;
mod values;
