//! A connection to the warehouse with the settings that every statement of ours relies on.

use crate::error::WarehouseError;
use assay_postgres::Server;
use std::time::Duration;
use tokio::time::sleep;
use tokio_postgres::{Client, IsolationLevel, Transaction};

/// Names resolve only in the system catalog and in what we write out in full.
const SETTINGS: &str = "SET search_path = pg_catalog; SET standard_conforming_strings = on; SET timezone = 'UTC'; \
                        SET datestyle = 'ISO, YMD'; SET statement_timeout = 0; SET lock_timeout = 0; \
                        SET synchronous_commit = on; SET client_min_messages = error";

/// One session with a PostgreSQL server.
#[derive(Debug)]
pub struct Warehouse {
    pub(crate) client: Client,
    pub(crate) server: Server,
}

impl Warehouse {
    pub async fn connect(server: &Server) -> Result<Warehouse, WarehouseError> {
        Ok(Warehouse { client: open(server).await?, server: server.clone() })
    }

    /// Connects again when the session has ended; a session that lives stays.
    pub(crate) async fn revive(&mut self) -> Result<(), WarehouseError> {
        if self.client.is_closed() {
            self.client = open(&self.server).await?;
        }
        Ok(())
    }

    /// Connects again after a loss, and waits for a server that recovers.
    pub(crate) async fn reconnect(&mut self, attempts: u32) -> Result<(), WarehouseError> {
        let mut left = attempts;
        loop {
            left = left.saturating_sub(1);
            match open(&self.server).await {
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

async fn open(server: &Server) -> Result<Client, WarehouseError> {
    Ok(server.connect(SETTINGS).await?)
}
