//! Makes, starts and stops the server of a private cluster. Every function here blocks.

use crate::account;
use crate::error::WarehouseError;
use crate::place::{Place, private_folder, start_error};
use crate::programs::Programs;
use crate::server_state::{self, ServerState, write_whole};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Output;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Superuser of a private cluster; the socket's folder is the only lock.
pub(crate) const USER: &str = "assay";
pub(crate) const DATABASE: &str = "postgres";

/// How long a start may take, recovery after a crash included.
const START: Duration = Duration::from_secs(90);
const LOG_LIMIT: u64 = 1 << 20;

/// Makes the cluster unless it is whole. `lock` is the start lock, held.
pub(crate) fn make(place: &Place, programs: &[Programs], lock: &File) -> Result<(), WarehouseError> {
    let state = place.base.join("state");
    let known = match fs::read_to_string(&state) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(start_error(&place.folder, error)),
    };
    match known.as_deref() {
        Some("made") if place.data().join("PG_VERSION").is_file() => return Ok(()),
        None if place.data().exists() => {
            return Err(failed(place, format!("{} holds data that Assay did not make", place.data().display())));
        }
        _ => {}
    }
    let newest = programs.first().ok_or_else(|| failed(place, "no programs were found".to_owned()))?;
    let made = write_whole(&state, "making", None).and_then(|()| initdb(place, newest, lock));
    made.and_then(|()| write_whole(&state, "made", None)).map_err(|error| start_error(&place.folder, error))
}

/// Returns when the server accepts connections; adopts one that already runs. `lock` is the start lock, held.
pub(crate) fn start(place: &Place, programs: &[Programs], lock: &File) -> Result<(), WarehouseError> {
    let programs = matching(place, programs)?;
    let end = Instant::now() + START;
    while Instant::now() < end {
        match server_state::read(&place.data()).map_err(|error| start_error(&place.folder, error))? {
            ServerState::Ready if UnixStream::connect(place.socket()).is_ok() => return Ok(()),
            ServerState::Ready | ServerState::Busy => sleep(Duration::from_millis(50)),
            ServerState::Stopped => launch(place, &programs, end, lock)?,
        }
    }
    Err(failed(place, format!("the server does not accept connections after {} seconds", START.as_secs())))
}

/// Stops the server if it runs, within `patience`; connections are cut, their transactions rolled back.
pub(crate) fn stop(place: &Place, patience: Duration) -> Result<(), WarehouseError> {
    let stopped = |reason: String| WarehouseError::Stop { folder: place.folder.clone(), reason };
    let state = || server_state::read(&place.data());
    if state().map_err(|error| stopped(error.to_string()))? == ServerState::Stopped {
        return Ok(());
    }
    let programs = matching(place, &Programs::all()?)?;
    let end = Instant::now() + patience;
    recovered(place, Instant::now() + patience / 4);
    let mut said = Vec::new();
    // What an immediate end leaves undone, the next start recovers.
    for (mode, until) in [("fast", Instant::now() + patience / 4), ("immediate", end)] {
        let seconds = until.saturating_duration_since(Instant::now()).as_secs().max(1).to_string();
        let mut command = account::command(&programs.pg_ctl(), place.account.as_ref());
        command.current_dir(&place.base).args(["stop", "-D", "data", "-m", mode, "-w", "-t", &seconds]);
        let output = command.output().map_err(|error| stopped(error.to_string()))?;
        if output.status.success() || state().is_ok_and(|state| state == ServerState::Stopped) {
            return Ok(());
        }
        said = output.stderr;
    }
    Err(stopped(last_lines(&said)))
}

/// Waits until a server whose backend died has recovered: one that is asked to stop before may never end by itself.
fn recovered(place: &Place, until: Instant) {
    while Instant::now() < until && refuses_for_now(&place.socket()).unwrap_or(false) {
        sleep(Duration::from_millis(50));
    }
}

/// Whether the server answers that it starts, recovers or stops (SQLSTATE 57P03).
fn refuses_for_now(socket: &Path) -> io::Result<bool> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let body = format!("user\0{USER}\0database\0{DATABASE}\0\0");
    let length = u32::try_from(body.len() + 8).map_err(io::Error::other)?;
    // The protocol's version 3.0 follows the length.
    stream.write_all(&[&length.to_be_bytes()[..], &[0, 3, 0, 0], body.as_bytes()].concat())?;
    let mut answer = Vec::new();
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    if kind != *b"E" {
        return Ok(false);
    }
    stream.take(1024).read_to_end(&mut answer)?;
    Ok(answer.windows(6).any(|field| field == b"C57P03"))
}

fn initdb(place: &Place, programs: &Programs, lock: &File) -> io::Result<()> {
    let data = place.data();
    if data.exists() {
        server_state::kill(&data)?;
        fs::remove_dir_all(&data)?;
    }
    private_folder(&data, place.account.as_ref())?;
    let mut command = account::locked_command(&programs.initdb(), place.account.as_ref(), lock)?;
    command.current_dir(&place.base).args(["-D", "data", "-U", USER, "-E", "UTF8", "--locale=C"]);
    command.args(["--auth-local=trust", "--auth-host=reject"]);
    if programs.major >= 18 {
        command.arg("--no-data-checksums");
    }
    succeeded(&command.output()?)
}

/// One attempt; fails unless a second one can help.
fn launch(place: &Place, programs: &Programs, end: Instant, lock: &File) -> Result<(), WarehouseError> {
    let io_error = |error| start_error(&place.folder, error);
    configure(place, programs).map_err(io_error)?;
    trim_log(place).map_err(io_error)?;
    let before = fs::metadata(place.log()).map_or(0, |meta| meta.len());
    let seconds = end.saturating_duration_since(Instant::now()).as_secs().max(1).to_string();
    let mut command = account::locked_command(&programs.pg_ctl(), place.account.as_ref(), lock).map_err(io_error)?;
    // pg_ctl passes its paths through a shell; a relative one is plain, whatever the folder's name.
    command.current_dir(&place.base).args(["start", "-D", "data", "-l", "data/server.log", "-w", "-t", &seconds]);
    let output = command.output().map_err(io_error)?;
    if output.status.success() {
        return Ok(());
    }
    let log = fs::read(place.log()).unwrap_or_default();
    let new = last_lines(log.get(usize::try_from(before).unwrap_or(0)..).unwrap_or(&[]));
    if new.contains("shared memory block") {
        // Children of a killed server still end; they notice within moments.
        sleep(Duration::from_millis(200));
        return Ok(());
    }
    let reason = if new.is_empty() { last_lines(&output.stderr) } else { new };
    Err(failed(place, reason))
}

fn configure(place: &Place, programs: &Programs) -> io::Result<()> {
    let account = place.account.as_ref();
    private_folder(&place.sockets(), account)?;
    let files = [("postgresql.conf", settings(place, programs.major)), ("pg_hba.conf", "local all all trust\n".into())];
    for (name, text) in files {
        write_whole(&place.data().join(name), &text, account)?;
    }
    Ok(())
}

/// No statement and no error text reaches the log: both can hold cell values.
fn settings(place: &Place, major: u32) -> String {
    // A load whose client is gone ends its statement instead of working on.
    let client_check = if major >= 14 { "client_connection_check_interval = 500ms\n" } else { "" };
    format!(
        "# Written by Assay at every start.\n\
         listen_addresses = ''\nport = 5432\nunix_socket_directories = '{}'\nunix_socket_permissions = 0700\n\
         max_connections = 20\nshared_buffers = 64MB\nfsync = on\nsynchronous_commit = on\nfull_page_writes = on\n\
         wal_level = minimal\nmax_wal_senders = 0\nmax_wal_size = 512MB\nmin_wal_size = 32MB\n\
         max_parallel_workers_per_gather = 0\njit = off\n{client_check}\
         timezone = 'UTC'\nlog_timezone = 'UTC'\ndatestyle = 'ISO, YMD'\nlc_messages = 'C'\n\
         logging_collector = off\nlog_min_messages = log\nlog_min_error_statement = panic\n\
         log_error_verbosity = terse\nlog_statement = none\nlog_checkpoints = off\n",
        place.sockets().display()
    )
}

/// Only the server's starts, stops and crashes are logged, so a check at each start bounds the file.
fn trim_log(place: &Place) -> io::Result<()> {
    match fs::metadata(place.log()) {
        Ok(meta) if meta.len() > LOG_LIMIT => fs::rename(place.log(), place.data().join("server.log.1")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A data folder can be served only by the major version that made it.
fn matching(place: &Place, programs: &[Programs]) -> Result<Programs, WarehouseError> {
    let version = fs::read_to_string(place.data().join("PG_VERSION"));
    let version = version.map_err(|error| start_error(&place.folder, error))?;
    let version = version.trim();
    programs.iter().find(|programs| programs.major.to_string() == version).cloned().ok_or_else(|| {
        let found = programs.iter().map(|programs| programs.major.to_string()).collect::<Vec<_>>().join(", ");
        failed(place, format!(
            "it was made by PostgreSQL {version} and the programs of this machine are of {found}. Install PostgreSQL \
             {version}, or remove the folder: the next run loads the warehouse again"
        ))
    })
}

fn succeeded(output: &Output) -> io::Result<()> {
    if output.status.success() { Ok(()) } else { Err(io::Error::other(last_lines(&output.stderr))) }
}

fn last_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(4096)..]).into_owned();
    let mut lines: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(5).collect();
    lines.reverse();
    lines.join(" / ")
}

fn failed(place: &Place, reason: String) -> WarehouseError {
    WarehouseError::Start { folder: place.folder.clone(), reason, source: None }
}

/// Removes what belongs to a stopped cluster outside its base.
pub(crate) fn remove_sockets(place: &Place) -> io::Result<()> {
    remove(&place.sockets())
}

pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Forgets that a cluster was made; its data is already gone.
pub(crate) fn remove_state(place: &Place) -> io::Result<()> {
    if place.base != place.folder {
        remove(&place.base)?;
    }
    for path in [place.folder.join("state"), place.folder.join("place")] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
