//! A lake in a bucket whose storage refuses, resets, cuts, or does what it is asked and loses the answer.
#![allow(clippy::unwrap_used)]

use crate::journey::{FIRST, Journey};
use crate::scene::Star;
use assay_testkit::s3::{Fault, Kind, Proxy, Rule, Server};
use serde_json::Value;
use std::time::{Duration, Instant};

/// The stages before the warehouse.
const LAKE: [&str; 8] = ["run", "sales_star", "--stage", "bronze", "--stage", "silver", "--stage", "gold"];
/// How long a run may try against a storage that never recovers.
const PATIENCE: Duration = Duration::from_secs(180);

/// The star of sales in a bucket, behind a proxy that can fail.
pub struct Stored {
    pub star: Star,
    pub proxy: Proxy,
    /// The content that every table has.
    pub now: usize,
}

impl Stored {
    pub fn new(records: u64) -> Self {
        Self::with(records, &[])
    }

    /// One date has so much more that its files are sent in parts.
    pub fn large() -> Self {
        Self::with(60, &long_sales(35_000))
    }

    /// With more records of the second date, in a file of their own.
    fn with(records: u64, more: &[u8]) -> Self {
        let server = Server::shared().unwrap();
        let proxy = Proxy::before(&server).unwrap();
        let journey = Journey::in_bucket("sales_star", &server, server.bucket().unwrap(), &proxy.endpoint());
        if !more.is_empty() {
            journey.write(&format!("raw/sales/date={}/more.jsonl", journey.date(1)), more);
        }
        Self { star: Star::with(journey, records), proxy, now: 0 }
    }

    pub fn journey(&self) -> &Journey {
        &self.star.journey
    }

    /// The file gets its other content, for which a run is due.
    pub fn turn(&mut self) {
        self.now = 1 - self.now;
        self.star.put(self.now);
    }

    /// A run meets the faults, and is repeated without them where it failed. Every table is whole in between and right
    /// in the end, and the journal tells what happened. Gives whether the first run did it alone, and what it said.
    fn meet(&mut self, name: &str, rules: Vec<Rule>) -> (bool, String) {
        self.turn();
        let versions = self.star.versions();
        self.proxy.forget();
        self.proxy.set(rules);
        let begin = Instant::now();
        let outcome = self.journey().assay(&LAKE);
        assert!(begin.elapsed() < PATIENCE, "{name} took {:?}", begin.elapsed());
        self.proxy.set(Vec::new());
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!self.proxy.struck().is_empty(), "{name} struck nothing: {:?}", self.proxy.counts());
        self.star.expect_either(&versions);
        let done = outcome.code == Some(0);
        if !done {
            expect_refused(self.journey(), name, &said);
            self.journey().succeed(&LAKE);
        }
        self.star.expect(self.now);
        expect_true(self.journey());
        (done, said)
    }

    /// Everything is loaded, too, and no file of the workspace holds the key's secret.
    pub fn end(&self) {
        self.journey().run(&[]);
        self.star.expect_warehouse(self.now);
        let secret = Server::shared().unwrap().keys().secret.clone();
        let mut folders = vec![self.journey().workspace.root().join(".assay")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
                let (path, kind) = (entry.path(), entry.file_type().unwrap());
                if kind.is_dir() && entry.file_name() != "warehouse" {
                    folders.push(path);
                } else if kind.is_file() {
                    let bytes = std::fs::read(&path).unwrap();
                    assert!(!String::from_utf8_lossy(&bytes).contains(&secret), "{} holds the secret", path.display());
                }
            }
        }
    }

    /// Forgets the copies that the program keeps on this disk.
    fn forget_copies(&self) {
        std::fs::remove_dir_all(self.journey().workspace.root().join(".assay/cache")).unwrap();
    }
}

/// Sales of the second date with names that no compression makes short.
fn long_sales(records: u64) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut name = |length: usize| {
        let letter = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(LETTERS[(state >> 58) as usize])
        };
        (0..length).map(letter).collect::<String>()
    };
    let date = chrono::NaiveDate::parse_from_str(FIRST, "%Y-%m-%d").unwrap().succ_opt().unwrap();
    let line = |number: u64| {
        let (store, city, category) = (name(95), name(95), name(95));
        let (product, customer) = (name(190), name(190));
        format!(
            r#"{{"transaction_id": "L{number}", "date": "{date}", "store_id": "S1", "store_name": "{store}", "city": "{city}", "product_id": "P1",
"product_name": "{product}", "category": "{category}", "customer_id": "C1", "customer_name": "{customer}", "quantity_sold": 1, "unit_price": "2.50"}}"#
        )
        .replace('\n', " ")
            + "\n"
    };
    (0..records).map(line).collect::<String>().into_bytes()
}

/// A failure is said in words, of the storage and without secrets, and the journal has it.
fn expect_refused(journey: &Journey, name: &str, said: &str) {
    let secret = Server::shared().unwrap().keys().secret.clone();
    assert!(!said.contains(&secret) && !said.contains("panicked"), "{name}: {said}");
    assert!(said.contains(&format!("s3://{}", journey.bucket().name())), "{name} does not say where: {said}");
    let last = journey.last();
    // A storage that lists nothing refuses the plan, before there is a run.
    if last["run"]["status"] != "failed" {
        assert_eq!(last["run"]["status"], "succeeded", "{name}: {last}");
        return;
    }
    let failed = last["steps"].as_array().unwrap().iter().find(|step| step["status"] == "failed");
    let message = failed.and_then(|step| step["problem"]["message"].as_str()).or(last["run"]["note"].as_str());
    assert!(message.is_some_and(|message| !message.is_empty()), "{name}: {last}");
}

/// Who made each version of a table, as its own log says; versions follow each other without a gap.
fn makers(journey: &Journey, folder: &str) -> Vec<String> {
    let log = journey.lake().join(folder).join("_delta_log");
    let entries = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
    let mut commits: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect();
    commits.sort();
    let maker = |(version, path): (usize, &std::path::PathBuf)| {
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), format!("{version:020}"), "{folder}");
        let text = std::fs::read_to_string(path).unwrap();
        let actions = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let run = actions.filter_map(|action| action["commitInfo"]["assay"]["run"].as_str().map(str::to_owned)).next();
        run.unwrap_or_default()
    };
    commits.iter().enumerate().map(maker).collect()
}

/// What the journal says of the last two runs is what the logs of the tables say: no attempt made two versions of a
/// table, and the version that a step claims is the last that its run made.
pub fn expect_true(journey: &Journey) {
    for run in journey.runs().iter().take(2) {
        let detail = journey.json(&["show", run]).remove(0);
        let attempts = detail["attempts"].as_array().unwrap().len();
        let steps = detail["steps"].as_array().unwrap().iter();
        for step in steps.filter(|step| matches!(step["stage"].as_str(), Some("silver" | "gold"))) {
            let folder = format!("tables/{}/{}", step["stage"].as_str().unwrap(), step["table"].as_str().unwrap());
            let makers = makers(journey, &folder);
            let made = makers.iter().enumerate().filter(|(_, maker)| *maker == run).map(|(version, _)| version as u64);
            let made: Vec<u64> = made.collect();
            assert!(made.len() <= attempts, "run {run} made {folder} too often: {makers:?}");
            if step["status"] == "succeeded" {
                let [before, after] = ["version_before", "version_after"].map(|name| step[name].as_u64());
                let claimed = after.filter(|_| after != before);
                assert_eq!(claimed, made.last().copied(), "{folder} by {run}: {step}");
            }
        }
    }
}

/// A kind of request of a run: name, kinds and key.
type At = (&'static str, &'static [Kind], &'static str);

const PUTS: [At; 3] = [
    ("put of data", &[Kind::Put], "*/tables/*.parquet"),
    ("put of a copy", &[Kind::Put], "*/sales_star/gold/*"),
    ("put of a commit", &[Kind::Put], "*/_delta_log/*.json"),
];
const GETS: [At; 5] = [
    ("get of a log", &[Kind::Get], "*/_delta_log/*"),
    ("listing of a log", &[Kind::List], "*_delta_log*"),
    ("get of data", &[Kind::Get], "*/tables/*.parquet"),
    ("get of a source", &[Kind::Get], "*/raw/sales/*"),
    ("listing of a source", &[Kind::List], "*/raw/sales*"),
];

fn once((_, kinds, key): At, fault: Fault) -> Rule {
    Rule::new(kinds, key, fault)
}

#[test]
fn a_put_that_fails_once_is_put_again_and_nothing_is_doubled() {
    let mut stored = Stored::new(60);
    for at in PUTS {
        for fault in [Fault::InternalError, Fault::SlowDown, Fault::Reset, Fault::LostAnswer, Fault::DoneAndError] {
            let name = format!("{fault:?} at {}", at.0);
            let (done, said) = stored.meet(&name, vec![once(at, fault)]);
            assert!(done, "{name}: {said}");
        }
    }
    stored.end();
}

#[test]
fn a_commit_whose_answer_is_lost_is_made_once_whichever_table_it_is_of() {
    let mut stored = Stored::new(60);
    for fault in [Fault::LostAnswer, Fault::DoneAndError] {
        for after in 0..4 {
            let name = format!("{fault:?} at commit {after}");
            let (done, said) = stored.meet(&name, vec![once(PUTS[2], fault).after(after)]);
            assert!(done, "{name}: {said}");
        }
        let name = format!("{fault:?} at every commit");
        stored.meet(&name, vec![once(PUTS[2], fault).always()]);
    }
    stored.turn();
    stored.journey().succeed(&stored.star.words());
    let (versions, newest) = (stored.star.versions(), stored.journey().runs().remove(0));
    stored.proxy.set(vec![once(PUTS[2], Fault::LostAnswer).times(3)]);
    stored.journey().succeed(&["undo", &newest, "--reason", "wrong"]);
    stored.proxy.set(Vec::new());
    stored.star.expect_either(&versions);
    stored.star.expect(1 - stored.now);
    stored.end();
}

#[test]
fn a_get_that_fails_once_is_asked_again() {
    let mut stored = Stored::new(60);
    for at in GETS {
        for fault in [Fault::InternalError, Fault::SlowDown, Fault::Reset, Fault::LostAnswer, Fault::Cut] {
            let name = format!("{fault:?} at {}", at.0);
            stored.forget_copies();
            let (done, said) = stored.meet(&name, vec![once(at, fault)]);
            assert!(done, "{name}: {said}");
        }
    }
    stored.end();
}

#[test]
fn a_storage_that_takes_nothing_leaves_whole_tables_and_the_next_run_mends_them() {
    let mut stored = Stored::new(60);
    for (at, fault) in PUTS.into_iter().zip([Fault::SlowDown, Fault::Reset, Fault::InternalError]) {
        let name = format!("{fault:?} at every {}", at.0);
        let (done, said) = stored.meet(&name, vec![once(at, fault).always()]);
        assert!(!done, "{name}: {said}");
    }
    // As far as it came, and then no further.
    let (done, said) = stored.meet("only two commits", vec![once(PUTS[2], Fault::SlowDown).after(2).always()]);
    assert!(!done, "{said}");
    stored.end();
}

#[test]
fn a_storage_that_gives_nothing_leaves_whole_tables_and_the_next_run_mends_them() {
    let mut stored = Stored::new(60);
    let faults = [Fault::InternalError, Fault::Cut, Fault::Cut, Fault::Reset, Fault::SlowDown];
    for (at, fault) in GETS.into_iter().zip(faults) {
        let name = format!("{fault:?} at every {}", at.0);
        stored.forget_copies();
        let (done, said) = stored.meet(&name, vec![once(at, fault).always()]);
        assert!(!done, "{name}: {said}");
    }
    stored.end();
}

const ALL: [Kind; 12] = [
    Kind::Get,
    Kind::Head,
    Kind::List,
    Kind::Put,
    Kind::Begin,
    Kind::Part,
    Kind::Complete,
    Kind::Abort,
    Kind::Copy,
    Kind::Delete,
    Kind::DeleteMany,
    Kind::Other,
];

#[test]
fn a_storage_that_fails_now_and_then_everywhere_gives_the_same_tables() {
    let mut stored = Stored::new(60);
    for round in 0..4 {
        let rule = |fault: Fault, every: u64| Rule::new(&ALL, "*", fault).after(round).every(every).always();
        let rules = vec![rule(Fault::SlowDown, 7), rule(Fault::Reset, 11), rule(Fault::LostAnswer, 13)];
        let (done, said) = stored.meet(&format!("round {round}"), rules);
        assert!(done, "{said}");
        assert!(stored.proxy.struck().len() > 5, "{:?}", stored.proxy.counts());
    }
    let (done, _) = stored.meet("a dead storage", vec![Rule::new(&ALL, "*", Fault::Reset).always()]);
    assert!(!done);
    stored.end();
}

#[test]
fn an_object_in_parts_survives_the_loss_of_any_request() {
    let mut stored = Stored::large();
    assert!(stored.proxy.count(Kind::Part).requests > 1, "{:?}", stored.proxy.counts());
    let faults = [
        (Kind::Begin, Fault::LostAnswer),
        (Kind::Part, Fault::SlowDown),
        (Kind::Part, Fault::LostAnswer),
        (Kind::Complete, Fault::Reset),
        (Kind::Complete, Fault::LostAnswer),
    ];
    for (kind, fault) in faults {
        let name = format!("{fault:?} at {kind:?}");
        let (done, said) = stored.meet(&name, vec![Rule::new(&[kind], "*", fault)]);
        assert!(done, "{name}: {said}");
    }
    let (done, said) =
        stored.meet("no part", vec![Rule::new(&[Kind::Part], "*", Fault::InternalError).after(1).always()]);
    assert!(!done, "{said}");
    stored.end();
}

#[test]
fn pages_are_whole_or_refused() {
    let stored = Stored::new(60);
    let facts = stored.star.of(0, "fact_sales");
    let words = ["preview", "sales_star.gold.fact_sales", "--limit", "500", "--json"];
    for fault in [Fault::InternalError, Fault::Reset, Fault::Cut] {
        stored.forget_copies();
        stored.proxy.set(vec![once(GETS[2], fault)]);
        stored.journey().expect_pages("gold.fact_sales", facts);
        stored.forget_copies();
        stored.proxy.set(vec![once(GETS[2], fault).after(1).always()]);
        let refused = stored.journey().assay(&words);
        assert_eq!(refused.code, Some(1), "{fault:?}: {}{}", refused.stdout, refused.stderr);
        assert!(refused.stderr.contains(&format!("s3://{}", stored.journey().bucket().name())), "{}", refused.stderr);
        stored.proxy.set(Vec::new());
        stored.journey().expect_pages("gold.fact_sales", facts);
    }
}
