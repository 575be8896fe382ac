//! kill -9 of a reprocess and of an undo, at many moments.
#![allow(clippy::unwrap_used)]

use crate::journey::{moved, of_table};
use crate::scene::{Star, expect_no_leftovers, finish, kill, length, moments, settled};

const KILLS: u64 = 6;

#[test]
fn a_killed_reprocess_leaves_whole_versions_and_is_finished() {
    let star = Star::new(120);
    let length = length(&star.journey, &star.words());
    let mut now = 0;
    for moment in moments(KILLS, length) {
        let (versions, newest) = (star.versions(), star.journey.runs().remove(0));
        star.put(1 - now);
        kill(&star.journey, &star.words(), moment);
        star.expect_either(&versions);
        let done = finish(&star.journey, &star.words(), &newest);
        now = 1 - now;
        star.expect(now);
        expect_no_leftovers(&star.journey);
        star.journey.expect_warehouse("fact_sales", star.of(now, "fact_sales"));
        let run = format!("run:{}", done["run"]["id"].as_str().unwrap());
        let difference = star.journey.json(&["diff", &run]).remove(0);
        let expected = if now == 1 { [0, 1, 0] } else { [1, 0, 0] };
        assert_eq!(moved(of_table(&difference, "gold.fact_sales")), expected, "killed at {moment} of {length}");
    }
    star.expect_warehouse(now);
}

#[test]
fn a_killed_undo_leaves_whole_versions_and_is_finished() {
    let star = Star::new(120);
    star.put(1);
    star.journey.succeed(&star.words());
    // An undo can be undone: the tables go to and fro.
    let undo = |run: &str| ["undo".to_owned(), run.to_owned(), "--reason".to_owned(), "wrong".to_owned()];
    let newest = || star.journey.runs().remove(0);
    let words = undo(&newest());
    let length = length(&star.journey, &words.each_ref().map(String::as_str));
    let mut now = 0;
    star.expect(now);
    for moment in moments(KILLS, length) {
        let (versions, newest) = (star.versions(), newest());
        let words = undo(&newest);
        let words = words.each_ref().map(String::as_str);
        kill(&star.journey, &words, moment);
        star.expect_either(&versions);
        finish(&star.journey, &words, &newest);
        now = 1 - now;
        star.expect(now);
        star.journey.expect_warehouse("fact_sales", star.of(now, "fact_sales"));
    }
    star.expect_warehouse(now);
}

#[test]
fn a_plain_run_mends_an_undo_that_died() {
    let star = Star::new(120);
    star.put(1);
    star.journey.succeed(&star.words());
    let newest = || star.journey.runs().remove(0);
    let run = newest();
    let length = length(&star.journey, &["undo", &run, "--reason", "wrong"]);
    star.journey.run(&[]);
    star.expect(1);
    for moment in moments(3, length) {
        star.journey.succeed(&star.words());
        kill(&star.journey, &["undo", &newest(), "--reason", "wrong"], moment);
        settled(&star.journey);
        // The files are those of the second content, whatever the undo had done.
        star.journey.run(&[]);
        star.expect(1);
    }
    star.expect_warehouse(1);
}
