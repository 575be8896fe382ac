//! Mistakes of whole definitions.

#![allow(clippy::unwrap_used)]
use crate::contract::{Bound, Range};
use crate::diagnostic::{Mistake, Mistakes};
use crate::expression::{Expression, Number};
use crate::{ColumnType, Pipeline};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

mod agreed;
mod features;
mod quality;

const SMALL: &str = r#"name = "small"

[schedule]
cron = "0 */4 * * *"
zone = "UTC"

[bronze.sales]
path = "bronze/sales/date=*"
formats = ["csv", "json"]

[silver.sales]
source = "sales"
key = ["date", "id"]
partition = "date"

[silver.sales.columns]
id = { type = "string(10)", required = true, clean = ["lower"] }
date = { type = "date", formats = ["%Y-%m-%d"], required = true }
amount = { type = "decimal(10,2)", range = "> 0" }
total = { type = "decimal(12,2)", default = "amount * 2" }

[silver.sales.checks]
total = "total >= amount"

[gold.daily]
sql = "gold/daily.sql"
grain = ["date"]
partition = "date"

[gold.overall]
sql = "gold/overall.sql"
grain = ["year"]

[warehouse]
schema = "small"

[warehouse.load.daily]
mode = "replace_dates"
distribution_key = "date"
sort_key = ["date"]
reconcile = ["revenue"]

[warehouse.load.overall]
mode = "replace_all"
"#;
const DAILY: &str = "select date, sum(total) as revenue\nfrom silver.sales\ngroup by date\n";
const OVERALL: &str =
    "select extract(year from d.date) as year, sum(d.revenue) as revenue\nfrom gold.daily d\ngroup by 1\n";

/// Writes the small pipeline with each `(from, to)` replaced in any of its files.
fn write(changes: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("gold")).unwrap();
    let mut used = vec![false; changes.len()];
    for (name, text) in [("pipeline.toml", SMALL), ("gold/daily.sql", DAILY), ("gold/overall.sql", OVERALL)] {
        let mut text = text.to_owned();
        for (at, (from, to)) in changes.iter().enumerate() {
            used[at] |= text.contains(from);
            text = text.replace(from, to);
        }
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    assert!(used.iter().all(|used| *used), "a change fits nowhere: {changes:?}");
    folder
}

fn shown(folder: &Path, mistakes: Mistakes) -> String {
    let relative = |file: PathBuf| file.strip_prefix(folder).map(Path::to_owned).unwrap_or(file);
    let mistakes = mistakes.0.into_iter().map(|mistake| Mistake { file: relative(mistake.file.clone()), ..mistake });
    Mistakes(mistakes.collect()).to_string()
}

/// The mistakes of the small pipeline with changes.
fn mistakes(changes: &[(&str, &str)]) -> String {
    let folder = write(changes);
    shown(folder.path(), Pipeline::read(folder.path()).unwrap_err())
}

/// The messages alone, for tables of many mistakes: `line:column message (suggestion?)`.
fn brief(changes: &[&[(&str, &str)]]) -> String {
    changes.iter().map(|change| brief_of(&write(change), change)).collect()
}

fn brief_of(folder: &TempDir, change: &[(&str, &str)]) -> String {
    let Err(mistakes) = Pipeline::read(folder.path()) else { return format!("accepted: {change:?}\n") };
    let mut found = String::new();
    for mistake in mistakes.0 {
        let under: String =
            mistake.source_line.chars().skip(mistake.caret.saturating_sub(1)).take(mistake.width).collect();
        let suggestion = mistake.suggestion.map_or(String::new(), |meant| format!(" ({meant}?)"));
        found.push_str(&format!("{}:{} [{under}] {}{suggestion}\n", mistake.line, mistake.column, mistake.message));
    }
    found
}

#[test]
fn the_small_pipeline_is_read_whole() {
    let folder = write(&[]);
    let pipeline = Pipeline::read(folder.path()).unwrap();
    insta::assert_debug_snapshot!(pipeline.contracts[0].columns[3], @r#"
    Column {
        name: "total",
        path: [
            "total",
        ],
        kind: Decimal {
            precision: 12,
            scale: 2,
        },
        formats: [],
        required: false,
        range: None,
        clean: [],
        default: Some(
            Arithmetic(
                Column(
                    "amount",
                ),
                Multiply,
                Number(
                    Number {
                        unscaled: 2,
                        scale: 0,
                    },
                ),
            ),
        ),
        pii: false,
        computed: None,
    }
    "#);
    assert_eq!(
        pipeline.contracts[0].columns[2].range,
        Some(Range { low: Some(Bound { value: Number { unscaled: 0, scale: 0 }, inclusive: false }), high: None })
    );
    assert_eq!(pipeline.models.iter().map(|model| model.sql.as_str()).collect::<Vec<_>>(), [DAILY, OVERALL]);
    assert_eq!(pipeline.schedule.unwrap().words(), "Every 4 hours");
}

#[test]
fn models_come_after_what_they_read() {
    let swapped = [
        ("[gold.daily]\nsql = \"gold/daily.sql\"\ngrain = [\"date\"]\npartition = \"date\"\n", ""),
        (
            "[warehouse]\n",
            "[gold.daily]\nsql = \"gold/daily.sql\"\ngrain = [\"date\"]\npartition = \"date\"\n[warehouse]\n",
        ),
    ];
    let folder = write(&swapped);
    let pipeline = Pipeline::read(folder.path()).unwrap();
    assert_eq!(pipeline.models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["daily", "overall"]);
}

#[test]
fn all_mistakes_of_all_files_come_at_once() {
    insta::assert_snapshot!(mistakes(&[
        ("formats = [\"csv\", \"json\"]", "formts = [\"csv\"]\nformats = [\"cvs\", \"json\"]"),
        ("key = [\"date\", \"id\"]", "key = [\"date\", \"idd\"]"),
        ("total >= amount", "totl >= amount"),
        ("from silver.sales", "from silver.sale"),
        ("\"replace_all\"", "\"replace_al\""),
    ]), @r#"
    pipeline.toml:9:1: the key `formts` is not known here; known are path, formats, encoding, dates, once, dead_letter, feed
    formts = ["csv"]
    ^^^^^^
    help: did you mean `formats`?

    pipeline.toml:10:12: a format is one of csv, json, parquet
    formats = ["cvs", "json"]
               ^^^^^
    help: did you mean `csv`?

    pipeline.toml:14:16: there is no column `idd`
    key = ["date", "idd"]
                   ^^^^^
    help: did you mean `id`?

    pipeline.toml:24:10: there is no column `totl`
    total = "totl >= amount"
             ^^^^
    help: did you mean `total`?

    pipeline.toml:45:8: a load mode is one of replace_dates, replace_all
    mode = "replace_al"
           ^^^^^^^^^^^^
    help: did you mean `replace_all`?

    gold/daily.sql:2:6: there is no table `silver.sale` in this pipeline
    from silver.sale
         ^^^^^^^^^^^
    help: did you mean `silver.sales`?
    "#);
}

#[test]
fn toml_that_is_none_shows_every_place() {
    insta::assert_snapshot!(mistakes(&[("zone = \"UTC\"", "zone = \"UTC"), ("name = \"small\"", "name = small"), ("source = \"sales\"", "source = \"sales\"\nsource = \"b\"")]), @r#"
    pipeline.toml:1:8: string values must be quoted, expected literal string
    name = small
           ^^^^^

    pipeline.toml:5:12: invalid basic string, expected `"`
    zone = "UTC
               ^

    pipeline.toml:13:1: duplicate key
    source = "b"
    ^^^^^^
    "#);
}

#[test]
fn keys_and_values_are_checked() {
    insta::assert_snapshot!(brief(&[
        &[("name = \"small\"", "")],
        &[("name = \"small\"", "name = 5")],
        &[("name = \"small\"", "name = \"SmallSales\"")],
        &[("name = \"small\"", "nam = \"small\"")],
        &[("cron = \"0 */4 * * *\"", "cron = \"0 */4 * *\"")],
        &[("cron = \"0 */4 * * *\"", "cron = \"0 25 * * *\"")],
        &[("zone = \"UTC\"", "zone = \"America/Recif\"")],
        &[("zone = \"UTC\"", "")],
        &[("path = \"bronze/sales/date=*\"", "path = \"../sales\"")],
        &[("formats = [\"csv\", \"json\"]", "formats = []")],
        &[("formats = [\"csv\", \"json\"]", "formats = [\"csv\", \"csv\"]")],
        &[("formats = [\"csv\", \"json\"]", "formats = \"csv\"\nencoding = \"utf8\"")],
        &[("[bronze.sales]", "[bronze.Sales]")],
        &[("source = \"sales\"", "source = \"sale\"")],
        &[("partition = \"date\"\n\n[silver", "partition = \"day\"\n\n[silver")],
        &[("partition = \"date\"\n\n[silver", "partition = \"id\"\n\n[silver")],
        &[("formats = [\"%Y-%m-%d\"], required = true", "formats = [\"%Y-%m-%d\"]")],
        &[("[silver.sales.columns]", "[silver.sales.columns]\n_source_file = { type = \"string\" }")],
        &[("[silver.sales.columns]", "[silver.sales.columns]\nplain = \"string\"")],
        &[("key = [\"date\", \"id\"]", "key = [\"date\", \"date\"]")],
    ]), @r#"
    1:1 [] `name` is missing
    1:8 [5] `name` takes a text in quotes, and this is a number
    1:8 ["SmallSales"] `SmallSales` is not a name: lower-case letters, digits and `_`, a letter first, at most 63 characters (small_sales?)
    1:1 [nam] the key `nam` is not known here; known are name, description, schedule, bronze, silver, gold, warehouse, failing_rows (name?)
    1:1 [n] `name` is missing
    4:9 [0 */4 * *] a schedule has five fields (minute, hour, day, month, weekday), and this has 4
    4:11 [25] the hour is `*`, a number from 0 to 23, a range, a step or a list
    5:9 [America/Recif] this time zone is not known; zones have names such as `UTC` or `America/Recife` (America/Recife?)
    3:2 [schedule] `zone` is missing
    8:8 ["../sales"] a folder of the path is empty, `.` or `..`
    9:11 [[]] `formats` is empty
    9:19 ["csv"] `csv` stands in this list twice
    9:11 ["csv"] `formats` takes a list of texts, and this is a text
    10:12 ["utf8"] an encoding is one of utf-8, latin-1, windows-1252 (utf-8?)
    7:9 [Sales] `Sales` is not a name: lower-case letters, digits and `_`, a letter first, at most 63 characters (sales?)
    12:10 ["sales"] there is no source `sales`: `[bronze.sales]` is missing (Sales?)
    12:10 ["sale"] there is no source `sale`: `[bronze.sale]` is missing (sales?)
    14:13 ["day"] there is no column `day` (date?)
    14:13 ["id"] the partition is a date column, and `id` is a string(10)
    18:1 [date] `date` is the partition, so it needs `required = true`
    17:1 [_source_file] `_source_file` is not a name: lower-case letters, digits and `_`, a letter first, at most 63 characters (source_file?)
    17:9 ["string"] `plain` takes a table, and this is a text
    13:16 ["date"] `date` stands in this list twice
    "#);
}

#[test]
fn columns_are_checked() {
    insta::assert_snapshot!(brief(&[
        &[("type = \"string(10)\"", "type = \"strng(10)\"")],
        &[("type = \"string(10)\"", "type = \"string(0)\"")],
        &[("\"decimal(10,2)\"", "\"decimal(39,2)\"")],
        &[("\"decimal(10,2)\"", "\"decimal(10,12)\"")],
        &[("type = \"string(10)\", ", "")],
        &[("required = true, clean", "requird = true, clean")],
        &[("required = true, clean", "required = \"yes\", clean")],
        &[("required = true, clean = [\"lower\"]", "required = true, range = \"> 0\"")],
        &[("clean = [\"lower\"]", "clean = [\"lowr\"]")],
        &[("range = \"> 0\"", "range = \"> zero\"")],
        &[("range = \"> 0\"", "range = \"> 5 and < 1\"")],
        &[("range = \"> 0\"", "clean = [\"lower\"]")],
        &[("range = \"> 0\"", "formats = [\"%Y\"]")],
        &[("formats = [\"%Y-%m-%d\"], ", "")],
        &[("formats = [\"%Y-%m-%d\"], ", "formats = [], ")],
        &[("formats = [\"%Y-%m-%d\"], ", "formats = [\"%Y-%M-%d\"], ")],
        &[("formats = [\"%Y-%m-%d\"], ", "formats = [\"%Y-%m-%d\"], default = \"date\", ")],
        &[("default = \"amount * 2\"", "default = \"amont * 2\"")],
        &[("default = \"amount * 2\"", "default = \"id\"")],
        &[("default = \"amount * 2\"", "default = \"total\"")],
        &[("default = \"amount * 2\"", "default = \"amount >\"")],
        &[("clean = [\"lower\"]", "path = []")],
        &[("clean = [\"lower\"]", "path = [\"order\", 5]")],
    ]), @r#"
    17:16 [strng] a type is one of string, int32, int64, decimal, double, boolean, date, timestamp, instant (string?)
    17:23 [0] the limit of a string is a number of characters above 0
    19:28 [39] the precision of a decimal is 1 to 38 digits
    19:31 [12] the scale of a decimal is 0 to its precision, 10
    17:1 [id] `type` is missing
    17:29 [requird] the key `requird` is not known here; known are type, path, formats, required, range, clean, default, value, pii (required?)
    17:40 ["yes"] `required` takes true or false, and this is a text
    17:54 ["> 0"] a range is for numbers, and `id` is a string(10)
    17:55 ["lowr"] a cleaning is one of lower, upper, underscore, whole_number (lower?)
    19:45 [> zero] a range is a sign and a number, such as `> 0` or `>= 0 and <= 100`
    19:45 [> 5 and < 1] no number lies in this range
    19:44 [["lower"]] cleaning is for strings, and `amount` is a decimal(10,2)
    19:46 [["%Y"]] formats are for dates and times, and `amount` is a decimal(10,2)
    18:1 [date] `formats` is missing: a date is never guessed, for example formats = ["%Y-%m-%d"]
    18:35 [[]] `formats` is empty
    18:40 [%M] `%M` is not a part of this format; parts are %Y, %y, %m, %d
    18:59 ["date"] `date` is a date, which has no default; `value` computes one
    20:46 [amont] there is no column `amont` (amount?)
    20:45 ["id"] `total` is a decimal(12,2), and this gives a text
    20:45 ["total"] a default cannot use `total`, because `total` has a default itself
    20:54 ["] the expression ends where a value is expected
    17:53 [[]] `path` is empty
    17:63 [5] `path` takes a text in quotes, and this is a number
    "#);
}

#[test]
fn checks_models_and_loads_are_checked() {
    insta::assert_snapshot!(brief(&[
        &[("total >= amount", "total + amount")],
        &[("total >= amount", "id >= amount")],
        &[("total >= amount", "total \\u003e= amont")],
        &[("\"total >= amount\"", "'''\ntotal >= amont'''")],
        &[("\"total >= amount\"", "5")],
        &[("sql = \"gold/daily.sql\"", "sql = \"gold/dayly.sql\"")],
        &[("sql = \"gold/daily.sql\"", "sql = \"../daily.sql\"")],
        &[("sql = \"gold/daily.sql\"", "")],
        &[("grain = [\"year\"]", "grain = []")],
        &[("grain = [\"year\"]", "grain = [\"yaer\"]")],
        &[(DAILY, "-- nothing yet\n")],
        &[("from gold.daily", "from gold.daly")],
        &[("from gold.daily", "from glod.daily")],
        &[("from silver.sales", "from silver.sales join gold.overall on true")],
        &[("from silver.sales", "from gold.daily")],
        &[("[warehouse.load.daily]", "[warehouse.load.dayly]")],
        &[("mode = \"replace_all\"", "mode = \"replace_dates\"")],
        &[("mode = \"replace_all\"", "")],
        &[("distribution_key = \"date\"", "distribution_key = \"day\"")],
        &[("reconcile = [\"revenue\"]", "reconcile = [\"revenu\"]")],
        &[("schema = \"small\"", "schema = \"Small\"")],
        &[("schema = \"small\"", "")],
    ]), @r#"
    23:9 ["total + amount"] a check is a condition, and this gives a number
    23:10 [id >= amount] a text cannot be compared with a number
    23:9 ["total \u003e= amont"] there is no column `amont` (amount?)
    24:10 [amont] there is no column `amont` (amount?)
    23:9 [5] `total` takes a text in quotes, and this is a number
    26:7 ["gold/dayly.sql"] this file does not exist in the pipeline's folder (gold/daily.sql?)
    26:7 ["../daily.sql"] a model's SQL is a file `gold/<name>.sql` in the pipeline's folder (gold/daily.sql?)
    25:7 [daily] `sql` is missing
    32:9 [[]] `grain` is empty
    32:10 ["yaer"] the model `overall` gives no column `yaer` (year?)
    26:7 ["gold/daily.sql"] `gold/daily.sql` holds no SELECT
    2:6 [gold.daly] there is no table `gold.daly` in this pipeline (gold.daily?)
    2:6 [glod.daily] a model reads `silver.<table>` and `gold.<model>`, and `glod.daily` is neither (gold.daily?)
    2:24 [gold.overall] models read each other in a circle: daily reads overall reads daily
    2:6 [gold.daily] models read each other in a circle: daily reads daily
    37:17 [dayly] there is no model `dayly` to load: `[gold.dayly]` is missing (daily?)
    44:8 ["replace_dates"] `overall` has no partition, so its dates cannot be replaced (replace_all?)
    43:17 [overall] `mode` is missing
    39:20 ["day"] the model `daily` gives no column `day` (date?)
    41:14 ["revenu"] the model `daily` gives no column `revenu` (revenue?)
    35:10 ["Small"] `Small` is not a name: lower-case letters, digits and `_`, a letter first, at most 63 characters (small?)
    34:2 [warehouse] `schema` is missing
    "#);
}

#[test]
fn files_and_folders_that_cannot_be_read_are_mistakes() {
    let folder = write(&[]);
    let missing = folder.path().join("missing");
    let mut found = vec![shown(folder.path(), Pipeline::read(&missing).unwrap_err())];
    found.push(shown(folder.path(), Pipeline::read(&folder.path().join("gold")).unwrap_err()));
    found.push(shown(folder.path(), Pipeline::read(&folder.path().join("pipeline.toml")).unwrap_err()));
    std::fs::remove_file(folder.path().join("gold/daily.sql")).unwrap();
    std::fs::create_dir(folder.path().join("gold/daily.sql")).unwrap();
    std::fs::write(folder.path().join("gold/overall.sql"), b"select 'S\xe3o'\n").unwrap();
    found.push(shown(folder.path(), Pipeline::read(folder.path()).unwrap_err()));
    insta::assert_snapshot!(found.join("\n\n"), @r#"
    missing: the folder cannot be read: No such file or directory (os error 2)

    gold/pipeline.toml: the file does not exist

    pipeline.toml: this is a file; a pipeline is a folder with a pipeline.toml

    gold/daily.sql: this is a folder, and a file is expected

    gold/overall.sql:1:10: this is not UTF-8; save the file as UTF-8
    select 'S�o'
             ^
    "#);
}

#[test]
fn thousands_of_mistakes_end_soon() {
    let many: String = (0..40_000).map(|at| format!("wrong_{at} = 1\n")).collect();
    let folder = write(&[("name = \"small\"\n", &format!("name = \"small\"\n{many}"))]);
    let mistakes = Pipeline::read(folder.path()).unwrap_err();
    assert_eq!(mistakes.0.len(), 101);
    assert_eq!(mistakes.0[100].message, "39900 more mistakes are not shown");
}

#[test]
fn toml_without_end_is_refused_soon() {
    let deep = |start: &str, more: &str| format!("{start}{}\n", more.repeat(300_000));
    for text in [
        deep("a = ", "["),
        deep("a = ", "{a="),
        deep("a", ".a"),
        deep("[a", ".a"),
        deep("", "= "),
        deep("", "\"a\" "),
        "\0".repeat(900_000),
        "[[".repeat(300_000),
    ] {
        let folder = write(&[("name = \"small\"\n", &text)]);
        assert!(Pipeline::read(folder.path()).unwrap_err().0.len() <= 101);
    }
}

#[test]
fn the_digest_follows_every_file() {
    let digest = |folder: &TempDir| Pipeline::read(folder.path()).unwrap().digest;
    let first = digest(&write(&[]));
    assert_eq!(first, digest(&write(&[])), "another folder changes nothing");
    assert_ne!(first, digest(&write(&[("group by date", "group by date ")])));
    assert_ne!(first, digest(&write(&[("> 0", ">= 0")])));
    let folder = write(&[]);
    std::fs::write(folder.path().join("gold/extra.sql"), "select 1").unwrap();
    assert_ne!(first, digest(&folder));
}

#[test]
fn outputs_of_the_compiler_are_checked_against_the_definition() {
    let folder = write(&[]);
    let pipeline = Pipeline::read(folder.path()).unwrap();
    let output = |model: &str, columns: &[(&str, ColumnType)]| {
        (model.to_owned(), columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect())
    };
    let revenue = ColumnType::Decimal { precision: 38, scale: 2 };
    let good = [
        output("daily", &[("date", ColumnType::Date), ("revenue", revenue)]),
        output("overall", &[("year", ColumnType::Int32), ("revenue", revenue)]),
    ];
    assert_eq!(pipeline.check_outputs(&good), Ok(()));
    let text = ColumnType::String { limit: None };
    let bad = [
        output("daily", &[("date", ColumnType::Timestamp), ("revenue", text)]),
        output("overall", &[("years", ColumnType::Int32)]),
    ];
    insta::assert_snapshot!(shown(folder.path(), pipeline.check_outputs(&bad).unwrap_err()), @r#"
    pipeline.toml:28:13: the partition is a date column, and `date` is a timestamp
    partition = "date"
                ^^^^^^

    pipeline.toml:32:10: the model `overall` gives no column `year`
    grain = ["year"]
             ^^^^^^
    help: did you mean `years`?

    pipeline.toml:41:14: sums are compared of exact numbers, and `revenue` is a string
    reconcile = ["revenue"]
                 ^^^^^^^^^
    "#);
}
