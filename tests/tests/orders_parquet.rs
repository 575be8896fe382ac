//! The journey of nested orders: one Parquet file for each input, once for each content, and a place for what is dead.
#![allow(clippy::unwrap_used)]

mod journey;

use assay_testkit::{ORDER_COLUMNS, Orders, Row, copies, orders_parquet};
use journey::{Journey, moved, of_table};

/// The rows of every output, by the name of the output.
fn outputs(journey: &Journey) -> Vec<(String, Vec<Row>)> {
    let files = copies::files(&journey.lake().join("orders_parquet_datalake")).unwrap();
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), copies::parquet_rows(path, &ORDER_COLUMNS).unwrap())).collect()
}

/// Each readable file has one output with its rows in its order, and nothing else is there.
fn expect_outputs(journey: &Journey, expected: &Orders) {
    let there = outputs(journey);
    for (name, _) in &there {
        let time = name.strip_prefix("orders_ETL_").and_then(|rest| rest.strip_suffix(".parquet"));
        let time = time.unwrap_or_else(|| panic!("{name} is no name of an output"));
        assert!(chrono::NaiveDateTime::parse_from_str(time, "%Y%m%d_%H%M%S").is_ok(), "{name}");
    }
    let mut there: Vec<Vec<Row>> = there.into_iter().map(|(_, rows)| rows).collect();
    let mut wanted: Vec<Vec<Row>> = expected.outputs.values().cloned().collect();
    there.sort();
    wanted.sort();
    assert_eq!(there.len(), wanted.len(), "outputs");
    for (there, wanted) in there.iter().zip(&wanted) {
        assert_eq!(there, wanted);
    }
}

#[test]
fn every_file_becomes_one_output_in_its_order() {
    let journey = Journey::new("orders_parquet");
    journey.demo(3, 60, &[]);
    let expected = orders_parquet(&journey.lake()).unwrap();
    assert_eq!((expected.dead.len(), expected.again.len()), (1, 1));
    journey.run(&[]);
    journey.expect_table("silver/orders", &expected.layers.silver["orders"]);
    journey.expect_refused("orders", &expected.layers);
    journey.expect_counts(expected.layers.total());
    expect_outputs(&journey, &expected);

    let dead = journey.bytes("orders_json_dead_letter");
    let name = expected.dead[0].rsplit('/').next().unwrap();
    assert!(dead[name].starts_with(b"<html>"));
    let reason = String::from_utf8(dead[&format!("{name}.reason.txt")].clone()).unwrap();
    assert!(!reason.contains("Bad Gateway") && !reason.is_empty(), "{reason}");
    assert!(!journey.lake().join(&expected.dead[0]).exists());

    let names = journey.bytes("orders_parquet_datalake");
    journey.run(&[]);
    assert_eq!(journey.runs().len(), 1, "a second run finds nothing to do");
    assert_eq!(journey.bytes("orders_parquet_datalake"), names);
}

#[test]
fn the_outputs_of_files_follow_a_replay() {
    let journey = Journey::new("orders_parquet");
    journey.demo(3, 60, &[]);
    let expected = orders_parquet(&journey.lake()).unwrap();
    let place = journey.workspace.root().join("pipelines/orders_parquet/pipeline.toml");
    let shipped = std::fs::read_to_string(&place).unwrap();
    let strict = shipped.replacen(r#"price = { type = "double""#, r#"price = { type = "double", range = "> 40""#, 1);
    assert_ne!(strict, shipped);
    std::fs::write(&place, strict).unwrap();
    journey.run(&[]);
    let rows = |outputs: &[(String, Vec<Row>)]| outputs.iter().map(|(_, rows)| rows.len()).sum::<usize>();
    let few = outputs(&journey);
    std::fs::write(&place, shipped).unwrap();
    journey.succeed(&["replay", "orders_parquet.silver.orders", "--reason", "cheap products count"]);
    assert!(rows(&few) < rows(&outputs(&journey)));
    expect_outputs(&journey, &expected);
    journey.expect_table("silver/orders", &expected.layers.silver["orders"]);
    journey.expect_refused("orders", &expected.layers);
    // A file keeps the name of its output.
    let names: Vec<String> = outputs(&journey).into_iter().map(|(name, _)| name).collect();
    assert!(few.iter().all(|(name, _)| names.contains(name)), "{few:?} {names:?}");
}

#[test]
fn a_run_that_moved_a_dead_letter_is_finished_by_another_process() {
    let journey = Journey::new("orders_parquet");
    journey.demo(3, 60, &[]);
    let expected = orders_parquet(&journey.lake()).unwrap();
    // Bronze moves the dead letter; silver finds no folder for what it refuses.
    let obstacle = journey.write("quarantine", b"a file");
    let broken = journey.assay(&["run", "orders_parquet"]);
    assert_eq!(broken.code, Some(1), "{}{}", broken.stdout, broken.stderr);
    assert!(!journey.lake().join(&expected.dead[0]).exists());
    std::fs::remove_file(obstacle).unwrap();
    let run = journey.runs().remove(0);
    journey.run(&["--resume"]);
    assert_eq!(journey.runs(), [run]);
    let bronze = journey.last()["steps"][0].clone();
    assert_eq!((bronze["status"].as_str(), bronze["attempt"].as_u64()), (Some("succeeded"), Some(1)), "{bronze}");
    journey.expect_table("silver/orders", &expected.layers.silver["orders"]);
    journey.expect_refused("orders", &expected.layers);
    expect_outputs(&journey, &expected);
}

#[test]
fn a_later_file_adds_one_output_and_the_same_content_none() {
    let journey = Journey::new("orders_parquet");
    journey.demo(2, 30, &[]);
    journey.run(&[]);
    let before = journey.bytes("orders_parquet_datalake");
    journey.write("orders_json_incoming/z1.json", br#"{"order_id": 1, "products": [{"name": "b"}, {"name": "a"}]}"#);
    journey.write("orders_json_incoming/z2.json", br#"{"order_id": 1, "products": [{"name": "b"}, {"name": "a"}]}"#);
    journey.run(&[]);
    let expected = orders_parquet(&journey.lake()).unwrap();
    assert_eq!(expected.again.iter().filter(|path| path.ends_with("z2.json")).count(), 1);
    expect_outputs(&journey, &expected);
    let after = journey.bytes("orders_parquet_datalake");
    assert_eq!(after.len(), before.len() + 1);
    assert!(before.iter().all(|(name, bytes)| after.get(name) == Some(bytes)), "an output stays as it was written");

    // The content of a file that was read before, now under a name that comes first.
    let single = format!("orders_json_incoming/orders_{}_single_0.json", journey.date(0).replace('-', ""));
    let again = std::fs::read(journey.lake().join(single)).unwrap();
    journey.write("orders_json_incoming/a_first.json", &again);
    journey.run(&[]);
    assert_eq!(journey.bytes("orders_parquet_datalake"), after);
}

#[test]
fn a_date_is_planned_run_again_compared_and_undone() {
    let journey = Journey::new("orders_parquet");
    journey.demo(3, 30, &[]);
    journey.run(&[]);
    let before = orders_parquet(&journey.lake()).unwrap();
    let names = journey.bytes("orders_parquet_datalake").into_keys().collect::<Vec<_>>();
    let path = format!("orders_json_incoming/orders_{}_lines.jsonl", journey.date(1).replace('-', ""));
    let order = before.outputs[&path][0][0].clone().unwrap();
    let rows = before.outputs[&path].iter().filter(|row| row[0].as_ref() == Some(&order)).count() as u64;
    journey.take_out(&path, &format!("\"{order}\""));
    let after = orders_parquet(&journey.lake()).unwrap();
    let expect = |expected: &Orders| {
        journey.expect_table("silver/orders", &expected.layers.silver["orders"]);
        expect_outputs(&journey, expected);
        let there = journey.bytes("orders_parquet_datalake").into_keys().collect::<Vec<_>>();
        assert_eq!(there, names, "an output keeps its name for ever");
    };
    let difference = journey.reprocess(&journey.date(1), &|| expect(&before), &|| expect(&after));
    assert_eq!(moved(of_table(&difference, "silver.orders"))[1], rows);
}
