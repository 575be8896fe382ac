//! What becomes of customers, orders, their items and events as dates pass: pure functions of seed, number and age.

use super::rows::{Customer, Event, Item, Order};
use crate::random::Random;
use crate::sales::{Catalogue, customer_name};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// What every row of one data set draws from.
pub(super) struct World {
    pub seed: u64,
    pub first_date: NaiveDate,
    pub catalogue: Catalogue,
}

/// When something began and how it is looked at: dates are counted from the first one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub born: u64,
    pub at: u64,
}

impl Seen {
    fn age(self) -> u64 {
        self.at - self.born
    }
}

impl World {
    pub(super) fn customer(&self, number: u64, seen: Seen) -> Customer {
        let mut random = Random::new(self.seed, CUSTOMERS + number);
        let created_at = self.moment(seen.born, &mut random);
        let moved = random.below(5) == 0 && seen.age() >= 2;
        let updated_at = if moved { self.moment(seen.born + 2, &mut random) } else { created_at };
        let email = match random.below(20) {
            0 => None,
            1..8 => Some(format!("Customer.{number}@Example.ORG")),
            8 => Some(format!("  buyer{number}@example.org ")),
            _ => Some(format!("buyer{number}@example.org")),
        };
        Customer {
            customer_id: number as i64,
            email: if moved { Some(format!("New.{number}@example.net")) } else { email },
            full_name: (random.below(30) > 0).then(|| customer_name(number)),
            country: random.pick::<&str>(COUNTRIES),
            created_at,
            updated_at,
        }
    }

    /// `customers` is how many there are at its date.
    pub(super) fn order(&self, number: u64, customers: u64, seen: Seen) -> Order {
        let mut random = Random::new(self.seed, ORDERS + number);
        let ordered_at = self.moment(seen.born, &mut random);
        let customer_id = 1 + random.below(customers) as i64;
        let fate = *random.pick(FATES);
        let (mut status, mut updated_at) = (fate[0].1, ordered_at);
        for (after, next) in fate.iter().skip(1) {
            // Drawn for every step, so that a step's moment does not depend on the age.
            let moment = self.moment(seen.born + after, &mut random);
            if *after <= seen.age() {
                (status, updated_at) = (next, moment.max(updated_at));
            }
        }
        Order { order_id: number as i64, customer_id, status, ordered_at, updated_at }
    }

    pub(super) fn items(&self, order: &Order, seen: Seen) -> Vec<Item> {
        let mut random = Random::new(self.seed, ITEMS + order.order_id.unsigned_abs());
        let count = random.between(1, 3);
        (1..=count)
            .map(|line| {
                let product = random.pick(&self.catalogue.products);
                let quantity = random.between(1, 6) as i32;
                let corrected = random.below(12) == 0 && seen.age() >= 1;
                let later = self.moment(seen.born + 1, &mut random);
                Item {
                    order_id: order.order_id,
                    line_no: line as i32,
                    sku: product.id.clone(),
                    quantity: if corrected { quantity + 1 } else { quantity },
                    cents: product.cents,
                    updated_at: if corrected { later } else { order.ordered_at },
                }
            })
            .collect()
    }

    pub(super) fn event(&self, number: u64, seen: Seen) -> Event {
        let mut random = Random::new(self.seed, EVENTS + number);
        let mut occurred = self.moment(seen.born, &mut random);
        let mut delta = random.between(0, 30) as i64 - 10;
        if random.below(10) == 0 && seen.age() >= 1 {
            (occurred, delta) = (self.moment(seen.born + 1, &mut random), delta + 100);
        }
        let occurred_at = match random.below(60) {
            0 => "yesterday".to_owned(),
            1 => occurred.format("%Y-%m-%d %H:%M").to_string(),
            2..12 => (occurred.naive_utc() + TimeDelta::hours(2)).format("%Y-%m-%dT%H:%M:%S+02:00").to_string(),
            12..20 => occurred.format("%Y-%m-%dT%H:%M:%S.250Z").to_string(),
            _ => occurred.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        };
        Event {
            event_id: format!("E{number:09}"),
            sku: random.pick(&self.catalogue.products[..40]).id.clone(),
            warehouse: random.pick::<&str>(WAREHOUSES),
            delta,
            occurred_at,
        }
    }

    /// A second of a date in UTC.
    fn moment(&self, date: u64, random: &mut Random) -> DateTime<Utc> {
        let seconds = date as i64 * 86_400 + random.below(86_400) as i64;
        self.first_date.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::seconds(seconds)
    }
}

/// Streams of numbers, far enough apart for every number of rows.
const CUSTOMERS: u64 = 1 << 50;
const ORDERS: u64 = 2 << 50;
const ITEMS: u64 = 3 << 50;
const EVENTS: u64 = 4 << 50;

const COUNTRIES: &[&str] = &["Germany", "Germany", "France", "Poland", "Spain", "Türkiye", "日本"];
const WAREHOUSES: &[&str] = &["BER-1", "LYO-2", "KRK-3"];

/// Dates after the order, and its status from then on. Some words are none that the contract knows.
const FATES: &[&[(u64, &str)]] = &[
    &[(0, "placed"), (1, "paid"), (2, "shipped"), (4, "delivered")],
    &[(0, "placed"), (0, "paid"), (1, "shipped"), (3, "delivered")],
    &[(0, "paid"), (2, "shipped"), (3, "delivered"), (5, "returned")],
    &[(0, "placed"), (1, "cancelled")],
    &[(0, "placed")],
    &[(0, " placed "), (1, "paid"), (2, "shipped")],
    &[(0, "placed"), (1, "paid"), (2, "lost"), (4, "delivered")],
    &[(0, "placed"), (1, "Paid")],
    &[(0, "draft")],
];
