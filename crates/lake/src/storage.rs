//! The storage behind a lake in a bucket: its connection, and how blocking code waits for it.

use crate::cache::Cache;
use crate::error::LakeError;
use crate::patient::Patient;
use crate::probe;
use assay_pipeline::Bucket;
use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::client::SpawnedReqwestConnector;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};

const ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN: &str = "AWS_SESSION_TOKEN";

/// Threads on which requests run, whatever runtime or thread waits for them.
const THREADS: usize = 2;
/// Storages that are kept connected.
const KEPT: usize = 16;

/// The keys to a storage. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    id: String,
    secret: String,
    token: Option<String>,
}

impl Keys {
    /// From `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, looked up with `variable`.
    /// None unless both keys are there.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let given = |name: &str| variable(name).filter(|text| !text.is_empty());
        Some(Self { id: given(ID)?, secret: given(SECRET)?, token: given(TOKEN) })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(...)")
    }
}

/// How the storage of lakes in buckets is reached, and how much of it is kept on this disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// None is told when the storage is needed.
    pub keys: Option<Keys>,
    /// In bytes.
    pub cache_limit: u64,
}

/// A bucket, connected when it is first needed.
pub(crate) struct Storage {
    pub(crate) bucket: Bucket,
    mirror: PathBuf,
    access: Access,
    open: OnceLock<Open>,
}

struct Open {
    store: Arc<dyn ObjectStore>,
    /// Held while this process lives, so that nobody removes the copies it uses.
    cache: Option<Cache>,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Storage({})", self.bucket)
    }
}

static KNOWN: Mutex<Vec<Arc<Storage>>> = Mutex::new(Vec::new());

impl Storage {
    /// One for each bucket, folder of copies and keys in this process. Nothing is read yet.
    pub(crate) fn of(bucket: &Bucket, mirror: &Path, access: &Access) -> Arc<Self> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |one: &&Arc<Self>| one.bucket == *bucket && one.mirror == mirror && one.access == *access;
        if let Some(found) = known.iter().find(same) {
            return Arc::clone(found);
        }
        let (bucket, mirror, access) = (bucket.clone(), mirror.to_owned(), access.clone());
        let storage = Arc::new(Self { bucket, mirror, access, open: OnceLock::new() });
        known.push(Arc::clone(&storage));
        if known.len() > KEPT {
            known.remove(0);
        }
        storage
    }

    /// A bucket behind this store.
    pub(crate) fn through(store: Arc<dyn ObjectStore>, bucket: &Bucket, mirror: &Path) -> Arc<Self> {
        let access = Access { keys: None, cache_limit: u64::MAX };
        let open = OnceLock::from(Open { store: Arc::new(Patient(store)), cache: None });
        Arc::new(Self { bucket: bucket.clone(), mirror: mirror.to_owned(), access, open })
    }

    pub(crate) fn store(&self) -> Result<Arc<dyn ObjectStore>, LakeError> {
        if let Some(open) = self.open.get() {
            return Ok(Arc::clone(&open.store));
        }
        let store: Arc<dyn ObjectStore> = Arc::new(Patient(self.connected(&Patience::OF_RUNS)?));
        let cache = match self.mirror.parent() {
            Some(all) => Some(Cache::hold(all, self.access.cache_limit)?),
            None => None,
        };
        Ok(Arc::clone(&self.open.get_or_init(|| Open { store, cache }).store))
    }

    /// So many bytes of copies came.
    pub(crate) fn grew(&self, bytes: u64) {
        if let Some(cache) = self.open.get().and_then(|open| open.cache.as_ref()) {
            cache.grew(bytes);
        }
    }

    /// A connection of its own, whose requests end soon and are asked once.
    pub(crate) fn impatient(&self) -> Result<Arc<dyn ObjectStore>, LakeError> {
        self.connected(&Patience { retries: 0, request: probe::PATIENCE })
    }

    fn connected(&self, patience: &Patience) -> Result<Arc<dyn ObjectStore>, LakeError> {
        let keys = self.access.keys.as_ref().ok_or_else(|| LakeError::NoKeys { place: self.bucket.to_string() })?;
        connect(&self.bucket, keys, patience).map_err(|what| LakeError::storage(&self.bucket, "reaching", what))
    }
}

/// How often a request is repeated, and how long one may take.
struct Patience {
    retries: usize,
    request: Duration,
}

impl Patience {
    const OF_RUNS: Self = Self { retries: 6, request: Duration::from_secs(60) };
}

/// The error says nothing of the keys.
fn connect(bucket: &Bucket, keys: &Keys, patience: &Patience) -> Result<Arc<dyn ObjectStore>, String> {
    let handle = requests().ok_or("has no thread to be asked from")?;
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: patience.retries,
        retry_timeout: patience.request,
    };
    let client = ClientOptions::new()
        .with_timeout(patience.request)
        .with_connect_timeout(Duration::from_secs(5))
        .with_pool_idle_timeout(Duration::from_secs(15));
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(&bucket.region)
        .with_access_key_id(&keys.id)
        .with_secret_access_key(&keys.secret)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(retry)
        .with_client_options(client)
        .with_http_connector(SpawnedReqwestConnector::new(handle.clone()));
    if let Some(token) = &keys.token {
        builder = builder.with_token(token);
    }
    builder = match &bucket.endpoint {
        Some(endpoint) => builder
            .with_endpoint(endpoint)
            .with_virtual_hosted_style_request(false)
            .with_allow_http(endpoint.starts_with("http://")),
        None => builder.with_virtual_hosted_style_request(true),
    };
    let store = builder.build().map_err(|_| "cannot be reached with these settings")?;
    Ok(Arc::new(store))
}

/// A connection belongs to the runtime that made it, and programs have several: requests have one of their own.
fn requests() -> Option<&'static Handle> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(THREADS).thread_name("lake-storage").enable_all().build().ok()
    });
    runtime.as_ref().map(Runtime::handle)
}

/// Runs `work` on the threads of requests and waits for it, from a thread of any kind but these.
pub(crate) fn wait<T: Send + 'static>(
    place: &impl fmt::Display,
    doing: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, LakeError> {
    let none = || LakeError::storage(place, doing, "could not be asked from this process");
    let (send, receive) = std::sync::mpsc::sync_channel(1);
    requests().ok_or_else(none)?.spawn(async move {
        // The receiver waits until this is sent or the work panicked.
        let _ = send.send(work.await);
    });
    receive.recv().map_err(|_| none())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keys_are_never_shown_and_come_in_pairs() {
        let given = |names: &'static [&'static str]| {
            Keys::of(move |name| names.contains(&name).then(|| format!("sesame {name}")))
        };
        assert_eq!(given(&[ID]), None);
        assert_eq!(given(&[SECRET, TOKEN]), None);
        assert_eq!(Keys::of(|_| Some(String::new())), None);
        assert!(given(&[ID, SECRET]).unwrap().token.is_none());
        let shown = format!("{:?}", Access { keys: given(&[ID, SECRET, TOKEN]), cache_limit: 1 });
        assert!(!shown.contains("sesame"), "{shown}");
    }
}
