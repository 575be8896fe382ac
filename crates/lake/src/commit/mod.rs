//! Changing a table: one atomic commit that replaces partitions, whatever other programs do meanwhile.

mod draft;
mod evolve;
mod restore;

pub use restore::{Restore, RestoreTo, restore};

use crate::error::{Cause, LakeError};
use crate::field::LakeField;
use crate::leftover;
use crate::log::{Log, Lost, signed};
use crate::place::Place;
use crate::snapshot::{self, Snapshot};
use crate::staged::{self, StagedFile};
use assay_pipeline::Permit;
use chrono::{DateTime, NaiveDate, Utc};
use draft::Draft;
use object_store::ObjectStore;
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Tries against other writers. Each lost one means that somebody else's commit took place.
const TRIES: u32 = 100;
/// Tries against a storage that fails.
const FAULTS: u32 = 4;

/// Which partitions a commit replaces. Rows of the others stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// These dates; `None` stands for the rows without a date.
    Dates(Vec<Option<NaiveDate>>),
    /// Every row, and the columns too.
    Whole,
}

impl Scope {
    /// These dates, the rows without a date left alone.
    pub fn dates(dates: &[NaiveDate]) -> Self {
        Self::Dates(dates.iter().copied().map(Some).collect())
    }

    pub(crate) fn covers(&self, date: Option<NaiveDate>) -> bool {
        match self {
            Self::Dates(dates) => dates.contains(&date),
            Self::Whole => true,
        }
    }
}

/// Looks at the uncommitted files and the version that they would change; the reason why they must not be
/// committed, or nothing. Called before every try, so with each version that came in between.
pub type Audit<'a> = &'a (dyn Fn(Option<&Snapshot>, &[StagedFile]) -> Result<(), String> + Sync);

/// What a commit does.
pub struct Replacement<'a> {
    pub folder: Place,
    /// Environment that the folder belongs to; the permit must be for it.
    pub environment: &'a str,
    /// `<pipeline>/<layer>/<table>`, as [`crate::Lake::name`] gives it.
    pub table: &'a str,
    /// Columns of the table after the commit, in order, the partition column among them.
    pub schema: &'a [LakeField],
    /// The date column that partitions the table.
    pub partition: Option<&'a str>,
    pub scope: Scope,
    /// Files that take the place of the replaced rows, each within the scope.
    pub staged: Vec<StagedFile>,
    /// Id of the run.
    pub run: &'a str,
    /// Digest of the definition that computed the rows.
    pub definition: &'a str,
    /// In words, for the history: `replaced 14 dates`.
    pub note: &'a str,
    pub audit: Audit<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    pub version: i64,
    /// The version that was replaced; none when the table was made.
    pub before: Option<i64>,
    /// Rows that the replaced partitions held before.
    pub rows_replaced: u64,
}

/// Replaces partitions of a table in one commit, or makes the table. Readers see the version before
/// or the version after.
///
/// Writers that come in between are no conflict: what they left in the scope is replaced too, and the
/// rest of their work stays. Nothing is committed when there is nothing to remove, to add or to change.
/// Except for [`LakeError::Unknown`], an error means that the table holds nothing of this call.
pub async fn replace(permit: &Permit, now: DateTime<Utc>, change: Replacement<'_>) -> Result<Committed, LakeError> {
    put(&Log::at(&change.folder)?, permit, now, &change).await
}

/// As [`replace`], with the log reached through `store`, whose root is the root of the disk.
pub async fn replace_through(
    store: Arc<dyn ObjectStore>,
    permit: &Permit,
    now: DateTime<Utc>,
    change: Replacement<'_>,
) -> Result<Committed, LakeError> {
    put(&Log::over(&change.folder, store)?, permit, now, &change).await
}

async fn put(log: &Log, permit: &Permit, now: DateTime<Utc>, change: &Replacement<'_>) -> Result<Committed, LakeError> {
    permit.check(change.environment, now)?;
    settle(log, change).await?;
    let seed = (change.run, change.table);
    let committed = commit(log, now, seed, &|before, id| {
        (change.audit)(before, &change.staged).map_err(|reason| LakeError::Refused { place: log.place(), reason })?;
        draft::write(log, before, change, now, id)
    })
    .await?;
    leftover::end(&log.folder, change.staged.iter().map(|file| file.path.as_str()));
    Ok(committed)
}

/// What is to be committed on top of a version, by the call with this id.
type Drafting<'a> = &'a (dyn Fn(Option<&Snapshot>, &str) -> Result<Draft, LakeError> + Sync);

/// Drafts and writes until a commit stands, on top of whatever version is the newest then.
async fn commit(
    log: &Log,
    now: DateTime<Utc>,
    seed: (&str, &str),
    drafting: Drafting<'_>,
) -> Result<Committed, LakeError> {
    // Recognises this call's commit in the log when the answer to its write was lost.
    let id = Uuid::new_v4().simple().to_string();
    let (mut lost, mut faults) = (0, 0);
    let mut doubtful: Vec<Committed> = Vec::new();
    loop {
        let before = snapshot::newest(log).await?;
        if let Some(landed) = landed(log, &doubtful, &id).await? {
            return Ok(landed);
        }
        let draft = drafting(before.as_ref(), &id)?;
        if draft.is_empty() {
            return Ok(draft.committed);
        }
        let version = u64::try_from(draft.committed.version).unwrap_or(0);
        match attempt(log, version, draft.text(), &id).await? {
            None => {
                tidy(log, before.as_ref(), version, draft.actions.len(), now).await;
                return Ok(draft.committed);
            }
            Some(Lost::Taken) => lost += 1,
            Some(Lost::Failed(cause)) => {
                faults += 1;
                let error = LakeError::disk(&log.folder, "committing to", cause);
                if faults >= FAULTS || !error.is_passing() {
                    return Err(error);
                }
                doubtful.push(draft.committed);
            }
        }
        if lost >= TRIES {
            return Err(LakeError::Conflict { place: log.place(), tries: lost });
        }
        tokio::time::sleep(pause(seed, lost + faults)).await;
    }
}

async fn settle(log: &Log, change: &Replacement<'_>) -> Result<(), LakeError> {
    if let Some(stray) = change.staged.iter().find(|file| !change.scope.covers(file.partition)) {
        let reason = format!("{} is of a date that the commit does not replace", stray.path);
        return Err(LakeError::Refused { place: log.place(), reason });
    }
    let (folder, staged, schema) = (log.folder.clone(), change.staged.clone(), change.schema.to_vec());
    let partition = change.partition.map(str::to_owned);
    let work = move || staged::settle(&folder, &staged, &schema, partition.as_deref());
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| LakeError::disk(&log.folder, "writing", error))?
}

/// Writes the commit. None: it is in the log. An error of the storage is no proof of the contrary, so the
/// log itself is asked.
async fn attempt(log: &Log, version: u64, text: String, id: &str) -> Result<Option<Lost>, LakeError> {
    let Err(lost) = log.put(version, text).await else { return Ok(None) };
    let mut unread: Option<Cause> = None;
    for _ in 0..FAULTS {
        match log.commit(version).await {
            Ok(Some(bytes)) if is_of(&bytes, id) => return Ok(None),
            Ok(Some(_)) => return Ok(Some(Lost::Taken)),
            Ok(None) => return Ok(Some(lost)),
            Err(error) => unread = Some(Box::new(error)),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let source = unread.unwrap_or_else(|| "the log gave no answer".into());
    Err(LakeError::Unknown { place: log.place(), source })
}

/// A commit of this call that was not there when it was looked for: a request that was given up can still arrive.
async fn landed(log: &Log, doubtful: &[Committed], id: &str) -> Result<Option<Committed>, LakeError> {
    for committed in doubtful {
        let version = u64::try_from(committed.version).unwrap_or(0);
        let text = log.commit(version).await.map_err(|error| LakeError::log(&log.folder, error))?;
        if text.is_some_and(|text| is_of(&text, id)) {
            return Ok(Some(*committed));
        }
    }
    Ok(None)
}

/// Whether the commit was written by the call with this id.
fn is_of(commit: &[u8], id: &str) -> bool {
    let mut lines = commit.split(|byte| *byte == b'\n');
    lines.any(|line| {
        serde_json::from_slice::<Value>(line)
            .is_ok_and(|action| action["commitInfo"]["assay"]["commit"].as_str() == Some(id))
    })
}

/// The commit stands; a checkpoint that fails is made up for by a later commit, and so is what dead programs left.
async fn tidy(log: &Log, before: Option<&Snapshot>, version: u64, actions: usize, now: DateTime<Utc>) {
    let _ = log.tidy(before.map(|before| &before.state), version, actions, now).await;
    let folder = log.folder.clone();
    let _ = tokio::task::spawn_blocking(move || leftover::clear(&folder, version)).await;
}

/// Grows with each try and differs between runs, so that they do not meet again and again.
fn pause(seed: (&str, &str), tries: u32) -> Duration {
    let mut hasher = DefaultHasher::new();
    (seed, tries).hash(&mut hasher);
    let most = (1u64 << tries.min(6)).min(50);
    Duration::from_micros(hasher.finish() % (most * 1000))
}

pub(crate) fn next_version(before: Option<&Snapshot>) -> i64 {
    before.map_or(0, |before| before.version().saturating_add(1).min(signed(u64::MAX)))
}
