//! One ask, one answer.

use super::runs::Runs;
use super::{overview, table};
use crate::desk::Desk;
use crate::exit;
use crate::pages::{self, Question};
use crate::verbs::logs::parse;
use assay_console::journal::{Journal, RunFilter};
use assay_console::quality::Verdicts;
use assay_contract::{Answer, Ask, PageAsk, Problem, QuarantineAsk};
use chrono::NaiveDate;
use std::sync::Arc;

/// Most rows of a page that the window may ask for.
const PAGE_LIMIT: u32 = 5000;

/// The answer and the raw body that follows it.
pub fn to(desk: &Desk, runs: &Arc<Runs>, ask: Ask) -> Result<(Answer, Vec<u8>), Problem> {
    let plain = |answer| (answer, Vec::new());
    Ok(match ask {
        Ask::Overview => plain(Answer::Overview(overview::of(desk)?)),
        Ask::Runs { pipeline, limit } => {
            let filter = RunFilter { pipeline, ..RunFilter::default() };
            plain(Answer::Runs(desk.journal()?.runs(&filter, limit.min(1000))?))
        }
        Ask::Run { run } => plain(Answer::Run(Box::new(desk.run(&run)?))),
        Ask::Log { run, from, limit, level } => {
            plain(Answer::Log(desk.log(&run, from, limit.min(1000), level.as_deref().map(parse).transpose()?)?))
        }
        Ask::Table { table } => plain(Answer::Table(Box::new(table::of(desk, &desk.table(&table)?)?))),
        Ask::Verdicts { run } => {
            let run = desk.run(&run)?.run.id;
            plain(Answer::Verdicts(desk.journal()?.evaluations(&run)?))
        }
        Ask::Page(ask) => (Answer::Bytes, page(desk, ask)?),
        Ask::Quarantine(ask) => (Answer::Bytes, quarantine(desk, &ask)?),
        Ask::StartRun(ask) => plain(Answer::Ticket(runs.start(&ask)?)),
        Ask::CancelRun { request_id: _, run } => {
            runs.cancel(&run)?;
            plain(Answer::Done)
        }
        Ask::Watch => {
            runs.watch();
            plain(Answer::Done)
        }
    })
}

fn page(desk: &Desk, ask: PageAsk) -> Result<Vec<u8>, Problem> {
    let table = desk.table(&ask.table)?;
    let question = Question {
        version: ask.version.map(i64::from),
        offset: ask.offset,
        limit: ask.limit.clamp(1, PAGE_LIMIT),
        columns: ask.columns,
        condition: ask.filter.filter(|text| !text.trim().is_empty()),
    };
    Ok(pages::bytes(desk, &table, &question)?.ipc)
}

fn quarantine(desk: &Desk, ask: &QuarantineAsk) -> Result<Vec<u8>, Problem> {
    let table = desk.table(&ask.table)?;
    let date = ask.date.as_deref().map(parse_date).transpose()?;
    let limit = ask.limit.clamp(1, PAGE_LIMIT);
    Ok(pages::quarantine_bytes(desk, &table, date, ask.reason.as_deref(), ask.offset, limit)?.ipc)
}

fn parse_date(text: &str) -> Result<NaiveDate, Problem> {
    text.parse().map_err(|_| exit::misuse(format!("`{text}` is not a date."), "Write it as YYYY-MM-DD."))
}
