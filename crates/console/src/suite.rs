//! What every journal does alike: a script of random operations, checked against rules that hold at any moment
//! and against the other journals that run the same script.

use crate::journal::{Action, Created, Journal, Pending, RunFilter, Settles, StepEnd, StepKey, Unlock};
use crate::plan::ask::Settings;
use crate::plan::{PlannedStep, RunPlan, RunScope, Work};
use crate::ports::{LedgerEntry, StepOutcome};
use crate::quality::{Judged, PastAsk, Statistic};
use assay_contract::{
    Counts, DateScore, Evaluation, FailingCount, MetricValue, Problem, ProblemKind, RowTally, RuleOutcome, RulePlace,
    RuleVerdict, ScopeWord, Score, Severity, Status,
};
use assay_pipeline::{Environment, Guard, Layer, Permit};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};

const RUNS: u8 = 4;
const STEPS: [&str; 3] = ["silver.sales", "gold.daily", "warehouse.daily"];

/// A plan of three steps in a row over two dates.
pub fn sample_plan(run: &str, at: DateTime<Utc>) -> RunPlan {
    let step = |place: usize, stage: Layer, table: &str| PlannedStep {
        id: STEPS[place].into(),
        stage,
        table: table.into(),
        source: (place == 0).then(|| "sales".into()),
        after: STEPS[place.saturating_sub(1)..place].iter().map(ToString::to_string).collect(),
        waits: Vec::new(),
        scope: None,
        downstream: STEPS[place + 1..].iter().map(ToString::to_string).collect(),
        feeds: false,
        follows: false,
        restore: None,
    };
    RunPlan {
        run: run.into(),
        pipeline: "shop".into(),
        digest: "d1".into(),
        environment: Environment::new("local", Guard::Open, "/lake".into()),
        stages: vec![Layer::Silver, Layer::Gold, Layer::Warehouse],
        scope: RunScope::Dates(vec![day(1), day(2)]),
        steps: vec![step(0, Layer::Silver, "sales"), step(1, Layer::Gold, "daily"), step(2, Layer::Warehouse, "daily")],
        files: Vec::new(),
        vanished: Vec::new(),
        widened: Vec::new(),
        worked_before: None,
        work: Work::Process,
        word: ScopeWord::All,
        versions: BTreeMap::new(),
        original: false,
        settings: Settings::default(),
        permit: Permit::issue("local", run, at + TimeDelta::hours(6)),
        reason: "a test".into(),
        asked_by: "suite".into(),
        queued_at: at,
    }
}

/// A day of November 2026.
///
/// # Panics
/// On a day that the month does not have.
pub fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).expect("a day of the month")
}

/// Runs the same operations on every journal. Three bytes of `script` make one operation.
///
/// # Panics
/// When a rule does not hold, or the journals differ.
pub fn run_script(journals: &[&dyn Journal], script: &[u8]) {
    let mut now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let mut finished: BTreeMap<String, usize> = BTreeMap::new();
    for operation in script.chunks_exact(3) {
        let &[what, which, how] = operation else { continue };
        // The clock jumps back in one of four operations.
        now += TimeDelta::seconds(if how % 4 == 3 { -90 } else { 7 });
        let said: Vec<String> = journals.iter().map(|journal| apply(*journal, what, which, how, now)).collect();
        assert!(said.windows(2).all(|pair| pair[0] == pair[1]), "{operation:?} was answered differently: {said:#?}");
        let seen: Vec<String> = journals.iter().map(|journal| observe(*journal, &mut finished)).collect();
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "after {operation:?}: {seen:#?}");
    }
}

fn apply(journal: &dyn Journal, what: u8, which: u8, how: u8, now: DateTime<Utc>) -> String {
    let run = format!("RUN{}", which % RUNS);
    let step = STEPS[usize::from(which / RUNS) % STEPS.len()];
    let attempt = journal.run(&run).map_or(0, |detail| detail.map_or(0, |detail| detail.run.attempt));
    let key = StepKey { run: &run, attempt: if how == 255 { attempt + 1 } else { attempt }, step };
    match what % 9 {
        0 => {
            let absent = matches!(journal.plan(&run), Ok(None));
            let request = how.is_multiple_of(2).then(|| format!("request {}", how % 16));
            if absent || request.as_deref().is_some_and(|id| matches!(journal.run_of_request(id), Ok(Some(_)))) {
                word(journal.create_run(&sample_plan(&run, now), request.as_deref()))
            } else {
                "known".into()
            }
        }
        1 => word(journal.requeue(&sample_plan(&run, now))),
        2 => word(journal.start_attempt(&run, now)),
        3 | 4 => word(journal.begin_step(&key, &followers(step, how), now)),
        5 | 6 => word(journal.end_step(&key, &end(step, how), now)),
        7 => word(journal.record_evaluation(&key, &judged(step, how), now)),
        _ => {
            let status = [Status::Failed, Status::Cancelled, Status::Succeeded][usize::from(how) % 3];
            word(journal.end_run(&run, status, Some("ended by the script"), now))
        }
    }
}

fn followers(step: &str, how: u8) -> Vec<Pending> {
    let place = STEPS.iter().position(|known| *known == step).unwrap_or_default();
    let scope = match how % 3 {
        0 => RunScope::All,
        _ => RunScope::Dates(vec![day(u32::from(how % 5) + 1), day(9)]),
    };
    STEPS[place + 1..].iter().flat_map(|follower| Pending::over(follower, &scope)).collect()
}

fn end(step: &str, how: u8) -> StepEnd {
    let done = how % 5 < 3;
    let status = [Status::Succeeded, Status::Flagged, Status::Skipped, Status::Failed, Status::Skipped];
    let outcome = StepOutcome {
        rows_in: Some(u64::from(how)),
        rows_out: Some(u64::from(how / 2)),
        version_before: Some(1),
        version_after: Some(i64::from(how)),
        reasons: BTreeMap::from([("malformed".to_owned(), u64::from(how))]),
        dates: Some(vec![day(u32::from(how % 3) + 1)]),
        files: if step == STEPS[0] { vec![entry(how)] } else { Vec::new() },
        ..StepOutcome::default()
    };
    StepEnd {
        status: status[usize::from(how) % 5],
        outcome: done.then_some(outcome),
        problem: (how % 5 == 3).then(|| Problem::new(ProblemKind::Failed, "it broke")),
        note: (how % 5 == 4).then(|| "blocked".to_owned()),
        forget: if how.is_multiple_of(7) { vec![("sales".into(), path(how / 7))] } else { Vec::new() },
        settles: match how % 4 {
            0 => Settles::Everything,
            1 => Settles::Nothing,
            _ => Settles::Dates(BTreeSet::from([day(u32::from(how % 5) + 1)])),
        },
        pending: if done { followers(step, how / 3) } else { Vec::new() },
        exactly: (how % 11 == 5).then(|| vec![Pending { step: STEPS[2].into(), date: Some(day(8)) }]),
    }
}

/// An evaluation of a whole table, or over one or two dates.
fn judged(step: &str, how: u8) -> Judged {
    let dates: Vec<NaiveDate> = (0..how % 3).map(|more| day(u32::from(how % 5 + more) + 1)).collect();
    let on = |date: Option<&NaiveDate>| date.map(NaiveDate::to_string);
    let evaluation = Evaluation {
        table: step.into(),
        ruleset: "quality/sales.dqdl".into(),
        dates: crate::quality::span(&dates),
        rows: u64::from(how),
        failing: u64::from(how % 4),
        score: Score { passed: 1, failed: u32::from(how % 2), unknown: 0 },
        verdicts: vec![sample_verdict(1, RuleOutcome::Failed, None)],
    };
    let score = |date| DateScore { date: on(date), rows: 1, failing: 0, score: evaluation.score };
    let scores =
        if dates.is_empty() { vec![score(None)] } else { dates.iter().map(|date| score(Some(date))).collect() };
    let failing = (1..how % 4).map(|rule| FailingCount { rule: rule.into(), date: on(dates.first()), rows: 2 });
    let statistic = |filter: Option<&str>, value| Statistic {
        metric: "Dataset.*.RowCount".into(),
        filter: filter.map(str::to_owned),
        value,
    };
    let statistics = match how % 7 {
        0 => vec![statistic(None, f64::NAN)],
        1 => vec![statistic(Some("a > 1"), 4.5)],
        _ => vec![statistic(None, f64::from(how)), statistic(Some("a > 1"), f64::from(how) / 3.0)],
    };
    Judged { scores, failing: failing.collect(), statistics, evaluation }
}

/// A verdict on a rule named after its number.
pub fn sample_verdict(number: u32, outcome: RuleOutcome, rows: Option<RowTally>) -> RuleVerdict {
    RuleVerdict {
        number,
        rule: format!("Rule {number}"),
        severity: Severity::Warn,
        dimension: "accuracy".into(),
        outcome,
        evaluated: RulePlace::Local,
        caution: None,
        reason: None,
        metrics: vec![MetricValue { name: "Dataset.*.RowCount".into(), value: "NaN".into() }],
        rows,
        labels: Vec::new(),
    }
}

/// Scores and earlier statistics of every table.
fn verdicts(journal: &dyn Journal) -> String {
    let mut seen = String::new();
    for step in STEPS {
        let scores = |date| journal.scores(("shop", "local"), step, date, 5).expect("scores");
        seen += &format!("{:?}\n{:?}\n", scores(None), scores(Some(day(2))));
        for (dates, filter) in [(vec![], None), (vec![day(4)], None), (vec![day(3), day(4)], Some("a > 1"))] {
            let (pipeline, environment, run, metric) = ("shop", "local", "RUN1", "Dataset.*.RowCount");
            let dates = crate::quality::span(&dates);
            let ask = PastAsk { pipeline, environment, table: step, run, dates, metric, filter, count: 3 };
            seen += &format!("{:?}\n", journal.past_statistics(&ask).expect("statistics"));
        }
    }
    seen
}

fn path(number: u8) -> String {
    // Names that a look for one folder could confuse.
    format!("bronze/sales/{}/{}.csv", ["a", "ab", "a0"][usize::from(number % 3)], number % 6)
}

fn entry(how: u8) -> LedgerEntry {
    LedgerEntry {
        source: "sales".into(),
        path: path(how),
        size: u64::from(how),
        modified_ns: i64::from(how) * 1_000_000_007,
        tag: format!("{how:032x}"),
        counts: Counts { read: u64::from(how), accepted: u64::from(how), ..Counts::default() },
        dates: (0..how % 4).map(|more| (day(1 + u32::from(how % 7 + more)), u64::from(how))).collect(),
    }
}

/// Everything that can be asked, as text; checks the rules on the way.
fn observe(journal: &dyn Journal, finished: &mut BTreeMap<String, usize>) -> String {
    let (pipeline, environment) = ("shop", "local");
    let rows = journal.runs(&RunFilter::default(), 100).expect("runs");
    let mut seen = format!("{rows:?}\n");
    for row in &rows {
        let detail = journal.run(&row.id).expect("run").expect("a listed run exists");
        assert_eq!(&detail.run, row, "a run is the same in the list and alone");
        check_rules(&detail);
        let standing = journal.standing(&row.id).expect("standing").expect("a listed run stands somehow");
        assert_eq!((&standing.pipeline, standing.status), (&row.pipeline, row.status));
        assert_eq!(standing.started_at.map(crate::views::time), row.started_at);
        let done = journal.outcomes(&row.id).expect("outcomes");
        let before = finished.insert(row.id.clone(), done.len()).unwrap_or_default();
        assert!(done.len() >= before, "a finished step was forgotten");
        seen += &format!("{detail:?}\n{done:?}\n{:?}\n", journal.plan(&row.id).expect("plan"));
        seen += &turns(journal, &row.id);
        seen += &format!("{:?}\n", journal.evaluations(&row.id).expect("evaluations"));
        seen += &format!("{:?}\n", journal.failing_counts(&row.id, STEPS[0]).expect("failing rows"));
        seen += &format!("{:?}\n", journal.date_scores(&row.id, STEPS[0]).expect("scores by date"));
    }
    let open = RunFilter { statuses: vec![Status::Queued, Status::Running], ..RunFilter::default() };
    let ledger = journal.ledger(pipeline, environment).expect("ledger");
    let dates: BTreeSet<NaiveDate> = ledger.iter().flat_map(|entry| entry.dates.keys().copied()).collect();
    assert_eq!(journal.dates(pipeline, environment).expect("dates"), dates.into_iter().collect::<Vec<_>>());
    seen += &verdicts(journal);
    let folders = ["bronze/sales/a".to_owned(), "bronze/sales/z".to_owned()];
    seen + &format!(
        "{:?}\n{ledger:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        journal.runs(&open, 2).expect("open runs"),
        (
            journal.files_of_dates(pipeline, environment, &[day(2), day(5)]).expect("files of dates"),
            journal.files_below(pipeline, environment, "sales", &folders).expect("files below folders"),
        ),
        journal.pending(pipeline, environment).expect("pending"),
        journal.table_states(pipeline, environment).expect("states"),
        journal.ledger(pipeline, "other").expect("another environment"),
        journal.actions(30).expect("actions"),
        journal.original(pipeline, environment, Some((day(2), day(9)))).expect("the original"),
        journal.original(pipeline, environment, Some((day(3), day(9)))).expect("no original"),
        journal.timings(pipeline, environment, 2).expect("timings"),
    )
}

/// The attempts since a run's first, and the journal around its own.
fn turns(journal: &dyn Journal, run: &str) -> String {
    let turns = journal.turns_since(run).expect("turns");
    let begun = turns.iter().filter(|turn| turn.run == run);
    let around = begun.map(|turn| journal.around(run, turn.attempt).expect("an attempt").expect("what is around it"));
    format!("{turns:?}\n{:?}\n", around.collect::<Vec<_>>())
}

fn check_rules(detail: &assay_contract::RunDetail) {
    let run = &detail.run;
    let over = !matches!(run.status, Status::Queued | Status::Running);
    assert_eq!(over, run.ended_at.is_some(), "an ended run has an end: {run:?}");
    assert!(run.steps_done <= run.steps_total);
    let running = detail.attempts.iter().filter(|attempt| attempt.status == Status::Running).count();
    assert_eq!(running, usize::from(run.status == Status::Running), "{detail:?}");
    for (started, ended) in detail.steps.iter().map(|step| (&step.started_at, &step.ended_at)) {
        assert!(ended.is_none() || started <= ended, "no step ends before it starts");
    }
    for step in &detail.steps {
        assert!(!over || !matches!(step.status, Status::Queued | Status::Running), "a step outlives its run: {step:?}");
        assert!(run.status == Status::Running || step.status != Status::Running, "{step:?}");
    }
}

fn word<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(problem) => format!("{:?}", problem.kind),
    }
}

/// Definitions are kept once; the newest spell of a person counts, with its action.
///
/// # Panics
/// When it is not so.
pub fn check_keeping(journal: &dyn Journal) {
    let files = |text: &str| BTreeMap::from([("pipeline.toml".to_owned(), text.to_owned())]);
    assert_eq!(journal.definition("d1"), Ok(None));
    journal.keep_definition("d1", &files("one")).expect("kept");
    journal.keep_definition("d1", &files("other")).expect("kept before");
    assert_eq!(journal.definition("d1"), Ok(Some(files("one"))));
    let at = |minute| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
    assert_eq!(journal.unlocked("prod", "ann"), Ok(None));
    for (by, until) in [("ann", 30), ("ben", 60), ("ann", 20)] {
        let spell =
            Unlock { environment: "prod".into(), by: by.into(), at: at(1), until: at(until), reason: "why".into() };
        let action = Action {
            at: at(1),
            by: by.into(),
            what: "unlock".into(),
            pipeline: String::new(),
            environment: "prod".into(),
            run: None,
            reason: "why".into(),
            before: BTreeMap::new(),
            after: BTreeMap::from([("guard".into(), "open".into())]),
        };
        journal.unlock(&spell, &action).expect("unlocked");
        assert_eq!(journal.unlocked("prod", by), Ok(Some(spell)));
        assert_eq!(journal.actions(1), Ok(vec![action]));
    }
    assert_eq!(journal.unlocked("prod", "ann").expect("a spell").map(|spell| spell.until), Some(at(20)));
    assert_eq!(journal.unlocked("local", "ann"), Ok(None));
}

/// One request gives one run, whatever was planned for its repetition.
///
/// # Panics
/// When it does not.
pub fn check_requests(journal: &dyn Journal) {
    let at = DateTime::UNIX_EPOCH;
    assert_eq!(journal.create_run(&sample_plan("A", at), Some("q1")), Ok(Created::New));
    assert_eq!(journal.create_run(&sample_plan("B", at), Some("q1")), Ok(Created::Repeated("A".into())));
    assert_eq!(journal.create_run(&sample_plan("C", at), Some("q2")), Ok(Created::New));
    assert_eq!(journal.create_run(&sample_plan("D", at), None), Ok(Created::New));
    assert_eq!(journal.create_run(&sample_plan("E", at), None), Ok(Created::New));
    assert_eq!(journal.run("B"), Ok(None));
    assert_eq!(journal.standing("B"), Ok(None));
    let ids: Vec<String> =
        journal.runs(&RunFilter::default(), 10).expect("runs").into_iter().map(|row| row.id).collect();
    assert_eq!(ids, ["E", "D", "C", "A"]);
}
