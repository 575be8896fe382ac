//! A shop's systems: tables of a PostgreSQL and events that were landed as files, as they are at the end of a date.
//!
//! One more date changes rows of the dates before as a living system does, and everything else stays as it was.

mod life;
mod rows;
mod sql;
#[cfg(test)]
mod tests;

pub use rows::{Customer, Event, Item, Landed, Landing, Order};

use crate::sales::Catalogue;
use crate::{DemoError, Scale};
use chrono::NaiveDate;
use life::{Seen, World};

/// The systems at the end of the last date.
pub struct Operations {
    world: World,
    dates: Vec<NaiveDate>,
    /// New rows of each date.
    customers: u64,
    orders: u64,
    events: u64,
}

impl Operations {
    /// Of the records of a date a tenth are new customers, three tenths new orders, as many as these items and more,
    /// and a tenth events; at least one of each.
    pub fn new(scale: &Scale) -> Result<Self, DemoError> {
        let share = |tenths: u64| (scale.records_per_date / 10).saturating_mul(tenths).max(1);
        Ok(Self {
            world: World { seed: scale.seed, first_date: scale.first_date, catalogue: Catalogue::new() },
            dates: crate::all_dates(scale.first_date, scale.dates)?,
            customers: share(1),
            orders: share(3),
            events: share(1),
        })
    }

    /// The schema in which the tables lie.
    pub fn schema(&self) -> &'static str {
        "shop"
    }

    /// Statements that make the tables and bring them to the rows of the last date, in order.
    pub fn statements(&self) -> impl Iterator<Item = String> + '_ {
        let tables = std::iter::once(sql::TABLES.to_owned());
        let customers = sql::statements(sql::CUSTOMERS, self.customers().map(|row| sql::customer(&row)));
        let orders = sql::statements(sql::ORDERS, self.orders().map(|row| sql::order(&row)));
        tables
            .chain(customers)
            .chain(orders)
            .chain(sql::statements(sql::ITEMS, self.items().map(|row| sql::item(&row))))
    }

    pub fn customers(&self) -> impl Iterator<Item = Customer> + '_ {
        self.born(self.customers).map(|(number, seen)| self.world.customer(number, seen))
    }

    pub fn orders(&self) -> impl Iterator<Item = Order> + '_ {
        self.seen_orders().map(|(order, _)| order)
    }

    pub fn items(&self) -> impl Iterator<Item = Item> + '_ {
        self.seen_orders().flat_map(|(order, seen)| self.world.items(&order, seen))
    }

    /// One file for each date: its events, those of the date before that were corrected, and some that came already.
    pub fn landings(&self) -> impl Iterator<Item = Landing> + '_ {
        self.dates.iter().enumerate().map(|(at, date)| {
            let folder = format!("bronze/inventory_events/extracted_at={}T235959Z", date.format("%Y%m%d"));
            Landing { path: format!("{folder}/page-00001.parquet"), events: self.events_of(at as u64) }
        })
    }

    /// Rows in all tables and files.
    pub fn records(&self) -> u64 {
        let tables = self.customers().count() + self.orders().count() + self.items().count();
        let landed: usize = (0..self.dates.len() as u64).map(|at| self.events_of(at).len()).sum();
        (tables + landed) as u64
    }

    fn events_of(&self, at: u64) -> Vec<Event> {
        let today = self.numbers(self.events, at).map(|number| self.world.event(number, Seen { born: at, at }));
        let mut events: Vec<Event> = today.collect();
        if let Some(before) = at.checked_sub(1) {
            for (place, number) in self.numbers(self.events, before).enumerate() {
                let then = self.world.event(number, Seen { born: before, at: before });
                let now = self.world.event(number, Seen { born: before, at });
                if now != then || place.is_multiple_of(20) {
                    events.push(now);
                }
            }
        }
        events
    }

    fn seen_orders(&self) -> impl Iterator<Item = (Order, Seen)> + '_ {
        self.born(self.orders).map(|(number, seen)| {
            let customers = self.customers * (seen.born + 1);
            (self.world.order(number, customers, seen), seen)
        })
    }

    /// Numbers and ages of rows of which each date brings `per_date`.
    fn born(&self, per_date: u64) -> impl Iterator<Item = (u64, Seen)> + '_ {
        let dates = self.dates.len() as u64;
        (0..dates).flat_map(move |born| {
            self.numbers(per_date, born).map(move |number| (number, Seen { born, at: dates - 1 }))
        })
    }

    fn numbers(&self, per_date: u64, born: u64) -> std::ops::RangeInclusive<u64> {
        born * per_date + 1..=(born + 1) * per_date
    }
}
