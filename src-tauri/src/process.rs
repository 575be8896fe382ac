//! The engine's process: which program, in which workspace, and how it ends.

use std::{
    env,
    ffi::OsString,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use thiserror::Error;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

/// Time that the engine has after its input closed, and again after it was told to stop.
const GRACE: Duration = Duration::from_secs(3);
/// Bytes kept of a line that the engine wrote to its error output.
const LAST_LINE: u64 = 4096;

#[derive(Debug, Error)]
pub enum LaunchError {
    #[error("`--workspace` needs a folder. Nothing was started. Name one: `assay-window --workspace FOLDER`.")]
    NoFolder,
    #[error("Unknown argument `{0}`. Nothing was started. The window takes `--workspace FOLDER` only.")]
    Argument(String),
    #[error("The current folder cannot be read, so there is no workspace to open. Name one: `--workspace FOLDER`.")]
    Folder(#[source] std::io::Error),
}

/// What to start: the program and the workspace's folder, both absolute.
#[derive(Debug, Clone)]
pub struct Launch {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub workspace: PathBuf,
}

impl Launch {
    /// From `--workspace`, `ASSAY_WORKSPACE`, `ASSAY_BIN` and the place of this executable.
    pub fn from_environment() -> Result<Self, LaunchError> {
        Self::from_parts(env::args_os().skip(1), |name| env::var_os(name), &env::current_exe().unwrap_or_default())
    }

    fn from_parts(
        arguments: impl Iterator<Item = OsString>,
        read: impl Fn(&str) -> Option<OsString>,
        own: &std::path::Path,
    ) -> Result<Self, LaunchError> {
        let named = workspace_argument(arguments)?;
        let folder = named.or_else(|| read("ASSAY_WORKSPACE").filter(|value| !value.is_empty()));
        let program = match read("ASSAY_BIN").filter(|value| !value.is_empty()) {
            Some(program) => PathBuf::from(program),
            None => own.with_file_name(format!("assay{}", env::consts::EXE_SUFFIX)),
        };
        Ok(Self {
            program: std::path::absolute(program).map_err(LaunchError::Folder)?,
            arguments: ["serve", "--stdio"].map(OsString::from).to_vec(),
            workspace: std::path::absolute(folder.unwrap_or_else(|| ".".into())).map_err(LaunchError::Folder)?,
        })
    }

    /// Starts the engine in a process group of its own, so that its workers end with it.
    pub fn start(&self) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.workspace)
            .env("ASSAY_WORKSPACE", &self.workspace)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command.spawn()
    }
}

fn workspace_argument(mut arguments: impl Iterator<Item = OsString>) -> Result<Option<OsString>, LaunchError> {
    let mut folder = None;
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        if let Some(value) = text.strip_prefix("--workspace=") {
            folder = Some(OsString::from(value));
        } else if text == "--workspace" {
            folder = Some(arguments.next().ok_or(LaunchError::NoFolder)?);
        } else {
            return Err(LaunchError::Argument(text.into_owned()));
        }
    }
    Ok(folder)
}

/// Waits for a process whose input is closed; tells its group to stop after a grace, and kills it after another.
pub async fn end(mut child: Child) -> std::io::Result<ExitStatus> {
    if let Ok(status) = timeout(GRACE, child.wait()).await {
        return status;
    }
    signal_group(&child, false);
    if let Ok(status) = timeout(GRACE, child.wait()).await {
        return status;
    }
    signal_group(&child, true);
    child.kill().await?;
    child.wait().await
}

#[cfg(unix)]
fn signal_group(child: &Child, force: bool) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = if force { Signal::KILL } else { Signal::TERM };
    // The group is gone when this fails, which is what was wanted.
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
        let _ = kill_process_group(pid, signal);
    }
}

#[cfg(not(unix))]
fn signal_group(_: &Child, _: bool) {}

/// The last line of the engine's error output, for the message that says why it ended.
#[derive(Debug, Clone, Default)]
pub struct LastLine(Arc<Mutex<String>>);

impl LastLine {
    pub fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Passes the engine's error output on to this process's own until it closes.
    pub async fn follow(self, stderr: ChildStderr) {
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut reader).take(LAST_LINE).read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                    crate::complain(&text);
                    if !text.is_empty() {
                        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::path::Path;

    fn launch(arguments: &[&str], env: &[(&str, &str)]) -> Result<Launch, LaunchError> {
        let read = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Launch::from_parts(arguments.iter().map(OsString::from), read, Path::new("/opt/assay/assay-window"))
    }

    #[test]
    fn the_argument_wins_over_the_environment_and_that_over_the_current_folder() {
        let both = launch(&["--workspace", "/a"], &[("ASSAY_WORKSPACE", "/b")]).unwrap();
        assert_eq!(both.workspace, Path::new("/a"));
        assert_eq!(launch(&["--workspace=/a"], &[]).unwrap().workspace, Path::new("/a"));
        assert_eq!(launch(&[], &[("ASSAY_WORKSPACE", "/b")]).unwrap().workspace, Path::new("/b"));
        assert_eq!(launch(&[], &[]).unwrap().workspace, env::current_dir().unwrap());
    }

    #[test]
    fn the_engine_lies_beside_the_window_unless_named() {
        assert_eq!(launch(&[], &[]).unwrap().program, Path::new("/opt/assay/assay"));
        assert_eq!(launch(&[], &[("ASSAY_BIN", "/x/engine")]).unwrap().program, Path::new("/x/engine"));
    }

    #[test]
    fn misuse_is_refused() {
        assert!(matches!(launch(&["--workspace"], &[]), Err(LaunchError::NoFolder)));
        assert!(matches!(launch(&["--wrkspace", "/a"], &[]), Err(LaunchError::Argument(a)) if a == "--wrkspace"));
    }
}
