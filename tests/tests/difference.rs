//! What a run of one date changed, as `assay diff` tells it, against rows read without the engine.
#![allow(clippy::unwrap_used)]

mod shop;

use assay_testkit::Table;
use serde_json::Value;
use shop::Shop;
use std::collections::BTreeMap;
use std::fs;

/// Rows by their key columns.
fn by_key(table: &Table, key: &[&str]) -> BTreeMap<Vec<Option<String>>, Vec<Option<String>>> {
    let places: Vec<usize> =
        key.iter().map(|name| table.columns.iter().position(|column| column == name).unwrap()).collect();
    let keyed = |row: &Vec<Option<String>>| (places.iter().map(|at| row[*at].clone()).collect(), row.clone());
    table.rows.iter().map(keyed).collect()
}

/// Added, removed, changed and equal rows.
fn counts(before: &Table, after: &Table, key: &[&str]) -> [u64; 4] {
    let (old, new) = (by_key(before, key), by_key(after, key));
    let mut counts = [0; 4];
    counts[1] = old.keys().filter(|key| !new.contains_key(*key)).count() as u64;
    for (key, row) in &new {
        match old.get(key) {
            None => counts[0] += 1,
            Some(other) if other != row => counts[2] += 1,
            Some(_) => counts[3] += 1,
        }
    }
    counts
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap()
}

#[test]
fn a_rerun_of_one_date_is_told_by_rows_columns_and_sums() {
    let shop = Shop::with_demo(5, 300);
    assert_eq!(shop.assay(&["run", "sales_lakehouse"]).code, Some(0));
    let keys: [(&str, &str, &[&str]); 6] = [
        ("sales", "silver", &["date", "transaction_id"]),
        ("sales_enriched", "gold", &["date", "transaction_id"]),
        ("daily_store_sales", "gold", &["date", "store_id"]),
        ("product_performance", "gold", &["product_id"]),
        ("customer_segments", "gold", &["customer_id"]),
        ("store_performance", "gold", &["store_id", "year", "month"]),
    ];
    let before: Vec<Table> = shop.tables().iter().map(|(_, table)| shop.rows(table)).collect();

    // One record of a date is lost and one costs more.
    let date = shop.date(2).to_string();
    let folder = shop.lake().join(format!("bronze/sales/date={date}"));
    let lines = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let file = lines.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl")).min().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let mut records: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    records.pop();
    let dearer = records.iter_mut().find(|record| record["unit_price"].is_number()).unwrap();
    dearer["unit_price"] = serde_json::json!(1000);
    dearer["total_amount"] = Value::Null;
    let texts: Vec<String> = records.iter().map(Value::to_string).collect();
    fs::write(&file, texts.join("\n")).unwrap();
    let run = shop.assay(&["run", "sales_lakehouse", "--date", &date, "--reason", "corrected"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);

    let found = shop.json(&["diff", "run:last"]);
    assert_eq!(found["left_out"], serde_json::json!([]));
    let after: Vec<Table> = shop.tables().iter().map(|(_, table)| shop.rows(table)).collect();
    for (at, (table, layer, key)) in keys.iter().enumerate() {
        let name = format!("sales_lakehouse.{layer}.{table}");
        let one = found["tables"].as_array().unwrap().iter().find(|one| one["table"] == name.as_str()).unwrap();
        let [added, removed, changed, equal] = counts(&before[at], &after[at], key);
        assert_eq!(
            [number(one, "added"), number(one, "removed"), number(one, "changed")],
            [added, removed, changed],
            "{name}"
        );
        assert_eq!(number(one, "unchanged") + number(one, "untouched"), equal, "{name}");
        assert!(added + removed + changed > 0, "{name} did change");
        // Partitioned tables are read for the run's dates alone: this one, and those of strays in its files.
        let dated = key.contains(&"date");
        assert_eq!(number(one, "untouched") > 0, dated, "{name}");
        let files = if dated { 2 * one["dates"].as_array().unwrap().len() as u64 } else { 2 };
        assert_eq!(number(one, "files_read"), files, "{name}");
        let alone = shop.json(&["diff", &name, "-1", "latest"]);
        assert_eq!(&alone, one, "{name} by its versions and by the run");
    }
    let refused =
        found["tables"].as_array().unwrap().iter().find(|one| one["table"] == "sales_lakehouse.quarantine.sales");
    assert!(refused.is_some());
    let loads = found["warehouse"].as_array().unwrap();
    assert_eq!(loads.len(), 5);
    let rows = |name: &str| loads.iter().find(|load| load["table"] == name).unwrap()["measures"][0].clone();
    let sales = found["tables"].as_array().unwrap().iter().find(|one| one["key"][1] == "transaction_id").unwrap();
    let dates: Vec<&str> = sales["dates"].as_array().unwrap().iter().map(|one| one["date"].as_str().unwrap()).collect();
    assert!(dates.contains(&date.as_str()) && dates.len() < 5, "{dates:?}");
    let dated = |table: &Table| {
        let place = table.columns.iter().position(|column| column == "date").unwrap();
        let kept = table.rows.iter().filter(|row| row[place].as_deref().is_some_and(|date| dates.contains(&date)));
        kept.count().to_string()
    };
    let told = rows("sales_enriched");
    assert_eq!((&told["before"], &told["after"]), (&Value::from(dated(&before[1])), &Value::from(dated(&after[1]))));

    let wrong = shop.assay(&["diff", "sales_lakehouse.silver.sales", "0", "9"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("Its newest is 1"), "{}", wrong.stderr);
    assert_eq!(shop.assay(&["diff", "sales_lakehouse.bronze.sales"]).code, Some(2));
    assert_eq!(shop.assay(&["diff", "sales_lakehouse.gold.product_performance", "--date", &date]).code, Some(2));
}
