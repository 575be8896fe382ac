//! SeaweedFS on free ports of this machine: a real S3 server that checks signatures.

use super::bucket::{Bucket, store};
use super::shell::Guarded;
use crate::{TestkitError, emulators};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The region that the server belongs to.
pub const REGION: &str = "us-east-1";

/// How long the server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it is left alone between two looks at whether it answers.
const LOOK: Duration = Duration::from_millis(25);
/// Ports found free may be taken by another program before the server has them.
const TRIES: u32 = 4;

/// What the server lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    pub id: String,
    pub secret: String,
}

/// The server; it ends with this, and with the test program however that ends.
#[derive(Debug)]
pub struct Server {
    program: Guarded,
    address: SocketAddr,
    keys: Keys,
    buckets: AtomicU64,
}

static SHARED: Mutex<Option<Arc<Server>>> = Mutex::new(None);

impl Server {
    /// The server of this test program: started by whoever asks first, ended with the program.
    pub fn shared() -> Result<Arc<Self>, TestkitError> {
        let mut held = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = &*held {
            return Ok(Arc::clone(server));
        }
        let server = Arc::new(Self::start()?);
        *held = Some(Arc::clone(&server));
        Ok(server)
    }

    /// A server of its own, with keys that no other server has. It answers when this returns.
    pub fn start() -> Result<Self, TestkitError> {
        let program = emulators::folder()?.join("bin/weed");
        let mut why = String::new();
        for _ in 0..TRIES {
            match Self::try_start(&program)? {
                Ok(server) => return Ok(server),
                Err(log) => why = log,
            }
        }
        Err(TestkitError::Emulator { what: program.display().to_string(), why })
    }

    /// Its log where it ended, or did not answer in time.
    fn try_start(program: &Path) -> Result<Result<Self, String>, TestkitError> {
        let folder = tempfile::Builder::new().prefix("assay-s3-").tempdir();
        // The shell that watches over the server removes it.
        let folder = folder.map_err(TestkitError::at(std::env::temp_dir()))?.keep();
        let ports = Ports::free()?;
        let keys = keys(&folder);
        let settings = folder.join("keys.json");
        std::fs::write(&settings, identities(&keys)).map_err(TestkitError::at(&settings))?;
        let command = command(program, &folder, &ports);
        let leavings = [vec![folder.clone()], ports.sockets()].concat();
        let program = Guarded::start(&command, &folder.join("log"), &leavings)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.s3));
        let server = Self { program, address, keys, buckets: AtomicU64::new(0) };
        Ok(if server.answers()? { Ok(server) } else { Err(server.program.log()) })
    }

    /// Waits until an object can be stored with the keys, so that nobody else's server is taken for this one.
    fn answers(&self) -> Result<bool, TestkitError> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if self.program.has_ended_within(LOOK) {
                return Ok(false);
            }
            if Bucket::of(self, "first").and_then(|bucket| bucket.make()).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Of host and port; plain HTTP, paths begin with the bucket.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What a program under test finds the keys in.
    pub fn variables(&self) -> Vec<(String, String)> {
        let Keys { id, secret } = self.keys.clone();
        vec![("AWS_ACCESS_KEY_ID".to_owned(), id), ("AWS_SECRET_ACCESS_KEY".to_owned(), secret)]
    }

    /// A new and empty bucket.
    pub fn bucket(&self) -> Result<Bucket, TestkitError> {
        let name = format!("bucket-{}", self.buckets.fetch_add(1, Ordering::Relaxed));
        let bucket = Bucket::of(self, &name)?;
        bucket.make()?;
        Ok(bucket)
    }

    /// What the code under test uses, with no retries, so that each call is one request.
    pub fn store(&self, bucket: &str, endpoint: &str) -> Result<object_store::aws::AmazonS3, TestkitError> {
        Ok(store(&self.keys, bucket, endpoint)?)
    }

    #[cfg(test)]
    pub(super) fn shell(&self) -> u32 {
        self.program.pid()
    }
}

/// Ports that were free a moment ago: each part of the server has one for requests and one for its siblings.
#[derive(Debug)]
struct Ports {
    master: [u16; 2],
    volume: [u16; 2],
    filer: [u16; 2],
    s3: u16,
    s3_inner: u16,
}

impl Ports {
    fn free() -> Result<Self, TestkitError> {
        // All are held at once, so that none comes twice.
        let held: Result<Vec<TcpListener>, _> = (0..8).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect();
        let ports: Result<Vec<u16>, _> =
            held.and_then(|held| held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect());
        let ports = ports.map_err(TestkitError::at("127.0.0.1"))?;
        let pair = |at: usize| [ports[at], ports[at + 1]];
        Ok(Self { master: pair(0), volume: pair(2), filer: pair(4), s3: ports[6], s3_inner: ports[7] })
    }

    /// Sockets that the server leaves in the system's folder.
    fn sockets(&self) -> Vec<PathBuf> {
        let ports =
            [("master", self.master[1]), ("volume", self.volume[1]), ("filer", self.filer[1]), ("s3", self.s3_inner)];
        ports.map(|(part, port)| format!("/tmp/seaweedfs-{part}-grpc-{port}.sock").into()).to_vec()
    }
}

fn command(program: &Path, folder: &Path, ports: &Ports) -> Vec<String> {
    let there = folder.display();
    let Ports { master, volume, filer, s3, s3_inner } = ports;
    let mut command = vec![program.display().to_string(), "-logtostderr=true".to_owned(), "server".to_owned()];
    command.extend([
        format!("-dir={there}"),
        "-ip=127.0.0.1".to_owned(),
        "-ip.bind=127.0.0.1".to_owned(),
        // Tests talk to this machine alone.
        "-master.telemetry=false".to_owned(),
        format!("-master.port={}", master[0]),
        format!("-master.port.grpc={}", master[1]),
        "-master.volumeSizeLimitMB=64".to_owned(),
        format!("-volume.port={}", volume[0]),
        format!("-volume.port.grpc={}", volume[1]),
        // Each bucket takes seven.
        "-volume.max=2000".to_owned(),
        "-filer".to_owned(),
        format!("-filer.port={}", filer[0]),
        format!("-filer.port.grpc={}", filer[1]),
        format!("-filer.localSocket={there}/filer.sock"),
        "-s3".to_owned(),
        format!("-s3.port={s3}"),
        format!("-s3.port.grpc={s3_inner}"),
        format!("-s3.localSocket={there}/s3.sock"),
        "-s3.port.iceberg=0".to_owned(),
        "-s3.port.lance=0".to_owned(),
        format!("-s3.config={there}/keys.json"),
    ]);
    command
}

/// Keys after the folder, whose name no other server has.
fn keys(folder: &Path) -> Keys {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Keys { id: format!("id-{name}"), secret: format!("secret-{name}") }
}

fn identities(keys: &Keys) -> String {
    let actions = ["Admin", "Read", "Write", "List", "Tagging"];
    let credentials = serde_json::json!([{ "accessKey": keys.id, "secretKey": keys.secret }]);
    serde_json::json!({ "identities": [{ "name": "test", "credentials": credentials, "actions": actions }] })
        .to_string()
}
