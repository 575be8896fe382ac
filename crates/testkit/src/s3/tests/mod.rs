//! The server keeps what S3 promises; the proxy does what its script says, against the real server.
#![allow(clippy::unwrap_used)]

mod conformance;
mod end;
mod faults;

use super::{Bucket, Proxy, Server};
use object_store::aws::AmazonS3;
use object_store::path::Path as Key;
use std::sync::Arc;

/// A bucket, and a client of its own that asks once.
struct Scene {
    server: Arc<Server>,
    bucket: Bucket,
    store: AmazonS3,
}

impl Scene {
    fn new() -> Self {
        let server = Server::shared().unwrap();
        let bucket = server.bucket().unwrap();
        let store = server.store(bucket.name(), &server.endpoint()).unwrap();
        Self { server, bucket, store }
    }

    /// The same bucket behind a proxy.
    fn behind_proxy() -> (Self, Proxy) {
        let scene = Self::new();
        let proxy = Proxy::before(&scene.server).unwrap();
        let store = scene.server.store(scene.bucket.name(), &proxy.endpoint()).unwrap();
        (Self { store, ..scene }, proxy)
    }

    /// A key as the proxy names it.
    fn at(&self, key: &str) -> String {
        format!("{}/{key}", self.bucket.name())
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

/// Bytes that are different at every place.
fn bytes(length: usize) -> Vec<u8> {
    (0..length as u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).take(length).collect()
}
