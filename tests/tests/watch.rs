//! A watched folder: new files become outputs without being asked for, once each, through restarts and kills.
#![allow(clippy::unwrap_used)]

mod journey;

use assay_testkit::{ORDER_COLUMNS, Row, Running, copies};
use journey::Journey;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

const OUT: &str = "orders_parquet_datalake";
const IN: &str = "orders_json_incoming";

/// A watch that looks around once in an hour, so that only events can wake it.
const BY_EVENTS: [&str; 6] = ["watch", "orders_parquet", "--settle", "150", "--sweep", "3600"];
const BY_LOOKING: [&str; 6] = ["watch", "orders_parquet", "--settle", "150", "--sweep", "1"];

fn order(id: usize, products: &[&str]) -> Vec<u8> {
    let products: Vec<String> = products.iter().map(|name| format!(r#"{{"name": "{name}"}}"#)).collect();
    format!(r#"{{"order_id": {id}, "products": [{}]}}"#, products.join(", ")).into_bytes()
}

/// Output name to the products of its rows.
fn outputs(journey: &Journey) -> BTreeMap<String, Vec<String>> {
    let product = ORDER_COLUMNS.iter().position(|name| *name == "product_name").unwrap();
    let names = |rows: Vec<Row>| rows.into_iter().map(|row| row[product].clone().unwrap()).collect();
    let of = |path: &Path| names(copies::parquet_rows(path, &ORDER_COLUMNS).unwrap());
    let files = copies::files(&journey.lake().join(OUT)).unwrap();
    files.iter().map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), of(path))).collect()
}

/// Waits until the condition holds, and fails when the program ends or takes too long.
fn until(running: &mut Running, what: &str, mut holds: impl FnMut(&Running) -> bool) {
    let begin = Instant::now();
    while !holds(running) {
        assert!(begin.elapsed() < Duration::from_secs(120), "{what} did not happen: {}", running.stdout());
        assert!(!running.has_ended_within(Duration::from_millis(20)).unwrap(), "it ended: {}", running.stdout());
    }
}

fn watching(journey: &Journey, words: &[&str]) -> Running {
    let mut running = journey.workspace.start(words).unwrap();
    until(&mut running, "the watch", |running| running.stdout().contains("watches orders_parquet"));
    running
}

fn ended(running: &Running) -> usize {
    [" succeeded", " flagged", " failed"].iter().map(|ended| running.stdout().matches(ended).count()).sum()
}

fn stop(mut running: Running) -> String {
    running.signal(Signal::INT).unwrap();
    let outcome = running.wait(Duration::from_secs(60)).unwrap();
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    outcome.stdout
}

#[test]
fn new_files_become_outputs_once_each() {
    let journey = Journey::new("orders_parquet");
    std::fs::create_dir_all(journey.lake().join(IN)).unwrap();
    let mut watch = watching(&journey, &BY_EVENTS);
    journey.write("orders_json_incoming/.hidden.json", &order(8, &["hidden"]));
    journey.write("orders_json_incoming/b.json.tmp", &order(9, &["unfinished"]));
    journey.write("orders_json_incoming/a.json", &order(1, &["p", "q"]));
    until(&mut watch, "the first output", |watch| ended(watch) == 1);
    let first = outputs(&journey);
    assert_eq!(first.values().cloned().collect::<Vec<_>>(), [["p", "q"]]);

    // A file that gets its name when it is complete, one with the same content as another, one that is no JSON.
    std::fs::rename(journey.lake().join(IN).join("b.json.tmp"), journey.lake().join(IN).join("b.json")).unwrap();
    journey.write("orders_json_incoming/c.json", &order(1, &["p", "q"]));
    journey.write("orders_json_incoming/d.json", b"<html>");
    until(&mut watch, "the second output", |_| outputs(&journey).len() == 2);
    until(&mut watch, "the dead letter", |_| journey.lake().join("orders_json_dead_letter/d.json").exists());
    until(&mut watch, "the end of its run", |watch| !busy(watch));

    // Overwritten: the same output, with what the file holds now.
    journey.write("orders_json_incoming/a.json", &order(1, &["z", "y", "x"]));
    let name = first.keys().next().unwrap();
    until(&mut watch, "the new rows", |_| outputs(&journey)[name] == ["z", "y", "x"]);
    until(&mut watch, "the end of its run", |watch| !busy(watch));
    let before = journey.bytes(OUT);
    let runs = journey.runs().len();
    stop(watch);

    let watch = watching(&journey, &BY_LOOKING);
    stop(watch);
    assert_eq!(journey.bytes(OUT), before);
    assert_eq!(journey.runs().len(), runs, "a restart finds nothing to do");
}

fn busy(running: &Running) -> bool {
    running.stdout().matches(" started: ").count() > ended(running)
}

#[test]
fn a_thousand_files_at_once_and_a_kill_in_the_middle() {
    let journey = Journey::new("orders_parquet");
    let mut watch = watching(&journey, &BY_LOOKING);
    for id in 0..1000 {
        journey.write(&format!("{IN}/{id:04}.json"), &order(id, &[&format!("p{id}")]));
    }
    until(&mut watch, "a run", |watch| watch.stdout().contains(" started: "));
    drop(watch.kill_after(Duration::from_millis(300)).unwrap());

    let mut watch = watching(&journey, &BY_LOOKING);
    until(&mut watch, "every output", |watch| {
        !busy(watch) && copies::files(&journey.lake().join(OUT)).unwrap().len() == 1000
    });
    stop(watch);
    let mut found: Vec<String> = outputs(&journey).into_values().flatten().collect();
    found.sort();
    let mut expected: Vec<String> = (0..1000).map(|id| format!("p{id}")).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn what_fails_waits_for_a_change_of_a_file_or_the_definition() {
    let journey = Journey::new("orders_parquet");
    let place = journey.workspace.root().join("pipelines/orders_parquet/pipeline.toml");
    let shipped = std::fs::read_to_string(&place).unwrap();
    let strict = shipped.replace("dead_letter = ", "# dead_letter = ");
    assert_ne!(shipped, strict);
    std::fs::write(&place, strict).unwrap();
    // A name that fits no format fails the step where there is no place for dead letters.
    journey.write("orders_json_incoming/a.xml", b"<order/>");
    let mut watch = watching(&journey, &BY_LOOKING);
    until(&mut watch, "a failed run", |watch| watch.stdout().contains("wait until a file or the definition changes"));
    journey.write("orders_json_incoming/b.json", &order(1, &["p"]));
    until(&mut watch, "a second run", |watch| ended(watch) == 2);
    assert!(outputs(&journey).is_empty());
    std::fs::write(&place, shipped).unwrap();
    until(&mut watch, "the output", |_| outputs(&journey).len() == 1);
    assert!(journey.lake().join("orders_json_dead_letter/a.xml").exists());
    until(&mut watch, "the end of its run", |watch| !busy(watch));
    let said = stop(watch);
    assert!(said.contains("stopped; no run is going on"), "{said}");
}
