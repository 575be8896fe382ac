//! The journey of the online shop's invoices: windows-1252 in, a gate, tab-separated copies and a star in the warehouse.
#![allow(clippy::unwrap_used)]

mod journey;

use assay_testkit::{Retail, online_retail};
use journey::Journey;

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

fn expect_all(journey: &Journey, expected: &Retail) {
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
fn every_layer_equals_the_independent_computation_whatever_the_line_ends() {
    // The seed chooses LF, CRLF or CR.
    for seed in ["3", "1", "2"] {
        let journey = Journey::new("online_retail");
        journey.demo(3, 300, &["--seed", seed]);
        journey.run(&[]);
        let expected = online_retail(&journey.lake()).unwrap();
        assert!(expected.passes());
        expect_all(&journey, &expected);
        journey.expect_raw("online_retail", &expected.layers);
        journey.expect_counts(expected.layers.total());
        journey.run(&[]);
        assert_eq!(journey.runs().len(), 1, "a second run finds nothing to do");
    }
}

#[test]
fn a_later_file_adds_its_lines_and_a_mark_wins_over_windows_1252() {
    let journey = Journey::new("online_retail");
    journey.demo(2, 200, &[]);
    journey.run(&[]);
    let date = journey.date(1);
    let text = format!(
        "\u{feff}{HEADER}\r\n900001,new1,CAFÉ „ß“,3,{date} 10:00,1.25,99.0,Österreich\r\n\
         900002,NEW1,\"a,\r\n\"\"b\"\"\",3,{date} 11:00:30,1.5,99,Österreich\r\n"
    );
    journey.write("raw-data/z_more.csv", text.as_bytes());
    journey.run(&[]);
    let expected = online_retail(&journey.lake()).unwrap();
    assert!(expected.layers.gold["customers"].rows.iter().any(|row| row[1].as_deref() == Some("Österreich")));
    expect_all(&journey, &expected);
}

#[test]
fn the_gate_stops_what_is_below_its_share_and_publishes_nothing() {
    let journey = Journey::new("online_retail");
    let line =
        |number: u32, quantity: i32| format!("{number},A,x,{quantity},2026-01-05 8:{:02},1.5,,EIRE", number % 60);
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
