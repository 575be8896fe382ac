//! A till's export as shops publish it: windows-1252, dates of several shapes, cancellations, full duplicates.

#![allow(clippy::unwrap_used)]
use super::contracts::{Rules, column, contract, gate, shop_of};
use super::shop::Shop;
use crate::{Counts, Limits, StageError};
use assay_pipeline::{Clean, Contract, Encoding};

fn retail() -> Contract {
    let formats = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%y %H:%M", "%m/%d/%y %H:%M"];
    let mut contract = contract(vec![
        column("invoiceno", "string").at("InvoiceNo").required(),
        column("stockcode", "string").at("StockCode").required().clean(Clean::Upper),
        column("description", "string").at("Description").or("'UNKNOWN'"),
        column("quantity", "int32").at("Quantity").required().range("> 0"),
        column("invoicedate", "timestamp").at("InvoiceDate").required().formats(&formats),
        column("unitprice", "decimal(10,3)").at("UnitPrice").required().range("> 0"),
        column("customerid", "string").at("CustomerID").clean(Clean::WholeNumber).or("'GUEST'"),
        column("country", "string").at("Country").required(),
        column("total_sales", "decimal(14,3)").is("quantity * unitprice"),
        column("day", "date").required().is("date(invoicedate)"),
    ]);
    contract.key = contract.columns[..8].iter().map(|column| column.name.clone()).collect();
    contract
}

const LINES: &str = "\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1001,A1b,RED CUP ,6,01-12-10 8:26,2.55,17850,United Kingdom
1001,a1B,RED CUP,6,2010-12-01 08:26,2.550,17850.0,United Kingdom
1001,A1B,RED CUP,6,01-12-10 8:27,2.55,17850,United Kingdom
1002,B2,\"CUP,  \"\"BLUE\"\"\",1,12/1/2010 9:05,.85,,France
1002,B2,\"CUP,  \"\"BLUE\"\"\",1,12/1/10 9:05,0.85,  ,France
1003,POST,,3,2010-12-02 23:59:59,18,12583.,France
1003,POST,UNKNOWN,3,2010-12-02 23:59:59,18.000,12583.,France
C1004,D,Discount,-1,01-12-10 9:41,27.5,14527,United Kingdom
C1005,D,Discount,1,01-12-10 9:41,27.5,14527,United Kingdom
1006,E5,CAF\u{e9} \u{a3}5,1,31-12-10 0:00,5,1,Espa\u{f1}a

1007,F6,LAMP,0,01-12-10 9:41,0,1,France
1008,F6,LAMP,two,01-12-10 9:41,1.2345,1,France
1009,F6,LAMP,1,2010-12-01T09:41,1,1,France
1010,F6,LAMP,1,01-12-2010 9:41,1,1,France
1011,F6,LAMP,1,,1,1,
1012,F6,LAMP,1,01-12-10 9:41,1,1
1013,F6,LA\"MP,1,01-12-10 9:41,1,1,France
1014,F6,\"TWO\u{2028}LINES\",2147483647,01-12-10 9:41,9999999.999,1,France
";

/// The lines in windows-1252; one character takes more than Latin-1 has.
fn bytes(end: &str) -> Vec<u8> {
    LINES
        .replace('\n', end)
        .chars()
        .map(|c| if c == '\u{2028}' { 0x80 } else { u8::try_from(u32::from(c)).unwrap() })
        .collect()
}

fn shop() -> Shop {
    let mut shop = shop_of(retail());
    shop.pipeline.sources[0].encoding = Encoding::Windows1252;
    shop
}

const ACCEPTED: [&str; 6] = [
    "1001|A1B|RED CUP|6|2010-12-01T08:26:00.000000|2.550|17850|United Kingdom|15.300|2010-12-01|3",
    "1001|A1B|RED CUP|6|2010-12-01T08:27:00.000000|2.550|17850|United Kingdom|15.300|2010-12-01|4",
    "1002|B2|CUP,  \"BLUE\"|1|2010-12-01T09:05:00.000000|0.850|GUEST|France|0.850|2010-12-01|6",
    "1003|POST|UNKNOWN|3|2010-12-02T23:59:59.000000|18.000|12583.|France|54.000|2010-12-02|8",
    "1006|E5|CAFé £5|1|2010-12-31T00:00:00.000000|5.000|1|España|5.000|2010-12-31|11",
    "C1005|D|Discount|1|2010-12-01T09:41:00.000000|27.500|14527|United Kingdom|27.500|2010-12-01|10",
];

const REFUSED: [&str; 12] = [
    "14|type.quantity|type.unitprice|2010-12-01",
    "13|range.quantity|range.unitprice|2010-12-01",
    "15|type.invoicedate|null|null",
    "16|type.invoicedate|null|null",
    "17|missing.invoicedate|missing.country|null",
    "18|malformed|null|null",
    "19|malformed|null|null",
    "2|duplicate|null|2010-12-01",
    "20|range.total_sales|null|2010-12-01",
    "5|duplicate|null|2010-12-01",
    "7|duplicate|null|2010-12-02",
    "9|range.quantity|null|2010-12-01",
];

#[test]
fn every_line_end_gives_the_same_rows() {
    let columns = [
        "invoiceno",
        "stockcode",
        "description",
        "quantity",
        "invoicedate",
        "unitprice",
        "customerid",
        "country",
        "total_sales",
        "day",
        "_source_line",
    ];
    let mut refused = REFUSED.to_vec();
    refused.sort_unstable();
    for end in ["\n", "\r\n", "\r"] {
        for (chunk, threads, keys) in [(1 << 20, 1, 1 << 20), (50, 3, 1 << 20), (120, 2, 7)] {
            let mut shop = shop();
            shop.limits = Limits { chunk, keys, ..shop.limits };
            shop.threads = threads;
            shop.put("2010-12-01/till.csv", bytes(end));
            // The shop's folders have dates, and this source has none.
            shop.pipeline.sources[0].path = "bronze/sales".to_owned();
            let done = shop.ingest().unwrap();
            assert_eq!(
                done.counts,
                Counts { read: 19, accepted: 6, quarantined: 12, blank: 1, elsewhere: 0 },
                "{end:?}"
            );
            assert_eq!(shop.silver_columns(&columns), ACCEPTED, "{end:?}");
            let mut given = shop.quarantine(&["_source_line", "reason", "secondary", "date"]);
            given.sort_unstable();
            assert_eq!(given, refused, "{end:?}");
        }
    }
}

#[test]
fn keys_hold_values_of_every_type_and_nulls() {
    let mut contract = contract(vec![
        column("day", "date").required().is("date(at)"),
        column("at", "instant").required(),
        column("price", "decimal(10,3)"),
        column("code", "string"),
        column("sure", "boolean"),
    ]);
    contract.key = ["at", "price", "code", "sure"].map(str::to_owned).to_vec();
    let shop = shop_of(contract);
    let lines = [
        r#"{"at":"2024-01-01T00:00:00Z","price":1.5}"#,
        // The same moment and number, and nulls of every kind.
        r#"{"at":"2024-01-01T02:00:00.000+02:00","price":"1.500","code":" ","sure":null}"#,
        r#"{"at":"2024-01-01T00:00:00.000001Z","price":1.5}"#,
        r#"{"at":"2024-01-01T00:00:00Z","price":0}"#,
        r#"{"at":"2024-01-01T00:00:00Z"}"#,
        r#"{"at":"2024-01-01T00:00:00Z","code":"1.5"}"#,
        r#"{"at":"2024-01-01T00:00:00Z","sure":false}"#,
        r#"{"at":"2024-01-01T00:00:00Z","price":0.000,"code":null}"#,
    ];
    shop.put("2024-01-01/a.json", lines.join("\n"));
    shop.ingest().unwrap();
    assert_eq!(shop.silver_columns(&["_source_line"]), ["2", "3", "5", "6", "7", "8"]);
    assert_eq!(shop.quarantine(&["_source_line", "reason"]), ["1|duplicate", "4|duplicate"]);
}

#[test]
fn a_gate_looks_at_all_but_the_cancellations() {
    let ingest = |percent: &str| {
        let mut shop = shop();
        shop.pipeline.contracts[0].gate = gate(percent, Some("starts_with(invoiceno, 'C')"));
        shop.put("2010-12-01/till.csv", bytes("\n"));
        shop.pipeline.sources[0].path = "bronze/sales".to_owned();
        let done = shop.ingest();
        (done, shop.data_files())
    };
    // 18 records, of which two cancellations; 5 of the other 16 are accepted: 31.25 %.
    assert!(ingest("31.25").0.is_ok());
    let (refused, files) = ingest("31.250001");
    let refused = refused.unwrap_err();
    assert!(matches!(refused, StageError::Gate { accepted: 5, counted: 16, excepted: 2, .. }), "{refused}");
    assert_eq!(files, 0);
    insta::assert_snapshot!(refused, @"sales: the gate asks for 31.250001 % of accepted records, and it is 31.25 %: 5 of 16, with 2 left out of the count; neither the rows nor the refused records were published. Refused: duplicate 3, malformed 2, type.invoicedate 2, range.quantity 2, type.quantity 1, other reasons 2. Correct the files or the contract, and run again");
}
