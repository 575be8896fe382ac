//! A warehouse table as it is and as a load wants it: columns, index, note.

use crate::error::WarehouseError;
use crate::job::{LoadJob, Replace, WarehouseType};
use crate::quote::{identifier, identifiers, literal, table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tokio_postgres::{Error, GenericClient, Transaction};
use xxhash_rust::xxh3::xxh3_64;

const INDEX_PREFIX: &str = "assay_sort_";

/// What Assay keeps in the table's comment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Tells our comments from those of people.
    assay: u32,
    pub distribution_key: Option<String>,
    pub sort_key: Vec<String>,
}

/// A table that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Existing {
    /// Names and types in order.
    pub columns: Vec<(String, String)>,
    comment: Option<String>,
}

impl Existing {
    pub(crate) async fn find(client: &impl GenericClient, schema: &str, name: &str) -> Result<Option<Existing>, Error> {
        let found = client
            .query_opt(
                "SELECT c.oid, obj_description(c.oid, 'pg_class') FROM pg_class c \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p')",
                &[&schema, &name],
            )
            .await?;
        let Some(row) = found else { return Ok(None) };
        let (oid, comment): (u32, Option<String>) = (row.get(0), row.get(1));
        let columns = client
            .query(
                "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute \
                 WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                &[&oid],
            )
            .await?;
        Ok(Some(Existing { columns: columns.iter().map(|row| (row.get(0), row.get(1))).collect(), comment }))
    }

    /// None when a person wrote the comment, or nobody did.
    pub(crate) fn note(&self) -> Option<Note> {
        serde_json::from_str(self.comment.as_deref()?).ok()
    }

    pub(crate) fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// Whether it has a column of this name that can be summed.
    pub(crate) fn has_number(&self, name: &str) -> bool {
        let number = |kind: &str| {
            matches!(kind, "smallint" | "integer" | "bigint" | "real" | "double precision")
                || kind.starts_with("numeric")
        };
        self.columns.iter().any(|(known, kind)| known == name && number(kind))
    }

    /// What keeps the job's rows from fitting. Order does not matter: loads name their columns.
    pub(crate) fn differences(&self, job: &LoadJob) -> Vec<String> {
        let wanted: Vec<(String, String)> = job.columns.iter().map(|c| (c.name.clone(), c.kind.sql())).collect();
        let missing =
            wanted.iter().filter_map(|(name, kind)| match self.columns.iter().find(|(known, _)| known == name) {
                None => Some(format!("it has no column {name} {kind}")),
                Some((_, has)) if has != kind => Some(format!("its column {name} is {has}, not {kind}")),
                Some(_) => None,
            });
        let extra = self.columns.iter().filter(|(name, _)| !wanted.iter().any(|(known, _)| known == name));
        missing.chain(extra.map(|(name, kind)| format!("its column {name} {kind} is not in the load"))).collect()
    }
}

/// Makes a schema unless it is there; two who make it at once take turns.
pub(crate) async fn ensure_schema(transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
    let known = "SELECT FROM pg_namespace WHERE nspname = $1::text";
    if transaction.query_opt(known, &[&schema]).await?.is_some() {
        return Ok(());
    }
    lock(transaction, "schemas").await?;
    transaction.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {}", identifier(schema))).await
}

/// Waits until no other transaction holds the lock of this name; ends with the transaction.
pub(crate) async fn lock(transaction: &Transaction<'_>, name: &str) -> Result<(), Error> {
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&lock_key(name)]).await?;
    Ok(())
}

/// The server's number for the lock of this name.
pub(crate) fn lock_key(name: &str) -> i64 {
    xxh3_64(format!("assay {name}").as_bytes()).cast_signed()
}

pub(crate) async fn create(transaction: &Transaction<'_>, job: &LoadJob) -> Result<(), Error> {
    let columns: Vec<String> =
        job.columns.iter().map(|c| format!("{} {}", identifier(&c.name), c.kind.sql())).collect();
    let place = table(&job.schema, &job.table);
    transaction.batch_execute(&format!("CREATE TABLE {place} ({})", columns.join(", "))).await
}

/// Brings index and comment in line with the job. A comment that a person wrote stays.
pub(crate) async fn dress(transaction: &Transaction<'_>, job: &LoadJob) -> Result<(), WarehouseError> {
    dress_inner(transaction, job).await.map_err(|error| WarehouseError::of("the index and the comment", &[], error))
}

async fn dress_inner(transaction: &Transaction<'_>, job: &LoadJob) -> Result<(), Error> {
    let place = table(&job.schema, &job.table);
    let wanted = indexes(job);
    let known = transaction
        .query(
            "SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
             JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
             WHERE n.nspname = $1::text AND t.relname = $2::text AND starts_with(i.relname, $3)",
            &[&job.schema, &job.table, &INDEX_PREFIX],
        )
        .await?;
    let known: Vec<String> = known.iter().map(|row| row.get(0)).collect();
    let kept = kept(job);
    for old in known.iter().filter(|name| !wanted.contains_key(*name) && !kept.contains(name)) {
        transaction.batch_execute(&format!("DROP INDEX {}", table(&job.schema, old))).await?;
    }
    for (name, columns) in wanted.iter().filter(|(name, _)| !known.contains(name)) {
        let columns = identifiers(columns);
        transaction.batch_execute(&format!("CREATE INDEX {} ON {place} ({columns})", identifier(name))).await?;
    }
    let note = Note { assay: 1, distribution_key: job.distribution_key.clone(), sort_key: job.sort_key.clone() };
    let existing = Existing::find(transaction, &job.schema, &job.table).await?;
    let free = existing.is_some_and(|table| table.comment.is_none() || table.note().is_some_and(|old| old != note));
    if free {
        let text = serde_json::json!(note).to_string();
        transaction.batch_execute(&format!("COMMENT ON TABLE {place} IS {}", literal(&text))).await?;
    }
    Ok(())
}

/// Columns by index name: the sort key, and the date column where replacing a date would read the whole table without.
fn indexes(job: &LoadJob) -> BTreeMap<String, Vec<String>> {
    let mut keys = Vec::new();
    if !job.sort_key.is_empty() {
        keys.push(job.sort_key.clone());
    }
    if let Replace::Dates { column, .. } = &job.mode
        && job.sort_key.first() != Some(column)
    {
        keys.push(vec![column.clone()]);
    }
    keys.into_iter().map(|columns: Vec<String>| (index_name(job, &columns), columns)).collect()
}

/// Names of indexes that a whole load leaves: the table may be loaded by dates as well, and making them anew each time
/// reads all of it.
fn kept(job: &LoadJob) -> Vec<String> {
    let dates = job.columns.iter().filter(|column| column.kind == WarehouseType::Date && job.mode == Replace::All);
    dates.map(|column| index_name(job, std::slice::from_ref(&column.name))).collect()
}

/// One name per table and key: index names are unique in a schema.
fn index_name(job: &LoadJob, columns: &[String]) -> String {
    let parts = serde_json::json!([job.schema, job.table, columns]).to_string();
    format!("{INDEX_PREFIX}{:016x}", xxh3_64(parts.as_bytes()))
}
