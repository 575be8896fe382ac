//! A DynamoDB emulator of the tests' own, on a free port of this machine.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Weak};
use tokio::sync::Mutex;

pub struct Emulator {
    server: Child,
    pub address: SocketAddr,
}

static SHARED: Mutex<Weak<Emulator>> = Mutex::const_new(Weak::new());

/// The emulator of all tests; the last one out stops it.
pub async fn shared() -> Arc<Emulator> {
    let mut held = SHARED.lock().await;
    if let Some(shared) = held.upgrade() {
        return shared;
    }
    let shared = Arc::new(tokio::task::spawn_blocking(Emulator::start).await.unwrap());
    *held = Arc::downgrade(&shared);
    shared
}

impl Emulator {
    fn start() -> Emulator {
        let program = assay_testkit::emulators::folder().unwrap().join("bin/moto_server");
        let mut server = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
        let address =
            log.by_ref().map(Result::unwrap).find_map(|line| line.split_once("http://").map(|it| it.1.to_owned()));
        let address = address.expect("the emulator ended before it listened");
        std::thread::spawn(move || log.for_each(drop));
        Emulator { server, address: address.trim().parse().unwrap() }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client that knows nothing of the code under test but the address.
    pub fn client(&self) -> Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(self.url());
        Client::from_conf(config.build())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}
