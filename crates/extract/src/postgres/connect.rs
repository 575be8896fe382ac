//! A connection to the source's server with the settings that every statement of ours relies on.

use crate::error::ExtractError;
use crate::postgres::refusal;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

const CONNECT: Duration = Duration::from_secs(10);
/// Connecting and signing in, beyond the time that the sockets alone may take.
const SIGN_IN: Duration = Duration::from_secs(20);

/// Row security off: rows that a policy hides make an error instead of missing without a word.
const SETTINGS: &str = "SET search_path = pg_catalog; SET standard_conforming_strings = on; SET timezone = 'UTC'; \
                        SET datestyle = 'ISO, YMD'; SET statement_timeout = 0; SET lock_timeout = 0; \
                        SET idle_in_transaction_session_timeout = 0; SET row_security = off; \
                        SET client_min_messages = error";

/// A server, how it is called in messages, and the snapshot to read. Not `Debug`: it holds the password.
pub(crate) struct Target {
    config: Config,
    place: String,
    pub snapshot: Option<String>,
}

impl Target {
    /// A PostgreSQL URL; `password` serves when the URL has none.
    pub(crate) fn new(url: &str, password: Option<&str>, snapshot: Option<&str>) -> Result<Target, ExtractError> {
        // The parser's own message can repeat a part of the URL, password included, so it is not passed on.
        let mut config = Config::from_str(url).map_err(|_| {
            refuse("the connection", "its URL is not a PostgreSQL URL such as `postgresql://user@host:5432/database`")
        })?;
        let place = place(&config);
        if config.get_ssl_mode() == SslMode::Require {
            return Err(refuse(&place, "the URL requires TLS, which Assay does not have yet; use a tunnel"));
        }
        if let (None, Some(password)) = (config.get_password(), password) {
            config.password(password);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(30));
        }
        config.application_name("assay");
        Ok(Target { config, place, snapshot: snapshot.map(str::to_owned) })
    }

    /// Host, port and database.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) async fn connect(&self) -> Result<Client, ExtractError> {
        let signing_in = async {
            let (client, connection) = self.config.connect(NoTls).await?;
            // The task ends with the client; its error reaches every statement that waits.
            tokio::spawn(connection);
            client.batch_execute(SETTINGS).await?;
            Ok(client)
        };
        match timeout(SIGN_IN, signing_in).await {
            Ok(result) => result.map_err(|error| {
                let (reason, source) = refusal::of(error);
                ExtractError::Connect { place: self.place.clone(), reason, source }
            }),
            Err(_) => Err(refuse(&self.place, &format!("it did not answer within {} seconds", SIGN_IN.as_secs()))),
        }
    }
}

fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| {
        let port = ports.get(at).or_else(|| ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    let hosts: Vec<String> = hosts.collect();
    format!("{}/{}", hosts.join(","), config.get_dbname().or(config.get_user()).unwrap_or_default())
}

fn refuse(place: &str, reason: &str) -> ExtractError {
    ExtractError::Connect { place: place.to_owned(), reason: reason.to_owned(), source: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_password_is_never_shown_and_tls_is_not_pretended() {
        let target = Target::new("postgresql://u:hunter2@db.example:6543/sales", Some("other"), None).unwrap();
        assert_eq!(target.place(), "db.example:6543/sales");
        assert_eq!(target.config.get_password(), Some(&b"hunter2"[..]));
        let target = Target::new("postgresql://u@db.example/sales", Some("other"), None).unwrap();
        assert_eq!(target.config.get_password(), Some(&b"other"[..]));
        for url in ["postgresql://u:hunter2@h:hunter2/x", "postgres:hunter2", "postgresql://u:hunter2@h/x?hunter2=1"] {
            let error = Target::new(url, None, None).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        let error = Target::new("postgresql://u:hunter2@h/x?sslmode=require", None, None).err().unwrap();
        assert!(error.to_string().contains("TLS"));
    }
}
