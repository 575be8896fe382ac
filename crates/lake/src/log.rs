//! The Delta log of one table: its store, its commits, its checkpoints.

use crate::durable::Durable;
use crate::error::{Cause, LakeError};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use deltalake_core::kernel::EagerSnapshot;
use deltalake_core::kernel::transaction::TransactionError;
use deltalake_core::logstore::{CommitOrBytes, LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::table::config::TablePropertiesExt;
use deltalake_core::{DeltaTable, DeltaTableError, checkpoints};
use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use serde::de::DeserializeOwned;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

pub(crate) const LOG_FOLDER: &str = "_delta_log";

/// Marks a data file that Assay made: `part-<run>-<uuid>.parquet`.
pub(crate) const PART: &str = "part-";

/// A commit of as many actions has a checkpoint of its own: text that long is slow to replay for each later reader.
const LONG_COMMIT: usize = 500;

pub(crate) struct Log {
    pub(crate) folder: PathBuf,
    /// The store is the disk itself: what the disk shows is what the store gives.
    pub(crate) on_this_disk: bool,
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
    /// The log of the table in `folder` on the local disk. Every path and URL of a table is made here.
    pub(crate) fn at(folder: &Path) -> Result<Self, LakeError> {
        Ok(Self { on_this_disk: true, ..Self::over(folder, Arc::new(Durable::new()))? })
    }

    /// As [`Log::at`], through a store whose root is the root of the disk.
    pub(crate) fn over(folder: &Path, root: Arc<dyn ObjectStore>) -> Result<Self, LakeError> {
        let folder = std::path::absolute(folder).map_err(|error| LakeError::disk(folder, "finding", error))?;
        let prefix = object_store::path::Path::from_absolute_path(&folder)
            .map_err(|error| LakeError::disk(&folder, "naming", error))?;
        let url = Url::from_directory_path(&folder)
            .map_err(|()| LakeError::disk(&folder, "naming", std::io::Error::from(std::io::ErrorKind::InvalidInput)))?;
        let below: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(Arc::clone(&root), prefix));
        let store = default_logstore(below, root, &url, &StorageConfig::default());
        Ok(Self { folder, on_this_disk: false, store })
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

    /// After commit `version` of so many actions: a checkpoint when one is due or the commit is long, then removal of
    /// log files past their retention. Gives whether a checkpoint was made. The commit stands whatever happens here.
    pub(crate) async fn tidy(&self, version: u64, actions: usize, now: DateTime<Utc>) -> Result<bool, DeltaTableError> {
        let long = actions >= LONG_COMMIT;
        // Reading the state is only worth it at multiples of the smallest interval that tables use.
        if !long && !(version + 1).is_multiple_of(10) {
            return Ok(false);
        }
        let mut table = DeltaTable::new(Arc::clone(&self.store));
        table.load_version(version).await?;
        let config = table.snapshot()?.table_config().clone();
        if !long && !(version + 1).is_multiple_of(config.checkpoint_interval().get().max(10)) {
            return Ok(false);
        }
        checkpoints::create_checkpoint(&table, None).await?;
        if config.enable_expired_log_cleanup() {
            let kept = i64::try_from(config.log_retention_duration().as_millis()).unwrap_or(i64::MAX);
            let cutoff = now.timestamp_millis().saturating_sub(kept);
            checkpoints::cleanup_expired_logs_for(version, self.store.as_ref(), cutoff, None).await?;
        }
        Ok(true)
    }

    pub(crate) fn place(&self) -> String {
        self.folder.display().to_string()
    }

    fn unreadable(&self, version: Option<u64>, error: DeltaTableError) -> LakeError {
        let text = error.to_string();
        if let Some(version) = version
            && !self.has_commit(version)
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

    fn has_commit(&self, version: u64) -> bool {
        commit_file(&self.folder, version).exists()
    }
}

pub(crate) fn commit_file(folder: &Path, version: u64) -> PathBuf {
    folder.join(LOG_FOLDER).join(format!("{version:020}.json"))
}

/// Reads one commit's actions in the form that the caller needs, blank lines left out.
pub(crate) fn actions<T: DeserializeOwned>(
    folder: &Path,
    version: u64,
    mut take: impl FnMut(T),
) -> Result<(), LakeError> {
    let unread = |error: std::io::Error| LakeError::disk(folder, "reading the log of", error);
    let file = fs::File::open(commit_file(folder, version)).map_err(unread)?;
    for line in BufReader::new(file).lines() {
        let line = line.map_err(unread)?;
        if line.trim().is_empty() {
            continue;
        }
        take(serde_json::from_str(&line).map_err(|error| LakeError::Corrupt {
            place: folder.display().to_string(),
            what: format!("commit {version} in its log is not JSON"),
            source: Some(Box::new(error)),
        })?);
    }
    Ok(())
}

/// Versions whose commit files are in the log, ascending.
pub(crate) fn commits(folder: &Path) -> Result<Vec<u64>, LakeError> {
    log_files(folder, |name| name.strip_suffix(".json")?.parse().ok().filter(|_| name.len() == 25))
}

/// Versions that have a checkpoint, ascending.
pub(crate) fn checkpointed(folder: &Path) -> Result<Vec<u64>, LakeError> {
    log_files(folder, |name| {
        let (version, rest) = name.split_once(".checkpoint.")?;
        rest.ends_with("parquet").then(|| version.parse().ok())?
    })
}

fn log_files(folder: &Path, version_of: impl Fn(&str) -> Option<u64>) -> Result<Vec<u64>, LakeError> {
    let log = folder.join(LOG_FOLDER);
    let entries = match fs::read_dir(&log) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(LakeError::disk(folder, "reading the log of", error)),
    };
    let mut versions = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| LakeError::disk(folder, "reading the log of", error))?;
        versions.extend(entry.file_name().to_str().and_then(&version_of));
    }
    versions.sort_unstable();
    versions.dedup();
    Ok(versions)
}

pub(crate) fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// What lies in `folder`. A log without any commit counts as nothing: its maker is not done yet.
pub(crate) fn look(folder: &Path) -> Result<Found, LakeError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(Found::Other),
        Err(error) => return Err(LakeError::disk(folder, "reading", error)),
    };
    if !commits(folder)?.is_empty() || !checkpointed(folder)?.is_empty() {
        return Ok(Found::Log);
    }
    for entry in entries {
        let entry = entry.map_err(|error| LakeError::disk(folder, "reading", error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name != LOG_FOLDER && !name.contains('=') && !name.starts_with(PART) && !name.starts_with('.') {
            return Ok(Found::Other);
        }
    }
    Ok(Found::Nothing)
}
