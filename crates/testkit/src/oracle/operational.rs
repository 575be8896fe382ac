//! The pipeline `operational_lake`: the newest version of each row of a shop's systems, and figures of them.

use super::layers::Layers;
use super::some;
use crate::table::{Row, Table};
use assay_demo::{Customer, Event, Item, Landing, Operations, Order};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// What was refused, apart from where it lay: the table's key and version as text, and the reason.
pub type Refusals = BTreeMap<&'static str, BTreeSet<(String, &'static str)>>;

/// Computes silver and gold from what each extraction found, oldest first, and from the events that lie there.
pub fn operational_lake(extractions: &[Operations], landings: &[Landing]) -> (Layers, Refusals) {
    let mut newest = Newest::default();
    let mut refusals = Refusals::new();
    for found in extractions {
        for row in found.customers() {
            keep(&mut newest.customers, row.customer_id, row.updated_at, row);
        }
        for row in found.orders() {
            if STATUSES.contains(&row.status.trim()) {
                keep(&mut newest.orders, row.order_id, row.updated_at, row);
            } else {
                let key = format!("{} {}", row.order_id, moment(row.updated_at));
                refusals.entry("orders").or_default().insert((key, "check.status"));
            }
        }
        for row in found.items() {
            keep(&mut newest.items, (row.order_id, row.line_no), row.updated_at, row);
        }
    }
    for event in landings.iter().flat_map(|landing| landing.events.clone()) {
        match DateTime::parse_from_rfc3339(&event.occurred_at) {
            Ok(at) => keep(&mut newest.events, event.event_id.clone(), at.to_utc(), event),
            Err(_) => {
                let refused = (event.event_id, "type.occurred_at");
                refusals.entry("inventory_events").or_default().insert(refused);
            }
        }
    }
    (newest.layers(), refusals)
}

const STATUSES: [&str; 6] = ["placed", "paid", "shipped", "delivered", "cancelled", "returned"];

/// Rows by key, each with its version.
type Versions<K, R> = BTreeMap<K, (DateTime<Utc>, R)>;

/// Keeps the row unless a newer version is there; an equally new one gives way to what came later.
fn keep<K: Ord, R>(rows: &mut Versions<K, R>, key: K, version: DateTime<Utc>, row: R) {
    let newer = rows.get(&key).is_some_and(|(kept, _)| *kept > version);
    if !newer {
        rows.insert(key, (version, row));
    }
}

#[derive(Default)]
struct Newest {
    customers: Versions<i64, Customer>,
    orders: Versions<i64, Order>,
    items: Versions<(i64, i32), Item>,
    events: Versions<String, Event>,
}

impl Newest {
    fn layers(&self) -> Layers {
        let silver = BTreeMap::from([
            ("customers", table(CUSTOMERS, self.customers.values(), |(_, row)| customer(row))),
            ("orders", table(ORDERS, self.orders.values(), |(_, row)| order(row))),
            ("order_items", table(ITEMS, self.items.values(), |(_, row)| item(row))),
            ("inventory_events", table(EVENTS, self.events.values(), event)),
        ]);
        let gold = BTreeMap::from([
            ("daily_revenue", self.daily_revenue()),
            ("customer_value", self.customer_value()),
            ("stock_level", self.stock_level()),
        ]);
        Layers { silver, gold, ..Layers::default() }
    }

    /// Orders that were neither cancelled nor returned.
    fn kept_orders(&self) -> impl Iterator<Item = &Order> {
        let orders = self.orders.values().map(|(_, order)| order);
        orders.filter(|order| !["cancelled", "returned"].contains(&order.status.trim()))
    }

    /// Units and revenue in cents of an order.
    fn sums(&self, order: &Order) -> (i64, i64) {
        let items = self.items.range((order.order_id, i32::MIN)..=(order.order_id, i32::MAX));
        items.fold((0, 0), |(units, cents), (_, (_, item))| {
            let quantity = i64::from(item.quantity);
            (units + quantity, cents + quantity * item.cents)
        })
    }

    fn daily_revenue(&self) -> Table {
        let mut days: BTreeMap<(NaiveDate, Option<&str>), (i64, i64, i64)> = BTreeMap::new();
        for order in self.kept_orders() {
            let country = self.customers.get(&order.customer_id).map(|(_, customer)| customer.country);
            let (units, cents) = self.sums(order);
            let day = days.entry((order.ordered_at.date_naive(), country)).or_default();
            *day = (day.0 + 1, day.1 + units, day.2 + cents);
        }
        table(
            &["order_date", "country", "orders", "units", "revenue"],
            &days,
            |((date, country), (orders, units, cents))| {
                vec![some(date), country.and_then(some), some(orders), some(units), some(amount(*cents))]
            },
        )
    }

    fn customer_value(&self) -> Table {
        let mut customers: BTreeMap<i64, Vec<&Order>> = BTreeMap::new();
        for order in self.kept_orders() {
            customers.entry(order.customer_id).or_default().push(order);
        }
        table(&["customer_id", "first_order", "last_order", "orders", "revenue"], &customers, |(customer, orders)| {
            let moments = || orders.iter().map(|order| order.ordered_at);
            vec![
                some(customer),
                moments().min().and_then(|at| some(moment(at))),
                moments().max().and_then(|at| some(moment(at))),
                some(orders.len()),
                some(amount(orders.iter().map(|order| self.sums(order).1).sum())),
            ]
        })
    }

    fn stock_level(&self) -> Table {
        let mut levels: BTreeMap<(&str, &str), (i64, DateTime<Utc>)> = BTreeMap::new();
        for (at, event) in self.events.values() {
            let level = levels.entry((event.warehouse, &event.sku)).or_insert((0, *at));
            *level = (level.0 + event.delta, level.1.max(*at));
        }
        table(&["warehouse", "sku", "stock", "last_event"], &levels, |((warehouse, sku), (stock, last))| {
            vec![some(warehouse), some(sku), some(stock), some(moment(*last))]
        })
    }
}

const CUSTOMERS: &[&str] =
    &["customer_id", "email", "full_name", "country", "created_at", "updated_at", "created_date"];
const ORDERS: &[&str] = &["order_id", "customer_id", "status", "ordered_at", "updated_at", "order_date"];
const ITEMS: &[&str] = &["order_id", "line_no", "sku", "quantity", "unit_price", "updated_at", "updated_date"];
const EVENTS: &[&str] = &["event_id", "sku", "warehouse", "delta", "occurred_at", "event_date"];

fn table<I: IntoIterator>(columns: &[&str], rows: I, row: impl Fn(I::Item) -> Row) -> Table {
    Table::new(columns, rows.into_iter().map(row).collect())
}

fn customer(row: &Customer) -> Row {
    vec![
        some(row.customer_id),
        row.email.as_ref().and_then(|email| some(email.trim().to_lowercase())),
        row.full_name.clone(),
        some(row.country),
        some(moment(row.created_at)),
        some(moment(row.updated_at)),
        some(row.created_at.date_naive()),
    ]
}

fn order(row: &Order) -> Row {
    vec![
        some(row.order_id),
        some(row.customer_id),
        some(row.status.trim()),
        some(moment(row.ordered_at)),
        some(moment(row.updated_at)),
        some(row.ordered_at.date_naive()),
    ]
}

fn item(row: &Item) -> Row {
    vec![
        some(row.order_id),
        some(row.line_no),
        some(&row.sku),
        some(row.quantity),
        some(amount(row.cents)),
        some(moment(row.updated_at)),
        some(row.updated_at.date_naive()),
    ]
}

fn event((at, row): &(DateTime<Utc>, Event)) -> Row {
    vec![
        some(&row.event_id),
        some(&row.sku),
        some(row.warehouse),
        some(row.delta),
        some(moment(*at)),
        some(at.date_naive()),
    ]
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

fn amount(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use assay_demo::Scale;

    fn at(dates: u32) -> Operations {
        let first_date = NaiveDate::from_ymd_opt(2026, 1, 30).unwrap();
        Operations::new(&Scale { seed: 5, first_date, dates, records_per_date: 400, lines: false }).unwrap()
    }

    fn landings(dates: u32) -> Vec<Landing> {
        at(dates).landings().collect()
    }

    fn column(table: &Table, name: &str) -> Vec<Option<String>> {
        let place = table.columns.iter().position(|column| column == name).unwrap();
        table.rows.iter().map(|row| row[place].clone()).collect()
    }

    #[test]
    fn the_newest_accepted_version_stays() {
        let (once, refused_once) = operational_lake(&[at(6)], &landings(6));
        let (daily, refused_daily) = operational_lake(&(1..=6).map(at).collect::<Vec<_>>(), &landings(6));
        for table in ["customers", "order_items", "inventory_events"] {
            assert_eq!(once.silver[table], daily.silver[table], "{table}");
        }
        // An order that was placed and then lost is known only to those who looked before.
        assert!(once.silver["orders"].rows.len() < daily.silver["orders"].rows.len());
        assert!(refused_once["orders"].is_subset(&refused_daily["orders"]));
        assert!(
            column(&once.silver["orders"], "status")
                .iter()
                .all(|status| { status.as_deref().is_some_and(|status| STATUSES.contains(&status)) })
        );
        assert!(
            column(&once.silver["customers"], "email")
                .iter()
                .flatten()
                .all(|email| { *email == email.trim() && !email.contains(char::is_uppercase) })
        );
    }

    #[test]
    fn figures_add_up() {
        let (layers, _) = operational_lake(&[at(4)], &landings(4));
        let cents = |text: &Option<String>| text.as_deref().unwrap().replace('.', "").parse::<i64>().unwrap();
        let sum = |table: &str| column(&layers.gold[table], "revenue").iter().map(cents).sum::<i64>();
        assert_eq!(sum("daily_revenue"), sum("customer_value"));
        assert!(sum("daily_revenue") > 0);
        let stock: i64 = column(&layers.gold["stock_level"], "stock")
            .iter()
            .map(|text| text.as_deref().unwrap().parse::<i64>().unwrap())
            .sum();
        let deltas: i64 = column(&layers.silver["inventory_events"], "delta")
            .iter()
            .map(|text| text.as_deref().unwrap().parse::<i64>().unwrap())
            .sum();
        assert_eq!(stock, deltas);
    }
}
