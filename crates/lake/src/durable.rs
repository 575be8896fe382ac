//! The local disk as an object store whose files outlive a power cut.

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// `LocalFileSystem` never syncs: after a power cut a commit could be there without its bytes.
/// Here the bytes reach the disk before the name does, and the name before the write returns.
#[derive(Debug)]
pub(crate) struct Durable {
    disk: Arc<LocalFileSystem>,
}

impl Durable {
    pub(crate) fn new() -> Self {
        Self { disk: Arc::new(LocalFileSystem::new()) }
    }
}

impl std::fmt::Display for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Durable({})", self.disk)
    }
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let file = self.disk.path_to_filesystem(location)?;
        let only_new = match opts.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return self.disk.put_opts(location, payload, opts).await,
        };
        blocking(move || write(&file, &payload, only_new)).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let file = self.disk.path_to_filesystem(location)?;
        let upload = self.disk.put_multipart_opts(location, opts).await?;
        Ok(Box::new(DurableUpload { upload, file }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.disk.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.disk.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.disk.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.disk.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.disk.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.disk.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.disk.rename_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct DurableUpload {
    upload: Box<dyn MultipartUpload>,
    file: PathBuf,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.upload.complete().await?;
        let file = self.file.clone();
        blocking(move || {
            sync(&file)?;
            sync_parent(&file)
        })
        .await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<()> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|source| object_store::Error::JoinError { source })?;
    done.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => {
            object_store::Error::AlreadyExists { path: String::new(), source: Box::new(source) }
        }
        _ => object_store::Error::Generic { store: "lake", source: Box::new(source) },
    })
}

/// The name appears at once and with all bytes; with `only_new` it fails when the name is taken.
pub(crate) fn write(file: &FilePath, payload: &PutPayload, only_new: bool) -> io::Result<()> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    make_folder(folder)?;
    let draft = folder.join(format!(".{}.{}.tmp", name.to_string_lossy(), Uuid::new_v4().simple()));
    let written = fill(&draft, payload).and_then(|()| match only_new {
        true => fs::hard_link(&draft, file),
        false => fs::rename(&draft, file),
    });
    if only_new || written.is_err() {
        // A draft that stays behind is removed by the next sweep; it never hides the result of the write.
        let _ = fs::remove_file(&draft);
    }
    written?;
    sync(folder)
}

fn fill(draft: &FilePath, payload: &PutPayload) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(draft)?;
    payload.iter().try_for_each(|bytes| file.write_all(bytes))?;
    file.sync_all()
}

/// Makes the folder and those above it, each entry on disk before the next.
fn make_folder(folder: &FilePath) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_folder(above)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        other => other?,
    }
    sync_parent(folder)
}

/// Waits until the bytes of a file, or the names in a folder, are on disk.
pub(crate) fn sync(path: &FilePath) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn sync_parent(path: &FilePath) -> io::Result<()> {
    match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => sync(above),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use object_store::ObjectStoreExt;

    #[tokio::test]
    async fn a_taken_name_is_refused_and_keeps_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let place = Path::from_absolute_path(folder.path().join("log/0.json")).unwrap();
        let store = Durable::new();
        let create = PutOptions { mode: PutMode::Create, ..Default::default() };
        store.put_opts(&place, "first".into(), create.clone()).await.unwrap();
        let error = store.put_opts(&place, "second".into(), create).await.unwrap_err();
        assert!(matches!(error, object_store::Error::AlreadyExists { .. }), "{error}");
        assert_eq!(fs::read(folder.path().join("log/0.json")).unwrap(), b"first");
        store.put(&place, "third".into()).await.unwrap();
        assert_eq!(fs::read(folder.path().join("log/0.json")).unwrap(), b"third");
        assert_eq!(fs::read_dir(folder.path().join("log")).unwrap().count(), 1, "drafts are removed");
    }
}
