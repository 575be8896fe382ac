//! A URL as libpq reads it: what the driver knows, and the words on TLS that it does not.

use crate::mode::Mode;
use percent_encoding::percent_decode_str;
use std::str::FromStr;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// Parameters of libpq that ask for a certificate of the client or a list of revoked ones.
const NOT_TAKEN: [&str; 5] = ["sslcert", "sslkey", "sslpassword", "sslcrl", "sslcrldir"];

/// Not `Debug`: it holds the password.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) config: Config,
    pub(crate) mode: Option<Mode>,
    pub(crate) root_certificates: Option<String>,
}

impl Address {
    /// The error is a reason without any part of the URL but names of parameters that are known.
    pub(crate) fn of(url: &str) -> Result<Address, String> {
        let (rest, words) = take_out(url);
        if let Some(name) = NOT_TAKEN.iter().find(|name| words.iter().any(|(found, _)| found == *name)) {
            return Err(format!("its parameter `{name}` is not supported; take it out of the URL"));
        }
        let last = |name: &str| words.iter().rev().find(|(found, _)| *found == name).map(|(_, value)| value);
        let mode = match last("sslmode") {
            None => None,
            Some(word) => Some(Mode::of(word).ok_or(
                "its sslmode is none of disable, allow, prefer, require, verify-ca and verify-full".to_owned(),
            )?),
        };
        // The parser's own message can repeat a part of the URL, password included, so it is not passed on.
        let config = Config::from_str(&rest)
            .map_err(|_| "its URL is not a PostgreSQL URL such as `postgresql://user@host:5432/database`".to_owned())?;
        // The form of words and signs, `host=… sslmode=…`, is read by the driver alone.
        let mode = mode.or_else(|| of_driver(config.get_ssl_mode()));
        Ok(Address { config, mode, root_certificates: last("sslrootcert").cloned() })
    }
}

/// The server as it is called in messages: host, port and database.
pub(crate) fn place(config: &Config) -> String {
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

/// The URL without parameters on TLS, and these parameters.
fn take_out(url: &str) -> (String, Vec<(String, String)>) {
    let is_url = url.starts_with("postgresql://") || url.starts_with("postgres://");
    let host = url.find('@').map_or(0, |at| at + 1);
    let Some(mark) = url[host..].find('?').map(|at| host + at).filter(|_| is_url) else {
        return (url.to_owned(), Vec::new());
    };
    let (mut kept, mut words) = (Vec::new(), Vec::new());
    for pair in url[mark + 1..].split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name == "sslmode" || name == "sslrootcert" || NOT_TAKEN.contains(&name) {
            words.push((name.to_owned(), percent_decode_str(value).decode_utf8_lossy().into_owned()));
        } else {
            kept.push(pair);
        }
    }
    let question = if kept.is_empty() { "" } else { "?" };
    (format!("{}{question}{}", &url[..mark], kept.join("&")), words)
}

fn of_driver(mode: SslMode) -> Option<Mode> {
    match mode {
        SslMode::Disable => Some(Mode::Disable),
        SslMode::Require => Some(Mode::Require),
        // The driver's default as well.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn words_on_tls_are_read_and_the_others_stay() {
        let of = |url: &str| Address::of(url).unwrap();
        let found = of("postgresql://u:a?b@h/d?sslmode=verify-full&connect_timeout=3&sslrootcert=%2Fa%20b.pem");
        assert_eq!(found.mode, Some(Mode::VerifyFull));
        assert_eq!(found.root_certificates.as_deref(), Some("/a b.pem"));
        assert_eq!(found.config.get_connect_timeout().unwrap().as_secs(), 3);
        assert_eq!(found.config.get_password(), Some(&b"a?b"[..]));
        assert_eq!(found.config.get_dbname(), Some("d"));
        assert_eq!(of("postgres://h/d?sslmode=require&sslmode=disable").mode, Some(Mode::Disable));
        assert_eq!(of("host=h sslmode=require").mode, Some(Mode::Require));
        assert_eq!(of("postgresql://u@h/d").mode, None);
    }

    #[test]
    fn a_mistake_is_said_without_the_url() {
        for (url, said) in [
            ("postgresql://u:hunter2@h:hunter2/x", "not a PostgreSQL URL"),
            ("postgres:hunter2", "not a PostgreSQL URL"),
            ("postgresql://u:hunter2@h/x?hunter2=1", "not a PostgreSQL URL"),
            ("postgresql://u:hunter2@h/x?sslmode=hunter2", "verify-ca"),
            ("postgresql://u:hunter2@h/x?sslcert=hunter2", "`sslcert` is not supported"),
        ] {
            let reason = Address::of(url).err().unwrap();
            assert!(reason.contains(said) && !reason.contains("hunter2"), "{url}: {reason}");
        }
    }

    #[test]
    fn a_server_is_called_by_hosts_ports_and_database() {
        for (url, expected) in [
            ("postgresql://u:p@db.example:6543/sales", "db.example:6543/sales"),
            ("postgresql://u@db.example", "db.example:5432/u"),
            ("postgresql://u@a:1,b:2/d", "a:1,b:2/d"),
            ("postgresql://u@%2Ftmp%2Fx/d", "/tmp/x:5432/d"),
        ] {
            assert_eq!(place(&Address::of(url).unwrap().config), expected);
        }
    }
}
