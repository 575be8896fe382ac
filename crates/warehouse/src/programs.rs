//! The PostgreSQL programs of this machine.

use crate::account::{self, Account};
use crate::error::WarehouseError;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder that holds `initdb`, `pg_ctl` and `postgres` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programs {
    folder: PathBuf,
    pub major: u32,
}

/// Parents of one folder per version, as packages lay them out.
const PARENTS: [(&str, &str); 6] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql"),
    ("/Library/PostgreSQL", ""),
];

/// The folder of the programs that a private cluster would be made with, and their major version.
pub fn programs() -> Result<(PathBuf, u32), WarehouseError> {
    let found = Programs::all()?.into_iter().next();
    let missing = || WarehouseError::ProgramsMissing { searched: "PATH".to_owned() };
    found.map(|programs| (programs.folder, programs.major)).ok_or_else(missing)
}

impl Programs {
    pub(crate) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(crate) fn pg_ctl(&self) -> PathBuf {
        self.folder.join("pg_ctl")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// Those in `PATH` first, then the newest of the usual places. Never empty.
    pub(crate) fn all() -> Result<Vec<Programs>, WarehouseError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut found = among(env::split_paths(&path));
        let mut packaged = among(PARENTS.iter().flat_map(|(parent, prefix)| versions(Path::new(parent), prefix)));
        packaged.sort_by_key(|programs| std::cmp::Reverse(programs.major));
        found.extend(packaged);
        if found.is_empty() {
            let places = PARENTS.iter().map(|(parent, prefix)| format!("{parent}/{prefix}*/bin"));
            let searched = std::iter::once("PATH".to_owned()).chain(places).collect::<Vec<_>>().join(", ");
            return Err(WarehouseError::ProgramsMissing { searched });
        }
        Ok(found)
    }
}

fn among(folders: impl Iterator<Item = PathBuf>) -> Vec<Programs> {
    folders.filter_map(|folder| programs_in(&folder)).collect()
}

fn programs_in(folder: &Path) -> Option<Programs> {
    let folder = fs::canonicalize(folder.join("initdb")).ok()?.parent()?.to_owned();
    let complete = ["pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file());
    let major = if complete { version(&folder.join("postgres"), None)? } else { return None };
    Some(Programs { folder, major })
}

/// Major version that `postgres --version` tells; none when the account cannot run it.
pub(crate) fn version(postgres: &Path, account: Option<&Account>) -> Option<u32> {
    let output = account::command(postgres, account).arg("--version").output().ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

fn major(text: &str) -> Option<u32> {
    let word = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    word.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn versions(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let named = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    named.map(|entry| entry.path().join("bin")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn versions_are_read_from_every_spelling() {
        let cases = [
            ("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("postgres (PostgreSQL)", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(major(text), expected, "{text}");
        }
    }

    #[test]
    fn a_folder_counts_only_with_all_programs() {
        let real = &Programs::all().unwrap()[0];
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("initdb"), "").unwrap();
        fs::write(folder.path().join("pg_ctl"), "").unwrap();
        assert_eq!(among([folder.path().to_owned()].into_iter()), []);
        std::os::unix::fs::symlink(real.postgres(), folder.path().join("postgres")).unwrap();
        assert_eq!(among([folder.path().to_owned()].into_iter())[0].major, real.major);
    }
}
