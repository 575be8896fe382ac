//! Folders and disks that are not as they should be.

use crate::child;
use crate::fixture::{change, day, expected, now, permit, put, rows, schema};
use assay_lake::{Kind, PageRequest, Scope, history, open, page, replace};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn commit(folder: &Path, version: u64) -> PathBuf {
    folder.join(format!("_delta_log/{version:020}.json"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_other_things_is_no_table() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("notes.txt"), "x").unwrap();
    let columns = schema();
    let into = replace(&permit(), now(), change(root.path(), &columns, Scope::Whole, vec![], "r")).await;
    let asked = [
        open(root.path()).await.err().unwrap(),
        page(root.path(), PageRequest::default()).await.unwrap_err(),
        history(root.path(), 1).await.unwrap_err(),
        into.unwrap_err(),
        open(&root.path().join("notes.txt")).await.err().unwrap(),
    ];
    for error in asked {
        assert!(error.to_string().contains("holds other files and no table"), "{error}");
    }
    assert!(!root.path().join("_delta_log").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_log_is_said_and_left_alone() {
    for text in ["{\"add\": ", "not json at all", "{\"add\":{\"path\":5}}"] {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a", &[Some(day(0))], 2).await.unwrap();
        put(root.path(), "b", &[Some(day(0))], 2).await.unwrap();
        fs::write(commit(root.path(), 1), text).unwrap();
        let error = open(root.path()).await.err().unwrap_or_else(|| panic!("{text} was read"));
        assert_eq!(error.kind(), Kind::Corrupt, "{text}: {error}");
        let columns = schema();
        let write = replace(&permit(), now(), change(root.path(), &columns, Scope::Whole, vec![], "c")).await;
        assert_eq!(write.unwrap_err().kind(), Kind::Corrupt, "{text}");
        assert_eq!(fs::read_to_string(commit(root.path(), 1)).unwrap(), text);
        assert!(!commit(root.path(), 2).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_commit_is_damage() {
    let root = tempfile::tempdir().unwrap();
    for run in ["a", "b", "c"] {
        put(root.path(), run, &[Some(day(0))], 2).await.unwrap();
    }
    fs::remove_file(commit(root.path(), 1)).unwrap();
    let error = open(root.path()).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Corrupt, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_damaged_data_file_is_said() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", &[Some(day(0)), Some(day(1))], 2).await.unwrap();
    let snapshot = open(root.path()).await.unwrap().unwrap();
    let first = root.path().join(&snapshot.files()[0].path);
    let bytes = fs::read(&first).unwrap();
    fs::remove_file(&first).unwrap();
    let request = || PageRequest { limit: 9, ..Default::default() };
    let error = page(root.path(), request()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt, "{error}");
    assert!(error.to_string().contains("data file"), "{error}");
    // Other rows are still to be had.
    assert_eq!(page(root.path(), PageRequest { offset: 2, ..request() }).await.unwrap().rows, 2);
    for damage in [&bytes[..bytes.len() / 2], b"", b"PAR1PAR1"] {
        fs::write(&first, damage).unwrap();
        let error = page(root.path(), request()).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Io | Kind::Corrupt), "{error}");
    }
    // Running the date again mends it.
    put(root.path(), "b", &[Some(day(0))], 2).await.unwrap();
    assert_eq!(rows(root.path()).await[&Some(day(0))], expected("b", 2));
}

/// What another program is told, and how many rows it then reads.
fn told(mut command: Command) -> (String, String) {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().filter(|line| line.contains("rows") || line.contains("Err(") || line.contains("Ok("));
    let first = lines.next().unwrap_or_else(|| panic!("no answer in {text}"));
    let first = first.rsplit("... ").next().unwrap().to_owned();
    (first, lines.next().unwrap_or_default().to_owned())
}

/// The command with the rights that modes give: root is not let past them.
fn bound(inner: Command) -> Command {
    if !rustix::process::getuid().is_root() {
        return inner;
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-dac_override,-dac_read_search"]).arg(inner.get_program());
    wrap(command, &inner)
}

/// Hands the arguments and the environment of a command to the one that starts it.
fn wrap(mut command: Command, inner: &Command) -> Command {
    command.args(inner.get_args()).envs(inner.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command
}

fn set_mode(folder: &Path, mode: u32) {
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_folder_is_said_and_still_read() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("t");
    put(&folder, "a", &[Some(day(0))], 7).await.unwrap();
    set_mode(root.path(), 0o755);
    // First the folder of the log alone, so that staging works and the commit does not; then all.
    for (number, below) in ["_delta_log", "date=2024-01-01", ""].into_iter().enumerate() {
        set_mode(&folder.join("date=2024-01-01"), 0o777);
        set_mode(&folder, 0o777);
        set_mode(&folder.join(below), 0o555);
        let answer = told(bound(child::command("told", &folder, "b", &[0, 1 + number as u32])));
        assert_eq!(answer, ("Err(ReadOnly)".to_owned(), "7 rows".to_owned()), "{below:?} is read-only");
        set_mode(&folder.join(below), 0o777);
        if below == "_delta_log" {
            set_mode(&folder.join(below), 0o755);
        }
    }
    assert_eq!(rows(&folder).await[&Some(day(0))], expected("a", 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_may_not_write_more_is_told_that_the_disk_is_full() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("t");
    put(&folder, "a", &[Some(day(0))], 7).await.unwrap();
    let answer = told(child::command("limited", &folder, "b", &[0]));
    assert_eq!(answer, ("Err(Full)".to_owned(), "7 rows".to_owned()));
    let left = fs::read_dir(folder.join("date=2024-01-01")).unwrap().count();
    assert_eq!(left, 1, "what was staged is removed");
}

/// A disk of 300 KB, where the machine lets a test make one.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_the_table_stays() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("disk/t");
    fs::create_dir(root.path().join("disk")).unwrap();
    put(&root.path().join("table"), "a", &[Some(day(0))], 7).await.unwrap();
    let inner = child::command("told", &folder, "b", &[0]);
    let mut command = Command::new("unshare");
    if !rustix::process::getuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let script =
        "mount -t tmpfs -o size=300k tmpfs \"$1/disk\" && cp -r \"$1/table\" \"$1/disk/t\" && shift && exec \"$@\"";
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(root.path()).arg(inner.get_program());
    let command = wrap(command, &inner);
    let probe = Command::new("unshare")
        .args(command.get_args().take_while(|arg| *arg != "sh"))
        .args(["sh", "-c", "mount -t tmpfs tmpfs \"$0\""])
        .arg(root.path().join("disk"))
        .stderr(Stdio::null())
        .status();
    if !probe.is_ok_and(|status| status.success()) {
        eprintln!("left out: this machine lets a test mount no disk; the limit on file sizes is tested instead");
        return;
    }
    assert_eq!(told(command), ("Err(Full)".to_owned(), "7 rows".to_owned()));
}
