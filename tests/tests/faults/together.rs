//! Two reprocesses of overlapping dates at once: one after the other, or one is refused with what changed.
#![allow(clippy::unwrap_used)]

use crate::scene::Star;
use std::time::Duration;

#[test]
fn overlapping_reprocesses_at_once_double_and_mix_nothing() {
    let star = Star::new(120);
    let (first, last) = (star.journey.date(0), star.journey.date(2));
    let early = ["reprocess", "sales_star", "--from", &first, "--to", &star.date];
    let late = ["reprocess", "sales_star", "--from", &star.date, "--to", &last];
    let mut now = 0;
    for _ in 0..4 {
        star.put(1 - now);
        let runs = star.journey.runs().len();
        let both = [&early, &late].map(|words| star.journey.workspace.start(words).unwrap());
        let ended = both.map(|running| running.wait(Duration::from_secs(120)).unwrap());
        assert!(ended.iter().any(|outcome| outcome.code == Some(0)), "{ended:?}");
        now = 1 - now;
        star.expect(now);
        star.expect_warehouse(now);
        // Whoever was planned before the other had ended is refused, by the version that the other made.
        for outcome in ended.iter().filter(|outcome| outcome.code != Some(0)) {
            assert_eq!(outcome.code, Some(1), "{outcome:?}");
            assert!(
                outcome.stderr.contains("is at version") || outcome.stdout.contains("is at version"),
                "{outcome:?}"
            );
        }
        let rows = star.journey.json(&["runs"]);
        assert_eq!(rows.len(), runs + 2);
        let of = |status: &str| rows[..2].iter().filter(|run| run["status"] == status).count();
        let done = ended.iter().filter(|outcome| outcome.code == Some(0)).count();
        assert_eq!((of("succeeded"), of("failed")), (done, 2 - done), "{rows:?}");
    }
}
