//! kill -9 at many random moments: every table stays at a whole version, and `--resume` finishes the run.
#![allow(clippy::unwrap_used)]

mod shop;

use assay_testkit::delta::DeltaTable;
use assay_testkit::{Expected, SALES_COLUMNS, assert_same_rows};
use serde_json::Value;
use shop::Shop;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Kills of each kind: of the worker alone, of the program alone, of both.
const KILLS: u64 = 12;

#[test]
fn kills_at_random_moments_leave_whole_versions_and_resume_finishes() {
    let shop = Shop::with_demo(4, 500);
    let whole = Expected::read(&shop.lake()).unwrap();
    let begin = Instant::now();
    assert_eq!(shop.assay(&["run", "sales_lakehouse", "--all"]).code, Some(0));
    let length = begin.elapsed();
    let mut moments = Moments(0x9e37_79b9_7f4a_7c15);
    let mut alone = 0;
    for kill in 0..KILLS * 3 {
        let before = versions(&shop);
        let mut running = shop.start(&["run", "sales_lakehouse", "--all"]);
        let moment = length.mul_f64(moments.next());
        let ended = match kill % 3 {
            0 => kill_worker(&mut running, moment),
            1 => running.kill_alone_after(moment).map(|_| ()).is_ok(),
            _ => running.kill_after(moment).map(|_| ()).is_ok(),
        };
        assert!(ended, "kill {kill}");
        settled(&shop);
        for (name, table) in shop.tables() {
            let version = before[&name];
            assert!(
                (version..=version + 1).contains(&table.version),
                "{name} went from {version} to {}",
                table.version
            );
            expect_whole(&shop, &whole, &name, &table);
        }
        let last = shop.json(&["show", "last"]);
        if last["run"]["status"] == "failed" || last["run"]["status"] == "cancelled" {
            if kill % 3 == 1 && last["run"]["status"] == "cancelled" {
                let note = last["run"]["note"].as_str().unwrap();
                assert!(note.starts_with("the program that waited for the run ended"), "nobody asked for it: {note}");
                alone += 1;
            }
            finish(&shop, &last);
        }
    }
    assert_eq!(shop.json(&["show", "last"])["run"]["status"], "succeeded");
    assert!(alone > 0, "no worker outlived its program");
}

/// Ends the worker under a living program, which then ends by itself.
fn kill_worker(running: &mut assay_testkit::Running, after: Duration) -> bool {
    let until = Instant::now() + after;
    let mut worker = None;
    while Instant::now() < until && !running.has_ended_within(Duration::from_millis(2)).unwrap() {
        worker = running.children().into_iter().next().or(worker);
    }
    if let Some(pid) = worker.and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).unwrap())) {
        // It may have ended a moment ago.
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
    }
    running.has_ended_within(Duration::from_secs(30)).unwrap()
}

/// After a program alone was killed its worker sees the end of its input and goes: the journal says when.
fn settled(shop: &Shop) {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let check = shop.assay(&["run", "sales_lakehouse", "--stage", "bronze", "--dry-run"]);
        let runs = shop.json_all(&["runs", "--limit", "1"]);
        let status = runs[0]["status"].as_str().unwrap().to_owned();
        if status != "running" && status != "queued" {
            return;
        }
        assert!(Instant::now() < until, "the run is still {status}: {}", check.stdout);
    }
}

fn finish(shop: &Shop, killed: &Value) {
    let done: Vec<String> = steps_with(killed, "succeeded");
    let resumed = shop.assay(&["run", "sales_lakehouse", "--resume"]);
    assert_eq!(resumed.code, Some(0), "{}{}", resumed.stdout, resumed.stderr);
    let detail = shop.json(&["show", killed["run"]["id"].as_str().unwrap()]);
    assert_eq!(detail["run"]["status"], "succeeded");
    assert_eq!(
        detail["attempts"].as_array().unwrap().len() as u64,
        killed["run"]["attempt"].as_u64().unwrap().max(1) + u64::from(killed["run"]["attempt"] != 0)
    );
    for step in detail["steps"].as_array().unwrap() {
        let id = step["id"].as_str().unwrap().to_owned();
        if done.contains(&id) {
            assert_eq!(step["attempt"], 1, "{id} was done and is not done again");
        }
    }
}

fn steps_with(detail: &Value, status: &str) -> Vec<String> {
    let steps = detail["steps"].as_array().unwrap().iter().filter(|step| step["status"] == status);
    steps.map(|step| step["id"].as_str().unwrap().to_owned()).collect()
}

fn expect_whole(shop: &Shop, expected: &Expected, name: &str, table: &DeltaTable) {
    if name == "sales" {
        assert_same_rows(&expected.sales(None), &table.table(&SALES_COLUMNS).unwrap());
    } else {
        let columns: Vec<&str> = expected.gold[name].columns.iter().map(String::as_str).collect();
        assert_same_rows(&expected.gold[name], &shop.gold(name).table(&columns).unwrap());
    }
}

fn versions(shop: &Shop) -> BTreeMap<String, u64> {
    shop.tables().into_iter().map(|(name, table)| (name, table.version)).collect()
}

/// The same moments in every run of the test, spread over the length of a run.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}
