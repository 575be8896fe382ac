//! From journal records to the rows that people see; shared by every journal so that they cannot differ.

use crate::journal::{Action, is_done};
use crate::plan::{RunPlan, RunScope};
use crate::ports::StepOutcome;
use assay_contract::run::AttemptRow;
use assay_contract::{Counts, Problem, ReasonCount, RunDetail, RunRow, Status, StepRow};
use chrono::{DateTime, SecondsFormat, Utc};
use std::collections::BTreeMap;

/// Reasons that a run's detail lists; rarer ones are left to the quarantine itself.
const REASONS: usize = 50;

/// A run as the journal holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    pub plan: RunPlan,
    pub status: Status,
    pub attempt: u32,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRecord {
    pub number: u32,
    pub status: Status,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    pub step: String,
    pub attempt: u32,
    pub status: Status,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome: Option<StepOutcome>,
    pub problem: Option<Problem>,
    pub note: Option<String>,
}

impl StepRecord {
    /// As it stands before an attempt reaches it.
    pub fn queued(step: &str, attempt: u32) -> Self {
        Self {
            step: step.to_owned(),
            attempt,
            status: Status::Queued,
            started_at: None,
            ended_at: None,
            outcome: None,
            problem: None,
            note: None,
        }
    }
}

/// RFC 3339 in UTC with milliseconds.
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The word of the glossary.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Queued => "queued",
        Status::Running => "running",
        Status::Succeeded => "succeeded",
        Status::Flagged => "flagged",
        Status::Failed => "failed",
        Status::Cancelled => "cancelled",
        Status::Skipped => "skipped",
    }
}

pub fn parse_status(word: &str) -> Option<Status> {
    use Status::*;
    [Queued, Running, Succeeded, Flagged, Failed, Cancelled, Skipped].into_iter().find(|s| status_word(*s) == word)
}

/// `1,234,567`.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `14 dates, 2026-11-01 to 2026-11-14`, `2026-11-01` or `all dates`.
pub fn scope_words(scope: &RunScope) -> String {
    match scope {
        RunScope::All => "all dates".into(),
        RunScope::Dates(dates) => match (dates.first(), dates.last()) {
            (Some(first), Some(last)) if first == last => first.to_string(),
            (Some(first), Some(last)) => {
                let whole = (*last - *first).num_days() + 1 == dates.len() as i64;
                let join = if whole { "" } else { " with gaps" };
                format!("{} dates, {first} to {last}{join}", count(dates.len()))
            }
            // A plan without dates builds undated tables only.
            _ => "whole tables".into(),
        },
    }
}

/// For an action: the run's status.
pub fn status_note(status: Status) -> BTreeMap<String, String> {
    BTreeMap::from([("status".to_owned(), status_word(status).to_owned())])
}

/// For an action: versions by table id.
pub fn version_words(versions: &BTreeMap<String, Option<i64>>) -> BTreeMap<String, String> {
    let word = |version: &Option<i64>| version.map_or("none".to_owned(), |version| format!("version {version}"));
    versions.iter().map(|(table, version)| (table.clone(), word(version))).collect()
}

/// The action that a run's end is: its tables before and after, as far as its finished steps tell. The journal
/// appends it together with the end.
pub fn end_action(
    plan: &RunPlan,
    was: Status,
    status: Status,
    outcomes: &BTreeMap<String, StepOutcome>,
    at: DateTime<Utc>,
) -> Action {
    let moved = |version: fn(&StepOutcome) -> Option<i64>| {
        let changed = outcomes.iter().filter(|(_, outcome)| outcome.version_after != outcome.version_before);
        version_words(&changed.map(|(step, outcome)| (step.clone(), version(outcome))).collect())
    };
    let mut before = moved(|outcome| outcome.version_before);
    let mut after = moved(|outcome| outcome.version_after);
    before.extend(status_note(was));
    after.extend(status_note(status));
    Action {
        at,
        by: plan.asked_by.clone(),
        what: "end".into(),
        pipeline: plan.pipeline.clone(),
        environment: plan.environment.name.clone(),
        run: Some(plan.run.clone()),
        reason: plan.reason.clone(),
        before,
        after,
    }
}

/// A run's row; `done` counts its steps that need no further attempt.
pub fn run_row(record: &RunRecord, done: u32) -> RunRow {
    let plan = &record.plan;
    RunRow {
        id: plan.run.clone(),
        pipeline: plan.pipeline.clone(),
        environment: plan.environment.name.clone(),
        status: record.status,
        stages: plan.stages.iter().map(ToString::to_string).collect(),
        dates: plan.words(),
        attempt: record.attempt,
        queued_at: time(plan.queued_at),
        started_at: record.started_at.map(time),
        ended_at: record.ended_at.map(time),
        steps_done: done,
        steps_total: u32::try_from(plan.steps.len()).unwrap_or(u32::MAX),
        progress: None,
        note: record.note.clone(),
    }
}

/// A run's detail from all of its records; `steps` in any order, every attempt.
pub fn run_detail(record: &RunRecord, attempts: &[AttemptRecord], steps: &[StepRecord]) -> RunDetail {
    let mut newest: BTreeMap<&str, &StepRecord> = BTreeMap::new();
    for step in steps {
        let held = newest.entry(step.step.as_str()).or_insert(step);
        if step.attempt > held.attempt {
            *held = step;
        }
    }
    let done = newest.values().filter(|step| is_done(step.status, step.outcome.is_some())).count();
    let outcomes: Vec<&StepOutcome> = newest.values().filter_map(|step| step.outcome.as_ref()).collect();
    let plan = &record.plan;
    RunDetail {
        run: run_row(record, u32::try_from(done).unwrap_or(u32::MAX)),
        reason: plan.reason.clone(),
        asked_by: plan.asked_by.clone(),
        definition: plan.digest.chars().take(12).collect(),
        runner: "local".into(),
        counts: total(&outcomes),
        balanced: outcomes.iter().all(|outcome| is_balanced(outcome)),
        attempts: attempts.iter().map(attempt_row).collect(),
        steps: plan
            .steps
            .iter()
            .map(|step| {
                let absent = StepRecord::queued(&step.id, record.attempt.max(1));
                step_row(plan, &step.id, newest.get(step.id.as_str()).copied().unwrap_or(&absent))
            })
            .collect(),
        reasons: reasons(&outcomes),
        reconciliation: outcomes.iter().flat_map(|outcome| outcome.reconciliation.iter().cloned()).collect(),
    }
}

fn attempt_row(record: &AttemptRecord) -> AttemptRow {
    AttemptRow {
        number: record.number,
        status: record.status,
        started_at: time(record.started_at),
        ended_at: record.ended_at.map(time),
        note: record.note.clone(),
    }
}

fn step_row(plan: &RunPlan, id: &str, record: &StepRecord) -> StepRow {
    let planned = plan.steps.iter().find(|step| step.id == id);
    let outcome = record.outcome.as_ref();
    let version = |version: Option<i64>| version.and_then(|version| u32::try_from(version).ok());
    StepRow {
        id: id.to_owned(),
        stage: planned.map(|step| step.stage.to_string()).unwrap_or_default(),
        table: planned.map(|step| step.table.clone()).unwrap_or_default(),
        attempt: record.attempt,
        status: record.status,
        started_at: record.started_at.map(time),
        ended_at: record.ended_at.map(time),
        rows_in: outcome.and_then(|outcome| outcome.rows_in),
        rows_out: outcome.and_then(|outcome| outcome.rows_out),
        quarantined: outcome.and_then(|outcome| outcome.quarantined),
        version_before: outcome.and_then(|outcome| version(outcome.version_before)),
        version_after: outcome.and_then(|outcome| version(outcome.version_after)),
        progress: None,
        after: planned.map(|step| step.after.clone()).unwrap_or_default(),
        problem: record.problem.clone(),
        note: record.note.clone(),
    }
}

fn total(outcomes: &[&StepOutcome]) -> Counts {
    let mut total = Counts::default();
    for counts in outcomes.iter().filter_map(|outcome| outcome.counts) {
        total.read += counts.read;
        total.accepted += counts.accepted;
        total.quarantined += counts.quarantined;
        total.blank += counts.blank;
        total.elsewhere += counts.elsewhere;
    }
    total
}

fn is_balanced(outcome: &StepOutcome) -> bool {
    let holds = |c: &Counts| {
        [c.accepted, c.quarantined, c.blank, c.elsewhere].iter().try_fold(0u64, |sum, part| sum.checked_add(*part))
            == Some(c.read)
    };
    outcome.counts.as_ref().is_none_or(holds) && outcome.files.iter().all(|file| holds(&file.counts))
}

fn reasons(outcomes: &[&StepOutcome]) -> Vec<ReasonCount> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, records) in outcomes.iter().flat_map(|outcome| &outcome.reasons) {
        *sums.entry(reason).or_default() += records;
    }
    let mut rows: Vec<ReasonCount> =
        sums.into_iter().map(|(reason, records)| ReasonCount { reason: reason.to_owned(), records }).collect();
    rows.sort_by(|a, b| b.records.cmp(&a.records).then_with(|| a.reason.cmp(&b.reason)));
    rows.truncate(REASONS);
    rows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use chrono::NaiveDate;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    #[test]
    fn says_scopes_in_words() {
        for (scope, words) in [
            (RunScope::All, "all dates"),
            (RunScope::Dates(vec![]), "whole tables"),
            (RunScope::Dates(vec![day(1)]), "2026-11-01"),
            (RunScope::Dates((1..=14).map(day).collect()), "14 dates, 2026-11-01 to 2026-11-14"),
            (RunScope::Dates(vec![day(1), day(3)]), "2 dates, 2026-11-01 to 2026-11-03 with gaps"),
        ] {
            assert_eq!(scope_words(&scope), words);
        }
    }

    #[test]
    fn one_file_that_does_not_add_up_is_not_balanced() {
        let whole = Counts { read: 3, accepted: 1, quarantined: 1, blank: 0, elsewhere: 1 };
        let mut outcome = StepOutcome { counts: Some(whole), ..StepOutcome::default() };
        assert!(is_balanced(&outcome));
        outcome.counts = Some(Counts { read: 4, ..whole });
        assert!(!is_balanced(&outcome));
        outcome.counts = Some(Counts { read: 0, accepted: u64::MAX, blank: 1, ..Counts::default() });
        assert!(!is_balanced(&outcome), "an overflow is no balance");
    }
}
