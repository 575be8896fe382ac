//! Landings of DynamoDB tables from an emulator, with a server before it that counts and throttles.

use crate::emulator::{Emulator, shared};
use crate::http::{Reply, Request, Server, forward};
use crate::support::{Script, World, source, types};
use assay_extract::{ExtractError, Landed, Origin, Quiet, Watch};
use assay_pipeline::{ColumnType, Feed, ScanFeed, Source};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, PutRequest, ScalarAttributeType,
    WriteRequest,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type Item = HashMap<String, AttributeValue>;

fn world() -> World {
    World::new(&[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "s3cret")])
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(text: &str) -> AttributeValue {
    AttributeValue::N(text.to_owned())
}

/// A table with key `event_id`, and the items.
async fn table(emulator: &Emulator, name: &str, items: Vec<Item>) {
    let client = emulator.client();
    let attribute = AttributeDefinition::builder().attribute_name("event_id").attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder().attribute_name("event_id").key_type(KeyType::Hash);
    client
        .create_table()
        .table_name(name)
        .attribute_definitions(attribute.build().unwrap())
        .key_schema(key.build().unwrap())
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
    put(emulator, name, items).await;
}

async fn put(emulator: &Emulator, name: &str, items: Vec<Item>) {
    let client = emulator.client();
    for some in items.chunks(25) {
        let write = |item: &Item| {
            let put = PutRequest::builder().set_item(Some(item.clone())).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        };
        client.batch_write_item().request_items(name, some.iter().map(write).collect()).send().await.unwrap();
    }
}

fn events(count: u32) -> Vec<Item> {
    let item = |i: u32| {
        let mut item = HashMap::from([
            ("event_id".to_owned(), text(&format!("e{i:04}"))),
            ("delta".to_owned(), number(&(i64::from(i) - 10).to_string())),
            ("price".to_owned(), number(&format!("{i}.25"))),
            ("not declared".to_owned(), text("left out")),
        ]);
        if !i.is_multiple_of(3) {
            item.insert("open".to_owned(), AttributeValue::Bool(i % 3 == 1));
        }
        item
    };
    (0..count).map(item).collect()
}

fn feed(table: &str, columns: &[(&str, ColumnType)], segments: u16, read_units: Option<u32>) -> (Source, Feed) {
    let columns = columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    let feed = ScanFeed { connection: "events".to_owned(), table: table.to_owned(), columns, segments, read_units };
    source("events", "bronze/events/extracted_at=*", Feed::DynamoDb(feed))
}

const COLUMNS: [(&str, ColumnType); 4] = [
    ("event_id", ColumnType::String { limit: None }),
    ("delta", ColumnType::Int64),
    ("price", ColumnType::Decimal { precision: 10, scale: 2 }),
    ("open", ColumnType::Boolean),
];

async fn land(
    world: &World,
    url: &str,
    feed: &(Source, Feed),
    run: &str,
    watch: &dyn Watch,
) -> Result<Landed, ExtractError> {
    let origin = Origin::DynamoDb { endpoint: Some(url), region: "eu-west-1" };
    world.land(feed, origin, run, false, watch).await
}

fn is_scan(request: &Request) -> bool {
    request.header("x-amz-target").is_some_and(|target| target.ends_with(".Scan"))
}

fn asked(request: &Request) -> serde_json::Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// Every request goes on to the emulator.
fn passing(emulator: &Emulator) -> Server {
    let address = emulator.address;
    Server::start(move |request| forward(request, address))
}

#[tokio::test]
async fn a_parallel_scan_lands_every_item_once_with_its_types() {
    let (emulator, world) = (shared().await, world());
    table(&emulator, "events", events(200)).await;
    let server = passing(&emulator);
    let feed = feed("events", &COLUMNS, 4, None);
    let landed = land(&world, &server.url, &feed, "r1", &Quiet).await.unwrap();
    let mut rows = world.rows(&landed);
    rows.sort();
    let open = ["~", "true", "false"];
    let expected: Vec<String> =
        (0..200).map(|i| format!("e{i:04}|{}|{i}.25|{}", i - 10, open[i as usize % 3])).collect();
    assert_eq!(rows, expected);
    let expected = ["event_id Utf8", "delta Int64", "price Decimal128(10, 2)", "open Boolean"];
    assert_eq!(types(&world.path(&landed.files[0].path)), expected);
    assert!(landed.note.starts_with("200 items in ") && landed.note.ends_with(" of 4 segments"), "{}", landed.note);
    let mut segments: Vec<_> =
        server.requests().iter().filter(|it| is_scan(it)).map(asked).map(|it| it["Segment"].as_i64()).collect();
    segments.sort_unstable();
    assert_eq!(segments, [Some(0), Some(1), Some(2), Some(3)]);

    world.pass(60);
    let next = land(&world, &server.url, &feed, "r2", &Quiet).await.unwrap();
    assert_eq!((next.files.len(), &*next.note), (0, "nothing new"));
    put(&emulator, "events", vec![HashMap::from([("event_id".to_owned(), text("new"))])]).await;
    let next = land(&world, &server.url, &feed, "r3", &Quiet).await.unwrap();
    assert_eq!(world.rows(&next).len(), 201);
    assert_eq!(world.listed("bronze/events"), ["extracted_at=20260102T030405Z", "extracted_at=20260102T030505Z"]);
}

#[tokio::test]
async fn an_interrupted_segment_goes_on_after_its_last_page() {
    let (emulator, world) = (shared().await, world());
    let large = |i: u32| {
        HashMap::from([
            ("event_id".to_owned(), text(&format!("e{i:03}"))),
            ("note".to_owned(), text(&"x".repeat(250_000))),
        ])
    };
    table(&emulator, "large", (0..60).map(large).collect()).await;
    let server = passing(&emulator);
    let columns = [("event_id", ColumnType::String { limit: None }), ("note", ColumnType::String { limit: None })];
    let feed = feed("large", &columns, 1, None);
    let error = land(&world, &server.url, &feed, "r1", &Script::cancelling()).await.unwrap_err();
    assert!(matches!(error, ExtractError::Cancelled), "{error}");
    assert!(world.listed("bronze").is_empty());
    let before = server.requests().len();
    let watch = Script::listening();
    let landed = land(&world, &server.url, &feed, "r1", &watch).await.unwrap();
    let mut ids: Vec<String> = world.rows(&landed).iter().map(|row| row[..4].to_owned()).collect();
    ids.sort();
    assert_eq!(ids, (0..60).map(|i| format!("e{i:03}")).collect::<Vec<_>>());
    let scans: Vec<_> = server.requests()[before..].iter().filter(|it| is_scan(it)).map(asked).collect();
    assert!(scans[0]["ExclusiveStartKey"]["event_id"]["S"].is_string(), "{}", scans[0]);
    assert!(watch.said().contains("goes on after"), "{}", watch.said());
    assert!(landed.note.contains("read in 2 goes"), "{}", landed.note);
}

#[tokio::test]
async fn segments_that_are_done_are_not_scanned_again() {
    let (emulator, world) = (shared().await, world());
    table(&emulator, "segments", events(40)).await;
    let address = emulator.address;
    let broken = AtomicUsize::new(1);
    let server = Server::start(move |request| {
        let is_last = is_scan(request) && asked(request)["Segment"] == 3;
        if is_last && broken.swap(0, Ordering::Relaxed) == 1 {
            // Answered last, so that the others are done.
            std::thread::sleep(Duration::from_millis(1500));
            let body =
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException","message":"no right to scan"}"#;
            return Reply::new(400, body).with("Content-Type", "application/x-amz-json-1.0");
        }
        forward(request, address)
    });
    let feed = feed("segments", &COLUMNS, 4, None);
    let error = land(&world, &server.url, &feed, "r1", &Quiet).await.unwrap_err().to_string();
    assert!(error.contains("AccessDeniedException: no right to scan"), "{error}");
    let before = server.requests().len();
    let landed = land(&world, &server.url, &feed, "r1", &Quiet).await.unwrap();
    assert_eq!(world.rows(&landed).len(), 40);
    let scans = server.requests()[before..].iter().filter(|it| is_scan(it)).count();
    assert_eq!(scans, 1, "only the segment that failed");
}

#[tokio::test]
async fn throttled_requests_are_made_again_with_growing_waits() {
    let (emulator, mut world) = (shared().await, world());
    world.limits.tries = 4;
    table(&emulator, "throttled", events(5)).await;
    let address = emulator.address;
    let turn = AtomicUsize::new(0);
    let throttled = |code: &str| {
        let body = format!("{{\"__type\":\"com.amazonaws.dynamodb.v20120810#{code}\",\"message\":\"slow down\"}}");
        Reply::new(400, body).with("Content-Type", "application/x-amz-json-1.0")
    };
    let server = Server::start(move |request| match turn.fetch_add(usize::from(is_scan(request)), Ordering::Relaxed) {
        _ if !is_scan(request) => forward(request, address),
        0 => throttled("ProvisionedThroughputExceededException"),
        1 => throttled("ThrottlingException"),
        2 => Reply::new(500, "{}"),
        3 => forward(request, address),
        _ => throttled("ThrottlingException"),
    });
    let watch = Script::listening();
    let feed = feed("throttled", &COLUMNS, 1, None);
    let landed = land(&world, &server.url, &feed, "r1", &watch).await.unwrap();
    assert_eq!(world.rows(&landed).len(), 5);
    let waits: Vec<u128> = world.waits.lock().unwrap().iter().map(Duration::as_millis).collect();
    assert_eq!(waits, [200, 400, 800]);
    assert!(watch.said().contains("turned a request away (ThrottlingException: slow down)"), "{}", watch.said());
    let error = land(&world, &server.url, &feed, "r2", &Quiet).await.unwrap_err();
    assert!(matches!(error, ExtractError::Scan { .. }) && error.to_string().contains("slow down"), "{error}");
}

#[tokio::test]
async fn a_scan_stays_below_its_rate() {
    let (emulator, world) = (shared().await, world());
    table(&emulator, "rated", events(30)).await;
    let server = passing(&emulator);
    let landed = land(&world, &server.url, &feed("rated", &COLUMNS, 2, Some(5)), "r1", &Quiet).await.unwrap();
    assert_eq!(world.rows(&landed).len(), 30);
    let requests = server.requests();
    let scans: Vec<_> = requests.iter().filter(|it| is_scan(it)).map(asked).collect();
    assert_eq!(scans[0]["Limit"], 5);
    assert!(scans.iter().all(|scan| scan["ReturnConsumedCapacity"] == "TOTAL"));
    // The emulator charges one unit for each request; the last one's is owed by nobody.
    let waited: Duration = world.waits.lock().unwrap().iter().sum();
    assert_eq!(waited, Duration::from_millis(200) * (scans.len() as u32 - 1));
}

#[tokio::test]
async fn what_does_not_fit_is_named_without_its_value() {
    let (emulator, world) = (shared().await, world());
    let mut items = events(3);
    items[1].insert("delta".to_owned(), number("7.125"));
    table(&emulator, "unfit", items).await;
    let error = land(&world, &emulator.url(), &feed("unfit", &COLUMNS, 1, None), "r1", &Quiet).await.unwrap_err();
    assert!(matches!(error, ExtractError::Item { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("attribute delta of unfit is declared as int64") && text.contains("key: event_id"), "{text}");
    assert!(!text.contains("7.125") && !text.contains("e0001"), "{text}");
    let columns = [("event_id", ColumnType::Int32)];
    let error = land(&world, &emulator.url(), &feed("unfit", &columns, 1, None), "r1", &Quiet).await.unwrap_err();
    assert!(error.to_string().contains("an item holds a string"), "{error}");
    let columns = [("event_id", ColumnType::Instant)];
    let error = land(&world, &emulator.url(), &feed("unfit", &columns, 1, None), "r1", &Quiet).await.unwrap_err();
    assert!(error.to_string().contains("declare event_id as string"), "{error}");
    assert!(world.listed("bronze").is_empty());
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let (emulator, mut world) = (shared().await, world());
    table(&emulator, "empty", Vec::new()).await;
    let landed = land(&world, &emulator.url(), &feed("empty", &COLUMNS, 3, None), "r1", &Quiet).await.unwrap();
    assert_eq!((landed.files.len(), &*landed.note), (0, "the table holds no items"));
    let error = land(&world, &emulator.url(), &feed("nowhere", &COLUMNS, 1, None), "r1", &Quiet).await.unwrap_err();
    assert!(error.to_string().contains("ResourceNotFoundException"), "{error}");
    world.variables.remove(1);
    let error = land(&world, &emulator.url(), &feed("empty", &COLUMNS, 1, None), "r1", &Quiet).await.unwrap_err();
    assert!(error.to_string().contains("AWS_SECRET_ACCESS_KEY is not set"), "{error}");
}
