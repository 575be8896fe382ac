//! Hand-made records with hand-computed expectations, one table per rule, and the generated data as a whole.
#![allow(clippy::unwrap_used)]

use super::{Counts, Expected, SALES_COLUMNS};
use crate::table::{Row, Table};
use std::collections::BTreeSet;
use std::io::Write;

const PLAIN: &str = r#"{"transaction_id":"T1","date":"2026-03-01","store_id":"S1","store_name":"Main","city":"Łódź","product_id":"P1","product_name":"Lamp","category":"Home","customer_id":"C1","customer_name":"Zoë","quantity_sold":3,"unit_price":12.90,"total_amount":38.70,"payment_method":"cash"}"#;

/// The plain record with values replaced (JSON text) or, for an empty text, keys left out.
fn with(changes: &[(&str, &str)]) -> String {
    let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(PLAIN).unwrap();
    let mut texts: Vec<(String, String)> = Vec::new();
    for name in SALES_COLUMNS {
        let plain = fields.remove(name).unwrap();
        // The two amounts as written, since a parsed number would lose its last zero.
        let plain = match name {
            "unit_price" => "12.90".to_owned(),
            "total_amount" => "38.70".to_owned(),
            _ => plain.to_string(),
        };
        let text = changes.iter().find(|(column, _)| *column == name).map_or(plain, |(_, text)| (*text).to_owned());
        texts.push((name.to_owned(), text));
    }
    let members = texts.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("\"{name}\":{text}"));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn lines(records: &[String]) -> Expected {
    Expected::of(&[("bronze/sales/date=2026-03-01/a.jsonl", records.join("\n").as_bytes())]).unwrap()
}

/// All reasons of one record; none when it is accepted.
fn reasons(changes: &[(&str, &str)]) -> Vec<String> {
    let expected = lines(&[with(changes)]);
    assert_eq!(expected.silver.len() + expected.quarantine.len(), 1);
    expected.quarantine.into_iter().flat_map(|refused| refused.reasons).collect()
}

/// The silver cells of one accepted record.
fn cell(changes: &[(&str, &str)], column: &str) -> Option<String> {
    let table = lines(&[with(changes)]).sales(None);
    let place = SALES_COLUMNS.iter().position(|name| *name == column).unwrap();
    assert_eq!(table.rows.len(), 1, "{changes:?} is refused: {:?}", reasons(changes));
    table.rows[0][place].clone()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn row(cells: &[&str]) -> Row {
    cells.iter().map(|cell| (*cell != "null").then(|| (*cell).to_owned())).collect()
}

#[test]
fn a_plain_record_becomes_its_row() {
    let expected = lines(&[PLAIN.to_owned()]);
    let cells =
        ["T1", "2026-03-01", "S1", "Main", "Łódź", "P1", "Lamp", "Home", "C1", "Zoë", "3", "12.90", "38.70", "cash"];
    assert_eq!(expected.sales(None).rows, [row(&cells)]);
    assert_eq!(expected.silver[0].line, 1);
    assert_eq!(expected.silver[0].file, "bronze/sales/date=2026-03-01/a.jsonl");
}

#[test]
fn values_are_cleaned() {
    for (column, json, text) in [
        ("store_id", "\" \\t\\u00a0S1\\u3000\"", "S1"),
        ("store_id", "17", "17"),
        ("store_id", "1.50e1", "1.50e1"),
        ("city", "true", "true"),
        ("city", "\"a\\nb\"", "a\nb"),
        ("city", "\"\"", "null"),
        ("city", "\" \\u2003 \"", "null"),
        ("city", "null", "null"),
        ("city", "", "null"),
        ("payment_method", "\" Credit  Card \"", "credit_card"),
        ("payment_method", "\"ÉCU\\tNote\"", "écu_note"),
        ("date", "\"01/03/2026\"", "2026-03-01"),
        ("date", "\" 1/3/2026 \"", "2026-03-01"),
        ("date", "\"2026-3-1\"", "2026-03-01"),
        ("quantity_sold", "\" 3 \"", "3"),
        ("quantity_sold", "3.000", "3"),
        ("quantity_sold", "30e-1", "3"),
        ("quantity_sold", "0.3E1", "3"),
        ("unit_price", "\"12.9\"", "12.90"),
        ("unit_price", "1290e-2", "12.90"),
        ("unit_price", "12.90000", "12.90"),
        ("total_amount", "38.69", "38.69"),
        ("total_amount", "38.71", "38.71"),
        ("total_amount", "null", "38.70"),
        ("total_amount", "\" \"", "38.70"),
        ("total_amount", "", "38.70"),
    ] {
        assert_eq!(cell(&[(column, json)], column).as_deref().unwrap_or("null"), text, "{column} {json}");
    }
}

#[test]
fn one_wrong_value_has_one_reason() {
    for (column, json, reason) in [
        ("transaction_id", "null", "missing.transaction_id"),
        ("date", "\" \"", "missing.date"),
        ("store_id", "", "missing.store_id"),
        ("product_id", "\"\"", "missing.product_id"),
        ("customer_id", "\"\\u00a0\"", "missing.customer_id"),
        ("quantity_sold", "null", "missing.quantity_sold"),
        ("unit_price", "\"\"", "missing.unit_price"),
        ("transaction_id", "[]", "type.transaction_id"),
        ("city", "{\"name\":\"x\"}", "type.city"),
        ("date", "20260301", "type.date"),
        ("date", "true", "type.date"),
        ("date", "\"2026-02-29\"", "type.date"),
        ("date", "\"03/13/2026\"", "type.date"),
        ("date", "\"26-03-01\"", "type.date"),
        ("date", "\"2026-003-01\"", "type.date"),
        ("date", "\"2026-03-01T00:00:00\"", "type.date"),
        ("date", "\"1-3-2026\"", "type.date"),
        ("quantity_sold", "\"three\"", "type.quantity_sold"),
        ("quantity_sold", "1.5", "type.quantity_sold"),
        ("quantity_sold", "true", "type.quantity_sold"),
        ("quantity_sold", "2147483648", "type.quantity_sold"),
        ("unit_price", "\"12,90\"", "type.unit_price"),
        ("unit_price", "12.345", "type.unit_price"),
        ("unit_price", "100000000", "type.unit_price"),
        ("unit_price", "{}", "type.unit_price"),
        ("total_amount", "38.701", "type.total_amount"),
        ("total_amount", "1e15", "type.total_amount"),
        ("total_amount", "[38.70]", "type.total_amount"),
        ("total_amount", "38.68", "check.total_amount"),
        ("total_amount", "38.72", "check.total_amount"),
        ("total_amount", "-38.70", "check.total_amount"),
    ] {
        assert_eq!(reasons(&[(column, json)]), [reason], "{column} {json}");
    }
    for (column, json) in
        [("quantity_sold", "0"), ("quantity_sold", "-3"), ("unit_price", "0.00"), ("unit_price", "-12.90")]
    {
        assert_eq!(reasons(&[(column, json), ("total_amount", "")]), [format!("range.{column}")], "{column} {json}");
    }
}

#[test]
fn lengths_count_characters_after_cleaning() {
    for (column, limit) in [
        ("transaction_id", 100),
        ("store_id", 50),
        ("store_name", 100),
        ("city", 100),
        ("product_id", 50),
        ("product_name", 200),
        ("category", 100),
        ("customer_id", 50),
        ("customer_name", 200),
        ("payment_method", 50),
    ] {
        let fits = format!("  {}  ", "日".repeat(limit));
        assert_eq!(reasons(&[(column, &quoted(&fits))]), [""; 0], "{column}");
        let long = "🎉".repeat(limit + 1);
        assert_eq!(reasons(&[(column, &quoted(&long))]), [format!("range.{column}")], "{column}");
    }
}

#[test]
fn a_default_total_must_fit_its_type() {
    let greatest = [("quantity_sold", "100000"), ("unit_price", "99999999.99"), ("total_amount", "null")];
    assert_eq!(cell(&greatest, "total_amount").as_deref(), Some("9999999999000.00"));
    let beyond = [("quantity_sold", "100001"), ("unit_price", "99999999.99"), ("total_amount", "null")];
    assert_eq!(reasons(&beyond), ["range.total_amount"]);
}

#[test]
fn the_primary_reason_comes_first() {
    let long = quoted(&"x".repeat(101));
    let all = [
        ("transaction_id", "null"),
        ("date", "\"soon\""),
        ("city", long.as_str()),
        ("quantity_sold", "\"three\""),
        ("unit_price", "-1"),
    ];
    assert_eq!(
        reasons(&all),
        ["type.date", "type.quantity_sold", "missing.transaction_id", "range.city", "range.unit_price"]
    );
    assert_eq!(
        reasons(&[("quantity_sold", "-3"), ("total_amount", "7")]),
        ["range.quantity_sold", "check.total_amount"]
    );
    assert_eq!(reasons(&[("store_id", "null"), ("total_amount", "7")]), ["missing.store_id", "check.total_amount"]);
}

#[test]
fn unreadable_records_are_malformed() {
    let texts: [&[u8]; 8] = [
        b"not json",
        b"[1]",
        b"42",
        b"\"text\"",
        br#"{"transaction_id":"T1""#,
        br#"{"transaction_id":"T1","transaction_id":"T1"}"#,
        b"{\"transaction_id\":\"\xff\"}",
        br#"{"transaction_id":"T1"} {}"#,
    ];
    for text in texts {
        let bytes = [PLAIN.as_bytes(), b"\n", text, b"\n\n"].concat();
        let expected = Expected::of(&[("a.jsonl", &bytes)]).unwrap();
        let refused = &expected.quarantine[0];
        assert_eq!((refused.line, refused.offset), (2, PLAIN.len() as u64 + 1));
        assert_eq!((refused.primary(), refused.raw.as_slice()), ("malformed", text));
        assert_eq!(expected.files["a.jsonl"], Counts { read: 3, accepted: 1, quarantined: 1, blank: 1 });
    }
}

#[test]
fn csv_records_follow_the_same_rules() {
    let text = "\u{feff}transaction_id,date,store_id,product_id,customer_id,quantity_sold,unit_price,city,extra\r\n\
        T1,2026-03-01,S1,P1,C1,3,12.90,\"Ł \"\"x\"\"\r\ny\",?\r\n\
        T2,2026-03-01,S1,P1,C1,3,12.90\r\n\
        \r\n\
        T3,2026-03-01,\"\",P1,C1,3,12.90,,\r\n\
        T4,2026-03-01,S1,P1,C1,true,12.90,,";
    let expected = Expected::of(&[("a.csv", text.as_bytes())]).unwrap();
    let cells = [
        "T1",
        "2026-03-01",
        "S1",
        "null",
        "Ł \"x\"\r\ny",
        "P1",
        "null",
        "null",
        "C1",
        "null",
        "3",
        "12.90",
        "38.70",
        "null",
    ];
    assert_eq!(expected.sales(None).rows, [row(&cells)]);
    assert_eq!(
        expected.refused().rows,
        [
            row(&["a.csv", "4", "malformed"]),
            row(&["a.csv", "6", "missing.store_id"]),
            row(&["a.csv", "7", "type.quantity_sold"])
        ]
    );
    assert_eq!(expected.total(), Counts { read: 5, accepted: 1, quarantined: 3, blank: 1 });
}

#[test]
fn files_are_unpacked_by_content() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(PLAIN.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(with(&[("transaction_id", "\"T2\"")]).as_bytes(), 1).unwrap();
    let expected = Expected::of(&[("a.json", &gzip), ("b.json.zst", &zstd), ("c.jsonl.gz", b"")]).unwrap();
    assert_eq!(expected.silver.len(), 2);
    assert_eq!(expected.files["c.jsonl.gz"], Counts::default());
    assert!(Expected::of(&[("a.jsonl.gz", &gzip[..gzip.len() - 20])]).is_err());
    assert!(Expected::of(&[("a.txt", b"")]).is_err());
}

#[test]
fn of_the_same_key_the_greatest_place_wins() {
    let sale = |city: &str| with(&[("city", &quoted(city))]);
    let refused = with(&[("city", "\"refused\""), ("quantity_sold", "0")]);
    let other_date = with(&[("city", "\"other date\""), ("date", "\"2026-03-02\"")]);
    let winner = |files: &[(&str, &[u8])]| {
        let expected = Expected::of(files).unwrap();
        let cities: Vec<String> = expected.silver.iter().map(|row| row.city.clone().unwrap()).collect();
        (cities.join(","), expected.reasons().get("duplicate").copied().unwrap_or(0))
    };
    let two = [sale("1"), sale("2"), refused, other_date].join("\n");
    assert_eq!(winner(&[("a.jsonl", two.as_bytes())]), ("2,other date".to_owned(), 1));
    // Bytes decide, not the alphabet: `B` is less than `a`. Files may come in any order.
    assert_eq!(winner(&[("a.jsonl", sale("a").as_bytes()), ("B.jsonl", sale("B").as_bytes())]), ("a".to_owned(), 1));
    // Line 10 is after line 9, whatever their texts.
    let many = ["\n".repeat(8), sale("9"), "\n".to_owned(), sale("10")].concat();
    assert_eq!(winner(&[("a.jsonl", many.as_bytes())]), ("10".to_owned(), 1));
    let same_line = format!("[{}, {}]", sale("first"), sale("second"));
    assert_eq!(winner(&[("a.json", same_line.as_bytes())]), ("second".to_owned(), 1));
}

/// Five sales of which the tables below were computed by hand.
fn shop() -> Expected {
    let sale =
        |id: &str, date: &str, store: &str, name: &str, product: &str, customer: &str, quantity: &str, price: &str| {
            with(&[
                ("transaction_id", &quoted(id)),
                ("date", &quoted(date)),
                ("store_id", &quoted(store)),
                ("store_name", name),
                ("product_id", &quoted(product)),
                ("customer_id", &quoted(customer)),
                ("quantity_sold", quantity),
                ("unit_price", price),
                ("total_amount", "null"),
            ])
        };
    lines(&[
        sale("T1", "2026-02-28", "S1", "\"Zeta\"", "P1", "C1", "1", "10.00"),
        sale("T2", "2026-02-28", "S1", "\"alpha\"", "P2", "C2", "2", "5.00"),
        sale("T3", "2026-02-28", "S1", "null", "P3", "C1", "1", "0.01"),
        sale("T4", "2026-03-01", "S1", "\"É\"", "P3", "C3", "1000", "10.00"),
        sale("T5", "2026-03-01", "S2", "null", "P4", "C1", "1", "0.05"),
    ])
}

#[test]
fn gold_tables_are_as_computed_by_hand() {
    let gold = shop().gold;
    let table = |columns: &str, rows: &[&[&str]]| {
        Table::new(&columns.split(' ').collect::<Vec<_>>(), rows.iter().map(|cells| row(cells)).collect())
    };
    assert_eq!(
        gold["daily_store_sales"],
        table(
            "date store_id store_name city transactions units revenue average_basket",
            &[
                // 20.01 / 3 = 6.67 exactly.
                &["2026-02-28", "S1", "alpha", "Łódź", "3", "4", "20.01", "6.67"],
                &["2026-03-01", "S1", "É", "Łódź", "1", "1000", "10000.00", "10000.00"],
                &["2026-03-01", "S2", "null", "Łódź", "1", "1", "0.05", "0.05"],
            ]
        )
    );
    assert_eq!(
        gold["product_performance"],
        table(
            "product_id product_name category transactions units revenue category_rank",
            &[
                &["P1", "Lamp", "Home", "1", "1", "10.00", "2"],
                &["P2", "Lamp", "Home", "1", "2", "10.00", "2"],
                &["P3", "Lamp", "Home", "2", "1001", "10000.01", "1"],
                &["P4", "Lamp", "Home", "1", "1", "0.05", "4"],
            ]
        )
    );
    assert_eq!(
        gold["customer_segments"],
        table(
            "customer_id customer_name first_purchase last_purchase transactions total_spent average_order segment",
            &[
                // 10.06 / 3 = 3.353...
                &["C1", "Zoë", "2026-02-28", "2026-03-01", "3", "10.06", "3.35", "regular"],
                &["C2", "Zoë", "2026-02-28", "2026-02-28", "1", "10.00", "10.00", "new"],
                &["C3", "Zoë", "2026-03-01", "2026-03-01", "1", "10000.00", "10000.00", "high_value"],
            ]
        )
    );
    assert_eq!(
        gold["store_performance"],
        table(
            "store_id year month store_name city transactions units revenue customers",
            &[
                &["S1", "2026", "2", "alpha", "Łódź", "3", "4", "20.01", "2"],
                &["S1", "2026", "3", "É", "Łódź", "1", "1000", "10000.00", "1"],
                &["S2", "2026", "3", "null", "Łódź", "1", "1", "0.05", "1"],
            ]
        )
    );
    let enriched = &gold["sales_enriched"];
    assert_eq!(enriched.columns[14..], ["year", "month", "day_of_week"]);
    // 28 February 2026 is a Saturday, 1 March a Sunday.
    assert_eq!(enriched.rows[0][14..], row(&["2026", "2", "6"]));
    assert_eq!(enriched.rows[4][14..], row(&["2026", "3", "7"]));
}

#[test]
fn averages_are_rounded_half_up_and_segments_have_sharp_bounds() {
    let customer = |amounts: &[&str]| {
        let records: Vec<String> = amounts
            .iter()
            .enumerate()
            .map(|(number, amount)| {
                let id = format!("\"T{number}\"");
                with(&[("transaction_id", &id), ("quantity_sold", "1"), ("unit_price", amount), ("total_amount", "")])
            })
            .collect();
        let row = lines(&records).gold["customer_segments"].rows[0].clone();
        (row[6].clone().unwrap(), row[7].clone().unwrap())
    };
    for (amounts, average, segment) in [
        (&["0.01", "0.02"][..], "0.02", "regular"),
        (&["0.01", "0.01", "0.02"], "0.01", "regular"),
        (&["9999.99"], "9999.99", "new"),
        (&["10000"], "10000.00", "high_value"),
        (&["1", "1", "1", "1"], "1.00", "regular"),
        (&["1", "1", "1", "1", "1"], "1.00", "loyal"),
        (&["9995.99", "1", "1", "1", "1"], "2000.00", "loyal"),
        (&["9996", "1", "1", "1", "1"], "2000.00", "vip"),
    ] {
        assert_eq!(customer(amounts), (average.to_owned(), segment.to_owned()), "{amounts:?}");
    }
}

#[test]
fn generated_sales_hold_every_reason_every_segment_and_ties() {
    let lake = tempfile::tempdir().unwrap();
    let scale = assay_demo::Scale {
        seed: 7,
        first_date: chrono::NaiveDate::from_ymd_opt(2026, 1, 25).unwrap(),
        dates: 14,
        records_per_date: 2_000,
        lines: false,
    };
    let (_, generate) = assay_demo::generators().iter().find(|(name, _)| *name == "sales_lakehouse").unwrap();
    let written = generate(&scale, lake.path(), &mut |_| {}).unwrap();
    let expected = Expected::read(lake.path()).unwrap();
    let total = expected.total();
    assert_eq!((expected.files.len() as u64, total.read - total.blank), (written.files, written.records));
    assert_eq!(total.read, total.accepted + total.quarantined + total.blank);
    let rate = total.quarantined * 1_000 / written.records;
    assert!((25..=35).contains(&rate), "{rate} in 1,000 are refused");
    assert!(total.blank > 20);
    let reasons: BTreeSet<&str> = expected.reasons().into_keys().map(|code| code.split('.').next().unwrap()).collect();
    assert_eq!(reasons, BTreeSet::from(["check", "duplicate", "malformed", "missing", "range", "type"]));
    let column = |table: &str, name: &str| {
        let table = &expected.gold[table];
        let place = table.columns.iter().position(|column| column == name).unwrap();
        table.rows.iter().map(move |row| row[place].clone().unwrap()).collect::<Vec<_>>()
    };
    let segments: BTreeSet<String> = column("customer_segments", "segment").into_iter().collect();
    assert_eq!(segments.into_iter().collect::<Vec<_>>(), ["high_value", "loyal", "new", "regular", "vip"]);
    let products: Vec<_> = column("product_performance", "category")
        .into_iter()
        .zip(column("product_performance", "category_rank"))
        .collect();
    assert!(products.iter().collect::<BTreeSet<_>>().len() < products.len(), "no rank is shared");
    let elsewhere = expected.silver.iter().filter(|row| !row.file.contains(&row.date.to_string())).count();
    assert!(elsewhere > 20, "records in the folder of another date");
}
