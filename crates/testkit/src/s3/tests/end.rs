//! The server ends with the test, even where the test is killed.

use crate::s3::Server;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const INSIDE: &str = "ASSAY_S3_INSIDE";

#[test]
fn a_server_ends_with_its_test() {
    let server = Server::start().unwrap();
    let address = server.address();
    assert!(TcpStream::connect(address).is_ok());
    let folder = folder(server.shell());
    assert!(std::path::Path::new(&folder).is_dir());
    drop(server);
    assert!(TcpStream::connect(address).is_err());
    assert!(!std::path::Path::new(&folder).exists());
}

#[test]
fn a_server_ends_when_its_test_is_killed() {
    let mut test = Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", "s3::tests::end::held_open_until_killed", "--nocapture"]).env(INSIDE, "yes");
    let mut test = test.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(test.stdout.take().unwrap()).lines().map(Result::unwrap);
    let found = lines.filter_map(|line| line.split_once("listens at ").map(|found| found.1.to_owned())).next();
    let (address, folder) = found.as_ref().unwrap().split_once(' ').unwrap();
    let address: SocketAddr = address.parse().unwrap();
    assert!(TcpStream::connect(address).is_ok());
    kill_process(Pid::from_child(&test), Signal::KILL).unwrap();
    test.wait().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_ok() || std::path::Path::new(folder).exists() {
        assert!(Instant::now() < until, "the server at {address} lives on");
    }
}

/// Not a test by itself: the other program of the test above.
#[test]
fn held_open_until_killed() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let server = Server::start().unwrap();
    writeln!(std::io::stdout(), "listens at {} {}", server.address(), folder(server.shell())).unwrap();
    // Nobody writes: this waits until the test is killed.
    std::io::stdin().lines().for_each(drop);
}

/// The folder of the server under this shell.
fn folder(shell: u32) -> String {
    let command = std::fs::read_to_string(format!("/proc/{shell}/cmdline")).unwrap();
    let folder = command.split('\0').find_map(|word| word.strip_prefix("-dir=")).unwrap();
    folder.to_owned()
}
