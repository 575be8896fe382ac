//! `assay pipelines`: every pipeline with its schedule, next run and last run.

use super::tables::told;
use crate::desk::Desk;
use crate::exit;
use crate::render::grid::{Side, lines};
use crate::render::out::say;
use crate::render::words;
use crate::serve::overview;
use assay_contract::{PipelineCard, Problem};

pub fn run(desk: &Desk, json: bool) -> Result<u8, Problem> {
    desk.recover()?;
    let overview = overview::of(desk)?;
    if json {
        for card in &overview.pipelines {
            say!("{}", serde_json::json!(card));
        }
        return Ok(told(&overview.broken, json));
    }
    if overview.pipelines.is_empty() && overview.broken.is_empty() {
        say!("There are no pipelines. Run `assay init` to write the shipped ones.");
        return Ok(exit::DONE);
    }
    let header = [
        ("pipeline", Side::Left),
        ("schedule", Side::Left),
        ("next run", Side::Left),
        ("last run", Side::Left),
        ("dates", Side::Right),
        ("new", Side::Right),
    ];
    let rows: Vec<Vec<String>> = overview.pipelines.iter().map(row).collect();
    for line in lines(&header, &rows) {
        say!("{line}");
    }
    Ok(told(&overview.broken, json))
}

fn row(card: &PipelineCard) -> Vec<String> {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let late = if card.late { " (late)" } else { "" };
    let count = |number: usize| words::count(number as u64);
    vec![
        card.name.clone(),
        or_none(card.schedule.clone()),
        or_none(card.next_run.as_ref().map(|at| format!("{at}{late}"))),
        or_none(card.last_run.as_ref().map(|run| format!("{} {}", words::status(run.status), run.queued_at))),
        count(card.dates.len()),
        or_none(card.new_dates.as_ref().map(|dates| count(dates.len()))),
    ]
}
