//! A look at the storage of a lake in a bucket: whether it answers, lets itself be listed and written, and keeps the
//! promise on which commits rest.

use crate::error::LakeError;
use crate::fault::fault;
use crate::place::Place;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Of one request, and of all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE_OF_ALL: Duration = Duration::from_secs(15);

/// What a storage does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// All that a lake needs. Its clock when it was asked.
    Fine(DateTime<Utc>),
    /// It can be read and not written: what it said to that.
    ReadOnly(String),
    /// It overwrites what it was told to create: of two commits of one version one would be lost.
    Overwrites,
    /// It could not be asked, and why: `the storage has no such bucket`.
    Refused(String),
}

/// Asks the storage of a remote place, without patience. Writes an object of its own there and removes it.
pub async fn probe(place: &Place) -> Result<Probed, LakeError> {
    let (store, root) = place.impatient()?;
    let (handed, key) = (place.clone(), root.clone().join(format!(".assay-probe-{}", Uuid::new_v4().simple())));
    let asked = tokio::task::spawn_blocking(move || {
        handed.wait("asking", async move {
            let slow = Probed::Refused(format!("gave no answer within {} seconds", PATIENCE_OF_ALL.as_secs()));
            tokio::time::timeout(PATIENCE_OF_ALL, ask(store, root, key)).await.unwrap_or(slow)
        })
    });
    asked.await.map_err(|error| LakeError::disk(place, "asking", error))?
}

async fn ask(store: Arc<dyn ObjectStore>, root: Key, probe: Key) -> Probed {
    if let Some(Err(error)) = store.list(Some(&root)).next().await {
        return Probed::Refused(said(&error));
    }
    let create = || {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        store.put_opts(&probe, Bytes::from_static(b"assay").into(), options)
    };
    if let Err(error) = create().await {
        return Probed::ReadOnly(said(&error));
    }
    let again = create().await;
    let clock = store.head(&probe).await;
    if let Err(error) = store.delete(&probe).await {
        return Probed::ReadOnly(format!("{}, when {probe} was to be removed: remove it", said(&error)));
    }
    match (again, clock) {
        (Err(object_store::Error::AlreadyExists { .. }), Ok(meta)) => Probed::Fine(meta.last_modified),
        (Ok(_), _) => Probed::Overwrites,
        (Err(object_store::Error::AlreadyExists { .. }), Err(error)) | (Err(error), _) => Probed::Refused(said(&error)),
    }
}

fn said(error: &object_store::Error) -> String {
    fault(error).map_or_else(|| "answered what is not understood".to_owned(), |fault| fault.what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use object_store::memory::InMemory;

    #[tokio::test]
    async fn a_storage_that_keeps_its_promise_is_left_as_it_was() {
        let store = Arc::new(InMemory::new());
        let asked = ask(Arc::clone(&store) as _, Key::from("lake"), Key::from("lake/.probe")).await;
        assert!(matches!(asked, Probed::Fine(_)), "{asked:?}");
        assert_eq!(store.list(None).count().await, 0);
    }
}
