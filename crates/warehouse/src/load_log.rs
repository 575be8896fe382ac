//! `assay.load_log`: which version of the lake's table each date of a warehouse table holds.

use crate::job::{LoadJob, Replace};
use crate::quote::identifier;
use crate::table::{ensure_schema, lock};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use tokio_postgres::{Error, Transaction};

/// What the log has for all that a job replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// This very version, everywhere.
    Same,
    /// Somewhere a newer version of the same table of the lake.
    Newer(i64),
    Other,
}

const CREATE: &str = "CREATE TABLE IF NOT EXISTS assay.load_log (\
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pipeline text NOT NULL, environment text NOT NULL, \
    schema_name text NOT NULL, table_name text NOT NULL, date date, lake_version bigint NOT NULL, run text NOT NULL, \
    rows bigint NOT NULL, loaded_at timestamptz NOT NULL, lake_table text); \
    CREATE INDEX IF NOT EXISTS load_log_place ON assay.load_log (schema_name, table_name, date, id); \
    COMMENT ON TABLE assay.load_log IS 'Loads by Assay; the greatest id of a date, or without date, is what holds'";

/// Logs of earlier programs lack the column. Their entries are of no known table: what they say is loaded again.
const MIGRATE: &str = "ALTER TABLE assay.load_log ADD COLUMN IF NOT EXISTS lake_table text";

pub(crate) async fn ensure(transaction: &Transaction<'_>) -> Result<(), Error> {
    let known = "SELECT FROM pg_attribute WHERE attrelid = to_regclass('assay.load_log') AND attname = 'lake_table' \
                 AND NOT attisdropped";
    if transaction.query_opt(known, &[]).await?.is_some() {
        return Ok(());
    }
    lock(transaction, "load log").await?;
    ensure_schema(transaction, "assay").await?;
    transaction.batch_execute(CREATE).await?;
    transaction.batch_execute(MIGRATE).await
}

pub(crate) async fn exists(transaction: &Transaction<'_>) -> Result<bool, Error> {
    Ok(transaction.query_one("SELECT to_regclass('assay.load_log') IS NOT NULL", &[]).await?.get(0))
}

/// Reads what the table holds now: the last entry counts, a whole load counts for every date.
pub(crate) async fn held(transaction: &Transaction<'_>, job: &LoadJob) -> Result<Held, Error> {
    // A whole load asks for the one "date" that only whole loads have.
    let asked = match &job.mode {
        Replace::Dates { .. } => "SELECT unnest($3::text[])::date AS date, false AS whole",
        Replace::All => "SELECT NULL::date AS date, true AS whole WHERE cardinality($3::text[]) = 0",
    };
    let query = format!(
        "SELECT coalesce(bool_and(coalesce(ours AND lake_version = $6 AND fits, false)), true), \
                max(lake_version) FILTER (WHERE ours AND lake_version > $6) \
         FROM ({asked}) a LEFT JOIN LATERAL (\
             SELECT l.lake_version, l.pipeline = $4 AND l.environment = $5 AND l.lake_table = $7 AS ours, \
                    NOT a.whole OR l.date IS NULL AS fits \
             FROM assay.load_log l WHERE l.schema_name = $1 AND l.table_name = $2 \
             AND (a.whole OR l.date = a.date OR l.date IS NULL) ORDER BY l.id DESC LIMIT 1) h ON true"
    );
    let dates = job.dates();
    let row = transaction
        .query_one(
            &query,
            &[&job.schema, &job.table, &dates, &job.pipeline, &job.environment, &job.lake_version, &job.lake_table],
        )
        .await?;
    let (same, newer): (bool, Option<i64>) = (row.get(0), row.get(1));
    Ok(match newer {
        Some(version) => Held::Newer(version),
        None if same => Held::Same,
        None => Held::Other,
    })
}

/// Counts the rows of the staging table and adds one entry per date, or one for the whole; gives the last one's id, none when there was no date.
pub(crate) async fn write(
    transaction: &Transaction<'_>,
    job: &LoadJob,
    staging: &str,
    now: DateTime<Utc>,
) -> Result<Option<i64>, Error> {
    let counted = match &job.mode {
        Replace::Dates { column, .. } => format!(
            "SELECT d.date, coalesce(c.rows, 0) AS rows FROM (SELECT unnest($3::text[])::date AS date) d LEFT JOIN \
             (SELECT {} AS date, count(*) AS rows FROM {staging} GROUP BY 1) c ON c.date = d.date",
            identifier(column)
        ),
        Replace::All => {
            format!("SELECT NULL::date AS date, count(*) AS rows FROM {staging} WHERE cardinality($3::text[]) = 0")
        }
    };
    let query = format!(
        "WITH added AS (INSERT INTO assay.load_log \
         (schema_name, table_name, date, pipeline, environment, lake_version, run, rows, loaded_at, lake_table) \
         SELECT $1, $2, date, $4, $5, $6, $7, rows, $8::text::timestamptz, $9 FROM ({counted}) x ORDER BY date RETURNING id) \
         SELECT max(id) FROM added"
    );
    let (dates, loaded_at) = (job.dates(), now.to_rfc3339());
    let row = transaction
        .query_one(
            &query,
            &[
                &job.schema,
                &job.table,
                &dates,
                &job.pipeline,
                &job.environment,
                &job.lake_version,
                &job.run,
                &loaded_at,
                &job.lake_table,
            ],
        )
        .await?;
    Ok(row.get(0))
}

/// Whether the entry is there. The run and version are compared too: a crash can give an unused id out again.
pub(crate) async fn has(transaction: &Transaction<'_>, job: &LoadJob, id: i64) -> Result<bool, Error> {
    let query = "SELECT FROM assay.load_log WHERE id = $1 AND schema_name = $2 AND table_name = $3 AND run = $4 \
                 AND lake_version = $5";
    let row = transaction.query_opt(query, &[&id, &job.schema, &job.table, &job.run, &job.lake_version]).await?;
    Ok(row.is_some())
}

/// The last load of a table.
pub(crate) struct LastLoad {
    pub lake_version: i64,
    pub run: String,
    pub loaded_at: DateTime<Utc>,
}

/// The last load of each table of a schema.
pub(crate) async fn last(transaction: &Transaction<'_>, schema: &str) -> Result<HashMap<String, LastLoad>, Error> {
    let query = "SELECT DISTINCT ON (table_name) table_name, lake_version, run, \
                 (extract(epoch FROM loaded_at) * 1000000)::bigint \
                 FROM assay.load_log WHERE schema_name = $1 ORDER BY table_name, id DESC";
    let rows = transaction.query(query, &[&schema]).await?;
    let loads = rows.iter().filter_map(|row| {
        let loaded_at = DateTime::from_timestamp_micros(row.get(3))?;
        Some((row.get(0), LastLoad { lake_version: row.get(1), run: row.get(2), loaded_at }))
    });
    Ok(loads.collect())
}
