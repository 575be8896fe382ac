//! Changes of the journal; each runs inside one transaction.

use crate::document::{micros, parse, words};
use crate::error::JournalError;
use assay_console::journal::{Action, Created, Pending, Settles, StepEnd, StepKey, Unlock, is_done};
use assay_console::views::{end_action, parse_status, status_word};
use assay_console::{RunPlan, RunScope};
use assay_contract::Status;
use assay_pipeline::read::DefinitionFiles;
use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{OptionalExtension, Transaction, params};

pub(crate) type Change<T> = Result<T, ChangeError>;

/// Before it is known which file it happened to.
#[derive(Debug)]
pub(crate) enum ChangeError {
    Database(rusqlite::Error),
    Document(&'static str, serde_json::Error),
    Refused(String, &'static str),
}

impl From<rusqlite::Error> for ChangeError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl ChangeError {
    pub(crate) fn at(self, path: &std::path::Path) -> JournalError {
        match self {
            Self::Database(source) => JournalError::of(path, source),
            Self::Document(what, source) => JournalError::Unreadable { path: path.to_owned(), what, source },
            Self::Refused(run, needs) => JournalError::Refused { run, needs },
        }
    }
}

const NOT_BEGUN: &str = "not begun when the run ended";

pub(crate) fn create_run(tx: &Transaction<'_>, plan: &RunPlan, request_id: Option<&str>) -> Change<Created> {
    if let Some(run) = request_id.map(|id| run_of_request(tx, id)).transpose()?.flatten() {
        return Ok(Created::Repeated(run));
    }
    let (first, last) = match &plan.scope {
        RunScope::Dates(dates) => (dates.first(), dates.last()),
        RunScope::All => (None, None),
    };
    tx.execute(
        "INSERT INTO runs (run, request_id, pipeline, environment, status, stages, dates, steps, queued_at,
                           digest, work, first_date, last_date)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            plan.run,
            request_id,
            plan.pipeline,
            plan.environment.name,
            status_word(Status::Queued),
            words("stages", &plan.stages)?,
            plan.words(),
            plan.steps.len() as i64,
            micros(plan.queued_at),
            plan.digest,
            plan.work_word(),
            first.map(NaiveDate::to_string),
            last.map(NaiveDate::to_string),
        ],
    )?;
    tx.execute("INSERT INTO plans (run, plan) VALUES (?1, ?2)", [&plan.run, &words("a plan", plan)?])?;
    queue_steps(tx, plan, 1)?;
    Ok(Created::New)
}

pub(crate) fn run_of_request(tx: &rusqlite::Connection, request_id: &str) -> Change<Option<String>> {
    Ok(tx.query_row("SELECT run FROM runs WHERE request_id = ?1", [request_id], |row| row.get(0)).optional()?)
}

pub(crate) fn requeue(tx: &Transaction<'_>, plan: &RunPlan) -> Change<()> {
    let changed = tx.execute(
        "UPDATE runs SET status = 'queued', queued_at = ?2, ended_at = NULL, note = NULL
         WHERE run = ?1 AND status IN ('failed', 'cancelled')",
        params![plan.run, micros(plan.queued_at)],
    )?;
    if changed == 0 {
        return Err(ChangeError::Refused(plan.run.clone(), "failed or cancelled"));
    }
    tx.execute("UPDATE plans SET plan = ?2 WHERE run = ?1", [&plan.run, &words("a plan", plan)?])?;
    let attempt: i64 = tx.query_row("SELECT attempt FROM runs WHERE run = ?1", [&plan.run], |row| row.get(0))?;
    tx.execute("DELETE FROM steps WHERE run = ?1 AND attempt > ?2", params![plan.run, attempt])?;
    queue_steps(tx, plan, attempt + 1)
}

/// Rows of the steps that an attempt has to do.
fn queue_steps(tx: &Transaction<'_>, plan: &RunPlan, attempt: i64) -> Change<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO steps (run, attempt, step, status)
         SELECT ?1, ?2, ?3, 'queued'
         WHERE NOT EXISTS (SELECT 1 FROM steps WHERE run = ?1 AND step = ?3 AND done = 1)",
    )?;
    for step in &plan.steps {
        insert.execute(params![plan.run, attempt, step.id])?;
    }
    Ok(())
}

pub(crate) fn start_attempt(tx: &Transaction<'_>, run: &str, at: DateTime<Utc>) -> Change<u32> {
    let attempt: Option<u32> = tx
        .query_row(
            "UPDATE runs SET status = 'running', attempt = attempt + 1, started_at = coalesce(started_at, ?2)
             WHERE run = ?1 AND status = 'queued' RETURNING attempt",
            params![run, micros(at)],
            |row| row.get(0),
        )
        .optional()?;
    let attempt = attempt.ok_or_else(|| ChangeError::Refused(run.to_owned(), "queued"))?;
    let home = home(tx, run)?;
    let marks = marks(tx, &home)?;
    close_attempts(tx, &home, &marks)?;
    tx.execute(
        "INSERT INTO attempts (run, number, status, started_at, turn, pending_before)
         VALUES (?1, ?2, 'running', ?3, (SELECT coalesce(max(turn), 0) + 1 FROM attempts), ?4)",
        params![run, attempt, micros(at), marks],
    )?;
    Ok(attempt)
}

/// Attempts of this home that have no end yet have ended by now: one works at a time.
fn close_attempts(tx: &Transaction<'_>, home: &Home, marks: &str) -> Change<()> {
    tx.execute(
        "UPDATE attempts SET pending_after = ?3
         WHERE status = 'running' AND pending_before IS NOT NULL AND pending_after IS NULL
           AND run IN (SELECT run FROM runs WHERE pipeline = ?1 AND environment = ?2)",
        params![home.0, home.1, marks],
    )?;
    Ok(())
}

/// The pending marks of a pipeline and environment, as a document.
fn marks(tx: &Transaction<'_>, home: &Home) -> Change<String> {
    words("marks", &crate::read::pending(tx, &home.0, &home.1)?)
}

pub(crate) fn begin_step(
    tx: &Transaction<'_>,
    key: &StepKey<'_>,
    pending: &[Pending],
    at: DateTime<Utc>,
) -> Change<()> {
    let home = home(tx, key.run)?;
    let changed = tx.execute(
        "UPDATE steps SET status = 'running', started_at = ?4
         WHERE run = ?1 AND attempt = ?2 AND step = ?3 AND status = 'queued'
           AND EXISTS (SELECT 1 FROM runs WHERE run = ?1 AND status = 'running')",
        params![key.run, key.attempt, key.step, micros(at)],
    )?;
    if changed == 0 {
        return Err(ChangeError::Refused(key.run.to_owned(), "running, with the step queued"));
    }
    tx.execute(
        "INSERT INTO touched (pipeline, environment, step, run, attempt) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET run = excluded.run, attempt = excluded.attempt",
        params![home.0, home.1, key.step, key.run, key.attempt],
    )?;
    mark(tx, &home, pending)
}

pub(crate) fn end_step(tx: &Transaction<'_>, key: &StepKey<'_>, end: &StepEnd, at: DateTime<Utc>) -> Change<()> {
    let home = home(tx, key.run)?;
    let outcome = end.outcome.as_ref().map(|outcome| words("an outcome", outcome)).transpose()?;
    let problem = end.problem.as_ref().map(|problem| words("a problem", problem)).transpose()?;
    // A step that never began can only be skipped.
    let changed = tx.execute(
        "UPDATE steps SET status = ?4, done = ?5, outcome = ?6, problem = ?7, note = ?8,
                ended_at = CASE WHEN started_at IS NOT NULL THEN max(started_at, ?9) END
         WHERE run = ?1 AND attempt = ?2 AND step = ?3
           AND (status = 'running' OR (status = 'queued' AND ?4 = 'skipped'))
           AND EXISTS (SELECT 1 FROM runs WHERE run = ?1 AND status = 'running')",
        params![
            key.run,
            key.attempt,
            key.step,
            status_word(end.status),
            is_done(end.status, outcome.is_some()),
            outcome,
            problem,
            end.note,
            micros(at)
        ],
    )?;
    if changed == 0 {
        return Err(ChangeError::Refused(key.run.to_owned(), "running, with the step running"));
    }
    let published = matches!(end.status, Status::Succeeded | Status::Flagged) && end.outcome.is_some();
    crate::verdicts::publish(tx, key, published)?;
    enter_files(tx, key, &home, end)?;
    settle(tx, &home, key.step, &end.settles)?;
    mark(tx, &home, &end.pending)?;
    match &end.exactly {
        Some(marks) => {
            tx.execute("DELETE FROM pending WHERE pipeline = ?1 AND environment = ?2", params![home.0, home.1])?;
            mark(tx, &home, marks)
        }
        None => Ok(()),
    }
}

pub(crate) fn end_run(
    tx: &Transaction<'_>,
    run: &str,
    status: Status,
    note: Option<&str>,
    at: DateTime<Utc>,
) -> Change<bool> {
    let home = home(tx, run)?;
    let (was, plan): (String, String) =
        tx.query_row("SELECT status, plan FROM runs JOIN plans USING (run) WHERE run = ?1", [run], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let ended = status;
    let status = status_word(status);
    let changed = tx.execute(
        "UPDATE runs SET status = ?2, note = ?3, ended_at = max(coalesce(started_at, ?4), ?4)
         WHERE run = ?1 AND status IN ('queued', 'running')",
        params![run, status, note, micros(at)],
    )?;
    if changed == 0 {
        return Ok(false);
    }
    tx.execute(
        "UPDATE attempts SET pending_after = ?2
         WHERE run = ?1 AND status = 'running' AND pending_before IS NOT NULL AND pending_after IS NULL",
        params![run, marks(tx, &home)?],
    )?;
    tx.execute(
        "UPDATE attempts SET status = ?2, note = ?3, ended_at = max(started_at, ?4)
         WHERE run = ?1 AND status = 'running'",
        params![run, status, note, micros(at)],
    )?;
    tx.execute(
        "UPDATE steps SET status = iif(?2 = 'cancelled', ?2, 'failed'), note = ?3, ended_at = max(started_at, ?4)
         WHERE run = ?1 AND status = 'running'",
        params![run, status, note, micros(at)],
    )?;
    tx.execute(
        "UPDATE steps SET status = 'skipped', note = ?2 WHERE run = ?1 AND status = 'queued'",
        params![run, NOT_BEGUN],
    )?;
    let was = parse_status(&was).unwrap_or(Status::Queued);
    let outcomes = crate::read::outcomes(tx, run)?;
    append_action(tx, &end_action(&parse("a plan", &plan)?, was, ended, &outcomes, at))?;
    Ok(true)
}

pub(crate) fn append_action(tx: &Transaction<'_>, action: &Action) -> Change<()> {
    tx.execute("INSERT INTO actions (action) VALUES (?1)", [words("an action", action)?])?;
    Ok(())
}

pub(crate) fn unlock(tx: &Transaction<'_>, spell: &Unlock, action: &Action) -> Change<()> {
    tx.execute(
        "INSERT INTO spells (environment, person, at, until, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![spell.environment, spell.by, micros(spell.at), micros(spell.until), spell.reason],
    )?;
    append_action(tx, action)
}

pub(crate) fn keep_definition(tx: &Transaction<'_>, digest: &str, files: &DefinitionFiles) -> Change<()> {
    tx.execute(
        "INSERT INTO definitions (digest, files) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![digest, words("a definition", files)?],
    )?;
    Ok(())
}

type Home = (String, String);

fn home(tx: &Transaction<'_>, run: &str) -> Change<Home> {
    let home = tx
        .query_row("SELECT pipeline, environment FROM runs WHERE run = ?1", [run], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    home.ok_or_else(|| ChangeError::Refused(run.to_owned(), "in the journal"))
}

fn enter_files(tx: &Transaction<'_>, key: &StepKey<'_>, home: &Home, end: &StepEnd) -> Change<()> {
    let mut remember = tx.prepare_cached(
        "INSERT INTO files_before (run, attempt, source, path, entry)
         VALUES (?1, ?2, ?5, ?6,
                 (SELECT entry FROM files WHERE pipeline = ?3 AND environment = ?4 AND source = ?5 AND path = ?6))
         ON CONFLICT DO NOTHING",
    )?;
    let mut remember = |source: &str, path: &str| {
        remember.execute(params![key.run, key.attempt, home.0, home.1, source, path]).map(drop)
    };
    let mut drop_dates = tx.prepare_cached(
        "DELETE FROM file_dates WHERE pipeline = ?1 AND environment = ?2 AND source = ?3 AND path = ?4",
    )?;
    let mut drop_file =
        tx.prepare_cached("DELETE FROM files WHERE pipeline = ?1 AND environment = ?2 AND source = ?3 AND path = ?4")?;
    for (source, path) in &end.forget {
        remember(source, path)?;
        drop_dates.execute(params![home.0, home.1, source, path])?;
        drop_file.execute(params![home.0, home.1, source, path])?;
    }
    let mut enter = tx.prepare_cached(
        "INSERT INTO files (pipeline, environment, source, path, entry) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET entry = excluded.entry",
    )?;
    let mut enter_date = tx.prepare_cached(
        "INSERT INTO file_dates (pipeline, environment, date, source, path) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for entry in end.outcome.iter().flat_map(|outcome| &outcome.files) {
        remember(&entry.source, &entry.path)?;
        enter.execute(params![home.0, home.1, entry.source, entry.path, words("a file", entry)?])?;
        drop_dates.execute(params![home.0, home.1, entry.source, entry.path])?;
        for date in entry.dates.keys() {
            enter_date.execute(params![home.0, home.1, date.to_string(), entry.source, entry.path])?;
        }
    }
    Ok(())
}

fn settle(tx: &Transaction<'_>, home: &Home, step: &str, settles: &Settles) -> Change<()> {
    match settles {
        Settles::Nothing => {}
        Settles::Everything => {
            tx.execute(
                "DELETE FROM pending WHERE pipeline = ?1 AND environment = ?2 AND step = ?3",
                params![home.0, home.1, step],
            )?;
        }
        Settles::Dates(dates) => {
            let mut delete = tx.prepare_cached(
                "DELETE FROM pending WHERE pipeline = ?1 AND environment = ?2 AND step = ?3 AND date = ?4",
            )?;
            for date in dates {
                delete.execute(params![home.0, home.1, step, date.to_string()])?;
            }
        }
    }
    Ok(())
}

fn mark(tx: &Transaction<'_>, home: &Home, pending: &[Pending]) -> Change<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO pending (pipeline, environment, step, date) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?;
    for mark in pending {
        let date = mark.date.as_ref().map(NaiveDate::to_string).unwrap_or_default();
        insert.execute(params![home.0, home.1, mark.step, date])?;
    }
    Ok(())
}
