//! The contract of `sales`, applied to one record.

use super::judge::Judge;
use super::record::{Place, Value};
use chrono::NaiveDate;
use std::collections::HashMap;

/// An accepted record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilverRow {
    pub transaction_id: String,
    pub date: NaiveDate,
    pub store_id: String,
    pub store_name: Option<String>,
    pub city: Option<String>,
    pub product_id: String,
    pub product_name: Option<String>,
    pub category: Option<String>,
    pub customer_id: String,
    pub customer_name: Option<String>,
    pub quantity_sold: i32,
    /// Hundredths.
    pub unit_price: i128,
    /// Hundredths.
    pub total_amount: i128,
    pub payment_method: Option<String>,
    /// Below the pipeline's lake folder, with `/`.
    pub file: String,
    /// Counted from 1.
    pub line: u64,
    pub offset: u64,
}

/// The record as an accepted row, or all its reasons, the primary one first.
pub(super) fn judge(values: &HashMap<String, Value>, place: &Place) -> Result<SilverRow, Vec<String>> {
    let mut judge = Judge::new(values);
    let transaction_id = judge.text("transaction_id", Some(100), true);
    let date = judge.date("date", &["%Y-%m-%d", "%d/%m/%Y"]);
    let store_id = judge.text("store_id", Some(50), true);
    let store_name = judge.text("store_name", Some(100), false);
    let city = judge.text("city", Some(100), false);
    let product_id = judge.text("product_id", Some(50), true);
    let product_name = judge.text("product_name", Some(200), false);
    let category = judge.text("category", Some(100), false);
    let customer_id = judge.text("customer_id", Some(50), true);
    let customer_name = judge.text("customer_name", Some(200), false);
    let quantity = judge.positive("quantity_sold", 0, 10, i128::from(i32::MAX));
    let price = judge.positive("unit_price", 2, 10, HUGE);
    let (total, check) = total(&mut judge, quantity, price);
    let payment_method = judge.cleaned("payment_method", Some(50), false, &|text| underscored(&text.to_lowercase()));
    let reasons = judge.reasons(check);
    let row = || {
        Some(SilverRow {
            transaction_id: transaction_id?,
            date: date?,
            store_id: store_id?,
            store_name,
            city,
            product_id: product_id?,
            product_name,
            category,
            customer_id: customer_id?,
            customer_name,
            quantity_sold: i32::try_from(quantity?).ok()?,
            unit_price: price?,
            total_amount: total?,
            payment_method,
            file: place.file.clone(),
            line: place.line,
            offset: place.offset,
        })
    };
    if reasons.is_empty() { row().ok_or_else(Vec::new) } else { Err(reasons) }
}

/// Beyond every number that a type allows by its digits.
const HUGE: i128 = 10_i128.pow(38);

/// The total, and the check's reason when it does not fit quantity and price.
fn total(judge: &mut Judge<'_>, quantity: Option<i128>, price: Option<i128>) -> (Option<i128>, Vec<String>) {
    let product = quantity.zip(price).map(|(quantity, price)| quantity * price);
    let Ok(total) = judge.number("total_amount", 2, 15, HUGE) else { return (None, Vec::new()) };
    match (total, product) {
        (None, Some(product)) if product.abs() >= 10_i128.pow(15) => {
            judge.out_of_range("total_amount");
            (None, Vec::new())
        }
        (Some(total), Some(product)) if (total - product).abs() > 1 => {
            (Some(total), vec!["check.total_amount".to_owned()])
        }
        _ => (total.or(product), Vec::new()),
    }
}

/// Every run of white space becomes one `_`.
fn underscored(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join("_")
}
