//! A workspace of one pipeline for its journey, and what every layer of it holds.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, reason = "each journey uses some of it")]

use assay_testkit::delta::DeltaTable;
use assay_testkit::s3::{Bucket, Server};
use assay_testkit::{Counts, Layers, Outcome, Table, Workspace, assert_same_rows, copies, table_of};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tempfile::TempDir;

/// First business date of every journey.
pub const FIRST: &str = "2026-01-05";

/// Where the lake lies in a bucket of a journey.
pub const PREFIX: &str = "team/lake";

pub struct Journey {
    pub workspace: Workspace,
    pub pipeline: &'static str,
    remote: Option<Remote>,
}

/// A lake in a bucket, and the folder that it is copied to where a journey looks at it.
struct Remote {
    bucket: Bucket,
    copy: TempDir,
}

impl Journey {
    pub fn new(pipeline: &'static str) -> Self {
        Self { workspace: Workspace::new().unwrap(), pipeline, remote: None }
    }

    /// The lake lies in a bucket that the program reaches at this endpoint.
    pub fn in_bucket(pipeline: &'static str, server: &Server, bucket: Bucket, endpoint: &str) -> Self {
        let mut workspace = Workspace::new().unwrap();
        let lake = format!("s3://{}/{PREFIX}", bucket.name());
        let settings = format!("[environments.local]\nlake = \"{lake}\"\ns3.endpoint = \"{endpoint}\"\n");
        workspace.write_at_root("assay.toml", settings.as_bytes()).unwrap();
        for (name, value) in server.variables() {
            workspace.set(&name, &value);
        }
        let copy = tempfile::Builder::new().prefix("assay-copy-").tempdir().unwrap();
        Self { workspace, pipeline, remote: Some(Remote { bucket, copy }) }
    }

    /// The bucket of a lake that lies in one.
    pub fn bucket(&self) -> &Bucket {
        &self.remote.as_ref().unwrap().bucket
    }

    /// The key of a path below the pipeline's lake folder.
    pub fn key(&self, path: &str) -> String {
        format!("{PREFIX}/{}/{path}", self.pipeline)
    }

    /// Generated data of these dates; more words may follow.
    pub fn demo(&self, dates: u32, records: u64, more: &[&str]) {
        let (dates, records) = (dates.to_string(), records.to_string());
        let words = ["demo", self.pipeline, "--first", FIRST, "--dates", &dates, "--records", &records];
        self.succeed(&[&words[..], more].concat());
    }

    /// Runs the pipeline to a good end.
    pub fn run(&self, more: &[&str]) -> Outcome {
        self.succeed(&[&["run", self.pipeline][..], more].concat())
    }

    pub fn succeed(&self, words: &[&str]) -> Outcome {
        let outcome = self.assay(words);
        assert_eq!(outcome.code, Some(0), "{words:?}: {}{}", outcome.stdout, outcome.stderr);
        outcome
    }

    pub fn assay(&self, words: &[&str]) -> Outcome {
        self.workspace.assay(words).unwrap()
    }

    /// Every JSON document that a verb prints.
    pub fn json(&self, words: &[&str]) -> Vec<Value> {
        let outcome = self.succeed(&[words, &["--json"]].concat());
        let lines = outcome.stdout.lines().filter(|line| line.starts_with('{'));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The last run as the program shows it.
    pub fn last(&self) -> Value {
        self.json(&["show", "last"]).remove(0)
    }

    /// Ids of all runs, newest first.
    pub fn runs(&self) -> Vec<String> {
        self.json(&["runs"]).iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The pipeline's folder of the lake as it is now; of one in a bucket a copy.
    pub fn lake(&self) -> PathBuf {
        let Some(Remote { bucket, copy }) = &self.remote else { return self.workspace.lake(self.pipeline) };
        let folder = copy.path().join(self.pipeline);
        bucket.copy_to(&format!("{PREFIX}/{}", self.pipeline), &folder).unwrap();
        folder
    }

    /// A table by its folder below the pipeline's lake folder.
    pub fn table(&self, folder: &str) -> DeltaTable {
        DeltaTable::read(&self.lake().join(folder)).unwrap()
    }

    /// Rows without the audit columns; an empty table where there is none.
    pub fn rows(&self, folder: &str) -> Table {
        let table = self.table(folder);
        let names: Vec<String> = table.frame.get_column_names().iter().map(ToString::to_string).collect();
        let mut kept: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.starts_with('_')).collect();
        kept.sort_unstable();
        table.table(&kept).unwrap()
    }

    /// The n-th business date.
    pub fn date(&self, n: u64) -> String {
        let first: chrono::NaiveDate = FIRST.parse().unwrap();
        (first + chrono::Days::new(n)).to_string()
    }

    pub fn write(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let Some(Remote { bucket, copy }) = &self.remote else {
            return self.workspace.write(self.pipeline, path, bytes).unwrap();
        };
        bucket.put(&self.key(path), bytes).unwrap();
        copy.path().join(self.pipeline).join(path)
    }

    pub fn expect_table(&self, folder: &str, expected: &Table) {
        assert_same_rows(expected, &self.table(folder).table(&columns(expected)).unwrap());
    }

    /// Place and primary reason of everything that a silver table refused.
    pub fn expect_refused(&self, table: &str, expected: &Layers) {
        let there = self.table(&format!("quarantine/{table}"));
        let mut there = table_of(&there.frame, &["_source_file", "_source_line", "reason"]).unwrap();
        there.columns = expected.refused(table).columns;
        assert_same_rows(&expected.refused(table), &there);
    }

    /// The bytes of every refused record are kept as its file has them.
    pub fn expect_raw(&self, table: &str, expected: &Layers) {
        let frame = self.table(&format!("quarantine/{table}")).frame;
        let mut there = BTreeMap::new();
        for row in 0..frame.height() {
            let text = |name: &str| frame.column(name).unwrap().str().unwrap().get(row).unwrap().to_owned();
            let number = |name: &str| frame.column(name).unwrap().get(row).unwrap().extract::<u64>().unwrap();
            let raw = frame.column("raw").unwrap().binary().unwrap().get(row).unwrap().to_vec();
            there.insert((text("_source_file"), number("_source_line"), number("_byte_offset")), raw);
        }
        for refused in &expected.quarantine[table] {
            let place = (refused.file.clone(), refused.line, refused.offset);
            assert_eq!(there.get(&place), Some(&refused.raw), "{place:?}");
        }
    }

    /// The counts of the last run, and that they add up.
    pub fn expect_counts(&self, expected: Counts) {
        let last = self.last();
        let counts = &last["counts"];
        let of = |name: &str| counts[name].as_u64().unwrap_or_else(|| panic!("{name} is missing in {counts}"));
        let there = Counts {
            read: of("read") - counts["elsewhere"].as_u64().unwrap_or(0),
            accepted: of("accepted"),
            quarantined: of("quarantined"),
            blank: of("blank"),
        };
        assert_eq!(there, expected);
        assert_eq!(last["balanced"], true, "{counts}");
    }

    /// Every row of a warehouse table as the program shows it, page by page; moments in one form.
    pub fn warehouse(&self, name: &str, like: &Table) -> Table {
        self.pages(&format!("warehouse.{name}"), like)
    }

    /// Every row of a table such as `gold.daily` as the program shows it, page by page; moments in one form.
    pub fn pages(&self, table: &str, like: &Table) -> Table {
        let table = format!("{}.{table}", self.pipeline);
        let mut rows = Vec::new();
        loop {
            let offset = rows.len().to_string();
            let page = self.json(&["preview", &table, "--limit", "500", "--offset", &offset]);
            let last = page.len() < 500;
            // Whole numbers of the lake come as numbers.
            let text = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
            let cell = |row: &Value, column: &&str| (!row[*column].is_null()).then(|| text(&row[*column]));
            rows.extend(page.iter().map(|row| columns(like).iter().map(|column| cell(row, column)).collect()));
            if last {
                break;
            }
        }
        moments(&Table::new(&columns(like), rows))
    }

    pub fn expect_warehouse(&self, name: &str, expected: &Table) {
        assert_same_rows(&moments(expected), &self.warehouse(name, expected));
    }

    pub fn expect_pages(&self, table: &str, expected: &Table) {
        assert_same_rows(&moments(expected), &self.pages(table, expected));
    }

    /// A copy in CSV or TSV, of one file or of one for each date.
    pub fn expect_text(&self, folder: &str, expected: &Table) {
        let there = copies::text(&self.lake().join(folder), &columns(expected)).unwrap();
        assert_same_rows(&moments(expected), &moments(&there));
    }

    /// A copy in Parquet, of one file or of one for each date.
    pub fn expect_parquet(&self, folder: &str, expected: &Table) {
        assert_same_rows(expected, &copies::parquet(&self.lake().join(folder), &columns(expected)).unwrap());
    }

    /// Every layer of `sales_star`, its copies and its warehouse tables.
    pub fn expect_star(&self, expected: &Layers) {
        self.expect_table("tables/silver/sales", &expected.silver["sales"]);
        self.expect_parquet("silver/sales", &expected.silver["sales"]);
        for (name, table) in &expected.gold {
            self.expect_table(&format!("tables/gold/{name}"), table);
            self.expect_parquet(&format!("gold/{name}"), table);
            self.expect_text(&format!("gold/csv/{name}"), table);
            self.expect_warehouse(name, table);
        }
    }

    /// A date is planned, run again, compared and undone, and the next run does it once more: `before` and `after`
    /// check every layer. Gives the difference that the run made.
    pub fn reprocess(&self, date: &str, before: &dyn Fn(), after: &dyn Fn()) -> Value {
        let runs = self.runs();
        let words = ["reprocess", self.pipeline, "--date", date];
        let plan = self.json(&[&words[..], &["--plan"]].concat());
        assert!(plan[0].to_string().contains(date), "{}", plan[0]);
        assert_eq!(self.runs(), runs, "a plan is no run");
        before();
        self.succeed(&[&words[..], &["--reason", "a corrected file"]].concat());
        let run = self.runs()[0].clone();
        assert_ne!(run, runs[0]);
        after();
        let difference = self.json(&["diff", &format!("run:{run}")]).remove(0);
        assert_eq!(difference["left_out"].as_array().unwrap().len(), 0, "{difference}");
        self.succeed(&["undo", &run, "--reason", "the file was wrong"]);
        before();
        // What the undone run had read counts as changed again.
        self.run(&[]);
        after();
        difference
    }

    /// Takes the first line that holds `text` out of a source file, as a correction does; its time stays.
    pub fn take_out(&self, path: &str, text: &str) -> String {
        let place = self.lake().join(path);
        let modified = place.metadata().unwrap().modified().unwrap();
        let bytes = std::fs::read(&place).unwrap();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
        let holds = |line: &&[u8]| line.windows(text.len()).any(|part| part == text.as_bytes());
        let at = lines.iter().position(holds).unwrap_or_else(|| panic!("{path} does not hold {text}"));
        let rest = [&lines[..at], &lines[at + 1..]].concat().concat();
        self.write(path, &rest);
        if self.remote.is_none() {
            std::fs::File::options().write(true).open(&place).unwrap().set_modified(modified).unwrap();
        }
        String::from_utf8_lossy(lines[at]).into_owned()
    }

    /// Bytes of every file below a folder of the lake, by path below it.
    pub fn bytes(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let folder = self.lake().join(folder);
        let name = |path: &PathBuf| path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        copies::files(&folder).unwrap().iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
    }
}

pub fn columns(table: &Table) -> Vec<&str> {
    table.columns.iter().map(String::as_str).collect()
}

/// What a difference says of one table, such as `silver.sales`.
pub fn of_table<'a>(difference: &'a Value, table: &str) -> &'a Value {
    let tables = difference["tables"].as_array().unwrap();
    let named = |found: &&Value| found["table"].as_str().unwrap().ends_with(&format!(".{table}"));
    tables.iter().find(named).unwrap_or_else(|| panic!("{table} is not in {difference}"))
}

/// Rows added, removed and changed.
pub fn moved(table: &Value) -> [u64; 3] {
    ["added", "removed", "changed"].map(|name| table[name].as_u64().unwrap())
}

/// The rows of one date.
pub fn of_date(table: &Table, column: &str, date: &str) -> Table {
    let place = table.columns.iter().position(|name| name == column).unwrap();
    let rows = table.rows.iter().filter(|row| row[place].as_deref() == Some(date));
    Table::new(&columns(table), rows.cloned().collect())
}

/// Moments as text in one form, whatever wrote them: a space between date and time, no zeros behind the second.
pub fn moments(table: &Table) -> Table {
    let cell = |cell: &Option<String>| {
        let text = cell.as_deref()?;
        let is_moment = text.len() >= 19 && text.as_bytes()[4] == b'-' && matches!(text.as_bytes()[10], b'T' | b' ');
        if !is_moment || text[..10].parse::<chrono::NaiveDate>().is_err() {
            return Some(text.to_owned());
        }
        let rest = text[11..].trim_end_matches('Z').trim_end_matches("+00");
        Some(format!("{} {}", &text[..10], rest.strip_suffix(".000000").unwrap_or(rest)))
    };
    let rows = table.rows.iter().map(|row| row.iter().map(cell).collect());
    Table::new(&columns(table), rows.collect())
}
