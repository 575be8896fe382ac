//! Runs conformance cases of evaluation: data and a ruleset with what the open evaluator gave, and what the service's
//! documentation says where that is something else.
#![allow(clippy::print_stdout)]

mod case;
mod compare;
mod frames;
mod reasons;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use crate::case::Case;

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        println!("Give one or more files of cases.");
        return ExitCode::from(2);
    }
    let rows = std::env::temp_dir().join(format!("assay-evaluation-{}.parquet", std::process::id()));
    let mut tally = Tally::default();
    for file in &files {
        match cases(file) {
            Ok(cases) => cases.iter().enumerate().for_each(|(at, case)| tally.case(file, at, case, &rows)),
            Err(message) => {
                println!("{message}");
                return ExitCode::from(2);
            }
        }
    }
    tally.print();
    if tally.disagreements.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A list of cases, alone or under a key of an object.
fn cases(file: &str) -> Result<Vec<Value>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file} cannot be read: {error}"))?;
    let value: Value =
        serde_json::from_str(&case::strict(&text)).map_err(|error| format!("{file} is no JSON: {error}"))?;
    let list = match value {
        Value::Array(list) => Some(list),
        Value::Object(map) => map.into_iter().find_map(|(_, value)| match value {
            Value::Array(list) => Some(list),
            _ => None,
        }),
        _ => None,
    };
    list.filter(|list| !list.is_empty()).ok_or_else(|| format!("{file} holds no list of cases."))
}

#[derive(Default)]
struct Tally {
    agreed: BTreeMap<String, usize>,
    disagreed: BTreeMap<String, usize>,
    /// Disagreements that a written reason covers.
    excused: BTreeMap<String, usize>,
    covered: BTreeMap<String, Vec<String>>,
    disagreements: Vec<String>,
}

impl Tally {
    fn case(&mut self, file: &str, at: usize, json: &Value, rows: &Path) {
        let name = json["id"].as_str().map_or_else(|| format!("{file} #{at}"), str::to_owned);
        let case = match Case::read(json) {
            Ok(case) => case,
            Err(message) => {
                self.disagreements.push(format!("{name}: {message}"));
                return;
            }
        };
        let wrong = compare::differences(&case, rows);
        // The file is only there where rows were asked for.
        let _ = std::fs::remove_file(rows);
        let reason = if wrong.is_empty() { None } else { reasons::covering(&case, &wrong) };
        for kind in case.kinds() {
            let table = match (wrong.is_empty(), &reason) {
                (true, _) => &mut self.agreed,
                (false, Some(_)) => &mut self.excused,
                (false, None) => &mut self.disagreed,
            };
            *table.entry(kind).or_default() += 1;
        }
        let told = || wrong.iter().map(|wrong| wrong.text.clone()).collect::<Vec<_>>().join("\n    ");
        match reason {
            Some(reason) => self.covered.entry(reason).or_default().push(format!("{name}: {}", told())),
            None if !wrong.is_empty() => self.disagreements.push(format!("{name}: {}\n    {}", told(), case.ruleset)),
            None => {}
        }
    }

    fn print(&self) {
        let tables = [&self.agreed, &self.disagreed, &self.excused];
        let kinds: BTreeSet<&String> = tables.iter().flat_map(|table| table.keys()).collect();
        println!("{:<26}{:>8}{:>11}{:>11}", "rule type", "agreed", "disagreed", "by reason");
        for kind in kinds {
            let count = |table: &BTreeMap<String, usize>| table.get(kind).copied().unwrap_or_default();
            let [agreed, disagreed, excused] = tables.map(count);
            println!("{kind:<26}{agreed:>8}{disagreed:>11}{excused:>11}");
        }
        for (reason, cases) in &self.covered {
            println!("\n{} covered by a written reason: {reason}", cases.len());
            cases.iter().for_each(|case| println!("  {case}"));
        }
        println!("\n{} disagreements", self.disagreements.len());
        self.disagreements.iter().for_each(|text| println!("  {text}"));
    }
}
