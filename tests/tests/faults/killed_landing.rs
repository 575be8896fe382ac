//! kill -9 of runs that land rows, merge them by key and write one copy for each file, at many moments.
#![allow(clippy::unwrap_used)]

use crate::journey::{FIRST, Journey};
use crate::scene::{finish, kill, length, moments, settled};
use assay_demo::{Landing, Operations, Scale};
use assay_testkit::{Layers, ORDER_COLUMNS, copies, operational_lake};
use std::collections::{BTreeMap, BTreeSet};

const KILLS: u64 = 6;
const RECORDS: u64 = 120;

fn systems(dates: u32) -> Operations {
    let first_date = FIRST.parse().unwrap();
    Operations::new(&Scale { seed: 1, first_date, dates, records_per_date: RECORDS, lines: false }).unwrap()
}

/// What is there after extractions at the ends of these dates.
fn expected(dates: &[u32]) -> Layers {
    let extractions: Vec<Operations> = dates.iter().map(|dates| systems(*dates)).collect();
    let landings: Vec<Landing> = extractions.iter().flat_map(|found| found.landings().collect::<Vec<_>>()).collect();
    operational_lake(&extractions, &landings).0
}

/// Every table is as after extractions at the ends of these dates.
pub fn expect_all(journey: &Journey, dates: &[u32]) {
    let expected = expected(dates);
    for (name, table) in &expected.silver {
        journey.expect_table(&format!("silver/{name}"), table);
    }
    for (name, table) in &expected.gold {
        journey.expect_table(&format!("gold/{name}"), table);
    }
}

#[test]
fn a_killed_landing_is_taken_up_again_and_no_row_is_lost_or_doubled() {
    let journey = Journey::new("operational_lake");
    let run = ["run", "operational_lake"];
    let mut dates = vec![2, 3];
    journey.demo(2, RECORDS, &[]);
    journey.run(&[]);
    journey.demo(3, RECORDS, &[]);
    let length = length(&journey, &run);
    for (moment, next) in moments(KILLS, length).zip(4..) {
        journey.demo(next, RECORDS, &[]);
        let newest = journey.runs().remove(0);
        let versions = versions(&journey);
        kill(&journey, &run, moment);
        for (folder, version) in versions {
            // A merge that moves rows between dates is one commit too.
            let there = journey.table(&folder).version;
            assert!((version..=version + 1).contains(&there), "{folder} went from {version} to {there}");
        }
        finish(&journey, &run, &newest);
        dates.push(next);
        expect_all(&journey, &dates);
    }
    let runs = journey.runs().len();
    journey.run(&["--stage", "gold"]);
    assert_eq!(journey.runs().len(), runs, "nothing is left to do");
}

fn versions(journey: &Journey) -> BTreeMap<String, u64> {
    let silver = ["customers", "orders", "order_items", "inventory_events"].map(|name| format!("silver/{name}"));
    let gold = ["daily_revenue", "customer_value", "stock_level"].map(|name| format!("gold/{name}"));
    silver.into_iter().chain(gold).map(|folder| (folder.clone(), journey.table(&folder).version)).collect()
}

const OUT: &str = "orders_parquet_datalake";

/// Writes files of two products each, and gives the products that their outputs hold.
fn arrive(journey: &Journey, round: u64) -> Vec<[String; 2]> {
    let file = |number: u64| {
        let [first, second] = ["b", "a"].map(|name| format!("{name}-{round}-{number}"));
        let text = format!(r#"{{"order_id": {number}, "products": [{{"name": "{first}"}}, {{"name": "{second}"}}]}}"#);
        journey.write(&format!("orders_json_incoming/{round}-{number}.json"), text.as_bytes());
        // The same content never gives two outputs.
        journey.write(&format!("orders_json_incoming/{round}-{number}-again.json"), text.as_bytes());
        [first, second]
    };
    (0..3).map(file).collect()
}

/// The products of every output; a copy that is not whole, or holds the rows of two files, fails here.
fn outputs(journey: &Journey) -> BTreeMap<String, Vec<String>> {
    let product = ORDER_COLUMNS.iter().position(|name| *name == "product_name").unwrap();
    let read = |path: &std::path::PathBuf| {
        let rows = copies::parquet_rows(path, &ORDER_COLUMNS).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, rows.into_iter().map(|row| row[product].clone().unwrap()).collect())
    };
    copies::files(&journey.lake().join(OUT)).unwrap().iter().map(read).collect()
}

#[test]
fn a_killed_run_never_gives_two_outputs_of_one_content() {
    let journey = Journey::new("orders_parquet");
    let run = ["run", "orders_parquet"];
    let mut wanted: BTreeSet<Vec<String>> = BTreeSet::new();
    wanted.extend(arrive(&journey, 0).into_iter().map(Vec::from));
    let length = length(&journey, &run);
    for (moment, round) in moments(KILLS, length).zip(1..) {
        let before = outputs(&journey);
        wanted.extend(arrive(&journey, round).into_iter().map(Vec::from));
        let newest = journey.runs().remove(0);
        kill(&journey, &run, moment);
        let there = outputs(&journey);
        let distinct: BTreeSet<&Vec<String>> = there.values().collect();
        assert_eq!(distinct.len(), there.len(), "killed at {moment} of {length}: {there:?}");
        assert!(distinct.iter().all(|products| wanted.contains(*products)), "{there:?}");
        assert!(before.iter().all(|(name, products)| there.get(name) == Some(products)), "an output keeps its rows");
        settled(&journey);
        finish(&journey, &run, &newest);
        let after = outputs(&journey);
        assert!(there.iter().all(|(name, products)| after.get(name) == Some(products)), "an output keeps its name");
        assert_eq!(after.len(), wanted.len());
        assert_eq!(after.into_values().collect::<BTreeSet<_>>(), wanted);
    }
}
