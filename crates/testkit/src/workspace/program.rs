//! A program that a test has started: its output, its end, and ways to kill it.

use crate::TestkitError;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How a program ended and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A program that runs; its whole process group is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    arguments: String,
    pid: Pid,
    end: Receiver<std::io::Result<ExitStatus>>,
    status: Option<ExitStatus>,
    /// The children live on after the program was killed alone.
    children_live: bool,
    stdout: Stream,
    stderr: Stream,
}

impl Running {
    pub(super) fn start<A: AsRef<OsStr>>(
        program: &Path,
        folder: &Path,
        arguments: &[A],
        variables: &[(String, String)],
    ) -> Result<Self, TestkitError> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).process_group(0);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(TestkitError::at(program))?;
        let pid = Pid::from_child(&child);
        let stdout = Stream::collect(child.stdout.take());
        let stderr = Stream::collect(child.stderr.take());
        let (sender, end) = channel();
        // Nobody listens any more where the test has dropped this.
        std::thread::spawn(move || drop(sender.send(child.wait())));
        let arguments: Vec<String> = arguments.iter().map(|it| it.as_ref().to_string_lossy().into_owned()).collect();
        Ok(Self { arguments: arguments.join(" "), pid, end, status: None, children_live: false, stdout, stderr })
    }

    /// Process id of the program.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Process ids of the program's children, such as its worker, as Linux lists them now.
    pub fn children(&self) -> Vec<u32> {
        let path = format!("/proc/{0}/task/{0}/children", self.pid());
        let list = std::fs::read_to_string(path).unwrap_or_default();
        list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Waits for the end; a program that lasts longer is killed, which is an error.
    pub fn wait(mut self, patience: Duration) -> Result<Outcome, TestkitError> {
        if self.has_ended_within(patience)? {
            return Ok(self.outcome());
        }
        self.kill_group();
        let output = format!("{}{}", self.stdout.text(), self.stderr.text());
        Err(TestkitError::Timeout { arguments: self.arguments.clone(), seconds: patience.as_secs(), output })
    }

    /// Kills program and process group with SIGKILL after this time, or lets it be when it has ended before.
    pub fn kill_after(mut self, time: Duration) -> Result<Outcome, TestkitError> {
        if !self.has_ended_within(time)? {
            self.kill_group();
        }
        self.wait(super::PATIENCE)
    }

    /// Kills the program alone with SIGKILL after this time; its children find out by themselves.
    pub fn kill_alone_after(mut self, time: Duration) -> Result<Outcome, TestkitError> {
        if !self.has_ended_within(time)? {
            // It may have ended in this instant, which is no failure.
            let _ = kill_process(self.pid, Signal::KILL);
            self.children_live = true;
        }
        self.wait(super::PATIENCE)
    }

    /// Kills its children with their process groups and then itself with SIGKILL, as the end of the machine does. A
    /// worker has a group of its own, which [`Running::kill_after`] does not reach.
    pub fn kill_all(self) -> Result<Outcome, TestkitError> {
        for child in self.children() {
            if let Some(child) = i32::try_from(child).ok().and_then(Pid::from_raw) {
                // It may have ended in this instant, or lead no group of its own.
                let _ = kill_process_group(child, Signal::KILL);
                let _ = kill_process(child, Signal::KILL);
            }
        }
        self.kill_after(Duration::ZERO)
    }

    /// Sends a signal to the program, as Ctrl-C (`Signal::INT`) does.
    pub fn signal(&mut self, signal: Signal) -> Result<(), TestkitError> {
        if self.has_ended_within(Duration::ZERO)? {
            return Ok(());
        }
        kill_process(self.pid, signal).map_err(|error| TestkitError::at("the running program")(error.into()))
    }

    /// Whether the program ended before this time had passed.
    pub fn has_ended_within(&mut self, time: Duration) -> Result<bool, TestkitError> {
        if self.status.is_some() {
            return Ok(true);
        }
        match self.end.recv_timeout(time) {
            Ok(status) => {
                self.status = Some(status.map_err(TestkitError::at("the running program"))?);
                Ok(true)
            }
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => {
                Err(TestkitError::at("the running program")(std::io::Error::other("its end was not seen")))
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        // A worker that outlives the program must not keep the pipes, and with them this test, open.
        self.kill_group();
        let (code, signal) = self.status.map_or((None, None), |status| (status.code(), status.signal()));
        Outcome { code, signal, stdout: self.stdout.end(), stderr: self.stderr.end() }
    }

    fn kill_group(&self) {
        if self.children_live {
            return;
        }
        // An empty group is no failure: all have ended.
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// Output of at most [`KEPT`] bytes, collected while the program runs.
#[derive(Debug)]
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Closes when all writers have gone.
    done: Receiver<()>,
}

const KEPT: usize = 16 << 20;
/// How long a child may hold the output open after the program has ended.
const CLOSING: Duration = Duration::from_secs(20);

impl Stream {
    fn collect(source: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        let (open, done) = channel::<()>();
        if let Some(mut source) = source {
            std::thread::spawn(move || {
                let mut block = [0; 8192];
                while let Ok(length @ 1..) = source.read(&mut block) {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    let room = KEPT.saturating_sub(kept.len()).min(length);
                    kept.extend_from_slice(&block[..room]);
                }
                drop(open);
            });
        }
        Self { bytes, done }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Everything, once all writers have gone; a writer that stays for long is said in the text.
    fn end(&mut self) -> String {
        match self.done.recv_timeout(CLOSING) {
            Err(RecvTimeoutError::Timeout) => format!("{}\n(a child still holds this output open)\n", self.text()),
            _ => self.text(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shell(script: &str) -> Running {
        Running::start(Path::new("/bin/sh"), Path::new("/"), &["-c", script], &[]).unwrap()
    }

    #[test]
    fn output_and_exit_code_are_captured() {
        let outcome = shell("echo out; echo err >&2; exit 3").wait(super::super::PATIENCE).unwrap();
        let expected = Outcome { code: Some(3), signal: None, stdout: "out\n".to_owned(), stderr: "err\n".to_owned() };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn what_hangs_is_killed_and_its_output_shown() {
        let error = shell("echo before; exec sleep 1000").wait(Duration::from_secs(1)).unwrap_err();
        let TestkitError::Timeout { output, .. } = error else { panic!("{error}") };
        assert_eq!(output, "before\n");
    }

    #[test]
    fn a_kill_reaches_the_children_and_is_seen() {
        let outcome = shell("sleep 1000 & sleep 1000").kill_after(Duration::from_millis(50)).unwrap();
        assert_eq!((outcome.code, outcome.signal), (None, Some(9)));
    }

    #[test]
    fn everything_is_killed_that_has_a_group_of_its_own() {
        let mut running = shell("set -m; sh -c 'echo ready; echo $$; while :; do :; done' & wait");
        while !running.stdout().contains("ready") {
            assert!(!running.has_ended_within(Duration::from_millis(5)).unwrap());
        }
        // Its output ends only when nobody holds it open any more.
        let outcome = running.kill_all().unwrap();
        assert!(!outcome.stdout.contains("still holds"), "{}", outcome.stdout);
        assert_eq!(outcome.signal, Some(9));
    }

    #[test]
    fn a_signal_can_be_handled_by_the_program() {
        let mut running = shell("trap 'echo stopped; exit 130' INT; sleep 1000 & echo ready; wait");
        while !running.stdout().contains("ready") {
            assert!(!running.has_ended_within(Duration::from_millis(5)).unwrap());
        }
        assert_eq!(running.children().len(), 1);
        running.signal(Signal::INT).unwrap();
        let outcome = running.wait(super::super::PATIENCE).unwrap();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(130), "ready\nstopped\n"));
    }

    #[test]
    fn a_child_outlives_a_program_that_is_killed_alone() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        let script = format!("mkfifo {0}; (read -r line < {0}; echo child: $line) & echo ready; wait", fifo.display());
        let mut running = shell(&script);
        while !running.stdout().contains("ready") {
            assert!(!running.has_ended_within(Duration::from_millis(5)).unwrap());
        }
        let writer = std::thread::spawn(move || std::fs::write(fifo, "alive\n"));
        let outcome = running.kill_alone_after(Duration::ZERO).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!((outcome.signal, outcome.stdout.as_str()), (Some(9), "ready\nchild: alive\n"));
    }
}
