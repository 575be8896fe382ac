//! Judges the rows of the quality benchmark once; prints each rule's number and outcome.
//!
//! Usage: measure FOLDER RULES count | measure FOLDER RULES keep FILE
#![allow(clippy::print_stdout)]

use assay_quality::{Data, NoHistory, Outcome, Profile, Rows, evaluate};
use polars::prelude::{LazyFrame, PlRefPath, ScanArgsParquet};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (folder, rules, rows) = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [folder, rules, "count"] => (folder, rules, Rows::Count),
        [folder, rules, "keep", file] => (folder, rules, Rows::Keep(Path::new(file))),
        _ => return Err("usage: measure FOLDER RULES count | measure FOLDER RULES keep FILE".into()),
    };
    let ruleset = assay_dqdl::parse(&std::fs::read_to_string(rules)?)
        .map_err(|faults| faults.iter().map(|fault| fault.message.clone()).collect::<Vec<_>>().join("; "))?;
    let references = BTreeMap::from([("products".to_owned(), scan(folder, "products")?)]);
    let data = Data {
        rows: scan(folder, "transactions")?,
        key: &["transaction_id".to_owned()],
        references: &references,
        files: None,
        history: &NoHistory,
        now: chrono::Utc::now(),
        profile: Profile::Glue,
        composites: assay_quality::Composites::Column,
        cancelled: &|| false,
    };
    let report = evaluate(&ruleset, &data, rows)?;
    for (at, verdict) in report.verdicts.iter().enumerate() {
        let outcome = match verdict.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Unknown => "unknown",
        };
        println!("{} {outcome}", at + 1);
    }
    match report.failing {
        Some(failing) => println!("{failing} failing rows of {}", report.rows),
        None => println!("{} rows", report.rows),
    }
    Ok(())
}

fn scan(folder: &str, name: &str) -> Result<LazyFrame, Box<dyn Error>> {
    let place = PlRefPath::try_from_path(&Path::new(folder).join(format!("{name}.parquet")))?;
    Ok(LazyFrame::scan_parquet(place, ScanArgsParquet::default())?)
}
