//! Schedules and watched folders while a window is open: a daemon of its own, which ends with it.

use crate::desk::Desk;
use crate::launch;
use std::process::{Child, Command, Stdio};

/// Lets go of the daemon when dropped: it finishes runs that are going on, then ends.
pub struct Schedules {
    _daemon: Option<Child>,
}

impl Schedules {
    /// Starts the daemon where the workspace wants one. Without it a window works as well; what it misses is said by
    /// the pipelines that are late.
    pub fn kept(desk: &Desk) -> Self {
        if !desk.workspace.schedules_in_window {
            return Self { _daemon: None };
        }
        let start = || {
            let mut command = Command::new(launch::program().ok()?);
            command.arg("--workspace").arg(&desk.workspace.root).args(["daemon", "--attached"]);
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
        };
        Self { _daemon: start() }
    }
}
