//! The journey of a shop's systems: extracted as they change, the newest version of each row, and figures of them.
#![allow(clippy::unwrap_used)]

mod dynamo;
mod journey;

use assay_demo::{Event, Landing, Operations, Scale};
use assay_testkit::{Layers, Refusals, copies, operational_lake};
use dynamo::Emulator;
use journey::{FIRST, Journey, moved, of_table};
use std::collections::{BTreeMap, BTreeSet};

const RECORDS: u64 = 300;

/// The systems at the end of the n-th date.
fn systems(dates: u32) -> Operations {
    let first_date = FIRST.parse().unwrap();
    Operations::new(&Scale { seed: 1, first_date, dates, records_per_date: RECORDS, lines: false }).unwrap()
}

/// What is there after extractions at the ends of these dates.
fn expected(dates: &[u32]) -> (Layers, Refusals) {
    let extractions: Vec<Operations> = dates.iter().map(|dates| systems(*dates)).collect();
    let landings: Vec<Landing> = extractions.iter().flat_map(|found| found.landings().collect::<Vec<_>>()).collect();
    operational_lake(&extractions, &landings)
}

fn expect_all(journey: &Journey, (expected, refusals): &(Layers, Refusals)) {
    for (name, table) in &expected.silver {
        journey.expect_table(&format!("silver/{name}"), table);
    }
    for (name, table) in &expected.gold {
        journey.expect_table(&format!("gold/{name}"), table);
    }
    // A row that is read again at the watermark is refused again, so that places and counts say nothing here.
    for (name, wanted) in refusals {
        let frame = journey.table(&format!("quarantine/{name}")).frame;
        let reasons = frame.column("reason").unwrap();
        let reasons: BTreeSet<&str> = (0..frame.height()).map(|row| reasons.str().unwrap().get(row).unwrap()).collect();
        assert_eq!(reasons, wanted.iter().map(|(_, reason)| *reason).collect(), "{name}");
        assert!(frame.height() >= wanted.len(), "{name}: {} of {}", frame.height(), wanted.len());
    }
}

#[test]
fn the_newest_version_of_each_row_stays_as_dates_pass() {
    let journey = Journey::new("operational_lake");
    journey.demo(3, RECORDS, &[]);
    journey.run(&[]);
    expect_all(&journey, &expected(&[3]));
    assert_eq!(journey.last()["balanced"], true);

    let versions = |journey: &Journey| {
        ["customers", "orders", "order_items"].map(|name| journey.table(&format!("silver/{name}")).version)
    };
    let before = versions(&journey);
    journey.run(&[]);
    assert_eq!(versions(&journey), before, "nothing new came, so no table got a version");

    journey.demo(5, RECORDS, &[]);
    journey.run(&[]);
    expect_all(&journey, &expected(&[3, 5]));
}

#[test]
fn partitions_without_changes_keep_their_files() {
    let journey = Journey::new("operational_lake");
    journey.demo(8, RECORDS, &[]);
    journey.run(&[]);
    let files = |journey: &Journey| {
        let first = journey.date(0);
        let files = journey.table("silver/customers").files.into_iter();
        let of_first = files.filter(|(_, values)| values["created_date"].as_deref() == Some(first.as_str()));
        of_first.map(|(path, _)| path).collect::<BTreeSet<_>>()
    };
    let before = files(&journey);
    assert!(!before.is_empty());
    // A customer changes on the second date after the first visit at the latest.
    journey.demo(9, RECORDS, &[]);
    journey.run(&[]);
    expect_all(&journey, &expected(&[8, 9]));
    assert_eq!(files(&journey), before);
}

#[test]
fn a_date_is_planned_run_again_compared_and_undone() {
    let journey = Journey::new("operational_lake");
    journey.demo(3, RECORDS, &[]);
    journey.run(&[]);
    let before = expected(&[3]);
    // The file of the second date is corrected: an event that no other file holds was none.
    let mut landings: Vec<Landing> = systems(3).landings().collect();
    let elsewhere =
        |event: &Event| [0, 2].iter().any(|at| landings[*at].events.iter().any(|it| it.event_id == event.event_id));
    let is_moment = |event: &Event| event.occurred_at.ends_with('Z');
    let at = landings[1].events.iter().position(|event| is_moment(event) && !elsewhere(event)).unwrap();
    let sku = landings[1].events.remove(at).sku;
    copies::land(&journey.lake(), &landings[1]).unwrap();
    let after = operational_lake(&[systems(3)], &landings);
    let difference =
        journey.reprocess(&journey.date(1), &|| expect_all(&journey, &before), &|| expect_all(&journey, &after));
    assert_eq!(moved(of_table(&difference, "silver.inventory_events")), [0, 1, 0]);
    let stock = of_table(&difference, "gold.stock_level");
    assert_eq!(moved(stock).iter().sum::<u64>(), 1, "{sku}");
}

/// The events of all landings so far as a table holds them: one item for each id, the last one that was put.
fn items(dates: u32) -> Vec<Event> {
    let events = systems(dates).landings().flat_map(|landing| landing.events).collect::<Vec<_>>();
    let last: BTreeMap<String, Event> = events.into_iter().map(|event| (event.event_id.clone(), event)).collect();
    last.into_values().collect()
}

#[test]
fn events_are_scanned_from_dynamodb_as_they_come() {
    let emulator = Emulator::start();
    emulator.create("inventory_events", "event_id");
    let mut journey = Journey::new("operational_lake");
    let named = format!(
        "[environments.local.connections.events.dynamodb]\nregion = \"{}\"\nendpoint = \"{}\"\n",
        dynamo::REGION,
        emulator.url()
    );
    journey.workspace.write_at_root("assay.toml", named.as_bytes()).unwrap();
    // What the demo lands as the files of another program is scanned here.
    let pass = |journey: &Journey, dates: u32| {
        journey.demo(dates, RECORDS, &[]);
        for landing in systems(dates).landings() {
            std::fs::remove_file(journey.lake().join(landing.path)).unwrap();
        }
        emulator.put("inventory_events", &items(dates));
    };
    pass(&journey, 3);
    let refused = journey.assay(&["run", "operational_lake"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(format!("{}{}", refused.stdout, refused.stderr).contains("AWS_ACCESS_KEY_ID"), "{}", refused.stderr);

    journey.workspace.set("AWS_ACCESS_KEY_ID", "id");
    journey.workspace.set("AWS_SECRET_ACCESS_KEY", "s3cret");
    journey.run(&["--resume"]);
    let scanned = |dates: u32| Landing { path: String::new(), events: items(dates) };
    expect_all(&journey, &operational_lake(&[systems(3)], &[scanned(3)]));
    let landings = || std::fs::read_dir(journey.lake().join("bronze/inventory_events")).unwrap().count();
    let (once, version) = (landings(), journey.table("silver/inventory_events").version);
    journey.run(&[]);
    assert_eq!((landings(), journey.table("silver/inventory_events").version), (once, version), "nothing new came");

    pass(&journey, 5);
    journey.run(&[]);
    expect_all(&journey, &operational_lake(&[systems(3), systems(5)], &[scanned(3), scanned(5)]));
    assert!(landings() > once);
    assert_eq!(journey.last()["balanced"], true);
}
