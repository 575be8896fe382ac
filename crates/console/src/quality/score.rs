//! The score of each date of an evaluation.

use assay_contract::{DateScore, Evaluation, FailingCount, RuleOutcome, Score};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// Rules by their outcome.
pub fn of(outcomes: impl IntoIterator<Item = RuleOutcome>) -> Score {
    let mut score = Score::default();
    for outcome in outcomes {
        match outcome {
            RuleOutcome::Passed => score.passed += 1,
            RuleOutcome::Failed => score.failed += 1,
            RuleOutcome::Unknown => score.unknown += 1,
        }
    }
    score
}

/// A date on which a failed rule has no failing row passed it, unless the rule says nothing of single rows.
/// `rows` gives for each date its rows and those of them that made any rule fail.
pub fn by_date(
    evaluation: &Evaluation,
    failing: &[FailingCount],
    rows: &BTreeMap<Option<NaiveDate>, (u64, u64)>,
) -> Vec<DateScore> {
    let failed_on: BTreeSet<(u32, Option<&str>)> =
        failing.iter().map(|count| (count.rule, count.date.as_deref())).collect();
    let score = |(date, (rows, failing)): (&Option<NaiveDate>, &(u64, u64))| {
        let date = date.map(|date| date.to_string());
        let outcome = |verdict: &assay_contract::RuleVerdict| match (verdict.outcome, verdict.rows) {
            (RuleOutcome::Failed, Some(tally))
                if tally.failed > 0 && !failed_on.contains(&(verdict.number, date.as_deref())) =>
            {
                RuleOutcome::Passed
            }
            (outcome, _) => outcome,
        };
        let score = of(evaluation.verdicts.iter().map(outcome));
        DateScore { date, rows: *rows, failing: *failing, score }
    };
    rows.iter().map(score).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::suite::{day, sample_verdict};
    use assay_contract::RowTally;

    #[test]
    fn a_rule_fails_on_the_dates_of_its_failing_rows_and_a_rule_on_the_whole_on_every_date() {
        let by_row = RowTally { passed: 8, failed: 2, skipped: 0 };
        let evaluation = Evaluation {
            verdicts: vec![
                sample_verdict(1, RuleOutcome::Passed, Some(by_row)),
                sample_verdict(2, RuleOutcome::Failed, Some(by_row)),
                sample_verdict(3, RuleOutcome::Failed, None),
                sample_verdict(4, RuleOutcome::Unknown, None),
            ],
            ..Evaluation::default()
        };
        let on = |rule, day: u32| FailingCount { rule, date: Some(format!("2026-11-0{day}")), rows: 1 };
        let rows = BTreeMap::from([(Some(day(1)), (5, 0)), (Some(day(2)), (5, 2))]);
        // A threshold let rule 1 pass although it has failing rows.
        let scores = by_date(&evaluation, &[on(1, 2), on(2, 2)], &rows);
        let score = |passed, failed| Score { passed, failed, unknown: 1 };
        assert_eq!(scores.iter().map(|date| date.score).collect::<Vec<_>>(), [score(2, 1), score(1, 2)]);
        assert_eq!(scores[1].date.as_deref(), Some("2026-11-02"));
        assert_eq!(score(1, 2).share(), Some(1.0 / 3.0));
        assert_eq!(Score::default().share(), None);
    }
}
