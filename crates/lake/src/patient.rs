//! A storage whose answers come whole: the library asks again only until an answer begins, not when it breaks off.

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{BoxStream, once};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const TRIES: u32 = 5;

/// Holds what is asked for in memory: large objects are asked for in parts.
#[derive(Debug)]
pub(crate) struct Patient(pub(crate) Arc<dyn ObjectStore>);

impl fmt::Display for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patient({})", self.0)
    }
}

#[async_trait]
impl ObjectStore for Patient {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut tries = 0;
        loop {
            let found = self.0.get_opts(location, options.clone()).await?;
            if options.head {
                return Ok(found);
            }
            let (meta, range, attributes) = (found.meta.clone(), found.range.clone(), found.attributes.clone());
            tries += 1;
            match found.bytes().await {
                Ok(bytes) => {
                    let payload = GetResultPayload::Stream(once(async move { Ok(bytes) }).boxed());
                    return Ok(GetResult { payload, meta, range, attributes });
                }
                Err(error) if tries >= TRIES => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(50 << tries)).await,
            }
        }
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}
