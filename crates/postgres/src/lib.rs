//! A PostgreSQL server: its URL, TLS, a connection.
//!
//! `sslmode` and `sslrootcert` mean what they mean to libpq, with three differences: without `sslrootcert` the
//! certificates of the system count, no file of the home folder does; a file that is named and not there is an error in
//! every mode that may use TLS; a name is looked for among a certificate's alternative names alone.

mod address;
mod mode;
mod reason;
mod server;
mod tls;
mod trust;

pub use reason::{Cause, causes, reason};
pub use server::{Ambient, NoConnection, Server};
