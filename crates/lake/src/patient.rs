//! A storage whose answers come whole: the library asks again only until an answer begins, not when it breaks off.

use crate::fault::fault;
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{BoxStream, once, unfold};
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

/// A listing that goes on behind the last name that came. Storages list in the order of names.
struct Listing {
    store: Arc<dyn ObjectStore>,
    prefix: Option<Path>,
    last: Option<Path>,
}

impl Listing {
    fn begin(&self) -> BoxStream<'static, Result<ObjectMeta>> {
        match &self.last {
            Some(last) => self.store.list_with_offset(self.prefix.as_ref(), last),
            None => self.store.list(self.prefix.as_ref()),
        }
    }

    fn objects(self) -> BoxStream<'static, Result<ObjectMeta>> {
        let begun = self.begin();
        unfold((self, begun, 0), |(mut listing, mut stream, mut tries)| async move {
            loop {
                match stream.next().await? {
                    Err(error) if tries + 1 < TRIES && is_broken_off(&error) => {
                        tries += 1;
                        pause(tries).await;
                        stream = listing.begin();
                    }
                    Err(error) => return Some((Err(error), (listing, stream, tries))),
                    Ok(object) => {
                        listing.last = Some(object.location.clone());
                        return Some((Ok(object), (listing, stream, 0)));
                    }
                }
            }
        })
        .boxed()
    }
}

fn is_broken_off(error: &object_store::Error) -> bool {
    fault(error).is_some_and(|fault| fault.is_broken_off())
}

async fn pause(tries: u32) {
    tokio::time::sleep(Duration::from_millis(50 << tries)).await;
}

/// The same answer with all of its bytes, or why they did not come.
async fn whole(found: Result<GetResult>, head: bool) -> Result<GetResult> {
    let found = found?;
    if head {
        return Ok(found);
    }
    let (meta, range, attributes) = (found.meta.clone(), found.range.clone(), found.attributes.clone());
    let bytes = found.bytes().await?;
    let payload = GetResultPayload::Stream(once(async move { Ok(bytes) }).boxed());
    Ok(GetResult { payload, meta, range, attributes })
}

#[async_trait]
impl ObjectStore for Patient {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut tries = 0;
        loop {
            tries += 1;
            match whole(self.0.get_opts(location, options.clone()).await, options.head).await {
                Err(error) if tries < TRIES && is_broken_off(&error) => pause(tries).await,
                done => return done,
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
        Listing { store: Arc::clone(&self.0), prefix: prefix.cloned(), last: None }.objects()
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        Listing { store: Arc::clone(&self.0), prefix: prefix.cloned(), last: Some(offset.clone()) }.objects()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.0.list_with_delimiter(prefix).await {
                Err(error) if tries < TRIES && is_broken_off(&error) => pause(tries).await,
                done => return done,
            }
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}
