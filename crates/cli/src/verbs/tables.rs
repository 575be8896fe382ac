//! `assay tables`: every table of every layer with rows, version and age.

use crate::desk::Desk;
use crate::exit;
use crate::render::grid::{Side, lines};
use crate::render::out::say;
use crate::render::words;
use crate::serve::overview;
use assay_contract::{Problem, TableCell};
use chrono::{DateTime, Utc};

pub fn run(desk: &Desk, only: Option<&str>, json: bool) -> Result<u8, Problem> {
    if let Some(name) = only {
        desk.pipeline(name)?;
    }
    let overview = overview::of(desk)?;
    let cards = overview.pipelines.iter().filter(|card| only.is_none_or(|name| name == card.name));
    let cells: Vec<(&str, &TableCell)> = cards
        .flat_map(|card| &card.layers)
        .flat_map(|layer| layer.tables.iter().map(|cell| (layer.layer.as_str(), cell)))
        .collect();
    if json {
        for (layer, cell) in &cells {
            say!("{}", serde_json::json!({ "layer": layer, "table": cell }));
        }
        return Ok(told(&overview.broken, json));
    }
    if cells.is_empty() && overview.broken.is_empty() {
        say!("There are no pipelines. Run `assay init` to write the shipped ones.");
        return Ok(exit::DONE);
    }
    let header = [
        ("table", Side::Left),
        ("status", Side::Left),
        ("rows", Side::Right),
        ("version", Side::Right),
        ("changed", Side::Right),
    ];
    let rows: Vec<Vec<String>> = cells.iter().map(|(_, cell)| row(cell, Utc::now())).collect();
    for line in lines(&header, &rows) {
        say!("{line}");
    }
    Ok(told(&overview.broken, json))
}

/// What is wrong with other pipelines is no failure of the list.
pub(super) fn told(broken: &[Problem], json: bool) -> u8 {
    for problem in broken {
        exit::print(problem, json);
    }
    exit::DONE
}

fn row(cell: &TableCell, now: DateTime<Utc>) -> Vec<String> {
    let changed = cell.changed.as_deref().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    vec![
        cell.id.clone(),
        cell.status.map_or("-", words::status).to_owned(),
        cell.rows.map_or_else(|| "-".into(), words::count),
        cell.version.map_or_else(|| "-".into(), |version| version.to_string()),
        changed.map_or_else(|| "never".into(), |at| words::age(at.to_utc(), now)),
    ]
}
