//! The shape of a table: protocol and metadata, made with its first commit and changed with care.

use super::{Replacement, Scope};
use crate::error::LakeError;
use crate::field::{LakeField, needs_zoneless, schema_string};
use crate::log::Log;
use crate::snapshot::{Snapshot, metadata};
use chrono::{DateTime, Utc};
use deltalake_core::kernel::transaction::PROTOCOL;
use serde_json::{Value, json};
use uuid::Uuid;

/// The `protocol` and `metaData` actions that the commit needs: both for a new table, none when the
/// columns stay as they are.
pub(super) fn shape(
    log: &Log,
    before: Option<&Snapshot>,
    change: &Replacement<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<String>, LakeError> {
    partition_is_a_date(log, change)?;
    let Some(before) = before else { return new(log, change, now) };
    writable(log, before)?;
    if before.fields() == change.schema && before.partition_column() == change.partition {
        return Ok(Vec::new());
    }
    if change.scope != Scope::Whole
        && let Some(what) = breaks(before, change)
    {
        return Err(LakeError::SchemaChange { place: log.place(), what });
    }
    let mut lines = protocol_upgrade(log, before, change)?;
    let mut changed = metadata(&before.state, &log.folder)?;
    changed["schemaString"] = json!(schema_string(change.schema, &log.folder)?);
    changed["partitionColumns"] = json!(change.partition.map_or(Vec::new(), |column| vec![column]));
    lines.push(json!({"metaData": changed}).to_string());
    Ok(lines)
}

fn new(log: &Log, change: &Replacement<'_>, now: DateTime<Utc>) -> Result<Vec<String>, LakeError> {
    let protocol = match needs_zoneless(change.schema) {
        true => zoneless(&["timestampNtz"], &["timestampNtz", "appendOnly"]),
        false => json!({"minReaderVersion": 1, "minWriterVersion": 2}),
    };
    let metadata = json!({
        "id": Uuid::new_v4().to_string(),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema_string(change.schema, &log.folder)?,
        "partitionColumns": change.partition.map_or(Vec::new(), |column| vec![column]),
        // The library's own default of 100 would make opening a busy table slow.
        "configuration": {"delta.checkpointInterval": "10"},
        "createdTime": now.timestamp_millis(),
    });
    Ok(vec![json!({"protocol": protocol}).to_string(), json!({"metaData": metadata}).to_string()])
}

fn zoneless(readers: &[&str], writers: &[&str]) -> Value {
    json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": readers, "writerFeatures": writers})
}

fn partition_is_a_date(log: &Log, change: &Replacement<'_>) -> Result<(), LakeError> {
    let Some(column) = change.partition else { return Ok(()) };
    let is_date = |field: &&LakeField| field.name == column && field.kind == polars::prelude::DataType::Date;
    if change.schema.iter().any(|field| is_date(&field)) {
        return Ok(());
    }
    let reason = format!("the partition column {column} is no date column of the table");
    Err(LakeError::Refused { place: log.place(), reason })
}

/// Refuses tables that this program must not change.
pub(super) fn writable(log: &Log, before: &Snapshot) -> Result<(), LakeError> {
    let unsupported =
        |what: String, advice: &str| LakeError::Unsupported { place: log.place(), what, advice: advice.to_owned() };
    if let Some((what, advice)) = &before.refusal {
        return Err(unsupported(what.clone(), advice));
    }
    let append_only = metadata(&before.state, &log.folder)?["configuration"]["delta.appendOnly"] == json!("true");
    if append_only {
        return Err(unsupported("only takes new rows".to_owned(), "Set its property delta.appendOnly to false"));
    }
    PROTOCOL.can_write_to(&before.state).map_err(|error| {
        unsupported(format!("cannot be written here ({error})"), "Write it with the program that made it")
    })
}

/// A zoneless timestamp in a table that was made without that feature.
fn protocol_upgrade(log: &Log, before: &Snapshot, change: &Replacement<'_>) -> Result<Vec<String>, LakeError> {
    let current = serde_json::to_value(before.state.protocol())
        .map_err(|error| LakeError::disk(&log.folder, "reading the log of", error))?;
    let features = |key: &str| -> Vec<String> {
        let listed = current[key].as_array().map(Vec::as_slice).unwrap_or_default();
        listed.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (mut readers, mut writers) = (features("readerFeatures"), features("writerFeatures"));
    if !needs_zoneless(change.schema) || readers.iter().any(|feature| feature == "timestampNtz") {
        return Ok(Vec::new());
    }
    readers.push("timestampNtz".to_owned());
    writers.push("timestampNtz".to_owned());
    if current["minWriterVersion"].as_i64().is_some_and(|version| version < 7) {
        writers.push("appendOnly".to_owned());
    }
    let readers: Vec<&str> = readers.iter().map(String::as_str).collect();
    let writers: Vec<&str> = writers.iter().map(String::as_str).collect();
    Ok(vec![json!({"protocol": zoneless(&readers, &writers)}).to_string()])
}

/// Why rows of the other dates would no longer fit the columns; nothing when they do.
fn breaks(before: &Snapshot, change: &Replacement<'_>) -> Option<String> {
    if before.partition_column() != change.partition {
        let name = |column: Option<&str>| column.map_or("no column".to_owned(), str::to_owned);
        let (old, new) = (name(before.partition_column()), name(change.partition));
        return Some(format!("it is partitioned by {old} and not by {new}"));
    }
    for old in before.fields() {
        match change.schema.iter().find(|new| new.name == old.name) {
            None => return Some(format!("{} is gone", old.name)),
            Some(new) if new.kind != old.kind => {
                return Some(format!("{} is {} and would become {}", old.name, old.kind, new.kind));
            }
            Some(new) if old.nullable && !new.nullable => return Some(format!("{} would be required", old.name)),
            Some(_) => {}
        }
    }
    let known = |new: &&LakeField| before.fields().iter().any(|old| old.name == new.name);
    let added = change.schema.iter().find(|new| !known(new) && !new.nullable)?;
    Some(format!("{} would be required, and the other dates lack it", added.name))
}
