//! What `sslmode` and `sslrootcert` ask for.

use std::path::PathBuf;

/// The words of libpq, from the weakest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Mode {
    const WORDS: [(&str, Mode); 6] = [
        ("disable", Mode::Disable),
        ("allow", Mode::Allow),
        ("prefer", Mode::Prefer),
        ("require", Mode::Require),
        ("verify-ca", Mode::VerifyCa),
        ("verify-full", Mode::VerifyFull),
    ];

    pub(crate) fn of(word: &str) -> Option<Mode> {
        Self::WORDS.iter().find(|(found, _)| *found == word).map(|(_, mode)| *mode)
    }

    /// What is tried, in this order, until the server takes one.
    pub(crate) fn attempts(self) -> &'static [Attempt] {
        match self {
            Mode::Disable => &[Attempt::Plain],
            Mode::Allow => &[Attempt::Plain, Attempt::Tls],
            Mode::Prefer => &[Attempt::TlsIfOffered, Attempt::Plain],
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => &[Attempt::Tls],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    Plain,
    TlsIfOffered,
    Tls,
}

/// Whose signature makes a certificate good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Roots {
    System,
    File(PathBuf),
}

/// How a connection is protected, and what the server has to prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protection {
    pub(crate) mode: Mode,
    /// Without them any certificate will do.
    pub(crate) roots: Option<Roots>,
}

impl Protection {
    /// None of both is said: encrypted where the server offers it, as libpq does.
    pub(crate) fn of(mode: Option<Mode>, root_certificates: Option<&str>) -> Result<Protection, String> {
        if root_certificates == Some("system") {
            return match mode.unwrap_or(Mode::VerifyFull) {
                Mode::VerifyFull => Ok(Protection { mode: Mode::VerifyFull, roots: Some(Roots::System) }),
                _ => Err("with sslrootcert=system the sslmode has to be verify-full".to_owned()),
            };
        }
        let mode = mode.unwrap_or(Mode::Prefer);
        let named = root_certificates.filter(|path| !path.is_empty()).map(|path| Roots::File(path.into()));
        let roots = match mode {
            Mode::Disable => None,
            Mode::VerifyCa | Mode::VerifyFull => Some(named.unwrap_or(Roots::System)),
            Mode::Allow | Mode::Prefer | Mode::Require => named,
        };
        Ok(Protection { mode, roots })
    }

    pub(crate) fn none() -> Protection {
        Protection { mode: Mode::Disable, roots: None }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn certificates_count_as_libpq_counts_them() {
        let of = |mode: &str, roots| Protection::of(Mode::of(mode), roots);
        let file = || Some(Roots::File("ca.pem".into()));
        let cases = [
            ("", None, Mode::Prefer, None),
            ("prefer", Some("ca.pem"), Mode::Prefer, file()),
            ("disable", Some("ca.pem"), Mode::Disable, None),
            ("require", None, Mode::Require, None),
            ("require", Some("ca.pem"), Mode::Require, file()),
            ("verify-ca", None, Mode::VerifyCa, Some(Roots::System)),
            ("verify-full", Some("ca.pem"), Mode::VerifyFull, file()),
            ("verify-full", Some(""), Mode::VerifyFull, Some(Roots::System)),
            ("", Some("system"), Mode::VerifyFull, Some(Roots::System)),
        ];
        for (mode, given, expected, roots) in cases {
            assert_eq!(of(mode, given).unwrap(), Protection { mode: expected, roots }, "{mode} {given:?}");
        }
        assert!(of("verify-ca", Some("system")).is_err() && of("disable", Some("system")).is_err());
        assert_eq!(Mode::of("Require"), None);
    }
}
