//! What the journal remembers of schedules.
#![allow(clippy::unwrap_used)]

use assay_console::Journal;
use assay_console::fake::MemoryJournal;
use assay_console::schedule::{keep, kept};
use assay_journal::SqliteJournal;
use chrono::{DateTime, TimeDelta};

#[test]
fn the_newest_entry_of_a_pipeline_and_environment_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (sqlite, memory) = (SqliteJournal::open(&folder.path().join("journal.db")).unwrap(), MemoryJournal::default());
    let at = |hour| DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(hour);
    for journal in [&sqlite as &dyn Journal, &memory] {
        assert_eq!(kept(journal, "shop", "local").unwrap(), None);
        for (pipeline, environment, hour) in [("shop", "local", 4), ("shop", "prod", 9), ("other", "local", 9)] {
            journal.append_action(&keep(pipeline, environment, at(hour), None, "started", at(hour))).unwrap();
        }
        assert_eq!(kept(journal, "shop", "local").unwrap(), Some(at(4)));
        // A clock that jumped back: the newest entry counts, not the one with the greatest time.
        journal.append_action(&keep("shop", "local", at(2), Some("R"), "started", at(1))).unwrap();
        assert_eq!(kept(journal, "shop", "local").unwrap(), Some(at(2)));
        let last = journal.last_action("schedule", "shop", "local").unwrap().unwrap();
        assert_eq!((last.run.as_deref(), last.reason.as_str()), (Some("R"), "started"));
        assert_eq!(journal.last_action("run", "shop", "local").unwrap(), None);
    }
}
