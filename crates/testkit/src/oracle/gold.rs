//! The five gold tables of `sales_lakehouse`, computed row by row.

use super::number::cents_text;
use super::rules::SilverRow;
use crate::table::{Row, Table};
use chrono::{Datelike, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};

/// Names of the fourteen columns, in declared order.
pub const SALES_COLUMNS: [&str; 14] = [
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

/// The silver table without its audit columns.
pub(super) fn sales(rows: &[SilverRow]) -> Table {
    Table::new(&SALES_COLUMNS, rows.iter().map(cells).collect())
}

pub(super) fn tables(rows: &[SilverRow]) -> BTreeMap<&'static str, Table> {
    BTreeMap::from([
        ("sales_enriched", sales_enriched(rows)),
        ("daily_store_sales", daily_store_sales(rows)),
        ("product_performance", product_performance(rows)),
        ("customer_segments", customer_segments(rows)),
        ("store_performance", store_performance(rows)),
    ])
}

fn cells(row: &SilverRow) -> Row {
    vec![
        Some(row.transaction_id.clone()),
        text(row.date),
        Some(row.store_id.clone()),
        row.store_name.clone(),
        row.city.clone(),
        Some(row.product_id.clone()),
        row.product_name.clone(),
        row.category.clone(),
        Some(row.customer_id.clone()),
        row.customer_name.clone(),
        text(row.quantity_sold),
        Some(cents_text(row.unit_price)),
        Some(cents_text(row.total_amount)),
        row.payment_method.clone(),
    ]
}

fn sales_enriched(rows: &[SilverRow]) -> Table {
    let columns: Vec<&str> = SALES_COLUMNS.into_iter().chain(["year", "month", "day_of_week"]).collect();
    let enriched = rows.iter().map(|row| {
        let mut cells = cells(row);
        cells.extend([text(row.date.year()), text(row.date.month()), text(row.date.weekday().number_from_monday())]);
        cells
    });
    Table::new(&columns, enriched.collect())
}

fn daily_store_sales(rows: &[SilverRow]) -> Table {
    let mut groups: BTreeMap<(NaiveDate, &str), Group> = BTreeMap::new();
    for row in rows {
        groups.entry((row.date, &row.store_id)).or_default().add(row);
    }
    let columns = ["date", "store_id", "store_name", "city", "transactions", "units", "revenue", "average_basket"];
    let rows = groups.into_iter().map(|((date, store), group)| {
        vec![
            text(date),
            text(store),
            group.store_name.clone(),
            group.city.clone(),
            text(group.transactions),
            text(group.units),
            Some(cents_text(group.revenue)),
            Some(cents_text(group.average())),
        ]
    });
    Table::new(&columns, rows.collect())
}

fn product_performance(rows: &[SilverRow]) -> Table {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for row in rows {
        groups.entry(&row.product_id).or_default().add(row);
    }
    let rank =
        |of: &Group| 1 + groups.values().filter(|it| it.category == of.category && it.revenue > of.revenue).count();
    let columns = ["product_id", "product_name", "category", "transactions", "units", "revenue", "category_rank"];
    let rows = groups.iter().map(|(product, group)| {
        vec![
            text(product),
            group.product_name.clone(),
            group.category.clone(),
            text(group.transactions),
            text(group.units),
            Some(cents_text(group.revenue)),
            text(rank(group)),
        ]
    });
    Table::new(&columns, rows.collect())
}

fn customer_segments(rows: &[SilverRow]) -> Table {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for row in rows {
        groups.entry(&row.customer_id).or_default().add(row);
    }
    let columns = [
        "customer_id",
        "customer_name",
        "first_purchase",
        "last_purchase",
        "transactions",
        "total_spent",
        "average_order",
        "segment",
    ];
    let rows = groups.into_iter().map(|(customer, group)| {
        vec![
            text(customer),
            group.customer_name.clone(),
            group.dates.first().and_then(text),
            group.dates.last().and_then(text),
            text(group.transactions),
            Some(cents_text(group.revenue)),
            Some(cents_text(group.average())),
            text(group.segment()),
        ]
    });
    Table::new(&columns, rows.collect())
}

fn store_performance(rows: &[SilverRow]) -> Table {
    let mut groups: BTreeMap<(&str, i32, u32), (Group, BTreeSet<&str>)> = BTreeMap::new();
    for row in rows {
        let (group, customers) = groups.entry((&row.store_id, row.date.year(), row.date.month())).or_default();
        group.add(row);
        customers.insert(&row.customer_id);
    }
    let columns = ["store_id", "year", "month", "store_name", "city", "transactions", "units", "revenue", "customers"];
    let rows = groups.into_iter().map(|((store, year, month), (group, customers))| {
        vec![
            text(store),
            text(year),
            text(month),
            group.store_name.clone(),
            group.city.clone(),
            text(group.transactions),
            text(group.units),
            Some(cents_text(group.revenue)),
            text(customers.len()),
        ]
    });
    Table::new(&columns, rows.collect())
}

/// What the tables need to know of the rows of one id.
#[derive(Default)]
struct Group {
    transactions: i128,
    units: i128,
    /// Hundredths.
    revenue: i128,
    dates: BTreeSet<NaiveDate>,
    store_name: Option<String>,
    city: Option<String>,
    product_name: Option<String>,
    category: Option<String>,
    customer_name: Option<String>,
}

impl Group {
    fn add(&mut self, row: &SilverRow) {
        self.transactions += 1;
        self.units += i128::from(row.quantity_sold);
        self.revenue += row.total_amount;
        self.dates.insert(row.date);
        for (kept, new) in [
            (&mut self.store_name, &row.store_name),
            (&mut self.city, &row.city),
            (&mut self.product_name, &row.product_name),
            (&mut self.category, &row.category),
            (&mut self.customer_name, &row.customer_name),
        ] {
            // `None` is less than every text, and texts compare by their bytes.
            if *kept < *new {
                kept.clone_from(new);
            }
        }
    }

    /// Revenue by transactions in hundredths, half up; neither is negative.
    fn average(&self) -> i128 {
        (2 * self.revenue + self.transactions) / (2 * self.transactions)
    }

    fn segment(&self) -> &'static str {
        let (much, often) = (self.revenue >= 1_000_000, self.transactions >= 5);
        match (much, often) {
            (true, true) => "vip",
            (false, true) => "loyal",
            (true, false) => "high_value",
            (false, false) if self.transactions == 1 => "new",
            (false, false) => "regular",
        }
    }
}

fn text(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}
