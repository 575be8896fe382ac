//! What the tests share: a lake folder, a clock and waits in the test's hand, jobs, and rows of landed files as text.

use arrow::array::Array;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use assay_extract::{ExtractError, LandJob, Landed, Limits, Origin, Outside, Progress, Watch};
use assay_pipeline::{Encoding, Feed, FileDates, Format, Permit, Source};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A pipeline's lake folder, and the outside as the test wants it.
pub struct World {
    pub folder: TempDir,
    pub now: Mutex<DateTime<Utc>>,
    pub variables: Vec<(String, String)>,
    pub waits: Mutex<Vec<Duration>>,
    pub permit: Permit,
    pub limits: Limits,
}

impl World {
    pub fn new(variables: &[(&str, &str)]) -> World {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        World {
            folder: tempfile::tempdir().unwrap(),
            now: Mutex::new(moment()),
            variables,
            waits: Mutex::default(),
            permit: Permit::issue("local", "run", moment() + TimeDelta::days(1)),
            limits: Limits::default(),
        }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// The clock goes on by so many seconds, so that landings have names of their own.
    pub fn pass(&self, seconds: i64) {
        *self.now.lock().unwrap() += TimeDelta::seconds(seconds);
    }

    pub fn waited(&self) -> Vec<u64> {
        self.waits.lock().unwrap().iter().map(Duration::as_secs).collect()
    }

    pub async fn land(
        &self,
        (source, feed): &(Source, Feed),
        origin: Origin<'_>,
        run: &str,
        refresh: bool,
        watch: &dyn Watch,
    ) -> Result<Landed, ExtractError> {
        let job = LandJob {
            folder: self.folder.path(),
            source,
            feed,
            origin,
            permit: &self.permit,
            environment: "local",
            run,
            started_at: self.now(),
            refresh,
            outside: self,
            limits: self.limits,
        };
        assay_extract::land(&job, watch).await
    }

    /// Names in a folder of the lake that a reader would look at.
    pub fn listed(&self, below: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(below)) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with(['.', '_'])).collect();
        names.sort();
        names
    }

    /// The rows of landed files, values joined by `|`, null as `~`.
    pub fn rows(&self, landed: &Landed) -> Vec<String> {
        landed.files.iter().flat_map(|file| rows(&self.path(&file.path))).collect()
    }
}

impl Outside for World {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
    }
    fn keyring(&self, _: &str, _: &str) -> BoxFuture<'_, Option<String>> {
        async { None }.boxed()
    }
    fn wait(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.waits.lock().unwrap().push(time);
        async {}.boxed()
    }
}

/// Does something the first time that there is progress, hears what is said, and cancels when it is told to.
pub struct Script<'a> {
    pub first: Mutex<Option<Box<dyn FnOnce() + Send + 'a>>>,
    pub cancel_after_progress: bool,
    pub cancelled: AtomicBool,
    pub said: Mutex<Vec<String>>,
}

impl<'a> Script<'a> {
    pub fn listening() -> Script<'a> {
        Script {
            first: Mutex::new(None),
            cancel_after_progress: false,
            cancelled: false.into(),
            said: Mutex::default(),
        }
    }

    /// Cancels at the first progress.
    pub fn cancelling() -> Script<'a> {
        Script { cancel_after_progress: true, ..Script::listening() }
    }

    /// Runs at the first progress, to its end.
    pub fn at_first_progress(work: impl FnOnce() + Send + 'a) -> Script<'a> {
        Script { first: Mutex::new(Some(Box::new(work))), ..Script::listening() }
    }

    pub fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }
}

impl Watch for Script<'_> {
    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
    fn progress(&self, _: Progress) {
        let first = self.first.lock().unwrap().take();
        if let Some(work) = first {
            // A thread of its own: the work may have a runtime of its own.
            std::thread::scope(|scope| scope.spawn(work).join().unwrap());
        }
        if self.cancel_after_progress {
            self.cancelled.store(true, Ordering::Relaxed);
        }
    }
    fn say(&self, text: &str) {
        self.said.lock().unwrap().push(text.to_owned());
    }
}

pub fn moment() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 2, 3, 4, 5).unwrap()
}

pub fn source(name: &str, path: &str, feed: Feed) -> (Source, Feed) {
    let source = Source {
        name: name.to_owned(),
        path: path.to_owned(),
        formats: vec![Format::Parquet, Format::Csv],
        encoding: Encoding::Utf8,
        dates: FileDates::Folder,
        once: false,
        feed: Some(feed.clone()),
        dead_letter: None,
    };
    (source, feed)
}

/// The rows of a Parquet file, values joined by `|`, null as `~`.
pub fn rows(path: &Path) -> Vec<String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    let options = FormatOptions::default().with_null("~");
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
        let line =
            |row: usize| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|");
        rows.extend((0..batch.num_rows()).map(line));
    }
    rows
}

/// Names and types of a Parquet file's columns.
pub fn types(path: &Path) -> Vec<String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let fields = reader.schema().fields().iter();
    fields.map(|field| format!("{} {}", field.name(), field.data_type())).collect()
}

/// What no column of a landing may be missing.
pub fn column<A: Array + Clone + 'static>(path: &Path, name: &str) -> A {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let reader = reader.with_batch_size(1 << 20).build().unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    let [batch] = &batches[..] else { panic!("{} batches", batches.len()) };
    batch.column_by_name(name).unwrap().as_any().downcast_ref::<A>().unwrap().clone()
}
