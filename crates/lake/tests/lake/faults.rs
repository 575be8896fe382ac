//! A storage that fails, lies and stalls: exactly one commit, or none and an error.

use crate::fixture::{change, day, expected, frame, now, permit, put, rows, schema, stage};
use assay_lake::{Committed, Kind, LakeError, Scope, history, replace_through};
use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Place;
use object_store::*;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// What happens to the next write of a commit.
#[derive(Debug, Clone)]
enum Fault {
    None,
    /// An error, and nothing written.
    Before,
    /// Written, and an error.
    After,
    /// Written, an error, and the log cannot be read from then on.
    AfterAndBlind,
    /// Waits before it is written.
    Hold,
    /// Written, then waits before it says so with an error.
    AfterAndHold,
}

#[derive(Debug)]
struct Faulty {
    disk: LocalFileSystem,
    script: Mutex<VecDeque<Fault>>,
    blind: std::sync::atomic::AtomicBool,
    reached: Notify,
    release: Notify,
}

impl Faulty {
    fn new(script: &[Fault]) -> Arc<Self> {
        Arc::new(Self {
            disk: LocalFileSystem::new(),
            script: Mutex::new(script.iter().cloned().collect()),
            blind: false.into(),
            reached: Notify::new(),
            release: Notify::new(),
        })
    }

    async fn wait(&self) {
        self.reached.notify_one();
        self.release.notified().await;
    }
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}

fn broken() -> Error {
    let source = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    Error::Generic { store: "faulty", source: Box::new(source) }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Place, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let fault = match location.as_ref().ends_with(".json") {
            true => self.script.lock().unwrap().pop_front().unwrap_or(Fault::None),
            false => Fault::None,
        };
        match fault {
            Fault::None => self.disk.put_opts(location, payload, opts).await,
            Fault::Before => Err(broken()),
            Fault::Hold => {
                self.wait().await;
                self.disk.put_opts(location, payload, opts).await
            }
            Fault::After | Fault::AfterAndBlind | Fault::AfterAndHold => {
                self.disk.put_opts(location, payload, opts).await?;
                if matches!(fault, Fault::AfterAndBlind) {
                    self.blind.store(true, std::sync::atomic::Ordering::SeqCst);
                }
                if matches!(fault, Fault::AfterAndHold) {
                    self.wait().await;
                }
                Err(broken())
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Place,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.disk.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Place, options: GetOptions) -> Result<GetResult> {
        if self.blind.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(broken());
        }
        self.disk.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Place>>) -> BoxStream<'static, Result<Place>> {
        self.disk.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Place>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.disk.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Place>) -> Result<ListResult> {
        self.disk.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Place, to: &Place, options: CopyOptions) -> Result<()> {
        self.disk.copy_opts(from, to, options).await
    }
}

async fn put_through(store: Arc<Faulty>, folder: &Path, run: &str, date: u32) -> Result<Committed, LakeError> {
    let (rows, owned, at) = (frame(run, &[Some(day(date))], 5), folder.to_path_buf(), run.to_owned());
    let staged = std::thread::spawn(move || stage(&owned, rows, &at)).join().unwrap();
    let columns = schema();
    replace_through(store, &permit(), now(), change(folder, &columns, Scope::dates(&[day(date)]), staged, run)).await
}

async fn commits_of(folder: &Path, run: &str) -> usize {
    history(folder, 99).await.unwrap().iter().filter(|version| version.run.as_deref() == Some(run)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_commit_whatever_happens_to_its_write() {
    use Fault::{After, Before};
    let scripts: [&[Fault]; 5] = [&[Before], &[After], &[Before, After], &[Before, Before, Before], &[Fault::None]];
    for script in scripts {
        for existing in [false, true] {
            let root = tempfile::tempdir().unwrap();
            if existing {
                put(root.path(), "old", &[Some(day(0)), Some(day(1))], 5).await.unwrap();
            }
            let done = put_through(Faulty::new(script), root.path(), "new", 0).await.unwrap();
            assert_eq!(done.version, i64::from(existing), "{script:?}");
            assert_eq!(commits_of(root.path(), "new").await, 1, "{script:?}");
            let found = rows(root.path()).await;
            assert_eq!(found[&Some(day(0))], expected("new", 5));
            assert_eq!(found.get(&Some(day(1))), existing.then(|| expected("old", 5)).as_ref());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_keeps_failing_is_an_error_and_no_commit() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "old", &[Some(day(0))], 5).await.unwrap();
    let always = vec![Fault::Before; 50];
    let error = put_through(Faulty::new(&always), root.path(), "new", 0).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Io);
    assert_eq!(commits_of(root.path(), "new").await, 0);
    assert_eq!(rows(root.path()).await[&Some(day(0))], expected("old", 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_said_and_its_files_are_kept() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "old", &[Some(day(0))], 5).await.unwrap();
    let staged = stage_aside(root.path(), "new");
    let columns = schema();
    let scope = Scope::dates(&[day(0)]);
    let change = change(root.path(), &columns, scope, staged.clone(), "new");
    let error = replace_through(Faulty::new(&[Fault::AfterAndBlind]), &permit(), now(), change).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unknown, "{error}");
    // A caller that cleans up after the error does not break the commit that took place.
    assay_lake::discard(root.path(), &staged);
    assert_eq!(rows(root.path()).await[&Some(day(0))], expected("new", 5));
}

fn stage_aside(folder: &Path, run: &str) -> Vec<assay_lake::StagedFile> {
    let (rows, owned, at) = (frame(run, &[Some(day(0))], 5), folder.to_path_buf(), run.to_owned());
    std::thread::spawn(move || stage(&owned, rows, &at)).join().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_write_loses_to_the_one_that_came_first_and_goes_again() {
    for (other_date, table_exists) in [(0, true), (1, true), (0, false), (1, false)] {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().to_path_buf();
        if table_exists {
            put(&folder, "old", &[Some(day(0))], 5).await.unwrap();
        }
        let store = Faulty::new(&[Fault::Hold]);
        let held = {
            let (store, folder) = (Arc::clone(&store), folder.clone());
            tokio::spawn(async move { put_through(store, &folder, "held", 0).await })
        };
        store.reached.notified().await;
        put(&folder, "other", &[Some(day(other_date))], 5).await.unwrap();
        store.release.notify_one();
        let done = held.await.unwrap().unwrap();
        assert_eq!(done.version, 1 + i64::from(table_exists));
        assert_eq!(commits_of(&folder, "held").await, 1);
        let found = rows(&folder).await;
        assert_eq!(found[&Some(day(0))], expected("held", 5));
        if other_date == 1 {
            assert_eq!(found[&Some(day(1))], expected("other", 5));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_under_a_later_commit() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().to_path_buf();
    put(&folder, "old", &[Some(day(0))], 5).await.unwrap();
    let store = Faulty::new(&[Fault::AfterAndHold]);
    let lost = {
        let (store, folder) = (Arc::clone(&store), folder.clone());
        tokio::spawn(async move { put_through(store, &folder, "lost", 0).await })
    };
    store.reached.notified().await;
    put(&folder, "later", &[Some(day(0))], 5).await.unwrap();
    store.release.notify_one();
    assert_eq!(lost.await.unwrap().unwrap().version, 1);
    assert_eq!(commits_of(&folder, "lost").await, 1);
    assert_eq!(rows(&folder).await[&Some(day(0))], expected("later", 5), "the later one was not undone");
}
