//! kill -9 while a request to the storage is under way, which is then lost or done after the program's death.
#![allow(clippy::unwrap_used)]

use crate::s3::{Stored, expect_true};
use crate::scene::{expect_no_leftovers, finish, settled};
use assay_testkit::s3::{Fault, Kind, Rule};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
const RUN: [&str; 8] = ["run", "sales_star", "--stage", "bronze", "--stage", "silver", "--stage", "gold"];

/// Kills a run while this request is under way, and gives the program's death its due.
fn strike(stored: &mut Stored, name: &str, rule: Rule, is_done: bool) {
    let newest = stored.journey().runs().remove(0);
    stored.turn();
    let versions = stored.star.versions();
    stored.proxy.forget();
    stored.proxy.set(vec![rule]);
    let running = stored.journey().workspace.start(&RUN).unwrap();
    assert!(stored.proxy.held(1, PATIENCE), "{name} was not asked: {:?}", stored.proxy.counts());
    running.kill_all().unwrap();
    stored.proxy.set(Vec::new());
    if is_done {
        stored.proxy.release()
    } else {
        stored.proxy.drop_held()
    }
    assert!(stored.proxy.is_quiet_within(PATIENCE));
    settled(stored.journey());
    stored.star.expect_either(&versions);
    finish(stored.journey(), &RUN, &newest);
    stored.star.expect(stored.now);
    expect_true(stored.journey());
    expect_no_leftovers(stored.journey());
}

#[test]
fn a_kill_in_an_upload_leaves_whole_tables_and_is_finished() {
    let mut stored = Stored::new(60);
    let moments = [
        ("data of silver", Kind::Put, "*/tables/silver/*.parquet", 0),
        ("data of gold", Kind::Put, "*/tables/gold/*.parquet", 1),
        ("the first commit", Kind::Put, "*/_delta_log/*.json", 0),
        ("a later commit", Kind::Put, "*/_delta_log/*.json", 2),
        ("a copy", Kind::Put, "*/sales_star/gold/*", 0),
        ("a source", Kind::Get, "*/raw/sales/*", 0),
    ];
    for (name, kind, key, after) in moments {
        for is_done in [false, true] {
            let rule = Rule::new(&[kind], key, Fault::Hold).after(after);
            strike(&mut stored, name, rule, is_done);
        }
    }
    stored.end();
}

#[test]
fn a_kill_between_the_parts_of_an_object_leaves_whole_tables_and_is_finished() {
    let mut stored = Stored::large();
    strike(&mut stored, "a part", Rule::new(&[Kind::Part], "*", Fault::Hold).after(1), false);
    strike(&mut stored, "the end of the parts", Rule::new(&[Kind::Complete], "*", Fault::Hold), true);
    stored.end();
}
