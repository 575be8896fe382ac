//! Schedules that are kept by two daemons at once: every due time is one run.
#![allow(clippy::unwrap_used)]

mod journey;

use assay_testkit::Running;
use journey::Journey;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

#[test]
fn two_daemons_keep_a_schedule_with_one_run_each_time() {
    let journey = Journey::new("sales_lakehouse");
    for entry in std::fs::read_dir(journey.workspace.root().join("pipelines")).unwrap() {
        let place = entry.unwrap().path();
        if place.is_dir() && !place.ends_with("sales_lakehouse") {
            std::fs::remove_dir_all(place).unwrap();
        }
    }
    let place = journey.workspace.root().join("pipelines/sales_lakehouse/pipeline.toml");
    let text = std::fs::read_to_string(&place).unwrap();
    let every_minute = text.replace("0 */4 * * *", "* * * * *");
    assert_ne!(text, every_minute);
    std::fs::write(&place, every_minute).unwrap();
    journey.demo(1, 50, &[]);
    let nobody = journey.json(&["pipelines"]).remove(0);
    assert_eq!(nobody["late"], false);

    let mut daemons = [0, 1].map(|_| journey.workspace.start(&["daemon", "--json"]).unwrap());
    let begin = Instant::now();
    while !daemons.iter().any(|daemon| daemon.stdout().contains(" succeeded")) {
        assert!(begin.elapsed() < Duration::from_secs(150), "{}{}", daemons[0].stdout(), daemons[1].stdout());
        assert!(daemons.iter_mut().all(|daemon| !daemon.has_ended_within(Duration::from_millis(50)).unwrap()));
    }
    let said: Vec<String> = daemons.into_iter().map(stop).collect();
    // A slow machine may meet a second due time; each is one run, whichever daemon started it.
    let runs = journey.runs();
    let reasons: BTreeSet<String> = runs.iter().map(|run| reason(&journey, run)).collect();
    assert_eq!(reasons.len(), runs.len(), "{reasons:?}\n{}\n{}", said[0], said[1]);
    assert!(reasons.iter().all(|reason| reason.starts_with("scheduled for ")), "{reasons:?}");
    let started: usize = said.iter().map(|said| said.matches(r#""what":"started""#).count()).sum();
    assert_eq!(started, runs.len(), "{said:?}");
    assert!(said.iter().all(|said| said.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())));
    let card = journey.json(&["pipelines"]).remove(0);
    assert!(card["next_run"].as_str().is_some_and(|at| at.ends_with(":00.000Z") || at.ends_with(":00Z")), "{card}");
}

#[test]
fn a_windows_daemon_ends_with_it_and_keeps_what_somebody_has_run() {
    let journey = Journey::new("sales_lakehouse");
    // The standard input is at its end, as when the window is gone.
    let keeps = || {
        let outcome = journey.workspace.assay(&["daemon", "--attached", "--json"]).unwrap();
        assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
        let first: serde_json::Value = serde_json::from_str(outcome.stdout.lines().next().unwrap()).unwrap();
        first["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(keeps(), "schedules: none; watches: none; Ctrl C ends it");
    journey.demo(1, 50, &[]);
    journey.run(&["--stage", "bronze"]);
    assert_eq!(keeps(), "schedules: sales_lakehouse; watches: none; Ctrl C ends it");
}

fn reason(journey: &Journey, run: &str) -> String {
    let shown = journey.json(&["show", run]).remove(0);
    assert_eq!(shown["asked_by"], "schedule");
    shown["reason"].as_str().unwrap().to_owned()
}

fn stop(mut daemon: Running) -> String {
    daemon.signal(Signal::TERM).unwrap();
    let outcome = daemon.wait(Duration::from_secs(60)).unwrap();
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    outcome.stdout
}
