//! Clean sales: who buys what, where and for how much.

use super::catalogue::{Catalogue, Product, customer_name};
use super::row::{Cell, Row};
use crate::random::Random;
use chrono::{Datelike, NaiveDate};
use std::borrow::Cow;

/// What every sale of one data set draws from.
pub(super) struct World {
    catalogue: Catalogue,
    /// Places in the catalogue's products, cheapest first.
    by_price: Vec<usize>,
    /// Numbers of customers who come often, sometimes, and for their business; who comes once is not in a pool.
    often: u64,
    sometimes: u64,
    business: u64,
}

impl World {
    /// Pools that fit `records` sales in all.
    pub(super) fn new(records: u64) -> Self {
        let catalogue = Catalogue::new();
        let mut by_price: Vec<usize> = (0..catalogue.products.len()).collect();
        by_price.sort_by_key(|&place| catalogue.products[place].cents);
        let pool = |share: u64, visits: u64| (records / 100 * share / visits).max(1);
        Self { catalogue, by_price, often: pool(42, 20), sometimes: pool(21, 2), business: pool(6, 15) }
    }

    /// The sale number `number` of the whole data set, which is number `within` of its date.
    pub(super) fn sale(&self, date: NaiveDate, within: u64, number: u64, random: &mut Random) -> Row<'_> {
        let buyer = self.buyer(number, random);
        let product = &self.catalogue.products[self.choice(buyer.kind, random)];
        let price = if random.below(8) == 0 { product.cents * 9 / 10 } else { product.cents };
        let quantity = match buyer.kind {
            Buys::Little => 1 + random.below(5).min(random.below(5)),
            Buys::Much => random.between(5, 40),
            Buys::Dear => random.between(13, 30),
        };
        let mut row = self.row(date, within, buyer.number, product, random);
        row.sell(quantity as i64, price.max(1));
        row
    }

    /// Two sales that differ in transaction, store, customer and product only.
    pub(super) fn twins(&self, date: NaiveDate, within: u64, random: &mut Random) -> [Row<'_>; 2] {
        let [left, right] = random.pick(&self.catalogue.twins);
        let quantity = random.between(1, 9) as i64;
        [(within, left), (within + 1, right)].map(|(within, product)| {
            let mut row = self.row(date, within, random.below(self.often), product, random);
            row.sell(quantity, product.cents);
            row
        })
    }

    fn row<'a>(
        &'a self,
        date: NaiveDate,
        within: u64,
        buyer: u64,
        product: &'a Product,
        random: &mut Random,
    ) -> Row<'a> {
        let store = random.pick(&self.catalogue.stores);
        let payment = *random.pick(PAYMENTS);
        let text = |text: &'a str| Cell::Text(Cow::Borrowed(text));
        let id = format!("T{:04}{:02}{:02}-{within:07}", date.year(), date.month(), date.day());
        let cells = [
            Cell::text(id),
            Cell::Day(date),
            text(&store.id),
            text(store.name),
            text(store.city),
            text(&product.id),
            text(&product.name),
            text(product.category),
            Cell::text(format!("C{buyer:08}")),
            Cell::text(customer_name(buyer)),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            text(payment),
        ];
        Row { cells, date, quantity: 0, price: 0 }
    }

    fn buyer(&self, number: u64, random: &mut Random) -> Buyer {
        let sometimes = self.often;
        let business = sometimes + self.sometimes;
        let once = business + self.business + number;
        let (kind, number) = match random.below(100) {
            0..42 => (Buys::Little, random.below(self.often)),
            42..63 => (Buys::Little, sometimes + random.below(self.sometimes)),
            63..69 => (Buys::Much, business + random.below(self.business)),
            69 => (Buys::Dear, once),
            _ => (Buys::Little, once),
        };
        Buyer { kind, number }
    }

    fn choice(&self, kind: Buys, random: &mut Random) -> usize {
        let all = self.by_price.len() as u64;
        match kind {
            Buys::Little => self.by_price[random.below(all).min(random.below(all)).min(random.below(all)) as usize],
            Buys::Much => random.below(all) as usize,
            Buys::Dear => *random.pick(&self.catalogue.dear),
        }
    }
}

#[derive(Clone, Copy)]
enum Buys {
    Little,
    Much,
    /// Few, and at least 10,000 at once.
    Dear,
}

struct Buyer {
    kind: Buys,
    number: u64,
}

const PAYMENTS: &[&str] =
    &["credit_card", "credit_card", "debit_card", "debit_card", "cash", "cash", "mobile", "gift_card", "bank_transfer"];
