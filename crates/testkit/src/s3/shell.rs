//! A program that ends with the test, however the test ends.

use crate::TestkitError;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Kills the program and removes its leavings once its standard input closes. The system closes it when the test is
/// killed, too.
const SCRIPT: &str = r#"log=$1; shift; leavings=$1; shift
"$@" 2> "$log" &
program=$!
exec > /dev/null
cat > /dev/null
kill -9 $program
wait $program
rm -rf $leavings"#;

/// A program under a shell that watches over it; it is killed when this is dropped.
#[derive(Debug)]
pub struct Guarded {
    shell: Child,
    log: PathBuf,
    /// Closes when the program ends.
    end: Mutex<Receiver<()>>,
}

impl Guarded {
    /// Starts the program with its log in a file. `leavings` are removed after its end: paths without white space.
    pub fn start(command: &[String], log: &Path, leavings: &[PathBuf]) -> Result<Self, TestkitError> {
        let leavings: Vec<String> = leavings.iter().map(|path| path.display().to_string()).collect();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(log).arg(leavings.join(" ")).args(command);
        // A group of its own: an interrupt from the keyboard ends the test, and thereby the program, in order.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut shell = shell.spawn().map_err(TestkitError::at("/bin/sh"))?;
        let output = shell.stdout.take();
        let (open, end) = channel();
        std::thread::spawn(move || {
            if let Some(mut output) = output {
                // What the program prints is in nobody's way; that it prints no more means that it has ended.
                let _ = std::io::copy(&mut output, &mut std::io::sink());
            }
            drop(open);
        });
        Ok(Self { shell, log: log.to_owned(), end: Mutex::new(end) })
    }

    /// Whether the program ended before this time had passed.
    pub fn has_ended_within(&self, time: Duration) -> bool {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        !matches!(end.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }

    /// The end of what the program logged.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Process id of the shell.
    #[cfg(test)]
    pub fn pid(&self) -> u32 {
        self.shell.id()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The shell cannot be unknown to the system before it was waited for.
        let _ = self.shell.wait();
    }
}
