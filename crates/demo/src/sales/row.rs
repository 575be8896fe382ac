//! One record as it will be written: fourteen cells.

use chrono::NaiveDate;
use std::borrow::Cow;

/// Names of the columns, in the order of the cells.
pub(super) const COLUMNS: [&str; 14] = [
    "transaction_id",
    "date",
    "store_id",
    "store_name",
    "city",
    "product_id",
    "product_name",
    "category",
    "customer_id",
    "customer_name",
    "quantity_sold",
    "unit_price",
    "total_amount",
    "payment_method",
];
pub(super) const TRANSACTION_ID: usize = 0;
pub(super) const DATE: usize = 1;
pub(super) const STORE_ID: usize = 2;
pub(super) const STORE_NAME: usize = 3;
pub(super) const CITY: usize = 4;
pub(super) const PRODUCT_ID: usize = 5;
pub(super) const PRODUCT_NAME: usize = 6;
pub(super) const CATEGORY: usize = 7;
pub(super) const CUSTOMER_ID: usize = 8;
pub(super) const CUSTOMER_NAME: usize = 9;
pub(super) const QUANTITY: usize = 10;
pub(super) const PRICE: usize = 11;
pub(super) const TOTAL: usize = 12;
pub(super) const PAYMENT: usize = 13;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    /// The key is left out in JSON; an empty field in CSV.
    Absent,
    Null,
    Text(Cow<'a, str>),
    /// Stands in JSON without quotes.
    Bare(Cow<'a, str>),
    Whole(i64),
    /// An amount with two places.
    Cents(i64),
    Day(NaiveDate),
}

impl Cell<'_> {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Cow::Owned(text.into()))
    }

    pub(super) fn bare(text: impl Into<String>) -> Self {
        Self::Bare(Cow::Owned(text.into()))
    }

    /// The value without quotes; nothing for a missing one.
    pub(super) fn plain(&self) -> String {
        match self {
            Self::Absent | Self::Null => String::new(),
            Self::Text(text) | Self::Bare(text) => text.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Cents(cents) => amount(*cents),
            Self::Day(date) => date.format("%Y-%m-%d").to_string(),
        }
    }
}

/// A record and the numbers that its dirt is made from.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    pub cells: [Cell<'a>; 14],
    pub date: NaiveDate,
    pub quantity: i64,
    pub price: i64,
}

impl<'a> Row<'a> {
    /// Sets quantity, price and the total that fits them.
    pub(super) fn sell(&mut self, quantity: i64, price: i64) {
        (self.quantity, self.price) = (quantity, price);
        self.cells[QUANTITY] = Cell::Whole(quantity);
        self.cells[PRICE] = Cell::Cents(price);
        self.cells[TOTAL] = Cell::Cents(quantity * price);
    }

    pub(super) fn set(&mut self, column: usize, cell: Cell<'a>) {
        self.cells[column] = cell;
    }

    pub(super) fn plain(&self, column: usize) -> String {
        self.cells[column].plain()
    }
}

/// Cents as text with two places.
pub(super) fn amount(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn amounts_have_two_places_and_one_sign() {
        for (cents, text) in [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (1_290, "12.90"), (-1_290, "-12.90")] {
            assert_eq!(amount(cents), text);
        }
    }
}
