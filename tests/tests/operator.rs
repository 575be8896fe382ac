//! What an operator sees beside the runs: names, lists, the doctor.
#![allow(clippy::unwrap_used)]

mod shop;

use assay_testkit::workspace::program;
use shop::Shop;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

const LAKE_STAGES: [&str; 6] = ["--stage", "bronze", "--stage", "silver", "--stage", "gold"];

fn filled() -> Shop {
    let shop = Shop::with_demo(2, 60);
    let run = shop.assay(&[&["run", "sales_lakehouse"], &LAKE_STAGES[..]].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    shop
}

fn edit(shop: &Shop, path: &str, change: impl FnOnce(String) -> String) {
    let path = shop.workspace.root().join(path);
    fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
}

#[test]
fn a_new_workspace_names_the_pipeline_that_asks_for_the_least() {
    let shop = Shop::empty();
    let folder = tempfile::tempdir().unwrap();
    let made = shop.assay(&["init", folder.path().join("my lake").to_str().unwrap()]);
    let next = made.stdout.lines().last().unwrap();
    assert!(next.ends_with("my lake' && assay demo sales_lakehouse && assay run sales_lakehouse"), "{next}");
    assert!(next.starts_with("Next: cd '/"), "{next}");
    // Not by its name: the next one has no connections either, and fewer tables.
    let sales = folder.path().join("my lake/pipelines/sales_lakehouse/pipeline.toml");
    fs::write(&sales, format!("nonsense\n{}", fs::read_to_string(&sales).unwrap())).unwrap();
    let again = shop.json(&["init", folder.path().join("my lake").to_str().unwrap()]);
    assert_eq!(again["first"], "sales_star");
}

#[test]
fn a_short_name_that_a_wrong_definition_may_hide_names_the_file() {
    let shop = filled();
    assert_eq!(shop.json_all(&["preview", "silver.sales", "--limit", "1"]).len(), 1);
    edit(&shop, "pipelines/sales_lakehouse/pipeline.toml", |text| {
        text.replace("[silver.sales]", "[silver.sales]\nno = 1")
    });
    for words in [
        &["preview", "silver.sales"][..],
        &["preview", "sales_lakehouse.silver.sales"],
        &["sql", "select count(*) as n from silver.sales"],
        &["sql", "select count(*) as n from sales_lakehouse.silver.sales"],
        &["quality", "history", "silver.sales"],
    ] {
        let told = shop.assay(words);
        assert_eq!(told.code, Some(1), "{words:?}: {}{}", told.stdout, told.stderr);
        assert!(told.stderr.contains("sales_lakehouse/pipeline.toml:"), "{words:?}: {}", told.stderr);
    }
    let told = shop.assay(&["preview", "silver.sales"]).stderr;
    assert!(told.contains("sales_star.silver.sales is another table of that name"), "{told}");
    let other = shop.assay(&["preview", "sales_star.silver.sales"]);
    assert!(other.stderr.contains("sales_star.silver.sales holds nothing yet"), "{}", other.stderr);
}

#[test]
fn lists_of_tables_read_no_log_that_they_know() {
    let shop = filled();
    let before = shop.json_all(&["tables"]);
    let of = |name: &str| {
        let found = before.iter().find(|line| line["table"]["id"] == name);
        found.unwrap_or_else(|| panic!("{name} is not listed"))["table"].clone()
    };
    let silver = of("sales_lakehouse.silver.sales");
    assert_eq!(
        (silver["version"].as_u64(), silver["rows"].as_u64()),
        (Some(0), Some(shop.silver().frame.height() as u64))
    );
    // A log whose only commit cannot be parsed is one that nobody reads.
    let commit = shop.lake().join("silver/sales/_delta_log/00000000000000000000.json");
    let (bytes, times) = (fs::read(&commit).unwrap(), fs::metadata(&commit).unwrap().modified().unwrap());
    fs::write(&commit, vec![b'x'; bytes.len()]).unwrap();
    File::options().write(true).open(&commit).unwrap().set_modified(times).unwrap();
    assert_eq!(shop.json_all(&["tables"]), before);
    fs::remove_dir_all(shop.workspace.root().join(".assay/cache")).unwrap();
    assert_ne!(shop.assay(&["tables"]).code, Some(0), "without what was kept the log is read");
}

fn aged(path: &Path, hours: u64) {
    let at = SystemTime::now() - Duration::from_secs(hours * 3600);
    File::options().write(true).open(path).unwrap().set_times(FileTimes::new().set_modified(at)).unwrap();
}

#[test]
fn the_doctor_finds_what_no_version_names_and_clears_it() {
    let shop = filled();
    let table = shop.lake().join("silver/sales");
    let [old, young] = [("part-dead-1.parquet", 30), ("part-dead-2.parquet", 20)].map(|(name, hours)| {
        let path = table.join(format!("date={}", shop.date(0))).join(name);
        fs::write(&path, vec![0; 1500]).unwrap();
        aged(&path, hours);
        path
    });
    for file in fs::read_dir(old.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()) {
        if file != old && file != young {
            aged(&file, 90);
        }
    }
    let seen = shop.assay(&["doctor"]);
    assert!(
        seen.stdout.contains("1 file (1.5 kB), older than a day, that no version of a table names"),
        "{}",
        seen.stdout
    );
    let rows = shop.silver().frame.height();
    let cleared = shop.assay(&["doctor", "--clear"]);
    assert_eq!(cleared.code, Some(0), "{}", cleared.stderr);
    assert!(cleared.stdout.contains("sales_lakehouse: removed 1 file (1.5 kB)"), "{}", cleared.stdout);
    assert!(!old.exists() && young.exists());
    assert_eq!(shop.silver().frame.height(), rows);
    assert!(shop.assay(&["doctor"]).stdout.contains("no leftovers in the lake of local"));
    shop.settings("[environments.local]\nguard = \"confirm\"\n");
    assert_eq!(shop.assay(&["doctor", "--clear"]).code, Some(2), "the guard is asked");
    assert_eq!(shop.assay(&["doctor", "--clear", "--confirm", "local", "--reason", "room"]).code, Some(0));
}

#[test]
fn output_that_cannot_be_written_is_no_success() {
    let shop = Shop::empty();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut listing = Command::new(program().unwrap());
    listing.arg("--workspace").arg(shop.workspace.root()).arg("pipelines").stdout(full).stderr(Stdio::piped());
    let told = listing.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(told.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&told.stderr).contains("cannot be written"));
}

#[test]
fn a_run_whose_output_has_no_reader_goes_on() {
    let shop = Shop::with_demo(2, 60);
    let mut run = Command::new(program().unwrap());
    run.arg("--workspace").arg(shop.workspace.root()).args(["--json", "run", "sales_lakehouse"]).args(LAKE_STAGES);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Nobody reads a single line, nor what it would complain of.
    drop((run.stdout.take(), run.stderr.take()));
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_eq!(shop.json(&["show", "last"])["run"]["status"], "succeeded");
}

#[test]
fn what_nobody_reads_ends_quietly() {
    let shop = filled();
    // One rule that most rows break, so that more is printed than a pipe holds.
    edit(&shop, "pipelines/sales_lakehouse/quality/sales.dqdl", |text| {
        text.replacen("Rules = [", "Rules = [\n    ColumnValues \"quantity_sold\" > 1000,", 1)
    });
    assert_eq!(shop.assay(&["run", "sales_lakehouse", "--all", "--stage", "silver"]).code, Some(1));
    for words in [&["completions", "bash"][..], &["quality", "failing", "silver.sales", "--format", "csv"], &["runs"]] {
        let mut verb = Command::new(program().unwrap());
        verb.arg("--workspace").arg(shop.workspace.root()).args(words);
        let mut verb = verb.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(verb.stdout.take());
        let ended = verb.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), ended.stderr.is_empty()), (Some(0), true), "{words:?}");
    }
}

#[test]
fn a_workspace_in_a_folder_that_text_cannot_name_is_refused_before_anything_is_made() {
    let (shop, folder) = (Shop::empty(), tempfile::tempdir().unwrap());
    let odd = folder.path().join(OsStr::from_bytes(b"\xff"));
    fs::create_dir(&odd).unwrap();
    let tried = shop.workspace.assay(&[OsStr::new("init"), odd.as_os_str()]).unwrap();
    assert_eq!(tried.code, Some(2), "{}{}", tried.stdout, tried.stderr);
    assert!(tried.stderr.contains("is not UTF-8"), "{}", tried.stderr);
    assert_eq!(fs::read_dir(&odd).unwrap().count(), 0);
    fs::write(odd.join("assay.toml"), "").unwrap();
    let tried = shop.workspace.assay(&[OsStr::new("tables"), OsStr::new("-w"), odd.as_os_str()]).unwrap();
    assert!(tried.stderr.contains("is not UTF-8"), "{}", tried.stderr);
}

#[test]
fn an_empty_id_is_no_run() {
    let shop = filled();
    for verb in [&["show", ""][..], &["logs", " "], &["undo", "", "--reason", "x"], &["cancel", ""]] {
        let told = shop.assay(verb);
        assert_eq!(told.code, Some(2), "{verb:?}: {}{}", told.stdout, told.stderr);
        assert!(told.stderr.starts_with("There is no run without an id."), "{verb:?}: {}", told.stderr);
    }
}
