//! Measuring and looking: exact, bounded, and changing nothing.

use crate::support::{client, column, day, load, now, sales, shared};
use assay_warehouse::{Measures, Replace, Warehouse, WarehouseError, WarehouseType, reconcile};

#[tokio::test]
async fn measures_are_exact_and_of_the_dates_asked() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let mut job = sales("measured", &[1, 2], 1);
    job.columns[2].kind = WarehouseType::Decimal { precision: 38, scale: 2 };
    let text = "2024-01-01,A,999999999999999999999999999999999999.99\n\
                2024-01-01,B,999999999999999999999999999999999999.99\n2024-01-02,C,\n";
    load(&mut warehouse, &job, text).await.unwrap();
    let sums = ["revenue".to_owned()];
    let twice = Some("1999999999999999999999999999999999999.98".to_owned());
    let first = warehouse.measure("measured", "daily", &sums, Some(("day", &[day(1), day(1)]))).await.unwrap();
    assert_eq!(first, Measures { rows: 2, sums: vec![twice.clone()] });
    let second = warehouse.measure("measured", "daily", &sums, Some(("day", &[day(2)]))).await.unwrap();
    assert_eq!(second, Measures { rows: 1, sums: vec![None] });
    let none = warehouse.measure("measured", "daily", &[], Some(("day", &[]))).await.unwrap();
    assert_eq!(none, Measures { rows: 0, sums: vec![] });
    let whole = warehouse.measure("measured", "daily", &sums, None).await.unwrap();
    assert_eq!(whole, Measures { rows: 3, sums: vec![twice] });
    assert_eq!(reconcile(&first, &whole, &sums).len(), 1);

    let error = warehouse.measure("measured", "gone", &sums, None).await.unwrap_err();
    assert!(matches!(&error, WarehouseError::Refused { refusal, .. } if refusal.sqlstate == "42P01"), "{error}");
}

#[tokio::test]
async fn pages_together_are_the_table_in_the_order_of_its_key() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let mut job = sales("paged", &[], 1);
    job.mode = Replace::All;
    job.columns = vec![column("n", WarehouseType::Int32), column("group", WarehouseType::Text)];
    (job.sort_key, job.distribution_key) = (vec!["group".into()], None);
    // Many rows share a key: only a second order keeps pages apart.
    let text: String = (0..1234).map(|n| format!("{n},g{}\n", n % 3)).collect();
    load(&mut warehouse, &job, &text).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let page = warehouse.page("paged", "daily", seen.len() as u64, 100).await.unwrap();
        assert_eq!((page.order.as_slice(), page.shortened), (["group".to_owned()].as_slice(), 0));
        seen.extend(page.rows);
        if !page.more {
            break;
        }
        assert_eq!(seen.len() % 100, 0);
    }
    let groups: Vec<_> = seen.iter().map(|row| row[1].clone().unwrap()).collect();
    assert!(groups.is_sorted());
    let mut numbers: Vec<u32> = seen.iter().map(|row| row[0].as_ref().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..1234).collect::<Vec<_>>());

    let all = warehouse.page("paged", "daily", 0, 1234).await.unwrap();
    assert_eq!((all.rows, all.more), (seen, false));
    let beyond = warehouse.page("paged", "daily", u64::MAX, 10).await.unwrap();
    assert_eq!((beyond.rows.len(), beyond.more), (0, false));
    assert!(matches!(warehouse.page("paged", "gone", 0, 10).await, Err(WarehouseError::Schema { .. })));
}

#[tokio::test]
async fn a_page_ends_where_it_would_be_too_long_or_too_heavy() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let make = "CREATE SCHEMA heavy; CREATE TABLE heavy.long AS SELECT generate_series(1, 10001) AS n; \
                CREATE TABLE heavy.wide AS SELECT n, repeat('x', 5000) AS a, repeat('y', 999) AS b \
                FROM generate_series(1, 3000) n";
    client(&shared.cluster).await.batch_execute(make).await.unwrap();
    let long = warehouse.page("heavy", "long", 0, u32::MAX).await.unwrap();
    assert_eq!((long.rows.len(), long.more), (10_000, true));
    let wide = warehouse.page("heavy", "wide", 0, u32::MAX).await.unwrap();
    let bytes: usize = wide.rows.iter().flatten().flatten().map(String::len).sum();
    assert!(wide.more && (4 << 20..(4 << 20) + 3000).contains(&bytes), "{bytes}");
    assert_eq!(wide.shortened, wide.rows.len() as u64);
    // The next page goes on behind it.
    let next = warehouse.page("heavy", "wide", wide.rows.len() as u64, 1).await.unwrap();
    let number = |row: &[Option<String>]| row[0].as_deref().unwrap().parse::<usize>().unwrap();
    assert_eq!(number(&next.rows[0]), number(wide.rows.last().unwrap()) + 1);
}

#[tokio::test]
async fn long_cells_are_cut_and_counted_and_values_are_plain_text() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    let look = client(&shared.cluster).await;
    let make = "CREATE SCHEMA odd; CREATE TABLE odd.t AS SELECT true AS yes, NULL::int AS nothing, ''::text AS empty, \
                repeat('é', 1000) AS fits, repeat('é', 1001) AS long, '\\x00ff'::bytea AS raw, \
                '2024-01-01 01:02:03+02'::timestamptz AS at, 10.00::numeric(10,2) AS money, ARRAY[1,2] AS list";
    look.batch_execute(make).await.unwrap();
    let page = warehouse.page("odd", "t", 0, 10).await.unwrap();
    let fits = "é".repeat(1000);
    let expected: Vec<Option<String>> = [
        Some("true"),
        None,
        Some(""),
        Some(&fits),
        Some(&fits),
        Some("bytes: 2"),
        Some("2023-12-31 23:02:03+00"),
        Some("10.00"),
        Some("{1,2}"),
    ]
    .map(|value| value.map(str::to_owned))
    .into();
    assert_eq!((page.rows, page.shortened), (vec![expected], 1));
    assert_eq!(page.columns[7].kind, "numeric(10,2)");
}

#[tokio::test]
async fn tables_are_listed_with_rows_and_last_load() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    load(&mut warehouse, &sales("listed", &[1], 6), "2024-01-01,A,1\n").await.unwrap();
    load(&mut warehouse, &sales("listed", &[2], 7), "2024-01-02,A,1\n2024-01-02,B,1\n").await.unwrap();
    client(&shared.cluster).await.batch_execute("CREATE TABLE listed.other()").await.unwrap();
    let list = warehouse.tables("listed").await.unwrap();
    assert!(!list.more);
    let [daily, other] = &list.tables[..] else { panic!("{list:?}") };
    assert_eq!((daily.name.as_str(), daily.rows, daily.lake_version), ("daily", Some(3), Some(7)));
    assert_eq!((daily.loaded_at, daily.run.as_deref()), (Some(now()), Some("run-7")));
    assert_eq!((other.name.as_str(), other.rows, other.loaded_at), ("other", Some(0), None));
    assert_eq!(warehouse.tables("no such schema").await.unwrap().tables, []);
}

#[tokio::test]
async fn a_page_that_cannot_have_the_table_gives_up() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    load(&mut warehouse, &sales("locked", &[1], 1), "2024-01-01,A,1\n").await.unwrap();
    let look = client(&shared.cluster).await;
    look.batch_execute("BEGIN; LOCK TABLE locked.daily").await.unwrap();
    let error = warehouse.page("locked", "daily", 0, 10).await.unwrap_err();
    assert!(matches!(&error, WarehouseError::Refused { .. }), "{error}");
    assert_eq!(warehouse.tables("locked").await.unwrap().tables[0].rows, None);
    look.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(warehouse.page("locked", "daily", 0, 10).await.unwrap().rows.len(), 1);
}
