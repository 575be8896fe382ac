//! Questions to the journal.

use crate::document::{parse, parse_some, status, time};
use crate::write::{Change, ChangeError};
use assay_console::RunPlan;
use assay_console::journal::{Action, Pending, RunFilter, Standing, TableState};
use assay_console::ports::{LedgerEntry, StepOutcome};
use assay_console::views::{self, AttemptRecord, RunRecord, StepRecord, run_detail, status_word};
use assay_contract::{RunDetail, RunRow};
use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;

pub(crate) fn runs(connection: &Connection, filter: &RunFilter, limit: u32) -> Change<Vec<RunRow>> {
    let statuses: Vec<&str> = filter.statuses.iter().map(|status| status_word(*status)).collect();
    let statuses = crate::document::words("statuses", &statuses)?;
    let mut select = connection.prepare_cached(
        "SELECT run, pipeline, environment, status, stages, dates, attempt, queued_at, started_at, ended_at, note, steps,
                (SELECT count(*) FROM steps WHERE steps.run = runs.run AND done = 1) AS done
         FROM runs
         WHERE (?1 IS NULL OR pipeline = ?1) AND (?2 IS NULL OR environment = ?2)
           AND (?3 = '[]' OR status IN (SELECT value FROM json_each(?3)))
         ORDER BY seq DESC LIMIT ?4",
    )?;
    let mut rows = select.query(params![filter.pipeline, filter.environment, statuses, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(run_row(row)?);
    }
    Ok(found)
}

fn run_row(row: &Row<'_>) -> Change<RunRow> {
    Ok(RunRow {
        id: row.get("run")?,
        pipeline: row.get("pipeline")?,
        environment: row.get("environment")?,
        status: status(row, "status")?,
        stages: parse("stages", &row.get::<_, String>("stages")?)?,
        dates: row.get("dates")?,
        attempt: row.get("attempt")?,
        queued_at: time(row, "queued_at")?.map(views::time).unwrap_or_default(),
        started_at: time(row, "started_at")?.map(views::time),
        ended_at: time(row, "ended_at")?.map(views::time),
        steps_done: row.get("done")?,
        steps_total: row.get("steps")?,
        progress: None,
        note: row.get("note")?,
    })
}

pub(crate) fn run(connection: &Connection, run: &str) -> Change<Option<RunDetail>> {
    let record = connection
        .prepare_cached(
            "SELECT plan, status, attempt, started_at, ended_at, note FROM runs JOIN plans USING (run) WHERE run = ?1",
        )?
        .query_row([run], |row| {
            let plan: String = row.get("plan")?;
            let times = (time(row, "started_at")?, time(row, "ended_at")?);
            Ok((plan, status(row, "status")?, row.get("attempt")?, times, row.get("note")?))
        })
        .optional()?;
    let Some((plan, status, attempt, (started_at, ended_at), note)) = record else { return Ok(None) };
    let record = RunRecord { plan: parse("a plan", &plan)?, status, attempt, started_at, ended_at, note };
    Ok(Some(run_detail(&record, &attempts(connection, run)?, &steps(connection, run)?)))
}

pub(crate) fn standing(connection: &Connection, run: &str) -> Change<Option<Standing>> {
    let found = connection
        .prepare_cached(
            "SELECT pipeline, status, (SELECT started_at FROM attempts WHERE run = ?1 AND number = 1) AS started_at
             FROM runs WHERE run = ?1",
        )?
        .query_row([run], |row| {
            let started_at = time(row, "started_at")?;
            Ok(Standing { pipeline: row.get("pipeline")?, status: status(row, "status")?, started_at })
        });
    Ok(found.optional()?)
}

fn attempts(connection: &Connection, run: &str) -> Change<Vec<AttemptRecord>> {
    let mut select = connection.prepare_cached(
        "SELECT number, status, started_at, ended_at, note FROM attempts WHERE run = ?1 ORDER BY number",
    )?;
    let rows = select.query_map([run], |row| {
        Ok(AttemptRecord {
            number: row.get("number")?,
            status: status(row, "status")?,
            started_at: time(row, "started_at")?.unwrap_or_default(),
            ended_at: time(row, "ended_at")?,
            note: row.get("note")?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The newest row of each step, without the long lists of earlier attempts.
fn steps(connection: &Connection, run: &str) -> Change<Vec<StepRecord>> {
    let mut select = connection.prepare_cached(
        "SELECT step, max(attempt) AS attempt, status, started_at, ended_at, outcome, problem, note
         FROM steps WHERE run = ?1 GROUP BY step",
    )?;
    let mut rows = select.query([run])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(StepRecord {
            step: row.get("step")?,
            attempt: row.get("attempt")?,
            status: status(row, "status")?,
            started_at: time(row, "started_at")?,
            ended_at: time(row, "ended_at")?,
            outcome: parse_some("an outcome", row.get("outcome")?)?,
            problem: parse_some("a problem", row.get("problem")?)?,
            note: row.get("note")?,
        });
    }
    Ok(found)
}

pub(crate) fn plan(connection: &Connection, run: &str) -> Change<Option<RunPlan>> {
    let text: Option<String> =
        connection.query_row("SELECT plan FROM plans WHERE run = ?1", [run], |row| row.get(0)).optional()?;
    parse_some("a plan", text)
}

pub(crate) fn outcomes(connection: &Connection, run: &str) -> Change<BTreeMap<String, StepOutcome>> {
    let mut select = connection
        .prepare_cached("SELECT step, outcome FROM steps WHERE run = ?1 AND done = 1 AND outcome IS NOT NULL")?;
    let mut rows = select.query([run])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        found.insert(row.get(0)?, parse("an outcome", &row.get::<_, String>(1)?)?);
    }
    Ok(found)
}

pub(crate) fn ledger(connection: &Connection, pipeline: &str, environment: &str) -> Change<Vec<LedgerEntry>> {
    let mut select = connection
        .prepare_cached("SELECT entry FROM files WHERE pipeline = ?1 AND environment = ?2 ORDER BY source, path")?;
    entries(select.query([pipeline, environment])?)
}

pub(crate) fn files_of_dates(
    connection: &Connection,
    pipeline: &str,
    environment: &str,
    dates: &[NaiveDate],
) -> Change<Vec<LedgerEntry>> {
    let mut select = connection.prepare_cached(
        "SELECT entry FROM files WHERE pipeline = ?1 AND environment = ?2 AND (source, path) IN (
             SELECT source, path FROM file_dates
             WHERE pipeline = ?1 AND environment = ?2 AND date IN (SELECT value FROM json_each(?3)))
         ORDER BY source, path",
    )?;
    entries(select.query([pipeline, environment, &crate::document::words("dates", &dates)?])?)
}

pub(crate) fn files_below(
    connection: &Connection,
    (pipeline, environment, source): (&str, &str, &str),
    folders: &[String],
) -> Change<Vec<LedgerEntry>> {
    // `0` is the character after `/`: a range of the key, and no pattern in which a name could mean something.
    let mut select = connection.prepare_cached(
        "SELECT entry FROM files WHERE pipeline = ?1 AND environment = ?2 AND source = ?3
           AND path > ?4 || '/' AND path < ?4 || '0' ORDER BY path",
    )?;
    let mut found = Vec::new();
    for folder in folders {
        found.extend(entries(select.query([pipeline, environment, source, folder])?)?);
    }
    Ok(found)
}

fn entries(mut rows: rusqlite::Rows<'_>) -> Change<Vec<LedgerEntry>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(parse("a file", &row.get::<_, String>(0)?)?);
    }
    Ok(found)
}

pub(crate) fn dates(connection: &Connection, pipeline: &str, environment: &str) -> Change<Vec<NaiveDate>> {
    let mut select = connection.prepare_cached(
        "SELECT DISTINCT date FROM file_dates WHERE pipeline = ?1 AND environment = ?2 ORDER BY date",
    )?;
    let rows = select.query_map([pipeline, environment], |row| row.get::<_, String>(0))?;
    rows.map(|text| date(&text?)).collect()
}

pub(crate) fn pending(connection: &Connection, pipeline: &str, environment: &str) -> Change<Vec<Pending>> {
    let mut select = connection.prepare_cached(
        "SELECT step, date FROM pending WHERE pipeline = ?1 AND environment = ?2 ORDER BY step, date",
    )?;
    let rows = select.query_map([pipeline, environment], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (step, text) = row?;
        Ok(Pending { step, date: if text.is_empty() { None } else { Some(date(&text)?) } })
    })
    .collect()
}

pub(crate) fn last_action(
    connection: &Connection,
    what: &str,
    pipeline: &str,
    environment: &str,
) -> Change<Option<Action>> {
    let text: Option<String> = connection
        .prepare_cached(
            "SELECT action FROM actions
             WHERE action ->> 'what' = ?1 AND action ->> 'pipeline' = ?2 AND action ->> 'environment' = ?3
             ORDER BY seq DESC LIMIT 1",
        )?
        .query_row([what, pipeline, environment], |row| row.get("action"))
        .optional()?;
    text.map(|text| parse("an action", &text)).transpose()
}

pub(crate) fn actions(connection: &Connection, limit: u32) -> Change<Vec<Action>> {
    let mut select = connection.prepare_cached("SELECT action FROM actions ORDER BY seq DESC LIMIT ?1")?;
    let rows = select.query_map([limit], |row| row.get::<_, String>(0))?;
    rows.map(|text| parse("an action", &text?)).collect()
}

pub(crate) fn table_states(connection: &Connection, pipeline: &str, environment: &str) -> Change<Vec<TableState>> {
    let mut select = connection.prepare_cached(
        "SELECT step, run, status, coalesce(ended_at, started_at) AS at, outcome
         FROM touched JOIN steps USING (run, attempt, step)
         WHERE pipeline = ?1 AND environment = ?2 ORDER BY step",
    )?;
    let mut rows = select.query([pipeline, environment])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let step: String = row.get("step")?;
        let outcome: Option<StepOutcome> = parse_some("an outcome", row.get("outcome")?)?;
        let (Some((layer, table)), Some(at)) = (step.split_once('.'), time(row, "at")?) else { continue };
        let Some(layer) = assay_pipeline::Layer::parse(layer) else { continue };
        found.push(TableState {
            layer,
            table: table.to_owned(),
            run: row.get("run")?,
            status: status(row, "status")?,
            at,
            rows: outcome.as_ref().and_then(|outcome| outcome.table_rows.or(outcome.rows_out)),
            version: outcome.as_ref().and_then(|outcome| outcome.version_after),
        });
    }
    Ok(found)
}

fn date(text: &str) -> Change<NaiveDate> {
    text.parse().map_err(|_| {
        ChangeError::Database(rusqlite::Error::InvalidColumnType(0, "date".into(), rusqlite::types::Type::Text))
    })
}
