//! Files that travel between this disk and a storage, in parts: memory does not grow with them.

use futures::StreamExt;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

/// Bytes that travel at once.
const PART: u64 = 8 << 20;
/// A larger file is sent in parts.
const WHOLE: u64 = 2 * PART;
/// Parts of one file that are on their way.
const PARTS: usize = 2;
/// Files that are on their way.
const FILES: usize = 6;

/// Why a file did not arrive.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The storage does not have it.
    Gone,
    /// It is not the one that was expected.
    Changed,
    Storage(object_store::Error),
    Disk(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<object_store::Error> for Broken {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { source, .. } if !names_bucket(source.as_ref()) => Self::Gone,
            object_store::Error::Precondition { .. } => Self::Changed,
            other => Self::Storage(other),
        }
    }
}

fn names_bucket(error: &(dyn std::error::Error + 'static)) -> bool {
    crate::fault::fault(error).is_some_and(|fault| fault.what.contains("no such bucket"))
}

/// A file in the storage, and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) from: Key,
    pub(crate) to: PathBuf,
    pub(crate) size: u64,
    /// The content that is wanted; any where it is none.
    pub(crate) etag: Option<String>,
}

/// Copies objects to files, some at a time. The first that fails is told with its place in the list.
pub(crate) async fn download_all(store: Arc<dyn ObjectStore>, wanted: Vec<Wanted>) -> Result<(), (usize, Broken)> {
    let each = wanted.into_iter().enumerate().map(|(at, wanted)| {
        let store = Arc::clone(&store);
        async move { download(store.as_ref(), &wanted).await.map_err(|error| (at, error)) }
    });
    let mut ended = futures::stream::iter(each).buffer_unordered(FILES);
    while let Some(one) = ended.next().await {
        one?;
    }
    Ok(())
}

/// Copies an object to a file, whose name appears when it has all bytes.
pub(crate) async fn download(store: &dyn ObjectStore, wanted: &Wanted) -> Result<(), Broken> {
    let (Some(folder), Some(name)) = (wanted.to.parent(), wanted.to.file_name()) else {
        return Err(Broken::Disk(io::ErrorKind::InvalidInput.into()));
    };
    tokio::fs::create_dir_all(folder).await?;
    let draft = folder.join(format!(".{}.{}.tmp", name.to_string_lossy(), Uuid::new_v4().simple()));
    let done = match fill(store, wanted, &draft).await {
        Ok(()) => tokio::fs::rename(&draft, &wanted.to).await.map_err(Broken::Disk),
        failed => failed,
    };
    if done.is_err() {
        // What stays behind goes when the copies are next looked through.
        let _ = tokio::fs::remove_file(&draft).await;
    }
    done
}

async fn fill(store: &dyn ObjectStore, wanted: &Wanted, draft: &Path) -> Result<(), Broken> {
    let mut file = tokio::fs::OpenOptions::new().write(true).create_new(true).open(draft).await?;
    let mut etag = wanted.etag.clone();
    if wanted.size == 0 && !is_same(&store.head(&wanted.from).await?, wanted) {
        return Err(Broken::Changed);
    }
    let mut at = 0;
    while at < wanted.size {
        let end = (at + PART).min(wanted.size);
        let (bytes, meta) = part(store, wanted, at..end, etag.clone()).await?;
        if meta.size != wanted.size {
            return Err(Broken::Changed);
        }
        // All parts are of one content.
        etag = etag.or(meta.e_tag);
        file.write_all(&bytes).await?;
        at = end;
    }
    file.flush().await?;
    Ok(())
}

fn is_same(meta: &ObjectMeta, wanted: &Wanted) -> bool {
    meta.size == wanted.size && (wanted.etag.is_none() || wanted.etag == meta.e_tag)
}

async fn part(
    store: &dyn ObjectStore,
    wanted: &Wanted,
    range: Range<u64>,
    etag: Option<String>,
) -> Result<(bytes::Bytes, ObjectMeta), Broken> {
    let options = GetOptions { range: Some(GetRange::Bounded(range)), if_match: etag, ..Default::default() };
    match store.get_opts(&wanted.from, options).await {
        Ok(found) => {
            let meta = found.meta.clone();
            Ok((found.bytes().await?, meta))
        }
        // A range behind the end of an object that is shorter now has an answer of its own.
        Err(error) => match store.head(&wanted.from).await {
            Ok(meta) if !is_same(&meta, wanted) => Err(Broken::Changed),
            Err(gone @ object_store::Error::NotFound { .. }) => Err(gone.into()),
            _ => Err(error.into()),
        },
    }
}

/// Copies files to objects, some at a time, and looks whether they arrived whole. Their names are `fresh` when no
/// object ever had them. The first that fails is told with its place in the list.
pub(crate) async fn upload_all(
    store: Arc<dyn ObjectStore>,
    files: Vec<(PathBuf, Key)>,
    fresh: bool,
) -> Result<(), (usize, Broken)> {
    let each = files.into_iter().enumerate().map(|(at, (from, to))| {
        let store = Arc::clone(&store);
        async move { upload(store.as_ref(), &from, &to, fresh).await.map_err(|error| (at, error)) }
    });
    let mut ended = futures::stream::iter(each).buffer_unordered(FILES);
    while let Some(one) = ended.next().await {
        one?;
    }
    Ok(())
}

async fn upload(store: &dyn ObjectStore, from: &Path, to: &Key, fresh: bool) -> Result<(), Broken> {
    let size = tokio::fs::metadata(from).await?.len();
    let sent = send(store, from, to, size).await;
    if sent.is_err() && !fresh {
        return sent;
    }
    // The answer to the last request can be lost: under a name of its own the object itself tells.
    match (store.head(to).await, sent) {
        (Ok(meta), _) if meta.size == size => Ok(()),
        (_, Err(error)) => Err(error),
        (Ok(_), Ok(())) => Err(Broken::Changed),
        (Err(error), Ok(())) => Err(error.into()),
    }
}

async fn send(store: &dyn ObjectStore, from: &Path, to: &Key, size: u64) -> Result<(), Broken> {
    if size <= WHOLE {
        let bytes = tokio::fs::read(from).await?;
        store.put(to, PutPayload::from(bytes)).await?;
        return Ok(());
    }
    let mut file = tokio::fs::File::open(from).await?;
    let upload = store.put_multipart(to).await?;
    let part = usize::try_from(PART).unwrap_or(usize::MAX);
    let mut parts = WriteMultipart::new_with_chunk_size(upload, part);
    loop {
        let mut bytes = Vec::new();
        let read = (&mut file).take(PART).read_to_end(&mut bytes).await;
        match read {
            Ok(0) => break,
            Ok(_) => parts.put(bytes.into()),
            Err(error) => {
                // Parts of an upload that nobody ends are the storage's to remove.
                let _ = parts.abort().await;
                return Err(Broken::Disk(error));
            }
        }
        parts.wait_for_capacity(PARTS).await?;
    }
    parts.finish().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use object_store::memory::InMemory;

    #[tokio::test]
    async fn files_of_all_sizes_come_back_as_they_went() {
        let (folder, store) = (tempfile::tempdir().unwrap(), Arc::new(InMemory::new()));
        for size in [0, 1, PART - 1, PART, PART + 1, WHOLE, WHOLE + 1, 3 * PART + 5] {
            let bytes: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let (from, to) = (folder.path().join("from"), folder.path().join(format!("below/{size}")));
            std::fs::write(&from, &bytes).unwrap();
            let key = Key::from(format!("k/{size}"));
            upload_all(Arc::clone(&store) as _, vec![(from, key.clone())], true).await.unwrap();
            let wanted = Wanted { from: key, to: to.clone(), size, etag: None };
            download_all(Arc::clone(&store) as _, vec![wanted]).await.unwrap();
            assert_eq!(std::fs::read(&to).unwrap(), bytes, "{size}");
        }
        assert_eq!(std::fs::read_dir(folder.path().join("below")).unwrap().count(), 8, "drafts are removed");
    }

    #[tokio::test]
    async fn another_object_than_the_wanted_one_is_refused() {
        let (folder, store) = (tempfile::tempdir().unwrap(), InMemory::new());
        let key = Key::from("k");
        let to = folder.path().join("to");
        let wanted = |size, etag: Option<String>| Wanted { from: key.clone(), to: to.clone(), size, etag };
        assert!(matches!(download(&store, &wanted(3, None)).await, Err(Broken::Gone)));
        store.put(&key, "abc".into()).await.unwrap();
        let etag = store.head(&key).await.unwrap().e_tag;
        download(&store, &wanted(3, etag.clone())).await.unwrap();
        for size in [0, 2, 4] {
            assert!(matches!(download(&store, &wanted(size, None)).await, Err(Broken::Changed)), "{size}");
        }
        store.put(&key, "abd".into()).await.unwrap();
        assert!(matches!(download(&store, &wanted(3, etag)).await, Err(Broken::Changed)));
        assert_eq!(std::fs::read(&to).unwrap(), b"abc");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
