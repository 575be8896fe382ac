//! The pipeline `orders_parquet`: nested JSON orders, one row for each product.

use super::json;
use super::judge::Judge;
use super::layers::Layers;
use super::ledger::Ledger;
use super::record::{Cut, Piece, Place, Value};
use super::{csv, files_below, input, owned, some};
use crate::TestkitError;
use crate::table::{Row, Table};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Every layer, and what becomes of each file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Orders {
    pub layers: Layers,
    /// The rows that the output of a file holds, in their order; by path below the pipeline's lake folder.
    pub outputs: BTreeMap<String, Vec<Row>>,
    /// Files that cannot be read at all.
    pub dead: Vec<String>,
    /// Files with the content of another that is read in their stead.
    pub again: Vec<String>,
}

/// The columns of an output.
pub const ORDER_COLUMNS: [&str; 12] = [
    "order_id",
    "order_date",
    "total_amount",
    "customer_id",
    "customer_name",
    "email",
    "address",
    "product_id",
    "product_name",
    "category",
    "price",
    "quantity",
];

/// Computes every layer from the files below `orders_json_incoming`.
pub fn orders_parquet(pipeline_lake: &Path) -> Result<Orders, TestkitError> {
    compute(files_below(pipeline_lake, "orders_json_incoming")?)
}

impl Orders {
    /// Takes the files as (path below the pipeline's lake folder, bytes) instead of reading them.
    pub fn of(files: &[(&str, &[u8])]) -> Result<Self, TestkitError> {
        compute(owned(files))
    }
}

fn compute(mut files: Vec<(String, Vec<u8>)>) -> Result<Orders, TestkitError> {
    files.sort();
    let mut orders = Orders::default();
    let mut ledger = Ledger::new();
    let mut contents: Vec<Vec<u8>> = Vec::new();
    for (file, bytes) in files {
        if contents.contains(&bytes) {
            orders.again.push(file);
            continue;
        }
        contents.push(bytes.clone());
        let Ok(bytes) = input::unpacked(&file, bytes) else {
            orders.dead.push(file);
            continue;
        };
        let cuts = input::cut(&file, &bytes, csv::utf8)?;
        let readable = cuts.is_empty() || cuts.iter().any(|cut| cut.piece != Piece::Malformed);
        if !readable {
            orders.dead.push(file);
            continue;
        }
        for cut in &cuts {
            take(&mut ledger, &file, cut);
        }
    }
    let (accepted, quarantine, files) = ledger.settle();
    for passed in &accepted {
        orders.outputs.entry(passed.place.file.clone()).or_default().push(passed.row.clone());
    }
    let rows = accepted.into_iter().map(|passed| passed.row).collect();
    orders.layers.silver.insert("orders", Table::new(&ORDER_COLUMNS, rows));
    orders.layers.quarantine.insert("orders", quarantine);
    orders.layers.files = files;
    Ok(orders)
}

fn take(ledger: &mut Ledger<Row>, file: &str, cut: &Cut<'_>) {
    let place = Place { file: file.to_owned(), line: cut.line, offset: cut.offset };
    let mut refuse = |reason: &str| ledger.take(cut, place.clone(), Err(vec![reason.to_owned()]));
    let order = match &cut.piece {
        Piece::Blank => return ledger.blank(file),
        Piece::Malformed => return refuse("malformed"),
        Piece::Record(order) => order,
    };
    let products = match order.get("products") {
        None | Some(Value::Null) => return refuse("missing.products"),
        Some(Value::Nested(text)) if text.starts_with('[') => json::elements(text),
        Some(_) => return refuse("type.products"),
    };
    if products.is_empty() {
        return refuse("missing.products");
    }
    for product in &products {
        match inner(product) {
            Some(product) => ledger.take(cut, place.clone(), row(order, &product).map(|row| (row, Vec::new()))),
            None => ledger.take(cut, place.clone(), Err(vec!["type.products".to_owned()])),
        }
    }
}

/// The fields of a nested object; `None` for anything else.
fn inner(value: &Value) -> Option<HashMap<String, Value>> {
    let Value::Nested(text) = value else { return None };
    match json::object(text.as_bytes()) {
        Piece::Record(fields) => Some(fields),
        _ => None,
    }
}

fn row(order: &HashMap<String, Value>, product: &HashMap<String, Value>) -> Result<Row, Vec<String>> {
    let customer = order.get("customer").and_then(inner).unwrap_or_default();
    let of = |fields: &HashMap<String, Value>, name: &str| fields.get(name).cloned().unwrap_or(Value::Null);
    let values: HashMap<String, Value> = ORDER_COLUMNS
        .iter()
        .map(|&column| {
            let value = match column {
                "customer_name" => of(&customer, "name"),
                "customer_id" | "email" | "address" => of(&customer, column),
                "product_name" => of(product, "name"),
                "product_id" | "category" | "price" | "quantity" => of(product, column),
                _ => of(order, column),
            };
            (column.to_owned(), value)
        })
        .collect();
    let mut judge = Judge::new(&values);
    let cells = ORDER_COLUMNS.map(|column| match column {
        "total_amount" | "price" => judge.double(column).map(|value| format!("{value:?}")),
        "quantity" => judge.number(column, 0, 19, i128::from(i64::MAX)).ok().flatten().and_then(some),
        _ => judge.text(column, None, false),
    });
    let reasons = judge.reasons(Vec::new());
    if reasons.is_empty() { Ok(cells.to_vec()) } else { Err(reasons) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(file: &str, text: &str) -> Orders {
        Orders::of(&[(file, text.as_bytes())]).unwrap()
    }

    fn row(cells: &[&str]) -> Row {
        cells.iter().map(|cell| (*cell != "null").then(|| (*cell).to_owned())).collect()
    }

    #[test]
    fn an_order_becomes_a_row_for_each_product_in_its_order() {
        let text = r#"[{"order_id": 7, "order_date": " 2026-01-05 ", "total_amount": "1.5e1",
            "customer": {"customer_id": "C1", "name": "Zoë", "email": "a@b", "address": ""},
            "products": [{"product_id": "P2", "name": "b", "category": null, "price": 12.90, "quantity": "3.0"},
                         {"product_id": "P1", "name": "a", "price": 0.1, "quantity": 1}]},
            {"order_id": "8", "products": [{}]}]"#;
        let orders = of("a.json", text);
        let head = ["7", "2026-01-05", "15.0", "C1", "Zoë", "a@b", "null"];
        let expected = [
            row(&[&head[..], &["P2", "b", "null", "12.9", "3"]].concat()),
            row(&[&head[..], &["P1", "a", "null", "0.1", "1"]].concat()),
            row(&[&["8"][..], &["null"; 11]].concat()),
        ];
        assert_eq!(orders.outputs["a.json"], expected);
        assert_eq!(orders.layers.total().read, 3);
    }

    #[test]
    fn what_is_no_list_of_products_is_refused() {
        for (products, reason) in [
            ("", "missing.products"),
            (r#", "products": null"#, "missing.products"),
            (r#", "products": []"#, "missing.products"),
            (r#", "products": [ ]"#, "missing.products"),
            (r#", "products": {}"#, "type.products"),
            (r#", "products": "none""#, "type.products"),
            (r#", "products": [7]"#, "type.products"),
            (r#", "products": [{"quantity": 1.5}]"#, "type.quantity"),
            (r#", "products": [{"price": true}]"#, "type.price"),
            (r#", "products": [{"name": {}}]"#, "type.product_name"),
        ] {
            let orders = of("a.json", &format!(r#"{{"order_id": "1"{products}}}"#));
            let refused = &orders.layers.quarantine["orders"];
            assert_eq!((refused.len(), refused[0].primary()), (1, reason), "{products}");
        }
    }

    #[test]
    fn a_record_counts_once_for_each_row() {
        let text = "{\"products\": [{}, 7, {}]}\n\n{\"products\": []}\n{\"products\n";
        let total = of("a.jsonl", text).layers.total();
        assert_eq!((total.read, total.accepted, total.quarantined, total.blank), (6, 2, 3, 1));
    }

    #[test]
    fn no_json_is_dead_and_the_same_content_is_read_once() {
        let good = br#"{"products": [{}]}"#;
        let orders =
            Orders::of(&[("z.json", good), ("a.json", good), ("b.json", b"<html>\n"), ("c.json", b"")]).unwrap();
        assert_eq!(orders.outputs.keys().collect::<Vec<_>>(), ["a.json"]);
        assert_eq!((orders.dead, orders.again), (vec!["b.json".to_owned()], vec!["z.json".to_owned()]));
    }
}
