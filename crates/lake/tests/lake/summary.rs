//! What is kept of a table for quick looks is what its log says, whatever happened since.

use crate::fixture::{change, day, frame, now, permit, put, schema, stage};
use assay_lake::{
    Kind, LakeField, Place, Restore, RestoreTo, Scope, Snapshot, Summary, newest_version, open, replace, restore,
    summary,
};
use assay_pipeline::Bucket;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use polars::prelude::{DataType, lit};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Two names of one table: what was read under one is not known under the other, so that a look through it has only
/// what was kept.
struct Table {
    root: tempfile::TempDir,
}

impl Table {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root.path().join("sales"), root.path().join("looked")).unwrap();
        Self { root }
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("sales")
    }

    fn keep(&self) -> PathBuf {
        self.root.path().join("keep")
    }

    fn commit(&self, version: u32) -> PathBuf {
        self.folder().join(format!("_delta_log/{version:020}.json"))
    }

    async fn look(&self) -> Option<Summary> {
        summary(self.root.path().join("looked"), &self.keep()).await.unwrap()
    }

    async fn agrees(&self, what: &str) {
        let snapshot = open(self.folder()).await.unwrap().unwrap();
        let said = held(&snapshot);
        for look in ["first", "second"] {
            assert_eq!(self.look().await, Some(said.clone()), "{what}, {look} look");
        }
        assert_eq!(newest_version(self.folder()).await.unwrap(), Some(snapshot.version()));
    }

    /// Without its first commit, which no checkpoint stands for yet, the log cannot be read.
    async fn agrees_without_the_log(&self, what: &str) {
        let snapshot = open(self.folder()).await.unwrap().unwrap();
        let aside = self.root.path().join("aside");
        fs::rename(self.commit(0), &aside).unwrap();
        let looked = self.look().await;
        fs::rename(&aside, self.commit(0)).unwrap();
        let said = held(&snapshot);
        assert_eq!(looked, Some(said), "{what}");
    }

    fn kept(&self) -> PathBuf {
        let names = fs::read_dir(self.keep()).unwrap().map(|entry| entry.unwrap().path());
        let kept: Vec<_> = names.collect();
        assert_eq!(kept.len(), 1, "one file for each table");
        kept[0].clone()
    }
}

fn held(snapshot: &Snapshot) -> Summary {
    assert!(snapshot.committed_at().is_some());
    Summary { version: snapshot.version(), committed_at: snapshot.committed_at(), partitions: snapshot.partitions() }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_files_are_followed_without_the_log() {
    let table = Table::new();
    assert_eq!(table.look().await, None);
    assert_eq!(newest_version(table.folder()).await.unwrap(), None);
    put(table.folder(), "a", &[Some(day(1)), Some(day(2)), None], 3).await.unwrap();
    put(table.folder(), "a2", &[Some(day(1))], 2).await.unwrap();
    table.agrees("the log was read").await;
    put(table.folder(), "b", &[Some(day(2)), Some(day(3))], 4).await.unwrap();
    table.agrees_without_the_log("a date was replaced, another one came").await;
    table.agrees_without_the_log("nothing happened since").await;
    for run in ["c", "d", "e"] {
        put(table.folder(), run, &[None, Some(day(1))], 1).await.unwrap();
    }
    table.agrees_without_the_log("several commits").await;
    put(table.folder(), "f", &[Some(day(2))], 0).await.unwrap();
    table.agrees_without_the_log("a date went").await;
    table.kept();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_is_committed_is_what_the_log_says() {
    let table = Table::new();
    let folder = table.folder();
    for number in 0..25u32 {
        put(&folder, &format!("r{number}"), &[Some(day(number % 3)), Some(day(4))], i64::from(number % 4))
            .await
            .unwrap();
        if number % 2 == 0 {
            table.agrees(&format!("commit {number}")).await;
        }
    }
    let wider: Vec<_> = schema().into_iter().chain([LakeField::new("note", DataType::String, true)]).collect();
    let rows = frame("wide", &[Some(day(9)), None], 2).with_columns([lit("n").alias("note")]);
    let below = folder.clone();
    let staged = std::thread::spawn(move || stage(&below, rows, "wide")).join().unwrap();
    replace(&permit(), now(), change(&folder, &wider, Scope::Whole, staged, "wide")).await.unwrap();
    table.agrees("whole, with a new column").await;
    let back = Restore {
        folder: (&folder).into(),
        environment: "local",
        table: "shop/silver/sales",
        to: RestoreTo::Version(23),
        seen: None,
        run: "back",
        definition: "d1",
        note: "restored",
    };
    restore(&permit(), now(), back).await.unwrap();
    table.agrees("restored").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_gone_or_of_another_table_does_not_count() {
    let table = Table::new();
    for run in ["a", "b"] {
        put(table.folder(), run, &[Some(day(1))], 2).await.unwrap();
        table.agrees(run).await;
    }
    let whole = fs::read(table.kept()).unwrap();
    for at in [0, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(table.kept(), bytes).unwrap();
        put(table.folder(), "c", &[Some(day(2))], 1).await.unwrap();
        table.agrees("damaged").await;
    }
    fs::remove_dir_all(table.keep()).unwrap();
    put(table.folder(), "d", &[Some(day(2))], 3).await.unwrap();
    table.agrees("gone").await;
    for (more, what) in [(0, "made anew, and as long"), (2, "made anew, and longer")] {
        let version = u32::try_from(table.look().await.unwrap().version).unwrap();
        fs::remove_dir_all(table.folder()).unwrap();
        assert_eq!((table.look().await, newest_version(table.folder()).await.unwrap()), (None, None));
        for number in 0..=version + more {
            put(table.folder(), what, &[Some(day(7 + number))], i64::from(5 + more)).await.unwrap();
        }
        table.agrees(what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_keeps_nothing_and_a_log_that_is_none_is_told() {
    let table = Table::new();
    put(table.folder(), "a", &[Some(day(1))], 2).await.unwrap();
    fs::write(table.keep(), "a file").unwrap();
    table.agrees("nothing is kept").await;
    let other = table.root.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "").unwrap();
    let told = [summary(&other, &table.keep()).await.unwrap_err(), newest_version(&other).await.unwrap_err()];
    assert_eq!(told.map(|error| error.kind()), [Kind::Unsupported; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_no_commit_is_told_as_the_log_tells_it() {
    let table = Table::new();
    put(table.folder(), "a", &[Some(day(1))], 2).await.unwrap();
    table.agrees("whole").await;
    fs::write(table.commit(1), "{\"add\":").unwrap();
    let looked: &Path = &table.root.path().join("looked");
    assert!(summary(looked, &table.keep()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_remote_table_commits_are_followed_too() {
    let disk = tempfile::tempdir().unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let bucket =
        Bucket { name: "team".to_owned(), prefix: "lake".to_owned(), endpoint: None, region: "us-east-1".to_owned() };
    let through = |mirror: &str| Place::through(Arc::clone(&store), &bucket, &disk.path().join(mirror)).join("sales");
    let (writer, reader, keep) = (through("a"), through("b"), disk.path().join("keep"));
    for (run, count) in [("a", 3), ("b", 5), ("c", 0)] {
        put(&writer, run, &[Some(day(1)), None], count).await.unwrap();
        let snapshot = open(&writer).await.unwrap().unwrap();
        let said = held(&snapshot);
        for look in ["first", "second"] {
            assert_eq!(summary(&reader, &keep).await.unwrap(), Some(said.clone()), "{run}, {look} look");
        }
    }
    let rows: u64 = summary(&reader, &keep).await.unwrap().unwrap().partitions.iter().map(|part| part.rows).sum();
    assert_eq!((rows, fs::read_dir(&keep).unwrap().count()), (0, 1));
}
