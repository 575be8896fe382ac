//! A connection to the source's server with the settings that every statement of ours relies on.

use crate::error::ExtractError;
use assay_postgres::Server;
use tokio_postgres::Client;

/// Row security off: rows that a policy hides make an error instead of missing without a word.
const SETTINGS: &str = "SET search_path = pg_catalog; SET standard_conforming_strings = on; SET timezone = 'UTC'; \
                        SET datestyle = 'ISO, YMD'; SET statement_timeout = 0; SET lock_timeout = 0; \
                        SET idle_in_transaction_session_timeout = 0; SET row_security = off; \
                        SET client_min_messages = error";

/// A server and the snapshot to read there.
pub(crate) struct Target<'a> {
    server: &'a Server,
    pub snapshot: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) fn new(server: &'a Server, snapshot: Option<&'a str>) -> Target<'a> {
        Target { server, snapshot }
    }

    /// Host, port and database.
    pub(crate) fn place(&self) -> &str {
        self.server.place()
    }

    pub(crate) async fn connect(&self) -> Result<Client, ExtractError> {
        Ok(self.server.connect(SETTINGS).await?)
    }
}
