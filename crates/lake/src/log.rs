//! The Delta log of one table: its store, its commits, its checkpoints.

use crate::checkpoint;
use crate::durable::Durable;
use crate::error::{Cause, LakeError};
use crate::place::Place;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use deltalake_core::kernel::EagerSnapshot;
use deltalake_core::kernel::transaction::TransactionError;
use deltalake_core::logstore::{CommitOrBytes, LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::table::config::TablePropertiesExt;
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTableError, checkpoints};
use object_store::ObjectStore;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use serde::de::DeserializeOwned;
use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io::{BufRead, BufReader, Cursor};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

pub(crate) const LOG_FOLDER: &str = "_delta_log";

/// Marks a data file that Assay made: `part-<run>-<uuid>.parquet`.
pub(crate) const PART: &str = "part-";

/// A commit of as many actions has a checkpoint of its own: text that long is slow to replay for each later reader.
const LONG_COMMIT: usize = 500;

/// Commits that are asked for at a time, where each question takes its time.
const AHEAD: usize = 16;

pub(crate) struct Log {
    pub(crate) folder: Place,
    /// What listing the place shows is what the store gives.
    pub(crate) listed: bool,
    store: LogStoreRef,
}

/// What is found where a table is looked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No folder, or one that holds at most staged files.
    Nothing,
    /// A folder of something else.
    Other,
    Log,
}

/// Why a commit was not written.
pub(crate) enum Lost {
    /// Another commit has this version.
    Taken,
    Failed(Cause),
}

impl Log {
    /// The log of the table in `folder`. Every path and URL of a table is made here.
    pub(crate) fn at(folder: &Place) -> Result<Self, LakeError> {
        match folder.store()? {
            None => Ok(Self { listed: true, ..Self::over(folder, Arc::new(Durable::new()))? }),
            Some((root, key)) => {
                let url = folder.url().ok_or_else(|| LakeError::NoKey { place: folder.to_string() })?;
                Ok(Self::of(folder.clone(), true, root, key, &url))
            }
        }
    }

    /// As [`Log::at`] for a folder of this disk, through a store whose root is the root of the disk.
    pub(crate) fn over(folder: &Place, root: Arc<dyn ObjectStore>) -> Result<Self, LakeError> {
        let path = std::path::absolute(folder.folder()).map_err(|error| LakeError::disk(folder, "finding", error))?;
        let key = Key::from_absolute_path(&path).map_err(|error| LakeError::disk(folder, "naming", error))?;
        let url = Url::from_directory_path(&path)
            .map_err(|()| LakeError::disk(folder, "naming", std::io::Error::from(std::io::ErrorKind::InvalidInput)))?;
        Ok(Self::of(Place::on_disk(path), false, root, key, &url))
    }

    fn of(folder: Place, listed: bool, root: Arc<dyn ObjectStore>, key: Key, url: &Url) -> Self {
        let below: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(Arc::clone(&root), key));
        let store = default_logstore(below, root, url, &StorageConfig::default());
        Self { folder, listed, store }
    }

    /// The state at a version, or the newest; none where there is no table.
    pub(crate) async fn load(&self, version: Option<u64>) -> Result<Option<EagerSnapshot>, LakeError> {
        let folder = self.folder.clone();
        let found = tokio::task::spawn_blocking(move || look(&folder));
        match found.await.map_err(|error| LakeError::disk(&self.folder, "reading", error))?? {
            Found::Nothing => return Ok(None),
            Found::Other => return Err(LakeError::NotATable { place: self.place() }),
            Found::Log => {}
        }
        match EagerSnapshot::try_new(self.store.as_ref(), version).await {
            Ok(state) => Ok(Some(state)),
            Err(DeltaTableError::NotATable(_)) => Ok(None),
            Err(error) => Err(self.unreadable(version, error)),
        }
    }

    /// A state of this log brought to the newest version by the commits since then. None when that fails: then
    /// [`Log::load`] tells why.
    pub(crate) async fn forward(&self, state: EagerSnapshot) -> Option<EagerSnapshot> {
        let mut state = DeltaTableState::new(state);
        state.update(&self.store, None).await.ok()?;
        Some(state.snapshot().clone())
    }

    /// Writes commit `version`, and only if no other has that version. An error does not mean that
    /// it is not there: the answer of the storage can be lost.
    pub(crate) async fn put(&self, version: u64, commit: String) -> Result<(), Lost> {
        let commit = CommitOrBytes::LogBytes(Bytes::from(commit));
        match self.store.write_commit_entry(version, commit, Uuid::new_v4()).await {
            Ok(()) => Ok(()),
            Err(TransactionError::VersionAlreadyExists(_)) => Err(Lost::Taken),
            Err(error) => Err(Lost::Failed(Box::new(error))),
        }
    }

    /// The bytes of commit `version`, if it is there.
    pub(crate) async fn commit(&self, version: u64) -> Result<Option<Bytes>, DeltaTableError> {
        self.store.read_commit_entry(version).await
    }

    /// After commit `version` of so many actions on top of a state, or of nothing: a checkpoint when one is due or the
    /// commit is long, then removal of log files past their retention. The commit stands whatever happens here.
    pub(crate) async fn tidy(
        &self,
        before: Option<&EagerSnapshot>,
        version: u64,
        actions: usize,
        now: DateTime<Utc>,
    ) -> Result<(), DeltaTableError> {
        let config = before.map(|before| before.table_properties().clone()).unwrap_or_default();
        if actions < LONG_COMMIT && !(version + 1).is_multiple_of(config.checkpoint_interval().get().max(10)) {
            return Ok(());
        }
        checkpoint::write(&self.store, version).await?;
        if config.enable_expired_log_cleanup() {
            let kept = i64::try_from(config.log_retention_duration().as_millis()).unwrap_or(i64::MAX);
            let cutoff = now.timestamp_millis().saturating_sub(kept);
            checkpoints::cleanup_expired_logs_for(version, self.store.as_ref(), cutoff, None).await?;
        }
        Ok(())
    }

    pub(crate) fn place(&self) -> String {
        self.folder.to_string()
    }

    fn unreadable(&self, version: Option<u64>, error: DeltaTableError) -> LakeError {
        let text = error.to_string();
        if let Some(version) = version
            && matches!(self.folder.join(&commit_path(version)).stat(), Ok(None))
        {
            return LakeError::NoVersion { place: self.place(), version: signed(version) };
        }
        if text.contains("nsupported") {
            return LakeError::Unsupported {
                place: self.place(),
                what: "needs a feature of Delta".to_owned(),
                advice: "Read it with the program that wrote it".to_owned(),
            };
        }
        LakeError::log(&self.folder, error)
    }
}

/// Where a commit lies below its table.
pub(crate) fn commit_path(version: u64) -> String {
    format!("{LOG_FOLDER}/{version:020}.json")
}

/// A commit's text, to be read line by line.
pub(crate) type CommitText = Box<dyn BufRead>;

/// Commits one after the other. Of a remote table some are asked for at a time.
pub(crate) struct Commits<'a> {
    folder: &'a Place,
    versions: std::vec::IntoIter<u64>,
    ahead: VecDeque<(u64, Bytes)>,
}

impl<'a> Commits<'a> {
    /// In this order.
    pub(crate) fn of(folder: &'a Place, versions: Vec<u64>) -> Self {
        Self { folder, versions: versions.into_iter(), ahead: VecDeque::new() }
    }

    fn ask(&mut self) -> Result<(), LakeError> {
        let versions: Vec<u64> = self.versions.by_ref().take(AHEAD).collect();
        let paths: Vec<String> = versions.iter().map(|version| commit_path(*version)).collect();
        let texts = self.folder.read_all(&paths)?;
        for (version, text) in versions.into_iter().zip(texts) {
            let gone = || {
                LakeError::disk(self.folder, "reading the log of", std::io::Error::from(std::io::ErrorKind::NotFound))
            };
            self.ahead.push_back((version, text.ok_or_else(gone)?));
        }
        Ok(())
    }
}

impl Iterator for Commits<'_> {
    type Item = Result<(u64, CommitText), LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.folder.is_remote() {
            let version = self.versions.next()?;
            let opened = fs::File::open(self.folder.folder().join(commit_path(version)));
            let text = opened.map(|file| (version, Box::new(BufReader::new(file)) as CommitText));
            return Some(text.map_err(|error| LakeError::disk(self.folder, "reading the log of", error)));
        }
        if self.ahead.is_empty()
            && let Err(error) = self.ask()
        {
            return Some(Err(error));
        }
        let (version, text) = self.ahead.pop_front()?;
        Some(Ok((version, Box::new(Cursor::new(text)))))
    }
}

/// Reads one commit's actions in the form that the caller needs, blank lines left out.
pub(crate) fn actions<T: DeserializeOwned>(
    folder: &Place,
    version: u64,
    text: CommitText,
    mut take: impl FnMut(T),
) -> Result<(), LakeError> {
    for line in text.lines() {
        let line = line.map_err(|error| LakeError::disk(folder, "reading the log of", error))?;
        if line.trim().is_empty() {
            continue;
        }
        take(serde_json::from_str(&line).map_err(|error| LakeError::Corrupt {
            place: folder.to_string(),
            what: format!("commit {version} in its log is not JSON"),
            source: Some(Box::new(error)),
        })?);
    }
    Ok(())
}

/// Versions whose commits and whose checkpoints are in a log, ascending.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) commits: Vec<u64>,
    pub(crate) checkpoints: Vec<u64>,
}

impl Versions {
    pub(crate) fn of(folder: &Place) -> Result<Self, LakeError> {
        let mut found = Self::default();
        for name in log_names(folder)? {
            found.commits.extend(committed(&name));
            found.checkpoints.extend(checkpointed(&name));
        }
        for versions in [&mut found.commits, &mut found.checkpoints] {
            versions.sort_unstable();
            versions.dedup();
        }
        Ok(found)
    }
}

/// The version that a file of the log commits.
pub(crate) fn committed(name: &str) -> Option<u64> {
    name.strip_suffix(".json")?.parse().ok().filter(|_| name.len() == 25)
}

fn checkpointed(name: &str) -> Option<u64> {
    let (version, rest) = name.split_once(".checkpoint.")?;
    rest.ends_with("parquet").then(|| version.parse().ok())?
}

fn log_names(folder: &Place) -> Result<Vec<String>, LakeError> {
    if folder.is_remote() {
        let objects = folder.objects(LOG_FOLDER, None)?;
        return Ok(objects.iter().filter_map(|object| object.location.filename().map(str::to_owned)).collect());
    }
    let failed = |error| LakeError::disk(folder, "reading the log of", error);
    let entries = match fs::read_dir(folder.folder().join(LOG_FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(failed)?.file_name().into_string().ok());
    }
    Ok(names)
}

pub(crate) fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// What lies in `folder`. A log without any commit counts as nothing: its maker is not done yet.
pub(crate) fn look(folder: &Place) -> Result<Found, LakeError> {
    if !folder.is_remote() {
        match fs::metadata(folder.folder()) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Ok(Found::Other),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(Found::Other),
            Err(error) => return Err(LakeError::disk(folder, "reading", error)),
        }
    }
    if Versions::of(folder)? != Versions::default() {
        return Ok(Found::Log);
    }
    let ours = |name: &str| name == LOG_FOLDER || name.contains('=') || name.starts_with(PART) || name.starts_with('.');
    let names = if folder.is_remote() { folder.names()? } else { names(folder)? };
    Ok(if names.iter().all(|name| ours(name)) { Found::Nothing } else { Found::Other })
}

fn names(folder: &Place) -> Result<BTreeSet<String>, LakeError> {
    let failed = |error| LakeError::disk(folder, "reading", error);
    let entries = fs::read_dir(folder.folder()).map_err(failed)?;
    entries.map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned())).collect()
}
