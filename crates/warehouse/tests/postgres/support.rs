//! What the tests share: one cluster, jobs, rows, and a plain client to look with.

use assay_pipeline::Permit;
use assay_warehouse::{
    Cluster, LoadJob, LoadOutcome, Replace, Warehouse, WarehouseColumn, WarehouseError, WarehouseType,
};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use futures::{Stream, stream};
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Weak};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

/// A cluster and its folder, which goes after it.
pub struct Shared {
    pub cluster: Cluster,
    _folder: TempDir,
}

static SHARED: Mutex<Weak<Shared>> = Mutex::const_new(Weak::new());

/// The cluster of all tests that do not harm it; the last one out stops and removes it.
pub async fn shared() -> Arc<Shared> {
    let mut held = SHARED.lock().await;
    if let Some(shared) = held.upgrade() {
        return shared;
    }
    let folder = folder();
    let shared = Arc::new(Shared { cluster: Cluster::start(folder.path()).await.unwrap(), _folder: folder });
    *held = Arc::downgrade(&shared);
    shared
}

/// A folder that the account of the server can reach.
pub fn folder() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap()
}

/// A client that knows nothing of the code under test but the address.
pub async fn client(cluster: &Cluster) -> Client {
    let (client, connection) = tokio_postgres::connect(&cluster.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Rows of a query, values as text joined by `|`, null as `~`.
pub async fn lines(client: &Client, query: &str) -> Vec<String> {
    let messages = client.simple_query(query).await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    rows.map(|row| (0..row.len()).map(|at| row.get(at).unwrap_or("~")).collect::<Vec<_>>().join("|")).collect()
}

pub fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, day).unwrap()
}

pub fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 2, 3, 4, 5, 6).unwrap()
}

pub fn permit() -> Permit {
    Permit::issue("local", "run-1", now() + chrono::TimeDelta::hours(1))
}

pub fn column(name: &str, kind: WarehouseType) -> WarehouseColumn {
    WarehouseColumn { name: name.to_owned(), kind }
}

/// Sales of the given days: day, store, revenue.
pub fn sales(schema: &str, days: &[u32], version: i64) -> LoadJob {
    LoadJob {
        pipeline: "sales".into(),
        environment: "local".into(),
        schema: schema.into(),
        table: "daily".into(),
        columns: vec![
            column("day", WarehouseType::Date),
            column("store", WarehouseType::Text),
            column("revenue", WarehouseType::Decimal { precision: 15, scale: 2 }),
        ],
        mode: Replace::Dates { column: "day".into(), dates: days.iter().map(|d| day(*d)).collect() },
        distribution_key: Some("store".into()),
        sort_key: vec!["day".into()],
        sums: vec![],
        staging: None,
        lake_table: "table-1".into(),
        lake_version: version,
        run: format!("run-{version}"),
    }
}

/// The text in pieces that end anywhere.
pub fn rows(text: &str) -> impl Stream<Item = Result<Bytes, io::Error>> + use<> {
    let pieces: Vec<_> = text.as_bytes().chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

pub async fn load(warehouse: &mut Warehouse, job: &LoadJob, text: &str) -> Result<LoadOutcome, WarehouseError> {
    warehouse.load(&permit(), now(), job, rows(text)).await
}
