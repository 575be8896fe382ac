//! From nothing to a warehouse: init, demo, run; every layer equals the independent computation.
#![allow(clippy::unwrap_used)]

mod shop;

use assay_testkit::delta::DeltaTable;
use assay_testkit::{Expected, SALES_COLUMNS, Table, assert_same_rows, table_of};
use shop::Shop;

#[test]
fn every_layer_equals_the_independent_computation() {
    let shop = Shop::with_demo(14, 400);
    let run = shop.assay(&["run", "sales_lakehouse"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let expected = Expected::read(&shop.lake()).unwrap();

    assert_same_rows(&expected.sales(None), &shop.silver().table(&SALES_COLUMNS).unwrap());
    for (name, table) in &expected.gold {
        let columns: Vec<&str> = table.columns.iter().map(String::as_str).collect();
        assert_same_rows(table, &shop.gold(name).table(&columns).unwrap());
    }
    let refused = DeltaTable::read(&shop.lake().join("quarantine/sales")).unwrap();
    let mut refused = table_of(&refused.frame, &["_source_file", "_source_line", "reason"]).unwrap();
    refused.columns = expected.refused().columns;
    assert_same_rows(&expected.refused(), &refused);

    let detail = shop.json(&["show", "last"]);
    let total = expected.total();
    assert_eq!(detail["counts"]["read"], total.read);
    assert_eq!(detail["counts"]["accepted"], total.accepted);
    assert_eq!(detail["counts"]["quarantined"], total.quarantined);
    assert_eq!(detail["counts"]["blank"], total.blank);
    assert_eq!(detail["balanced"], true);
    let reasons = detail["reasons"].as_array().unwrap();
    for reason in reasons {
        let code = reason["reason"].as_str().unwrap();
        assert_eq!(reason["records"], expected.reasons()[code], "{code}");
    }
    assert_eq!(reasons.len(), expected.reasons().len());

    let figures = detail["reconciliation"].as_array().unwrap();
    assert_eq!(figures.iter().filter(|figure| figure["measure"] == "rows").count(), 5, "five tables were compared");
    for (name, table) in &expected.gold {
        let total = figures.iter().find(|f| f["table"] == *name && f["measure"] == "rows").unwrap();
        assert_eq!(total["warehouse"], table.rows.len().to_string(), "{name}");
        assert_same_rows(table, &warehouse_rows(&shop, name, table));
    }
}

/// Every row of a warehouse table as the program shows it, page by page.
fn warehouse_rows(shop: &Shop, name: &str, like: &Table) -> Table {
    let columns: Vec<&str> = like.columns.iter().map(String::as_str).collect();
    let mut rows = Vec::new();
    loop {
        let offset = rows.len().to_string();
        let page = shop.json_all(&["preview", &format!("warehouse.{name}"), "--limit", "500", "--offset", &offset]);
        if page.is_empty() {
            return Table::new(&columns, rows);
        }
        let cell = |row: &serde_json::Value, column: &&str| row[*column].as_str().map(str::to_owned);
        rows.extend(page.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()));
    }
}

#[test]
fn raw_bytes_of_a_refused_record_are_kept() {
    let shop = Shop::with_demo(3, 300);
    assert_eq!(shop.assay(&["run", "sales_lakehouse", "--stage", "bronze", "--stage", "silver"]).code, Some(0));
    let expected = Expected::read(&shop.lake()).unwrap();
    let refused = DeltaTable::read(&shop.lake().join("quarantine/sales")).unwrap();
    let frame = &refused.frame;
    let (files, lines) = (frame.column("_source_file").unwrap(), frame.column("_source_line").unwrap());
    let (offsets, raw) = (frame.column("_byte_offset").unwrap(), frame.column("raw").unwrap());
    assert_eq!(frame.height(), expected.quarantine.len());
    for row in 0..frame.height() {
        let file = files.str().unwrap().get(row).unwrap();
        let line = lines.get(row).unwrap().extract::<u64>().unwrap();
        let offset = offsets.get(row).unwrap().extract::<u64>().unwrap();
        let same = expected.quarantine.iter().find(|q| q.file == file && q.line == line && q.offset == offset);
        let same = same.unwrap_or_else(|| panic!("{file}:{line} at byte {offset} is not expected"));
        assert_eq!(raw.binary().unwrap().get(row).unwrap(), same.raw, "{file}:{line}");
    }
}

#[test]
fn a_second_run_finds_nothing_and_a_date_again_changes_nothing_but_audit_columns() {
    let shop = Shop::with_demo(5, 300);
    assert_eq!(shop.assay(&["run", "sales_lakehouse"]).code, Some(0));
    let again = shop.assay(&["run", "sales_lakehouse"]);
    assert_eq!(again.code, Some(0));
    assert_eq!(shop.json_all(&["runs"]).len(), 1, "nothing was run: {}", again.stdout);

    let before: Vec<_> =
        shop.tables().into_iter().map(|(name, table)| (name, table.version, shop.rows(&table))).collect();
    let date = shop.date(2);
    let run = shop.assay(&["run", "sales_lakehouse", "--date", &date, "--reason", "look again"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    for ((name, version, rows), (_, table)) in before.iter().zip(shop.tables()) {
        assert_same_rows(rows, &shop.rows(&table));
        assert_eq!(table.version, version + 1, "{name} got one commit");
    }
    let silver = shop.silver();
    let touched = silver.files.values().filter(|values| values["date"].as_deref() == Some(date.as_str())).count();
    assert_eq!(touched, 1, "one file of the date is active");
}

#[test]
fn a_changed_file_and_a_vanished_file_are_noticed() {
    let shop = Shop::with_demo(3, 200);
    assert_eq!(shop.assay(&["run", "sales_lakehouse"]).code, Some(0));
    let folder = shop.lake().join(format!("bronze/sales/date={}", shop.date(0)));
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    std::fs::remove_file(&files[0]).unwrap();
    shop.record(&shop.date(1), "later.jsonl", r#"{"transaction_id":"NEW-1","date":"DATE","store_id":"S1","product_id":"P1","customer_id":"C1","quantity_sold":1,"unit_price":2.50}"#);
    let run = shop.assay(&["run", "sales_lakehouse"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let expected = Expected::read(&shop.lake()).unwrap();
    assert_same_rows(&expected.sales(None), &shop.silver().table(&SALES_COLUMNS).unwrap());
    let table = &expected.gold["customer_segments"];
    let columns: Vec<&str> = table.columns.iter().map(String::as_str).collect();
    assert_same_rows(table, &shop.gold("customer_segments").table(&columns).unwrap());
}

#[test]
fn without_postgresql_the_other_stages_still_run() {
    let shop = Shop::with_demo(2, 100);
    shop.settings("[environments.elsewhere]\nguard = \"open\"\nwarehouse = \"postgresql://nobody@127.0.0.1:9/none\"\nlake = \".assay/lake\"\n");
    let run = shop.assay(&["run", "sales_lakehouse", "--env", "elsewhere"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("no connection to the warehouse"), "{}", run.stdout);
    let detail = shop.json(&["show", "last"]);
    let of = |stage: &str, status: &str| {
        let steps = detail["steps"].as_array().unwrap();
        steps.iter().filter(|step| step["stage"] == stage && step["status"] == status).count()
    };
    assert_eq!((of("gold", "succeeded"), of("warehouse", "failed")), (5, 5), "{detail}");
}
