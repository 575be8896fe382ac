//! Tests of generated systems: time passes for rows that are there already, and nothing else changes.
#![allow(clippy::unwrap_used)]

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_64;

fn operations(dates: u32, records_per_date: u64) -> Operations {
    let first_date = NaiveDate::from_ymd_opt(2026, 1, 30).unwrap();
    Operations::new(&Scale { seed: 42, first_date, dates, records_per_date, lines: false }).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_rows_on_every_machine() {
    let operations = operations(3, 100);
    let text = operations.statements().collect::<Vec<_>>().join("\n");
    let landed = format!("{:?}", operations.landings().collect::<Vec<_>>());
    assert_eq!(
        format!("{:016x} {:016x}", xxh3_64(text.as_bytes()), xxh3_64(landed.as_bytes())),
        "d21bbce4202a40c0 17221ef374260292"
    );
}

#[test]
fn one_more_date_adds_rows_and_changes_some_at_later_moments() {
    let (before, after) = (operations(5, 1_000), operations(6, 1_000));
    let then: BTreeMap<i64, Order> = before.orders().map(|order| (order.order_id, order)).collect();
    let now: BTreeMap<i64, Order> = after.orders().map(|order| (order.order_id, order)).collect();
    assert_eq!((then.len(), now.len()), (1_500, 1_800));
    let last_seen = then.values().map(|order| order.updated_at).max().unwrap();
    let changed: Vec<&Order> =
        then.keys().map(|id| &now[id]).filter(|order| then[&order.order_id] != **order).collect();
    assert!(changed.len() > 100);
    assert!(changed.iter().all(|order| order.updated_at > last_seen), "a change lies behind the watermark");
    assert!(now.values().filter(|order| !then.contains_key(&order.order_id)).all(|order| order.updated_at > last_seen));
    let moved = before.customers().zip(after.customers()).filter(|(then, now)| then.email != now.email).count();
    let corrected = before.items().zip(after.items()).filter(|(then, now)| then.quantity != now.quantity).count();
    assert!(moved > 5 && corrected > 20, "{moved} {corrected}");
    let landed: Vec<Landing> = after.landings().collect();
    assert_eq!(before.landings().collect::<Vec<_>>(), landed[..5]);
}

#[test]
fn every_dirt_occurs_and_keys_are_unique() {
    let operations = operations(6, 2_000);
    let statuses: BTreeSet<&str> = operations.orders().map(|order| order.status).collect();
    assert!(
        ["lost", "Paid", "draft", " placed ", "cancelled", "returned"].iter().all(|status| statuses.contains(status))
    );
    assert!(operations.customers().any(|customer| customer.email.is_some_and(|email| email.contains("ORG"))));
    let keys: BTreeSet<(i64, i32)> = operations.items().map(|item| (item.order_id, item.line_no)).collect();
    assert_eq!(keys.len(), operations.items().count());
    let Landed::Text(moments) = &operations.landings().next().unwrap().columns()[4].1 else { panic!("texts") };
    assert!(moments.iter().any(|text| text == "yesterday") && moments.iter().any(|text| text.ends_with("+02:00")));
    let tables = operations.customers().count() + operations.orders().count() + keys.len();
    assert!(operations.records() > tables as u64 + 1_200);
}

#[test]
fn few_or_no_records_still_give_one_row_of_each() {
    let operations = operations(1, 0);
    assert_eq!((operations.customers().count(), operations.orders().count()), (1, 1));
    assert_eq!(operations.landings().count(), 1);
}
