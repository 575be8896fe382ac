//! Private clusters: made, shared, stopped, left behind, killed, half made.

use crate::support::{client, folder, lines};
use assay_warehouse::{Cluster, WarehouseError, erase};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CHILD: &str = "ASSAY_TEST_CLUSTER";

fn is_root() -> bool {
    fs::metadata("/proc/self").map(|meta| meta.uid() == 0).unwrap()
}

fn server_pid(cluster: &Cluster) -> String {
    fs::read_to_string(cluster.data().join("postmaster.pid")).unwrap().lines().next().unwrap().to_owned()
}

fn runs(pid: &str) -> bool {
    // A killed server that nobody waited for stays as a zombie.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn kill(pid: &str) {
    assert!(Command::new("kill").args(["-9", pid]).status().unwrap().success());
    let end = Instant::now() + Duration::from_secs(10);
    while runs(pid) {
        assert!(Instant::now() < end, "process {pid} survives");
        std::thread::yield_now();
    }
}

/// Another program that holds the cluster until it is killed.
fn other_program(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "cluster::holds_a_cluster_until_killed", "--nocapture"]).env(CHILD, folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn wait_until_ready(child: &mut Child) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("cluster is ready")), "the other program failed");
}

/// Not a test by itself: the other program of the tests below.
#[test]
fn holds_a_cluster_until_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _cluster = runtime.block_on(Cluster::start(Path::new(&folder))).unwrap();
    println!("\ncluster is ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[tokio::test]
async fn a_cluster_keeps_its_data_and_leaves_no_server() {
    let folder = folder();
    let cluster = Cluster::start(folder.path()).await.unwrap();
    let look = client(&cluster).await;
    look.batch_execute("CREATE TABLE kept AS SELECT 'Grüße' AS word").await.unwrap();
    assert_eq!(lines(&look, "SHOW listen_addresses").await, [""]);
    assert_eq!(lines(&look, "SHOW server_encoding").await, ["UTF8"]);
    assert_eq!(lines(&look, "SHOW fsync").await, ["on"]);
    let sockets = fs::metadata(folder.path().join("sockets")).unwrap();
    assert_eq!(sockets.permissions().mode() & 0o777, 0o700);
    look.batch_execute("SELECT 'secret4711'::int").await.unwrap_err();
    look.batch_execute("DO $$ BEGIN RAISE WARNING 'secret4711'; END $$").await.unwrap();
    let (pid, log) = (server_pid(&cluster), cluster.data().join("server.log"));
    assert!(runs(&pid));
    assert!(cluster.stop().await.unwrap());
    assert!(!runs(&pid));
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("database system is ready") && !log.contains("4711"), "a log without values: {log}");

    let cluster = Cluster::start(folder.path()).await.unwrap();
    assert_eq!(lines(&client(&cluster).await, "SELECT word FROM kept").await, ["Grüße"]);
    let pid = server_pid(&cluster);
    drop(cluster);
    assert!(!runs(&pid), "a drop stops the server too");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_who_start_at_once_share_one_server_and_the_last_stops_it() {
    let folder = folder();
    let path = folder.path();
    let (a, b, c) = tokio::join!(Cluster::start(path), Cluster::start(path), Cluster::start(path));
    let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
    let pid = server_pid(&a);
    assert_eq!((server_pid(&b), server_pid(&c)), (pid.clone(), pid.clone()));
    assert!(!a.stop().await.unwrap());
    drop(c);
    assert_eq!(lines(&client(&b).await, "SELECT 1").await, ["1"]);
    assert!(matches!(erase(path), Err(WarehouseError::Stop { .. })));
    assert!(b.stop().await.unwrap());
    assert!(!runs(&pid));
    erase(path).unwrap();
    assert!(!path.join("data").exists());
}

#[tokio::test]
async fn a_server_left_by_a_killed_program_is_adopted() {
    let folder = folder();
    let mut other = other_program(folder.path());
    wait_until_ready(&mut other);
    let pid = fs::read_to_string(folder.path().join("data/postmaster.pid")).unwrap().lines().next().unwrap().to_owned();
    other.kill().unwrap();
    other.wait().unwrap();
    let cluster = Cluster::start(folder.path()).await.unwrap();
    assert_eq!(server_pid(&cluster), pid);
    assert!(cluster.stop().await.unwrap());
    assert!(!runs(&pid));
}

#[tokio::test]
async fn a_killed_server_comes_back_with_what_was_committed() {
    let folder = folder();
    let first = Cluster::start(folder.path()).await.unwrap();
    let look = client(&first).await;
    look.batch_execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n").await.unwrap();
    look.batch_execute("BEGIN; DELETE FROM kept").await.unwrap();
    kill(&server_pid(&first));
    let second = Cluster::start(folder.path()).await.unwrap();
    assert_eq!(lines(&client(&second).await, "SELECT sum(n) FROM kept").await, ["500500"]);
    drop(first);
    assert!(second.stop().await.unwrap());
}

#[tokio::test]
async fn a_server_that_recovers_from_the_death_of_a_backend_is_stopped() {
    let folder = folder();
    for _ in 0..3 {
        let cluster = Cluster::start(folder.path()).await.unwrap();
        let pid = server_pid(&cluster);
        let backend = lines(&client(&cluster).await, "SELECT pg_backend_pid()").await.remove(0);
        kill(&backend);
        let begin = Instant::now();
        assert!(cluster.stop().await.unwrap());
        assert!(begin.elapsed() < Duration::from_secs(25), "the stop took {:?}", begin.elapsed());
        assert!(!runs(&pid));
    }
}

#[tokio::test]
async fn a_program_killed_while_it_makes_the_cluster_does_no_harm() {
    for moment in ["data", "data/global/pg_control"] {
        let folder = folder();
        let mut other = other_program(folder.path());
        let end = Instant::now() + Duration::from_secs(30);
        while !folder.path().join(moment).exists() {
            assert!(Instant::now() < end, "{moment} never came");
            std::thread::yield_now();
        }
        other.kill().unwrap();
        other.wait().unwrap();
        let cluster = Cluster::start(folder.path()).await.unwrap();
        assert_eq!(lines(&client(&cluster).await, "SELECT 1").await, ["1"], "{moment}");
        assert!(cluster.stop().await.unwrap());
    }
}

#[tokio::test]
async fn data_of_others_and_of_other_versions_is_refused_and_kept() {
    let folder = folder();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    if is_root() {
        std::os::unix::fs::chown(&data, Some(65534), Some(65534)).unwrap();
    }
    fs::write(data.join("PG_VERSION"), "9").unwrap();
    let error = Cluster::start(folder.path()).await.unwrap_err().to_string();
    assert!(error.contains("Assay did not make"), "{error}");
    fs::write(folder.path().join("state"), "made").unwrap();
    let error = Cluster::start(folder.path()).await.unwrap_err().to_string();
    assert!(error.contains("made by PostgreSQL 9"), "{error}");
    assert_eq!(fs::read_to_string(data.join("PG_VERSION")).unwrap(), "9");
}

#[tokio::test]
async fn a_folder_with_a_long_odd_name_works_and_its_sockets_go_away() {
    let parent = folder();
    let path = parent.path().join("it's a \"workspace\", with % $(id) `id` and ü").join("x".repeat(100));
    fs::create_dir_all(&path).unwrap();
    let cluster = Cluster::start(&path).await.unwrap();
    let look = client(&cluster).await;
    let sockets = lines(&look, "SHOW unix_socket_directories").await.remove(0);
    assert!(sockets.starts_with("/tmp/assay-"), "{sockets}");
    assert_eq!(fs::metadata(&sockets).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(cluster.stop().await.unwrap());
    assert!(!Path::new(&sockets).exists());
}

#[tokio::test]
async fn where_the_server_cannot_reach_the_folder_the_data_lies_elsewhere() {
    let parent = folder();
    fs::set_permissions(parent.path(), Permissions::from_mode(0o700)).unwrap();
    let path = parent.path().join("warehouse");
    let cluster = Cluster::start(&path).await.unwrap();
    let data = cluster.data();
    if !is_root() {
        assert_eq!(data, path.canonicalize().unwrap().join("data"));
        return;
    }
    assert!(data.starts_with("/var/tmp"), "{}", data.display());
    assert_eq!(Path::new(&fs::read_to_string(path.join("place")).unwrap()), data.parent().unwrap());
    client(&cluster).await.batch_execute("CREATE TABLE kept()").await.unwrap();
    assert!(cluster.stop().await.unwrap());
    let cluster = Cluster::start(&path).await.unwrap();
    assert_eq!(lines(&client(&cluster).await, "SELECT count(*) FROM kept").await, ["0"]);
    drop(cluster);

    // A workspace made anew in the same folder does not find the tables of the old one.
    fs::remove_dir_all(&path).unwrap();
    let cluster = Cluster::start(&path).await.unwrap();
    assert!(client(&cluster).await.batch_execute("SELECT FROM kept").await.is_err());
    drop(cluster);
    erase(&path).unwrap();
    assert!(!data.parent().unwrap().exists());
}
