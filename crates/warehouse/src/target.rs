//! Which PostgreSQL to talk to.

use crate::error::WarehouseError;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

const CONNECT: Duration = Duration::from_secs(10);

/// A server and how it is called in messages. Neither the name nor the debug text holds the password.
#[derive(Clone)]
pub struct Target {
    pub(crate) config: Config,
    place: String,
}

impl Target {
    /// A PostgreSQL URL; `password` serves when the URL has none.
    pub fn url(url: &str, password: Option<&str>) -> Result<Target, WarehouseError> {
        // The parser's own message can repeat a part of the URL, password included, so it is not passed on.
        let mut config = Config::from_str(url).map_err(|_| {
            refuse("the warehouse URL", "it is not a PostgreSQL URL such as `postgresql://user@host:5432/database`")
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
        Ok(Target { config, place })
    }

    pub(crate) fn private(config: Config, folder: &Path) -> Target {
        Target { config, place: folder.display().to_string() }
    }

    /// Host, port and database, or the folder of a private cluster.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("place", &self.place).finish_non_exhaustive()
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

fn refuse(place: &str, reason: &str) -> WarehouseError {
    WarehouseError::Connect { place: place.to_owned(), reason: reason.to_owned(), source: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_password_is_never_shown_and_the_url_has_the_first_word() {
        let target = Target::url("postgresql://u:hunter2@db.example:6543/sales", Some("other")).unwrap();
        assert_eq!(target.place(), "db.example:6543/sales");
        assert_eq!(target.config.get_password(), Some(&b"hunter2"[..]));
        assert!(!format!("{target:?}").contains("hunter2"));
        let target = Target::url("postgresql://u@db.example/sales", Some("other")).unwrap();
        assert_eq!(target.config.get_password(), Some(&b"other"[..]));
        for url in ["postgresql://u:hunter2@h:hunter2/x", "postgres:hunter2", "postgresql://u:hunter2@h/x?hunter2=1"] {
            let error = Target::url(url, None).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        assert!(
            Target::url("postgresql://u:hunter2@h/x?sslmode=require", None).unwrap_err().to_string().contains("TLS")
        );
    }
}
