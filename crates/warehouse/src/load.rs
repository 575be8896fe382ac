//! A load: rows by COPY into staging, then one transaction that replaces and writes the log.

use crate::connection::Warehouse;
use crate::error::{TableState, WarehouseError};
use crate::job::{LoadJob, LoadOutcome, Replace};
use crate::load_log::{self, Held};
use crate::quote::{identifier, identifiers, table};
use crate::reconcile::Measures;
use crate::refusal::ends_connection;
use crate::staging::Staging;
use crate::table::{Existing, create, dress, ensure_schema, lock, lock_key};
use assay_pipeline::Permit;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{SinkExt, Stream, StreamExt};
use std::collections::BTreeSet;
use std::io;
use std::pin::pin;
use tokio_postgres::{CopyInSink, Error, Transaction};

/// Tries, a quarter of a second apart, to learn how a COMMIT ended.
const ATTEMPTS: u32 = 40;

/// What the load finds under the lock.
enum Finding {
    Done,
    /// The table is to be filled as it is.
    Fits,
    /// The table is to be made, in place of another where `replaces` says so.
    Make {
        replaces: bool,
    },
}

impl Warehouse {
    /// Puts the rows in place of what the job's mode says, in one transaction, and writes the load log.
    ///
    /// `rows` is CSV text for COPY: an unquoted empty field is null, a quoted one the empty text, no header; it is
    /// read no faster than the server takes it, and not at all when the load was already done. `now` goes to the log.
    /// On any error, or when the future is dropped before its COMMIT, the table stays as it was. With a staging
    /// schema the rows are committed there first, and stay there.
    pub async fn load<S>(
        &mut self,
        permit: &Permit,
        now: DateTime<Utc>,
        job: &LoadJob,
        rows: S,
    ) -> Result<LoadOutcome, WarehouseError>
    where
        S: Stream<Item = Result<Bytes, io::Error>>,
    {
        permit.check(&job.environment, now)?;
        job.check()?;
        self.revive().await?;
        let Some(schema) = &job.staging else { return self.carry_out(now, job, rows).await };
        // Held over both transactions, so that nobody else's rows are in the lasting table when it is read.
        let failed = failure("the staging", job);
        let key = lock_key(&format!("staging {}", table(schema, &job.table)));
        let take = format!("SELECT pg_advisory_unlock_all(); SELECT pg_advisory_lock({key})");
        self.client.batch_execute(&take).await.map_err(&failed)?;
        let outcome = self.carry_out(now, job, rows).await;
        let given_back = self.client.batch_execute("SELECT pg_advisory_unlock_all()").await;
        // A session that cannot give the lock back has ended, and the lock with it; what the load did stands.
        drop(given_back);
        outcome
    }

    async fn carry_out<S>(&mut self, now: DateTime<Utc>, job: &LoadJob, rows: S) -> Result<LoadOutcome, WarehouseError>
    where
        S: Stream<Item = Result<Bytes, io::Error>>,
    {
        if self.already_loaded(job).await? {
            return Ok(LoadOutcome::AlreadyLoaded);
        }
        let staging = Staging::of(job);
        let copied = match staging.schema {
            None => {
                self.client.batch_execute(&staging.make_temporary()).await.map_err(failure("the rows", job))?;
                let sink = self.client.copy_in(&copy_statement(job, &staging)).await;
                copy(sink, job, &staging, rows).await?
            }
            Some(schema) => {
                let failed = failure("the staging", job);
                let transaction = self.write().await.map_err(&failed)?;
                staging.make_lasting(&transaction, schema).await?;
                let sink = transaction.copy_in(&copy_statement(job, &staging)).await;
                let copied = copy(sink, job, &staging, rows).await?;
                transaction.commit().await.map_err(&failed)?;
                copied
            }
        };
        self.publish(now, job, &staging, copied).await
    }

    async fn already_loaded(&mut self, job: &LoadJob) -> Result<bool, WarehouseError> {
        let failed = failure("the load log", job);
        let transaction = self.write().await.map_err(&failed)?;
        load_log::ensure(&transaction).await.map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        let transaction = self.write().await.map_err(&failed)?;
        let finding = examine(&transaction, job).await?;
        transaction.rollback().await.map_err(&failed)?;
        Ok(matches!(finding, Finding::Done))
    }

    async fn publish(
        &mut self,
        now: DateTime<Utc>,
        job: &LoadJob,
        staging: &Staging<'_>,
        copied: u64,
    ) -> Result<LoadOutcome, WarehouseError> {
        let failed = failure("the load", job);
        let transaction = self.write().await.map_err(&failed)?;
        let finding = examine(&transaction, job).await?;
        if matches!(finding, Finding::Done) {
            transaction.batch_execute(&staging.end()).await.map_err(&failed)?;
            transaction.commit().await.map_err(&failed)?;
            return Ok(LoadOutcome::AlreadyLoaded);
        }
        let Measures { rows: replaced, sums: sums_replaced } = replace(&transaction, job, staging, &finding).await?;
        let table_rows = rows_now(&transaction, job, &finding, (copied, replaced)).await.map_err(&failed)?;
        let id = load_log::write(&transaction, job, &staging.place(), table_rows, now).await.map_err(&failed)?;
        transaction.batch_execute(&staging.end()).await.map_err(&failed)?;
        if stale(&transaction, job, copied.saturating_add(replaced)).await.map_err(&failed)? {
            let analyze = format!("ANALYZE {}", table(&job.schema, &job.table));
            transaction.batch_execute(&analyze).await.map_err(&failed)?;
        }
        match transaction.commit().await {
            Ok(()) => {}
            Err(error) if error.as_db_error().is_none_or(|db| ends_connection(db.code())) => {
                self.settle(job, id, error).await?;
            }
            Err(error) => return Err(failed(error)),
        }
        if self.server.is_own() {
            // What cannot be cleared costs time and no rows: the load stands, and the next one tries again.
            drop(self.clear(job, replaced).await);
        }
        Ok(LoadOutcome::Loaded { copied, replaced, sums_replaced })
    }

    /// Gives the room of rows that went back to the rows of later loads, by the rule of the server's own vacuum daemon:
    /// a private server rarely lives until it comes round. Readers go on.
    async fn clear(&self, job: &LoadJob, replaced: u64) -> Result<(), Error> {
        let query = "SELECT greatest(coalesce(s.n_dead_tup, 0), $3::bigint) > 50 + 0.2 * greatest(c.reltuples, 0) \
                     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                     LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid \
                     WHERE n.nspname = $1::text AND c.relname = $2::text";
        let replaced = i64::try_from(replaced).unwrap_or(i64::MAX);
        let row = self.client.query_opt(query, &[&job.schema, &job.table, &replaced]).await?;
        if row.is_some_and(|row| row.get(0)) {
            self.client.batch_execute(&format!("VACUUM {}", table(&job.schema, &job.table))).await?;
        }
        Ok(())
    }

    /// Learns from the load log how a COMMIT ended whose answer was lost.
    async fn settle(
        &mut self,
        job: &LoadJob,
        id: Option<i64>,
        lost: tokio_postgres::Error,
    ) -> Result<(), WarehouseError> {
        let known = match id {
            Some(id) => self.committed(job, id).await.ok(),
            None => None,
        };
        let state = match known {
            Some(true) => return Ok(()),
            Some(false) => TableState::Unchanged,
            None => TableState::Unknown,
        };
        Err(WarehouseError::Interrupted {
            action: format!("the load of {}", job.place()),
            reason: "the connection was lost while the load was being committed".to_owned(),
            state,
            source: lost.as_db_error().is_none().then(|| Box::new(lost).into()),
        })
    }

    async fn committed(&mut self, job: &LoadJob, id: i64) -> Result<bool, WarehouseError> {
        self.reconnect(ATTEMPTS).await?;
        let failed = failure("the load log", job);
        let transaction = self.write().await.map_err(&failed)?;
        // The lost transaction holds the lock until the server has ended it, one way or the other.
        lock(&transaction, &lock_name(job)).await.map_err(&failed)?;
        let known = load_log::has(&transaction, job, id).await.map_err(&failed)?;
        transaction.rollback().await.map_err(&failed)?;
        Ok(known)
    }
}

/// Locks the table against other loads and compares it with the job.
async fn examine(transaction: &Transaction<'_>, job: &LoadJob) -> Result<Finding, WarehouseError> {
    let failed = failure("the load", job);
    lock(transaction, &lock_name(job)).await.map_err(&failed)?;
    let Some(existing) = Existing::find(transaction, &job.schema, &job.table).await.map_err(&failed)? else {
        return Ok(Finding::Make { replaces: false });
    };
    let problems = existing.differences(job);
    let held = load_log::held(transaction, job).await.map_err(&failed)?;
    match (held, &job.mode) {
        (Held::Newer(held), _) => Err(WarehouseError::Newer { table: job.place(), held, offered: job.lake_version }),
        (_, Replace::Dates { .. }) if !problems.is_empty() => {
            Err(WarehouseError::Schema { table: job.place(), problems })
        }
        (_, Replace::All) if !problems.is_empty() => Ok(Finding::Make { replaces: true }),
        (Held::Same, _) => Ok(Finding::Done),
        (Held::Other, _) => Ok(Finding::Fits),
    }
}

/// Takes the old rows out and puts the new ones in; gives what went out.
async fn replace(
    transaction: &Transaction<'_>,
    job: &LoadJob,
    staging: &Staging<'_>,
    finding: &Finding,
) -> Result<Measures, WarehouseError> {
    let failed = failure("the load", job);
    let place = table(&job.schema, &job.table);
    let mut replaced = Measures { rows: 0, sums: vec![None; job.sums.len()] };
    if let Finding::Make { replaces } = finding {
        if *replaces {
            replaced = take_out(transaction, job, |columns| format!("SELECT {columns} FROM {place}"), false).await?;
            transaction.batch_execute(&format!("DROP TABLE {place}")).await.map_err(&failed)?;
        }
        ensure_schema(transaction, &job.schema).await.map_err(&failed)?;
        create(transaction, job).await.map_err(&failed)?;
    } else {
        // Not TRUNCATE: readers keep the old rows until the commit.
        let (of_dates, dated) = match &job.mode {
            Replace::All => (String::new(), false),
            Replace::Dates { column, .. } => (format!(" WHERE {} = ANY($1::text[]::date[])", identifier(column)), true),
        };
        let delete = |columns: &str| format!("DELETE FROM {place}{of_dates} RETURNING {columns}");
        replaced = take_out(transaction, job, delete, dated).await?;
    }
    let columns = identifiers(&job.column_names());
    let insert = format!("INSERT INTO {place} ({columns}) SELECT {columns} FROM {}", staging.place());
    transaction.batch_execute(&insert).await.map_err(&failed)?;
    dress(transaction, job).await?;
    Ok(replaced)
}

/// Runs a statement that gives these columns of rows, and measures them. A column that is no number there has no sum.
async fn take_out(
    transaction: &Transaction<'_>,
    job: &LoadJob,
    statement: impl Fn(&str) -> String,
    dated: bool,
) -> Result<Measures, WarehouseError> {
    let failed = failure("the load", job);
    let existing = Existing::find(transaction, &job.schema, &job.table).await.map_err(&failed)?;
    let numeric = |name: &String| existing.as_ref().is_some_and(|existing| existing.has_number(name));
    let sums = job.sums.iter().map(|name| match numeric(name) {
        true => format!(", sum({})::text", identifier(name)),
        false => ", NULL::text".to_owned(),
    });
    // The server keeps what a DELETE gives until the end: whole rows would take twice the time.
    let given: BTreeSet<String> = job.sums.iter().filter(|name| numeric(name)).map(|name| identifier(name)).collect();
    let given = if given.is_empty() { "1".to_owned() } else { given.into_iter().collect::<Vec<_>>().join(", ") };
    let query = format!("WITH gone AS ({}) SELECT count(*){} FROM gone", statement(&given), sums.collect::<String>());
    let dates = job.dates();
    let row = match dated {
        true => transaction.query_one(&query, &[&dates]).await,
        false => transaction.query_one(&query, &[]).await,
    };
    let row = row.map_err(&failed)?;
    let rows: i64 = row.get(0);
    Ok(Measures { rows: rows.unsigned_abs(), sums: (1..=job.sums.len()).map(|at| row.get(at)).collect() })
}

/// Rows of the table within the transaction; counted only where the load log does not tell.
async fn rows_now(
    transaction: &Transaction<'_>,
    job: &LoadJob,
    finding: &Finding,
    (copied, replaced): (u64, u64),
) -> Result<i64, Error> {
    if job.mode == Replace::All || matches!(finding, Finding::Make { .. }) {
        return Ok(i64::try_from(copied).unwrap_or(i64::MAX));
    }
    if let Some(rows) = load_log::rows_after(transaction, job, copied, replaced).await? {
        return Ok(rows);
    }
    let count = format!("SELECT count(*) FROM {}", table(&job.schema, &job.table));
    Ok(transaction.query_one(&count, &[]).await?.get(0))
}

/// Whether the planner's figures are too old once this many rows more have come and gone: the rule of the server's
/// own vacuum daemon, which a private server does not live long enough to run.
async fn stale(transaction: &Transaction<'_>, job: &LoadJob, changed: u64) -> Result<bool, Error> {
    let query = "SELECT c.reltuples <= 0 OR coalesce(s.n_mod_since_analyze, 0) + $3::bigint > 50 + 0.1 * c.reltuples \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid \
                 WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p')";
    let changed = i64::try_from(changed).unwrap_or(i64::MAX / 2);
    let row = transaction.query_opt(query, &[&job.schema, &job.table, &changed]).await?;
    Ok(row.is_none_or(|row| row.get(0)))
}

fn copy_statement(job: &LoadJob, staging: &Staging<'_>) -> String {
    format!("COPY {} ({}) FROM STDIN (FORMAT csv)", staging.place(), identifiers(&job.column_names()))
}

/// Streams the rows into the staging table.
async fn copy<S>(
    sink: Result<CopyInSink<Bytes>, Error>,
    job: &LoadJob,
    staging: &Staging<'_>,
    rows: S,
) -> Result<u64, WarehouseError>
where
    S: Stream<Item = Result<Bytes, io::Error>>,
{
    let (action, columns) = (format!("the rows of {}", job.place()), job.column_names());
    let failed = |error| WarehouseError::in_copy(&action, &columns, staging.relation(), error);
    let mut sink = pin!(sink.map_err(failed)?);
    let mut rows = pin!(rows);
    while let Some(chunk) = rows.next().await {
        let chunk = chunk.map_err(|error| WarehouseError::Interrupted {
            action: format!("the load of {}", job.place()),
            reason: format!("the rows could not be read: {error}"),
            state: TableState::Unchanged,
            source: Some(Box::new(error)),
        })?;
        sink.feed(chunk).await.map_err(failed)?;
    }
    sink.finish().await.map_err(failed)
}

fn lock_name(job: &LoadJob) -> String {
    format!("load {}", table(&job.schema, &job.table))
}

fn failure(what: &str, job: &LoadJob) -> impl Fn(tokio_postgres::Error) -> WarehouseError {
    let action = format!("{what} of {}", job.place());
    let columns = job.column_names();
    move |error| WarehouseError::of(&action, &columns, error)
}
