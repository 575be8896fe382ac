//! Which partitions a run writes, and which records it leaves to others.

#![allow(clippy::unwrap_used)]
use super::shop::{Shop, date, sale};
use crate::{Counts, Quiet, Scope};

fn of(id: &str, day: &str) -> String {
    sale(id, &[("date", &format!("\"2024-01-0{day}\""))])
}

#[test]
fn a_stray_record_takes_the_other_files_of_its_date_with_it() {
    let shop = Shop::new();
    let first = shop.put("2024-01-01/a.json", [of("T1", "1"), of("T2", "2"), "no".to_owned()].join("\n"));
    shop.put("2024-01-02/a.json", [of("T3", "2"), of("T4", "3")].join("\n"));
    shop.put("2024-01-03/a.json", of("T5", "3"));
    let done = shop.ingest_dates(&["2024-01-01"]).unwrap();
    assert_eq!(done.dates, [date("2024-01-01"), date("2024-01-02"), date("2024-01-03")]);
    assert_eq!(
        shop.silver_columns(&["date", "transaction_id"]),
        ["2024-01-01|T1", "2024-01-02|T2", "2024-01-02|T3", "2024-01-03|T4", "2024-01-03|T5"]
    );
    assert_eq!(done.counts, Counts { read: 6, accepted: 5, quarantined: 1, blank: 0, elsewhere: 0 });
    let report = done.files.iter().find(|file| file.path == first).unwrap();
    assert_eq!(
        report.dates.iter().map(|(day, n)| format!("{day} {n}")).collect::<Vec<_>>(),
        ["2024-01-01 2", "2024-01-02 1"]
    );
}

#[test]
fn a_date_is_replaced_from_every_file_that_holds_it_and_others_stay() {
    let shop = Shop::new();
    shop.put("2024-01-01/a.json", [of("T1", "1"), of("T2", "2"), "\n".to_owned()].join("\n"));
    shop.put("2024-01-02/a.json", [of("T3", "2"), "bad".to_owned()].join("\n"));
    shop.ingest_dates(&["2024-01-01", "2024-01-02"]).unwrap();
    let (silver, refused) =
        (shop.silver(), shop.quarantine_table(&["date", "_source_file", "_source_line", "raw_bytes"]));
    let done = shop.ingest_dates(&["2024-01-02"]).unwrap();
    assert_eq!(done.dates, [date("2024-01-02")]);
    assert_eq!(done.counts, Counts { read: 5, accepted: 2, quarantined: 1, blank: 1, elsewhere: 1 });
    assert_eq!((done.before, done.version), (Some(0), 1));
    assert_eq!(shop.silver(), silver);
    assert_eq!(shop.quarantine_table(&["date", "_source_file", "_source_line", "raw_bytes"]), refused);
}

#[test]
fn a_record_that_is_gone_leaves_its_partition() {
    let shop = Shop::new();
    shop.put("2024-01-01/a.json", [of("T1", "1"), "bad".to_owned()].join("\n"));
    shop.ingest_dates(&["2024-01-01"]).unwrap();
    shop.put("2024-01-01/a.json", "");
    let done = shop.ingest_dates(&["2024-01-01"]).unwrap();
    assert_eq!(done.counts, Counts::default());
    assert_eq!(shop.silver().rows, Vec::<Vec<Option<String>>>::new());
    assert_eq!(shop.quarantine(&["reason"]), Vec::<String>::new());
}

#[test]
fn refused_records_without_a_date_go_with_their_file_only() {
    let shop = Shop::new();
    shop.put("x/a.json", ["bad", &of("T1", "1")].join("\n"));
    shop.put("y/b.json", ["worse", "worst", &of("T2", "2")].join("\n"));
    let plan = |part: &str| shop.planned().into_iter().filter(|file| file.path.contains(part)).collect::<Vec<_>>();
    let scope = |day: &str| Scope::Dates([date(day)].into());
    shop.ingest_files(plan("x/"), scope("2024-01-01"), &Quiet).unwrap();
    shop.ingest_files(plan("y/"), scope("2024-01-02"), &Quiet).unwrap();
    let all =
        ["bronze/sales/date=x/a.json|1|null", "bronze/sales/date=y/b.json|1|null", "bronze/sales/date=y/b.json|2|null"];
    assert_eq!(shop.quarantine(&["_source_file", "_source_line", "date"]), all);
    shop.put("y/b.json", of("T2", "2"));
    shop.ingest_files(plan("y/"), scope("2024-01-02"), &Quiet).unwrap();
    assert_eq!(shop.quarantine(&["_source_file", "_source_line", "date"]), all[..1]);
    assert_eq!(shop.silver_columns(&["transaction_id"]), ["T1", "T2"]);
}

#[test]
fn a_run_with_many_dates_in_one_file_keeps_few_row_groups_open() {
    let shop = Shop::new();
    let day = |at: usize| date("2000-01-01") + chrono::TimeDelta::days((at * 7919 % 300) as i64);
    let lines: Vec<String> =
        (0..900).map(|at| sale(&format!("T{at}"), &[("date", &format!("\"{}\"", day(at)))])).collect();
    shop.put("2000-01-01/a.json", lines.join("\n"));
    let done = shop.ingest().unwrap();
    assert_eq!((done.dates.len(), done.counts.accepted), (300, 900));
    let mut expected: Vec<String> = (0..900).map(|at| format!("{}|T{at}", day(at))).collect();
    expected.sort();
    assert_eq!(shop.silver_columns(&["date", "transaction_id"]), expected);
}
