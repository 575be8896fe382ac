//! What is in a bucket, for tests that are not asynchronous: they put, look, and copy a lake into a folder.

use super::server::{Keys, REGION, Server};
use crate::TestkitError;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, RetryConfig};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Runtime;

/// Requests at a time.
const AT_ONCE: usize = 16;

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    pub key: String,
    pub size: u64,
    pub etag: String,
    /// Of whole seconds.
    pub modified: DateTime<Utc>,
}

/// A bucket of the server itself, with no proxy before it.
#[derive(Debug)]
pub struct Bucket {
    name: String,
    store: AmazonS3,
    runtime: Runtime,
    /// What [`Bucket::copy_to`] has written, by the file that it wrote.
    copied: Mutex<BTreeMap<PathBuf, Object>>,
}

impl Bucket {
    pub(super) fn of(server: &Server, name: &str) -> Result<Self, TestkitError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(TestkitError::at("the test's runtime"))?;
        let store = server.store(name, &server.endpoint())?;
        Ok(Self { name: name.to_owned(), store, runtime, copied: Mutex::default() })
    }

    /// The server makes a bucket for the first object in it.
    pub(super) fn make(&self) -> Result<(), TestkitError> {
        self.put("first", b"")?;
        self.delete("first")
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn put(&self, key: &str, bytes: &[u8]) -> Result<(), TestkitError> {
        let key = Key::parse(key).map_err(object_store::Error::from)?;
        self.runtime.block_on(self.store.put(&key, bytes.to_vec().into()))?;
        Ok(())
    }

    pub fn get(&self, key: &str) -> Result<Vec<u8>, TestkitError> {
        Ok(self.runtime.block_on(get(&self.store, key))?)
    }

    pub fn delete(&self, key: &str) -> Result<(), TestkitError> {
        let key = Key::parse(key).map_err(object_store::Error::from)?;
        Ok(self.runtime.block_on(self.store.delete(&key))?)
    }

    /// Everything whose key begins with the segments of the prefix, by key.
    pub fn list(&self, prefix: &str) -> Result<Vec<Object>, TestkitError> {
        let prefix = Key::parse(prefix).map_err(object_store::Error::from)?;
        let found = self.store.list(Some(&prefix)).map_ok(|found| Object {
            key: found.location.as_ref().to_owned(),
            size: found.size,
            etag: found.e_tag.unwrap_or_default(),
            modified: found.last_modified,
        });
        let mut found: Vec<Object> = self.runtime.block_on(found.try_collect())?;
        found.sort();
        Ok(found)
    }

    /// Makes a folder, which nobody else fills, hold exactly what is below the prefix. What an earlier call brought and
    /// is as it was stays.
    pub fn copy_to(&self, prefix: &str, folder: &Path) -> Result<(), TestkitError> {
        let mut copied = self.copied.lock().unwrap_or_else(PoisonError::into_inner);
        let below = format!("{prefix}/");
        let objects = self.list(prefix)?.into_iter();
        let place = |object: &Object| folder.join(object.key.strip_prefix(&below).unwrap_or(&object.key));
        let wanted: BTreeMap<PathBuf, Object> = objects.map(|object| (place(&object), object)).collect();
        let keep: BTreeSet<&PathBuf> = wanted.keys().collect();
        for path in copied.keys().filter(|path| !keep.contains(path) && path.is_file()) {
            std::fs::remove_file(path).map_err(TestkitError::at(path))?;
        }
        let stale = |(path, object): &(&PathBuf, &Object)| copied.get(*path) != Some(object) || !path.is_file();
        let missing: Vec<(&PathBuf, &Object)> = wanted.iter().filter(stale).collect();
        let fetch = |(path, object): (&PathBuf, &Object)| {
            let (path, key) = (path.clone(), object.key.clone());
            async move {
                match get(&self.store, &key).await {
                    // It went after it was listed.
                    Err(object_store::Error::NotFound { .. }) => Ok((path, None)),
                    bytes => bytes.map(|bytes| (path, Some(bytes))),
                }
            }
        };
        let fetched = futures::stream::iter(missing.into_iter().map(fetch)).buffer_unordered(AT_ONCE);
        let fetched: Vec<(PathBuf, Option<Vec<u8>>)> = self.runtime.block_on(fetched.try_collect())?;
        let mut gone = BTreeSet::new();
        for (path, bytes) in fetched {
            match bytes {
                Some(bytes) => write(&path, &bytes)?,
                None => drop(gone.insert(path)),
            }
        }
        *copied = wanted.into_iter().filter(|(path, _)| !gone.contains(path)).collect();
        Ok(())
    }
}

async fn get(store: &AmazonS3, key: &str) -> Result<Vec<u8>, object_store::Error> {
    let key = Key::parse(key)?;
    Ok(store.get(&key).await?.bytes().await?.to_vec())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), TestkitError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(TestkitError::at(folder))?;
    }
    std::fs::write(path, bytes).map_err(TestkitError::at(path))
}

/// A client that asks once: what a test counts is what it did.
pub(super) fn store(keys: &Keys, bucket: &str, endpoint: &str) -> Result<AmazonS3, object_store::Error> {
    let once = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    let builder = AmazonS3Builder::new().with_endpoint(endpoint).with_allow_http(true).with_region(REGION);
    let builder = builder.with_access_key_id(&keys.id).with_secret_access_key(&keys.secret);
    builder.with_bucket_name(bucket).with_retry(once).build()
}
