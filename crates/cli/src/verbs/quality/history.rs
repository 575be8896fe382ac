//! `assay quality history`: the scores of a table.

use crate::desk::Desk;
use crate::exit;
use crate::render::out::say;
use crate::render::quality as render;
use assay_console::quality::Verdicts;
use assay_contract::Problem;
use chrono::NaiveDate;

pub fn run(
    desk: &Desk,
    table: &str,
    date: Option<NaiveDate>,
    limit: u32,
    environment: &str,
    json: bool,
) -> Result<u8, Problem> {
    let table = desk.table(table)?;
    desk.environment(environment)?;
    let step = format!("{}.{}", table.layer, table.table);
    // One more than is shown tells whether there are others.
    let asked = limit.saturating_add(1);
    let mut rows = desk.journal()?.scores((&table.pipeline, environment), &step, date, asked)?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    if json {
        rows.iter().for_each(|row| say!("{}", serde_json::json!(row)));
        return Ok(exit::DONE);
    }
    if rows.is_empty() {
        say!("No run has judged {table} yet{}.", date.map(|date| format!(" on {date}")).unwrap_or_default());
    }
    render::history(&rows).iter().for_each(|line| say!("{line}"));
    if more {
        say!("older ones are not shown; --limit shows more");
    }
    Ok(exit::DONE)
}
