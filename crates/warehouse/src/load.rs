//! A load: rows by COPY into staging, then one transaction that replaces and writes the log.

use crate::connection::Warehouse;
use crate::error::{TableState, WarehouseError};
use crate::job::{LoadJob, LoadOutcome, Replace, WarehouseType};
use crate::load_log::{self, Held};
use crate::quote::{identifier, identifiers, literal, table};
use crate::refusal::{CHECK_PREFIX, STAGING, ends_connection};
use crate::table::{Existing, create, dress, ensure_schema, lock};
use assay_pipeline::Permit;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{SinkExt, Stream, StreamExt};
use std::io;
use std::pin::pin;
use tokio_postgres::Transaction;

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
    /// On any error, or when the future is dropped before its COMMIT, the table stays as it was.
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
        if self.already_loaded(job).await? {
            return Ok(LoadOutcome::AlreadyLoaded);
        }
        let copied = self.stage(job, rows).await?;
        self.publish(now, job, copied).await
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

    /// Copies into a table of this session alone.
    async fn stage<S>(&mut self, job: &LoadJob, rows: S) -> Result<u64, WarehouseError>
    where
        S: Stream<Item = Result<Bytes, io::Error>>,
    {
        let failed = failure("the rows", job);
        self.client.batch_execute(&staging(job)).await.map_err(&failed)?;
        let copy = format!("COPY pg_temp.{STAGING} ({}) FROM STDIN (FORMAT csv)", identifiers(&job.column_names()));
        let mut sink = pin!(self.client.copy_in::<_, Bytes>(&copy).await.map_err(&failed)?);
        let mut rows = pin!(rows);
        while let Some(chunk) = rows.next().await {
            let chunk = chunk.map_err(|error| WarehouseError::Interrupted {
                action: format!("the load of {}", job.place()),
                reason: format!("the rows could not be read: {error}"),
                state: TableState::Unchanged,
                source: Some(Box::new(error)),
            })?;
            sink.feed(chunk).await.map_err(&failed)?;
        }
        sink.finish().await.map_err(&failed)
    }

    async fn publish(&mut self, now: DateTime<Utc>, job: &LoadJob, copied: u64) -> Result<LoadOutcome, WarehouseError> {
        let failed = failure("the load", job);
        let transaction = self.write().await.map_err(&failed)?;
        let finding = examine(&transaction, job).await?;
        if matches!(finding, Finding::Done) {
            transaction.batch_execute(&format!("DROP TABLE pg_temp.{STAGING}")).await.map_err(&failed)?;
            transaction.commit().await.map_err(&failed)?;
            return Ok(LoadOutcome::AlreadyLoaded);
        }
        let replaced = replace(&transaction, job, &finding).await?;
        let id = load_log::write(&transaction, job, now).await.map_err(&failed)?;
        let end = format!("DROP TABLE pg_temp.{STAGING}; ANALYZE {}", table(&job.schema, &job.table));
        transaction.batch_execute(&end).await.map_err(&failed)?;
        let done = LoadOutcome::Loaded { copied, replaced };
        match transaction.commit().await {
            Ok(()) => Ok(done),
            Err(error) if error.as_db_error().is_none_or(|db| ends_connection(db.code())) => {
                self.settle(job, id, error).await.map(|()| done)
            }
            Err(error) => Err(failed(error)),
        }
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

/// Takes the old rows out and puts the new ones in; gives how many went out.
async fn replace(transaction: &Transaction<'_>, job: &LoadJob, finding: &Finding) -> Result<u64, WarehouseError> {
    let failed = failure("the load", job);
    let place = table(&job.schema, &job.table);
    let mut replaced = 0;
    if let Finding::Make { replaces } = finding {
        if *replaces {
            let count = format!("SELECT count(*) FROM {place}");
            let rows: i64 = transaction.query_one(&count, &[]).await.map_err(&failed)?.get(0);
            replaced = rows.unsigned_abs();
            transaction.batch_execute(&format!("DROP TABLE {place}")).await.map_err(&failed)?;
        }
        ensure_schema(transaction, &job.schema).await.map_err(&failed)?;
        create(transaction, job).await.map_err(&failed)?;
    } else {
        // Not TRUNCATE: readers keep the old rows until the commit.
        replaced = match &job.mode {
            Replace::All => transaction.execute(&format!("DELETE FROM {place}"), &[]).await,
            Replace::Dates { column, .. } => {
                let delete = format!("DELETE FROM {place} WHERE {} = ANY($1::text[]::date[])", identifier(column));
                transaction.execute(&delete, &[&job.dates()]).await
            }
        }
        .map_err(&failed)?;
    }
    let columns = identifiers(&job.column_names());
    let insert = format!("INSERT INTO {place} ({columns}) SELECT {columns} FROM pg_temp.{STAGING}");
    transaction.batch_execute(&insert).await.map_err(&failed)?;
    dress(transaction, job).await?;
    Ok(replaced)
}

/// The staging table. Decimals keep every digit here, so that a check refuses what the typed column would round.
fn staging(job: &LoadJob) -> String {
    let date_column = match &job.mode {
        Replace::Dates { column, .. } => Some(column),
        Replace::All => None,
    };
    let dates = literal(&format!("{{{}}}", job.dates().join(",")));
    let columns: Vec<String> = job
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let name = identifier(&column.name);
            match column.kind {
                WarehouseType::Decimal { precision, scale } => format!(
                    "{name} numeric CONSTRAINT {CHECK_PREFIX}{at} \
                 CHECK ({name} = round({name}, {scale}) AND abs({name}) < 1e{})",
                    precision - scale
                ),
                WarehouseType::Date if Some(&column.name) == date_column => format!(
                    "{name} date CONSTRAINT {CHECK_PREFIX}{at} \
                 CHECK ({name} IS NOT NULL AND {name} = ANY({dates}::date[]))"
                ),
                other => format!("{name} {}", other.sql()),
            }
        })
        .collect();
    format!("DROP TABLE IF EXISTS pg_temp.{STAGING}; CREATE TEMP TABLE {STAGING} ({})", columns.join(", "))
}

fn lock_name(job: &LoadJob) -> String {
    format!("load {}", table(&job.schema, &job.table))
}

fn failure(what: &str, job: &LoadJob) -> impl Fn(tokio_postgres::Error) -> WarehouseError {
    let action = format!("{what} of {}", job.place());
    let columns = job.column_names();
    move |error| WarehouseError::of(&action, &columns, error)
}
