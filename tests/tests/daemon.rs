//! Schedules that are kept by two daemons at once: every due time is one run.
#![allow(clippy::unwrap_used)]

mod journey;

use assay_testkit::Running;
use chrono::{DateTime, SecondsFormat, TimeDelta, Timelike, Utc};
use journey::Journey;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

#[test]
fn two_daemons_keep_a_schedule_with_one_run_each_time() {
    let journey = Journey::new("sales_lakehouse");
    schedule(&journey, "* * * * *");
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

#[test]
fn times_that_nobody_kept_are_caught_up_by_one_run() {
    let journey = Journey::new("sales_lakehouse");
    // Once a day, and the last time was some hours ago.
    let now = Utc::now();
    let hour = (now.hour() + 18) % 24;
    let today = now.date_naive().and_hms_opt(hour, 0, 0).unwrap().and_utc();
    let due = if today > now { today - TimeDelta::days(1) } else { today };
    schedule(&journey, &format!("0 {hour} * * *"));
    journey.demo(1, 50, &[]);
    let card = |journey: &Journey| {
        let card = journey.json(&["pipelines"]).remove(0);
        let next: DateTime<Utc> = card["next_run"].as_str().unwrap().parse().unwrap();
        (next, card["late"].as_bool().unwrap())
    };

    // A schedule that nobody has kept yet counts from now on.
    assert!(look(&journey).contains("next run"));
    assert_eq!(journey.runs(), Vec::<String>::new());
    assert_eq!(card(&journey), (due + TimeDelta::days(1), false));

    keep_up_to(&journey, due - TimeDelta::days(2));
    assert_eq!(card(&journey), (due, true), "two times were missed");
    let said = look(&journey);
    assert_eq!(said.matches(r#""what":"started""#).count(), 1, "{said}");
    let runs = journey.runs();
    assert_eq!(runs.len(), 1);
    let shown = due.to_rfc3339_opts(SecondsFormat::Secs, true);
    assert_eq!(reason(&journey, &runs[0]), format!("scheduled for {shown}"));
    assert_eq!(journey.last()["run"]["status"], "succeeded");
    assert_eq!(card(&journey), (due + TimeDelta::days(1), false));

    let said = look(&journey);
    assert!(!said.contains("started") && journey.runs() == runs, "{said}");
}

/// A daemon that is asked to end as soon as it keeps its schedules: it looks at them once, and finishes what it starts.
fn look(journey: &Journey) -> String {
    let mut daemon = journey.workspace.start(&["daemon", "--json"]).unwrap();
    while !daemon.stdout().contains(r#""what":"keeps""#) {
        assert!(!daemon.has_ended_within(Duration::from_millis(20)).unwrap());
    }
    stop(daemon)
}

/// The journal says that the schedule was kept up to this moment, as if nobody had kept it since.
fn keep_up_to(journey: &Journey, moment: DateTime<Utc>) {
    let journal = rusqlite::Connection::open(journey.workspace.root().join(".assay/journal.db")).unwrap();
    let moment = moment.to_rfc3339_opts(SecondsFormat::Secs, true);
    let set =
        "UPDATE actions SET action = json_replace(action, '$.after.kept', ?1) WHERE action ->> '$.what' = 'schedule'";
    assert_eq!(journal.execute(set, [moment]).unwrap(), 1);
}

/// The workspace keeps this pipeline alone, at these times.
fn schedule(journey: &Journey, cron: &str) {
    let folder = journey.workspace.root().join("pipelines");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let place = entry.unwrap().path();
        if place.is_dir() && !place.ends_with(journey.pipeline) {
            std::fs::remove_dir_all(place).unwrap();
        }
    }
    let place = folder.join(journey.pipeline).join("pipeline.toml");
    let text = std::fs::read_to_string(&place).unwrap();
    let changed = text.replace("0 */4 * * *", cron);
    assert_ne!(text, changed);
    std::fs::write(&place, changed).unwrap();
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
