//! Rows that are the elements of an array within a record.

#![allow(clippy::unwrap_used)]
use super::contracts::{Rules, column, contract, shop_of};
use super::shop::Shop;
use crate::{Counts, Limits, StageError};
use assay_pipeline::{Column, Contract};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

fn below(name: &str, kind: &str, path: &[&str]) -> Column {
    Column { path: path.iter().map(|key| (*key).to_owned()).collect(), ..column(name, kind) }
}

/// Orders with products; `day` is the record's.
fn orders() -> Contract {
    let columns = vec![
        column("order_id", "string").required(),
        column("day", "date").formats(&["%Y-%m-%d"]).required(),
        below("customer_name", "string", &["customer", "name"]),
        below("product_id", "string", &["products", "id"]).required(),
        below("quantity", "int64", &["products", "quantity"]).range("> 0"),
        below("price", "double", &["products", "price"]),
    ];
    Contract { explode: vec!["products".to_owned()], ..contract(columns) }
}

fn order(id: &str, products: &str) -> String {
    format!(r#"{{"order_id":"{id}","day":"2024-01-01","customer":{{"name":"Ann"}},"products":{products}}}"#)
}

fn rows(shop: &Shop, columns: &[&str]) -> Vec<String> {
    let mut wanted = vec!["_source_file", "_source_line", "_source_item"];
    wanted.extend(columns);
    let mut rows = shop.silver_columns(&wanted);
    // The text of a number does not sort as the number does.
    rows.sort_by_key(|row| {
        let mut parts = row.split('|').map(str::to_owned);
        let file = parts.next().unwrap();
        (file, parts.next().unwrap().parse::<u64>().unwrap(), parts.next().unwrap().parse::<u64>().unwrap())
    });
    rows.into_iter().map(|row| row.splitn(4, '|').nth(3).unwrap().to_owned()).collect()
}

#[test]
fn each_element_is_a_row_and_shares_what_lies_around_it() {
    let shop = shop_of(orders());
    let behind = r#"{"products":[{"id":"p3","price":1.5}],"day":"2024-01-01","order_id":"B","total":3}"#;
    let lines = [order("A", r#"[{"id":"p1","quantity":2},{"quantity":"3","id":"p2","price":"0.1"}]"#), behind.into()];
    shop.put("2024-01-01/a.json", lines.join("\n"));
    let done = shop.ingest().unwrap();
    assert_eq!(
        rows(&shop, &["order_id", "customer_name", "product_id", "quantity", "price"]),
        ["A|Ann|p1|2|null", "A|Ann|p2|3|0.1", "B|null|p3|null|1.5"]
    );
    assert_eq!(done.counts, Counts { read: 3, accepted: 3, ..Counts::default() });
    assert_eq!(done.files[0].ignored, ["total"]);
}

#[test]
fn elements_are_refused_one_by_one_and_records_without_elements_as_one() {
    let mut shop = shop_of(orders());
    shop.limits.kept = 1 << 12;
    let lines = [
        order("A", "[]"),
        order("B", "null"),
        r#"{"order_id":"C","day":"2024-01-01"}"#.to_owned(),
        order("D", r#"{"id":"p"}"#),
        order("E", "\"[]\""),
        order("F", r#"[{"id":"p1"},7,"{}",null,{"quantity":0},{"id":"p6","quantity":"x"},{"id":"p7"}]"#),
        order("G", r#"[{"id":"p1"},{"id":"p2","id":"p3"},{"id":"\ud800"}]"#),
        order("H", r#"[{"id":"p1"},]"#),
        r#"{"day":"2024-13-01","products":[{"id":"p1"},{"id":"p2"}]}"#.to_owned(),
        r#"{"order_id":"J","products":[{"id":"p"}],"day":"2024-01-01","products":[]}"#.to_owned(),
        String::new(),
    ];
    let path = shop.put("2024-01-01/a.json", lines.join("\n") + "\n");
    let done = shop.ingest().unwrap();
    assert_eq!(
        shop.quarantine(&["_source_line", "reason", "message", "secondary", "column"]),
        [
            "1|missing.products|there is no array, or it has no elements|null|products",
            "10|malformed|a key occurs twice|null|null",
            "2|missing.products|there is no array, or it has no elements|null|products",
            "3|missing.products|there is no array, or it has no elements|null|products",
            "4|type.products|another value stands where the array is needed|null|products",
            "5|type.products|another value stands where the array is needed|null|products",
            "6|missing.product_id|element 5: a value is required|range.quantity|product_id",
            "6|type.products|element 2: another value stands where an object is needed|null|products",
            "6|type.products|element 3: another value stands where an object is needed|null|products",
            "6|type.products|element 4: another value stands where an object is needed|null|products",
            "6|type.quantity|element 6: the text is no number|null|quantity",
            "7|malformed|element 2: a key occurs twice|null|null",
            "7|malformed|element 3: an escape in a text means no character|null|null",
            "8|malformed|the text is no JSON object|null|null",
            "9|type.day|element 1: the text has none of the declared formats|missing.order_id|day",
            "9|type.day|element 2: the text has none of the declared formats|missing.order_id|day",
        ]
    );
    assert_eq!(rows(&shop, &["order_id", "product_id"]), ["F|p1", "F|p7", "G|p1"]);
    assert_eq!(done.counts, Counts { read: 20, accepted: 3, quarantined: 16, blank: 1, elsewhere: 0 });
    for (file, line, _, raw) in shop.raw() {
        assert_eq!((file.as_str(), raw), (path.as_str(), lines[line as usize - 1].clone().into_bytes()));
    }
}

#[test]
fn an_array_can_lie_deep_and_within_what_is_no_object() {
    let mut deep = orders();
    deep.explode = vec!["order".into(), "lines".into()];
    deep.columns[3].path = vec!["order".into(), "lines".into(), "id".into()];
    deep.columns[4].path = vec!["order".into(), "lines".into(), "more".into(), "quantity".into()];
    deep.columns[5].path = vec!["order".into(), "price".into()];
    let shop = shop_of(deep);
    let of = |order: &str| format!(r#"{{"order_id":"A","day":"2024-01-01","order":{order}}}"#);
    let lines = [
        of(r#"{"lines":[{"id":"a","more":{"quantity":4}},{"more":{"quantity":5},"id":"b"}],"price":2}"#),
        of("7"),
        of("null"),
        of("{}"),
    ];
    shop.put("2024-01-01/a.json", format!("[{}]", lines.join(",")));
    shop.ingest().unwrap();
    assert_eq!(rows(&shop, &["product_id", "quantity", "price"]), ["a|4|2.0", "b|5|2.0"]);
    assert_eq!(
        shop.quarantine(&["reason", "secondary", "column"]),
        [
            "missing.order.lines|null|order.lines",
            "missing.order.lines|null|order.lines",
            "type.order.lines|type.price|order.lines",
        ]
    );
}

#[test]
fn equal_keys_within_a_record_keep_the_last_element() {
    let contract = Contract { key: vec!["order_id".into(), "product_id".into()], ..orders() };
    let shop = shop_of(contract);
    let twice = r#"[{"id":"p","quantity":1},{"id":"q"},{"id":"p","quantity":2}]"#;
    shop.put("2024-01-01/a.json", format!("[{},{}]", order("A", twice), order("A", r#"[{"id":"q","quantity":9}]"#)));
    shop.ingest().unwrap();
    assert_eq!(rows(&shop, &["product_id", "quantity"]), ["p|2", "q|9"]);
    assert_eq!(
        shop.quarantine(&["message"]),
        [
            "element 1: another record of this date has the same key and comes later",
            "element 2: another record of this date has the same key and comes later",
        ]
    );
}

#[test]
fn a_long_record_is_kept_whole_once() {
    let mut shop = shop_of(orders());
    shop.limits = Limits { chunk: 1 << 12, record: 1 << 12, kept: 50, ..shop.limits };
    let long = order("A", &format!(r#"[{{"id":""}},{{"id":"","note":"{}"}},{{"id":""}}]"#, "x".repeat(300)));
    shop.put("2024-01-01/a.json", &long);
    shop.ingest().unwrap();
    let mut lengths: Vec<usize> = shop.raw().into_iter().map(|(_, _, _, raw)| raw.len()).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [50, 50, long.len()]);
    assert_eq!(shop.quarantine(&["raw_bytes"]), vec![long.len().to_string(); 3]);
}

#[test]
fn texts_that_are_repeated_without_measure_are_refused_as_one_record() {
    let shop = shop_of(orders());
    let elements = vec![r#"{"id":"p"}"#; 100].join(",");
    let name = "x".repeat(50);
    let bomb =
        format!(r#"{{"order_id":"{name}","day":"2024-01-01","customer":{{"name":"Ann"}},"products":[{elements}]}}"#);
    assert!(bomb.len() < shop.limits.record);
    shop.put("2024-01-01/a.json", [&bomb, &order("B", r#"[{"id":"p"}]"#)].map(String::as_str).join("\n"));
    let done = shop.ingest().unwrap();
    assert_eq!(done.counts, Counts { read: 2, accepted: 1, quarantined: 1, ..Counts::default() });
    assert_eq!(
        shop.quarantine(&["message"]),
        ["the record has 100 elements, and its texts repeated for each are more than the 4096 bytes that are read"]
    );
}

#[test]
fn only_json_has_arrays() {
    let shop = shop_of(orders());
    shop.put("2024-01-01/a.csv", "order_id\nA\n");
    let error = shop.ingest().unwrap_err();
    assert!(matches!(&error, StageError::NoArrays { path } if path.ends_with("a.csv")), "{error}");
    assert_eq!(shop.data_files(), 0);
}

/// The rows and reasons of an order, found by another way than the reader's.
fn expected(order: &Value) -> Vec<Result<String, &'static str>> {
    let products = match &order["products"] {
        Value::Null => return vec![Err("missing.products")],
        Value::Array(products) if products.is_empty() => return vec![Err("missing.products")],
        Value::Array(products) => products,
        _ => return vec![Err("type.products")],
    };
    let id = order["order_id"].as_str().unwrap();
    let row = |product: &Value| match (product, &product["id"]) {
        (Value::Object(_), Value::String(product)) => Ok(format!("{id}|{product}")),
        (Value::Object(_), _) => Err("missing.product_id"),
        _ => Err("type.products"),
    };
    products.iter().map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn rows_come_in_the_order_of_the_file_however_it_is_cut(
        orders_of in prop::collection::vec(prop::collection::vec(prop::collection::vec(0..5u8, 0..6), 1..12), 1..4),
        odd in select(vec![json!(null), json!([]), json!({}), json!("x")]),
        form in 0..3u8,
        chunk in select(vec![64usize, 300, 1 << 12]),
        threads in 1..4usize,
    ) {
        let mut shop = shop_of(orders());
        shop.limits.chunk = chunk;
        shop.threads = threads;
        let (mut rows_expected, mut refused, mut read) = (Vec::new(), Vec::new(), 0);
        for (file, of_file) in orders_of.iter().enumerate() {
            let records: Vec<Value> = of_file.iter().enumerate().map(|(at, kinds)| {
                let product = |(item, kind): (usize, &u8)| match kind {
                    0 => json!(7),
                    1 => json!({}),
                    _ => json!({"id": format!("p{item}"), "quantity": 1}),
                };
                let products = match kinds.len() {
                    0 => odd.clone(),
                    _ => kinds.iter().enumerate().map(product).collect(),
                };
                json!({"order_id": format!("f{file}o{at}"), "day": "2024-01-01", "products": products})
            }).collect();
            let texts: Vec<String> = records.iter().map(Value::to_string).collect();
            let text = match form {
                0 => texts.join("\n"),
                1 => format!("[{}]", texts.join(",")),
                _ => format!("[\n{}\n]", texts.join("\n,\n")),
            };
            shop.put(&format!("2024-01-01/{file}.json"), text);
            for row in records.iter().flat_map(expected) {
                read += 1;
                match row {
                    Ok(row) => rows_expected.push(row),
                    Err(reason) => refused.push(reason.to_owned()),
                }
            }
        }
        let done = shop.ingest().unwrap();
        let given = if rows_expected.is_empty() { Vec::new() } else { rows(&shop, &["order_id", "product_id"]) };
        prop_assert_eq!(given, rows_expected);
        let mut reasons = shop.quarantine(&["reason"]);
        reasons.sort();
        refused.sort();
        prop_assert_eq!(reasons, refused);
        prop_assert_eq!(done.counts.read, read);
        prop_assert_eq!(done.counts.accepted + done.counts.quarantined, read);
    }
}
