//! Journeys of lakes in a bucket: every pipeline from generated data to the warehouse, and its dates done again.
#![allow(clippy::unwrap_used)]

mod journey;

use assay_demo::{Event, Landing, Operations, Scale};
use assay_testkit::s3::{Fault, Kind, Object, Proxy, Rule, Server};
use assay_testkit::{
    Expected, Layers, ORDER_COLUMNS, Orders, Retail, Row, Running, SilverRow, copies, online_retail, operational_lake,
    orders_parquet, sales_star,
};
use journey::{FIRST, Journey, PREFIX, moved, of_table};
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// The stages before the warehouse.
const LAKE: &[&str] = &["--stage", "bronze", "--stage", "silver", "--stage", "gold"];

fn in_bucket(pipeline: &'static str) -> Journey {
    let server = Server::shared().unwrap();
    Journey::in_bucket(pipeline, &server, server.bucket().unwrap(), &server.endpoint())
}

/// Another workspace, with a journal of its own, whose lake is that of a journey.
fn neighbour(journey: &Journey, endpoint: &str) -> Journey {
    let server = Server::shared().unwrap();
    let other = Journey::in_bucket(journey.pipeline, &server, server.bucket().unwrap(), endpoint);
    let settings = std::fs::read_to_string(other.workspace.root().join("assay.toml")).unwrap();
    let settings = settings.replace(other.bucket().name(), journey.bucket().name());
    other.workspace.write_at_root("assay.toml", settings.as_bytes()).unwrap();
    other
}

/// Everything in the bucket, and that nothing lies outside the lake.
fn objects(journey: &Journey) -> Vec<Object> {
    let objects = journey.bucket().list("").unwrap();
    let outside = objects.iter().find(|object| !object.key.starts_with(&format!("{PREFIX}/{}/", journey.pipeline)));
    assert_eq!(outside, None, "this lies outside the lake");
    objects
}

/// Another run finds nothing to do and leaves every object as it is.
fn expect_nothing_to_do(journey: &Journey) {
    let (runs, before) = (journey.runs().len(), objects(journey));
    journey.run(&[]);
    assert_eq!(journey.runs().len(), runs, "a second run finds nothing to do");
    assert_eq!(objects(journey), before);
}

/// Forgets the copies that the program keeps on this disk.
fn forget_copies(journey: &Journey) {
    std::fs::remove_dir_all(journey.workspace.root().join(".assay/cache")).unwrap();
}

fn expect_sales(journey: &Journey, expected: &Expected) {
    journey.expect_table("silver/sales", &expected.sales(None));
    for (name, table) in &expected.gold {
        journey.expect_table(&format!("gold/{name}"), table);
        journey.expect_warehouse(name, table);
    }
}

#[test]
fn the_sales_lakehouse_lies_in_a_bucket() {
    let journey = in_bucket("sales_lakehouse");
    journey.demo(3, 200, &[]);
    journey.run(&[]);
    let before = Expected::read(&journey.lake()).unwrap();
    expect_sales(&journey, &before);
    assert_eq!(journey.last()["balanced"], true);
    assert!(!journey.workspace.root().join(".assay/lake").exists(), "a lake in a bucket lies nowhere else");
    expect_nothing_to_do(&journey);

    let date = journey.date(1);
    let path = format!("bronze/sales/date={date}/part-000.jsonl");
    let in_file = |row: &&SilverRow| row.file == path && row.date.to_string() == date;
    let id = before.silver.iter().find(in_file).unwrap().transaction_id.clone();
    journey.take_out(&path, &id);
    let after = Expected::read(&journey.lake()).unwrap();
    assert_eq!(after.silver.len() + 1, before.silver.len());
    let difference = journey.reprocess(&date, &|| expect_sales(&journey, &before), &|| expect_sales(&journey, &after));
    assert_eq!(moved(of_table(&difference, "silver.sales")), [0, 1, 0]);
    assert_eq!(moved(of_table(&difference, "gold.sales_enriched")), [0, 1, 0]);
    expect_nothing_to_do(&journey);
}

#[test]
fn pages_come_from_the_bucket_whatever_this_disk_holds() {
    let journey = in_bucket("sales_lakehouse");
    journey.demo(2, 700, &[]);
    journey.run(LAKE);
    let expected = Expected::read(&journey.lake()).unwrap();
    let enriched = &expected.gold["sales_enriched"];
    assert!(enriched.rows.len() > 1_000, "more than one page");
    for round in 0..2 {
        journey.expect_pages("gold.sales_enriched", enriched);
        journey.expect_pages("gold.daily_store_sales", &expected.gold["daily_store_sales"]);
        let some = journey.json(&["preview", "gold.sales_enriched", "--where", "quantity_sold > 3", "--limit", "9"]);
        assert!(!some.is_empty(), "round {round}");
        forget_copies(&journey);
    }
    // Another workspace, which has never run anything, sees the same rows.
    let bucket = journey.bucket();
    let before = bucket.list("").unwrap();
    let other = neighbour(&journey, &Server::shared().unwrap().endpoint());
    other.expect_pages("gold.sales_enriched", enriched);
    // And a run after the copies are gone reads nothing that is done.
    let runs = journey.runs().len();
    journey.run(LAKE);
    assert_eq!(journey.runs().len(), runs, "nothing is left to do");
    assert_eq!(bucket.list("").unwrap(), before);
}

#[test]
fn two_workspaces_in_one_bucket_double_nothing() {
    let server = Server::shared().unwrap();
    let proxy = Proxy::before(&server).unwrap();
    let journey = Journey::in_bucket("sales_lakehouse", &server, server.bucket().unwrap(), &proxy.endpoint());
    let other = neighbour(&journey, &server.endpoint());
    journey.demo(2, 60, &[]);
    let words = [&["run", "sales_lakehouse"], LAKE].concat();
    // Both make the tables first, then both replace what is there; the one that waits meets the other's commit.
    for round in 0..2 {
        for table in ["silver/sales", "gold/customer_segments"] {
            let log = format!("*/{table}/_delta_log/*.json");
            proxy.set(vec![Rule::new(&[Kind::Put], &log, Fault::Hold)]);
            let more = if round == 0 && table == "silver/sales" { &[][..] } else { &["--all"] };
            let waiting = journey.workspace.start(&[&words[..], more].concat()).unwrap();
            assert!(proxy.held(1, Duration::from_secs(60)), "{:?}", waiting.stdout());
            other.succeed(&[&words[..], more].concat());
            proxy.release();
            let outcome = waiting.wait(Duration::from_secs(120)).unwrap();
            if outcome.code != Some(0) {
                assert_eq!(journey.last()["run"]["status"], "failed", "{}{}", outcome.stdout, outcome.stderr);
                journey.run(LAKE);
            }
            let expected = Expected::read(&journey.lake()).unwrap();
            journey.expect_table("silver/sales", &expected.sales(None));
            for (name, rows) in &expected.gold {
                journey.expect_table(&format!("gold/{name}"), rows);
            }
        }
    }
}

#[test]
fn a_source_may_have_more_files_than_a_listing_shows_at_once() {
    let journey = in_bucket("sales_lakehouse");
    for number in 0..1_050 {
        let sale = format!(
            r#"{{"transaction_id": "N{number}", "date": "{FIRST}", "store_id": "S{}", "product_id": "P1", "customer_id": "C1", "quantity_sold": 1, "unit_price": "1.25"}}"#,
            number % 7
        );
        journey.write(&format!("bronze/sales/date={FIRST}/{number}.json"), sale.as_bytes());
    }
    journey.run(LAKE);
    let expected = Expected::read(&journey.lake()).unwrap();
    assert_eq!(expected.silver.len(), 1_050);
    journey.expect_table("silver/sales", &expected.sales(None));
    journey.expect_table("gold/daily_store_sales", &expected.gold["daily_store_sales"]);
    let runs = journey.runs().len();
    journey.run(LAKE);
    assert_eq!(journey.runs().len(), runs, "nothing is left to do");
}

#[test]
fn the_star_of_sales_and_its_copies_lie_in_a_bucket() {
    let journey = in_bucket("sales_star");
    journey.demo(3, 200, &[]);
    journey.run(&[]);
    let before = sales_star(&journey.lake()).unwrap();
    journey.expect_star(&before);
    journey.expect_refused("sales", &before);
    journey.expect_counts(before.total());
    expect_nothing_to_do(&journey);

    let date = journey.date(1);
    let accepted = before.silver["sales"].rows.iter().find(|row| row[1].as_deref() == Some(&date)).unwrap();
    journey.take_out(&format!("raw/sales/date={date}/part-000.jsonl"), accepted[0].as_ref().unwrap());
    let after = sales_star(&journey.lake()).unwrap();
    // What the program knows of its copies is in the bucket, too.
    forget_copies(&journey);
    let difference = journey.reprocess(&date, &|| journey.expect_star(&before), &|| journey.expect_star(&after));
    assert_eq!(moved(of_table(&difference, "gold.fact_sales")), [0, 1, 0]);
}

fn expect_retail(journey: &Journey, expected: &Retail) {
    let layers = &expected.layers;
    journey.expect_table("silver/online_retail", &layers.silver["online_retail"]);
    journey.expect_text("processed-data/online_retail", &layers.silver["online_retail"]);
    journey.expect_refused("online_retail", layers);
    for (name, table) in &layers.gold {
        journey.expect_table(&format!("gold/{name}"), table);
        journey.expect_warehouse(name, table);
    }
}

#[test]
fn the_online_shop_lies_in_a_bucket() {
    let journey = in_bucket("online_retail");
    journey.demo(3, 150, &[]);
    let date = journey.date(1);
    let path = "raw-data/online_retail.csv";
    let line = format!("999999,ZZZ,taken back,7,{date} 23:59,1.5,,France\n");
    let bytes = std::fs::read(journey.lake().join(path)).unwrap();
    journey.write(path, &[bytes, line.into_bytes()].concat());
    journey.run(&[]);
    let before = online_retail(&journey.lake()).unwrap();
    expect_retail(&journey, &before);
    let there = objects(&journey);
    journey.run(&[]);
    assert_eq!(objects(&journey), there, "the data set is there, so a second run changes nothing");

    journey.take_out(path, "taken back");
    let after = online_retail(&journey.lake()).unwrap();
    let difference =
        journey.reprocess(&date, &|| expect_retail(&journey, &before), &|| expect_retail(&journey, &after));
    assert_eq!(moved(of_table(&difference, "silver.online_retail")), [0, 1, 0]);
}

const RECORDS: u64 = 200;

fn systems(dates: u32) -> Operations {
    let first_date = FIRST.parse().unwrap();
    Operations::new(&Scale { seed: 1, first_date, dates, records_per_date: RECORDS, lines: false }).unwrap()
}

/// What is there after extractions at the ends of these dates.
fn operations(dates: &[u32]) -> Layers {
    let extractions: Vec<Operations> = dates.iter().map(|dates| systems(*dates)).collect();
    let landings: Vec<Landing> = extractions.iter().flat_map(|found| found.landings().collect::<Vec<_>>()).collect();
    operational_lake(&extractions, &landings).0
}

fn expect_operations(journey: &Journey, expected: &Layers) {
    for (name, table) in &expected.silver {
        journey.expect_table(&format!("silver/{name}"), table);
    }
    for (name, table) in &expected.gold {
        journey.expect_table(&format!("gold/{name}"), table);
    }
}

#[test]
fn a_shops_systems_are_extracted_into_a_bucket() {
    let journey = in_bucket("operational_lake");
    journey.demo(3, RECORDS, &[]);
    journey.run(&[]);
    expect_operations(&journey, &operations(&[3]));
    assert_eq!(journey.last()["balanced"], true);
    let before = objects(&journey);
    journey.run(&[]);
    assert_eq!(objects(&journey), before, "nothing new came");
    journey.demo(4, RECORDS, &[]);
    journey.run(&[]);
    expect_operations(&journey, &operations(&[3, 4]));
}

#[test]
fn a_landed_file_in_a_bucket_is_corrected() {
    let journey = in_bucket("operational_lake");
    journey.demo(3, RECORDS, &[]);
    journey.run(&[]);
    let before = operations(&[3]);
    // An event that no other file holds was none.
    let mut landings: Vec<Landing> = systems(3).landings().collect();
    let elsewhere =
        |event: &Event| [0, 2].iter().any(|at| landings[*at].events.iter().any(|it| it.event_id == event.event_id));
    let is_moment = |event: &Event| event.occurred_at.ends_with('Z');
    let at = landings[1].events.iter().position(|event| is_moment(event) && !elsewhere(event)).unwrap();
    landings[1].events.remove(at);
    let lake = journey.lake();
    copies::land(&lake, &landings[1]).unwrap();
    journey.write(&landings[1].path, &std::fs::read(lake.join(&landings[1].path)).unwrap());
    let after = operational_lake(&[systems(3)], &landings).0;
    let expect = |expected: &Layers| expect_operations(&journey, expected);
    let difference = journey.reprocess(&journey.date(1), &|| expect(&before), &|| expect(&after));
    assert_eq!(moved(of_table(&difference, "silver.inventory_events")), [0, 1, 0]);
}

const OUT: &str = "orders_parquet_datalake";
const IN: &str = "orders_json_incoming";

/// The rows of every output, by the name of the output.
fn outputs(journey: &Journey) -> Vec<(String, Vec<Row>)> {
    let files = copies::files(&journey.lake().join(OUT)).unwrap();
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), copies::parquet_rows(path, &ORDER_COLUMNS).unwrap())).collect()
}

fn expect_orders(journey: &Journey, expected: &Orders) {
    journey.expect_table("silver/orders", &expected.layers.silver["orders"]);
    let mut there: Vec<Vec<Row>> = outputs(journey).into_iter().map(|(_, rows)| rows).collect();
    let mut wanted: Vec<Vec<Row>> = expected.outputs.values().cloned().collect();
    there.sort();
    wanted.sort();
    assert_eq!(there, wanted);
}

#[test]
fn nested_orders_in_a_bucket_become_one_output_each() {
    let journey = in_bucket("orders_parquet");
    journey.demo(3, 40, &[]);
    journey.write(&format!("{IN}/a b+%41 é=1&2.json"), &order(7, &["any name"]));
    let before = orders_parquet(&journey.lake()).unwrap();
    assert_eq!(before.dead.len(), 1);
    journey.run(&[]);
    expect_orders(&journey, &before);
    journey.expect_refused("orders", &before.layers);
    let name = before.dead[0].rsplit('/').next().unwrap();
    let dead = journey.bytes("orders_json_dead_letter");
    assert!(dead[name].starts_with(b"<html>") && !dead[&format!("{name}.reason.txt")].is_empty());
    assert!(!journey.lake().join(&before.dead[0]).exists());
    expect_nothing_to_do(&journey);

    let names: Vec<String> = outputs(&journey).into_iter().map(|(name, _)| name).collect();
    let path = format!("{IN}/orders_{}_lines.jsonl", journey.date(1).replace('-', ""));
    let order = before.outputs[&path][0][0].clone().unwrap();
    journey.take_out(&path, &format!("\"{order}\""));
    let after = orders_parquet(&journey.lake()).unwrap();
    let expect = |expected: &Orders| {
        expect_orders(&journey, expected);
        let there: Vec<String> = outputs(&journey).into_iter().map(|(name, _)| name).collect();
        assert_eq!(there, names, "an output keeps its name for ever");
    };
    // Orders have the date on which their file arrived.
    let arrived = journey.bucket().list(&journey.key(IN)).unwrap()[0].modified.date_naive().to_string();
    journey.reprocess(&arrived, &|| expect(&before), &|| expect(&after));
}

fn order(id: usize, products: &[&str]) -> Vec<u8> {
    let product = |name: &&str| format!(r#"{{"product_id": "{name}", "name": "{name}"}}"#);
    let products: Vec<String> = products.iter().map(product).collect();
    format!(r#"{{"order_id": {id}, "products": [{}]}}"#, products.join(", ")).into_bytes()
}

/// The products of every output.
fn products(journey: &Journey) -> Vec<Vec<String>> {
    let product = ORDER_COLUMNS.iter().position(|name| *name == "product_name").unwrap();
    let of = |rows: Vec<Row>| rows.into_iter().map(|row| row[product].clone().unwrap()).collect();
    let mut products: Vec<Vec<String>> = outputs(journey).into_iter().map(|(_, rows)| of(rows)).collect();
    products.sort();
    products
}

/// Waits until the condition holds, and fails when the program ends or takes too long.
fn until(running: &mut Running, what: &str, mut holds: impl FnMut(&Running) -> bool) {
    let begin = Instant::now();
    while !holds(running) {
        assert!(begin.elapsed() < Duration::from_secs(120), "{what} did not happen: {}", running.stdout());
        assert!(!running.has_ended_within(Duration::from_millis(100)).unwrap(), "it ended: {}", running.stdout());
    }
}

fn is_busy(running: &Running) -> bool {
    let text = running.stdout();
    let ended: usize = [" succeeded", " flagged", " failed"].iter().map(|word| text.matches(word).count()).sum();
    text.matches(" started: ").count() > ended
}

#[test]
fn a_bucket_is_watched_by_listing_and_an_object_may_change_while_it_is_read() {
    let server = Server::shared().unwrap();
    let proxy = Proxy::before(&server).unwrap();
    let journey = Journey::in_bucket("orders_parquet", &server, server.bucket().unwrap(), &proxy.endpoint());
    journey.write(&format!("{IN}/a.json"), &order(1, &["p", "q"]));
    let words = ["watch", "orders_parquet", "--settle", "150", "--sweep", "1"];
    let mut watch = journey.workspace.start(&words).unwrap();
    until(&mut watch, "the first output", |_| products(&journey) == [["p", "q"]]);
    until(&mut watch, "the end of its run", |watch| !is_busy(watch));

    // The same length, so that only time and tag tell the contents apart; the reader has begun when it changes.
    let key = journey.key(&format!("{IN}/b.json"));
    let place = format!("{}/{key}", journey.bucket().name());
    proxy.set(vec![Rule::new(&[Kind::Get], &place, Fault::Hold)]);
    journey.bucket().put(&key, &order(2, &["old", "new"])).unwrap();
    assert!(proxy.held(1, Duration::from_secs(60)), "nobody reads it: {}", watch.stdout());
    journey.bucket().put(&key, &order(2, &["now", "two"])).unwrap();
    proxy.release();
    let expected = [vec!["now".to_owned(), "two".to_owned()], vec!["p".to_owned(), "q".to_owned()]];
    until(&mut watch, "the output of what is there now", |_| products(&journey) == expected);
    until(&mut watch, "the end of its run", |watch| !is_busy(watch));

    // And when half of it has been read, slowly.
    let long = |letter: &str| order(3, &[letter.repeat(20_000).as_str()]);
    let key = journey.key(&format!("{IN}/c.json"));
    let place = format!("{}/{key}", journey.bucket().name());
    proxy.forget();
    proxy.set(vec![Rule::new(&[Kind::Get], &place, Fault::Slow(20_000))]);
    journey.bucket().put(&key, &long("x")).unwrap();
    until(&mut watch, "a look at the third", |_| !proxy.struck().is_empty());
    journey.bucket().put(&key, &long("y")).unwrap();
    let there = |journey: &Journey| products(journey).concat();
    until(&mut watch, "the third output", |_| there(&journey).iter().any(|name| name.starts_with('y')));
    until(&mut watch, "the end of its run", |watch| !is_busy(watch));
    assert_eq!(outputs(&journey).len(), 3);
    assert!(!there(&journey).iter().any(|name| name.starts_with('x') || name == "old"));

    watch.signal(Signal::INT).unwrap();
    let outcome = watch.wait(Duration::from_secs(60)).unwrap();
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    expect_nothing_to_do(&journey);
}

#[test]
fn missing_and_wrong_keys_are_said_and_no_secret_is_shown() {
    let mut journey = in_bucket("sales_lakehouse");
    journey.demo(1, 20, &[]);
    journey.run(&["--stage", "bronze", "--stage", "silver"]);
    let before = objects(&journey);
    journey.workspace.set("AWS_SECRET_ACCESS_KEY", "a-wrong-secret");
    let secrets = ["a-wrong-secret", Server::shared().unwrap().keys().secret.as_str()].map(str::to_owned);
    for words in [&["run", "sales_lakehouse", "--all"][..], &["preview", "silver.sales"], &["demo", "sales_lakehouse"]]
    {
        let refused = journey.assay(words);
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert_eq!(refused.code, Some(1), "{words:?}: {said}");
        assert!(said.contains(journey.bucket().name()), "{words:?}: {said}");
        assert!(secrets.iter().all(|secret| !said.contains(secret)), "{said}");
    }
    journey.workspace.set("AWS_SECRET_ACCESS_KEY", "");
    journey.workspace.set("AWS_ACCESS_KEY_ID", "");
    for words in [&["run", "sales_lakehouse", "--all"][..], &["preview", "silver.sales"]] {
        let refused = journey.assay(words);
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert_ne!(refused.code, Some(0), "{words:?}: {said}");
        assert!(said.contains("AWS_ACCESS_KEY_ID"), "{words:?}: {said}");
    }
    assert_eq!(objects(&journey), before);
}

#[test]
fn the_doctor_tries_the_bucket_and_says_what_is_wrong_with_it() {
    let server = Server::shared().unwrap();
    let proxy = Proxy::before(&server).unwrap();
    let mut journey = Journey::in_bucket("sales_lakehouse", &server, server.bucket().unwrap(), &proxy.endpoint());
    let doctor = |journey: &Journey, said: &str, code: i32| {
        let began = Instant::now();
        let told = journey.assay(&["doctor"]);
        assert!(told.stdout.contains(said), "{said}: {}{}", told.stdout, told.stderr);
        assert_eq!(told.code, Some(code), "{}", told.stdout);
        assert!(began.elapsed() < Duration::from_secs(40), "{said} took {:?}", began.elapsed());
        let keys: Vec<String> = server.variables().into_iter().map(|(_, value)| value).collect();
        assert!(!keys.iter().any(|key| told.stdout.contains(key.as_str())), "{}", told.stdout);
    };
    doctor(&journey, "can be read and written", 0);
    assert_eq!(journey.bucket().list("").unwrap(), [], "nothing is left there");

    // A storage that never answers.
    proxy.set(vec![Rule::new(&[Kind::List], "*", Fault::Hold).always()]);
    doctor(&journey, "cannot be used: the storage gave no answer in time", 1);
    proxy.set(Vec::new());
    proxy.drop_held();

    let settings = std::fs::read_to_string(journey.workspace.root().join("assay.toml")).unwrap();
    let nobody = settings.replace(journey.bucket().name(), "no-such-bucket-here");
    journey.workspace.write_at_root("assay.toml", nobody.as_bytes()).unwrap();
    doctor(&journey, "the storage has no such bucket", 1);
    let nowhere = settings.replace(&proxy.endpoint(), "http://127.0.0.1:1");
    journey.workspace.write_at_root("assay.toml", nowhere.as_bytes()).unwrap();
    doctor(&journey, "the storage cannot be reached", 1);
    journey.workspace.write_at_root("assay.toml", settings.as_bytes()).unwrap();
    journey.workspace.set("AWS_SECRET_ACCESS_KEY", "sesame");
    doctor(&journey, "the storage refuses the keys or what they ask for (403", 1);
    journey.workspace.set("AWS_SECRET_ACCESS_KEY", "");
    doctor(&journey, "are not both set", 1);
}
