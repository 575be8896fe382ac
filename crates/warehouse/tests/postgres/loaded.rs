//! Rows that a plan looks up: from the load log where it tells, counted where it does not.

use crate::support::{client, day, load, sales, shared};
use assay_warehouse::{LoadedRows, Replace, Warehouse};

fn rows(rows: u64, dated: u64, counted: bool) -> LoadedRows {
    LoadedRows { rows, dated, counted }
}

#[tokio::test]
async fn rows_are_as_last_loaded_or_counted() {
    let shared = shared().await;
    let mut warehouse = Warehouse::connect(&shared.cluster.server()).await.unwrap();
    assert_eq!(warehouse.loaded("looked", "daily", None).await.unwrap(), rows(0, 0, true), "no table yet");
    let text = "2024-01-01,A,1.00\n2024-01-01,B,1.00\n2024-01-02,C,1.00\n";
    load(&mut warehouse, &sales("looked", &[1, 2], 1), text).await.unwrap();
    let dates = [day(1), day(9)];
    let asked = Some(("day", dates.as_slice()));
    assert_eq!(warehouse.loaded("looked", "daily", None).await.unwrap(), rows(3, 3, false));
    assert_eq!(warehouse.loaded("looked", "daily", asked).await.unwrap(), rows(3, 2, false));
    load(&mut warehouse, &sales("looked", &[1], 2), "2024-01-01,A,1.00\n").await.unwrap();
    assert_eq!(warehouse.loaded("looked", "daily", asked).await.unwrap(), rows(2, 1, false));
    // After a whole load the log does not tell single dates.
    let whole = assay_warehouse::LoadJob { mode: Replace::All, ..sales("looked", &[], 3) };
    load(&mut warehouse, &whole, text).await.unwrap();
    assert_eq!(warehouse.loaded("looked", "daily", None).await.unwrap(), rows(3, 3, false));
    assert_eq!(warehouse.loaded("looked", "daily", asked).await.unwrap(), rows(3, 2, true));
    // What others did is seen where it is counted.
    client(&shared.cluster).await.batch_execute("DELETE FROM looked.daily WHERE store = 'A'").await.unwrap();
    assert_eq!(warehouse.loaded("looked", "daily", asked).await.unwrap(), rows(2, 1, true));
}
