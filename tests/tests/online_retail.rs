//! The journey of the online shop's invoices: windows-1252 in, a gate, tab-separated copies and a star in the warehouse.
#![allow(clippy::unwrap_used)]

mod journey;

use assay_testkit::{Retail, Table, online_retail};
use journey::{Journey, moved, of_table};

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

/// The stages before the warehouse: what it takes over is tested where it is loaded.
const LAKE: &[&str] = &["--stage", "bronze", "--stage", "silver", "--stage", "gold"];

fn expect_all(journey: &Journey, expected: &Retail) {
    expect_lake(journey, expected);
    for (name, table) in &expected.layers.gold {
        journey.expect_warehouse(name, table);
    }
}

fn expect_lake(journey: &Journey, expected: &Retail) {
    let layers = &expected.layers;
    journey.expect_table("silver/online_retail", &layers.silver["online_retail"]);
    journey.expect_text("processed-data/online_retail", &layers.silver["online_retail"]);
    journey.expect_refused("online_retail", layers);
    for (name, table) in &layers.gold {
        journey.expect_table(&format!("gold/{name}"), table);
    }
}

fn versions(journey: &Journey) -> Vec<u64> {
    let folders = ["silver/online_retail", "gold/customers", "gold/products", "gold/sales_transactions"];
    folders.iter().map(|folder| journey.table(folder).version).collect()
}

#[test]
fn every_layer_and_warehouse_table_equals_the_independent_computation() {
    let journey = Journey::new("online_retail");
    journey.demo(3, 300, &[]);
    journey.run(&[]);
    let expected = online_retail(&journey.lake()).unwrap();
    assert!(expected.passes());
    expect_all(&journey, &expected);
    journey.expect_raw("online_retail", &expected.layers);
    journey.expect_counts(expected.layers.total());
    let before = versions(&journey);
    journey.run(&[]);
    assert_eq!(versions(&journey), before, "the data set is there, so a second run changes nothing");
}

/// A real file where one is given, otherwise a generated one, with LF.
fn sample() -> String {
    let bytes = match std::env::var_os("ASSAY_ONLINE_RETAIL_SAMPLE") {
        Some(path) => std::fs::read(path).unwrap(),
        None => {
            let journey = Journey::new("online_retail");
            journey.demo(4, 250, &["--seed", "9"]);
            std::fs::read(journey.lake().join("raw-data/online_retail.csv")).unwrap()
        }
    };
    let text: String = bytes.into_iter().map(char::from).collect();
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// A line break inside a field is that of its file.
fn with_plain_breaks(table: &Table) -> Table {
    let plain = |cell: &Option<String>| cell.as_ref().map(|text| text.replace("\r\n", "\n").replace('\r', "\n"));
    let rows = table.rows.iter().map(|row| row.iter().map(plain).collect());
    Table::new(&journey::columns(table), rows.collect())
}

#[test]
fn the_same_records_come_out_the_same_with_each_line_end() {
    let text = sample();
    let mut tables = Vec::new();
    for end in ["\n", "\r\n", "\r"] {
        let journey = Journey::new("online_retail");
        let bytes: Vec<u8> = text.replace('\n', end).chars().map(|character| character as u8).collect();
        journey.write("raw-data/online_retail.csv", &bytes);
        journey.run(LAKE);
        let expected = online_retail(&journey.lake()).unwrap();
        expect_lake(&journey, &expected);
        journey.expect_raw("online_retail", &expected.layers);
        journey.expect_counts(expected.layers.total());
        tables.push(["customers", "products"].map(|name| with_plain_breaks(&journey.rows(&format!("gold/{name}")))));
    }
    assert_eq!(tables[0], tables[1]);
    assert_eq!(tables[0], tables[2]);
}

#[test]
fn a_later_file_adds_its_lines_and_a_mark_wins_over_windows_1252() {
    let journey = Journey::new("online_retail");
    journey.demo(2, 200, &[]);
    journey.run(LAKE);
    let date = journey.date(1);
    let text = format!(
        "\u{feff}{HEADER}\r\n900001,new1,CAFÉ „ß“,3,{date} 10:00,1.25,99.0,Österreich\r\n\
         900002,NEW1,\"a,\r\n\"\"b\"\"\",3,{date} 11:00:30,1.5,99,Österreich\r\n"
    );
    journey.write("raw-data/z_more.csv", text.as_bytes());
    journey.run(LAKE);
    let expected = online_retail(&journey.lake()).unwrap();
    assert!(expected.layers.gold["customers"].rows.iter().any(|row| row[1].as_deref() == Some("Österreich")));
    expect_lake(&journey, &expected);
}

#[test]
fn the_gate_stops_what_is_below_its_share_and_publishes_nothing() {
    let journey = Journey::new("online_retail");
    let line =
        |number: u32, quantity: i32| format!("{number},A,x,{quantity},2026-01-05 8:{:02},1.5,17850,EIRE", number % 60);
    let lines = |good: u32, bad: u32| {
        let good = (0..good).map(|number| line(100 + number, 1));
        let bad = (0..bad).map(|number| line(200 + number, -1));
        let cancelled = (0..20).map(|number| format!("C{}", line(300 + number, -1)));
        format!("{HEADER}\n{}\n", good.chain(bad).chain(cancelled).collect::<Vec<_>>().join("\n"))
    };
    let whole = lines(6, 4);
    assert!(Retail::of(&[("raw-data/a.csv", whole.as_bytes())]).unwrap().passes());
    journey.write("raw-data/a.csv", whole.as_bytes());
    journey.run(&[]);
    let good = online_retail(&journey.lake()).unwrap();
    expect_all(&journey, &good);

    // 59 of 100 are accepted: one less than the gate asks for.
    let poor = lines(59, 41);
    assert!(!Retail::of(&[("raw-data/a.csv", poor.as_bytes())]).unwrap().passes());
    journey.write("raw-data/a.csv", poor.as_bytes());
    let copies = journey.bytes("processed-data");
    let stopped = journey.assay(&["run", "online_retail"]);
    assert_eq!(stopped.code, Some(1), "{}{}", stopped.stdout, stopped.stderr);
    assert_eq!(journey.last()["run"]["status"], "failed");
    assert!(stopped.stdout.contains("59"), "the share is said: {}", stopped.stdout);
    expect_all(&journey, &good);
    assert_eq!(journey.bytes("processed-data"), copies, "nothing was published");

    let better = lines(60, 40);
    journey.write("raw-data/a.csv", better.as_bytes());
    journey.run(&[]);
    expect_all(&journey, &online_retail(&journey.lake()).unwrap());
}

#[test]
fn a_date_is_planned_run_again_compared_and_undone() {
    let journey = Journey::new("online_retail");
    journey.demo(3, 150, &["--seed", "0"]);
    let date = journey.date(1);
    let line = format!("999999,ZZZ,taken back,7,{date} 23:59,1.5,,France\n");
    let path = "raw-data/online_retail.csv";
    let mut bytes = std::fs::read(journey.lake().join(path)).unwrap();
    bytes.extend_from_slice(line.as_bytes());
    journey.write(path, &bytes);
    journey.run(&[]);
    let before = online_retail(&journey.lake()).unwrap();
    journey.take_out(path, "taken back");
    let after = online_retail(&journey.lake()).unwrap();
    let difference = journey.reprocess(&date, &|| expect_all(&journey, &before), &|| expect_all(&journey, &after));
    assert_eq!(moved(of_table(&difference, "silver.online_retail")), [0, 1, 0]);
    assert_eq!(moved(of_table(&difference, "gold.sales_transactions")), [0, 1, 0]);
    assert_eq!(moved(of_table(&difference, "gold.products")), [0, 1, 0]);
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_keyring_the_other_ways_to_keep_credentials_are_told() {
    let mut journey = Journey::new("online_retail");
    journey.workspace.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");
    let forget = journey.assay(&["connect", "kaggle", "--forget"]);
    assert_eq!(forget.code, Some(1), "{}", forget.stdout);
    for said in ["keyring", "nothing was changed", "KAGGLE_USERNAME", "kaggle.json"] {
        assert!(forget.stderr.contains(said), "{said}: {}", forget.stderr);
    }
    // The standard input of a journey is empty.
    let empty = journey.assay(&["connect", "kaggle"]);
    assert_eq!(empty.code, Some(1));
    assert!(empty.stderr.contains(r#"{"username": …, "key": …}"#), "{}", empty.stderr);
}
