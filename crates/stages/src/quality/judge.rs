//! Judging rows: those of a table as it is, and those that a step is about to publish.

use super::compile::{CompiledRules, RuleWords, Severity};
use super::digest;
use super::kept::{self, FailingPart, Kept};
use crate::bronze::discover::{discover, discover_within};
use crate::error::StageError;
use crate::watch::{Level, Watch};
use assay_dqdl::RuleType;
use assay_dqdl::tree::{Body, Rule};
use assay_lake::{Lake, LakeField, Place, StagedFile};
use assay_pipeline::TableName;
use assay_quality::{
    Composites, Data, Evaluated, Files, History, ListedFile, Outcome, Profile, QualityError, Report, Rows, Verdict,
    evaluate,
};
use chrono::{DateTime, NaiveDate, Utc};
use polars::prelude::LazyFrame;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;

/// Rules that are named when they stop a step.
const NAMED: usize = 5;

/// What a step needs to judge what it is about to publish.
pub struct Rules<'a> {
    pub compiled: &'a CompiledRules,
    /// Where the table's failing rows stay; what an earlier attempt left there gives way.
    pub failing: &'a Path,
    pub past: &'a dyn Past,
    /// Called once, before anything is published. The error is a sentence for a user.
    pub record: &'a dyn Fn(&Judged) -> Result<(), String>,
    pub watch: &'a dyn Watch,
    pub runtime: &'a Handle,
}

/// What earlier evaluations measured.
pub trait Past: Sync {
    /// At most `count` earlier values of a statistic, newest first, that are comparable with one of these dates
    /// (or of the whole table). The error is a sentence for a user.
    fn past(
        &self,
        dates: Option<&[NaiveDate]>,
        metric: &str,
        filter: Option<&str>,
        count: usize,
    ) -> Result<Vec<f64>, String>;
}

/// Around an evaluation.
pub struct Judging<'a> {
    pub lake: &'a Lake,
    pub pipeline: &'a str,
    pub now: DateTime<Utc>,
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    pub runtime: &'a Handle,
    pub past: &'a dyn Past,
    /// Where failing rows stay; they are only counted without one.
    pub failing: Option<&'a Path>,
}

/// Rows that are judged together.
pub struct Dataset<'a> {
    pub rows: LazyFrame,
    /// How many there are on each date.
    pub counts: BTreeMap<Option<NaiveDate>, u64>,
    /// None for a whole table.
    pub dates: Option<Vec<NaiveDate>>,
    /// Source files, for the rules on files.
    pub files: Option<&'a [ListedFile]>,
}

/// What the rules said.
#[derive(Debug, Clone)]
pub struct Judged {
    /// `silver.sales`.
    pub table: String,
    /// Of the rules, below the pipeline's folder.
    pub file: String,
    pub dates: Option<Vec<NaiveDate>>,
    /// As many as the report has verdicts.
    pub rules: Vec<RuleWords>,
    pub report: Report,
    /// Rows by date, and those of them that made any rule fail.
    pub rows: BTreeMap<Option<NaiveDate>, (u64, u64)>,
    /// Failing rows by rule and date; empty where they were only counted.
    pub failing: Vec<FailingPart>,
}

impl Judged {
    /// Why the step is flagged, where a rule failed that lets it publish.
    pub fn flagged(&self) -> Option<String> {
        let failed = self.failed(Severity::Warn);
        (!failed.is_empty()).then(|| format!("{}: {}", counted(failed.len()), told(&failed)))
    }

    /// Failed rules of this severity with their verdicts.
    pub fn failed(&self, severity: Severity) -> Vec<(&RuleWords, &Verdict)> {
        let all = self.rules.iter().zip(&self.report.verdicts);
        all.filter(|(words, verdict)| words.severity == severity && verdict.outcome == Outcome::Failed).collect()
    }
}

/// Files that wait for their commit.
pub(crate) struct Written<'a> {
    pub(crate) table: &'a TableName,
    pub(crate) folder: &'a Place,
    pub(crate) fields: &'a [LakeField],
    pub(crate) partition: Option<&'a str>,
    pub(crate) staged: &'a [StagedFile],
    /// Dates whose rows the files replace; every date of the files where that is not known before.
    pub(crate) dates: Option<&'a [NaiveDate]>,
    pub(crate) files: Option<&'a [ListedFile]>,
}

/// Judges files before they are published, where the table has rules; gives why the step is flagged, if it is.
///
/// An error of the rules is an error of the step; then the failing rows and the verdicts stay, and nothing else.
/// Nothing is judged where nothing is written.
pub(crate) fn gate(
    rules: Option<&Rules<'_>>,
    lake: &Lake,
    written: &Written<'_>,
    now: DateTime<Utc>,
) -> Result<Option<String>, StageError> {
    let Some(rules) = rules else { return Ok(None) };
    let mut counts: BTreeMap<Option<NaiveDate>, u64> = BTreeMap::new();
    for file in written.staged {
        *counts.entry(file.partition).or_default() += file.rows;
    }
    let dates = written.partition.map(|_| match written.dates {
        Some(dates) => dates.to_vec(),
        None => counts.keys().copied().flatten().collect(),
    });
    if dates.as_ref().is_some_and(Vec::is_empty) && counts.is_empty() {
        return Ok(None);
    }
    for date in dates.iter().flatten() {
        counts.entry(Some(*date)).or_default();
    }
    let rows = assay_lake::uncommitted(written.folder, written.fields, written.partition, written.staged)?;
    let dataset = Dataset { rows, counts, dates, files: written.files };
    let cancelled = || rules.watch.cancelled();
    let judging = Judging {
        lake,
        pipeline: &written.table.pipeline,
        now,
        cancelled: &cancelled,
        runtime: rules.runtime,
        past: rules.past,
        failing: Some(rules.failing),
    };
    let judged = judge(rules.compiled, dataset, &judging)?;
    (rules.record)(&judged).map_err(|why| StageError::Verdicts { table: written.table.to_string(), why })?;
    tell(&judged, rules.watch);
    let failed = judged.failed(Severity::Error);
    if failed.is_empty() {
        return Ok(judged.flagged());
    }
    let (count, told) = (counted(failed.len()), told(&failed));
    Err(StageError::Rules {
        table: written.table.to_string(),
        count,
        told,
        failing: judged.report.failing.unwrap_or_default(),
    })
}

/// Judges the newest version of a table, or its rows of some dates. None where there is no table yet.
pub fn judge_table(
    compiled: &CompiledRules,
    dates: Option<&[NaiveDate]>,
    judging: &Judging<'_>,
) -> Result<Option<Judged>, StageError> {
    let table = TableName::new(judging.pipeline, compiled.ruleset.layer, &compiled.ruleset.table);
    let Some(snapshot) = judging.runtime.block_on(assay_lake::open(&judging.lake.folder(&table)))? else {
        return Ok(None);
    };
    let dated = compiled.partition.is_some();
    let wanted = |date: &Option<NaiveDate>| match (dates, date) {
        (Some(dates), Some(date)) if dated => dates.contains(date),
        (Some(_), None) if dated => false,
        _ => true,
    };
    let partitions = snapshot.partitions().into_iter().filter(|partition| wanted(&partition.date));
    let mut counts: BTreeMap<Option<NaiveDate>, u64> =
        partitions.map(|partition| (partition.date, partition.rows)).collect();
    for date in dates.unwrap_or_default().iter().filter(|_| dated) {
        counts.entry(Some(*date)).or_default();
    }
    let judged_dates = dated.then(|| counts.keys().copied().flatten().collect());
    let rows = snapshot.scan(dates.filter(|_| dated))?;
    let files = source_files(compiled, dates, judging)?;
    let dataset = Dataset { rows, counts, dates: judged_dates, files: files.as_deref() };
    judge(compiled, dataset, judging).map(Some)
}

/// The files from which a table is made, as they lie there now; listed only where a rule is about files.
fn source_files(
    compiled: &CompiledRules,
    dates: Option<&[NaiveDate]>,
    judging: &Judging<'_>,
) -> Result<Option<Vec<ListedFile>>, StageError> {
    use RuleType::{FileFreshness, FileMatch, FileSize, FileUniqueness};
    let about_files = |kind| matches!(kind, FileFreshness | FileMatch | FileSize | FileUniqueness);
    let asked = compiled.tree.rules.iter().flat_map(Rule::checks).any(|check| about_files(check.kind));
    let Some(source) = compiled.source.as_ref().filter(|_| asked) else { return Ok(None) };
    let folder = judging.lake.pipeline_folder(judging.pipeline);
    let found = match dates {
        Some(dates) => discover_within(source, &folder, &dates.iter().copied().collect(), &BTreeSet::new())?,
        None => discover(source, &folder)?,
    };
    Ok(Some(found.files.iter().map(|file| listed(&file.path, file.size, file.modified_ns)).collect()))
}

/// A source file as rules name it.
pub(crate) fn listed(path: &str, size: u64, modified_ns: i64) -> ListedFile {
    ListedFile { path: path.to_owned(), size, modified: DateTime::from_timestamp_nanos(modified_ns) }
}

/// Judges rows.
pub fn judge(compiled: &CompiledRules, dataset: Dataset<'_>, judging: &Judging<'_>) -> Result<Judged, StageError> {
    let references = references(compiled, dataset.dates.as_deref(), judging)?;
    let history = Remembered { judging, dates: dataset.dates.as_deref(), problem: Mutex::default() };
    let sources = judging.lake.pipeline_folder(judging.pipeline);
    let digest = |file: &ListedFile, digest| digest::of(&sources, file, digest, judging.cancelled);
    let data = Data {
        rows: dataset.rows,
        key: &compiled.key,
        references: &references,
        files: dataset.files.map(|list| Files { list, digest: &digest }),
        history: &history,
        now: judging.now,
        profile: Profile::Glue,
        composites: Composites::Column,
        cancelled: judging.cancelled,
    };
    let (mut report, kept) = match judging.failing {
        None => (evaluate(&compiled.tree, &data, Rows::Count).map_err(unjudged(compiled))?, Kept::default()),
        Some(folder) => keeping(compiled, &data, folder)?,
    };
    if let Some(why) = history.problem.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(StageError::Verdicts { table: compiled.ruleset.step(), why });
    }
    if report.rows == 0 {
        without_rows(&compiled.tree.rules, &mut report);
    }
    let rows = dataset.counts.into_iter().map(|(date, rows)| {
        let failing = kept.rows.get(&date).copied().unwrap_or_default();
        (date, (rows, failing))
    });
    Ok(Judged {
        table: compiled.ruleset.step(),
        file: compiled.ruleset.file.display().to_string(),
        dates: dataset.dates,
        rules: compiled.rules.clone(),
        rows: rows.collect(),
        failing: kept.parts,
        report,
    })
}

/// Tables by alias; one that is not there yet is left out, and its rules say so.
fn references(
    compiled: &CompiledRules,
    dates: Option<&[NaiveDate]>,
    judging: &Judging<'_>,
) -> Result<BTreeMap<String, LazyFrame>, StageError> {
    let mut found = BTreeMap::new();
    for (alias, reference) in &compiled.ruleset.references {
        let table = TableName::new(judging.pipeline, reference.layer, &reference.table);
        let snapshot = judging.runtime.block_on(assay_lake::open(&judging.lake.folder(&table)))?;
        if let Some(snapshot) = snapshot {
            found.insert(alias.clone(), snapshot.scan(dates.filter(|_| reference.same_dates))?);
        }
    }
    Ok(found)
}

/// Evaluates and keeps the failing rows in `folder`, which holds those of the last evaluation or nothing.
fn keeping(compiled: &CompiledRules, data: &Data<'_>, folder: &Path) -> Result<(Report, Kept), StageError> {
    // Rows that are not masked yet never lie under the folder's own name.
    let mut half = folder.as_os_str().to_owned();
    half.push(".half");
    let half = PathBuf::from(half);
    let failed = |error| StageError::write(&folder.display().to_string(), error);
    clear(&half).and_then(|()| clear(folder)).and_then(|()| fs::create_dir_all(&half)).map_err(failed)?;
    let all = half.join("unsorted");
    let work = || {
        let report = evaluate(&compiled.tree, data, Rows::Keep(&all)).map_err(unjudged(compiled))?;
        if !all.exists() {
            return Ok((report, Kept::default()));
        }
        let kept = kept::keep(&all, &half, compiled.partition.as_deref(), &compiled.masked, data.cancelled)?;
        fs::remove_file(&all).and_then(|()| fs::rename(&half, folder)).map_err(failed)?;
        Ok((report, kept))
    };
    let done = work();
    clear(&half).map_err(failed)?;
    done
}

fn unjudged(compiled: &CompiledRules) -> impl Fn(QualityError) -> StageError {
    let table = compiled.ruleset.step();
    move |error| match error {
        QualityError::Cancelled => StageError::Cancelled,
        source => StageError::Unjudged { table: table.clone(), source },
    }
}

fn clear(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Of no rows only rules on the dataset as a whole say something; whether none is too few, they decide.
fn without_rows(rules: &[Rule], report: &mut Report) {
    for (rule, verdict) in rules.iter().zip(&mut report.verdicts) {
        // No rows beside no rows are no share of each other.
        let undefined = verdict.metrics.values().any(|value| value.is_nan());
        if verdict.outcome == Outcome::Failed && (undefined || !is_of_the_whole(rule)) {
            verdict.outcome = Outcome::Unknown;
            verdict.reason = Some("there are no rows to judge".to_owned());
        }
    }
}

/// Whether any part of the rule is.
fn is_of_the_whole(rule: &Rule) -> bool {
    let mut open = vec![rule];
    while let Some(rule) = open.pop() {
        match &rule.body {
            Body::Both { left, right, .. } => open.extend([left.as_ref(), right.as_ref()]),
            Body::Check(check) if WHOLE.contains(&check.kind) => return true,
            Body::Check(_) => {}
        }
    }
    false
}

/// Rules on the dataset as a whole.
const WHOLE: &[RuleType] = &[
    RuleType::RowCount,
    RuleType::RowCountMatch,
    RuleType::ColumnCount,
    RuleType::ColumnExists,
    RuleType::ColumnNamesMatchPattern,
    RuleType::SchemaMatch,
    RuleType::DistinctValuesCount,
    RuleType::CustomSql,
    RuleType::FileFreshness,
    RuleType::FileSize,
    RuleType::FileMatch,
    RuleType::FileUniqueness,
];

struct Remembered<'a> {
    judging: &'a Judging<'a>,
    dates: Option<&'a [NaiveDate]>,
    /// The first one; a value that could not be read must not count as none.
    problem: Mutex<Option<String>>,
}

impl History for Remembered<'_> {
    fn last(&self, metric: &str, filter: Option<&str>, count: usize) -> Vec<f64> {
        self.judging.past.past(self.dates, metric, filter, count).unwrap_or_else(|why| {
            self.problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
            Vec::new()
        })
    }
}

fn tell(judged: &Judged, watch: &dyn Watch) {
    let all = &judged.report.verdicts;
    let passed = all.iter().filter(|verdict| verdict.outcome == Outcome::Passed).count();
    watch.log(Level::Info, &format!("{passed} of {} passed on {} rows", counted(all.len()), judged.report.rows));
    for (number, (words, verdict)) in judged.rules.iter().zip(all).enumerate() {
        let (outcome, level) = match (verdict.outcome, words.severity) {
            (Outcome::Passed, _) => continue,
            (Outcome::Failed, Severity::Error) => ("failed", Level::Error),
            (Outcome::Failed, Severity::Warn) => ("failed", Level::Warn),
            (Outcome::Unknown, _) => ("is not known", Level::Warn),
        };
        watch.log(level, &format!("rule {} {outcome}: {}{}", number + 1, words.text, why(verdict)));
    }
}

fn why(verdict: &Verdict) -> String {
    let only_there = match (&verdict.evaluated, &verdict.reason) {
        (Evaluated::RemoteOnly(why), None) => Some(why),
        (_, reason) => reason.as_ref(),
    };
    let rows = verdict.rows.filter(|rows| rows.failed > 0).map(|rows| format!(" ({} failing rows)", rows.failed));
    format!("{}{}", only_there.map(|why| format!(": {why}")).unwrap_or_default(), rows.unwrap_or_default())
}

/// The first rules by text with their counts.
fn told(failed: &[(&RuleWords, &Verdict)]) -> String {
    let one = |(words, verdict): &(&RuleWords, &Verdict)| {
        let rows = verdict.rows.filter(|rows| rows.failed > 0);
        let rows = rows.map(|rows| format!(" ({} rows)", rows.failed)).unwrap_or_default();
        format!("{}{rows}", words.text)
    };
    let mut parts: Vec<String> = failed.iter().take(NAMED).map(one).collect();
    if failed.len() > NAMED {
        parts.push(format!("and {} more", failed.len() - NAMED));
    }
    parts.join("; ")
}

fn counted(rules: usize) -> String {
    if rules == 1 { "1 rule".to_owned() } else { format!("{rules} rules") }
}
