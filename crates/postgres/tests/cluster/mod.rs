//! A PostgreSQL server of the tests' own on a loopback port, with certificates made for it.

use assay_testkit::cluster;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Who signs the server's certificate, which is made out for `localhost`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    ByAuthority,
    ByItself,
    /// As well by itself, and no longer valid.
    LongAgo,
    /// TLS is off.
    ByNobody,
}

pub struct Cluster {
    server: Child,
    folder: TempDir,
    port: u16,
}

impl Cluster {
    /// `rule` is the kind of connection that the server lets in: `host`, `hostssl` or `hostnossl`.
    pub fn start(rule: &str, signed: Signed) -> Cluster {
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        let place = folder.path();
        let data = place.join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
        certificates(place, signed);
        let account = cluster::account().unwrap();
        if let Some((user, group)) = account {
            for path in [place, &data, &place.join("server.key")] {
                chown(path, Some(user), Some(group)).unwrap();
            }
        }
        let programs = cluster::programs().unwrap();
        let run = |program: &str| {
            let mut command = Command::new(programs.join(program));
            if let Some((user, group)) = account {
                command.uid(user).gid(group);
            }
            command.current_dir(place).stdin(Stdio::null());
            command
        };
        let mut initdb = run("initdb");
        initdb.args(["-D", "data", "-U", "ann", "-E", "UTF8", "--locale=C", "-A", "trust", "-N"]);
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(data.join("pg_hba.conf"), format!("{rule} all all all trust\n")).unwrap();
        // Another program can take the port before the server does; then another one is tried.
        let (server, port) = (0..10).find_map(|_| try_start(run("postgres"), signed != Signed::ByNobody)).unwrap();
        Cluster { server, folder, port }
    }

    /// `query` follows the database's name.
    pub fn url(&self, host: &str, query: &str) -> String {
        format!("postgresql://ann@{host}:{}/postgres{query}", self.port)
    }

    pub fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Immediate shutdown: the data go as well.
        kill_process(Pid::from_child(&self.server), Signal::QUIT).unwrap();
        self.server.wait().unwrap();
    }
}

fn try_start(mut program: Command, tls: bool) -> Option<(Child, u16)> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    program.args(["-D", "data", "-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    program.args(["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=16MB"]);
    if tls {
        program.args(["-c", "ssl=on", "-c", "ssl_cert_file=../server.crt", "-c", "ssl_key_file=../server.key"]);
    }
    let mut server = program.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    let ready = log.by_ref().map(Result::unwrap).any(|line| {
        said.push(line.clone());
        line.contains("ready to accept connections")
    });
    if !ready {
        server.wait().unwrap();
        assert!(said.iter().any(|line| line.contains("Address already in use")), "{said:?}");
        return None;
    }
    std::thread::spawn(move || log.for_each(drop));
    Some((server, port))
}

/// `server.crt` and its key, the authority `ca.crt`, and `other.crt`, which signed nothing.
fn certificates(folder: &Path, signed: Signed) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let authority =
        |name: &str, more: &str| format!("openssl req -x509 {key} -keyout {name}.key -out {name}.crt -days 2 {more}");
    let own = "-subj /CN=localhost -addext subjectAltName=DNS:localhost";
    let asked = format!("openssl req -new {key} -keyout server.key -out server.csr -subj /CN=localhost");
    let server = match signed {
        Signed::ByItself | Signed::ByNobody => authority("server", own),
        Signed::ByAuthority => format!(
            "{asked}; echo subjectAltName=DNS:localhost > names; openssl x509 -req -in server.csr -CA ca.crt \
             -CAkey ca.key -set_serial 7 -days 2 -extfile names -out server.crt"
        ),
        // Only the program for authorities takes dates in every version.
        Signed::LongAgo => format!(
            "{asked}; touch index; printf '%s\\n' '[ca]' default_ca=own '[own]' database=index serial=serial \
             new_certs_dir=. default_md=sha256 policy=any x509_extensions=names '[any]' \
             commonName=supplied '[names]' subjectAltName=DNS:localhost > own.conf; openssl ca -config \
             own.conf -batch -create_serial -selfsign -keyfile server.key -in server.csr -startdate 20200101000000Z \
             -enddate 20200201000000Z -out server.crt"
        ),
    };
    let script = [authority("ca", "-subj /CN=ca"), authority("other", "-subj /CN=other"), server].join("; ");
    let made = Command::new("sh").args(["-ec", &script]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::set_permissions(folder.join("server.key"), Permissions::from_mode(0o600)).unwrap();
}
