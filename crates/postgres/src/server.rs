//! A server, how it is called in messages, and connections to it.

use crate::address::{self, Address};
use crate::mode::{Attempt, Mode, Protection};
use crate::reason::{Cause, reason};
use crate::tls::{Handshake, Tls};
use std::error::Error;
use std::fmt;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

const CONNECT: Duration = Duration::from_secs(10);
/// Connecting and signing in, beyond the time that the sockets alone may take.
const SIGN_IN: Duration = Duration::from_secs(20);
/// How long what was sent may stay without an answer of the network.
const UNANSWERED: Duration = Duration::from_secs(30);
/// No rule of the server lets this connection in; with or without TLS another rule may.
const NO_RULE: &str = "28000";

/// What counts where a URL is silent. Not `Debug`: it holds a password.
#[derive(Clone, Default)]
pub struct Ambient {
    password: Option<String>,
    root_certificates: Option<String>,
}

impl Ambient {
    /// From variables with libpq's names, PGPASSWORD and PGSSLROOTCERT; `variable` gives none for one that is not set.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Ambient {
        Ambient { password: variable("PGPASSWORD"), root_certificates: variable("PGSSLROOTCERT") }
    }
}

/// A server that nobody could be connected to; nothing was done there.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to {place}: {reason}")]
pub struct NoConnection {
    /// As [`Server::place`], or what the URL was for when it cannot be read.
    pub place: String,
    /// No secret and no part of a URL that could be one.
    pub reason: String,
    #[source]
    pub source: Option<Cause>,
}

/// A server and how it is called in messages. Neither the name nor the debug text holds the password.
#[derive(Clone)]
pub struct Server {
    config: Config,
    place: String,
    protection: Protection,
    own: bool,
}

impl Server {
    /// A PostgreSQL URL; what it leaves open is taken from `ambient`.
    pub fn url(url: &str, ambient: &Ambient) -> Result<Server, NoConnection> {
        let refuse = |place: &str, reason: String| NoConnection { place: place.to_owned(), reason, source: None };
        let address = Address::of(url).map_err(|reason| refuse("the server", reason))?;
        let mut config = address.config;
        let place = address::place(&config);
        let roots = address.root_certificates.as_deref().or(ambient.root_certificates.as_deref());
        let protection = Protection::of(address.mode, roots).map_err(|reason| refuse(&place, reason))?;
        if let (None, Some(password)) = (config.get_password(), &ambient.password) {
            config.password(password);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNANSWERED);
        }
        if config.get_application_name().is_none() {
            config.application_name("assay");
        }
        // A socket of this machine is never encrypted, whatever is asked for.
        let local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let protection = if local && config.get_hostaddrs().is_empty() { Protection::none() } else { protection };
        Ok(Server { config, place, protection, own: false })
    }

    /// A server of Assay's own on a socket of this machine, called `place` in messages.
    pub fn own(config: Config, place: String) -> Server {
        Server { config, place, protection: Protection::none(), own: true }
    }

    /// Host, port and database, or the name that was given.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether nobody but Assay starts and keeps the server.
    pub fn is_own(&self) -> bool {
        self.own
    }

    /// Signs in and runs `settings`; gives up after 20 seconds. The connection ends with the client.
    pub async fn connect(&self, settings: &str) -> Result<Client, NoConnection> {
        match timeout(SIGN_IN, self.sign_in(settings)).await {
            Ok(result) => result,
            Err(_) => Err(self.refuse(format!("it did not answer within {} seconds", SIGN_IN.as_secs()), None)),
        }
    }

    async fn sign_in(&self, settings: &str) -> Result<Client, NoConnection> {
        let attempts = self.protection.mode.attempts();
        let tls = match attempts {
            [Attempt::Plain] => None,
            _ => Some(self.tls().await?),
        };
        let mut met: Vec<NoConnection> = Vec::new();
        for attempt in attempts {
            match self.attempt(*attempt, tls.as_ref()).await {
                Ok(client) => {
                    let set = client.batch_execute(settings).await;
                    return set.map(|()| client).map_err(|error| self.explain(error));
                }
                Err(error) => {
                    let another = another_may_do(&error);
                    met.push(self.explain(error));
                    if !another {
                        break;
                    }
                }
            }
        }
        Err(self.joined(met))
    }

    /// One error of those of all attempts.
    fn joined(&self, met: Vec<NoConnection>) -> NoConnection {
        let second = if self.protection.mode == Mode::Allow { "with" } else { "without" };
        let joined = met.into_iter().reduce(|first, then| NoConnection {
            reason: format!("{}; {second} TLS: {}", first.reason, then.reason),
            ..then
        });
        joined.unwrap_or_else(|| self.refuse("nothing was tried".to_owned(), None))
    }

    async fn attempt(&self, attempt: Attempt, tls: Option<&Tls>) -> Result<Client, tokio_postgres::Error> {
        let mut config = self.config.clone();
        let mode = match attempt {
            Attempt::Plain => SslMode::Disable,
            Attempt::TlsIfOffered => SslMode::Prefer,
            Attempt::Tls => SslMode::Require,
        };
        config.ssl_mode(mode);
        // The tasks end with their clients; their errors reach every statement that waits.
        match tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                tokio::spawn(connection);
                Ok(client)
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }

    async fn tls(&self) -> Result<Tls, NoConnection> {
        let protection = self.protection.clone();
        let made = tokio::task::spawn_blocking(move || Tls::new(&protection)).await;
        let made = made.unwrap_or_else(|error| Err(format!("TLS cannot be set up: {error}")));
        made.map_err(|reason| self.refuse(reason, None))
    }

    fn explain(&self, error: tokio_postgres::Error) -> NoConnection {
        let no_rule = error.code().is_some_and(|code| code.code() == NO_RULE);
        let (mut told, source) = match handshake(&error) {
            Some(wrong) => (wrong.to_string(), None),
            None => reason(error),
        };
        if no_rule && self.protection.mode == Mode::Disable && !self.is_local() {
            told.push_str("; the URL says sslmode=disable, so TLS was not tried");
        }
        self.refuse(told, source)
    }

    fn is_local(&self) -> bool {
        self.config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
    }

    fn refuse(&self, reason: String, source: Option<Cause>) -> NoConnection {
        NoConnection { place: self.place.clone(), reason, source }
    }
}

/// What keeps TLS away, or what the lack of it keeps away, does not keep the other way away.
fn another_may_do(error: &tokio_postgres::Error) -> bool {
    handshake(error).is_some() || error.code().is_some_and(|code| code.code() == NO_RULE)
}

fn handshake(error: &tokio_postgres::Error) -> Option<&Handshake> {
    error.source().and_then(|cause| cause.downcast_ref())
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("place", &self.place).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ambient() -> Ambient {
        Ambient::of(|name| (name == "PGPASSWORD").then(|| "other".to_owned()))
    }

    #[test]
    fn a_password_is_never_shown_and_the_url_has_the_first_word() {
        let server = Server::url("postgresql://u:hunter2@db.example:6543/sales", &ambient()).unwrap();
        assert_eq!(server.place(), "db.example:6543/sales");
        assert_eq!(server.config.get_password(), Some(&b"hunter2"[..]));
        assert!(!format!("{server:?}").contains("hunter2"));
        let server = Server::url("postgresql://u@db.example/sales", &ambient()).unwrap();
        assert_eq!(server.config.get_password(), Some(&b"other"[..]));
        let error = Server::url("postgresql://u:hunter2@h/x?hunter2=1", &ambient()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }

    #[test]
    fn a_socket_of_this_machine_is_not_encrypted() {
        let mode = |url: &str| Server::url(url, &Ambient::default()).unwrap().protection.mode;
        assert_eq!(mode("postgresql://u@%2Ftmp/d?sslmode=require"), Mode::Disable);
        assert_eq!(mode("postgresql://u@h/d?sslmode=require"), Mode::Require);
        assert_eq!(mode("postgresql://u@h/d"), Mode::Prefer);
    }
}
