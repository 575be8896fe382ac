//! Journals that are newer, foreign, damaged or not to be written.

use assay_console::journal::{RunFilter, StepKey};
use assay_console::quality::{Judged, Verdicts};
use assay_console::suite::sample_plan;
use assay_console::{Journal, RunPlan, views};
use assay_contract::{Evaluation, Problem, ScopeWord, Status};
use assay_journal::{JournalError, SqliteJournal};
use chrono::DateTime;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

fn made(folder: &Path) -> PathBuf {
    let path = folder.join("journal.db");
    let journal = SqliteJournal::open(&path).unwrap();
    journal.create_run(&sample_plan("A", DateTime::UNIX_EPOCH), None).unwrap();
    path
}

fn with_sql(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_newer_journal_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(folder.path());
    with_sql(&path, "PRAGMA user_version = 9");
    let before = std::fs::read(&path).unwrap();
    let error = SqliteJournal::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 9, known: 4, .. }), "{error}");
    assert_eq!(Problem::from(error).advice.as_deref(), Some("Update Assay, or use another workspace."));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    with_sql(&path, "CREATE TABLE recipes (name TEXT)");
    assert!(matches!(SqliteJournal::open(&path), Err(JournalError::Foreign { .. })));
    with_sql(&path, "SELECT count(*) FROM recipes");
}

#[test]
fn a_file_that_is_no_database_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    std::fs::write(&path, "x".repeat(8192)).unwrap();
    let error = SqliteJournal::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Corrupt { .. }), "{error}");
    assert!(Problem::from(error).advice.unwrap().contains(".damaged"));
}

#[test]
fn a_damaged_page_is_a_problem_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(folder.path());
    with_sql(&path, "PRAGMA wal_checkpoint(TRUNCATE)");
    let whole = std::fs::read(&path).unwrap();
    let page = 4096;
    let mut seen = 0;
    for number in 1..whole.len() / page {
        let mut bytes = whole.clone();
        bytes[number * page..(number + 1) * page].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();
        let said = SqliteJournal::open(&path)
            .map_err(Problem::from)
            .and_then(|journal| journal.run("A").and_then(|_| journal.pending("p", "e")).map(|_| ()));
        if let Err(problem) = said {
            assert!(problem.message.contains("is damaged"), "{problem:?}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn a_document_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(folder.path());
    with_sql(&path, "UPDATE plans SET plan = '{}'");
    let problem = SqliteJournal::open(&path).unwrap().run("A").unwrap_err();
    assert!(problem.message.contains("holds a plan that this Assay cannot read"), "{problem}");
    with_sql(&path, "UPDATE runs SET status = 'sleeping'");
    SqliteJournal::open(&path).unwrap().runs(&Default::default(), 9).unwrap_err();
}

#[test]
fn opened_for_reading_it_answers_and_refuses_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = made(folder.path());
    let journal = SqliteJournal::open_read_only(&path).unwrap();
    assert!(journal.is_read_only());
    assert_eq!(views::status_word(journal.run("A").unwrap().unwrap().run.status), "queued");
    let problem = journal.end_run("A", Status::Failed, None, DateTime::UNIX_EPOCH).unwrap_err();
    assert!(problem.message.contains("Runs can be looked at, not started"), "{problem}");
    assert!(matches!(
        SqliteJournal::open_read_only(&folder.path().join("none.db")),
        Err(JournalError::Database { .. })
    ));
}

/// As a user without the right to write; the administrator may always write, so the test runs itself as another.
#[test]
fn in_a_folder_that_cannot_be_written_it_opens_for_reading() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    let program = folder.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    for (path, mode) in [(folder.path().to_owned(), 0o555), (folder.path().join("journal.db"), 0o444)] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let mut child = std::process::Command::new(&program);
    child.args(["--exact", "files::reader", "--nocapture"]).env("ASSAY_TEST_READER", folder.path());
    if rustix::process::geteuid().is_root() {
        child.uid(65534).gid(65534);
    }
    let output = child.output().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("opened for reading") && output.status.success(), "{output:?}");
}

#[test]
fn reader() {
    let Some(folder) = std::env::var_os("ASSAY_TEST_READER").map(PathBuf::from) else { return };
    let journal = SqliteJournal::open(&folder.join("journal.db")).unwrap();
    assert!(journal.is_read_only());
    assert!(journal.run("A").unwrap().is_some());
    assert!(matches!(SqliteJournal::open(&folder.join("new.db")), Err(JournalError::ReadOnly { .. })));
    println!("opened for reading");
}

#[test]
fn many_who_make_it_at_once_all_open_it() {
    for _ in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let start = std::sync::Barrier::new(6);
        std::thread::scope(|threads| {
            for _ in 0..6 {
                threads.spawn(|| {
                    start.wait();
                    SqliteJournal::open(&path).unwrap();
                });
            }
        });
    }
}

/// A journal of the first version, as its statements made it, with a finished run in it.
#[test]
fn a_journal_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    with_sql(&path, include_str!("../../src/schema_1.sql"));
    let plan = serde_json::to_value(sample_plan("OLD", DateTime::UNIX_EPOCH)).unwrap();
    let mut plan = plan.as_object().unwrap().clone();
    // What the first version did not write.
    assert!(["work", "word", "versions", "original", "settings"].iter().all(|field| plan.remove(*field).is_some()));
    for step in plan["steps"].as_array_mut().unwrap() {
        let step = step.as_object_mut().unwrap();
        assert!(["feeds", "follows", "restore"].iter().all(|field| step.remove(*field).is_some()));
    }
    let plan = serde_json::to_string(&plan).unwrap();
    with_sql(
        &path,
        &format!(
            "PRAGMA application_id = {}; PRAGMA user_version = 1;
             INSERT INTO runs (run, pipeline, environment, status, attempt, stages, dates, steps, plan, queued_at)
             VALUES ('OLD', 'shop', 'local', 'succeeded', 2, '[]', 'd', 3, '{plan}', 0),
                    ('NEW', 'shop', 'local', 'succeeded', 1, '[]', 'd', 3, '{}', 0);
             INSERT INTO attempts (run, number, status, started_at)
             VALUES ('OLD', 2, 'succeeded', 30), ('OLD', 1, 'failed', 10), ('NEW', 1, 'succeeded', 20);
             INSERT INTO actions (action) VALUES ('{{\"at\":\"2026-11-01T00:00:00Z\",\"by\":\"ann\",\"what\":\"run\",\"pipeline\":\"shop\",\"environment\":\"local\",\"run\":\"OLD\",\"reason\":\"\"}}');",
            0x6173_7379,
            plan.replace("OLD", "NEW").replace("\"d1\"", "\"d2\"").replace("2026-11-0", "2026-12-0"),
        ),
    );
    let journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(journal.runs(&RunFilter::default(), 9).unwrap().len(), 2);
    let plan = RunPlan { word: ScopeWord::Missing, ..sample_plan("OLD", DateTime::UNIX_EPOCH) };
    assert_eq!(journal.plan("OLD").unwrap().unwrap(), plan);
    let turns = journal.turns_since("OLD").unwrap();
    let turns: Vec<_> = turns.iter().map(|turn| (turn.run.as_str(), turn.attempt)).collect();
    assert_eq!(turns, [("OLD", 1), ("NEW", 1), ("OLD", 2)]);
    assert_eq!(journal.around("OLD", 1), Ok(None), "what an undo needs was not kept");
    let day = |text: &str| text.parse().unwrap();
    let original =
        |from: &str| journal.original("shop", "local", Some((day(from), day("2026-12-31")))).unwrap().unwrap();
    assert_eq!((original("2026-12-01").digest.as_str(), original("2026-11-02").run.as_str()), ("d2", "NEW"));
    let early = journal.original("shop", "local", Some((day("2026-11-01"), day("2026-11-02")))).unwrap().unwrap();
    assert_eq!((early.run.as_str(), early.digest.as_str()), ("OLD", "d1"));
    assert_eq!(journal.actions(9).unwrap().len(), 1);
    drop(journal);
    assert!(SqliteJournal::open_read_only(&path).is_ok(), "the version was counted");
}

/// A journal of the second version keeps what it has, and verdicts from then on.
#[test]
fn a_journal_of_the_second_version_takes_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    with_sql(&path, include_str!("../../src/schema_1.sql"));
    with_sql(&path, include_str!("../../src/schema_2.sql"));
    let mut plan = sample_plan("OLD", DateTime::UNIX_EPOCH);
    plan.digest = "d7".into();
    with_sql(
        &path,
        &format!(
            "PRAGMA application_id = {}; PRAGMA user_version = 2;
             INSERT INTO runs (run, pipeline, environment, status, attempt, stages, dates, steps, plan, queued_at, digest)
             VALUES ('OLD', 'shop', 'local', 'succeeded', 1, '[]', 'd', 3, '{}', 0, 'd7');
             INSERT INTO attempts (run, number, status, started_at, turn) VALUES ('OLD', 1, 'succeeded', 10, 1);",
            0x6173_7379,
            serde_json::to_string(&plan).unwrap(),
        ),
    );
    let journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(journal.plan("OLD").unwrap().unwrap().digest, "d7");
    assert_eq!(journal.evaluations("OLD"), Ok(Vec::new()));
    let judged = Judged { evaluation: Evaluation { rows: 7, ..Evaluation::default() }, ..Judged::default() };
    let step = |run| StepKey { run, attempt: 1, step: "silver.sales" };
    journal.record_evaluation(&step("OLD"), &judged, DateTime::UNIX_EPOCH).unwrap();
    assert_eq!(journal.evaluations("OLD").unwrap()[0].evaluation.rows, 7);
    let unknown = journal.record_evaluation(&step("NONE"), &judged, DateTime::UNIX_EPOCH).unwrap_err();
    assert_eq!(unknown.kind, assay_contract::ProblemKind::Conflict);
    drop(journal);
    assert!(SqliteJournal::open_read_only(&path).is_ok(), "the version was counted");
}

#[test]
fn a_list_of_runs_reads_none_of_their_plans() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = SqliteJournal::open(&path).unwrap();
    let long = "x".repeat(1_000_000);
    for run in ["A", "B", "C"] {
        let plan = RunPlan { reason: long.clone(), ..sample_plan(run, DateTime::UNIX_EPOCH) };
        journal.create_run(&plan, None).unwrap();
    }
    drop(journal);
    with_sql(&path, "PRAGMA wal_checkpoint(TRUNCATE)");
    let journal = SqliteJournal::open_read_only(&path).unwrap();
    let before = bytes_read();
    assert_eq!(journal.runs(&RunFilter::default(), 9).unwrap().len(), 3);
    let listed = bytes_read() - before;
    assert!(listed < 200_000, "{listed} bytes were read");
    assert_eq!(journal.plan("B").unwrap().unwrap().reason.len(), long.len());
    assert!(bytes_read() - before > 1_000_000, "what was read is counted");
}

/// By this thread, since it began.
fn bytes_read() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    told.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}
