//! A table in a bucket: seen from several machines, each with a mirror of its own; and before a real server that fails.

use crate::fixture::{Rows, change, day, expected, frame, now, permit, put, rows, rows_of, schema, stage};
use assay_lake::{
    Access, DifferenceAsk, Keys, Kind, PageRequest, Place, Restore, RestoreTo, Scope, change_of_run, difference,
    discard, history, open, open_version, page, replace, restore, sweep,
};
use assay_pipeline::Bucket;
use assay_testkit::s3::{Fault, Kind as Asked, Proxy, REGION, Rule, Server};
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A storage in memory, and machines that share it.
struct Cloud {
    store: Arc<InMemory>,
    disks: TempDir,
}

impl Cloud {
    fn new() -> Self {
        Self { store: Arc::new(InMemory::new()), disks: tempfile::tempdir().unwrap() }
    }

    fn table(&self, machine: &str) -> Place {
        let bucket = Bucket {
            name: "team".to_owned(),
            prefix: "lakes/one".to_owned(),
            endpoint: None,
            region: REGION.to_owned(),
        };
        let store: Arc<dyn ObjectStore> = Arc::clone(&self.store) as _;
        Place::through(store, &bucket, &self.disks.path().join(machine)).join("shop/silver/sales")
    }

    async fn keys(&self) -> Vec<String> {
        use futures::TryStreamExt;
        let found: Vec<_> = self.store.list(None).try_collect().await.unwrap();
        found.into_iter().map(|object| object.location.to_string()).collect()
    }
}

fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

async fn all(place: &Place) -> Rows {
    let snapshot = open(place).await.unwrap().unwrap();
    tokio::task::spawn_blocking(move || rows_of(snapshot.scan(None).unwrap())).await.unwrap()
}

#[tokio::test]
async fn machines_see_each_others_commits_at_once_and_fetch_only_what_they_read() {
    let cloud = Cloud::new();
    let (a, b) = (cloud.table("a"), cloud.table("b"));
    assert!(open(&a).await.unwrap().is_none());
    let dates: Vec<_> = (0..4).map(|number| Some(day(number))).collect();
    put(&a, "first", &dates, 10).await.unwrap();
    let seen = open(&b).await.unwrap().unwrap();
    assert_eq!((seen.version(), seen.rows()), (0, 40));
    assert_eq!(files(b.folder()), 0, "a log is read from the storage");
    let one = tokio::task::spawn_blocking(move || rows_of(seen.scan(Some(&[day(2)])).unwrap())).await.unwrap();
    assert_eq!(one, Rows::from([(Some(day(2)), expected("first", 10))]));
    assert_eq!(files(b.folder()), 1, "one date is one file");
    let shown = page(&b, PageRequest { offset: 5, limit: 3, ..Default::default() }).await.unwrap();
    assert_eq!((shown.rows, shown.total, files(b.folder())), (3, 40, 2));
    put(&b, "second", &[Some(day(1))], 3).await.unwrap();
    put(&a, "third", &[Some(day(0)), None], 2).await.unwrap();
    put(&b, "fourth", &[Some(day(3))], 1).await.unwrap();
    let now_there = Rows::from([
        (Some(day(0)), expected("third", 2)),
        (Some(day(1)), expected("second", 3)),
        (Some(day(2)), expected("first", 10)),
        (Some(day(3)), expected("fourth", 1)),
        (None, expected("third", 2)),
    ]);
    assert_eq!(all(&a).await, now_there);
    assert_eq!(all(&cloud.table("c")).await, now_there);
    assert!(cloud.keys().await.iter().all(|key| key.starts_with("lakes/one/shop/silver/sales/")));
}

#[tokio::test]
async fn history_differences_and_restores_need_nothing_of_the_machine() {
    let cloud = Cloud::new();
    for (run, date) in [("a", 0), ("b", 1), ("c", 1)] {
        put(&cloud.table("writer"), run, &[Some(day(date))], 4).await.unwrap();
    }
    let reader = cloud.table("reader");
    let runs: Vec<_> =
        history(&reader, 2).await.unwrap().into_iter().map(|one| (one.version, one.run.unwrap())).collect();
    assert_eq!(runs, [(2, "c".to_owned()), (1, "b".to_owned())]);
    let change = change_of_run(&reader, "b", 10).await.unwrap().unwrap();
    assert_eq!((change.before, change.after), (Some(0), 1));
    let (before, after) = (open_version(&reader, 1).await.unwrap(), open_version(&reader, 2).await.unwrap());
    assert!(before.committed_at().is_some());
    let key = vec!["id".to_owned()];
    let told =
        tokio::task::spawn_blocking(move || difference(Some(&before), &after, &DifferenceAsk::by(&key)).unwrap());
    let told = told.await.unwrap();
    assert_eq!((told.changed, told.untouched, told.files_read), (4, 4, 2));
    let back = |version| Restore {
        folder: reader.clone(),
        environment: "local",
        table: "shop/silver/sales",
        to: RestoreTo::Version(version),
        seen: None,
        run: "undo",
        definition: "d1",
        note: "undid run c",
    };
    restore(&permit(), now(), back(1)).await.unwrap();
    assert_eq!(all(&reader).await[&Some(day(1))], expected("b", 4));
    let gone = open_version(&reader, 2).await.unwrap().files().iter().find(|file| file.path.contains("-c-")).cloned();
    let key = Key::from(format!("lakes/one/shop/silver/sales/{}", gone.map_or_else(|| lost(&cloud), |file| file.path)));
    cloud.store.delete(&key).await.unwrap();
    let error = restore(&permit(), now(), back(2)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound, "{error}");
}

/// The data file of run c.
fn lost(cloud: &Cloud) -> String {
    let keys = futures::executor::block_on(cloud.keys());
    let key = keys.iter().find(|key| key.contains("part-c-")).unwrap();
    key.strip_prefix("lakes/one/shop/silver/sales/").unwrap().to_owned()
}

#[tokio::test]
async fn what_is_not_committed_leaves_the_storage() {
    let cloud = Cloud::new();
    let table = cloud.table("a");
    put(&table, "a", &[Some(day(0))], 4).await.unwrap();
    let there = cloud.keys().await;
    let (rows, place) = (frame("b", &[Some(day(0))], 4), table.clone());
    let staged = std::thread::spawn(move || stage(&place, rows, "b")).join().unwrap();
    let columns = schema();
    let mut refused = change(&table, &columns, Scope::dates(&[day(0)]), staged.clone(), "b");
    refused.audit = &|_, _| Err("no".to_owned());
    assert_eq!(replace(&permit(), now(), refused).await.unwrap_err().kind(), Kind::Refused);
    assert_eq!(cloud.keys().await.len(), there.len() + 1, "files wait for the commit");
    let place = table.clone();
    tokio::task::spawn_blocking(move || discard(&place, &staged)).await.unwrap();
    assert_eq!(cloud.keys().await, there);

    cloud
        .store
        .put(&Key::from("lakes/one/shop/silver/sales/date=2024-01-01/part-dead-1.parquet"), "x".into())
        .await
        .unwrap();
    cloud.store.put(&Key::from("lakes/one/shop/silver/sales/date=2024-01-01/other.parquet"), "x".into()).await.unwrap();
    let young = sweep(&table, Duration::from_secs(3600), chrono::Utc::now()).await.unwrap();
    assert_eq!(young.files, 0);
    let swept = sweep(&table, Duration::from_secs(3600), chrono::Utc::now() + Duration::from_secs(7200)).await.unwrap();
    assert_eq!((swept.files, swept.bytes), (1, 1));
    assert_eq!(cloud.keys().await.len(), there.len() + 1, "what Assay did not stage stays");
    assert_eq!(all(&cloud.table("b")).await, Rows::from([(Some(day(0)), expected("a", 4))]));
}

#[tokio::test]
async fn many_commits_make_checkpoints_and_old_ones_need_no_first_commit() {
    let cloud = Cloud::new();
    for number in 0..25 {
        put(&cloud.table("a"), &format!("r{number}"), &[Some(day(number % 3))], 2).await.unwrap();
    }
    assert!(cloud.keys().await.iter().any(|key| key.ends_with("00000000000000000019.checkpoint.parquet")));
    for version in 0..15 {
        let key = format!("lakes/one/shop/silver/sales/_delta_log/{version:020}.json");
        cloud.store.delete(&Key::from(key)).await.unwrap();
    }
    let latest = Rows::from([21, 22, 23, 24].map(|n: u32| (Some(day(n % 3)), expected(&format!("r{n}"), 2))));
    assert_eq!(all(&cloud.table("b")).await, latest);
    assert_eq!(history(cloud.table("b"), 99).await.unwrap().len(), 10);
}

/// A table in a bucket of the real server, reached through `endpoint`.
fn real(server: &Server, bucket: &str, endpoint: &str, disk: &Path) -> Place {
    let bucket = Bucket {
        name: bucket.to_owned(),
        prefix: "lake".to_owned(),
        endpoint: Some(endpoint.to_owned()),
        region: REGION.to_owned(),
    };
    let keys = server.keys().clone();
    let keys = Keys::of(|name| match name {
        "AWS_ACCESS_KEY_ID" => Some(keys.id.clone()),
        "AWS_SECRET_ACCESS_KEY" => Some(keys.secret.clone()),
        _ => None,
    });
    Place::in_bucket(&bucket, &disk.join("cache/lake"), &Access { keys, cache_limit: 1 << 30 })
        .join("shop/silver/sales")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_that_fails_on_the_way_loses_and_doubles_nothing() {
    let (server, bucket, proxy) = tokio::task::spawn_blocking(|| {
        let server = Server::shared().unwrap();
        let bucket = server.bucket().unwrap().name().to_owned();
        let proxy = Proxy::before(&server).unwrap();
        (server, bucket, proxy)
    })
    .await
    .unwrap();
    let disk = tempfile::tempdir().unwrap();
    let table = real(&server, &bucket, &proxy.endpoint(), disk.path());
    let (log, data) = ("*/_delta_log/*.json", "*/part-*");
    let rules: [&dyn Fn() -> Vec<Rule>; 6] = [
        &|| vec![Rule::new(&[Asked::Put], log, Fault::LostAnswer).times(1)],
        &|| vec![Rule::new(&[Asked::Put], log, Fault::DoneAndError).times(1)],
        &|| vec![Rule::new(&[Asked::Put], data, Fault::LostAnswer).times(1)],
        &|| vec![Rule::new(&[Asked::Put], data, Fault::SlowDown).times(2)],
        &|| vec![Rule::new(&[Asked::Get], log, Fault::Cut).times(1)],
        &|| vec![Rule::new(&[Asked::List], "*", Fault::InternalError).times(2)],
    ];
    for (number, rules) in (0u32..).zip(rules) {
        proxy.forget();
        proxy.set(rules());
        put(&table, &format!("r{number}"), &[Some(day(number))], 5).await.unwrap();
        assert!(!proxy.struck().is_empty(), "fault {number} was met");
    }
    proxy.set(Vec::new());
    let direct = real(&server, &bucket, &server.endpoint(), &disk.path().join("other"));
    let all_of = Rows::from([0, 1, 2, 3, 4, 5].map(|n: u32| (Some(day(n)), expected(&format!("r{n}"), 5))));
    assert_eq!(all(&direct).await, all_of);
    assert_eq!(history(&direct, 99).await.unwrap().len(), 6, "each run is one commit");

    proxy.set(vec![Rule::new(&[Asked::Put], data, Fault::SlowDown).always()]);
    let error = put(&table, "down", &[Some(day(0))], 5).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Io);
    assert_eq!(
        error.to_string(),
        format!(
            "writing s3://{bucket}/lake/shop/silver/sales failed: the storage answered 503 SlowDown; the table is as \
             it was before. Run again when the storage and its keys are in order"
        )
    );
    assert_eq!(all(&direct).await, all_of);
    assert_eq!(rows(&direct).await, all_of);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_on_several_machines_exclude_each_other_at_a_real_server() {
    let (server, bucket) = tokio::task::spawn_blocking(|| {
        let server = Server::shared().unwrap();
        let bucket = server.bucket().unwrap().name().to_owned();
        (server, bucket)
    })
    .await
    .unwrap();
    let disk = tempfile::tempdir().unwrap();
    let machine = |name: &str| real(&server, &bucket, &server.endpoint(), &disk.path().join(name));
    let (a, b) = (machine("a"), machine("b"));
    let write = |place: Place, run: &'static str| async move {
        for _ in 0..3 {
            put(&place, run, &[Some(day(0)), Some(day(if run == "a" { 1 } else { 2 }))], 4).await.unwrap();
        }
    };
    tokio::join!(write(a.clone(), "a"), write(b.clone(), "b"));
    let mut seen = all(&machine("c")).await;
    let contested = seen.remove(&Some(day(0))).unwrap();
    assert!([expected("a", 4), expected("b", 4)].contains(&contested), "one of the two, whole: {contested:?}");
    assert_eq!(seen, Rows::from([(Some(day(1)), expected("a", 4)), (Some(day(2)), expected("b", 4))]));
    assert_eq!(history(&b, 99).await.unwrap().len(), 6);
}
