//! Landings from real servers: a private PostgreSQL, a DynamoDB emulator, and an HTTP server that plays Kaggle.
#![allow(clippy::unwrap_used)]

mod cluster;
mod dynamo;
mod emulator;
mod http;
mod kaggle;
mod kaggle_archives;
mod postgres;
mod postgres_refusals;
mod postgres_types;
mod support;
mod zips;
