//! The warehouse against real PostgreSQL servers, each in a private cluster of its own.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod cluster;
mod faults;
mod load;
mod loaded;
mod proxy;
mod staging;
mod support;
mod views;
