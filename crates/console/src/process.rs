//! The parent's side of a worker process: start it, hear it, end it within a second.

use crate::problem::ConsoleError;
use assay_contract::Event;
use assay_contract::frame::LINE_LIMIT;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// For the worker to end by itself after it was asked; longer than its own grace.
const ASK: Duration = Duration::from_millis(500);
/// Between SIGTERM and SIGKILL.
const TERMINATE: Duration = Duration::from_millis(150);
/// For the kernel to end what was killed.
const KILL: Duration = Duration::from_millis(300);

/// A running worker. Dropping it closes the worker's input, and the worker cancels itself.
#[derive(Debug)]
pub struct WorkerHandle {
    run: String,
    stdin: Mutex<Option<ChildStdin>>,
    life: Arc<Life>,
}

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Code(i32),
    Signal(i32),
}

/// What came from a worker.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    Event(Box<Event>),
    /// A line that is no event, by its length in bytes.
    Unreadable(usize),
}

#[derive(Debug)]
struct Life {
    group: Pid,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Set when the process was reaped: from then on its group id may belong to others.
    ended: Option<Ended>,
    heard_all: bool,
}

impl WorkerHandle {
    /// Starts the command in a process group of its own. `hear` is called from a thread, in order.
    pub fn start(
        mut command: Command,
        run: &str,
        hear: impl FnMut(Heard) + Send + 'static,
    ) -> Result<Self, ConsoleError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |source| ConsoleError::Spawn { run: run.to_owned(), program: program.clone(), source };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let group = Pid::from_child(&child);
        let life = Arc::new(Life { group, state: Mutex::default(), changed: Condvar::new() });
        let stdin = Mutex::new(child.stdin.take());
        if let Some(stdout) = child.stdout.take() {
            let life = Arc::clone(&life);
            std::thread::spawn(move || listen(stdout, hear, &life));
        }
        std::thread::spawn({
            let life = Arc::clone(&life);
            move || watch(child, &life)
        });
        Ok(Self { run: run.to_owned(), stdin, life })
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    /// Ends the worker: asks it, then SIGTERM, then SIGKILL to its group. Blocks for less than a second.
    /// None when the kernel could not end it in that time, as on a disk that does not answer.
    pub fn cancel(&self) -> Option<Ended> {
        // Closing its input is the question; the word says that someone asked.
        if let Some(mut stdin) = held(&self.stdin).take() {
            // A worker that is gone already has nothing to be told.
            stdin.write_all(b"cancel\n").ok();
        }
        self.life
            .wait_ended(ASK)
            .or_else(|| self.life.signal(Signal::TERM, TERMINATE))
            .or_else(|| self.life.signal(Signal::KILL, KILL))
    }

    /// Blocks until the worker has ended and everything that it said was heard.
    pub fn wait(&self) -> Ended {
        let mut state = held(&self.life.state);
        loop {
            if let Some(ended) = state.ended {
                // Something else may hold the worker's output open; what the worker said is in the pipe by now.
                let waited = self.life.changed.wait_timeout_while(state, KILL, |state| !state.heard_all);
                drop(waited);
                return ended;
            }
            state = self.life.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<Ended> {
        held(&self.life.state).ended
    }
}

impl Life {
    fn wait_ended(&self, limit: Duration) -> Option<Ended> {
        let until = Instant::now() + limit;
        let mut state = held(&self.state);
        while state.ended.is_none() {
            let left = until.checked_duration_since(Instant::now())?;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.ended
    }

    fn signal(&self, signal: Signal, limit: Duration) -> Option<Ended> {
        {
            let state = held(&self.state);
            if state.ended.is_none() {
                // Fails only when the group has ended, which the wait below sees.
                kill_process_group(self.group, signal).ok();
            }
        }
        self.wait_ended(limit)
    }
}

fn listen(stdout: ChildStdout, mut hear: impl FnMut(Heard), life: &Life) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LINE_LIMIT as u64).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(length) => hear(match serde_json::from_slice(&line) {
                Ok(event) => Heard::Event(Box::new(event)),
                Err(_) => Heard::Unreadable(length),
            }),
        }
    }
    held(&life.state).heard_all = true;
    life.changed.notify_all();
}

/// Waits without reaping, so that the group's id stays taken until nobody signals it any more.
fn watch(mut child: Child, life: &Life) {
    while let Err(rustix::io::Errno::INTR) =
        waitid(WaitId::Pid(life.group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
    {}
    let mut state = held(&life.state);
    state.ended = Some(child.wait().map_or(Ended::Code(-1), ended));
    life.changed.notify_all();
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(code),
        (None, signal) => Ended::Signal(signal.unwrap_or_default()),
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::mpsc;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn start(script: &str) -> (WorkerHandle, mpsc::Receiver<Heard>) {
        let (tell, heard) = mpsc::channel();
        let handle = WorkerHandle::start(shell(script), "R1", move |word| {
            tell.send(word).ok();
        });
        (handle.unwrap(), heard)
    }

    /// The script says one line when it is ready, so that no cancel comes before its traps are set.
    fn cancelled(script: &str) -> (Ended, Duration) {
        let (handle, heard) = start(script);
        assert_eq!(heard.recv().unwrap(), Heard::Unreadable(6));
        let begin = Instant::now();
        let ended = handle.cancel().unwrap();
        (ended, begin.elapsed())
    }

    fn is_alive(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
    }

    #[test]
    fn hears_events_in_order_and_says_what_it_cannot_read() {
        let (handle, heard) = start(
            r#"echo '{"event":"table","table":"p.gold.a"}'; echo nonsense; echo '{"event":"lost","reason":"x"}'"#,
        );
        assert_eq!(handle.wait(), Ended::Code(0));
        let words: Vec<Heard> = heard.iter().collect();
        assert_eq!(
            words,
            [
                Heard::Event(Box::new(Event::Table { table: "p.gold.a".into() })),
                Heard::Unreadable(9),
                Heard::Event(Box::new(Event::Lost { reason: "x".into() })),
            ]
        );
    }

    #[test]
    fn a_worker_that_listens_ends_by_itself() {
        let (ended, took) = cancelled("echo ready; cat >/dev/null; exit 130");
        assert_eq!(ended, Ended::Code(130));
        assert!(took < Duration::from_secs(1), "{took:?}");
    }

    #[test]
    fn a_worker_that_does_not_listen_is_terminated() {
        let (ended, took) = cancelled("echo ready; sleep 60");
        assert_eq!(ended, Ended::Signal(15));
        assert!(took < Duration::from_secs(1), "{took:?}");
    }

    #[test]
    fn a_worker_that_ignores_everything_is_killed_with_its_children() {
        let pids = tempfile::NamedTempFile::new().unwrap();
        let script = format!(
            "trap '' TERM; (trap '' TERM; sleep 60) & echo $! >{}; echo ready; while :; do sleep 1; done",
            pids.path().display()
        );
        let begin = Instant::now();
        let (ended, took) = cancelled(&script);
        assert_eq!(ended, Ended::Signal(9));
        assert!(took < Duration::from_secs(1), "{took:?}");
        let child = std::fs::read_to_string(pids.path()).unwrap();
        // The kernel ends the killed child in its own time.
        while is_alive(child.trim()) {
            assert!(begin.elapsed() < Duration::from_secs(20), "the child outlives its group");
            std::thread::yield_now();
        }
    }

    #[test]
    fn dropping_the_handle_closes_the_workers_input() {
        let (handle, heard) = start(r#"cat >/dev/null; echo '{"event":"lost","reason":"closed"}'"#);
        drop(handle);
        assert_eq!(heard.recv().unwrap(), Heard::Event(Box::new(Event::Lost { reason: "closed".into() })));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = WorkerHandle::start(Command::new("/no/such/assay"), "R1", |_| {}).unwrap_err();
        assert!(error.to_string().contains("/no/such/assay"), "{error}");
    }
}
