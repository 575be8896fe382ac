//! A watch over a folder that other programs write into, minute by minute and at random.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::suite::day;
use assay_contract::Counts;
use proptest::prelude::*;

const PATIENCE: Patience = Patience {
    settle: Duration::from_secs(10),
    sweep: Duration::from_secs(60),
    retry: Duration::from_secs(20),
    longest_retry: Duration::from_secs(100),
    tries: 3,
};

fn file(name: &str, size: u64) -> PlannedFile {
    PlannedFile {
        source: "orders".into(),
        path: format!("in/{name}"),
        size,
        modified_ns: 1,
        folder_date: Some(day(1)),
        known_dates: Vec::new(),
    }
}

fn entry(name: &str, size: u64) -> LedgerEntry {
    LedgerEntry {
        source: "orders".into(),
        path: format!("in/{name}"),
        size,
        modified_ns: 1,
        tag: "t".into(),
        counts: Counts::default(),
        dates: BTreeMap::new(),
    }
}

fn key(name: &str) -> FileKey {
    ("orders".into(), format!("in/{name}"))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn run(ready: usize, unready: &[&str]) -> Decision {
    Decision::Run { ready, unready: unready.iter().map(|name| key(name)).collect() }
}

/// A watch whose first run is over.
fn begun() -> Watching {
    let mut watching = Watching::new(PATIENCE);
    assert_eq!(watching.look(seconds(0), &[], &[]), run(0, &[]));
    watching.begin(&BTreeSet::new());
    assert_eq!(watching.end(seconds(0), RunEnd::Done), After::Nothing);
    watching
}

#[test]
fn a_file_is_taken_when_two_looks_a_settle_time_apart_saw_the_same() {
    let mut watching = begun();
    assert_eq!(watching.look(seconds(100), &[file("a", 5)], &[]), Decision::Wait(seconds(10)));
    assert_eq!(watching.look(seconds(104), &[file("a", 9)], &[]), Decision::Wait(seconds(10)));
    assert_eq!(watching.look(seconds(113), &[file("a", 9)], &[]), Decision::Wait(seconds(1)));
    assert_eq!(watching.look(seconds(114), &[file("a", 9), file("b", 1)], &[]), run(1, &["b"]));
}

#[test]
fn what_the_ledger_knows_is_left_alone_and_what_is_gone_is_taken() {
    let mut watching = begun();
    let ledger = [entry("a", 5), entry("b", 6)];
    assert_eq!(watching.look(seconds(0), &[file("a", 5), file("b", 6)], &ledger), Decision::Wait(seconds(60)));
    assert_eq!(watching.look(seconds(1), &[file("a", 5)], &ledger), Decision::Wait(seconds(10)));
    assert_eq!(watching.look(seconds(11), &[file("a", 5)], &ledger), run(1, &[]));
}

#[test]
fn the_first_run_waits_for_files_that_are_being_written_and_needs_none() {
    let mut watching = Watching::new(PATIENCE);
    assert_eq!(watching.look(seconds(0), &[file("a", 1)], &[]), Decision::Wait(seconds(10)));
    assert_eq!(watching.look(seconds(10), &[file("a", 1)], &[]), run(1, &[]));
    assert_eq!(Watching::new(PATIENCE).look(seconds(0), &[], &[]), run(0, &[]));
}

#[test]
fn nothing_runs_beside_a_run_and_what_failed_waits_for_a_change() {
    let mut watching = begun();
    watching.look(seconds(0), &[file("a", 1)], &[]);
    assert_eq!(watching.look(seconds(10), &[file("a", 1)], &[]), run(1, &[]));
    watching.begin(&BTreeSet::new());
    assert_eq!(watching.look(seconds(30), &[file("a", 1)], &[]), Decision::Wait(seconds(60)));
    assert_eq!(watching.end(seconds(31), RunEnd::Failed), After::Held);
    assert_eq!(watching.look(seconds(100), &[file("a", 1)], &[]), Decision::Wait(seconds(60)));
    watching.again();
    assert_eq!(watching.look(seconds(101), &[file("a", 1)], &[]), run(1, &[]));
    watching.begin(&BTreeSet::new());
    watching.end(seconds(102), RunEnd::Failed);
    // A new file takes the old one along.
    watching.look(seconds(110), &[file("a", 1), file("b", 1)], &[]);
    assert_eq!(watching.look(seconds(120), &[file("a", 1), file("b", 1)], &[]), run(2, &[]));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_tried_again_less_and_less_often() {
    let mut watching = begun();
    let (mut now, mut waits) = (0, Vec::new());
    for size in 1..=5 {
        watching.look(seconds(now), &[file("a", size)], &[]);
        now += 200;
        assert_eq!(watching.look(seconds(now), &[file("a", size)], &[]), run(1, &[]), "{size}");
        watching.begin(&BTreeSet::new());
        waits.push(watching.end(seconds(now), RunEnd::Changed));
        assert!(matches!(watching.look(seconds(now + 1), &[file("a", size)], &[]), Decision::Wait(_)));
        now += 2;
    }
    let retry = |wait| After::Retry(seconds(wait));
    assert_eq!(waits, [retry(20), retry(40), retry(80), After::Held, After::Held]);
    // It is as it was when the last run met it: that is not tried for ever.
    assert!(matches!(watching.look(seconds(now + 500), &[file("a", 5)], &[]), Decision::Wait(_)));
    watching.look(seconds(now + 501), &[file("a", 6)], &[]);
    assert_eq!(watching.look(seconds(now + 511), &[file("a", 6)], &[]), run(1, &[]));
}

#[test]
fn a_run_that_met_a_change_of_another_file_is_tried_again_as_it_is() {
    let mut watching = begun();
    watching.look(seconds(0), &[file("a", 1)], &[]);
    watching.look(seconds(10), &[file("a", 1)], &[]);
    watching.begin(&BTreeSet::new());
    assert_eq!(watching.end(seconds(10), RunEnd::Changed), After::Retry(seconds(20)));
    assert_eq!(watching.look(seconds(15), &[file("a", 1)], &[]), Decision::Wait(seconds(15)));
    assert_eq!(watching.look(seconds(30), &[file("a", 1)], &[]), run(1, &[]));
}

#[test]
fn what_a_run_that_met_a_change_left_undone_needs_no_file_to_be_tried_again() {
    let mut watching = begun();
    watching.look(seconds(0), &[file("a", 1)], &[]);
    watching.look(seconds(10), &[file("a", 1)], &[]);
    watching.begin(&BTreeSet::new());
    assert_eq!(watching.end(seconds(10), RunEnd::Changed), After::Retry(seconds(20)));
    assert_eq!(watching.look(seconds(30), &[], &[]), run(0, &[]));
    watching.begin(&BTreeSet::new());
    assert_eq!(watching.end(seconds(31), RunEnd::Failed), After::Held);
    assert_eq!(watching.look(seconds(99), &[], &[]), Decision::Wait(seconds(60)));
}

/// What happens to a folder of four files.
#[derive(Debug, Clone)]
enum Happening {
    Write(u8),
    Remove(u8),
    Pass(u64),
    End(RunEnd),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (0..4u8).prop_map(Happening::Write),
        1 => (0..4u8).prop_map(Happening::Remove),
        4 => (1..40u64).prop_map(Happening::Pass),
        2 => prop::sample::select(vec![RunEnd::Done, RunEnd::Changed, RunEnd::Failed]).prop_map(Happening::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn no_file_is_taken_early_and_none_is_forgotten(happenings in prop::collection::vec(happening(), 0..60)) {
        let mut watching = Watching::new(PATIENCE);
        let mut folder: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
        let mut ledger: BTreeMap<u8, u64> = BTreeMap::new();
        let mut running: Option<Vec<(u8, Option<u64>)>> = None;
        let mut gone: BTreeMap<u8, u64> = BTreeMap::new();
        let (mut now, mut writes) = (0, 0);
        let quiet = [Happening::End(RunEnd::Done), Happening::Pass(500), Happening::End(RunEnd::Done), Happening::Pass(500), Happening::End(RunEnd::Done)];
        let mut held = false;
        for happening in happenings.into_iter().chain(quiet) {
            match happening {
                Happening::Write(name) => {
                    writes += 1;
                    folder.insert(name, (writes, now));
                    gone.remove(&name);
                }
                Happening::Remove(name) => {
                    if folder.remove(&name).is_some() {
                        gone.insert(name, now);
                    }
                }
                Happening::Pass(time) => now += time,
                Happening::End(end) => if let Some(given) = running.take() {
                    if end == RunEnd::Done {
                        for (name, size) in given {
                            match size {
                                Some(size) => ledger.insert(name, size),
                                None => ledger.remove(&name),
                            };
                        }
                    }
                    held = watching.end(seconds(now), end) == After::Held;
                },
            }
            // As the program does: it looks at every event, and again when it was told to.
            for _ in 0..3 {
                let files: Vec<PlannedFile> = folder.iter().map(|(name, (size, _))| file(&name.to_string(), *size)).collect();
                let entries: Vec<LedgerEntry> = ledger.iter().map(|(name, size)| entry(&name.to_string(), *size)).collect();
                match watching.look(seconds(now), &files, &entries) {
                    Decision::Wait(time) => {
                        prop_assert!(time > Duration::ZERO && time <= PATIENCE.sweep);
                        if matches!(happening, Happening::Pass(_)) {
                            now += time.as_secs();
                        }
                    }
                    Decision::Run { unready, .. } => {
                        prop_assert!(running.is_none(), "two runs at once");
                        let mut given = Vec::new();
                        for name in 0..4u8 {
                            let size = folder.get(&name).map(|(size, _)| *size);
                            if ledger.get(&name).copied() == size || unready.contains(&key(&name.to_string())) {
                                continue;
                            }
                            let since = folder.get(&name).map(|(_, at)| *at).or(gone.get(&name).copied()).unwrap_or(0);
                            prop_assert!(now - since >= 10, "file {} was taken {} s after its last change", name, now - since);
                            given.push((name, size));
                        }
                        watching.begin(&unready);
                        running = Some(given);
                    }
                }
            }
        }
        // After a quiet time everything is in the ledger, unless a run that failed, or failed too often, holds it.
        let seen: BTreeMap<u8, u64> = folder.iter().map(|(name, (size, _))| (*name, *size)).collect();
        prop_assert!(held || running.is_some() || ledger == seen, "{:?} {:?}", ledger, seen);
    }
}
