//! A PostgreSQL server of the tests' own, on a socket in a folder that goes after it.

use assay_postgres::{Ambient, Server};
use assay_testkit::cluster;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Weak};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

pub struct Cluster {
    server: Child,
    folder: TempDir,
}

static SHARED: Mutex<Weak<Cluster>> = Mutex::const_new(Weak::new());

/// The server of all tests; the last one out stops and removes it.
pub async fn shared() -> Arc<Cluster> {
    let mut held = SHARED.lock().await;
    if let Some(shared) = held.upgrade() {
        return shared;
    }
    let shared = Arc::new(tokio::task::spawn_blocking(Cluster::start).await.unwrap());
    *held = Arc::downgrade(&shared);
    shared
}

impl Cluster {
    fn start() -> Cluster {
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        let (programs, account) = (cluster::programs().unwrap(), cluster::account().unwrap());
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
        let run = |program: &str| {
            let mut command = Command::new(programs.join(program));
            if let Some((user, group)) = account {
                command.uid(user).gid(group);
            }
            command.current_dir(folder.path()).stdin(Stdio::null());
            command
        };
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group)).unwrap();
            chown(&data, Some(user), Some(group)).unwrap();
        }
        let mut initdb = run("initdb");
        initdb.args(["-D", "data", "-U", "assay", "-E", "UTF8", "--locale=C", "-A", "trust", "-N"]);
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut server = run("postgres")
            .args(["-D", "data", "-k", folder.path().to_str().unwrap(), "-c", "listen_addresses="])
            .args(["-c", "fsync=off", "-c", "max_connections=60", "-c", "shared_buffers=64MB"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
        let ready = log.by_ref().map(Result::unwrap).find(|line| line.contains("ready to accept connections"));
        assert!(ready.is_some(), "the server ended before it was ready");
        std::thread::spawn(move || log.for_each(drop));
        Cluster { server, folder }
    }

    pub fn url(&self, user: &str) -> String {
        let host = self.folder.path().to_str().unwrap().replace('/', "%2F");
        format!("postgresql://{user}@{host}:5432/postgres")
    }

    pub fn server(&self, user: &str) -> Server {
        Server::url(&self.url(user), &Ambient::default()).unwrap()
    }

    /// Runs statements on a runtime of their own; for threads without one.
    pub fn client_blocking(&self, sql: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { self.client().await.batch_execute(sql).await.unwrap() });
    }

    pub async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url("assay"), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.server);
        // Immediate shutdown: the data go as well.
        kill_process(pid, Signal::QUIT).unwrap();
        self.server.wait().unwrap();
    }
}
