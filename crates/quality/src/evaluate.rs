//! Evaluating a ruleset: plan, group, one pass, judge.

use crate::analyzers;
use crate::compose::{Composed, Judged};
use crate::data::{Data, Profile, Rows};
use crate::draft::{Counted, Draft, Lookup, RowsId};
use crate::engine::{self, Stop, guarded};
use crate::error::QualityError;
use crate::failing::{Keeper, REASONS, RULES, SKIPPED, Told};
use crate::grouping::group;
use crate::keys::Occurrences;
use crate::measured::Measured;
use crate::pass::{Passed, Wanted, pass};
use crate::report::{Outcome, Report, RowCounts, Statistic, Verdict};
use crate::rules::Fate;
use assay_dqdl::tree::{Rule, Ruleset};
use polars::prelude::{DataFrame, PlSmallStr, SchemaRef};
use std::path::Path;
use std::sync::Arc;

/// Evaluates the rules on the data. Blocks, and must not be called on a thread of an async runtime.
///
/// A rule that cannot be evaluated is a verdict that says so. An error means that there is no verdict at all, and no
/// file of failing rows.
pub fn evaluate(ruleset: &Ruleset, data: &Data<'_>, rows: Rows<'_>) -> Result<Report, QualityError> {
    let stop = Stop::default();
    let schema = schema_of(data)?;
    if !matches!(rows, Rows::Count) {
        let reserved = [RULES, REASONS, SKIPPED].into_iter().find(|name| schema.contains(name));
        if let Some(column) = reserved {
            return Err(QualityError::Reserved { column: column.to_owned() });
        }
    }
    let mut draft = Draft::new(data, schema);
    let mut composed: Vec<Composed> = ruleset.rules.iter().map(|rule| Composed::of(rule, &mut draft)).collect();
    let unread = composed.iter().find_map(Composed::unread).filter(|_| data.profile == Profile::Deequ);
    if let Some(reason) = unread {
        composed.iter_mut().for_each(|rule| rule.fail_together(&reason, &mut draft));
    }
    let analyzers = analyzers::planned(&ruleset.analyzers, &mut draft);
    let mut told: Vec<Told> = composed.iter().zip(1..).map(|(rule, number)| rule.told(number, &draft)).collect();
    let decided: Vec<bool> = composed.iter().map(Composed::fails_by_one_row).collect();
    let chosen = match rows {
        Rows::Count => vec![false; told.len()],
        Rows::Keep(_) => decided.clone(),
        Rows::Every(_) => vec![true; told.len()],
    };
    let tests = counted_tests(&draft, &told, &chosen);
    let (occurrences, mut repeated) = groups(&draft, &tests, &stop)?;
    let queries = queries(&draft, &stop)?;
    let (passed, mut failing) =
        run(&draft, &Look { tests: &tests, repeated: &repeated, measures: true }, &told, &chosen, &rows, &stop)?;
    let all = passed.rows;
    let mut measured = measured(&draft, passed, &tests, occurrences, queries);
    let fates: Vec<(RowsId, Fate)> = composed.iter().flat_map(|rule| rule.fates(&measured)).collect();
    if !fates.is_empty() {
        draft.settle(&fates);
        composed.iter_mut().for_each(|rule| rule.silence(&fates));
        told = composed.iter().zip(1..).map(|(rule, number)| rule.told(number, &draft)).collect();
        let tests = needed_tests(&draft, &told, &vec![true; told.len()]);
        repeated = regrouped(&draft, &tests, repeated, &stop)?;
        let look = Look { tests: &tests, repeated: &repeated, measures: false };
        let (settled, kept) = run(&draft, &look, &told, &chosen, &rows, &stop)?;
        (measured.settled, failing) = (Some(settled.counts), kept);
    }
    let mut report = report(ruleset, composed, analyzers, &measured, all);
    for (verdict, rule) in report.verdicts.iter_mut().zip(&ruleset.rules) {
        verdict.resolved = crate::history::spelled(rule, &draft.resolved.borrow());
    }
    if data.profile == Profile::Deequ {
        one_value_of_queries(&mut report.verdicts);
    }
    if let Some(chosen) = late(&report, &decided).filter(|_| matches!(rows, Rows::Keep(_))) {
        let tests = needed_tests(&draft, &told, &chosen);
        let repeated = regrouped(&draft, &tests, repeated, &stop)?;
        let look = Look { tests: &tests, repeated: &repeated, measures: false };
        (_, failing) = run(&draft, &look, &told, &chosen, &rows, &stop)?;
    }
    report.failing = failing;
    Ok(report)
}

/// What a pass looks at.
struct Look<'a> {
    tests: &'a [bool],
    repeated: &'a [Option<DataFrame>],
    measures: bool,
}

/// One pass; the rows that fail a chosen rule are kept where rows are kept.
fn run(
    draft: &Draft<'_>,
    look: &Look<'_>,
    told: &[Told],
    chosen: &[bool],
    rows: &Rows<'_>,
    stop: &Stop,
) -> Result<(Passed, Option<u64>), QualityError> {
    let told = told.iter().zip(chosen).filter(|(_, chosen)| **chosen).map(|(told, _)| told.clone()).collect();
    let keeper = keeper(draft, told, rows);
    let wanted = Wanted { tests: look.tests, repeated: look.repeated, measures: look.measures, keeper: keeper.clone() };
    let passed = pass(draft, &wanted, stop).map_err(|error| unwritable(error, keeper.as_deref(), rows));
    let passed = passed.and_then(|passed| Ok((passed, finished(keeper.as_deref(), rows)?)));
    passed.inspect_err(|_| keeper.iter().for_each(|keeper| keeper.discard()))
}

/// The error of a pass, which is the file's where rows could not be written.
fn unwritable(error: QualityError, keeper: Option<&Keeper>, rows: &Rows<'_>) -> QualityError {
    match (error, rows) {
        (QualityError::Unreadable { source }, Rows::Keep(path) | Rows::Every(path))
            if keeper.is_some_and(Keeper::broken) =>
        {
            QualityError::Unwritable { path: path.display().to_string(), source }
        }
        (error, _) => error,
    }
}

/// The rules whose failing rows are kept, where they are others than those that one row makes fail: a share of rows may
/// fail a rule such as `Completeness > 0.9`, and only the verdict tells whether these rows made it fail.
fn late(report: &Report, decided: &[bool]) -> Option<Vec<bool>> {
    let failed =
        |verdict: &Verdict| verdict.outcome == Outcome::Failed && verdict.rows.is_some_and(|counts| counts.failed > 0);
    let chosen: Vec<bool> = report.verdicts.iter().map(failed).collect();
    chosen.iter().zip(decided).any(|(chosen, decided)| *chosen && !decided).then_some(chosen)
}

fn schema_of(data: &Data<'_>) -> Result<SchemaRef, QualityError> {
    guarded(|| data.rows.clone().collect_schema()).map_err(|source| QualityError::Unreadable { source })
}

/// The row tests that a pass evaluates so that all rules have their counts: all but those whose counts follow from the
/// keys alone, and those too where rows are kept or a rule is composed of them.
fn counted_tests(draft: &Draft<'_>, told: &[Told], chosen: &[bool]) -> Vec<bool> {
    let mut wanted: Vec<bool> = draft.rows.iter().map(|test| test.counted.is_none()).collect();
    for (rule, chosen) in told.iter().zip(chosen) {
        let Some(test) = rule.test else { continue };
        wanted[test] |= *chosen;
        draft.rows[test].parts.iter().for_each(|part| wanted[part.0] = true);
    }
    wanted
}

/// The row tests of chosen rules alone.
fn needed_tests(draft: &Draft<'_>, told: &[Told], chosen: &[bool]) -> Vec<bool> {
    let mut wanted = vec![false; draft.rows.len()];
    for test in told.iter().zip(chosen).filter(|(_, chosen)| **chosen).filter_map(|(rule, _)| rule.test) {
        wanted[test] = true;
        draft.rows[test].parts.iter().for_each(|part| wanted[part.0] = true);
    }
    wanted
}

type Groups = (Vec<Occurrences>, Vec<Option<DataFrame>>);

fn groups(draft: &Draft<'_>, tests: &[bool], stop: &Stop) -> Result<Groups, QualityError> {
    let read = read_keys(draft, tests);
    let each = draft.keys.iter().enumerate();
    let groups = each.map(|(at, set)| group(draft, set, read[at], stop)).collect::<Result<Vec<_>, _>>()?;
    Ok(groups.into_iter().unzip())
}

/// The repeated keys that the tests read, those that are not there yet grouped again.
fn regrouped(
    draft: &Draft<'_>,
    tests: &[bool],
    mut repeated: Vec<Option<DataFrame>>,
    stop: &Stop,
) -> Result<Vec<Option<DataFrame>>, QualityError> {
    for (at, read) in read_keys(draft, tests).into_iter().enumerate() {
        if read && repeated[at].is_none() {
            repeated[at] = group(draft, &draft.keys[at], true, stop)?.1;
        }
    }
    Ok(repeated)
}

/// For each key set, whether a test reads which of its keys are repeated.
fn read_keys(draft: &Draft<'_>, tests: &[bool]) -> Vec<bool> {
    let mut read = vec![false; draft.keys.len()];
    let lookups = draft.rows.iter().zip(tests).filter(|(_, wanted)| **wanted).flat_map(|(test, _)| &test.lookups);
    for id in lookups {
        if let Lookup::Repeated(keys) = &draft.lookups[id.0] {
            read[keys.0] = true;
        }
    }
    read
}

fn queries(draft: &Draft<'_>, stop: &Stop) -> Result<Vec<Result<DataFrame, String>>, QualityError> {
    let answer = |(_, frame): &(String, polars::prelude::LazyFrame)| match engine::collect(
        engine::gated(frame.clone(), stop),
        stop,
        draft.data.cancelled,
    ) {
        Ok(found) => Ok(Ok(found)),
        Err(QualityError::Cancelled) => Err(QualityError::Cancelled),
        Err(_) => Ok(Err("what it compares with could not be read".to_owned())),
    };
    draft.queries.iter().map(answer).collect()
}

fn keeper(draft: &Draft<'_>, told: Vec<Told>, rows: &Rows<'_>) -> Option<Arc<Keeper>> {
    let (path, every): (&Path, bool) = match rows {
        Rows::Count => return None,
        Rows::Keep(path) => (path, false),
        Rows::Every(path) => (path, true),
    };
    let mut columns: Vec<PlSmallStr> = Vec::with_capacity(draft.schema.len());
    for name in draft.data.key.iter().map(|name| PlSmallStr::from_str(name)).chain(draft.schema.iter_names().cloned()) {
        if draft.schema.contains(&name) && !columns.contains(&name) {
            columns.push(name);
        }
    }
    Some(Arc::new(Keeper::new(path, columns, told, every)))
}

fn finished(keeper: Option<&Keeper>, rows: &Rows<'_>) -> Result<Option<u64>, QualityError> {
    let (Some(keeper), Rows::Keep(path) | Rows::Every(path)) = (keeper, rows) else { return Ok(None) };
    let failing = guarded(|| keeper.finish());
    failing.map(Some).map_err(|source| QualityError::Unwritable { path: path.display().to_string(), source })
}

fn measured(
    draft: &Draft<'_>,
    passed: Passed,
    tests: &[bool],
    keys: Vec<Occurrences>,
    queries: Vec<Result<DataFrame, String>>,
) -> Measured {
    let counted = |(at, test): (usize, &crate::draft::RowTest)| {
        let (all, failed) = match test.counted {
            Some(Counted::Repeated(id)) if !tests[at] => (keys[id.0].rows(), keys[id.0].repeated()),
            Some(Counted::RepeatedOrNull(id)) if !tests[at] => (keys[id.0].rows(), keys[id.0].repeated_or_null()),
            _ => return passed.counts[at],
        };
        RowCounts { passed: all - failed, failed, skipped: 0 }
    };
    let rows = draft.rows.iter().enumerate().map(counted).collect();
    Measured { numbers: passed.numbers, keys, rows, settled: None, complete: draft.complete.clone(), queries }
}

fn report(
    ruleset: &Ruleset,
    composed: Vec<Composed>,
    analyzers: Vec<Composed>,
    measured: &Measured,
    rows: u64,
) -> Report {
    let mut statistics: Vec<Statistic> = Vec::new();
    let mut note = |judged: &Judged| {
        for (metric, filter, value) in &judged.statistics {
            if !statistics.iter().any(|known| known.metric == *metric && known.filter == *filter) {
                statistics.push(Statistic { metric: metric.clone(), filter: filter.clone(), value: *value });
            }
        }
    };
    let mut verdicts = Vec::with_capacity(composed.len());
    for (rule, composed) in ruleset.rules.iter().zip(composed) {
        let counts = composed.rows.map(|id| of_all(measured.settled(id), rows));
        let judged = composed.judge(measured);
        note(&judged);
        verdicts.push(verdict(rule, judged, counts));
    }
    analyzers.into_iter().for_each(|analyzer| note(&analyzer.judge(measured)));
    Report { verdicts, statistics, rows, failing: None }
}

/// The open evaluator keeps one number of a dataset under a name, so that all queries of a ruleset show the last one's.
fn one_value_of_queries(verdicts: &mut [Verdict]) {
    const NAME: &str = "Dataset.*.CustomSQL";
    let Some(last) = verdicts.iter().rev().find_map(|verdict| verdict.metrics.get(NAME).copied()) else { return };
    verdicts.iter_mut().filter_map(|verdict| verdict.metrics.get_mut(NAME)).for_each(|value| *value = last);
}

/// Counts with the rows that a filter left out among the skipped.
fn of_all(counts: RowCounts, rows: u64) -> RowCounts {
    RowCounts { skipped: rows.saturating_sub(counts.passed + counts.failed), ..counts }
}

fn verdict(rule: &Rule, judged: Judged, rows: Option<RowCounts>) -> Verdict {
    Verdict {
        rule: assay_dqdl::canonical::rule(rule),
        resolved: None,
        outcome: judged.outcome,
        evaluated: judged.evaluated,
        reason: judged.reason,
        metrics: judged.metrics,
        rows: if judged.outcome == Outcome::Unknown { None } else { rows },
        labels: rule.labels.clone(),
    }
}
