//! Going back: one commit after which a table's files are those of an older version.

use super::draft::{Draft, removal, transactions};
use super::{Committed, evolve, next_version};
use crate::error::LakeError;
use crate::log::Log;
use crate::place::Place;
use crate::snapshot::{LakeFile, Snapshot, metadata, partition_date};
use assay_pipeline::Permit;
use chrono::{DateTime, NaiveDate, Utc};
use deltalake_core::kernel::{Action, LogicalFileView};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};

/// What the table is to be again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreTo {
    Version(i64),
    /// A table without rows, with the columns that it has now: what it was before its first version.
    Empty,
}

pub struct Restore<'a> {
    pub folder: Place,
    /// Environment that the folder belongs to; the permit must be for it.
    pub environment: &'a str,
    /// `<pipeline>/<layer>/<table>`, as [`crate::Lake::name`] gives it.
    pub table: &'a str,
    pub to: RestoreTo,
    /// The version that the caller looked at; another one refuses. None goes back over whatever there is.
    pub seen: Option<i64>,
    /// Id of the run.
    pub run: &'a str,
    /// Digest of the definition that computed the rows.
    pub definition: &'a str,
    /// In words, for the history: `undid run 01J…`.
    pub note: &'a str,
}

/// Brings the rows, columns and partition column of an older version back in one new commit; the history stays.
///
/// Nothing is committed when the table's files are those already, so that it can be done twice. Refused when a file
/// of the older version is gone from disk. Readers see the version before or the version after; except for
/// [`LakeError::Unknown`], an error means that the table is as it was.
pub async fn restore(permit: &Permit, now: DateTime<Utc>, what: Restore<'_>) -> Result<Committed, LakeError> {
    permit.check(what.environment, now)?;
    let log = Log::at(&what.folder)?;
    let target = match what.to {
        RestoreTo::Version(version) => Some(crate::snapshot::open_version(&what.folder, version).await?),
        RestoreTo::Empty => None,
    };
    let there = match &target {
        Some(target) => sizes(target).await?,
        None => HashMap::new(),
    };
    super::commit(&log, now, (what.run, what.table), &|before, id| {
        let before = before.ok_or_else(|| LakeError::NotFound { place: log.place() })?;
        draft(&log, before, target.as_ref(), &what, &there, now, id)
    })
    .await
}

fn draft(
    log: &Log,
    before: &Snapshot,
    target: Option<&Snapshot>,
    what: &Restore<'_>,
    there: &HashMap<String, u64>,
    now: DateTime<Utc>,
    id: &str,
) -> Result<Draft, LakeError> {
    let mut actions = shape(log, before, target)?;
    let reshaped = !actions.is_empty();
    let files = |snapshot: Option<&Snapshot>| -> HashMap<String, u64> {
        let files = snapshot.into_iter().flat_map(Snapshot::files);
        files.map(|file| (file.path.clone(), file.size)).collect()
    };
    let (now_there, then_there) = (files(Some(before)), files(target));
    let mut dates = BTreeSet::new();
    let mut gone = |view: &LogicalFileView, of: &Snapshot, others: &HashMap<String, u64>| {
        let size = u64::try_from(view.size()).unwrap_or(0);
        if others.get(view.path().as_ref()) == Some(&size) {
            return Ok(false);
        }
        dates.insert(date_of(view, of)?);
        Ok::<_, LakeError>(true)
    };
    for view in before.state.log_data().iter() {
        if gone(&view, before, &then_there)? {
            actions.push(removal(&view, now, before)?);
        }
    }
    if let Some(target) = target {
        for view in target.state.log_data().iter() {
            if gone(&view, target, &now_there)? {
                actions.push(return_of(&view, target, there)?);
            }
        }
    }
    let version = next_version(Some(before));
    let left = |file: &&LakeFile| then_there.get(&file.path) != Some(&file.size);
    let rows_replaced = before.files().iter().filter(left).map(|file| file.rows).sum();
    let committed = Committed { version, before: Some(before.version()), rows_replaced };
    if actions.is_empty() {
        return Ok(Draft {
            info: String::new(),
            actions,
            committed: Committed { version: before.version(), ..committed },
        });
    }
    if let Some(seen) = what.seen.filter(|seen| *seen != before.version()) {
        let reason = format!("the table is at version {} and no longer at version {seen}", before.version());
        return Err(LakeError::Refused { place: log.place(), reason });
    }
    evolve::writable(log, before)?;
    let column = if reshaped { None } else { before.partition_column() };
    actions.extend(transactions(what.table, column, &dates, version));
    Ok(Draft { info: info(before, what, now, id), actions, committed })
}

/// The columns of then, when they are others than now.
fn shape(log: &Log, before: &Snapshot, target: Option<&Snapshot>) -> Result<Vec<String>, LakeError> {
    let Some(target) = target else { return Ok(Vec::new()) };
    if before.fields() == target.fields() && before.partition_column() == target.partition_column() {
        return Ok(Vec::new());
    }
    // The protocol stays: it only ever grows, so it knows what the older columns need.
    let mut changed = metadata(&before.state, &log.folder)?;
    let old = metadata(&target.state, &log.folder)?;
    for part in ["schemaString", "partitionColumns"] {
        changed[part] = old[part].clone();
    }
    Ok(vec![json!({"metaData": changed}).to_string()])
}

fn date_of(view: &LogicalFileView, of: &Snapshot) -> Result<Option<NaiveDate>, LakeError> {
    match of.partition_column() {
        Some(column) => partition_date(view, column, &of.folder),
        None => Ok(None),
    }
}

/// The sizes of the files that a remote table's storage has; on this disk each is looked at when it is needed.
async fn sizes(target: &Snapshot) -> Result<HashMap<String, u64>, LakeError> {
    let folder = target.folder.clone();
    if !folder.is_remote() {
        return Ok(HashMap::new());
    }
    let listed = tokio::task::spawn_blocking(move || folder.list()).await;
    let listed = listed.map_err(|error| LakeError::disk(&target.folder, "listing", error))??;
    Ok(listed.into_iter().map(|file| (file.path, file.stat.size)).collect())
}

/// Puts a file of an older version back, if it is still there.
#[expect(deprecated, reason = "the library's one public way to all parts of an older addition")]
fn return_of(view: &LogicalFileView, target: &Snapshot, there: &HashMap<String, u64>) -> Result<String, LakeError> {
    let path = view.path();
    let size = match target.folder.is_remote() {
        true => there.get(path.as_ref()).copied(),
        false => target.folder.join(path.as_ref()).stat()?.map(|stat| stat.size),
    };
    if size.and_then(|size| i64::try_from(size).ok()) != Some(view.size()) {
        let (place, file) = (target.place(), path.into_owned());
        return Err(LakeError::Gone { place, version: target.version(), file });
    }
    let mut action = view.add_action();
    action.data_change = true;
    let line = serde_json::to_string(&Action::Add(action));
    line.map_err(|error| LakeError::disk(&target.folder, "committing to", error))
}

fn info(before: &Snapshot, what: &Restore<'_>, now: DateTime<Utc>, id: &str) -> String {
    let to = match what.to {
        RestoreTo::Version(version) => version.to_string(),
        RestoreTo::Empty => "empty".to_owned(),
    };
    let info = json!({
        "timestamp": now.timestamp_millis(),
        "operation": "RESTORE",
        "operationParameters": {"version": to},
        "readVersion": before.version(),
        "isBlindAppend": false,
        "engineInfo": concat!("assay/", env!("CARGO_PKG_VERSION")),
        "assay": {
            "run": what.run,
            "definition": what.definition,
            "what": what.note,
            "table": what.table,
            "commit": id,
        },
    });
    json!({"commitInfo": info}).to_string()
}
