//! Loads that break: the table is as before, or the load is whole.

use crate::proxy::{Break, serve};
use crate::support::{client, folder, lines, load, now, permit, rows, sales, shared};
use assay_postgres::{Ambient, Server};
use assay_warehouse::{Cluster, LoadJob, LoadOutcome, TableState, Warehouse, WarehouseError};
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::fs;
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const BEFORE: &str = "2024-01-01,A,10.00\n";

#[tokio::test]
async fn a_stream_that_fails_leaves_the_table_as_it_was() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    load(&mut warehouse, &sales("broken", &[1], 1), BEFORE).await.unwrap();
    let good = rows(&"2024-01-01,B,1.00\n".repeat(10_000));
    let bad = good.chain(stream::iter([Err(io::Error::other("the file went away"))]));
    let error = warehouse.load(&permit(), now(), &sales("broken", &[1], 2), bad).await.unwrap_err();
    let unchanged = matches!(&error, WarehouseError::Interrupted { state: TableState::Unchanged, .. });
    assert!(unchanged && error.to_string().contains("the file went away"), "{error}");
    let look = client(&shared.cluster).await;
    assert_eq!(lines(&look, "SELECT * FROM broken.daily").await, ["2024-01-01|A|10.00"]);
    assert_eq!(lines(&look, "SELECT count(*) FROM assay.load_log WHERE schema_name = 'broken'").await, ["1"]);
    // The same session goes on.
    let outcome = load(&mut warehouse, &sales("broken", &[1], 2), "2024-01-01,C,1\n").await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 1, sums_replaced: vec![] });
}

#[tokio::test]
async fn a_load_dropped_while_it_copies_leaves_the_table_as_it_was() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    load(&mut warehouse, &sales("dropped", &[1], 1), BEFORE).await.unwrap();
    let (reached, copying) = tokio::sync::oneshot::channel();
    let mut reached = Some(reached);
    let endless = stream::repeat_with(move || {
        if let Some(reached) = reached.take() {
            reached.send(()).unwrap();
        }
        Ok(Bytes::from_static(b"2024-01-01,B,1.00\n"))
    });
    let (job, permit) = (sales("dropped", &[1], 2), permit());
    tokio::select! {
        outcome = warehouse.load(&permit, now(), &job, endless) => panic!("an endless load ended: {outcome:?}"),
        copying = copying => copying.unwrap(),
    }
    let outcome = load(&mut warehouse, &job, "2024-01-01,C,1\n").await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 1, sums_replaced: vec![] });
    let look = client(&shared.cluster).await;
    assert_eq!(lines(&look, "SELECT * FROM dropped.daily").await, ["2024-01-01|C|1.00"]);
}

#[tokio::test]
async fn rows_are_taken_no_faster_than_the_server_reads_them() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let look = client(&shared.cluster).await;
    let taken = Arc::new(AtomicU64::new(0));
    let (counter, chunk) = (taken.clone(), Bytes::from("2024-01-01,B,1.00\n".repeat(4000)));
    let endless = stream::repeat_with(move || {
        counter.fetch_add(chunk.len() as u64, Ordering::SeqCst);
        Ok(chunk.clone())
    });
    let (mut job, permit) = (sales("pressure", &[1], 1), permit());
    // A name of its own tells this COPY from those of the other tests.
    job.columns[1].name = "pressed".into();
    job.distribution_key = None;
    let mut loading = Box::pin(warehouse.load(&permit, now(), &job, endless));
    let copying = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY %\"pressed\"%' AND state = 'active' AND pid IN (SELECT pid FROM pg_stat_progress_copy WHERE bytes_processed > 0)";
    let pid = loop {
        tokio::select! {
            outcome = &mut loading => panic!("an endless load ended: {outcome:?}"),
            found = lines(&look, copying) => if let Some(pid) = found.first() { break pid.clone() },
        }
    };
    // A stopped server reads nothing: what is taken from then on fits in the buffers between.
    let _stopped = Stopped::new(pid);
    let mut last = taken.load(Ordering::SeqCst);
    let start = last;
    loop {
        let waited = tokio::time::timeout(std::time::Duration::from_millis(300), &mut loading).await;
        assert!(waited.is_err(), "an endless load ended");
        let reached = taken.load(Ordering::SeqCst);
        assert!(reached - start < 16 << 20, "{} bytes were taken from a server that reads none", reached - start);
        if reached == last {
            break;
        }
        last = reached;
    }
}

/// A process that stands still until this is dropped, so that a failing test leaves no server that cannot end.
struct Stopped(String);

impl Stopped {
    fn new(pid: String) -> Self {
        assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        Command::new("kill").args(["-CONT", &self.0]).status().unwrap();
    }
}

#[tokio::test]
async fn a_server_killed_while_it_copies_leaves_the_table_as_it_was() {
    let folder = folder();
    let cluster = Cluster::start(folder.path()).await.unwrap();
    let mut warehouse = Warehouse::connect(&cluster.server()).await.unwrap();
    load(&mut warehouse, &sales("killed", &[1], 1), BEFORE).await.unwrap();
    let pid = fs::read_to_string(cluster.data().join("postmaster.pid")).unwrap().lines().next().unwrap().to_owned();
    let mut chunks = 0;
    let endless = stream::repeat_with(move || {
        chunks += 1;
        if chunks == 100 {
            assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        }
        Ok(Bytes::from("2024-01-01,B,1.00\n".repeat(100)))
    });
    let job = sales("killed", &[1], 2);
    let error = warehouse.load(&permit(), now(), &job, endless).await.unwrap_err();
    assert!(matches!(&error, WarehouseError::Interrupted { state: TableState::Unchanged, .. }), "{error}");

    let again = Cluster::start(folder.path()).await.unwrap();
    let look = client(&again).await;
    assert_eq!(lines(&look, "SELECT * FROM killed.daily").await, ["2024-01-01|A|10.00"]);
    // The old session finds the new server by itself.
    let outcome = load(&mut warehouse, &job, "2024-01-01,C,1\n").await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 1, sums_replaced: vec![] });
}

/// Loads through a socket that breaks at the COMMIT of the load.
async fn break_at_commit(
    cluster: &Cluster,
    job: &LoadJob,
    at: Break,
    last: bool,
) -> Result<LoadOutcome, WarehouseError> {
    let folder = tempfile::tempdir().unwrap();
    let server = lines(&client(cluster).await, "SHOW unix_socket_directories").await.remove(0);
    let armed = Arc::new(AtomicBool::new(false));
    serve(folder.path(), server.as_ref(), at, armed.clone(), last);
    let host = folder.path().to_str().unwrap().replace('/', "%2F");
    let target = Server::url(&format!("postgresql://assay@{host}/postgres"), &Ambient::default()).unwrap();
    let mut warehouse = Warehouse::connect(&target).await.unwrap();
    // Armed by the first row: the COMMIT that follows is the load's own.
    let rows = stream::once(async move {
        armed.store(true, Ordering::SeqCst);
        Ok(Bytes::from_static(b"2024-01-01,C,1.00\n"))
    });
    warehouse.load(&permit(), now(), job, rows).await
}

#[tokio::test]
async fn a_connection_lost_at_commit_is_settled_by_the_load_log() {
    let shared = shared().await;
    let look = client(&shared.cluster).await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    load(&mut warehouse, &sales("lost", &[1], 1), BEFORE).await.unwrap();

    let error = break_at_commit(&shared.cluster, &sales("lost", &[1], 2), Break::Before, false).await.unwrap_err();
    assert!(matches!(&error, WarehouseError::Interrupted { state: TableState::Unchanged, .. }), "{error}");
    assert_eq!(lines(&look, "SELECT * FROM lost.daily").await, ["2024-01-01|A|10.00"]);

    let outcome = break_at_commit(&shared.cluster, &sales("lost", &[1], 2), Break::After, false).await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 1, sums_replaced: vec![] });
    assert_eq!(lines(&look, "SELECT * FROM lost.daily").await, ["2024-01-01|C|1.00"]);

    // Without a way back the outcome stays unknown, and the next load finds out.
    let error = break_at_commit(&shared.cluster, &sales("lost", &[1], 3), Break::After, true).await.unwrap_err();
    assert!(matches!(&error, WarehouseError::Interrupted { state: TableState::Unknown, .. }), "{error}");
    let outcome = load(&mut warehouse, &sales("lost", &[1], 3), "2024-01-01,D,1\n").await.unwrap();
    assert_eq!(outcome, LoadOutcome::AlreadyLoaded);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let host = folder.path().to_str().unwrap().replace('/', "%2F");
    let target = Server::url(&format!("postgresql://u:hunter2@{host}/sales"), &Ambient::default()).unwrap();
    let error = Warehouse::connect(&target).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Connect(_)));
    let text = format!("{error} {error:?}");
    assert!(text.contains(folder.path().to_str().unwrap()) && !text.contains("hunter2"), "{text}");
}
