//! Verdicts of a step on their way into the journal, and earlier statistics on their way out.

use super::LocalRunner;
use super::watch::StageWatch;
use assay_console::ports::{Past as PastStatistic, StepContext, StepVerdicts};
use assay_console::quality::{self as journal, Statistic, score, span};
use assay_contract::{
    Evaluation, FailingCount, MetricValue, Problem, RowTally, RuleLabel, RuleOutcome, RulePlace, RuleVerdict,
};
use assay_pipeline::Layer;
use assay_quality::{Evaluated, Outcome, Verdict};
use assay_stages::quality::{CompiledRules, Judged, Past, RuleWords, Rules, Severity};
use chrono::NaiveDate;
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;

/// The folder of a table's failing rows in a run.
pub fn failing_folder(state: &Path, run: &str, pipeline: &str, step: &str) -> PathBuf {
    failing_of_run(state, run).join(format!("{pipeline}.{step}"))
}

/// The folder of a run's failing rows.
pub fn failing_of_run(state: &Path, run: &str) -> PathBuf {
    state.join("runs").join(run).join("failing")
}

/// A step's journal of verdicts, as the stages see it.
pub struct StepPast<'a> {
    step: &'a dyn StepVerdicts,
}

impl<'a> StepPast<'a> {
    pub fn new(context: &'a StepContext<'_>) -> Self {
        Self { step: context.verdicts }
    }
}

impl Past for StepPast<'_> {
    fn past(
        &self,
        dates: Option<&[NaiveDate]>,
        metric: &str,
        filter: Option<&str>,
        count: usize,
    ) -> Result<Vec<f64>, String> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.step.past(&PastStatistic { dates, metric, filter, count }).map_err(|problem| told(&problem))
    }
}

/// The rules of one step's table, with what they need.
pub(super) struct StepRules<'a> {
    compiled: &'a CompiledRules,
    failing: PathBuf,
    past: StepPast<'a>,
    watch: StageWatch<'a>,
    runtime: &'a Handle,
}

impl<'a> StepRules<'a> {
    /// `record` is [`StepRules::record`], which has to outlive what it is given to.
    pub(super) fn rules<'s>(&'s self, record: &'s dyn Fn(&Judged) -> Result<(), String>) -> Rules<'s> {
        let Self { compiled, failing, past, watch, runtime } = self;
        Rules { compiled, failing, past, record, watch, runtime }
    }

    /// Puts verdicts into the journal of the step.
    pub(super) fn record(context: &'a StepContext<'_>) -> impl Fn(&Judged) -> Result<(), String> + 'a {
        |judged| context.verdicts.record(&journalled(judged)).map_err(|problem| told(&problem))
    }
}

impl LocalRunner<'_> {
    /// None for a table without rules.
    pub(super) fn rules_of<'s>(
        &'s self,
        run: &str,
        (layer, table): (Layer, &str),
        context: &'s StepContext<'_>,
    ) -> Option<StepRules<'s>> {
        let step = format!("{layer}.{table}");
        let compiled = self.ready.rules_of(&step)?;
        let failing = failing_folder(&self.state, run, &self.ready.definition.name, &step);
        let (past, watch) = (StepPast::new(context), StageWatch::new(context.watch));
        Some(StepRules { compiled, failing, past, watch, runtime: &self.runtime })
    }
}

/// An evaluation with what the journal keeps beside it.
pub fn journalled(judged: &Judged) -> journal::Judged {
    let evaluation = evaluation(judged);
    let date = |date: &Option<NaiveDate>| date.map(|date| date.to_string());
    let failing: Vec<FailingCount> = judged
        .failing
        .iter()
        .map(|part| FailingCount { rule: part.rule, date: date(&part.date), rows: part.rows })
        .collect();
    let statistic = |measured: &assay_quality::Statistic| Statistic {
        metric: measured.metric.clone(),
        filter: measured.filter.clone(),
        value: measured.value,
    };
    journal::Judged {
        scores: score::by_date(&evaluation, &failing, &judged.rows),
        failing,
        statistics: judged.report.statistics.iter().map(statistic).collect(),
        evaluation,
    }
}

/// What the rules said, for people and programs.
pub fn evaluation(judged: &Judged) -> Evaluation {
    let verdicts: Vec<RuleVerdict> = judged
        .rules
        .iter()
        .zip(&judged.report.verdicts)
        .zip(1..)
        .map(|((words, verdict), number)| rule_verdict(number, words, verdict))
        .collect();
    let counted = judged.rows.values().map(|(_, failing)| failing).sum();
    Evaluation {
        table: judged.table.clone(),
        ruleset: judged.file.clone(),
        dates: judged.dates.as_deref().and_then(span),
        rows: judged.report.rows,
        failing: judged.report.failing.unwrap_or(counted),
        score: score::of(verdicts.iter().map(|verdict| verdict.outcome)),
        verdicts,
    }
}

fn rule_verdict(number: u32, words: &RuleWords, verdict: &Verdict) -> RuleVerdict {
    let (evaluated, caution) = match &verdict.evaluated {
        Evaluated::Local => (RulePlace::Local, None),
        Evaluated::RemoteOnly(why) => (RulePlace::RemoteOnly, Some(why.clone())),
        Evaluated::MayDiffer(why) => (RulePlace::MayDiffer, Some(why.clone())),
    };
    let metric = |(name, value): (&String, &f64)| MetricValue { name: name.clone(), value: value.to_string() };
    let label = |label: &assay_dqdl::tree::Label| RuleLabel { key: label.key.clone(), value: label.value.clone() };
    RuleVerdict {
        number,
        rule: words.text.clone(),
        severity: match words.severity {
            Severity::Error => assay_contract::Severity::Error,
            Severity::Warn => assay_contract::Severity::Warn,
        },
        dimension: words.dimension.clone(),
        outcome: match verdict.outcome {
            Outcome::Passed => RuleOutcome::Passed,
            Outcome::Failed => RuleOutcome::Failed,
            Outcome::Unknown => RuleOutcome::Unknown,
        },
        evaluated,
        caution,
        reason: verdict.reason.clone(),
        metrics: verdict.metrics.iter().map(metric).collect(),
        rows: verdict.rows.map(|rows| RowTally { passed: rows.passed, failed: rows.failed, skipped: rows.skipped }),
        labels: verdict.labels.iter().map(label).collect(),
    }
}

fn told(problem: &Problem) -> String {
    match problem.causes.first() {
        Some(cause) => format!("{}: {cause}", problem.message),
        None => problem.message.clone(),
    }
}
