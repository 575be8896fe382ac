//! The text of a commit: what it removes, adds and records.

use super::{Committed, Replacement, Scope, evolve, next_version};
use crate::error::LakeError;
use crate::log::Log;
use crate::snapshot::{Snapshot, partition_date};
use crate::staged::StagedFile;
use chrono::{DateTime, NaiveDate, Utc};
use deltalake_core::kernel::{Action, LogicalFileView};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Dates named in a commit's predicate; a longer list ends with dots.
const NAMED_DATES: usize = 400;

pub(super) struct Draft {
    /// `commitInfo`, which comes first.
    pub(super) info: String,
    /// All other actions, one line each.
    pub(super) actions: Vec<String>,
    pub(super) committed: Committed,
}

impl Draft {
    /// Nothing would change.
    pub(super) fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    pub(super) fn text(&self) -> String {
        let mut text = self.info.clone();
        for action in &self.actions {
            text.push('\n');
            text.push_str(action);
        }
        text.push('\n');
        text
    }
}

/// The commit that follows `before`.
pub(super) fn write(
    log: &Log,
    before: Option<&Snapshot>,
    change: &Replacement<'_>,
    now: DateTime<Utc>,
    id: &str,
) -> Result<Draft, LakeError> {
    let version = next_version(before);
    let mut actions = evolve::shape(log, before, change, now)?;
    let mut dates: BTreeSet<Option<NaiveDate>> = BTreeSet::new();
    let mut rows_replaced = 0;
    if let Some(before) = before {
        let removed = removals(before, change, now, &mut dates)?;
        rows_replaced = removed.rows;
        actions.extend(removed.actions);
    }
    for file in &change.staged {
        dates.insert(file.partition);
        actions.push(addition(file, change.partition, now).to_string());
    }
    let committed = Committed { version, before: before.map(Snapshot::version), rows_replaced };
    if actions.is_empty() {
        let committed = Committed { version: version - 1, ..committed };
        return Ok(Draft { info: String::new(), actions, committed });
    }
    let column = if change.scope == Scope::Whole { None } else { change.partition };
    actions.extend(transactions(change.table, column, &dates, version));
    Ok(Draft { info: info(before, change, now, id).to_string(), actions, committed })
}

struct Removals {
    actions: Vec<String>,
    rows: u64,
}

fn removals(
    before: &Snapshot,
    change: &Replacement<'_>,
    now: DateTime<Utc>,
    dates: &mut BTreeSet<Option<NaiveDate>>,
) -> Result<Removals, LakeError> {
    let mut removed = Removals { actions: Vec::new(), rows: 0 };
    for view in before.state.log_data().iter() {
        let date = match before.partition_column() {
            Some(column) => partition_date(&view, column, &before.folder)?,
            None => None,
        };
        if !change.scope.covers(date) {
            continue;
        }
        dates.insert(date);
        removed.actions.push(removal(&view, now, before)?);
    }
    let replaced = before.files().iter().filter(|file| change.scope.covers(file.partition));
    removed.rows = replaced.map(|file| file.rows).sum();
    Ok(removed)
}

/// Takes a file out of the table.
pub(super) fn removal(view: &LogicalFileView, now: DateTime<Utc>, of: &Snapshot) -> Result<String, LakeError> {
    let mut action = view.remove_action(true);
    action.deletion_timestamp = Some(now.timestamp_millis());
    let line = serde_json::to_string(&Action::Remove(action));
    line.map_err(|error| LakeError::disk(&of.folder, "committing to", error))
}

fn addition(file: &StagedFile, column: Option<&str>, now: DateTime<Utc>) -> Value {
    let mut stats = file.stats.clone().filter(Value::is_object).unwrap_or_else(|| json!({}));
    stats["numRecords"] = json!(file.rows);
    let values = match column {
        Some(column) => json!({column: file.partition.map(|date| date.format("%Y-%m-%d").to_string())}),
        None => json!({}),
    };
    json!({"add": {
        "path": file.path,
        "partitionValues": values,
        "size": file.size,
        "modificationTime": now.timestamp_millis(),
        "dataChange": true,
        "stats": stats.to_string(),
    }})
}

/// One application id for each replaced partition. Its version is that of the table, which grows with
/// every commit, so that other programs can see which partition was written when.
///
/// `column` is the partition column where the commit keeps to dates.
pub(super) fn transactions(
    table: &str,
    column: Option<&str>,
    dates: &BTreeSet<Option<NaiveDate>>,
    version: i64,
) -> Vec<String> {
    let ids: Vec<String> = match column {
        Some(column) => dates
            .iter()
            .map(|date| match date {
                Some(date) => format!("{table}/{column}={}", date.format("%Y-%m-%d")),
                None => format!("{table}/{column}=none"),
            })
            .collect(),
        None => vec![format!("{table}/whole")],
    };
    ids.into_iter().map(|id| json!({"txn": {"appId": id, "version": version}}).to_string()).collect()
}

fn info(before: Option<&Snapshot>, change: &Replacement<'_>, now: DateTime<Utc>, id: &str) -> Value {
    let mut info = json!({
        "timestamp": now.timestamp_millis(),
        "operation": "WRITE",
        "operationParameters": parameters(change),
        "isBlindAppend": false,
        "engineInfo": concat!("assay/", env!("CARGO_PKG_VERSION")),
        "assay": {
            "run": change.run,
            "definition": change.definition,
            "what": change.note,
            "table": change.table,
            "commit": id,
        },
    });
    if let Some(before) = before {
        info["readVersion"] = json!(before.version());
    }
    json!({"commitInfo": info})
}

fn parameters(change: &Replacement<'_>) -> Value {
    let mut parameters = json!({
        "mode": "Overwrite",
        "partitionBy": json!(change.partition.map_or(Vec::new(), |column| vec![column])).to_string(),
    });
    if let (Scope::Dates(dates), Some(column)) = (&change.scope, change.partition) {
        let named = dates.iter().take(NAMED_DATES).map(|date| match date {
            Some(date) => format!("{column} = '{}'", date.format("%Y-%m-%d")),
            None => format!("{column} IS NULL"),
        });
        let mut predicate = named.collect::<Vec<_>>().join(" OR ");
        if dates.len() > NAMED_DATES {
            predicate.push_str(" OR ...");
        }
        parameters["predicate"] = json!(predicate);
    }
    parameters
}
