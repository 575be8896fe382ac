//! What was committed to a table, by which run.

use crate::error::LakeError;
use crate::log::{CommitText, Commits, Found, LOG_FOLDER, Versions, actions, commit_path, look, signed};
use crate::place::Place;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInfo {
    pub version: i64,
    pub at: Option<DateTime<Utc>>,
    /// The run that made it; none for commits of other programs.
    pub run: Option<String>,
    /// `replaced 14 dates`; the operation's name for commits of other programs.
    pub what: String,
    pub files_added: u32,
    pub files_removed: u32,
}

/// The newest `limit` commits of the table in `folder`, newest first. Commits past the log's retention
/// (30 days by default) are gone; empty when there is no table.
pub async fn history(folder: impl Into<Place>, limit: usize) -> Result<Vec<VersionInfo>, LakeError> {
    let folder = folder.into();
    let owned = folder.clone();
    let read = tokio::task::spawn_blocking(move || read(&owned, limit)).await;
    read.map_err(|error| LakeError::disk(&folder, "reading the log of", error))?
}

/// The versions of a table around a run's last commits: before them (none when they made the table) and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunChange {
    pub before: Option<i64>,
    pub after: i64,
}

/// What a run changed, as the newest `limit` commits tell; none when it is not among their makers.
///
/// Commits of the run count as long as no other lies between them: what others did is not the run's.
pub async fn change_of_run(folder: impl Into<Place>, run: &str, limit: usize) -> Result<Option<RunChange>, LakeError> {
    let folder = folder.into();
    let (owned, run) = (folder.clone(), run.to_owned());
    let read = tokio::task::spawn_blocking(move || find_change(&owned, &run, limit)).await;
    read.map_err(|error| LakeError::disk(&folder, "reading the log of", error))?
}

fn find_change(folder: &Place, run: &str, limit: usize) -> Result<Option<RunChange>, LakeError> {
    if look(folder)? == Found::Other {
        return Err(LakeError::NotATable { place: folder.to_string() });
    }
    let mut found: Option<RunChange> = None;
    for commit in Commits::of(folder, newest(folder, limit)?) {
        let (version, text) = commit?;
        let ours = read_commit(folder, version, text)?.run.as_deref() == Some(run);
        let before = version.checked_sub(1).map(signed);
        match &mut found {
            None if ours => found = Some(RunChange { before, after: signed(version) }),
            Some(change) if ours => change.before = before,
            Some(_) => break,
            None => {}
        }
    }
    Ok(found)
}

/// When a version was committed, as far as the log still says.
pub(crate) fn committed_at(folder: &Place, version: u64) -> Option<DateTime<Utc>> {
    let said = || {
        let (_, text) = Commits::of(folder, vec![version]).next()?.ok()?;
        read_commit(folder, version, text).ok()?.at
    };
    said().or_else(|| {
        let written = |path: &str| folder.join(path).stat().ok().flatten();
        let checkpoint = format!("{LOG_FOLDER}/{version:020}.checkpoint.parquet");
        let stat = written(&commit_path(version)).or_else(|| written(&checkpoint))?;
        Some(DateTime::from_timestamp_nanos(stat.modified_ns))
    })
}

fn read(folder: &Place, limit: usize) -> Result<Vec<VersionInfo>, LakeError> {
    if look(folder)? == Found::Other {
        return Err(LakeError::NotATable { place: folder.to_string() });
    }
    let commits = Commits::of(folder, newest(folder, limit)?);
    commits.map(|commit| commit.and_then(|(version, text)| read_commit(folder, version, text))).collect()
}

fn newest(folder: &Place, limit: usize) -> Result<Vec<u64>, LakeError> {
    Ok(Versions::of(folder)?.commits.into_iter().rev().take(limit).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<Info>,
    add: Option<IgnoredAny>,
    remove: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Info {
    timestamp: Option<i64>,
    operation: Option<String>,
    assay: Option<Origin>,
}

#[derive(Deserialize)]
struct Origin {
    run: Option<String>,
    what: Option<String>,
}

fn read_commit(folder: &Place, version: u64, text: CommitText) -> Result<VersionInfo, LakeError> {
    let mut info = VersionInfo {
        version: signed(version),
        at: None,
        run: None,
        what: String::new(),
        files_added: 0,
        files_removed: 0,
    };
    actions(folder, version, text, |line: Line| {
        info.files_added += u32::from(line.add.is_some());
        info.files_removed += u32::from(line.remove.is_some());
        if let Some(found) = line.commit_info {
            info.at = found.timestamp.and_then(DateTime::from_timestamp_millis);
            let origin = found.assay.unwrap_or(Origin { run: None, what: None });
            info.run = origin.run;
            info.what = origin.what.or(found.operation).unwrap_or_default();
        }
    })?;
    Ok(info)
}
