//! A private PostgreSQL cluster: made on first use, shared by every Assay program, stopped by the last one to leave.

use crate::error::WarehouseError;
use crate::place::{Place, start_error};
use crate::programs::Programs;
use crate::server::{self, DATABASE, USER};
use assay_postgres::Server;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio_postgres::Config;

/// How long another program may hold the start lock: a first start with slow disks included.
const PATIENCE: Duration = Duration::from_secs(120);
const DROP_PATIENCE: Duration = Duration::from_secs(10);

/// A running server and one user's hold on it. Ends with `stop`, or with a drop, which blocks shortly.
#[derive(Debug)]
pub struct Cluster {
    place: Place,
    /// Shared lock; none after leaving.
    users: Option<File>,
}

impl Cluster {
    /// Takes the cluster's folder (made if missing) and gives a server that accepts connections.
    ///
    /// Only one program at a time starts or stops it. A half-made cluster is made again.
    pub async fn start(folder: &Path) -> Result<Cluster, WarehouseError> {
        let wanted = folder.to_owned();
        run_blocking(folder, move || start_blocking(&wanted)).await
    }

    /// How tokio-postgres connects to it.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config.host_path(self.place.sockets()).port(5432).user(USER).dbname(DATABASE);
        config
    }

    /// How any other PostgreSQL program connects to it; holds no secret.
    pub fn url(&self) -> String {
        let path = self.place.sockets();
        let host: String = path.as_os_str().as_encoded_bytes().iter().map(|byte| percent(*byte)).collect();
        format!("postgresql://{USER}@{host}:5432/{DATABASE}")
    }

    pub fn server(&self) -> Server {
        Server::own(self.config(), self.place.folder.display().to_string())
    }

    /// Where the data lies: below the folder, or below `/var/tmp` where the server's account cannot reach the folder.
    pub fn data(&self) -> PathBuf {
        self.place.data()
    }

    /// Leaves, and stops the server unless another program uses it. Gives whether the server was stopped.
    pub async fn stop(mut self) -> Result<bool, WarehouseError> {
        let folder = self.place.folder.clone();
        run_blocking(&folder, move || self.leave(PATIENCE)).await
    }

    fn leave(&mut self, patience: Duration) -> Result<bool, WarehouseError> {
        let Some(users) = self.users.take() else { return Ok(false) };
        let _start = exclusive(&self.place.folder, "start.lock", patience)?;
        match flock(&users, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(false),
            Err(error) => return Err(start_error(&self.place.folder, error.into())),
        }
        server::stop(&self.place, patience)?;
        let cleared = server::remove_sockets(&self.place);
        cleared.map_err(|error| start_error(&self.place.folder, error))?;
        Ok(true)
    }
}

impl Drop for Cluster {
    /// A failure leaves the server running; the next start adopts it.
    fn drop(&mut self) {
        drop(self.leave(DROP_PATIENCE));
    }
}

/// Removes a cluster with all its data, wherever that lies; refuses while a program uses it. Blocks.
pub fn erase(folder: &Path) -> Result<(), WarehouseError> {
    let Ok(folder) = fs::canonicalize(folder) else { return Ok(()) };
    let _start = exclusive(&folder, "start.lock", PATIENCE)?;
    let users = lock_file(&folder, "users.lock").map_err(|error| start_error(&folder, error))?;
    if flock(&users, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(WarehouseError::Stop { folder, reason: "another program uses it".to_owned() });
    }
    let place = Place::existing(&folder).map_err(|error| start_error(&folder, error))?;
    if place.data().join("PG_VERSION").exists() {
        server::stop(&place, PATIENCE)?;
    }
    let gone = server::remove_sockets(&place).and_then(|()| server::remove(&place.data()));
    let gone = gone.and_then(|()| server::remove_state(&place));
    gone.map_err(|error| start_error(&folder, error))
}

fn start_blocking(folder: &Path) -> Result<Cluster, WarehouseError> {
    let programs = Programs::all()?;
    fs::create_dir_all(folder).map_err(|error| start_error(folder, error))?;
    let folder = fs::canonicalize(folder).map_err(|error| start_error(folder, error))?;
    let lock = exclusive(&folder, "start.lock", PATIENCE)?;
    let place = Place::settle(&folder, &programs)?;
    server::make(&place, &programs, &lock)?;
    let users = lock_file(&folder, "users.lock").map_err(|error| start_error(&folder, error))?;
    // Those who hold it alone also hold the start lock, so this never waits.
    flock(&users, FlockOperation::LockShared).map_err(|error| start_error(&folder, error.into()))?;
    server::start(&place, &programs, &lock)?;
    Ok(Cluster { place, users: Some(users) })
}

/// Waits for a lock until `patience` ends; the lock ends with the file.
fn exclusive(folder: &Path, name: &str, patience: Duration) -> Result<File, WarehouseError> {
    let file = lock_file(folder, name).map_err(|error| start_error(folder, error))?;
    let end = Instant::now() + patience;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < end => sleep(Duration::from_millis(20)),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let reason =
                    format!("another program has been starting or stopping it for {} seconds", patience.as_secs());
                return Err(WarehouseError::Start { folder: folder.to_owned(), reason, source: None });
            }
            Err(error) => return Err(start_error(folder, error.into())),
        }
    }
}

fn lock_file(folder: &Path, name: &str) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(folder.join(name))
}

async fn run_blocking<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce() -> Result<T, WarehouseError> + Send + 'static,
) -> Result<T, WarehouseError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(start_error(folder, io::Error::other(error))))
}

fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}
