//! Where the files of a private cluster lie, and whose they are.

use crate::account::{self, Account};
use crate::error::WarehouseError;
use crate::programs::{self, Programs};
use crate::server_state;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// Longest socket path that every system accepts (macOS has the smallest limit), its file name included.
const LONGEST_SOCKET: usize = 103;
const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// The folders of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The caller's folder, in canonical form: locks, and the record of where the data lies.
    pub folder: PathBuf,
    /// Parent of the data: `folder`, or a folder below `/var/tmp` that the server's account can reach.
    pub base: PathBuf,
    /// The account of the server; none means the caller's own.
    pub account: Option<Account>,
}

impl Place {
    /// Decides, and makes what is missing. The caller holds the start lock.
    pub(crate) fn settle(folder: &Path, programs: &[Programs]) -> Result<Place, WarehouseError> {
        Self::decide(folder, programs).map_err(|error| start_error(folder, error))
    }

    /// The place that an earlier start decided on, without making anything.
    pub(crate) fn existing(folder: &Path) -> io::Result<Place> {
        let base = recorded(folder)?.unwrap_or_else(|| folder.to_owned());
        let account = if account::is_root() { Some(data_account(&base)?) } else { None };
        Ok(Place { folder: folder.to_owned(), base, account })
    }

    fn decide(folder: &Path, programs: &[Programs]) -> io::Result<Place> {
        if !account::is_root() {
            let place = Place { folder: folder.to_owned(), base: folder.to_owned(), account: None };
            return place.checked();
        }
        if let Some(base) = recorded(folder)? {
            make_base(&base)?;
            return Place { folder: folder.to_owned(), account: Some(data_account(&base)?), base }.checked();
        }
        let account = data_account(folder)?;
        if !programs.iter().any(|programs| programs::version(&programs.postgres(), Some(&account)).is_some()) {
            return Err(io::Error::other(format!("{} cannot run the PostgreSQL programs", account.name)));
        }
        if can_reach(folder, &account, programs) {
            return Place { folder: folder.to_owned(), base: folder.to_owned(), account: Some(account) }.checked();
        }
        let base = elsewhere(folder);
        remove_leftover(&base)?;
        server_state::write_whole(&folder.join("place"), &base.to_string_lossy(), None)?;
        make_base(&base)?;
        Place { folder: folder.to_owned(), base, account: Some(account::unprivileged()?) }.checked()
    }

    /// Refuses data of another user: the server would refuse it later, in worse words.
    fn checked(self) -> io::Result<Place> {
        if let Ok(meta) = fs::symlink_metadata(self.data()) {
            let ours = account::server_uid(self.account.as_ref());
            if meta.uid() != ours {
                return Err(io::Error::other(format!(
                    "its data belongs to user {}, and the server would run as user {ours}. Run as that user, or remove \
                     the folder: the next run loads the warehouse again",
                    meta.uid()
                )));
            }
        }
        Ok(self)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.base.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.data().join("server.log")
    }

    /// Folder of the socket: beside the data, or a short one below `/tmp` where that path is too long or
    /// has signs that the server's settings would have to quote.
    pub(crate) fn sockets(&self) -> PathBuf {
        let beside = self.base.join("sockets");
        let length = beside.as_os_str().len() + 1 + SOCKET_NAME.len();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        if length <= LONGEST_SOCKET && beside.to_str().is_some_and(|path| path.chars().all(plain)) {
            return beside;
        }
        Path::new("/tmp").join(format!("assay-{}-{}", account::server_uid(self.account.as_ref()), digest(&self.base)))
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.sockets().join(SOCKET_NAME)
    }
}

/// A folder that only the account can enter; refuses one that another user put there first.
pub(crate) fn private_folder(path: &Path, account: Option<&Account>) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => account::give(path, account)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let meta = fs::symlink_metadata(path)?;
    let owner = [account::server_uid(account), rustix::process::geteuid().as_raw()];
    if !meta.is_dir() || !owner.contains(&meta.uid()) {
        return Err(io::Error::other(format!("{} belongs to another user", path.display())));
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    account::give(path, account)
}

pub(crate) fn start_error(folder: &Path, error: io::Error) -> WarehouseError {
    WarehouseError::Start { folder: folder.to_owned(), reason: error.to_string(), source: Some(error) }
}

/// Where the data goes when the account cannot reach the folder.
fn elsewhere(folder: &Path) -> PathBuf {
    Path::new("/var/tmp").join(format!("assay-warehouse-{}", digest(folder)))
}

fn digest(path: &Path) -> String {
    format!("{:016x}", xxh3_64(path.as_os_str().as_encoded_bytes()))
}

/// A record that names another place came with a copied or moved folder; that data is not ours to use.
fn recorded(folder: &Path) -> io::Result<Option<PathBuf>> {
    match fs::read_to_string(folder.join("place")) {
        Ok(text) => Ok(Some(elsewhere(folder)).filter(|base| base.as_os_str() == text.as_str())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn data_account(base: &Path) -> io::Result<Account> {
    match account::owner(&base.join("data")) {
        Ok(owner) if owner.uid != 0 => Ok(owner),
        Ok(_) => account::unprivileged(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => account::unprivileged(),
        Err(error) => Err(error),
    }
}

/// Starting a program inside the folder as the account is the only answer that no access rule escapes.
fn can_reach(folder: &Path, account: &Account, programs: &[Programs]) -> bool {
    programs.iter().any(|programs| {
        let mut probe = account::command(&programs.postgres(), Some(account));
        probe.arg("--version").current_dir(folder).output().is_ok_and(|output| output.status.success())
    })
}

/// Root's own folder that the account can pass through.
fn make_base(base: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o711).create(base) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_base(base),
        Err(error) => Err(error),
        Ok(()) => fs::set_permissions(base, fs::Permissions::from_mode(0o711)),
    }
}

fn check_base(base: &Path) -> io::Result<()> {
    let meta = fs::symlink_metadata(base)?;
    if meta.is_dir() && meta.uid() == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!("{} belongs to another user", base.display())))
}

/// Data of an earlier workspace in the same folder: its load log would make loads of this one be skipped.
fn remove_leftover(base: &Path) -> io::Result<()> {
    match fs::symlink_metadata(base) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => {
            check_base(base)?;
            server_state::kill(&base.join("data"))?;
            fs::remove_dir_all(base)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sockets_lie_beside_the_data_only_where_the_path_is_short_and_plain() {
        let sockets = |base: &str| Place { folder: base.into(), base: base.into(), account: None }.sockets();
        assert_eq!(sockets("/srv/w"), Path::new("/srv/w/sockets"));
        let longest = format!("/{}", "a".repeat(LONGEST_SOCKET - SOCKET_NAME.len() - "//sockets/".len()));
        assert!(sockets(&longest).starts_with(&longest));
        for base in [format!("{longest}a"), "/srv/my work".to_owned(), "/srv/it's, ok".to_owned()] {
            assert!(sockets(&base).starts_with("/tmp"), "{base}");
        }
    }

    #[test]
    fn a_record_of_another_folder_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(recorded(folder.path()).unwrap(), None);
        fs::write(folder.path().join("place"), "/var/tmp/assay-warehouse-0123456789abcdef").unwrap();
        assert_eq!(recorded(folder.path()).unwrap(), None);
        let own = elsewhere(folder.path());
        fs::write(folder.path().join("place"), own.to_str().unwrap()).unwrap();
        assert_eq!(recorded(folder.path()).unwrap(), Some(own));
    }

    #[test]
    fn a_private_folder_is_not_shared() {
        let parent = tempfile::tempdir().unwrap();
        let open = parent.path().join("open");
        fs::create_dir(&open).unwrap();
        private_folder(&open, None).unwrap();
        assert_eq!(fs::metadata(&open).unwrap().permissions().mode() & 0o777, 0o700);
        let link = parent.path().join("link");
        std::os::unix::fs::symlink(&open, &link).unwrap();
        assert!(private_folder(&link, None).is_err());
    }
}
