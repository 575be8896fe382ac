//! Whether a server runs on a data folder, as its own pid file tells, and small files written whole.

use crate::account::Account;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, fchown};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerState {
    Ready,
    /// Starting, recovering or stopping.
    Busy,
    Stopped,
}

/// Reads the state; a pid file left by a machine that went down is removed when its number is now another program's.
pub(crate) fn read(data: &Path) -> io::Result<ServerState> {
    let file = data.join("postmaster.pid");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ServerState::Stopped),
        Err(error) => return Err(error),
    };
    let Some(pid) = pid(&text) else { return Ok(ServerState::Stopped) };
    if !alive(pid) {
        return Ok(ServerState::Stopped);
    }
    if works_elsewhere(pid, data) {
        fs::remove_file(&file)?;
        return Ok(ServerState::Stopped);
    }
    let ready = text.lines().nth(7).is_some_and(|status| status.trim() == "ready");
    Ok(if ready { ServerState::Ready } else { ServerState::Busy })
}

/// Ends the server of a data folder that is about to be removed, without keeping its data sound.
pub(crate) fn kill(data: &Path) -> io::Result<()> {
    let end = Instant::now() + Duration::from_secs(10);
    while read(data)? != ServerState::Stopped {
        if let Some(pid) = fs::read_to_string(data.join("postmaster.pid")).ok().as_deref().and_then(pid) {
            // Immediate shutdown: the server ends its own children.
            match kill_process(pid, Signal::QUIT) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if Instant::now() > end {
            return Err(io::Error::other(format!("the server on {} does not end", data.display())));
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Replaces a file in one step that survives a crash; `owner` gets it before it has its name.
pub(crate) fn write_whole(path: &Path, text: &str, owner: Option<&Account>) -> io::Result<()> {
    let draft = path.with_extension("draft");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Never through a link: the folder may belong to another account than ours.
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    if let Some(owner) = owner {
        fchown(&file, Some(owner.uid), Some(owner.gid))?;
    }
    file.sync_all()?;
    fs::rename(&draft, path)
}

fn pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 0)?)
}

fn alive(pid: Pid) -> bool {
    !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

/// A server works in its data folder. Where the system does not tell (not Linux, not our process) nothing is assumed.
fn works_elsewhere(pid: Pid, data: &Path) -> bool {
    let Ok(folder) = fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())) else { return false };
    fs::canonicalize(data).is_ok_and(|data| data != folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pid_file_counts_only_while_its_server_lives() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("postmaster.pid");
        assert_eq!(read(data.path()).unwrap(), ServerState::Stopped);
        fs::write(&file, "\n").unwrap();
        assert_eq!(read(data.path()).unwrap(), ServerState::Stopped);

        let mut child = std::process::Command::new("sleep").arg("600").current_dir(data.path()).spawn().unwrap();
        let lines = |status: &str| format!("{}\n{}\n1\n5432\n/s\n\n1 2\n{status}\n", child.id(), data.path().display());
        fs::write(&file, lines("starting")).unwrap();
        assert_eq!(read(data.path()).unwrap(), ServerState::Busy);
        fs::write(&file, lines("ready   ")).unwrap();
        assert_eq!(read(data.path()).unwrap(), ServerState::Ready);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(read(data.path()).unwrap(), ServerState::Stopped);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pid_file_with_the_number_of_another_program_is_removed() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("postmaster.pid");
        fs::write(&file, format!("{}\n", std::process::id())).unwrap();
        assert_eq!(read(data.path()).unwrap(), ServerState::Stopped);
        assert!(!file.exists());
    }
}
