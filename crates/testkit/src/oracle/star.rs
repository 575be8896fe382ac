//! The pipeline `sales_star`: the sales of raw JSON as a star.

use super::gold::{self, sales};
use super::layers::Layers;
use super::{Expected, SilverRow, files_below, some};
use crate::TestkitError;
use crate::table::{Row, Table};
use std::collections::BTreeMap;
use std::path::Path;

/// Computes every layer from the files below `raw/sales`.
pub fn sales_star(pipeline_lake: &Path) -> Result<Layers, TestkitError> {
    Ok(layers(Expected::of_all(files_below(pipeline_lake, "raw/sales")?)?))
}

pub(super) fn layers(expected: Expected) -> Layers {
    let rows = &expected.silver;
    let store: Attributes<2> = |row| (&row.store_id, [&row.store_name, &row.city]);
    let product: Attributes<2> = |row| (&row.product_id, [&row.product_name, &row.category]);
    let customer: Attributes<1> = |row| (&row.customer_id, [&row.customer_name]);
    let gold = BTreeMap::from([
        ("fact_sales", fact(rows)),
        ("dim_store", dimension(rows, ["store_id", "store_name", "city"].as_slice(), store)),
        ("dim_product", dimension(rows, ["product_id", "product_name", "category"].as_slice(), product)),
        ("dim_customer", dimension(rows, ["customer_id", "customer_name"].as_slice(), customer)),
    ]);
    Layers {
        silver: BTreeMap::from([("sales", sales(rows))]),
        quarantine: BTreeMap::from([("sales", expected.quarantine)]),
        files: expected.files,
        gold,
    }
}

const FACT: [&str; 9] = [
    "transaction_id",
    "date",
    "store_id",
    "product_id",
    "customer_id",
    "quantity_sold",
    "unit_price",
    "total_amount",
    "payment_method",
];

fn fact(rows: &[SilverRow]) -> Table {
    let whole = sales(rows);
    let places = FACT.map(|column| gold::SALES_COLUMNS.iter().position(|name| *name == column).unwrap_or_default());
    Table::new(&FACT, whole.rows.iter().map(|row| places.map(|place| row[place].clone()).to_vec()).collect())
}

/// The id of a row and its attributes.
type Attributes<const N: usize> = fn(&SilverRow) -> (&String, [&Option<String>; N]);

/// Each attribute is that of the last record, by date and transaction, in which it is not null.
fn dimension<const N: usize>(rows: &[SilverRow], columns: &[&str], attributes: Attributes<N>) -> Table {
    let mut ordered: Vec<&SilverRow> = rows.iter().collect();
    ordered.sort_by(|one, other| (one.date, &one.transaction_id).cmp(&(other.date, &other.transaction_id)));
    let mut latest: BTreeMap<&str, [Option<String>; N]> = BTreeMap::new();
    for row in ordered {
        let (id, values) = attributes(row);
        let kept = latest.entry(id).or_insert_with(|| std::array::from_fn(|_| None));
        for (kept, value) in kept.iter_mut().zip(values).filter(|(_, value)| value.is_some()) {
            kept.clone_from(value);
        }
    }
    let row = |(id, values): (&str, [Option<String>; N])| -> Row { std::iter::once(some(id)).chain(values).collect() };
    Table::new(columns, latest.into_iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sale(id: &str, date: &str, names: &str) -> String {
        format!(
            r#"{{"transaction_id":"{id}","date":"{date}","store_id":"S1","product_id":"P1","customer_id":"C1","quantity_sold":1,"unit_price":2.50,{names}}}"#
        )
    }

    #[test]
    fn each_attribute_is_that_of_the_last_record_that_has_it() {
        let lines = [
            sale("T2", "2026-01-02", r#""store_name":"late","city":null,"product_name":" ","category":"c""#),
            sale(
                "T1",
                "2026-01-02",
                r#""store_name":"early","city":"Lyon","customer_name":"Z","payment_method":"Gift Card""#,
            ),
            sale("T9", "2026-01-01", r#""store_name":"before","city":"Oslo","category":"b","customer_name":null"#),
        ];
        let file = ("raw/sales/date=2026-01-01/a.json", lines.join("\n"));
        let layers = layers(Expected::of(&[(file.0, file.1.as_bytes())]).unwrap());
        let row = |cells: &[&str]| -> Row {
            cells.iter().map(|cell| (*cell != "null").then(|| (*cell).to_owned())).collect()
        };
        assert_eq!(layers.gold["dim_store"].rows, [row(&["S1", "late", "Lyon"])]);
        assert_eq!(layers.gold["dim_product"].rows, [row(&["P1", "null", "c"])]);
        assert_eq!(layers.gold["dim_customer"].rows, [row(&["C1", "Z"])]);
        assert_eq!(
            layers.gold["fact_sales"].rows[0],
            row(&["T1", "2026-01-02", "S1", "P1", "C1", "1", "2.50", "2.50", "gift_card"])
        );
        assert_eq!((layers.gold["fact_sales"].rows.len(), layers.total().accepted), (3, 3));
    }
}
