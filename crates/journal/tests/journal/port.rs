//! The suite of the port, against the journal in memory.

use assay_console::fake::MemoryJournal;
use assay_console::suite::{check_keeping, check_requests, run_script};
use assay_journal::SqliteJournal;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn behaves_as_the_journal_in_memory(script in prop::collection::vec(any::<u8>(), 0..180)) {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = SqliteJournal::open(&folder.path().join("journal.db")).unwrap();
        run_script(&[&sqlite, &MemoryJournal::default()], &script);
    }
}

#[test]
fn one_request_gives_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let journal = SqliteJournal::open(&folder.path().join("journal.db")).unwrap();
    check_requests(&journal);
    check_keeping(&journal);
}

#[test]
fn what_was_written_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("below").join("journal.db");
    check_requests(&SqliteJournal::open(&path).unwrap());
    use assay_console::Journal;
    let again = SqliteJournal::open(&path).unwrap();
    assert_eq!(again.run_of_request("q2").unwrap().as_deref(), Some("C"));
    let plan = again.plan("C").unwrap().unwrap();
    assert_eq!(plan, assay_console::suite::sample_plan("C", plan.queued_at));
}
