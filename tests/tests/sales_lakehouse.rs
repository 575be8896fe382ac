//! A date of the sales lakehouse is planned, run again, compared and undone.
#![allow(clippy::unwrap_used)]

mod journey;

use assay_testkit::Expected;
use journey::{Journey, moved, of_table};

fn expect_all(journey: &Journey, expected: &Expected) {
    journey.expect_table("silver/sales", &expected.sales(None));
    for (name, table) in &expected.gold {
        journey.expect_table(&format!("gold/{name}"), table);
        journey.expect_warehouse(name, table);
    }
}

#[test]
fn a_date_is_planned_run_again_compared_and_undone() {
    let journey = Journey::new("sales_lakehouse");
    journey.demo(3, 200, &[]);
    journey.run(&[]);
    let before = Expected::read(&journey.lake()).unwrap();
    let date = journey.date(1);
    let path = format!("bronze/sales/date={date}/part-000.jsonl");
    let in_file = |row: &&assay_testkit::SilverRow| row.file == path && row.date.to_string() == date;
    let id = before.silver.iter().find(in_file).unwrap().transaction_id.clone();
    journey.take_out(&path, &id);
    let after = Expected::read(&journey.lake()).unwrap();
    assert_eq!(after.silver.len() + 1, before.silver.len());
    let difference = journey.reprocess(&date, &|| expect_all(&journey, &before), &|| expect_all(&journey, &after));
    assert_eq!(moved(of_table(&difference, "silver.sales")), [0, 1, 0]);
    assert_eq!(moved(of_table(&difference, "gold.sales_enriched")), [0, 1, 0]);
    let loads = difference["warehouse"].as_array().unwrap();
    let enriched = loads.iter().find(|load| load["table"].as_str().unwrap().ends_with("sales_enriched")).unwrap();
    let rows = enriched["measures"].as_array().unwrap().iter().find(|measure| measure["column"] == "rows").unwrap();
    let count = |side: &str| rows[side].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(count("before"), count("after") + 1, "{rows}");
}
