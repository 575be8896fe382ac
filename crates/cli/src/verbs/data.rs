//! `assay preview`, `assay sql`, `assay quarantine`: rows of the lake, read only.

use crate::args::PreviewArgs;
use crate::desk::Desk;
use crate::exit;
use crate::pages::{self, Question};
use crate::render::out::say;
use crate::render::{rows, words};
use assay_contract::Problem;
use polars::prelude::DataFrame;

pub fn preview(desk: &Desk, args: &PreviewArgs, json: bool) -> Result<u8, Problem> {
    let table = desk.table(&args.table)?;
    let question = Question {
        version: args.version,
        offset: args.offset,
        limit: args.limit,
        columns: args.columns.clone(),
        condition: args.condition.clone(),
    };
    let page = pages::page(desk, &table, &question);
    desk.end()?;
    let page = page?;
    print(&page.frame, json);
    if !json {
        let shown = page.frame.height() as u64;
        let version = page.version.map_or(String::new(), |version| format!(", version {version}"));
        say!("\n{} of {} of {table}{version}", words::count(shown), words::counted(page.total, "row"));
    }
    Ok(exit::DONE)
}

pub fn sql(desk: &Desk, query: &str, limit: u32, json: bool) -> Result<u8, Problem> {
    let answer = pages::query(desk, query, limit)?;
    print(&answer.frame, json);
    if !json {
        let more = if answer.more {
            format!("; more rows exist, the limit is {}", words::count(u64::from(limit)))
        } else {
            String::new()
        };
        say!("\n{}{more}", words::counted(answer.frame.height() as u64, "row"));
    }
    Ok(exit::DONE)
}

pub fn quarantine(
    desk: &Desk,
    table: &str,
    date: Option<chrono::NaiveDate>,
    reason: Option<&str>,
    limit: u32,
    json: bool,
) -> Result<u8, Problem> {
    let table = desk.table(table)?;
    let page = pages::quarantine(desk, &table, date, reason, 0, limit)?;
    print(&page.frame, json);
    if !json {
        let shown = page.frame.height() as u64;
        let of = [reason.map(|reason| format!(" for {reason}")), date.map(|date| format!(" on {date}"))];
        let of: String = of.into_iter().flatten().collect();
        say!("\n{} of {} refused by {table}{of}", words::count(shown), words::counted(page.total, "record"));
    }
    Ok(exit::DONE)
}

fn print(frame: &DataFrame, json: bool) {
    if json {
        for row in rows::json(frame) {
            say!("{row}");
        }
    } else {
        for line in rows::text(frame) {
            say!("{line}");
        }
    }
}
