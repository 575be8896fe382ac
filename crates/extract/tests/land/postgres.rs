//! Landings of PostgreSQL tables: pages, snapshots, watermarks, interruptions.

use crate::cluster::{Cluster, shared};
use crate::support::{Script, World, source};
use assay_extract::{ExtractError, Landed, Origin, Quiet, Snapshot, Watch};
use assay_pipeline::{Feed, Source, TableFeed};
use std::fs;

pub fn feed(table: &str, key: &[&str], watermark: Option<&str>, page_rows: u32) -> (Source, Feed) {
    let feed = TableFeed {
        connection: "shop".to_owned(),
        table: table.to_owned(),
        key: key.iter().map(|column| (*column).to_owned()).collect(),
        watermark: watermark.map(str::to_owned),
        page_rows,
    };
    source("orders", "bronze/orders/extracted_at=*", Feed::Postgres(feed))
}

pub async fn land(
    world: &World,
    cluster: &Cluster,
    feed: &(Source, Feed),
    run: &str,
    watch: &dyn Watch,
) -> Result<Landed, ExtractError> {
    let server = cluster.server("assay");
    world.land(feed, Origin::Postgres { server: &server, snapshot: None }, run, false, watch).await
}

/// A schema with a table of so many rows: key, text, stamp.
async fn table(cluster: &Cluster, schema: &str, rows: u32) {
    let client = cluster.client().await;
    let sql = format!(
        "CREATE SCHEMA {schema}; \
         CREATE TABLE {schema}.t (id bigint PRIMARY KEY, name text, updated_at timestamptz NOT NULL); \
         INSERT INTO {schema}.t SELECT i, 'n' || i, timestamptz '2026-01-01 00:00:00Z' + i * interval '1 second' \
         FROM generate_series(1, {rows}) i"
    );
    client.batch_execute(&sql).await.unwrap();
}

fn ids(world: &World, landed: &Landed) -> Vec<u32> {
    world.rows(landed).iter().map(|row| row.split('|').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn pages_follow_the_key_and_appear_at_once() {
    let (cluster, world) = (shared().await, World::new(&[]));
    let client = cluster.client().await;
    client
        .batch_execute(
            "CREATE SCHEMA pages; CREATE TABLE pages.\"Lines\" (\"Order\" text, no int, note text, PRIMARY KEY (\"Order\", no)); \
             INSERT INTO pages.\"Lines\" SELECT chr(96 + i % 5) || '''\"', i, NULL FROM generate_series(1, 23) i",
        )
        .await
        .unwrap();
    let feed = feed("pages.Lines", &["Order", "no"], None, 10);
    let landed = land(&world, &cluster, &feed, "r1", &Quiet).await.unwrap();
    let folder = "bronze/orders/extracted_at=20260102T030405Z";
    let expected: Vec<_> = [(1, 10), (2, 10), (3, 3)]
        .map(|(page, rows)| (format!("{folder}/page-{page:05}.parquet"), Some(rows)))
        .to_vec();
    let found: Vec<_> = landed.files.iter().map(|file| (file.path.clone(), file.rows)).collect();
    assert_eq!(found, expected);
    assert!(landed.files.iter().all(|file| file.bytes == fs::metadata(world.path(&file.path)).unwrap().len()));
    assert_eq!(landed.note, "23 rows in 3 pages");
    let mut rows: Vec<(char, u32)> = (1..=23).map(|i| (char::from(b'`' + (i % 5) as u8), i)).collect();
    rows.sort_unstable();
    let expected: Vec<String> = rows.iter().map(|(letter, i)| format!("{letter}'\"|{i}|~")).collect();
    assert_eq!(world.rows(&landed), expected);
    assert_eq!(world.listed("bronze/orders"), ["extracted_at=20260102T030405Z"]);
    assert_eq!(world.listed(folder).len(), 3);

    // The same run again has nothing to do; another run finds the same rows.
    let again = land(&world, &cluster, &feed, "r1", &Quiet).await.unwrap();
    assert_eq!(again.files, landed.files);
    world.pass(60);
    let next = land(&world, &cluster, &feed, "r2", &Quiet).await.unwrap();
    assert_eq!((next.files.len(), &*next.note), (0, "nothing new"));
    client.batch_execute("UPDATE pages.\"Lines\" SET note = 'x' WHERE no = 23").await.unwrap();
    let next = land(&world, &cluster, &feed, "r3", &Quiet).await.unwrap();
    assert_eq!((next.files.len(), world.listed("bronze/orders").len()), (3, 2));
}

#[tokio::test]
async fn a_full_last_page_is_followed_by_none() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "full_page", 20).await;
    let landed = land(&world, &cluster, &feed("full_page.t", &["id"], None, 10), "r1", &Quiet).await.unwrap();
    assert_eq!(landed.files.len(), 2);
    assert_eq!(ids(&world, &landed), (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_table_without_rows_makes_no_folder() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "no_rows", 0).await;
    let feed = feed("no_rows.t", &["id"], Some("updated_at"), 10);
    let landed = land(&world, &cluster, &feed, "r1", &Quiet).await.unwrap();
    assert_eq!((landed.files.len(), &*landed.note), (0, "the table holds no rows"));
    assert!(world.listed("bronze").is_empty());
}

#[tokio::test]
async fn all_pages_are_of_one_moment() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "moment", 25).await;
    let other = shared().await;
    let watch = Script::at_first_progress(move || {
        other.client_blocking("DELETE FROM moment.t WHERE id > 20; UPDATE moment.t SET name = 'changed'");
        other.client_blocking("INSERT INTO moment.t VALUES (100, 'new', now())");
    });
    let landed = land(&world, &cluster, &feed("moment.t", &["id"], None, 10), "r1", &watch).await.unwrap();
    assert!(watch.first.lock().unwrap().is_none());
    let expected: Vec<String> = (1..=25).map(|i| format!("{i}|n{i}|2026-01-01T00:00:{i:02}Z")).collect();
    assert_eq!(world.rows(&landed), expected);
}

#[tokio::test]
async fn several_tables_share_a_snapshot() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "shared_snapshot", 3).await;
    let server = cluster.server("assay");
    let snapshot = Snapshot::take(&server).await.unwrap();
    cluster.client().await.batch_execute("DELETE FROM shared_snapshot.t").await.unwrap();
    let origin = Origin::Postgres { server: &server, snapshot: Some(snapshot.id()) };
    let feed = feed("shared_snapshot.t", &["id"], None, 10);
    let landed = world.land(&feed, origin, "r1", false, &Quiet).await.unwrap();
    assert_eq!(ids(&world, &landed), [1, 2, 3]);
    drop(snapshot);
}

#[tokio::test]
async fn a_watermark_reads_what_changed_and_what_came_with_the_same_stamp() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "watermark", 30).await;
    let client = cluster.client().await;
    let feed = feed("watermark.t", &["id"], Some("updated_at"), 10);
    let landed = land(&world, &cluster, &feed, "r1", &Quiet).await.unwrap();
    assert_eq!(landed.note, "30 rows in 3 pages");
    world.pass(60);
    let landed = land(&world, &cluster, &feed, "r2", &Quiet).await.unwrap();
    assert_eq!((landed.files.len(), &*landed.note), (0, "nothing new"));
    // Committed later with the greatest stamp that was seen.
    client.batch_execute("INSERT INTO watermark.t SELECT 31, 'late', max(updated_at) FROM watermark.t").await.unwrap();
    let landed = land(&world, &cluster, &feed, "r3", &Quiet).await.unwrap();
    assert_eq!(ids(&world, &landed), [30, 31]);
    world.pass(60);
    client.batch_execute("UPDATE watermark.t SET updated_at = '2026-02-01Z', name = 'new' WHERE id = 7").await.unwrap();
    let landed = land(&world, &cluster, &feed, "r4", &Quiet).await.unwrap();
    assert_eq!(ids(&world, &landed), [7, 30, 31]);
    assert_eq!(landed.note, "3 rows in 1 page, changed since the landing of 2026-01-02T03:05:05.000000Z");
    assert_eq!(world.listed("bronze/orders").len(), 3);
    // A refresh reads the whole table.
    world.pass(60);
    let server = cluster.server("assay");
    let origin = Origin::Postgres { server: &server, snapshot: None };
    let landed = world.land(&feed, origin, "r5", true, &Quiet).await.unwrap();
    assert_eq!(ids(&world, &landed).len(), 31);
}

#[tokio::test]
async fn rows_without_a_watermark_are_always_read() {
    let (cluster, world) = (shared().await, World::new(&[]));
    let client = cluster.client().await;
    client
        .batch_execute(
            "CREATE SCHEMA no_mark; CREATE TABLE no_mark.t (id int PRIMARY KEY, version int); \
             INSERT INTO no_mark.t VALUES (1, 10), (2, NULL), (3, 20)",
        )
        .await
        .unwrap();
    let feed = feed("no_mark.t", &["id"], Some("version"), 10);
    land(&world, &cluster, &feed, "r1", &Quiet).await.unwrap();
    world.pass(60);
    let landed = land(&world, &cluster, &feed, "r2", &Quiet).await.unwrap();
    assert_eq!((landed.files.len(), &*landed.note), (0, "nothing new"));
    client.batch_execute("INSERT INTO no_mark.t VALUES (4, NULL)").await.unwrap();
    let landed = land(&world, &cluster, &feed, "r3", &Quiet).await.unwrap();
    assert_eq!(ids(&world, &landed), [2, 3, 4]);
}

#[tokio::test]
async fn an_interrupted_run_goes_on_after_its_last_page() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "interrupted", 35).await;
    let feed = feed("interrupted.t", &["id"], Some("updated_at"), 10);
    let error = land(&world, &cluster, &feed, "r1", &Script::cancelling()).await.unwrap_err();
    assert!(matches!(error, ExtractError::Cancelled), "{error}");
    assert!(world.listed("bronze").is_empty(), "no reader sees the pages");
    assert_eq!(world.listed(".landed/orders/pages-r1"), ["page-00001.parquet"]);
    // A row whose page is done changes, and later a row of the pages to come.
    let sql = "UPDATE interrupted.t SET updated_at = '2026-03-01Z', name = 'late' WHERE id = 1; \
               UPDATE interrupted.t SET updated_at = '2026-03-02Z' WHERE id = 33";
    cluster.client().await.batch_execute(sql).await.unwrap();
    world.pass(60);
    let watch = Script::listening();
    let landed = land(&world, &cluster, &feed, "r1", &watch).await.unwrap();
    assert_eq!(ids(&world, &landed), (1..=35).collect::<Vec<_>>());
    assert_eq!(
        world.listed("bronze/orders"),
        ["extracted_at=20260102T030405Z"],
        "the landing is that of the first attempt"
    );
    assert!(watch.said().contains("the pages to come are of a new snapshot"), "{}", watch.said());
    assert!(landed.note.contains("of 2 snapshots because it was interrupted"), "{}", landed.note);
    // The change that the first snapshot could not know comes with the next landing.
    let landed = land(&world, &cluster, &feed, "r2", &Quiet).await.unwrap();
    assert!(world.rows(&landed).contains(&"1|late|2026-03-01T00:00:00Z".to_owned()), "{:?}", world.rows(&landed));
}

#[tokio::test]
async fn a_lost_connection_keeps_the_finished_pages() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "lost", 35).await;
    let feed = feed("lost.t", &["id"], None, 10);
    let other = shared().await;
    let watch = Script::at_first_progress(move || {
        other.client_blocking(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'assay' AND query LIKE '%\"lost\"%'",
        );
    });
    let error = land(&world, &cluster, &feed, "r1", &watch).await.unwrap_err();
    assert!(matches!(error, ExtractError::Query { .. }), "{error}");
    let landed = land(&world, &cluster, &feed, "r1", &Quiet).await.unwrap();
    assert_eq!(ids(&world, &landed), (1..=35).collect::<Vec<_>>());
    assert!(landed.note.contains("of 2 snapshots"), "{}", landed.note);
}

#[tokio::test]
async fn a_cancel_between_pages_keeps_those_that_are_done() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "between", 35).await;
    let feed = feed("between.t", &["id"], None, 10);
    let error = land(&world, &cluster, &feed, "r1", &Script::cancelling()).await.unwrap_err();
    assert!(matches!(error, ExtractError::Cancelled), "{error}");
    let before = world.listed(".landed/orders/pages-r1");
    assert!(!before.is_empty());
    // Rows that are already in a page are not read again: they are gone, and still landed.
    cluster.client().await.batch_execute("DELETE FROM between.t WHERE id <= 10").await.unwrap();
    let watch = Script::listening();
    let landed = land(&world, &cluster, &feed, "r1", &watch).await.unwrap();
    assert_eq!(ids(&world, &landed), (1..=35).collect::<Vec<_>>());
    assert!(watch.said().starts_with("goes on after 1 page, 10 rows"), "{}", watch.said());
}

#[tokio::test]
async fn another_run_starts_over() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "starts_over", 25).await;
    let feed = feed("starts_over.t", &["id"], None, 10);
    land(&world, &cluster, &feed, "r1", &Script::cancelling()).await.unwrap_err();
    cluster.client().await.batch_execute("DELETE FROM starts_over.t WHERE id <= 10").await.unwrap();
    let landed = land(&world, &cluster, &feed, "r2", &Quiet).await.unwrap();
    assert_eq!(ids(&world, &landed), (11..=25).collect::<Vec<_>>());
    assert!(!world.path(".landed/orders/pages-r1").exists(), "what was not finished is gone");
}

#[tokio::test]
async fn another_shape_starts_over_and_reads_everything() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "shape", 25).await;
    let feed = feed("shape.t", &["id"], Some("updated_at"), 10);
    land(&world, &cluster, &feed, "r1", &Quiet).await.unwrap();
    cluster.client().await.batch_execute("ALTER TABLE shape.t ADD COLUMN extra int DEFAULT 5").await.unwrap();
    world.pass(60);
    let landed = land(&world, &cluster, &feed, "r2", &Quiet).await.unwrap();
    assert_eq!(ids(&world, &landed).len(), 25, "rows that did not change have a new column");
}

#[tokio::test]
async fn a_crash_before_the_folder_moved_is_finished_by_the_next_run() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "crash", 25).await;
    let feed = feed("crash.t", &["id"], Some("updated_at"), 10);
    let landed = land(&world, &cluster, &feed, "r1", &Quiet).await.unwrap();
    // As it was when the record said complete and the folder had not moved.
    let (folder, pages) = ("bronze/orders/extracted_at=20260102T030405Z", ".landed/orders/pages-r1");
    fs::rename(world.path(folder), world.path(pages)).unwrap();
    fs::write(world.path(pages).join("page-00009.parquet.tmp"), "half").unwrap();
    world.pass(60);
    let next = land(&world, &cluster, &feed, "r2", &Quiet).await.unwrap();
    assert_eq!((next.files.len(), &*next.note), (0, "nothing new"));
    assert_eq!(world.listed(folder).len(), 3);
    assert_eq!(ids(&world, &landed), (1..=25).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_landing_that_was_removed_is_read_again() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "removed", 5).await;
    let feed = feed("removed.t", &["id"], Some("updated_at"), 10);
    land(&world, &cluster, &feed, "r1", &Quiet).await.unwrap();
    fs::remove_dir_all(world.path("bronze/orders/extracted_at=20260102T030405Z")).unwrap();
    let landed = land(&world, &cluster, &feed, "r2", &Quiet).await.unwrap();
    assert_eq!(ids(&world, &landed), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn two_landings_of_one_second_have_two_folders() {
    let (cluster, world) = (shared().await, World::new(&[]));
    table(&cluster, "one_second", 5).await;
    let feed = feed("one_second.t", &["id"], Some("updated_at"), 10);
    land(&world, &cluster, &feed, "r1", &Quiet).await.unwrap();
    cluster.client().await.batch_execute("UPDATE one_second.t SET updated_at = now() WHERE id = 1").await.unwrap();
    land(&world, &cluster, &feed, "r2", &Quiet).await.unwrap();
    let expected = ["extracted_at=20260102T030405Z", "extracted_at=20260102T030406Z"];
    assert_eq!(world.listed("bronze/orders"), expected);
}
