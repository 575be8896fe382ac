//! Two programs at once, and a run that is cancelled.
#![allow(clippy::unwrap_used)]

mod shop;

use assay_testkit::{Expected, SALES_COLUMNS, assert_same_rows};
use rustix::process::Signal;
use shop::Shop;
use std::time::{Duration, Instant};

#[test]
fn two_programs_on_the_same_date_end_with_the_rows_of_one() {
    let shop = Shop::with_demo(3, 600);
    let date = shop.date(1);
    let words = ["run", "sales_lakehouse", "--date", date.as_str()];
    let both = [shop.start(&words), shop.start(&words)];
    let ended = both.map(|running| running.wait(Duration::from_secs(120)).unwrap());
    assert!(ended.iter().any(|outcome| outcome.code == Some(0)), "{ended:?}");
    for outcome in ended.iter().filter(|outcome| outcome.code != Some(0)) {
        // Refused is allowed, with the reason; anything else is not.
        assert!(outcome.stdout.contains("changed since") || outcome.stdout.contains("another"), "{outcome:?}");
    }
    let expected = Expected::read(&shop.lake()).unwrap();
    let date = date.parse().unwrap();
    let silver = shop.silver().table(&SALES_COLUMNS).unwrap();
    let day = silver.columns.iter().position(|name| name == "date").unwrap();
    let mut of_date = silver.clone();
    of_date.rows.retain(|row| row[day].as_deref() == Some(&shop.date(1)));
    assert_same_rows(&expected.sales(Some(date)), &of_date);
}

#[test]
fn an_interrupt_cancels_within_a_second_and_publishes_nothing_half() {
    let shop = Shop::with_demo(6, 20_000);
    let mut running = shop.start(&["run", "sales_lakehouse"]);
    let until = Instant::now() + Duration::from_secs(60);
    while running.children().is_empty() {
        assert!(
            Instant::now() < until && !running.has_ended_within(Duration::from_millis(1)).unwrap(),
            "no worker came"
        );
    }
    running.signal(Signal::INT).unwrap();
    let begin = Instant::now();
    let outcome = running.wait(Duration::from_secs(20)).unwrap();
    assert!(begin.elapsed() < Duration::from_millis(1500), "the cancel took {:?}", begin.elapsed());
    assert_eq!(outcome.code, Some(130), "{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(shop.json(&["show", "last"])["run"]["status"], "cancelled");
    let resumed = shop.assay(&["run", "sales_lakehouse", "--resume"]);
    assert_eq!(resumed.code, Some(0), "{}{}", resumed.stdout, resumed.stderr);
    let expected = Expected::read(&shop.lake()).unwrap();
    assert_same_rows(&expected.sales(None), &shop.silver().table(&SALES_COLUMNS).unwrap());
}
