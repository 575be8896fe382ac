//! What a version of a table holds by date, kept on this disk so that a look at many tables reads none of their logs.
//!
//! Which version is the newest only the log tells. What was kept counts when it is of that version's very commit, or of
//! an earlier one that the commits since then are added to; in all other cases the log is read.

mod kept;

use crate::error::LakeError;
use crate::history::committed_at;
use crate::log::{Commits, Found, Versions, actions, look, signed};
use crate::place::Place;
use crate::recent::{File, Newest};
use crate::snapshot::{PartitionInfo, Snapshot, by_date, open};
use chrono::{DateTime, NaiveDate, Utc};
use kept::{Held, Kept};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tokio::sync::Semaphore;

/// Tables of this disk that are looked at at a time: more threads than that only take memory.
static LOOKING: Semaphore = Semaphore::const_new(4);

/// Commits that are added to what was kept; after more of them the log's checkpoint is quicker.
const BEHIND: u64 = 64;

/// A version of a table, without its columns and the names of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub version: i64,
    /// As [`Snapshot::committed_at`] gives it.
    pub committed_at: Option<DateTime<Utc>>,
    /// As [`Snapshot::partitions`] gives them.
    pub partitions: Vec<PartitionInfo>,
}

/// The newest version of the table in `folder`; none when nothing was committed there yet.
///
/// `keep` is a folder of this disk where one file for each table is read and replaced. It may be removed at any time,
/// and where it cannot be written, nothing is kept.
pub async fn summary(folder: impl Into<Place>, keep: &Path) -> Result<Option<Summary>, LakeError> {
    let folder = folder.into();
    let (newest, found) = {
        let _turn = if folder.is_remote() { None } else { LOOKING.acquire().await.ok() };
        let (place, keep) = (folder.clone(), keep.to_owned());
        blocking(&folder, move || find(&place, &keep)).await?
    };
    if found.is_some() {
        return Ok(found);
    }
    let Some(snapshot) = open(&folder).await? else { return Ok(None) };
    let summary = Summary::of(&snapshot);
    if let Some(newest) = newest.filter(|newest| signed(newest.version) == snapshot.version()) {
        let keep = keep.to_owned();
        blocking(&folder, move || Kept::of(newest, &snapshot).write(&keep)).await?;
    }
    Ok(Some(summary))
}

/// The number of the newest version of the table in `folder`; none when nothing was committed there yet. Reads no
/// commit.
pub async fn newest_version(folder: impl Into<Place>) -> Result<Option<i64>, LakeError> {
    let folder = folder.into();
    let place = folder.clone();
    let read = blocking(&folder, move || match Versions::of(&place)?.commits.last() {
        Some(version) => Ok(Some(signed(*version))),
        None => match look(&place)? {
            Found::Other => Err(LakeError::NotATable { place: place.to_string() }),
            _ => Ok(None),
        },
    });
    read.await?
}

impl Summary {
    fn of(snapshot: &Snapshot) -> Self {
        Self { version: snapshot.version(), committed_at: snapshot.committed_at(), partitions: snapshot.partitions() }
    }

    fn kept(kept: &Kept) -> Self {
        let files = kept.files.iter().map(|file| (file.date, file.rows, file.size));
        Self { version: signed(kept.version), committed_at: kept.at, partitions: by_date(files) }
    }

    /// Of all dates.
    pub fn rows(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.rows).sum()
    }
}

async fn blocking<T: Send + 'static>(
    folder: &Place,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LakeError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| LakeError::disk(folder, "reading", error))
}

/// The newest commit, and what is known of it without the log's help.
fn find(folder: &Place, keep: &Path) -> (Option<Newest>, Option<Summary>) {
    let Some(newest) = Newest::of(folder) else { return (None, None) };
    if let Some(snapshot) = newest.recall() {
        return (None, Some(Summary::of(&snapshot)));
    }
    let Some(kept) = Kept::read(keep, folder) else { return (Some(newest), None) };
    if (kept.version, &kept.file) == (newest.version, &newest.file) {
        return (None, Some(Summary::kept(&kept)));
    }
    match forward(kept, &newest) {
        Some(kept) => {
            kept.write(keep);
            (None, Some(Summary::kept(&kept)))
        }
        None => (Some(newest), None),
    }
}

/// What was kept of an earlier version, with the commits since then. None where they say more than which files come
/// and go: then the log is read, which also tells what is wrong with it.
fn forward(kept: Kept, newest: &Newest) -> Option<Kept> {
    newest.version.checked_sub(kept.version).filter(|behind| (1..=BEHIND).contains(behind))?;
    if File::of(&newest.folder, kept.version)? != kept.file {
        return None;
    }
    let (mut files, mut at) = (kept.files, None);
    for commit in Commits::of(&newest.folder, (kept.version + 1..=newest.version).collect()) {
        let (version, text) = commit.ok()?;
        let mut change = Change::default();
        actions(&newest.folder, version, text, |line: Line| change.take(line)).ok()?;
        at = change.at;
        files = change.applied(files)?;
    }
    let at = at.or_else(|| committed_at(&newest.folder, newest.version));
    Some(Kept::at(newest.clone(), at, files))
}

/// What one commit does to the files.
#[derive(Default)]
struct Change {
    removed: BTreeSet<u128>,
    added: BTreeMap<u128, Held>,
    at: Option<DateTime<Utc>>,
    /// It does something else, too.
    more: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<Info>,
    add: Option<Add>,
    remove: Option<Remove>,
    meta_data: Option<IgnoredAny>,
    protocol: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Info {
    timestamp: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Add {
    path: String,
    partition_values: BTreeMap<String, Option<String>>,
    size: u64,
    stats: Option<String>,
    deletion_vector: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remove {
    path: String,
    deletion_vector: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    num_records: u64,
}

impl Change {
    fn take(&mut self, line: Line) {
        self.more |= line.meta_data.is_some() || line.protocol.is_some();
        if let Some(info) = line.commit_info {
            self.at = info.timestamp.and_then(DateTime::from_timestamp_millis);
        }
        if let Some(remove) = line.remove {
            let once = plain(&remove.path).is_some_and(|path| self.removed.insert(path));
            self.more |= !once || remove.deletion_vector.is_some();
        }
        if let Some(add) = line.add {
            let held = add.held();
            self.more |= held.is_none_or(|held| self.added.insert(held.path, held).is_some());
        }
    }

    /// None where a removed file was not there, or an added one was: then more happened than is understood here.
    fn applied(self, files: Vec<Held>) -> Option<Vec<Held>> {
        let there = |file: &Held| self.added.contains_key(&file.path);
        if self.more || files.iter().any(there) || self.removed.iter().any(|path| self.added.contains_key(path)) {
            return None;
        }
        let before = files.len();
        let mut files = files;
        files.retain(|file| !self.removed.contains(&file.path));
        if before - files.len() != self.removed.len() {
            return None;
        }
        files.extend(self.added.into_values());
        files.sort_by_key(|file| (file.date.is_none(), file.date));
        Some(files)
    }
}

impl Add {
    /// None for what only the log's reader understands.
    fn held(&self) -> Option<Held> {
        let stats: Stats = serde_json::from_str(self.stats.as_ref()?).ok()?;
        let mut values = self.partition_values.values();
        let date = match values.next().and_then(Option::as_deref).filter(|text| !text.is_empty()) {
            Some(text) => Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?),
            None => None,
        };
        if values.next().is_some() || self.deletion_vector.is_some() {
            return None;
        }
        Some(Held { path: plain(&self.path)?, date, rows: stats.num_records, size: self.size })
    }
}

/// None for a path that is percent-encoded in the log's text: the log's reader gives it decoded.
fn plain(path: &str) -> Option<u128> {
    (!path.contains('%')).then(|| kept::name(path))
}
