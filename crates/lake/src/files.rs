//! Files of a place as plain files, wherever it lies: what is no table goes through here.

use crate::cache;
use crate::durable;
use crate::error::LakeError;
use crate::place::Place;
use crate::transfer::{Broken, Wanted, download, download_all, upload_all};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};
use std::sync::Arc;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

const SECOND: i64 = 1_000_000_000;

/// What identifies a content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// In bytes.
    pub size: u64,
    /// Nanoseconds since 1970 (UTC). A storage tells whole seconds: the rest is made from the content's tag, so that
    /// two contents of one second differ.
    pub modified_ns: i64,
    etag: Option<String>,
}

/// A file below a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Below the place, with `/`.
    pub path: String,
    pub stat: Stat,
}

impl Stat {
    /// Whether both are of the same bytes, as far as their storage's tags tell.
    pub fn is_content_of(&self, other: &Self) -> bool {
        self.size == other.size && self.etag.is_some() && self.etag == other.etag
    }
}

impl Place {
    /// The file at this place; none when there is none. Blocking, as are all that follow.
    pub fn stat(&self) -> Result<Option<Stat>, LakeError> {
        let Some((store, key)) = self.store()? else {
            return match fs::metadata(self.folder()) {
                Ok(meta) if meta.is_file() => Ok(Some(of_disk(&meta))),
                Ok(_) => Ok(None),
                Err(error) if missing(&error) => Ok(None),
                Err(error) => Err(LakeError::disk(self, "reading", error)),
            };
        };
        match self.wait("reading", async move { store.head(&key).await.map_err(Broken::from) })? {
            Ok(meta) => Ok(Some(of_object(&meta))),
            Err(Broken::Gone) => Ok(None),
            Err(broken) => Err(self.broken("reading", broken)),
        }
    }

    /// All files below a remote place, in byte order of their paths. Keys that end in `/` are folders and left out.
    pub fn list(&self) -> Result<Vec<Listed>, LakeError> {
        let (store, key) = self.remote()?;
        let below = key.clone();
        let found = self.wait("listing", async move { listed(store, below).await })?;
        let found = found.map_err(|broken| self.broken("listing", broken))?;
        let length = if key.as_ref().is_empty() { 0 } else { key.as_ref().len() + 1 };
        let each = found.iter().filter_map(|meta| {
            let path = meta.location.as_ref().get(length..).filter(|path| !path.is_empty())?;
            Some(Listed { path: path.to_owned(), stat: of_object(meta) })
        });
        let mut all: Vec<Listed> = each.collect();
        all.sort_unstable_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
        Ok(all)
    }

    /// The bytes of the file at this place; none when there is none.
    pub fn read(&self) -> Result<Option<Bytes>, LakeError> {
        let Some((store, key)) = self.store()? else {
            return match fs::read(self.folder()) {
                Ok(bytes) => Ok(Some(bytes.into())),
                Err(error) if missing(&error) => Ok(None),
                Err(error) => Err(LakeError::disk(self, "reading", error)),
            };
        };
        match self.wait("reading", async move { whole(store.as_ref(), &key).await })? {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Broken::Gone) => Ok(None),
            Err(broken) => Err(self.broken("reading", broken)),
        }
    }

    /// The file at this place, open to be read; none when there is none. Of a remote place a copy without a name.
    pub fn open(&self) -> Result<Option<fs::File>, LakeError> {
        if !self.is_remote() {
            return match fs::File::open(self.folder()) {
                Ok(file) => Ok(Some(file)),
                Err(error) if missing(&error) => Ok(None),
                Err(error) => Err(LakeError::disk(self, "reading", error)),
            };
        }
        let Some(stat) = self.stat()? else { return Ok(None) };
        let failed = |error| LakeError::disk(&Self::on_disk(self.folder()), "reading", error);
        let folder = self.folder().parent().unwrap_or(self.folder());
        let copy = folder.join(format!(".{}.tmp", Uuid::new_v4().simple()));
        if self.fetch_to(&copy, &stat)?.is_none() {
            return Ok(None);
        }
        let file = fs::File::open(&copy).map_err(failed)?;
        fs::remove_file(&copy).map_err(failed)?;
        Ok(Some(file))
    }

    /// The bytes of files below this remote place, asked for side by side.
    pub(crate) fn read_all(&self, paths: &[String]) -> Result<Vec<Option<Bytes>>, LakeError> {
        let (store, key) = self.remote()?;
        let keys = paths.iter().map(|path| below(&key, path, self)).collect::<Result<Vec<_>, _>>()?;
        let side_by_side = keys.len().max(1);
        let work = async move {
            let each = keys.into_iter().map(|key| {
                let store = Arc::clone(&store);
                async move {
                    match whole(store.as_ref(), &key).await {
                        Ok(bytes) => Ok(Some(bytes)),
                        Err(Broken::Gone) => Ok(None),
                        Err(other) => Err(other),
                    }
                }
            });
            futures::stream::iter(each).buffered(side_by_side).try_collect().await
        };
        self.wait("reading", work)?.map_err(|broken: Broken| self.broken("reading", broken))
    }

    /// Puts a file at this place, in one step: readers see what was there before, or all of it.
    pub fn write(&self, bytes: Bytes) -> Result<(), LakeError> {
        let Some((store, key)) = self.store()? else {
            let written = durable::write(self.folder(), &bytes.into(), false);
            return written.map_err(|error| LakeError::disk(self, "writing", error));
        };
        let put = self.wait("writing", async move { store.put(&key, bytes.into()).await.map_err(Broken::from) })?;
        put.map(drop).map_err(|broken| self.broken("writing", broken))
    }

    /// Removes the file at this place, and its copy. Gives whether one was seen; a storage does not always tell.
    pub fn remove(&self) -> Result<bool, LakeError> {
        let here = match fs::remove_file(self.folder()) {
            Ok(()) => true,
            Err(error) if missing(&error) => false,
            Err(error) => return Err(LakeError::disk(self, "removing", error)),
        };
        let Some((store, key)) = self.store()? else { return Ok(here) };
        let work = async move {
            let there = store.head(&key).await.map_err(Broken::from);
            match there {
                Err(Broken::Gone) => Ok(false),
                Err(other) => Err(other),
                Ok(_) => match store.delete(&key).await.map_err(Broken::from) {
                    Ok(()) | Err(Broken::Gone) => Ok(true),
                    Err(other) => Err(other),
                },
            }
        };
        self.wait("removing", work)?.map_err(|broken| self.broken("removing", broken))
    }

    /// Copies the file at this remote place to another of the same bucket, inside the storage.
    pub fn copy_to(&self, to: &Self) -> Result<(), LakeError> {
        let ((store, from), (_, to)) = (self.remote()?, to.remote()?);
        let copied = self.wait("writing", async move { store.copy(&from, &to).await.map_err(Broken::from) })?;
        copied.map_err(|broken| self.broken("writing", broken))
    }

    /// Puts a file of this disk at this remote place, in one step.
    pub fn send(&self, from: &Path) -> Result<(), LakeError> {
        let (store, key) = self.remote()?;
        let from = from.to_owned();
        let sent = self.wait("writing", async move { upload_all(store, vec![(from, key)], false).await })?;
        sent.map_err(|(_, broken)| self.broken("writing", broken))
    }

    /// As [`Place::send`] for files below a folder of this disk, by path, each to the same path below this place.
    pub fn send_all<'f>(&self, folder: &Path, paths: impl IntoIterator<Item = &'f str>) -> Result<(), LakeError> {
        let (store, key) = self.remote()?;
        let files = paths.into_iter().map(|path| Ok((folder.join(path), below(&key, path, self)?)));
        let files: Vec<_> = files.collect::<Result<_, LakeError>>()?;
        let sent = self.wait("writing", async move { upload_all(store, files, false).await })?;
        sent.map_err(|(_, broken)| self.broken("writing", broken))
    }

    /// Copies the file at this remote place to a file of this disk; none when it is another one than `expected` by
    /// now, or gone.
    pub fn fetch_to(&self, to: &Path, expected: &Stat) -> Result<Option<()>, LakeError> {
        let (store, from) = self.remote()?;
        let wanted = Wanted { from, to: to.to_owned(), size: expected.size, etag: expected.etag.clone() };
        match self.wait("reading", async move { download(store.as_ref(), &wanted).await })? {
            Ok(()) => Ok(Some(())),
            Err(Broken::Gone | Broken::Changed) => Ok(None),
            Err(broken) => Err(self.broken("reading", broken)),
        }
    }

    /// Makes files below this place present on this disk, by path and size. Nothing is to do on this disk.
    pub(crate) fn fetch<'f>(&self, files: impl IntoIterator<Item = (&'f str, u64)>) -> Result<(), LakeError> {
        let Some((store, key)) = self.store()? else { return Ok(()) };
        let mut wanted = Vec::new();
        for (path, size) in files {
            let to = self.folder().join(path);
            if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(self.damaged(format!("its log names the file {path}")));
            }
            match fs::metadata(&to) {
                Ok(meta) if meta.len() == size => cache::used(&to),
                _ => wanted.push(Wanted { from: below(&key, path, self)?, to, size, etag: None }),
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let bytes = wanted.iter().map(|wanted| wanted.size).sum();
        let names: Vec<Key> = wanted.iter().map(|wanted| wanted.from.clone()).collect();
        let fetched = self.wait("reading", async move { download_all(store, wanted).await })?;
        fetched.map_err(|(at, broken)| match broken {
            Broken::Gone => self.damaged(format!("the data file {} is missing", name(&names[at]))),
            Broken::Changed => {
                self.damaged(format!("the data file {} has not the size that its log gives", name(&names[at])))
            }
            broken => self.broken("reading", broken),
        })?;
        self.grew(bytes);
        Ok(())
    }

    /// Sends new files of the mirror to the storage and looks whether they arrived.
    pub(crate) fn upload<'f>(&self, files: impl IntoIterator<Item = &'f str>) -> Result<(), LakeError> {
        let Some((store, key)) = self.store()? else { return Ok(()) };
        let files = files.into_iter().map(|path| Ok((self.folder().join(path), below(&key, path, self)?)));
        let files: Vec<_> = files.collect::<Result<_, LakeError>>()?;
        let sent = self.wait("writing", async move { upload_all(store, files, true).await })?;
        sent.map_err(|(_, broken)| self.broken("writing", broken))
    }

    /// Removes objects below this remote place, by path.
    pub(crate) fn remove_all<'f>(&self, paths: impl IntoIterator<Item = &'f str>) -> Result<(), LakeError> {
        let Some((store, key)) = self.store()? else { return Ok(()) };
        let keys = paths.into_iter().map(|path| below(&key, path, self)).collect::<Result<Vec<_>, _>>()?;
        let work = async move {
            let mut removed = store.delete_stream(futures::stream::iter(keys.into_iter().map(Ok)).boxed());
            while let Some(one) = removed.next().await {
                match one.map_err(Broken::from) {
                    Ok(_) | Err(Broken::Gone) => {}
                    Err(other) => return Err(other),
                }
            }
            Ok(())
        };
        self.wait("removing", work)?.map_err(|broken| self.broken("removing", broken))
    }

    /// Objects directly below `folder` at this remote place, those behind `after` in byte order of their names.
    pub(crate) fn objects(&self, folder: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, LakeError> {
        let (store, key) = self.join(folder).remote()?;
        let after = after.map(|name| Key::parse(format!("{key}/{name}"))).transpose();
        let after = after.map_err(|_| LakeError::NoKey { place: self.to_string() })?;
        let work = async move {
            match after {
                None => Ok(store.list_with_delimiter(Some(&key)).await?.objects),
                Some(after) => {
                    let mut found = Vec::new();
                    let mut objects = store.list_with_offset(Some(&key), &after);
                    while let Some(object) = objects.next().await {
                        found.push(object?);
                    }
                    Ok(found)
                }
            }
        };
        self.wait("listing", work)?.map_err(|broken: Broken| self.broken("listing", broken))
    }

    /// Names directly below this remote place, of objects and of folders.
    pub(crate) fn names(&self) -> Result<BTreeSet<String>, LakeError> {
        let (store, key) = self.remote()?;
        let listed = self.wait("listing", async move {
            let own = key.clone();
            (own, store.list_with_delimiter(Some(&key)).await.map_err(Broken::from))
        })?;
        let (own, found) = (listed.0, listed.1.map_err(|broken| self.broken("listing", broken))?);
        let keys = found.objects.iter().map(|object| &object.location).chain(&found.common_prefixes);
        Ok(keys.filter(|key| **key != own).map(|key| name(key).to_owned()).collect())
    }

    pub(crate) fn broken(&self, doing: &'static str, broken: Broken) -> LakeError {
        match broken {
            Broken::Disk(error) => LakeError::disk(&Place::on_disk(self.folder()), doing, error),
            Broken::Storage(error) => LakeError::disk(self, doing, error),
            Broken::Gone => LakeError::storage(self, doing, "does not have it"),
            Broken::Changed => LakeError::storage(self, doing, "has another content than was sent or asked for"),
        }
    }

    fn damaged(&self, what: String) -> LakeError {
        LakeError::Corrupt { place: self.to_string(), what, source: None }
    }
}

fn below(key: &Key, path: &str, place: &Place) -> Result<Key, LakeError> {
    let slash = if key.as_ref().is_empty() { "" } else { "/" };
    Key::parse(format!("{key}{slash}{path}")).map_err(|_| LakeError::NoKey { place: place.join(path).to_string() })
}

fn name(key: &Key) -> &str {
    key.filename().unwrap_or_default()
}

async fn whole(store: &dyn ObjectStore, key: &Key) -> Result<Bytes, Broken> {
    Ok(store.get(key).await?.bytes().await?)
}

async fn listed(store: Arc<dyn ObjectStore>, below: Key) -> Result<Vec<ObjectMeta>, Broken> {
    let mut found: Vec<ObjectMeta> = Vec::new();
    let mut objects = store.list(Some(&below));
    while let Some(object) = objects.next().await {
        found.push(object?);
    }
    let names: BTreeSet<&str> = found.iter().map(|object| object.location.as_ref()).collect();
    let mut folders = BTreeSet::new();
    for object in found.iter().filter(|object| object.size == 0) {
        let (path, inside) = (object.location.as_ref(), format!("{}/", object.location));
        let holds = names.range(inside.as_str()..).next().is_some_and(|name| name.starts_with(&inside));
        // The library leaves the `/` at the end of a key out: only the object itself tells.
        if holds || matches!(store.head(&object.location).await.map_err(Broken::from), Err(Broken::Gone)) {
            folders.insert(path.to_owned());
        }
    }
    found.retain(|object| !folders.contains(object.location.as_ref()));
    Ok(found)
}

fn of_disk(meta: &fs::Metadata) -> Stat {
    let modified_ns = meta.mtime().saturating_mul(SECOND).saturating_add(meta.mtime_nsec());
    Stat { size: meta.len(), modified_ns, etag: None }
}

fn of_object(meta: &ObjectMeta) -> Stat {
    let tag = meta.e_tag.as_deref().unwrap_or_default().trim_matches('"');
    let fraction = i64::try_from(xxh3_64(tag.as_bytes()) % SECOND.unsigned_abs()).unwrap_or(0);
    let modified_ns = meta.last_modified.timestamp().saturating_mul(SECOND).saturating_add(fraction);
    Stat { size: meta.size, modified_ns, etag: meta.e_tag.clone() }
}

fn missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
