//! A large table is landed in little memory. Alone in its program, so that the peak is that of the landing.
#![allow(clippy::unwrap_used)]

#[path = "land/cluster.rs"]
#[allow(dead_code)]
mod cluster;
#[path = "land/support.rs"]
#[allow(dead_code)]
mod support;

use assay_extract::{Origin, Quiet};
use assay_pipeline::{Feed, TableFeed};

const ROWS: u64 = 100_000;

/// The largest memory of this process so far, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_page_of_any_size_takes_little_memory() {
    let (cluster, world) = (cluster::shared().await, support::World::new(&[]));
    // Texts that do not compress: 200 MB of them, in one page.
    let sql = "CREATE SCHEMA large; CREATE TABLE large.t (id int PRIMARY KEY, note text); INSERT INTO large.t \
               SELECT i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 64) j) FROM generate_series(1, 100000) i";
    cluster.client().await.batch_execute(sql).await.unwrap();
    let feed = Feed::Postgres(TableFeed {
        connection: "shop".to_owned(),
        table: "large.t".to_owned(),
        key: vec!["id".to_owned()],
        watermark: None,
        page_rows: 1_000_000,
    });
    let before = peak();
    let server = cluster.server("assay");
    let origin = Origin::Postgres { server: &server, snapshot: None };
    let landed =
        world.land(&support::source("large", "bronze/large", feed), origin, "r1", false, &Quiet).await.unwrap();
    let grown = peak() - before;
    assert_eq!((landed.files.len(), landed.files[0].rows), (1, Some(ROWS)));
    assert!(landed.files[0].bytes > 100 << 20, "{} bytes are no test", landed.files[0].bytes);
    assert!(grown < 120 << 20, "the landing took {} MB", grown >> 20);
}
