//! The contract of `sales`, applied to one record.

use super::number::Number;
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
    let mut judge = Judge { values, types: Vec::new(), missing: Vec::new(), ranges: Vec::new() };
    let transaction_id = judge.text("transaction_id", 100, true);
    let date = judge.date("date");
    let store_id = judge.text("store_id", 50, true);
    let store_name = judge.text("store_name", 100, false);
    let city = judge.text("city", 100, false);
    let product_id = judge.text("product_id", 50, true);
    let product_name = judge.text("product_name", 200, false);
    let category = judge.text("category", 100, false);
    let customer_id = judge.text("customer_id", 50, true);
    let customer_name = judge.text("customer_name", 200, false);
    let quantity = judge.positive("quantity_sold", 0, 10, i128::from(i32::MAX));
    let price = judge.positive("unit_price", 2, 10, i128::MAX);
    let (total, check) = judge.total(quantity, price);
    let payment_method = judge.text("payment_method", 50, false);
    let reasons: Vec<String> = [judge.types, judge.missing, judge.ranges, check].into_iter().flatten().collect();
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

struct Judge<'a> {
    values: &'a HashMap<String, Value>,
    types: Vec<String>,
    missing: Vec<String>,
    ranges: Vec<String>,
}

impl Judge<'_> {
    /// The trimmed text of a string column; null where it is missing or refused.
    fn text(&mut self, column: &str, limit: usize, required: bool) -> Option<String> {
        let text = match self.values.get(column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::Text(text) | Value::Number(text)) => text.trim().to_owned(),
            Some(Value::Boolean(value)) => value.to_string(),
            Some(Value::Nested) => {
                self.types.push(format!("type.{column}"));
                return None;
            }
        };
        let text = if column == "payment_method" { underscored(&text.to_lowercase()) } else { text };
        if text.is_empty() && required {
            self.missing.push(format!("missing.{column}"));
        }
        if text.chars().count() > limit {
            self.ranges.push(format!("range.{column}"));
        }
        (!text.is_empty()).then_some(text)
    }

    fn date(&mut self, column: &str) -> Option<NaiveDate> {
        let text = match self.values.get(column) {
            None | Some(Value::Null) => "",
            Some(Value::Text(text)) => text.trim(),
            Some(_) => "not a date",
        };
        if text.is_empty() {
            self.missing.push(format!("missing.{column}"));
            return None;
        }
        let date = read_date(text);
        if date.is_none() {
            self.types.push(format!("type.{column}"));
        }
        date
    }

    /// A number times `10^scale`: `Err` where there is one that does not fit the type, `None` where there is none.
    fn number(&mut self, column: &str, scale: u32, precision: usize) -> Result<Option<i128>, ()> {
        let text = match self.values.get(column) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Text(text) | Value::Number(text)) => text.trim(),
            Some(Value::Boolean(_) | Value::Nested) => "not a number",
        };
        if text.is_empty() {
            return Ok(None);
        }
        match Number::read(text).and_then(|number| number.scaled(scale, precision)) {
            Some(value) => Ok(Some(value)),
            None => {
                self.types.push(format!("type.{column}"));
                Err(())
            }
        }
    }

    /// A required number above zero and within `low..=greatest` of its type.
    fn positive(&mut self, column: &str, scale: u32, precision: usize, greatest: i128) -> Option<i128> {
        let value = self.number(column, scale, precision).ok()?;
        match value {
            None => self.missing.push(format!("missing.{column}")),
            Some(value) if value > greatest || value < -greatest - 1 => {
                self.types.push(format!("type.{column}"));
                return None;
            }
            Some(value) if value <= 0 => self.ranges.push(format!("range.{column}")),
            Some(_) => {}
        }
        value
    }

    /// The total, and the check's reason when it does not fit quantity and price.
    fn total(&mut self, quantity: Option<i128>, price: Option<i128>) -> (Option<i128>, Vec<String>) {
        let product = quantity.zip(price).map(|(quantity, price)| quantity * price);
        let Ok(total) = self.number("total_amount", 2, 15) else { return (None, Vec::new()) };
        match (total, product) {
            (None, Some(product)) if product.abs() >= 10_i128.pow(15) => {
                self.ranges.push("range.total_amount".to_owned());
                (None, Vec::new())
            }
            (Some(total), Some(product)) if (total - product).abs() > 1 => {
                (Some(total), vec!["check.total_amount".to_owned()])
            }
            _ => (total.or(product), Vec::new()),
        }
    }
}

/// Every run of white space becomes one `_`.
fn underscored(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join("_")
}

/// `%Y-%m-%d` or `%d/%m/%Y`: the year has four digits, day and month one or two.
fn read_date(text: &str) -> Option<NaiveDate> {
    let (parts, separator) = if text.contains('-') { ([0, 1, 2], '-') } else { ([2, 1, 0], '/') };
    let pieces: Vec<&str> = text.split(separator).collect();
    let [year, month, day] = parts.map(|place| pieces.get(place).copied().unwrap_or(""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let short = |text: &str| matches!(text.len(), 1 | 2) && digits(text);
    if pieces.len() != 3 || year.len() != 4 || !digits(year) || !short(month) || !short(day) {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}
