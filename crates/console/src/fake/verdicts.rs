//! Verdicts in memory.

use super::{MemoryJournal, conflict};
use crate::journal::StepKey;
use crate::quality::{Judged, PastAsk, Verdicts};
use crate::views;
use assay_contract::{DateScore, EvaluationRow, FailingCount, Problem, ScoreRow};
use chrono::{DateTime, NaiveDate, Utc};

#[derive(Debug, Clone)]
pub(super) struct Kept {
    home: (String, String),
    pub(super) run: String,
    pub(super) attempt: u32,
    pub(super) step: String,
    at: DateTime<Utc>,
    pub(super) published: bool,
    judged: Judged,
}

impl Kept {
    pub(super) fn is_of(&self, step: &StepKey<'_>) -> bool {
        (self.run.as_str(), self.attempt, self.step.as_str()) == (step.run, step.attempt, step.step)
    }

    fn row(&self) -> EvaluationRow {
        EvaluationRow {
            run: self.run.clone(),
            attempt: self.attempt,
            at: views::time(self.at),
            published: self.published,
            evaluation: self.judged.evaluation.clone(),
        }
    }

    fn score(&self, date: Option<NaiveDate>) -> Option<ScoreRow> {
        let evaluation = &self.judged.evaluation;
        let wanted = date.map(|date| date.to_string());
        let score = match wanted {
            Some(_) => self.judged.scores.iter().find(|score| score.date == wanted)?.clone(),
            None => {
                DateScore { date: None, rows: evaluation.rows, failing: evaluation.failing, score: evaluation.score }
            }
        };
        let row = self.row();
        let dates = evaluation.dates.clone();
        Some(ScoreRow { run: row.run, attempt: row.attempt, at: row.at, published: row.published, dates, score })
    }

    /// Whether its statistics count for the one who asks.
    fn is_past_of(&self, ask: &PastAsk<'_>) -> bool {
        let here = self.published && self.home == (ask.pipeline.to_owned(), ask.environment.to_owned());
        let comparable = match (&ask.dates, &self.judged.evaluation.dates) {
            (None, None) => self.run != ask.run,
            (Some(now), Some(then)) => then.count == now.count && then.last < now.last,
            _ => false,
        };
        here && self.step == ask.table && comparable
    }
}

impl Verdicts for MemoryJournal {
    fn record_evaluation(&self, step: &StepKey<'_>, judged: &Judged, at: DateTime<Utc>) -> Result<(), Problem> {
        let mut state = self.state();
        let home = state.run(step.run).map_err(|_| conflict("the run is not in the journal"))?.home();
        state.evaluations.retain(|kept| !kept.is_of(step));
        let (run, step_id) = (step.run.to_owned(), step.step.to_owned());
        let kept =
            Kept { home, run, attempt: step.attempt, step: step_id, at, published: false, judged: judged.clone() };
        state.evaluations.push(kept);
        Ok(())
    }

    fn evaluations(&self, run: &str) -> Result<Vec<EvaluationRow>, Problem> {
        let state = self.state();
        let newest = |kept: &&Kept| {
            let later = |other: &&Kept| other.run == run && other.step == kept.step && other.attempt > kept.attempt;
            kept.run == run && !state.evaluations.iter().any(|other| later(&other))
        };
        Ok(state.evaluations.iter().filter(newest).map(Kept::row).collect())
    }

    fn failing_counts(&self, run: &str, table: &str) -> Result<Vec<FailingCount>, Problem> {
        let state = self.state();
        let own = state.evaluations.iter().filter(|kept| kept.run == run && kept.step == table);
        let newest = own.max_by_key(|kept| kept.attempt);
        let mut found = newest.map(|kept| kept.judged.failing.clone()).unwrap_or_default();
        found.sort_by(|a, b| (a.rule, &a.date).cmp(&(b.rule, &b.date)));
        Ok(found)
    }

    fn date_scores(&self, run: &str, table: &str) -> Result<Vec<DateScore>, Problem> {
        let state = self.state();
        let own = state.evaluations.iter().filter(|kept| kept.run == run && kept.step == table);
        Ok(own.max_by_key(|kept| kept.attempt).map(|kept| kept.judged.scores.clone()).unwrap_or_default())
    }

    fn scores(
        &self,
        home: (&str, &str),
        table: &str,
        date: Option<NaiveDate>,
        limit: u32,
    ) -> Result<Vec<ScoreRow>, Problem> {
        let state = self.state();
        let own = |kept: &&Kept| (kept.home.0.as_str(), kept.home.1.as_str()) == home && kept.step == table;
        let found = state.evaluations.iter().rev().filter(own).filter_map(|kept| kept.score(date));
        Ok(found.take(limit as usize).collect())
    }

    fn past_statistics(&self, ask: &PastAsk<'_>) -> Result<Vec<f64>, Problem> {
        let state = self.state();
        let value = |kept: &Kept| {
            let mut own = kept.judged.statistics.iter().filter(|held| held.value.is_finite());
            own.find(|held| held.metric == ask.metric && held.filter.as_deref() == ask.filter).map(|held| held.value)
        };
        let past = state.evaluations.iter().enumerate().filter(|(_, kept)| kept.is_past_of(ask));
        let mut past: Vec<(usize, &Kept)> = past.filter(|(_, kept)| value(kept).is_some()).collect();
        past.reverse();
        let mut seen = std::collections::BTreeSet::new();
        past.retain(|(place, kept)| match &kept.judged.evaluation.dates {
            Some(dates) => seen.insert((dates.first.clone(), dates.last.clone())),
            None => seen.insert((place.to_string(), String::new())),
        });
        let last = |kept: &Kept| kept.judged.evaluation.dates.as_ref().map(|dates| dates.last.clone());
        past.sort_by_key(|one| std::cmp::Reverse((last(one.1), one.0)));
        Ok(past.into_iter().filter_map(|(_, kept)| value(kept)).take(ask.count as usize).collect())
    }
}
