//! `assay.load_log`: which version of the lake's table each date of a warehouse table holds.

use crate::job::{LoadJob, Replace};
use crate::quote::identifier;
use crate::table::{ensure_schema, lock};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use tokio_postgres::{Client, Error, Transaction};

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
    rows bigint NOT NULL, loaded_at timestamptz NOT NULL, lake_table text, \
    table_rows bigint); \
    CREATE INDEX IF NOT EXISTS load_log_place ON assay.load_log (schema_name, table_name, date, id); \
    COMMENT ON TABLE assay.load_log IS 'Loads by Assay; the greatest id of a date, or without date, is what holds'";

/// Logs of earlier programs lack these. Entries without a lake table are of no known one: what they say is loaded
/// again. Entries without the table's rows have them counted.
const MIGRATE: &str = "ALTER TABLE assay.load_log ADD COLUMN IF NOT EXISTS lake_table text; \
    ALTER TABLE assay.load_log ADD COLUMN IF NOT EXISTS table_rows bigint; \
    CREATE INDEX IF NOT EXISTS load_log_last ON assay.load_log (schema_name, table_name, id)";

/// The last entry of each date in `a`, as `h`: a whole load is one of every date. Two look-ups by index, since one
/// with OR reads every entry of the table for each date.
const LAST_OF_DATE: &str = "LEFT JOIN LATERAL (SELECT * FROM (\
    (SELECT * FROM assay.load_log WHERE schema_name = $1 AND table_name = $2 AND date = a.date \
     ORDER BY id DESC LIMIT 1) UNION ALL \
    (SELECT * FROM assay.load_log WHERE schema_name = $1 AND table_name = $2 AND date IS NULL \
     ORDER BY id DESC LIMIT 1)) l ORDER BY id DESC LIMIT 1) h ON true";

/// The table's last entry, whatever its date, as `h`.
const LAST: &str = "LEFT JOIN LATERAL (SELECT * FROM assay.load_log \
    WHERE schema_name = $1 AND table_name = $2 ORDER BY id DESC LIMIT 1) h ON true";

pub(crate) async fn ensure(transaction: &Transaction<'_>) -> Result<(), Error> {
    let known = "SELECT FROM pg_attribute WHERE attrelid = to_regclass('assay.load_log') AND attname = 'table_rows' \
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
    let (asked, last) = match &job.mode {
        Replace::Dates { .. } => ("SELECT unnest($3::text[])::date AS date, false AS whole", LAST_OF_DATE),
        Replace::All => ("SELECT NULL::date AS date, true AS whole WHERE cardinality($3::text[]) = 0", LAST),
    };
    let ours = "h.pipeline = $4 AND h.environment = $5 AND h.lake_table = $7";
    let query = format!(
        "SELECT coalesce(bool_and(coalesce({ours} AND h.lake_version = $6 AND (NOT a.whole OR h.date IS NULL), false)), \
                         true), \
                max(h.lake_version) FILTER (WHERE {ours} AND h.lake_version > $6) \
         FROM ({asked}) a {last}"
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

/// Rows that the table holds once `copied` of them took the place of `replaced`, as far as the log tells: nothing
/// when an entry is too old to know, or when somebody else changed the dates in between.
pub(crate) async fn rows_after(
    transaction: &Transaction<'_>,
    job: &LoadJob,
    copied: u64,
    replaced: u64,
) -> Result<Option<i64>, Error> {
    let query = format!(
        "SELECT (SELECT h.table_rows FROM (SELECT) a {LAST}), \
                (SELECT CASE WHEN bool_and(h.date IS NOT NULL) THEN sum(h.rows)::bigint END \
                 FROM (SELECT unnest($3::text[])::date AS date) a {LAST_OF_DATE})"
    );
    let row = transaction.query_one(&query, &[&job.schema, &job.table, &job.dates()]).await?;
    let (table, dated): (Option<i64>, Option<i64>) = (row.get(0), row.get(1));
    let (Ok(copied), Ok(replaced)) = (i64::try_from(copied), i64::try_from(replaced)) else { return Ok(None) };
    let as_logged = dated.is_none_or(|dated| dated == replaced);
    Ok(table.filter(|table| as_logged && *table >= replaced).map(|table| table - replaced + copied))
}

/// Rows of the table after its last load; none when no entry tells.
pub(crate) async fn rows(client: &Client, schema: &str, table: &str) -> Result<Option<i64>, Error> {
    let query = format!("SELECT h.table_rows FROM (SELECT) a {LAST}");
    Ok(client.query_one(&query, &[&schema, &table]).await?.get(0))
}

/// Rows of the table after its last load, and of these dates after theirs; none where no entry tells.
pub(crate) async fn rows_of(
    transaction: &Transaction<'_>,
    schema: &str,
    table: &str,
    dates: &[String],
) -> Result<(Option<i64>, Option<i64>), Error> {
    // Of a date that was never loaded there is no row; after a whole load the log does not tell single dates.
    let query = format!(
        "SELECT (SELECT h.table_rows FROM (SELECT) a {LAST}), \
                (SELECT CASE WHEN bool_and(h.id IS NULL OR h.date IS NOT NULL) THEN coalesce(sum(h.rows), 0)::bigint END \
                 FROM (SELECT unnest($3::text[])::date AS date) a {LAST_OF_DATE})"
    );
    let row = transaction.query_one(&query, &[&schema, &table, &dates]).await?;
    Ok((row.get(0), row.get(1)))
}

/// Counts the rows of the staging table and adds one entry per date, or one for the whole; gives the last one's id, none when there was no date.
pub(crate) async fn write(
    transaction: &Transaction<'_>,
    job: &LoadJob,
    staging: &str,
    table_rows: i64,
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
         (schema_name, table_name, date, pipeline, environment, lake_version, run, rows, loaded_at, lake_table, \
          table_rows) \
         SELECT $1, $2, date, $4, $5, $6, $7, rows, $8::text::timestamptz, $9, $10 FROM ({counted}) x ORDER BY date RETURNING id) \
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
                &table_rows,
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
