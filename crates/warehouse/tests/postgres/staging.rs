//! Loads through a lasting staging table, and the load log's memory of which lake's table it holds.

use crate::support::{client, lines, load, now, permit, rows, sales, shared};
use assay_warehouse::{LoadJob, LoadOutcome, Replace, Warehouse, WarehouseError, WarehouseType};
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::io;

const ONE_TWO: &str = "2024-01-01,A,10.00\n2024-01-01,B,5.50\n2024-01-02,A,1.25\n";

fn staged(schema: &str, days: &[u32], version: i64) -> LoadJob {
    let mut job = sales(schema, days, version);
    job.staging = Some(format!("{schema}_staging"));
    job.sums = vec!["revenue".into()];
    job
}

#[tokio::test]
async fn rows_wait_in_the_staging_schema_and_stay_there() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let look = client(&shared.cluster).await;
    let outcome = load(&mut warehouse, &staged("waits", &[1, 2], 1), ONE_TWO).await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 3, replaced: 0, sums_replaced: vec![None] });
    let staging = "SELECT day, store, revenue FROM waits_staging.daily ORDER BY 1, 2";
    let expected = ["2024-01-01|A|10.00", "2024-01-01|B|5.50", "2024-01-02|A|1.25"];
    assert_eq!(lines(&look, staging).await, expected);
    assert_eq!(lines(&look, "SELECT * FROM waits.daily ORDER BY 1, 2").await, expected);

    let outcome = load(&mut warehouse, &staged("waits", &[1], 2), "2024-01-01,C,7\n").await.unwrap();
    let sums_replaced = vec![Some("15.50".to_owned())];
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 2, sums_replaced });
    assert_eq!(lines(&look, staging).await, ["2024-01-01|C|7"]);
    assert_eq!(lines(&look, "SELECT * FROM waits.daily ORDER BY 1").await, ["2024-01-01|C|7.00", "2024-01-02|A|1.25"]);
    let again = load(&mut warehouse, &staged("waits", &[1], 2), "never read").await.unwrap();
    assert_eq!(again, LoadOutcome::AlreadyLoaded);

    // Other columns make the staging table anew; a table that a person made there stays as it is.
    let mut wider = staged("waits", &[], 3);
    wider.mode = Replace::All;
    wider.columns[2].kind = WarehouseType::Int64;
    let outcome = load(&mut warehouse, &wider, "2024-01-01,C,7\n").await.unwrap();
    let sums_replaced = vec![Some("8.25".to_owned())];
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 2, sums_replaced });
    look.batch_execute("COMMENT ON TABLE waits_staging.daily IS 'mine'").await.unwrap();
    wider.lake_version = 4;
    let error = load(&mut warehouse, &wider, "2024-01-01,C,8\n").await.unwrap_err();
    assert!(matches!(&error, WarehouseError::Schema { table, .. } if table == "waits_staging.daily"), "{error}");
    assert_eq!(lines(&look, "SELECT revenue FROM waits_staging.daily").await, ["7"]);
    assert_eq!(lines(&look, "SELECT revenue FROM waits.daily").await, ["7"]);
}

#[tokio::test]
async fn a_refused_or_broken_load_leaves_both_tables_and_no_lock() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let look = client(&shared.cluster).await;
    load(&mut warehouse, &staged("kept", &[1, 2], 1), ONE_TWO).await.unwrap();
    for (text, line, column) in [
        ("2024-01-01,A,1\n2024-01-01,A,1.005\n", 2, "revenue"),
        ("2024-01-01,A,1\n2024-01-03,A,1\n", 2, "day"),
        ("2024-01-01,A,secret\n", 1, "revenue"),
    ] {
        let error = load(&mut warehouse, &staged("kept", &[1], 2), text).await.unwrap_err();
        let WarehouseError::Refused { refusal, .. } = &error else { panic!("{error}") };
        assert_eq!((refusal.line, refusal.column.as_deref()), (Some(line), Some(column)), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    let bad = rows("2024-01-01,B,1.00\n").chain(stream::iter([Err(io::Error::other("the file went away"))]));
    warehouse.load(&permit(), now(), &staged("kept", &[1], 2), bad).await.unwrap_err();
    assert_eq!(lines(&look, "SELECT count(*) FROM kept.daily").await, ["3"]);
    assert_eq!(lines(&look, "SELECT count(*) FROM kept_staging.daily").await, ["3"]);
    // Another session need not wait for the first one.
    let mut other = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    load(&mut other, &staged("kept", &[1], 2), "2024-01-01,Z,1\n").await.unwrap();
    assert_eq!(lines(&look, "SELECT count(*) FROM kept.daily").await, ["2"]);
}

/// Ends the session of a load after its staging was committed, before it replaces.
#[tokio::test(flavor = "multi_thread")]
async fn a_load_killed_between_both_transactions_leaves_the_table_whole_and_is_done_again() {
    let shared = shared().await;
    let target = shared.cluster.server();
    let look = client(&shared.cluster).await;
    let mut warehouse = Warehouse::connect(&target).await.unwrap();
    load(&mut warehouse, &staged("between", &[1, 2], 1), ONE_TWO).await.unwrap();
    // A reader that holds the table in a transaction of its own keeps the load before its replacing.
    let mut holder = client(&shared.cluster).await;
    let held = holder.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE between.daily IN SHARE MODE").await.unwrap();
    let job = staged("between", &[1], 2);
    let loading = tokio::spawn(async move { load(&mut warehouse, &job, "2024-01-01,N,2\n").await });
    let waiting =
        "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%\"between\".\"daily\"%'";
    let pid = loop {
        if let Some(pid) = lines(&look, waiting).await.first() {
            break pid.clone();
        }
    };
    assert_eq!(lines(&look, "SELECT store FROM between_staging.daily").await, ["N"], "staged and committed");
    look.batch_execute(&format!("SELECT pg_terminate_backend({pid})")).await.unwrap();
    let error = loading.await.unwrap().unwrap_err();
    assert!(matches!(error, WarehouseError::Interrupted { .. }), "{error}");
    held.rollback().await.unwrap();
    assert_eq!(lines(&look, "SELECT count(*), sum(revenue) FROM between.daily").await, ["3|16.75"]);
    let mut again = Warehouse::connect(&target).await.unwrap();
    let outcome = load(&mut again, &staged("between", &[1], 2), "2024-01-01,N,2\n").await.unwrap();
    let sums_replaced = vec![Some("15.50".to_owned())];
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 2, sums_replaced });
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_at_once_through_one_staging_table_take_turns() {
    let shared = shared().await;
    let target = shared.cluster.server();
    let one = |day: u32| {
        let (target, job) = (target.clone(), staged("turns", &[day], 1));
        tokio::spawn(async move {
            let mut warehouse = Warehouse::connect(&target).await.unwrap();
            let text = (0..20_000).map(|n| format!("2024-01-0{day},s{n},{day}.00\n")).collect::<String>();
            let chunks: Vec<_> =
                text.into_bytes().chunks(65_536).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
            warehouse.load(&permit(), now(), &job, stream::iter(chunks)).await
        })
    };
    let (a, b, c) = tokio::join!(one(1), one(2), one(3));
    for outcome in [a, b, c] {
        assert!(matches!(outcome.unwrap().unwrap(), LoadOutcome::Loaded { copied: 20_000, replaced: 0, .. }));
    }
    let look = client(&shared.cluster).await;
    let counted = "SELECT day, count(*), sum(revenue) FROM turns.daily GROUP BY day ORDER BY day";
    let expected = ["2024-01-01|20000|20000.00", "2024-01-02|20000|40000.00", "2024-01-03|20000|60000.00"];
    assert_eq!(lines(&look, counted).await, expected);
}

#[tokio::test]
async fn a_table_made_anew_in_the_lake_is_loaded_whatever_its_version() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let look = client(&shared.cluster).await;
    load(&mut warehouse, &sales("anew", &[1, 2], 7), ONE_TWO).await.unwrap();
    for version in [7, 0] {
        let mut job = sales("anew", &[1, 2], version);
        job.lake_table = format!("table of version {version}");
        let outcome = load(&mut warehouse, &job, "2024-01-01,N,1\n").await.unwrap();
        assert!(matches!(outcome, LoadOutcome::Loaded { .. }), "{outcome:?}");
        assert_eq!(load(&mut warehouse, &job, "x").await.unwrap(), LoadOutcome::AlreadyLoaded);
    }
    assert_eq!(lines(&look, "SELECT count(*) FROM anew.daily").await, ["1"]);
}

#[tokio::test]
async fn a_load_log_of_an_earlier_program_is_kept_and_its_entries_are_of_no_known_table() {
    let folder = crate::support::folder();
    let cluster = assay_warehouse::Cluster::start(folder.path()).await.unwrap();
    let look = client(&cluster).await;
    look.batch_execute(
        "CREATE SCHEMA assay; CREATE TABLE assay.load_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
         pipeline text NOT NULL, environment text NOT NULL, schema_name text NOT NULL, table_name text NOT NULL, \
         date date, lake_version bigint NOT NULL, run text NOT NULL, rows bigint NOT NULL, \
         loaded_at timestamptz NOT NULL); \
         INSERT INTO assay.load_log (pipeline, environment, schema_name, table_name, lake_version, run, rows, loaded_at) \
         VALUES ('sales', 'local', 'old', 'daily', 9, 'r', 3, now()); \
         CREATE SCHEMA old; CREATE TABLE old.daily (day date, store text, revenue numeric(15,2)); \
         INSERT INTO old.daily VALUES ('2024-01-01', 'A', 1)",
    )
    .await
    .unwrap();
    let mut warehouse = Warehouse::connect(&cluster.server()).await.unwrap();
    let outcome = load(&mut warehouse, &sales("old", &[1], 2), "2024-01-01,N,2\n").await.unwrap();
    assert_eq!(outcome, LoadOutcome::Loaded { copied: 1, replaced: 1, sums_replaced: vec![] });
    let log = "SELECT lake_version, lake_table FROM assay.load_log ORDER BY id";
    assert_eq!(lines(&look, log).await, ["9|~", "2|table-1"]);
    assert_eq!(load(&mut warehouse, &sales("old", &[1], 2), "x").await.unwrap(), LoadOutcome::AlreadyLoaded);
    drop((warehouse, look));
    cluster.stop().await.unwrap();
}
