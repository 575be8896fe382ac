//! A lake's storage for tests: a real S3 server on this machine, and a proxy before it that fails as it is told.

mod bucket;
mod proxy;
mod request;
mod script;
mod server;
mod shell;
#[cfg(test)]
mod tests;
mod wire;

pub use bucket::{Bucket, Object};
pub use proxy::Proxy;
pub use request::{Kind, Request};
pub use script::{Count, Fault, Rule};
pub use server::{Keys, REGION, Server};
