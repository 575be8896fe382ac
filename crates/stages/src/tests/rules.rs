//! Each rule of the contract, on one record at a time.

#![allow(clippy::unwrap_used)]
use super::shop::{Shop, sale};

/// What becomes of records that differ from a sound one by these fields: the accepted value of the last
/// changed column, or the reasons.
#[track_caller]
fn check(cases: &[(&[(&str, &str)], &str)]) {
    let shop = Shop::new();
    let lines: Vec<String> =
        cases.iter().enumerate().map(|(at, (changes, _))| sale(&format!("T{at}"), changes)).collect();
    shop.put("2024-01-01/a.json", lines.join("\n"));
    shop.ingest().unwrap();
    let refused = shop.quarantine(&["_source_line", "reason", "secondary"]);
    for (at, (changes, expected)) in cases.iter().enumerate() {
        let line = format!("{}|", at + 1);
        let given = match refused.iter().find(|row| row.starts_with(&line)) {
            Some(row) => row[line.len()..].replace("|null", "").replace('|', ", "),
            None => {
                let column = changes.last().unwrap().0;
                let rows = shop.silver_columns(&["_source_line", column]);
                rows.iter().find(|row| row.starts_with(&line)).unwrap()[line.len()..].to_owned()
            }
        };
        assert_eq!(given, *expected, "{changes:?}");
    }
}

#[test]
fn texts_are_trimmed_and_measured() {
    let long = format!("\"{}\"", "é".repeat(50));
    let too_long = format!("\"{}\"", "é".repeat(51));
    let padded = format!("\" \u{a0}{}\u{2003}\"", "é".repeat(50));
    let fifty = "é".repeat(50);
    check(&[
        (&[("store_id", "\"  S 1\\t\"")], "S 1"),
        (&[("store_id", "\"\\u00a0S1\\u2003\"")], "S1"),
        (&[("store_id", "\" \\u3000 \"")], "missing.store_id"),
        (&[("store_name", "\"  \"")], "null"),
        (&[("store_name", "null")], "null"),
        (&[("store_id", "null")], "missing.store_id"),
        (&[("store_id", &long)], &fifty),
        (&[("store_id", &padded)], &fifty),
        (&[("store_id", &too_long)], "range.store_id"),
        (&[("store_id", "12.50")], "12.50"),
        (&[("store_id", "1e3")], "1e3"),
        (&[("store_id", "true")], "true"),
        (&[("store_id", "{}")], "type.store_id"),
        (&[("store_id", "[1]")], "type.store_id"),
        (&[("store_name", "\"a\\\"b\\\\\\u00e9\\ud83d\\ude00\"")], "a\"b\\é😀"),
        (&[("payment_method", "\" Credit  CARD \"")], "credit_card"),
        (&[("payment_method", "\"ÄRA\\u00a0x\"")], "ära_x"),
    ]);
}

#[test]
fn numbers_are_exact() {
    let digits = "9".repeat(400);
    let zeros = format!("2.{}", "0".repeat(400));
    check(&[
        (&[("unit_price", "12.345")], "type.unit_price"),
        (&[("unit_price", "12.340")], "12.34"),
        (&[("unit_price", "\"12.34\"")], "12.34"),
        (&[("unit_price", "\" 12.34 \"")], "12.34"),
        (&[("unit_price", "\"12,90\"")], "type.unit_price"),
        (&[("unit_price", "1.5e1")], "15.00"),
        (&[("unit_price", "99999999.99")], "99999999.99"),
        (&[("unit_price", "100000000")], "type.unit_price"),
        (&[("unit_price", &digits)], "type.unit_price"),
        (&[("quantity_sold", &zeros)], "2"),
        (&[("quantity_sold", "2.0")], "2"),
        (&[("quantity_sold", "2.5")], "type.quantity_sold"),
        (&[("quantity_sold", "2147483647")], "2147483647"),
        (&[("quantity_sold", "2147483648")], "type.quantity_sold"),
        (&[("quantity_sold", "\"three\"")], "type.quantity_sold"),
        (&[("quantity_sold", "true")], "type.quantity_sold"),
        (&[("quantity_sold", "\"\"")], "missing.quantity_sold"),
        (&[("quantity_sold", "0")], "range.quantity_sold"),
        (&[("quantity_sold", "-1")], "range.quantity_sold"),
        (&[("unit_price", "0.00")], "range.unit_price"),
    ]);
}

#[test]
fn totals_are_filled_and_checked() {
    check(&[
        (&[("total_amount", "null")], "3.00"),
        (&[("total_amount", "\" \"")], "3.00"),
        (&[("total_amount", "3.01")], "3.01"),
        (&[("total_amount", "2.99")], "2.99"),
        (&[("total_amount", "3.02")], "check.total_amount"),
        (&[("total_amount", "-3")], "check.total_amount"),
        (&[("total_amount", "3.001")], "type.total_amount"),
        (
            &[("quantity_sold", "2147483647"), ("unit_price", "99999999.99"), ("total_amount", "null")],
            "range.total_amount",
        ),
        (&[("quantity_sold", "\"x\""), ("total_amount", "9")], "type.quantity_sold"),
        (&[("quantity_sold", "null"), ("total_amount", "9")], "missing.quantity_sold"),
        (&[("quantity_sold", "0"), ("total_amount", "9")], "range.quantity_sold, check.total_amount"),
    ]);
}

#[test]
fn dates_follow_the_declared_formats() {
    check(&[
        (&[("date", "\"2024-02-29\"")], "2024-02-29"),
        (&[("date", "\"2023-02-29\"")], "type.date"),
        (&[("date", "\"29/02/2024\"")], "2024-02-29"),
        (&[("date", "\"1/2/2024\"")], "2024-02-01"),
        (&[("date", "\"02/30/2024\"")], "type.date"),
        (&[("date", "\"2024-1-2\"")], "2024-01-02"),
        (&[("date", "\" 2024-01-02 \"")], "2024-01-02"),
        (&[("date", "\"24-01-02\"")], "type.date"),
        (&[("date", "\"2024-01-02T00:00:00\"")], "type.date"),
        (&[("date", "20240102")], "type.date"),
        (&[("date", "null")], "missing.date"),
    ]);
}

#[test]
fn the_first_reason_in_order_is_the_primary_one() {
    check(&[
        (
            &[("unit_price", "0"), ("store_id", "null"), ("date", "\"x\""), ("quantity_sold", "\"y\"")],
            "type.date, type.quantity_sold, missing.store_id, range.unit_price",
        ),
        (
            &[("unit_price", "0"), ("quantity_sold", "0"), ("total_amount", "1")],
            "range.quantity_sold, range.unit_price, check.total_amount",
        ),
        (&[("customer_id", "null"), ("product_id", "null")], "missing.product_id, missing.customer_id"),
    ]);
}

#[test]
fn of_equal_keys_the_last_file_and_line_stay() {
    let shop = Shop::new();
    let of = |id: &str, store: &str| sale(id, &[("store_id", &format!("\"{store}\""))]);
    shop.put("2024-01-01/b.json", [of("T1", "b1"), of("T1", "b2"), of("T2", "b3")].join("\n"));
    shop.put("2024-01-01/a.json", [of("T2", "a1"), of("T3", "a2"), sale("T4", &[("unit_price", "0")])].join("\n"));
    // Not accepted, so it takes part in no duplicate; and one of another date has another key.
    shop.put(
        "2024-01-01/c.json",
        format!("[{},{}, {}]", sale("T1", &[("quantity_sold", "0")]), of("T5", "c1"), of("T5", "c2")),
    );
    shop.put("2024-01-02/a.json", sale("T1", &[("date", "\"2024-01-02\""), ("store_id", "\"d1\"")]));
    let done = shop.ingest().unwrap();
    assert_eq!(
        shop.silver_columns(&["date", "transaction_id", "store_id"]),
        ["2024-01-01|T1|b2", "2024-01-01|T2|b3", "2024-01-01|T3|a2", "2024-01-01|T5|c2", "2024-01-02|T1|d1"]
    );
    assert_eq!(
        shop.quarantine(&["_source_file", "_source_line", "reason"]),
        [
            "bronze/sales/date=2024-01-01/a.json|1|duplicate",
            "bronze/sales/date=2024-01-01/a.json|3|range.unit_price",
            "bronze/sales/date=2024-01-01/b.json|1|duplicate",
            "bronze/sales/date=2024-01-01/c.json|1|duplicate",
            "bronze/sales/date=2024-01-01/c.json|1|range.quantity_sold",
        ]
    );
    assert_eq!(done.reasons["duplicate"], 3);
}

#[test]
fn audit_columns_say_where_a_row_comes_from() {
    let shop = Shop::new();
    shop.put(
        "2024-01-01/a.csv",
        "transaction_id,date,store_id,product_id,customer_id,quantity_sold,unit_price\n\nT1,2024-01-01,S,P,C,1,1\n",
    );
    shop.ingest().unwrap();
    assert_eq!(
        shop.silver_columns(&["_source_file", "_source_line", "_run_id", "_processed_at"]),
        ["bronze/sales/date=2024-01-01/a.csv|3|run|2023-11-14T22:13:20.000000"]
    );
}
