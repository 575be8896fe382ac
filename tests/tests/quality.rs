//! Rules before publication: what stops, what flags, which rows are kept, masked, compared, proposed and forgotten.
#![allow(clippy::unwrap_used)]

mod shop;

use assay_testkit::{Expected, SALES_COLUMNS, Table, assert_same_rows};
use serde_json::Value;
use shop::{PIPELINE, Shop};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

const TABLE: &str = "sales_lakehouse.silver.sales";
const FEW: &str = "ColumnValues \"quantity_sold\" < 3";
const CITY: &str = "IsComplete \"city\"";

/// Gives the silver table these rules alone; those under `warn` flag.
fn rules(shop: &Shop, rules: &[&str], warn: &[&str]) {
    let folder = shop.workspace.root().join("pipelines").join(PIPELINE);
    fs::write(folder.join("quality/sales.dqdl"), format!("Rules = [\n    {}\n]\n", rules.join(",\n    "))).unwrap();
    let place = folder.join("pipeline.toml");
    let text = fs::read_to_string(&place).unwrap();
    let (from, to) = (text.find("warn = [").unwrap(), text.find("[silver.sales.columns]").unwrap());
    let warn: Vec<String> = warn.iter().map(|rule| format!("'{rule}'")).collect();
    let text = format!("{}warn = [{}]\n\n{}", &text[..from], warn.join(", "), &text[to..]);
    fs::write(place, text).unwrap();
}

fn everything(shop: &Shop) -> Vec<(String, u64, Table)> {
    shop.tables().into_iter().map(|(name, table)| (name, table.version, shop.rows(&table))).collect()
}

fn warehouse(shop: &Shop) -> BTreeSet<String> {
    let rows = shop.json_all(&["preview", "warehouse.daily_store_sales", "--limit", "500"]);
    rows.iter().map(Value::to_string).collect()
}

/// Transactions of a date for which `fails` holds, computed without the program.
fn expected(shop: &Shop, date: &str, fails: impl Fn(&dyn Fn(&str) -> Option<String>) -> bool) -> BTreeSet<String> {
    let sales = Expected::read(&shop.lake()).unwrap().sales(Some(date.parse().unwrap()));
    let place = |name: &str| sales.columns.iter().position(|column| column == name).unwrap();
    let rows = sales.rows.iter().filter(|row| fails(&|name| row[place(name)].clone()));
    rows.map(|row| row[place("transaction_id")].clone().unwrap()).collect()
}

/// Transactions among the failing rows that a verb prints.
fn failing(shop: &Shop, words: &[&str]) -> BTreeSet<String> {
    let rows = shop.json_all(&[&["quality", "failing", TABLE, "--limit", "100000"][..], words].concat());
    rows.iter().map(|row| row["transaction_id"].as_str().unwrap().to_owned()).collect()
}

/// The rows that rule 2 refuses, counted by store: all values in `--json`, the first ones in a table that says so.
fn failing_by_store(shop: &Shop, date: &str) {
    let mut wanted: BTreeMap<Option<String>, u64> = BTreeMap::new();
    let sales = Expected::read(&shop.lake()).unwrap().sales(Some(date.parse().unwrap()));
    let place = |name: &str| sales.columns.iter().position(|column| column == name).unwrap();
    for row in &sales.rows {
        if row[place("quantity_sold")].as_ref().unwrap().parse::<i64>().unwrap() >= 3 {
            *wanted.entry(row[place("store_id")].clone()).or_default() += 1;
        }
    }
    let by = ["quality", "failing", TABLE, "--rule", "2", "--by", "store_id", "--limit"];
    let found = shop.json_all(&[&by[..], &["1000"]].concat());
    let counts: Vec<u64> = found.iter().map(|found| found["rows"].as_u64().unwrap()).collect();
    assert!(counts.is_sorted_by(|more, fewer| more >= fewer), "{counts:?}");
    let stores = found.iter().map(|found| found["value"].as_str().map(str::to_owned));
    assert_eq!(stores.zip(counts).collect::<BTreeMap<_, _>>(), wanted);
    let table = shop.assay(&[&by[..], &["1"]].concat()).stdout;
    let (rows, values) = (wanted.values().sum::<u64>(), wanted.len());
    assert!(table.contains(&format!("1 of {values} values in {rows} failing rows")), "{table}");
    let wrong = shop.assay(&["quality", "failing", TABLE, "--by", "store"]);
    assert!(wrong.code == Some(2) && wrong.stderr.contains("Did you mean store_id?"), "{}", wrong.stderr);
}

/// A change of the sources that a run has to take up.
fn one_more(shop: &Shop, date: &str, id: &str) {
    let record = r#"{"transaction_id":"ID","date":"DATE","store_id":"S1","product_id":"P1","customer_id":"C1","quantity_sold":9,"unit_price":2.00,"customer_name":"Ada Lovelace"}"#;
    shop.record(date, &format!("{id}.jsonl"), &record.replace("ID", id));
}

fn failing_folder(shop: &Shop, run: &str) -> PathBuf {
    shop.workspace.root().join(".assay/runs").join(run).join("failing").join(TABLE)
}

fn last(shop: &Shop) -> String {
    shop.json(&["show", "last"])["run"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_error_stops_the_publication_and_its_rows_stay_for_looking_at() {
    let shop = Shop::with_demo(2, 300);
    assert_eq!(shop.assay(&["run", PIPELINE]).code, Some(0));
    let (before, loaded) = (everything(&shop), warehouse(&shop));
    rules(&shop, &[CITY, FEW], &[CITY]);
    one_more(&shop, &shop.date(0), "MORE");

    let stopped = shop.assay(&["run", PIPELINE]);
    assert_eq!(stopped.code, Some(1), "{}{}", stopped.stdout, stopped.stderr);
    let detail = shop.json(&["show", "last"]);
    let step = detail["steps"].as_array().unwrap().iter().find(|step| step["id"] == "silver.sales").unwrap().clone();
    assert_eq!(step["status"], "failed");
    let message = step["problem"]["message"].as_str().unwrap();
    assert!(message.contains("1 rule failed") && message.contains("quantity_sold"), "{message}");
    for ((name, version, rows), (_, now, after)) in before.iter().zip(everything(&shop)) {
        assert_eq!(*version, now, "{name}");
        assert_same_rows(rows, &after);
    }
    assert_eq!(warehouse(&shop), loaded);

    // Nothing but the first date was judged; the rows are those that a plain computation finds.
    let date = shop.date(0);
    let many = expected(&shop, &date, |cell| cell("quantity_sold").unwrap().parse::<i64>().unwrap() >= 3);
    assert!(many.contains("MORE") && many.len() > 20);
    assert_eq!(failing(&shop, &["--rule", "2", "--date", &date]), many);
    assert_eq!(failing(&shop, &["--rule", FEW]), many);
    let nowhere = expected(&shop, &date, |cell| cell("city").is_none());
    assert_eq!(failing(&shop, &["--rule", "1"]), nowhere);
    failing_by_store(&shop, &date);
    let both: BTreeSet<String> = many.union(&nowhere).cloned().collect();
    assert_eq!(failing(&shop, &["--run", "last"]), both);
    let scores = shop.json_all(&["quality", "history", TABLE]);
    assert_eq!((&scores[0]["published"], &scores[1]["published"]), (&Value::Bool(false), &Value::Bool(true)));
    assert_eq!(scores[0]["score"]["failing"].as_u64(), Some(both.len() as u64));

    // As a warning the same rule publishes, and the run is amber.
    rules(&shop, &[CITY, FEW], &[CITY, FEW]);
    let flagged = shop.assay(&["run", PIPELINE]);
    assert_eq!(flagged.code, Some(3), "{}{}", flagged.stdout, flagged.stderr);
    assert_eq!(shop.json(&["show", "last"])["run"]["status"], "flagged");
    let whole = Expected::read(&shop.lake()).unwrap().sales(None);
    assert_same_rows(&whole, &shop.silver().table(&SALES_COLUMNS).unwrap());
    assert_ne!(warehouse(&shop), loaded);
}

#[test]
fn tables_are_judged_as_they_are_without_a_run() {
    let shop = Shop::with_demo(2, 200);
    assert_eq!(shop.assay(&["run", PIPELINE]).code, Some(0));
    let all = shop.assay(&["quality", "check", PIPELINE]);
    assert_eq!(all.code, Some(0), "{}{}", all.stdout, all.stderr);
    rules(&shop, &[FEW, CITY], &[FEW, CITY]);
    let actions = shop.json_all(&["runs"]).len();
    let date = shop.date(1);
    let check = shop.assay(&["quality", "check", PIPELINE, "--table", "silver.sales", "--date", &date, "--json"]);
    assert_eq!(check.code, Some(3), "{}{}", check.stdout, check.stderr);
    let found: Value = serde_json::from_str(check.stdout.trim()).unwrap();
    let many = expected(&shop, &date, |cell| cell("quantity_sold").unwrap().parse::<i64>().unwrap() >= 3);
    let verdict = &found["evaluation"]["verdicts"][0];
    assert_eq!(verdict["rows"]["failed"].as_u64(), Some(many.len() as u64), "{found}");
    assert_eq!(found["evaluation"]["dates"]["count"], 1);
    rules(&shop, &[FEW], &[]);
    assert_eq!(shop.assay(&["quality", "check", PIPELINE, "--table", "silver.sales"]).code, Some(1));
    let none = shop.assay(&["quality", "check", PIPELINE, "--table", "gold.store_performance"]);
    assert_eq!(none.code, Some(2));
    assert_eq!(shop.json_all(&["runs"]).len(), actions, "a look is no run");
}

#[test]
fn rules_on_files_see_what_lies_in_the_lake() {
    let shop = Shop::with_demo(1, 50);
    let date = shop.date(0);
    let folder = format!("bronze/sales/date={date}");
    rules(
        &shop,
        &[
            &format!("FileUniqueness \"{folder}\" = 1.0"),
            &format!("FileMatch \"{folder}/twin-1.jsonl\" \"{folder}/twin-2.jsonl\""),
            &format!("FileMatch \"{folder}/twin-1.jsonl\" \"{folder}/other.jsonl\" with hashAlgorithm = \"SHA-256\""),
            &format!("FileSize \"{folder}\" < 1 GB"),
        ],
        &[],
    );
    one_more(&shop, &date, "other");
    for twin in ["twin-1.jsonl", "twin-2.jsonl"] {
        shop.record(&date, twin, "{}");
    }
    let outcomes = |found: &Value| {
        let verdicts = found["evaluation"]["verdicts"].as_array().unwrap();
        verdicts.iter().map(|verdict| verdict["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // A run judges before it publishes, so there is no table yet: its verdicts are those that it told.
    let run = shop.assay(&["run", PIPELINE]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("2 rules failed"), "{}", run.stdout);
    rules(&shop, &[&format!("FileSize \"{folder}\" < 1 GB")], &[]);
    assert_eq!(shop.assay(&["run", PIPELINE]).code, Some(0));
    rules(
        &shop,
        &[
            &format!("FileUniqueness \"{folder}\" = 1.0"),
            &format!("FileMatch \"{folder}/twin-1.jsonl\" \"{folder}/twin-2.jsonl\""),
            &format!("FileMatch \"{folder}/twin-1.jsonl\" \"{folder}/other.jsonl\""),
        ],
        &[],
    );
    let check = shop.assay(&["quality", "check", PIPELINE, "--table", "silver.sales", "--json"]);
    let found: Value = serde_json::from_str(check.stdout.trim()).unwrap();
    assert_eq!(outcomes(&found), ["failed", "passed", "failed"], "{found}");
}

#[test]
fn mistakes_in_rules_are_found_before_a_run() {
    let shop = Shop::empty();
    rules(&shop, &["IsComplete \"citty\"", "IsUnique \"date\""], &["IsUnique \"dat\""]);
    let checked = shop.assay(&["validate", PIPELINE]);
    assert_eq!(checked.code, Some(1));
    assert!(checked.stdout.contains("`silver.sales` has no column `citty`"), "{}", checked.stdout);
    assert!(checked.stdout.contains("did you mean `city`?"), "{}", checked.stdout);
    assert!(checked.stdout.contains("has no such rule"), "{}", checked.stdout);
    rules(&shop, &["IsComplete"], &[]);
    let broken = shop.assay(&["run", PIPELINE]);
    assert_eq!(broken.code, Some(1));
    assert!(broken.stderr.contains("sales.dqdl:2:"), "{}", broken.stderr);
}

#[test]
fn two_runs_are_compared_rule_by_rule_and_row_by_row() {
    let shop = Shop::with_demo(1, 150);
    let date = shop.date(0);
    let record = r#"{"transaction_id":"FIX","date":"DATE","store_id":"S1","product_id":"P1","customer_id":"C1","quantity_sold":1,"unit_price":2.00,"city":CITY}"#;
    shop.record(&date, "fix.jsonl", &record.replace("CITY", "null"));
    rules(&shop, &[CITY, "IsComplete \"date\""], &[CITY]);
    assert_eq!(shop.assay(&["run", PIPELINE]).code, Some(3));
    let first = last(&shop);
    shop.record(&date, "fix.jsonl", &record.replace("CITY", "\"Recife\""));
    one_more(&shop, &date, "NEW");
    assert_eq!(shop.assay(&["run", PIPELINE]).code, Some(3));
    let found = shop.json(&["quality", "compare", &first, "last", "--table", "silver.sales"]);
    let table = &found["tables"][0];
    let rule = &table["rules"][0];
    assert_eq!((&rule["rule"], &rule["before"], &rule["after"]), (&CITY.into(), &"failed".into(), &"failed".into()));
    assert_eq!((rule["newly_failing"].as_u64(), rule["cured"].as_u64()), (Some(1), Some(1)), "{found}");
    assert_eq!(rule["newly_failing_examples"], serde_json::json!([[date, "NEW"]]));
    assert_eq!(rule["cured_examples"], serde_json::json!([[date, "FIX"]]));
    assert_eq!(table["unchanged"], 1);
    let told = shop.assay(&["quality", "compare", &first, "last"]);
    assert!(told.stdout.contains("1 row cured, such as"), "{}", told.stdout);
}

#[test]
fn proposed_rules_pass_on_what_they_were_made_from() {
    let shop = Shop::with_demo(2, 300);
    one_more(&shop, &shop.date(0), "NOWHERE");
    assert_eq!(shop.assay(&["run", PIPELINE]).code, Some(0));
    let proposed = shop.assay(&["quality", "suggest", TABLE]);
    assert_eq!(proposed.code, Some(0), "{}{}", proposed.stdout, proposed.stderr);
    for expected in ["IsUnique \"date\" \"transaction_id\"", "IsComplete \"store_id\"", "Completeness \"city\" >= 0.9"]
    {
        assert!(proposed.stdout.contains(expected), "{expected}: {}", proposed.stdout);
    }
    assert!(proposed.stdout.contains(" rows have a value."), "{}", proposed.stdout);
    rules(&shop, &["IsComplete \"date\""], &[]);
    let place = shop.workspace.root().join("pipelines").join(PIPELINE).join("quality/sales.dqdl");
    fs::write(place, &proposed.stdout).unwrap();
    assert_eq!(shop.assay(&["validate", PIPELINE]).code, Some(0));
    let check = shop.json(&["quality", "check", PIPELINE, "--table", "silver.sales"]);
    let outcomes: BTreeSet<&str> =
        check["evaluation"]["verdicts"].as_array().unwrap().iter().map(|v| v["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, BTreeSet::from(["passed"]), "{check}");
}

#[test]
fn failing_rows_are_masked_exported_and_outlived() {
    let shop = Shop::with_demo(1, 100);
    let date = shop.date(0);
    one_more(&shop, &date, "ADA");
    rules(&shop, &[FEW], &[FEW]);
    let place = shop.workspace.root().join("pipelines").join(PIPELINE).join("pipeline.toml");
    let text = fs::read_to_string(&place).unwrap().replace("runs = 50", "runs = 1");
    fs::write(&place, text).unwrap();
    assert_eq!(shop.assay(&["run", PIPELINE]).code, Some(3));
    let first = last(&shop);
    assert!(failing_folder(&shop, &first).is_dir());
    let rows = shop.json_all(&["quality", "failing", TABLE, "--limit", "1000"]);
    let ada = rows.iter().find(|row| row["transaction_id"] == "ADA").unwrap();
    assert_eq!((&ada["customer_name"], &ada["_rules"]), (&"Xxx Xxxxxxxx".into(), &"1".into()));
    assert!(ada["_reasons"].as_str().unwrap().contains("quantity_sold"), "{ada}");

    let csv = shop.workspace.root().join("rows.csv");
    let parquet = shop.workspace.root().join("rows.parquet");
    for (format, file) in [("csv", &csv), ("parquet", &parquet)] {
        let words = ["quality", "failing", TABLE, "--format", format, "--output", file.to_str().unwrap()];
        let written = shop.assay(&words);
        assert_eq!(written.code, Some(0), "{}{}", written.stdout, written.stderr);
    }
    let text = fs::read_to_string(&csv).unwrap();
    assert_eq!(text.lines().count(), rows.len() + 1);
    assert!(!text.contains("Lovelace") && text.contains("Xxx Xxxxxxxx"));
    assert!(fs::read(&parquet).unwrap().starts_with(b"PAR1"));
    let cut = shop.assay(&["quality", "failing", TABLE, "--limit", "2"]);
    assert!(cut.stdout.contains(&format!("2 of {} failing rows", rows.len())), "{}", cut.stdout);

    one_more(&shop, &date, "BEA");
    assert_eq!(shop.assay(&["run", PIPELINE]).code, Some(3));
    assert!(!failing_folder(&shop, &first).exists(), "one run keeps its rows");
    assert!(failing_folder(&shop, &last(&shop)).is_dir());
    let gone = shop.assay(&["quality", "failing", TABLE, "--run", &first]);
    assert_eq!(gone.code, Some(2));
    assert!(gone.stderr.contains("outlived"), "{}", gone.stderr);
    let doctor = shop.assay(&["doctor"]);
    assert!(doctor.stdout.contains("failing rows of 1 run take"), "{}", doctor.stdout);
}

#[test]
fn a_run_that_dies_while_rows_are_kept_is_finished_by_the_next() {
    let shop = Shop::with_demo(2, 300);
    rules(&shop, &[FEW, CITY], &[FEW, CITY]);
    let many = expected(&shop, &shop.date(0), |cell| cell("quantity_sold").unwrap().parse::<i64>().unwrap() >= 3);
    let runs = shop.workspace.root().join(".assay/runs");
    fs::create_dir_all(&runs).unwrap();
    let mut killed = 0;
    for nth in [1, 3, 6, 10] {
        let mut running = shop.start(&["run", PIPELINE, "--all"]);
        // The n-th look at which rows are being kept, or the end of the run.
        let mut seen = 0;
        while seen < nth && !running.has_ended_within(std::time::Duration::from_millis(1)).unwrap() {
            seen += u32::from(keeps_rows(&runs));
        }
        killed += u32::from(seen >= nth);
        running.kill_all().unwrap();
        let resumed = shop.assay(&["run", PIPELINE, "--resume"]);
        assert!([Some(3), Some(2)].contains(&resumed.code), "{}{}", resumed.stdout, resumed.stderr);
        let all = shop.assay(&["run", PIPELINE, "--all"]);
        assert_eq!(all.code, Some(3), "{}{}", all.stdout, all.stderr);
        assert_eq!(failing(&shop, &["--rule", "1", "--date", &shop.date(0)]), many);
        assert!(!keeps_rows(&runs), "nothing half done stays");
    }
    assert!(killed > 0, "no kill came while rows were kept");
}

/// Whether any run has rows that are not cut and masked yet.
fn keeps_rows(runs: &std::path::Path) -> bool {
    let failing = fs::read_dir(runs).unwrap().flatten().map(|run| run.path().join("failing"));
    let names = failing.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    names.into_iter().any(|entry| entry.file_name().to_string_lossy().ends_with(".half"))
}
