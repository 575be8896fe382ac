//! The operating system account that the server runs as: PostgreSQL refuses to run as root.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Owner of the server's process and files, where that is not the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// Whether this process is root, so that the server needs another account.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Number of the user who owns what the server owns.
pub(crate) fn server_uid(account: Option<&Account>) -> u32 {
    account.map_or_else(|| rustix::process::geteuid().as_raw(), |account| account.uid)
}

/// `postgres` if there is such a user, else `nobody`.
pub(crate) fn unprivileged() -> io::Result<Account> {
    let users = fs::read_to_string("/etc/passwd")?;
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| find(&users, name))
        .ok_or_else(|| io::Error::other("there is neither a user postgres nor a user nobody to run the server as"))
}

/// The account that owns a folder made earlier, so that root continues what an ordinary user began.
pub(crate) fn owner(folder: &Path) -> io::Result<Account> {
    let meta = fs::symlink_metadata(folder)?;
    Ok(Account { name: format!("user {}", meta.uid()), uid: meta.uid(), gid: meta.gid() })
}

pub(crate) fn give(path: &Path, account: Option<&Account>) -> io::Result<()> {
    account.map_or(Ok(()), |account| chown(path, Some(account.uid), Some(account.gid)))
}

/// A command with the rights of the account, no environment of ours and an English, bytewise locale.
pub(crate) fn command(program: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C");
    command.current_dir("/").stdin(Stdio::null());
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// A command that holds a lock for as long as it runs, so that it keeps others out when this process is killed.
/// The lock travels as its standard input, an empty file.
pub(crate) fn locked_command(program: &Path, account: Option<&Account>, lock: &File) -> io::Result<Command> {
    let mut command = command(program, account);
    command.stdin(lock.try_clone()?);
    Ok(command)
}

fn find(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [found, _, uid, gid, ..] = fields[..] else { return None };
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        (found == name && uid != 0).then(|| Account { name: name.to_owned(), uid, gid })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn accounts_are_found_by_whole_name_and_never_root() {
        let users = "root:x:0:0::/root:/bin/sh\nbroken\npostgresql:x:7:7::/:/bin/sh\nnobody:x:65534:65533::/:/bin/sh\n\
                     postgres:x:0:0::/:/bin/sh\n";
        assert_eq!(find(users, "postgres"), None);
        assert_eq!(find(users, "root"), None);
        assert_eq!(find(users, "nobody").unwrap().gid, 65533);
    }

    #[test]
    fn a_program_holds_the_lock_that_it_was_given_after_we_let_go() {
        use rustix::fs::{FlockOperation::NonBlockingLockExclusive, flock};
        let folder = tempfile::tempdir().unwrap();
        let open = || File::options().create(true).append(true).open(folder.path().join("lock")).unwrap();
        let lock = open();
        flock(&lock, NonBlockingLockExclusive).unwrap();
        let mut command = locked_command(Path::new("/bin/sleep"), None, &lock).unwrap();
        let mut child = command.arg("600").spawn().unwrap();
        drop((command, lock));
        let held = flock(open(), NonBlockingLockExclusive);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(held, Err(rustix::io::Errno::WOULDBLOCK));
        flock(open(), NonBlockingLockExclusive).unwrap();
    }
}
