//! When a gate lets a table be published, and over which records it judges.

#![allow(clippy::unwrap_used)]
use super::contracts::{Rules, column, contract, gate, shop_of};
use super::shop::Shop;
use crate::StageError;

/// A shop with a gate over records of `id`, `day` and `n`, which is above zero in accepted ones.
fn shop(percent: &str, except: Option<&str>) -> Shop {
    let mut contract = contract(vec![
        column("id", "string").required(),
        column("day", "date").required().formats(&["%Y-%m-%d"]),
        column("n", "int32").required().range("> 0"),
    ]);
    contract.key = vec!["id".to_owned()];
    contract.gate = gate(percent, except);
    shop_of(contract)
}

fn records(of: &[(&str, &str, &str)]) -> String {
    of.iter().map(|(id, day, n)| format!("{{\"id\":\"{id}\",\"day\":\"{day}\",\"n\":{n}}}\n")).collect()
}

/// Accepted and counted records of a gate that does not hold; none when it does.
#[track_caller]
fn seen(done: Result<crate::Ingested, StageError>) -> Option<(u64, u64, u64)> {
    match done {
        Ok(_) => None,
        Err(StageError::Gate { accepted, counted, excepted, .. }) => Some((accepted, counted, excepted)),
        Err(other) => panic!("{other}"),
    }
}

const DAY: &str = "2024-01-01";

#[test]
fn shares_at_the_bound_hold() {
    let four_of_five = records(&[("a", DAY, "1"), ("b", DAY, "1"), ("c", DAY, "1"), ("d", DAY, "1"), ("e", DAY, "0")]);
    for (percent, expected) in
        [("80", None), ("79.999999999999999999", None), ("80.000000000000000001", Some((4, 5, 0)))]
    {
        let shop = shop(percent, None);
        shop.put("2024-01-01/a.json", &four_of_five);
        assert_eq!(seen(shop.ingest()), expected, "{percent}");
        assert_eq!(shop.data_files() > 0, expected.is_none());
    }
}

#[test]
fn no_counted_record_means_that_the_gate_holds() {
    let empty = shop("100", None);
    empty.put("2024-01-01/a.json", "\n\n");
    assert_eq!(seen(empty.ingest()), None);
    let excepted = shop("100", Some("starts_with(id, 'C')"));
    excepted.put("2024-01-01/a.json", records(&[("C1", DAY, "0"), ("C2", DAY, "-1")]));
    assert_eq!(seen(excepted.ingest()), None);
}

#[test]
fn duplicates_and_records_that_cannot_tell_count() {
    let shop = shop("100", Some("starts_with(id, 'C')"));
    let text = records(&[("a", DAY, "1"), ("a", DAY, "2"), ("C", DAY, "1"), ("C", DAY, "2"), (" C9 ", "soon", "1")]);
    // Malformed, without an id, and with an id of the wrong type.
    let rest = "{\"id\":\"C\n{\"day\":\"2024-01-01\",\"n\":1}\n{\"id\":[\"C\"],\"day\":\"2024-01-01\",\"n\":1}\n";
    shop.put("2024-01-01/a.json", text + rest);
    assert_eq!(seen(shop.ingest()), Some((1, 5, 3)));
}

#[test]
fn what_was_there_stays_when_the_gate_does_not_hold() {
    let shop = shop("50", None);
    shop.put("2024-01-01/a.json", records(&[("a", DAY, "1"), ("b", DAY, "0")]));
    let first = shop.ingest().unwrap();
    let (rows, refused, files) = (shop.silver_columns(&["id"]), shop.raw(), shop.data_files());
    shop.put("2024-01-01/b.json", records(&[("c", DAY, "0")]));
    assert_eq!(seen(shop.ingest()), Some((1, 3, 0)));
    assert_eq!(seen(shop.ingest_dates(&[DAY])), Some((1, 3, 0)));
    assert_eq!((shop.silver_columns(&["id"]), shop.raw(), shop.data_files()), (rows, refused, files));
    shop.put("2024-01-01/c.json", records(&[("d", DAY, "1")]));
    assert_eq!(shop.ingest().unwrap().before, Some(first.version));
}

#[test]
fn a_run_of_dates_judges_what_it_writes() {
    let mut shop = shop("60", None);
    let (bad, good) = ("2024-01-01", "2024-01-02");
    let mut records_of_both = records(&[("a", bad, "1"), ("b", bad, "0"), ("c", bad, "0"), ("d", good, "1")]);
    records_of_both += &records(&[("e", good, "1"), ("f", good, "1"), ("g", good, "0"), ("h", good, "1")]);
    shop.pipeline.sources[0].path = "bronze/sales".to_owned();
    let path = shop.put("2024-01-01/a.json", &records_of_both);
    // The ledger knows both dates of the file.
    shop.ledger.lock().unwrap().push((path.clone(), vec![bad.parse().unwrap(), good.parse().unwrap()]));
    assert_eq!(seen(shop.ingest_dates(&[good])), None);
    assert_eq!(seen(shop.ingest_dates(&[bad])), Some((1, 3, 0)));
    assert_eq!(seen(shop.ingest_dates(&[bad, good])), None);
    // Records without a date belong to neither; they are judged with the whole file.
    let undated = records(&[("x", "soon", "1"), ("y", "", "1")]);
    shop.put("2024-01-01/a.json", records_of_both + &undated);
    assert_eq!(seen(shop.ingest_dates(&[good])), None);
    assert_eq!(seen(shop.ingest_dates(&[bad, good])), Some((5, 10, 0)));
    // Dates that the ledger does not know are written too, and judged.
    shop.ledger.lock().unwrap().clear();
    shop.ledger.lock().unwrap().push((path, vec![good.parse().unwrap()]));
    assert_eq!(seen(shop.ingest_dates(&[good])), Some((5, 10, 0)));
}

#[test]
fn a_file_without_any_date_is_judged_by_a_run_of_dates() {
    let mut shop = shop("10", None);
    shop.pipeline.sources[0].path = "bronze/sales".to_owned();
    let path = shop.put("2024-01-01/a.json", records(&[("x", "soon", "1"), ("y", "", "1")]));
    shop.ledger.lock().unwrap().push((path, vec![DAY.parse().unwrap()]));
    assert_eq!(seen(shop.ingest_dates(&[DAY])), Some((0, 2, 0)));
}

#[test]
fn every_record_is_seen_once_however_often_the_files_are_read() {
    for (keys, chunk, threads) in [(1 << 20, 1 << 20, 1), (3, 40, 3), (1, 1, 2)] {
        let mut shop = shop("100", Some("id = 'skip'"));
        (shop.limits.keys, shop.limits.chunk, shop.threads) = (keys, chunk, threads);
        let mut text = String::new();
        for at in 0..40 {
            let (id, n) = (format!("k{}", at % 25), if at % 10 == 9 { "0" } else { "1" });
            text += &records(&[(&id, DAY, n)]);
        }
        text += &records(&[("skip", DAY, "1"), ("skip", DAY, "0"), ("x", "soon", "1")]);
        shop.put("2024-01-01/a.json", text);
        // Of 25 keys only that of the twentieth record has no other record that is accepted.
        assert_eq!(seen(shop.ingest()), Some((24, 41, 2)), "{keys} {chunk} {threads}");
    }
}
