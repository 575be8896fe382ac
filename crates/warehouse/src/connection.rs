//! A connection to the warehouse with the settings that every statement of ours relies on.

use crate::error::WarehouseError;
use crate::refusal::Refusal;
use crate::target::Target;
use std::error::Error;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, IsolationLevel, NoTls, Transaction};

/// Connecting and signing in, beyond the time that the sockets alone may take.
const SIGN_IN: Duration = Duration::from_secs(20);

/// Names resolve only in the system catalog and in what we write out in full.
const SETTINGS: &str = "SET search_path = pg_catalog; SET standard_conforming_strings = on; SET timezone = 'UTC'; \
                        SET datestyle = 'ISO, YMD'; SET statement_timeout = 0; SET lock_timeout = 0; \
                        SET synchronous_commit = on; SET client_min_messages = error";

/// One session with a PostgreSQL server.
#[derive(Debug)]
pub struct Warehouse {
    pub(crate) client: Client,
    target: Target,
}

impl Warehouse {
    pub async fn connect(target: &Target) -> Result<Warehouse, WarehouseError> {
        Ok(Warehouse { client: open(target).await?, target: target.clone() })
    }

    /// Connects again when the session has ended; a session that lives stays.
    pub(crate) async fn revive(&mut self) -> Result<(), WarehouseError> {
        if self.client.is_closed() {
            self.client = open(&self.target).await?;
        }
        Ok(())
    }

    /// Connects again after a loss, and waits for a server that recovers.
    pub(crate) async fn reconnect(&mut self, attempts: u32) -> Result<(), WarehouseError> {
        let mut left = attempts;
        loop {
            left = left.saturating_sub(1);
            match open(&self.target).await {
                Ok(client) => {
                    self.client = client;
                    return Ok(());
                }
                Err(error) if left == 0 => return Err(error),
                Err(_) => sleep(Duration::from_millis(250)).await,
            }
        }
    }

    /// A transaction in which each statement sees what others committed before it.
    pub(crate) async fn write(&mut self) -> Result<Transaction<'_>, tokio_postgres::Error> {
        self.client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).read_only(false).start().await
    }

    /// A transaction that changes nothing, and gives up after `limit`.
    pub(crate) async fn read(&mut self, limit: Duration) -> Result<Transaction<'_>, tokio_postgres::Error> {
        let builder = self.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
        let transaction = builder.read_only(true).start().await?;
        let limit = limit.as_millis();
        transaction
            .batch_execute(&format!("SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit}"))
            .await?;
        Ok(transaction)
    }
}

async fn open(target: &Target) -> Result<Client, WarehouseError> {
    let refuse = |reason: String, source: Option<Box<dyn Error + Send + Sync>>| WarehouseError::Connect {
        place: target.place().to_owned(),
        reason,
        source,
    };
    let explain = |error: tokio_postgres::Error| match error.as_db_error() {
        Some(db) => refuse(Refusal::of(db, &[]).to_string(), None),
        None => refuse(causes(&error), Some(Box::new(error))),
    };
    let signing_in = async {
        let (client, connection) = target.config.connect(NoTls).await?;
        // The task ends with the client; its error reaches every statement that waits.
        tokio::spawn(connection);
        client.batch_execute(SETTINGS).await?;
        Ok(client)
    };
    match timeout(SIGN_IN, signing_in).await {
        Ok(result) => result.map_err(explain),
        Err(_) => Err(refuse(format!("it did not answer within {} seconds", SIGN_IN.as_secs()), None)),
    }
}

fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
