//! A warehouse that dies while rows are loaded: the step says so, its tables are as before, and the next run finishes.
#![allow(clippy::unwrap_used)]

use crate::journey::Journey;
use crate::scene::Star;
use assay_testkit::Outcome;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Loads that may be over before they are seen.
const TRIES: u32 = 10;

/// Who dies, and how.
#[derive(Debug, Clone, Copy)]
enum Victim {
    /// The process that takes the rows, as the system kills one when memory runs out.
    Backend(Signal),
    /// The server, which then takes its other processes along.
    Server(Signal),
}

#[test]
fn a_warehouse_that_dies_in_a_load_is_whole_and_the_next_run_finishes() {
    // Enough rows for a load that can be seen.
    let star = Star::new(6_000);
    star.journey.succeed(&star.words());
    let mut now = 0;
    for victim in [Victim::Backend(Signal::KILL), Victim::Server(Signal::KILL), Victim::Backend(Signal::TERM)] {
        let outcome = strike(&star, &mut now, victim);
        assert_eq!(outcome.code, Some(1), "{victim:?}: {}{}", outcome.stdout, outcome.stderr);
        let failed = star.journey.last();
        assert_eq!(failed["run"]["status"], "failed");
        let step = step(&failed, "warehouse.fact_sales");
        assert_eq!(step["status"], "failed", "{victim:?}");
        let said = step["problem"]["message"].as_str().unwrap();
        assert!(said.contains("interrupted"), "{victim:?}: {said}");

        // The lake is ahead. The warehouse is as before, or fully loaded where the end came a moment too late.
        star.expect(1 - now);
        expect_loaded(&star, &[0, 1], victim);
        star.journey.run(&["--resume"]);
        now = 1 - now;
        star.expect(now);
        expect_loaded(&star, &[now], victim);
        let done = star.journey.last();
        let figures = done["reconciliation"].as_array().unwrap();
        assert!(!figures.is_empty() && figures.iter().all(|figure| figure["equal"] == true), "{done}");
        let statuses: Vec<&str> =
            done["attempts"].as_array().unwrap().iter().map(|attempt| attempt["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["failed", "succeeded"]);
    }
}

/// Runs everything again, for the other content, and strikes while the facts are loaded. A load that was over before
/// it was seen counts, and the next one is for the other content.
fn strike(star: &Star, now: &mut usize, victim: Victim) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..TRIES {
        star.put(1 - *now);
        let mut running = star.journey.workspace.start(&["run", "sales_star", "--all"]).unwrap();
        let struck = loop {
            if running.has_ended_within(Duration::ZERO).unwrap() {
                break false;
            }
            let Some(server) = Server::of(&star.journey) else { continue };
            match runtime.block_on(server.loading()) {
                Some(backend) => {
                    let (process, signal) = match victim {
                        Victim::Backend(signal) => (backend, signal),
                        Victim::Server(signal) => (server.process, signal),
                    };
                    kill_process(Pid::from_raw(process).unwrap(), signal).unwrap();
                    break true;
                }
                None => continue,
            }
        };
        let outcome = running.wait(Duration::from_secs(120)).unwrap();
        if struck && outcome.code != Some(0) {
            return outcome;
        }
        assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
        *now = 1 - *now;
    }
    panic!("no load was seen in {TRIES} runs");
}

/// The server of the workspace's private cluster, as its own file tells.
struct Server {
    process: i32,
    sockets: String,
}

impl Server {
    fn of(journey: &Journey) -> Option<Self> {
        let folder = journey.workspace.root().join(".assay/warehouse");
        let base = std::fs::read_to_string(folder.join("place")).map_or(folder, |place| place.trim().into());
        let text = std::fs::read_to_string(base.join("data/postmaster.pid")).ok()?;
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let ready = lines.get(7).is_some_and(|status| *status == "ready");
        ready.then(|| Self { process: lines[0].parse().unwrap(), sockets: lines[4].to_owned() })
    }

    /// Process id of the backend that takes facts, once there is one; none when the server goes before.
    async fn loading(&self) -> Option<i32> {
        let settings = format!("host={} port=5432 user=assay dbname=postgres", self.sockets);
        let (client, connection) = tokio_postgres::connect(&settings, tokio_postgres::NoTls).await.ok()?;
        tokio::spawn(connection);
        // Of the tables, the facts alone have this column.
        let taking = "SELECT pid FROM pg_stat_progress_copy JOIN pg_stat_activity USING (pid)
                      WHERE command = 'COPY FROM' AND tuples_processed > 0 AND query LIKE '%quantity_sold%'";
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if let Some(row) = client.query_opt(taking, &[]).await.ok()? {
                return Some(row.get(0));
            }
        }
        None
    }
}

fn step<'a>(detail: &'a Value, id: &str) -> &'a Value {
    detail["steps"].as_array().unwrap().iter().find(|step| step["id"] == id).unwrap()
}

/// The facts in the warehouse are as many as those of one of these contents; the second content has one less.
fn expect_loaded(star: &Star, contents: &[usize], victim: Victim) {
    let fewest = star.of(1, "fact_sales").rows.len();
    let last = (fewest - 1).to_string();
    let page = star.journey.json(&["preview", "sales_star.warehouse.fact_sales", "--limit", "3", "--offset", &last]);
    assert!(contents.iter().any(|content| page.len() == 2 - content), "{victim:?}: {} from row {fewest}", page.len());
}
