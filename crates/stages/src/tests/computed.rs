//! Computed columns, the functions of expressions, and defaults.

#![allow(clippy::unwrap_used)]
use super::contracts::{Rules, check, column, contract, shop_of};
use crate::StageError;
use assay_pipeline::{Clean, Column, Contract};

/// What becomes of records with these fields: `columns` of an accepted one, or the reasons.
#[track_caller]
fn assert_records(contract: Contract, columns: &[&str], cases: &[(&str, &str)]) {
    let shop = shop_of(contract);
    let lines: Vec<&str> = cases.iter().map(|(fields, _)| *fields).collect();
    shop.put("2024-05-06/a.json", lines.join("\n"));
    shop.ingest().unwrap();
    let columns: Vec<&str> = std::iter::once("_source_line").chain(columns.iter().copied()).collect();
    let mut rows = shop.silver_columns(&columns);
    rows.extend(shop.quarantine(&["_source_line", "reason", "secondary"]));
    for (at, (fields, expected)) in cases.iter().enumerate() {
        let line = format!("{}|", at + 1);
        let row = rows.iter().find(|row| row.starts_with(&line)).unwrap();
        assert_eq!(row[line.len()..], **expected, "{fields}");
    }
    assert_eq!(rows.len(), cases.len());
}

fn trade() -> Vec<Column> {
    vec![
        // Declared before what it is computed from.
        column("day", "date").required().is("date(at)"),
        column("at", "timestamp").formats(&["%Y-%m-%d %H:%M:%S"]).required(),
        column("n", "int32").required().range("> 0"),
        column("price", "decimal(10,3)").required(),
        column("name", "string").clean(Clean::Upper).or("'unknown'"),
        column("total", "decimal(14,3)").required().is("n * price"),
        column("tax", "decimal(14,3)").range("<= 100").is("total * 0.2"),
        column("cancelled", "boolean").is("starts_with(name, 'C')"),
        column("copy", "string(7)").is("name"),
        column("file", "date").is("file_date()"),
        column("late", "boolean").is("day > file_date()"),
    ]
}

#[test]
fn computed_columns_follow_cleaning_and_defaults_in_declared_order() {
    let columns = ["day", "total", "tax", "name", "cancelled", "copy", "file", "late"];
    assert_records(
        contract(trade()),
        &columns,
        &[
            (
                r#"{"at":"2024-05-06 10:00:00","n":3,"price":1.005,"name":"cup"}"#,
                "2024-05-06|3.015|0.603|CUP|true|CUP|2024-05-06|false",
            ),
            // Cleaning comes before the default, which is taken as it stands.
            (
                r#"{"at":"1969-12-31 23:59:59","n":1,"price":"0.5"}"#,
                "1969-12-31|0.500|0.100|unknown|false|unknown|2024-05-06|false",
            ),
            // A field that is named as a computed column is none of its business.
            (
                r#"{"at":"2024-05-07 00:00:00","n":1,"price":"5","total":"x","day":[],"late":7,"name":"b"}"#,
                "2024-05-07|5.000|1.000|B|false|B|2024-05-06|true",
            ),
        ],
    );
}

#[test]
fn what_is_computed_from_a_refused_value_adds_no_reason() {
    assert_records(
        contract(trade()),
        &[],
        &[
            (r#"{"at":"6 May","n":1,"price":1}"#, "type.at|null"),
            (r#"{"n":1,"price":1}"#, "missing.at|null"),
            (r#"{"at":"2024-05-06 10:00:00","n":"x","price":1}"#, "type.n|null"),
            (r#"{"at":"2024-05-06 10:00:00","price":1}"#, "missing.n|null"),
            (r#"{"at":"x","n":1.5,"price":1}"#, "type.at|type.n"),
            (r#"{"at":"2024-05-06 10:00:00","n":0,"price":1}"#, "range.n|null"),
            // Its own bounds are its own reasons.
            (r#"{"at":"2024-05-06 10:00:00","n":1,"price":501}"#, "range.tax|null"),
            (r#"{"at":"2024-05-06 10:00:00","n":1,"price":0.001}"#, "range.tax|null"),
            (r#"{"at":"2024-05-06 10:00:00","n":2147483647,"price":9999999.999}"#, "range.total|null"),
            (r#"{"at":"2024-05-06 10:00:00","n":-1,"price":1,"name":"too long"}"#, "range.n|range.copy"),
        ],
    );
}

#[test]
fn a_required_column_whose_value_is_unknown_is_missing() {
    let mut contract = contract(vec![
        column("day", "date").is("file_date()").required(),
        column("a", "int64"),
        column("b", "int64").required().is("a + 1"),
        column("c", "int64").required().is("b + 1"),
        column("text", "string").or("'none'"),
        column("same", "boolean").is("a = 1 or text = 'x'"),
    ]);
    contract.checks.push(check("sure", "same"));
    assert_records(
        contract,
        &["b", "c", "same", "text"],
        &[
            (r#"{"a":1}"#, "2|3|true|none"),
            (r#"{"a":5,"text":"x"}"#, "6|7|true|x"),
            (r#"{"a":5}"#, "check.sure|null"),
            (r#"{"text":"x"}"#, "missing.b|null"),
            (r#"{"a":9223372036854775807}"#, "range.b|check.sure"),
        ],
    );
}

#[test]
fn ignored_fields_of_computed_columns_are_named() {
    let shop = shop_of(contract(trade()));
    shop.put("2024-05-06/a.json", r#"{"at":"2024-05-06 10:00:00","n":3,"price":1,"total":9}"#);
    shop.put("2024-05-06/b.csv", "at,n,price,total,day\n2024-05-06 10:00:00,3,1,9,x\n");
    let done = shop.ingest().unwrap();
    assert_eq!(done.counts.accepted, 2);
    assert_eq!([&done.files[0].ignored[..], &done.files[1].ignored[..]], [&["total"][..], &["day", "total"][..]]);
}

#[test]
fn a_file_without_a_date_has_none() {
    let mut shop = shop_of(contract(vec![column("day", "date").required().is("file_date()"), column("n", "int64")]));
    shop.pipeline.sources[0].path = "bronze/sales".to_owned();
    shop.put("2024-05-06/a.json", r#"{"n":3}"#);
    shop.ingest().unwrap();
    assert_eq!(shop.quarantine(&["date", "reason", "secondary"]), ["null|missing.day|null"]);
}

#[test]
fn contracts_that_cannot_be_computed_are_refused() {
    for (columns, words) in [
        (
            vec![column("a", "int64").is("b"), column("b", "int64").is("1")],
            "a is computed from b, which is computed after",
        ),
        (vec![column("a", "int64").is("a + 1")], "a is computed from a"),
        (vec![column("a", "int64").or("b"), column("b", "int64").is("1")], "the default of a reads b"),
        (vec![column("a", "date").is("1")], "the value of a is not of the column's type, date"),
        (vec![column("a", "instant").is("day")], "not of the column's type, instant"),
        (vec![column("a", "int64").is("date(day)")], "the value of a: date() takes a timestamp"),
        (vec![column("a", "string").or("file_date()")], "the default of a is not of the column's type"),
    ] {
        let mut all = vec![column("day", "date").required().formats(&["%Y-%m-%d"])];
        all.extend(columns);
        let shop = shop_of(contract(all));
        match shop.ingest() {
            Err(StageError::Contract { why, .. }) => assert!(why.contains(words), "{why}"),
            other => panic!("{words}: {other:?}"),
        }
    }
}

#[test]
fn defaults_can_be_of_every_type() {
    let day = || column("day", "date").required().formats(&["%Y-%m-%d"]);
    let contract = contract(vec![
        day().or("file_date()"),
        column("n", "int32").or("-7"),
        column("d", "double").or("0.1"),
        column("b", "boolean").or("n < 0"),
        column("t", "string").or("'GUEST'"),
        column("u", "string").clean(Clean::Lower).or("t"),
    ]);
    assert_records(
        contract,
        &["day", "n", "d", "b", "t", "u"],
        &[
            ("{}", "2024-05-06|-7|0.1|true|GUEST|GUEST"),
            (r#"{"day":"2024-05-01","n":1,"d":1e-3,"b":null,"t":"A","u":"B"}"#, "2024-05-01|1|0.001|false|A|b"),
        ],
    );
}

#[test]
fn whole_numbers_lose_a_fraction_of_zeros() {
    let contract = contract(vec![
        column("day", "date").required().is("file_date()"),
        column("id", "string").clean(Clean::WholeNumber).or("'GUEST'"),
    ]);
    assert_records(
        contract,
        &["id"],
        &[
            (r#"{"id":"17850.0"}"#, "17850"),
            (r#"{"id":17850.0}"#, "17850"),
            (r#"{"id":17850}"#, "17850"),
            (r#"{"id":" 017850.000 "}"#, "017850"),
            (r#"{"id":"-1.0"}"#, "-1"),
            (r#"{"id":"0.0"}"#, "0"),
            (r#"{"id":"17850."}"#, "17850."),
            (r#"{"id":".0"}"#, ".0"),
            (r#"{"id":"-.0"}"#, "-.0"),
            (r#"{"id":"--1.0"}"#, "--1.0"),
            (r#"{"id":"+1.0"}"#, "+1.0"),
            (r#"{"id":"1.50"}"#, "1.50"),
            (r#"{"id":"1.0.0"}"#, "1.0.0"),
            (r#"{"id":"1 000.0"}"#, "1 000.0"),
            (r#"{"id":"1,0"}"#, "1,0"),
            (r#"{"id":"A1.0"}"#, "A1.0"),
            (r#"{"id":"1.0e3"}"#, "1.0e3"),
            (r#"{"id":"١.٠"}"#, "١.٠"),
            (r#"{"id":"1.０"}"#, "1.０"),
            (r#"{"id":"é.0"}"#, "é.0"),
            (r#"{"id":"  "}"#, "GUEST"),
            (r#"{"id":null}"#, "GUEST"),
        ],
    );
}
