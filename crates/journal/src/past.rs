//! Questions about what runs did and found: turns, timings, definitions, spells.

use crate::document::{parse, parse_some, status, time};
use crate::write::Change;
use assay_console::journal::{Around, Original, Pending, Timing, Turn, TurnStep, Unlock};
use assay_console::ports::LedgerEntry;
use assay_pipeline::read::DefinitionFiles;
use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, params};

pub(crate) fn unlocked(connection: &Connection, environment: &str, by: &str) -> Change<Option<Unlock>> {
    let mut select = connection.prepare_cached(
        "SELECT at, until, reason FROM spells WHERE environment = ?1 AND person = ?2 ORDER BY seq DESC LIMIT 1",
    )?;
    let found = select.query_row([environment, by], |row| {
        Ok(Unlock {
            environment: environment.to_owned(),
            by: by.to_owned(),
            at: time(row, "at")?.unwrap_or_default(),
            until: time(row, "until")?.unwrap_or_default(),
            reason: row.get("reason")?,
        })
    });
    Ok(found.optional()?)
}

pub(crate) fn definition(connection: &Connection, digest: &str) -> Change<Option<DefinitionFiles>> {
    let text: Option<String> = connection
        .query_row("SELECT files FROM definitions WHERE digest = ?1", [digest], |row| row.get(0))
        .optional()?;
    parse_some("a definition", text)
}

/// A plan without dates of its own is taken for one of any date.
pub(crate) fn original(
    connection: &Connection,
    pipeline: &str,
    environment: &str,
    between: Option<(NaiveDate, NaiveDate)>,
) -> Change<Option<Original>> {
    let (from, to) = between.map(|(from, to)| (from.to_string(), to.to_string())).unzip();
    let mut select = connection.prepare_cached(
        "SELECT run, digest FROM runs
         WHERE pipeline = ?1 AND environment = ?2 AND status IN ('succeeded', 'flagged') AND work = 'process'
           AND (?3 IS NULL OR first_date IS NULL OR (first_date <= ?4 AND last_date >= ?3))
         ORDER BY seq DESC LIMIT 1",
    )?;
    let found = select.query_row(params![pipeline, environment, from, to], |row| {
        Ok(Original { run: row.get("run")?, digest: row.get("digest")? })
    });
    Ok(found.optional()?)
}

pub(crate) fn timings(connection: &Connection, pipeline: &str, environment: &str, runs: u32) -> Change<Vec<Timing>> {
    let mut select = connection.prepare_cached(
        "SELECT run, step, (steps.ended_at - steps.started_at) / 1000 AS took, json_array_length(outcome, '$.dates') AS dates
         FROM (SELECT run, seq FROM runs
               WHERE pipeline = ?1 AND environment = ?2 AND status IN ('succeeded', 'flagged') AND work = 'process'
               ORDER BY seq DESC LIMIT ?3)
         JOIN steps USING (run)
         WHERE steps.status IN ('succeeded', 'flagged') AND outcome IS NOT NULL AND steps.started_at IS NOT NULL
           AND steps.ended_at IS NOT NULL
         ORDER BY seq DESC, step",
    )?;
    let rows = select.query_map(params![pipeline, environment, runs], |row| {
        // The length of JSON's null is no length.
        let dates: Option<u32> = row.get("dates")?;
        let milliseconds = u64::try_from(row.get::<_, i64>("took")?).unwrap_or(0);
        Ok(Timing { run: row.get("run")?, step: row.get("step")?, milliseconds, dates })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn turns_since(connection: &Connection, run: &str) -> Change<Vec<Turn>> {
    let mut select = connection.prepare_cached(
        "SELECT attempts.run AS run, number, attempts.status AS status
         FROM attempts JOIN runs USING (run)
         JOIN (SELECT pipeline, environment, turn FROM attempts JOIN runs USING (run)
               WHERE run = ?1 ORDER BY turn LIMIT 1) AS first
           ON runs.pipeline = first.pipeline AND runs.environment = first.environment
         WHERE attempts.turn >= first.turn ORDER BY attempts.turn",
    )?;
    let mut rows = select.query([run])?;
    let mut turns = Vec::new();
    while let Some(row) = rows.next()? {
        let (run, attempt): (String, u32) = (row.get("run")?, row.get("number")?);
        turns.push(Turn { steps: begun(connection, &run, attempt)?, status: status(row, "status")?, run, attempt });
    }
    Ok(turns)
}

fn begun(connection: &Connection, run: &str, attempt: u32) -> Change<Vec<TurnStep>> {
    let mut select = connection.prepare_cached(
        "SELECT step, status, outcome FROM steps
         WHERE run = ?1 AND attempt = ?2 AND started_at IS NOT NULL ORDER BY step",
    )?;
    let mut rows = select.query(params![run, attempt])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        steps.push(TurnStep {
            step: row.get("step")?,
            status: status(row, "status")?,
            outcome: parse_some("an outcome", row.get("outcome")?)?,
        });
    }
    Ok(steps)
}

/// None for an attempt from before this was kept.
pub(crate) fn around(connection: &Connection, run: &str, attempt: u32) -> Change<Option<Around>> {
    let marks = connection
        .prepare_cached(
            "SELECT pending_before, pending_after, pipeline, environment FROM attempts JOIN runs USING (run)
             WHERE run = ?1 AND number = ?2 AND pending_before IS NOT NULL",
        )?
        .query_row(params![run, attempt], |row| {
            let home: (String, String) = (row.get(2)?, row.get(3)?);
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, home))
        })
        .optional()?;
    let Some((before, after, home)) = marks else { return Ok(None) };
    let pending = |text: &str| parse::<Vec<Pending>>("marks", text);
    // An attempt that still goes on has what there is now.
    let after = match after {
        Some(text) => pending(&text)?,
        None => crate::read::pending(connection, &home.0, &home.1)?,
    };
    let mut around = Around {
        pending_before: pending(&before)?.into_iter().collect(),
        pending_after: after.into_iter().collect(),
        ..Around::default()
    };
    let mut select =
        connection.prepare_cached("SELECT source, path, entry FROM files_before WHERE run = ?1 AND attempt = ?2")?;
    let mut rows = select.query(params![run, attempt])?;
    while let Some(row) = rows.next()? {
        let entry: Option<LedgerEntry> = parse_some("a file", row.get("entry")?)?;
        around.files_before.insert((row.get("source")?, row.get("path")?), entry);
    }
    Ok(Some(around))
}
