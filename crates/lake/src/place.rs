//! Where something of a lake lies: a folder of this disk, or keys of a bucket with a mirror on this disk.
//!
//! A mirror has the files of its place under the same paths below. It holds those that were staged here and those
//! that were fetched to be read; which files there are only the storage tells.

use crate::error::LakeError;
use crate::storage::{Access, Storage, wait};
use assay_pipeline::Bucket;
use object_store::ObjectStore;
use object_store::path::Path as Key;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// A folder of a lake, or a file in it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
    far: Option<Far>,
}

/// A storage, and a key in it.
pub(crate) type Stored = (Arc<dyn ObjectStore>, Key);

#[derive(Debug, Clone)]
struct Far {
    storage: Arc<Storage>,
    /// Below the bucket, without slashes at its ends.
    key: String,
}

impl Place {
    /// A folder of this disk.
    pub fn on_disk(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), far: None }
    }

    /// The root of a lake in a bucket, with its mirror. Nothing is read yet, so that missing keys are told later.
    pub fn in_bucket(bucket: &Bucket, mirror: &Path, access: &Access) -> Self {
        Self::far(Storage::of(bucket, mirror, access), mirror)
    }

    /// As [`Place::in_bucket`], with the bucket reached through `store`, whose root is that of the bucket.
    pub fn through(store: Arc<dyn ObjectStore>, bucket: &Bucket, mirror: &Path) -> Self {
        Self::far(Storage::through(store, bucket, mirror), mirror)
    }

    fn far(storage: Arc<Storage>, mirror: &Path) -> Self {
        let key = storage.bucket.prefix.clone();
        Self { folder: mirror.to_owned(), far: Some(Far { storage, key }) }
    }

    /// What lies below, by a path with `/`.
    pub fn join(&self, below: &str) -> Self {
        let below = below.trim_matches('/');
        let far = self.far.as_ref().map(|far| Far { key: joined(&far.key, below), storage: Arc::clone(&far.storage) });
        Self { folder: self.folder.join(below), far }
    }

    /// The place on this disk: itself, or its mirror.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it is not on this disk.
    pub fn is_remote(&self) -> bool {
        self.far.is_some()
    }

    /// The storage of a remote place, and the place's key in it.
    pub(crate) fn store(&self) -> Result<Option<Stored>, LakeError> {
        let Some(far) = &self.far else { return Ok(None) };
        let key = Key::parse(&far.key).map_err(|_| LakeError::NoKey { place: self.to_string() })?;
        Ok(Some((far.storage.store()?, key)))
    }

    /// As [`Place::store`], for callers that know that it is remote.
    pub(crate) fn remote(&self) -> Result<Stored, LakeError> {
        self.store()?.ok_or_else(|| LakeError::storage(self, "asking", "is this disk"))
    }

    /// So many bytes of copies came.
    pub(crate) fn grew(&self, bytes: u64) {
        if let Some(far) = &self.far {
            far.storage.grew(bytes);
        }
    }

    /// As [`Place::remote`], through a connection of its own that waits for nothing and asks nothing twice.
    pub(crate) fn impatient(&self) -> Result<Stored, LakeError> {
        let far = self.far.as_ref().ok_or_else(|| LakeError::storage(self, "asking", "is this disk"))?;
        let key = Key::parse(&far.key).map_err(|_| LakeError::NoKey { place: self.to_string() })?;
        Ok((far.storage.impatient()?, key))
    }

    /// The address of a remote place, as a folder.
    pub(crate) fn url(&self) -> Option<Url> {
        let far = self.far.as_ref()?;
        let mut url = Url::parse(&format!("s3://{}/", far.storage.bucket.name)).ok()?;
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(far.key.split('/').filter(|part| !part.is_empty()))
            .push("");
        Some(url)
    }

    /// Runs `work` where requests run, and waits for it.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, LakeError> {
        wait(self, doing, work)
    }
}

fn joined(key: &str, below: &str) -> String {
    match (key, below) {
        ("", below) => below.to_owned(),
        (key, "") => key.to_owned(),
        (key, below) => format!("{key}/{below}"),
    }
}

/// Two places are one when their files on this disk are.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.folder == other.folder
    }
}

impl Eq for Place {}

impl From<&Path> for Place {
    fn from(folder: &Path) -> Self {
        Self::on_disk(folder)
    }
}

impl From<&PathBuf> for Place {
    fn from(folder: &PathBuf) -> Self {
        Self::on_disk(folder)
    }
}

impl From<&Place> for Place {
    fn from(place: &Place) -> Self {
        place.clone()
    }
}

impl From<PathBuf> for Place {
    fn from(folder: PathBuf) -> Self {
        Self::on_disk(folder)
    }
}

/// As it is shown to people: `s3://bucket/prefix/…` for a remote one.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.far {
            Some(far) => write!(f, "s3://{}", joined(&far.storage.bucket.name, &far.key)),
            None => write!(f, "{}", self.folder.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use object_store::memory::InMemory;

    #[test]
    fn a_remote_place_has_the_same_paths_below_its_mirror() {
        let bucket = |prefix: &str| Bucket {
            name: "team".to_owned(),
            prefix: prefix.to_owned(),
            endpoint: None,
            region: "us-east-1".to_owned(),
        };
        for (prefix, shown, key) in [
            ("", "s3://team/shop/silver/sales", "shop/silver/sales"),
            ("a/b", "s3://team/a/b/shop/silver/sales", "a/b/shop/silver/sales"),
        ] {
            let root = Place::through(Arc::new(InMemory::new()), &bucket(prefix), Path::new("/m"));
            let place = root.join("shop/").join("silver/sales").join("");
            assert_eq!((place.to_string().as_str(), place.remote().unwrap().1.as_ref()), (shown, key));
            assert_eq!(place.folder(), Path::new("/m/shop/silver/sales"));
        }
    }

    #[test]
    fn missing_keys_are_told_when_they_are_needed() {
        let bucket = Bucket {
            name: "team".to_owned(),
            prefix: "lake".to_owned(),
            endpoint: Some("http://127.0.0.1:1".to_owned()),
            region: "us-east-1".to_owned(),
        };
        let place = Place::in_bucket(&bucket, Path::new("/m"), &Access { keys: None, cache_limit: 1 });
        assert_eq!(
            place.join("shop").store().unwrap_err().to_string(),
            "s3://team/lake needs keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set; nothing was \
             changed. Set them where Assay is started"
        );
    }
}
