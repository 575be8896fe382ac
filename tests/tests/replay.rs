//! Refused records are put through a corrected contract: planned, carried out, the same as the dates done again, undone.
#![allow(clippy::unwrap_used)]

mod shop;

use assay_testkit::delta::DeltaTable;
use assay_testkit::{Table, assert_same_rows};
use serde_json::Value;
use shop::{PIPELINE, Shop};
use std::collections::BTreeMap;
use std::fs;

const TABLE: &str = "sales_lakehouse.silver.sales";
const CODE: &str = "range.quantity_sold";

fn everything(shop: &Shop) -> Vec<(String, Table)> {
    let quarantine = DeltaTable::read(&shop.lake().join("quarantine/sales")).unwrap();
    let columns = ["_source_file", "_source_line", "_byte_offset", "reason", "column", "secondary", "date"];
    let mut all: Vec<(String, Table)> =
        shop.tables().iter().map(|(name, table)| (name.clone(), shop.rows(table))).collect();
    all.push(("quarantine".to_owned(), quarantine.table(&columns).unwrap()));
    all
}

fn assert_same(one: &[(String, Table)], other: &[(String, Table)]) {
    for ((name, one), (_, other)) in one.iter().zip(other) {
        assert_eq!(one.rows.len(), other.rows.len(), "{name}");
        assert_same_rows(one, other);
    }
}

/// Refused records with the reason code, by date.
fn refused(shop: &Shop) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for row in shop.json_all(&["quarantine", TABLE, "--limit", "5000"]) {
        if row["reason"] == CODE && row["date"].is_string() {
            *found.entry(row["date"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    found
}

/// Quantities of zero and below are fine from now on.
fn correct(shop: &Shop) {
    let place = shop.workspace.root().join("pipelines").join(PIPELINE).join("pipeline.toml");
    let text = fs::read_to_string(&place).unwrap();
    let wider = text.replace(
        r#"type = "int32", required = true, range = "> 0""#,
        r#"type = "int32", required = true, range = "> -99""#,
    );
    assert_ne!(text, wider);
    fs::write(&place, wider).unwrap();
    // The rules say the same, in their own words.
    let quality = place.with_file_name("quality").join("sales.dqdl");
    for place in [place, quality] {
        let text = fs::read_to_string(&place).unwrap();
        let wider = text.replace("_sold\" > 0", "_sold\" > -99").replace("_amount\" > 0", "_amount\" > -99999");
        assert_ne!(text, wider);
        fs::write(place, wider).unwrap();
    }
}

#[test]
fn refused_records_of_one_date_come_in_after_the_contract_was_corrected() {
    let shop = Shop::with_demo(4, 400);
    let own = r#"{"transaction_id":"RETURN","date":"DATE","store_id":"S1","product_id":"P1","customer_id":"C1","quantity_sold":-3,"unit_price":2.00}"#;
    (0..4).for_each(|n| drop(shop.record(&shop.date(n), "returns.jsonl", own)));
    assert_eq!(shop.assay(&["run", PIPELINE]).code, Some(0));
    let before = everything(&shop);
    let (date, records) = refused(&shop).into_iter().max_by_key(|(_, records)| *records).unwrap();
    correct(&shop);
    let words = ["replay", TABLE, "--date", &date, "--reason-code", CODE];

    let plan = shop.json(&[&words[..], &["--plan"]].concat());
    assert_eq!((&plan["work"], &plan["dates"]), (&Value::from("replay"), &Value::from(date.as_str())));
    assert_eq!(plan["refused"], serde_json::json!([{ "reason": CODE, "records": records }]));
    assert!(plan["steps"].as_array().unwrap().len() > 5, "what reads the table follows: {plan}");
    assert_same(&before, &everything(&shop));
    let wrong = shop.assay(&["replay", TABLE, "--reason-code", "range.quantity_solt"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("Did you mean `range.quantity_sold`?"), "{}", wrong.stderr);

    let done = shop.assay(&[&words[..], &["--reason", "returns count"]].concat());
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("put through: "), "{}", done.stdout);
    let run = shop.json(&["show", "last"]);
    let id = run["run"]["id"].as_str().unwrap().to_owned();
    let counts = &run["counts"];
    let number = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(number("read"), records, "{run}");
    // The total of some of them does not fit their quantity.
    assert_eq!((number("accepted"), run["balanced"].as_bool()), (1, Some(true)), "{run}");
    assert_eq!(run["reasons"][0], serde_json::json!({ "reason": "check.total_amount", "records": records - 1 }));
    let replayed = everything(&shop);
    assert_eq!(replayed[0].1.rows.len() as u64, before[0].1.rows.len() as u64 + number("accepted"));
    let told = shop.json(&["diff", "run:last"]);
    let silver = told["tables"].as_array().unwrap().iter().find(|one| one["table"] == TABLE).unwrap();
    assert_eq!((silver["added"].as_u64(), silver["removed"].as_u64()), (Some(number("accepted")), Some(0)));
    let idle = shop.assay(&["run", PIPELINE]);
    assert!(idle.stdout.contains("Nothing to do"), "{}", idle.stdout);

    // The whole date again gives the same tables.
    let again = shop.assay(&["reprocess", PIPELINE, "--date", &date, "--reason", "to compare"]);
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
    assert_same(&replayed, &everything(&shop));

    assert_eq!(shop.assay(&["undo", "last", "--reason", "compared"]).code, Some(0));
    let undone = shop.assay(&["undo", &id, "--reason", "returns do not count"]);
    assert_eq!(undone.code, Some(0), "{}{}", undone.stdout, undone.stderr);
    assert_same(&before, &everything(&shop));
    let nothing = shop.assay(&["replay", TABLE, "--date", "1999-01-01"]);
    assert_eq!(nothing.code, Some(2));
}
