//! The journey of the star of sales: from raw JSON to facts and dimensions in the lake, in files and in the warehouse.
#![allow(clippy::unwrap_used)]

mod journey;

use assay_testkit::{copies, sales_star};
use journey::{Journey, moved, of_table};

#[test]
fn every_layer_copy_and_warehouse_table_equals_the_independent_computation() {
    let journey = Journey::new("sales_star");
    journey.demo(5, 400, &[]);
    journey.run(&[]);
    let expected = sales_star(&journey.lake()).unwrap();
    assert_eq!(expected.gold["fact_sales"].rows.len() as u64, expected.total().accepted);
    journey.expect_star(&expected);
    journey.expect_refused("sales", &expected);
    journey.expect_counts(expected.total());

    let copies = journey.bytes("gold");
    journey.run(&[]);
    assert_eq!(journey.runs().len(), 1, "a second run finds nothing to do");
    assert_eq!(journey.bytes("gold"), copies);
}

#[test]
fn a_new_file_changes_its_date_and_the_dimensions_and_no_other_copy() {
    let journey = Journey::new("sales_star");
    journey.demo(4, 200, &[]);
    journey.run(&[]);
    let before = journey.bytes("gold/fact_sales");
    let date = journey.date(1);
    let sale = format!(
        r#"[{{"transaction_id": "ZZZ", "date": "{date}", "store_id": "S001", "store_name": "Renamed", "product_id": "NEW",
            "customer_id": "C1", "quantity_sold": 2, "unit_price": "1.50", "payment_method": "Gift  Card"}}]"#
    );
    journey.write("raw/sales/late.json", sale.as_bytes());
    journey.run(&[]);
    let expected = sales_star(&journey.lake()).unwrap();
    journey.expect_star(&expected);
    let after = journey.bytes("gold/fact_sales");
    let changed: Vec<&String> = after.keys().filter(|path| before.get(*path) != after.get(*path)).collect();
    assert_eq!(changed, [&format!("date={date}/fact_sales.parquet")]);
}

#[test]
fn copies_and_the_warehouse_follow_a_replay() {
    let journey = Journey::new("sales_star");
    journey.demo(4, 200, &[]);
    let expected = sales_star(&journey.lake()).unwrap();
    let place = journey.workspace.root().join("pipelines/sales_star/pipeline.toml");
    let shipped = std::fs::read_to_string(&place).unwrap();
    let strict = shipped.replacen(
        r#"quantity_sold = { type = "int32", required = true, range = "> 0""#,
        r#"quantity_sold = { type = "int32", required = true, range = "> 4""#,
        1,
    );
    assert_ne!(strict, shipped);
    std::fs::write(&place, strict).unwrap();
    journey.run(&[]);
    let few = journey.rows("tables/silver/sales").rows.len();
    assert!(few < expected.silver["sales"].rows.len());
    std::fs::write(&place, shipped).unwrap();
    journey.succeed(&["replay", "sales_star.silver.sales", "--reason", "small sales count"]);
    journey.expect_star(&expected);
    journey.expect_refused("sales", &expected);
    let copies = (journey.bytes("silver/sales"), journey.bytes("gold"));
    journey.run(&[]);
    assert_eq!(journey.runs().len(), 2, "nothing is left to do");
    assert_eq!((journey.bytes("silver/sales"), journey.bytes("gold")), copies);
    journey.succeed(&["undo", "last", "--reason", "they do not count"]);
    assert_eq!(journey.rows("tables/silver/sales").rows.len(), few);
    let columns: Vec<&str> = expected.silver["sales"].columns.iter().map(String::as_str).collect();
    assert_eq!(copies::parquet(&journey.lake().join("silver/sales"), &columns).unwrap().rows.len(), few);
}

#[test]
fn a_date_is_planned_run_again_compared_and_undone() {
    let journey = Journey::new("sales_star");
    journey.demo(3, 200, &[]);
    journey.run(&[]);
    let before = sales_star(&journey.lake()).unwrap();
    let date = journey.date(1);
    let accepted = before.silver["sales"].rows.iter().find(|row| row[1].as_deref() == Some(&date)).unwrap();
    let id = accepted[0].clone().unwrap();
    journey.take_out(&format!("raw/sales/date={date}/part-000.jsonl"), &id);
    let after = sales_star(&journey.lake()).unwrap();
    assert_eq!(after.silver["sales"].rows.len() + 1, before.silver["sales"].rows.len());
    let difference = journey.reprocess(&date, &|| journey.expect_star(&before), &|| journey.expect_star(&after));
    assert_eq!(moved(of_table(&difference, "silver.sales")), [0, 1, 0]);
    assert_eq!(moved(of_table(&difference, "gold.fact_sales")), [0, 1, 0]);
}
