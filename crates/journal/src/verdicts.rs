//! Evaluations, scores, failing rows and statistics.

use crate::document::{micros, parse, time, words};
use crate::write::{Change, ChangeError};
use assay_console::journal::StepKey;
use assay_console::quality::{Judged, PastAsk};
use assay_console::views;
use assay_contract::{DateScore, Evaluation, EvaluationRow, FailingCount, Score, ScoreRow};
use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

pub(crate) fn record(tx: &Transaction<'_>, key: &StepKey<'_>, judged: &Judged, at: DateTime<Utc>) -> Change<()> {
    tx.execute(
        "DELETE FROM evaluations WHERE run = ?1 AND attempt = ?2 AND step = ?3",
        params![key.run, key.attempt, key.step],
    )?;
    let dates = judged.evaluation.dates.as_ref();
    let evaluation: Option<i64> = tx
        .query_row(
            "INSERT INTO evaluations (run, attempt, step, pipeline, environment, at, dates, first_date, last_date,
                                      evaluation)
             SELECT run, ?2, ?3, pipeline, environment, ?4, ?5, ?6, ?7, ?8 FROM runs WHERE run = ?1 RETURNING seq",
            params![
                key.run,
                key.attempt,
                key.step,
                micros(at),
                dates.map(|dates| dates.count),
                dates.map(|dates| &dates.first),
                dates.map(|dates| &dates.last),
                words("an evaluation", &judged.evaluation)?,
            ],
            |row| row.get(0),
        )
        .optional()?;
    let evaluation = evaluation.ok_or_else(|| ChangeError::Refused(key.run.to_owned(), "in the journal"))?;
    parts(tx, evaluation, judged)
}

fn parts(tx: &Transaction<'_>, evaluation: i64, judged: &Judged) -> Change<()> {
    let date = |date: &Option<String>| date.clone().unwrap_or_default();
    let mut insert = tx.prepare_cached("INSERT INTO scores VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for one in &judged.scores {
        let Score { passed, failed, unknown } = one.score;
        let (rows, failing) = (number(one.rows), number(one.failing));
        insert.execute(params![evaluation, date(&one.date), rows, failing, passed, failed, unknown])?;
    }
    let mut insert = tx.prepare_cached("INSERT INTO failing_rows VALUES (?1, ?2, ?3, ?4)")?;
    for one in &judged.failing {
        insert.execute(params![evaluation, one.rule, date(&one.date), number(one.rows)])?;
    }
    // Two rules may measure the same.
    let mut insert = tx.prepare_cached("INSERT INTO statistics VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")?;
    for one in judged.statistics.iter().filter(|one| one.value.is_finite()) {
        insert.execute(params![evaluation, one.metric, one.filter.as_deref().unwrap_or_default(), one.value])?;
    }
    Ok(())
}

/// What the step judged is the table's now, or is not.
pub(crate) fn publish(tx: &Transaction<'_>, key: &StepKey<'_>, published: bool) -> Change<()> {
    tx.execute(
        "UPDATE evaluations SET published = ?4 WHERE run = ?1 AND attempt = ?2 AND step = ?3",
        params![key.run, key.attempt, key.step, published],
    )?;
    Ok(())
}

pub(crate) fn of_run(connection: &Connection, run: &str) -> Change<Vec<EvaluationRow>> {
    let mut select = connection.prepare_cached(
        "SELECT run, attempt, at, published, evaluation FROM evaluations AS own WHERE run = ?1
           AND attempt = (SELECT max(attempt) FROM evaluations WHERE run = ?1 AND step = own.step)
         ORDER BY seq",
    )?;
    let mut rows = select.query([run])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(EvaluationRow {
            run: row.get("run")?,
            attempt: row.get("attempt")?,
            at: time(row, "at")?.map(views::time).unwrap_or_default(),
            published: row.get("published")?,
            evaluation: parse("an evaluation", &row.get::<_, String>("evaluation")?)?,
        });
    }
    Ok(found)
}

pub(crate) fn failing(connection: &Connection, run: &str, table: &str) -> Change<Vec<FailingCount>> {
    let mut select = connection.prepare_cached(
        "SELECT rule, date, rows FROM failing_rows
         WHERE evaluation = (SELECT seq FROM evaluations WHERE run = ?1 AND step = ?2 ORDER BY attempt DESC LIMIT 1)
         ORDER BY rule, date",
    )?;
    let rows = select.query_map([run, table], |row| {
        Ok(FailingCount { rule: row.get("rule")?, date: date(row)?, rows: unsigned(row, "rows")? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn date_scores(connection: &Connection, run: &str, table: &str) -> Change<Vec<DateScore>> {
    let mut select = connection.prepare_cached(
        "SELECT date, rows, failing, passed, failed, unknown FROM scores
         WHERE evaluation = (SELECT seq FROM evaluations WHERE run = ?1 AND step = ?2 ORDER BY attempt DESC LIMIT 1)
         ORDER BY date",
    )?;
    let rows = select.query_map([run, table], date_score)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn date_score(row: &Row<'_>) -> rusqlite::Result<DateScore> {
    Ok(DateScore {
        date: date(row)?,
        rows: unsigned(row, "rows")?,
        failing: unsigned(row, "failing")?,
        score: Score { passed: row.get("passed")?, failed: row.get("failed")?, unknown: row.get("unknown")? },
    })
}

pub(crate) fn scores(
    connection: &Connection,
    (pipeline, environment): (&str, &str),
    table: &str,
    wanted: Option<NaiveDate>,
    limit: u32,
) -> Change<Vec<ScoreRow>> {
    let wanted = wanted.map(|date| date.to_string());
    let mut select = connection.prepare_cached(
        "SELECT run, attempt, at, published, evaluations.evaluation, date, rows, failing, passed, failed, unknown
         FROM evaluations LEFT JOIN scores ON scores.evaluation = evaluations.seq AND scores.date = ?4
         WHERE pipeline = ?1 AND environment = ?2 AND step = ?3 AND (?4 IS NULL OR scores.date IS NOT NULL)
         ORDER BY seq DESC LIMIT ?5",
    )?;
    let mut rows = select.query(params![pipeline, environment, table, wanted, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let evaluation: Evaluation = parse("an evaluation", &row.get::<_, String>("evaluation")?)?;
        let score = match wanted {
            Some(_) => date_score(row)?,
            None => {
                DateScore { date: None, rows: evaluation.rows, failing: evaluation.failing, score: evaluation.score }
            }
        };
        found.push(ScoreRow {
            run: row.get("run")?,
            attempt: row.get("attempt")?,
            at: time(row, "at")?.map(views::time).unwrap_or_default(),
            published: row.get("published")?,
            dates: evaluation.dates,
            score,
        });
    }
    Ok(found)
}

pub(crate) fn past(connection: &Connection, ask: &PastAsk<'_>) -> Change<Vec<f64>> {
    let dates = ask.dates.as_ref();
    let mut select = connection.prepare_cached(
        "SELECT value FROM (
             SELECT value, last_date, seq,
                    row_number() OVER (PARTITION BY iif(dates IS NULL, seq, first_date), last_date
                                       ORDER BY seq DESC) AS place
             FROM evaluations JOIN statistics ON statistics.evaluation = evaluations.seq
             WHERE pipeline = ?1 AND environment = ?2 AND step = ?3 AND published = 1
               AND metric = ?4 AND filter = ?5
               AND iif(?6 IS NULL, dates IS NULL AND run <> ?7, dates = ?6 AND last_date < ?8))
         WHERE place = 1 ORDER BY last_date DESC, seq DESC LIMIT ?9",
    )?;
    let rows = select.query_map(
        params![
            ask.pipeline,
            ask.environment,
            ask.table,
            ask.metric,
            ask.filter.unwrap_or_default(),
            dates.map(|dates| dates.count),
            ask.run,
            dates.map(|dates| &dates.last),
            ask.count
        ],
        |row| row.get(0),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn date(row: &Row<'_>) -> rusqlite::Result<Option<String>> {
    let text: String = row.get("date")?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}
