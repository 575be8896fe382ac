//! Models over all dates from contributions of each month.

#![allow(clippy::unwrap_used)]
use super::shop::{Shop, sale};
use std::collections::{BTreeMap, BTreeSet};

/// Sales of nine months, three a month: (date, customer, quantity). Prices are 1.50.
fn sales() -> Vec<(String, u32, u32)> {
    let of_month =
        |month: u32| (0..3).map(move |n| (format!("2024-{month:02}-{:02}", n * 9 + 1), (month + n) % 4, n + 1));
    (1..10).flat_map(of_month).collect()
}

fn put(shop: &Shop, sales: &[(String, u32, u32)]) {
    for (at, (date, customer, quantity)) in sales.iter().enumerate() {
        let fields = [
            ("date", format!("\"{date}\"")),
            ("customer_id", format!("\"C{customer}\"")),
            ("quantity_sold", quantity.to_string()),
        ];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        shop.put(&format!("{date}/a.json"), sale(&format!("T{at}"), &fields));
    }
}

/// Transactions and total in cents of each customer, added up here.
fn expected(sales: &[(String, u32, u32)]) -> BTreeMap<String, (String, String)> {
    let mut sums: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for (_, customer, quantity) in sales {
        let sum = sums.entry(*customer).or_default();
        *sum = (sum.0 + 1, sum.1 + quantity * 150);
    }
    let text = |(count, cents): (u32, u32)| (count.to_string(), format!("{}.{:02}", cents / 100, cents % 100));
    sums.into_iter().map(|(customer, sum)| (format!("C{customer}"), text(sum))).collect()
}

struct Gold {
    shop: Shop,
    runtime: tokio::runtime::Runtime,
}

impl Gold {
    /// Builds the model and gives what it holds of each customer.
    fn customers(&self) -> BTreeMap<String, (String, String)> {
        let columns = ["customer_id", "transactions", "total_spent"];
        let rows = self.shop.gold(&self.runtime, "customer_segments", &columns);
        rows.into_iter()
            .map(|row| (row[0].clone().unwrap(), (row[1].clone().unwrap(), row[2].clone().unwrap())))
            .collect()
    }

    /// Paths of the kept files.
    fn kept(&self) -> BTreeSet<String> {
        let folder = self.shop.bronze().join("contributions/customer_segments");
        let snapshot = self.runtime.block_on(assay_lake::open(&folder)).unwrap();
        snapshot.iter().flat_map(|snapshot| snapshot.files()).map(|file| file.path.clone()).collect()
    }
}

#[test]
fn only_months_that_changed_are_computed_again() {
    let gold = Gold { shop: Shop::new(), runtime: tokio::runtime::Runtime::new().unwrap() };
    let mut sales = sales();
    put(&gold.shop, &sales);
    gold.shop.ingest().unwrap();
    assert_eq!(gold.customers(), expected(&sales));
    let first = gold.kept();
    assert_eq!(first.len(), 9);

    assert_eq!(gold.customers(), expected(&sales));
    assert_eq!(gold.kept(), first, "nothing changed");

    sales[4] = ("2024-02-10".to_owned(), 3, 70);
    put(&gold.shop, &sales[4..5]);
    gold.shop.ingest_dates(&["2024-02-10"]).unwrap();
    assert_eq!(gold.customers(), expected(&sales));
    let changed: Vec<String> = first.difference(&gold.kept()).cloned().collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].starts_with("month=2024-02-01/"), "{changed:?}");
}

#[test]
fn a_month_that_is_gone_contributes_nothing() {
    let gold = Gold { shop: Shop::new(), runtime: tokio::runtime::Runtime::new().unwrap() };
    let mut sales = sales();
    put(&gold.shop, &sales);
    gold.shop.ingest().unwrap();
    gold.customers();
    let gone: BTreeSet<_> =
        sales.iter().map(|(day, _, _)| day.clone()).filter(|day| day.starts_with("2024-05")).collect();
    for day in &gone {
        std::fs::remove_dir_all(gold.shop.bronze().join(format!("bronze/sales/date={day}"))).unwrap();
    }
    sales.retain(|(day, _, _)| !gone.contains(day));
    gold.shop.ingest().unwrap();
    assert_eq!(gold.customers(), expected(&sales));
    assert!(!gold.kept().iter().any(|path| path.starts_with("month=2024-05")));
}
