//! A ruleset proposed from what a table holds. Every rule has its evidence, and passes on these rows.

use super::compile::CompiledRules;
use super::judge::{Dataset, Judging, judge};
use crate::error::StageError;
use assay_pipeline::{Layer, Ruleset};
use assay_quality::Outcome;
use chrono::{DateTime, NaiveDate, Utc};
use polars::prelude::{
    AnyValue, DataFrame, DataType, Engine, Expr, LazyFrame, PlSmallStr, PolarsResult, Schema, col, len,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Rows among which the values of a column are looked for; whether all rows have them, the rule itself finds out.
const SAMPLE: u32 = 100_000;
/// More values than this are no list.
const LISTED: usize = 12;
/// Longer values are no words of a list.
const WORD: usize = 40;

/// A proposed ruleset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggested {
    pub rows: u64,
    pub rules: Vec<SuggestedRule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestedRule {
    /// In DQDL.
    pub rule: String,
    /// What was found, as a sentence.
    pub evidence: String,
}

impl Suggested {
    /// The text of a file of rules; `about` is its first comment.
    pub fn text(&self, about: &str) -> String {
        let mut text = format!("# {about}\nRules = [\n");
        for (at, rule) in self.rules.iter().enumerate() {
            let comma = if at + 1 < self.rules.len() { "," } else { "" };
            text.push_str(&format!("    # {}\n    {}{comma}\n", rule.evidence, rule.rule));
        }
        text + "]\n"
    }
}

/// Proposes rules for rows whose `key` tells them apart. Columns that begin with `_` are left alone, and of `masked` ones
/// no value is named.
pub fn suggest(
    rows: LazyFrame,
    key: &[String],
    masked: &BTreeSet<String>,
    judging: &Judging<'_>,
) -> Result<Suggested, StageError> {
    let mut frame = rows.clone();
    let schema = frame.collect_schema()?;
    let columns: Vec<&PlSmallStr> = schema.iter_names().filter(|name| is_plain(name)).collect();
    let profile = Profile::of(&rows, &schema, &columns)?;
    let sample = sampled(&rows, &schema, &columns)?;
    let mut rules = vec![rule("RowCount > 0".to_owned(), format!("The table has {}.", profile.rows_words()))];
    if profile.rows == 0 {
        return Ok(Suggested { rows: 0, rules: Vec::new() });
    }
    if let Some(keyed) = key_rule(key, &profile) {
        rules.push(keyed);
    }
    for name in columns {
        let values = sample.get(name.as_str());
        rules.extend(profile.rules(name, &schema, values, masked, judging.now));
    }
    let rules = passing(rules, rows, profile.rows, judging)?;
    Ok(Suggested { rows: profile.rows, rules })
}

/// Names that DQDL and the engine take as they are.
fn is_plain(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.starts_with('_') && !name.is_empty() && name.chars().all(letters)
}

fn rule(rule: String, evidence: String) -> SuggestedRule {
    SuggestedRule { rule, evidence }
}

fn key_rule(key: &[String], profile: &Profile) -> Option<SuggestedRule> {
    if key.is_empty() || !key.iter().all(|column| is_plain(column)) {
        return None;
    }
    let names: Vec<String> = key.iter().map(|column| format!("\"{column}\"")).collect();
    let evidence = format!("No two of {} have the same {}.", profile.rows_words(), key.join(", "));
    Some(rule(format!("IsUnique {}", names.join(" ")), evidence))
}

/// Figures of every column, from one pass.
struct Profile {
    rows: u64,
    figures: DataFrame,
}

impl Profile {
    fn of(rows: &LazyFrame, schema: &Schema, columns: &[&PlSmallStr]) -> Result<Self, StageError> {
        let mut wanted: Vec<Expr> = vec![len().cast(DataType::Int64).alias("rows")];
        for (at, name) in columns.iter().enumerate() {
            let column = || col((*name).clone());
            wanted.push(column().null_count().cast(DataType::Int64).alias(format!("{at}.nulls")));
            match schema.get(name) {
                Some(DataType::String) => {
                    wanted.push(column().str().len_chars().max().cast(DataType::Int64).alias(format!("{at}.longest")));
                }
                Some(kind) if kind.is_numeric() => {
                    wanted.push(column().min().cast(DataType::String).alias(format!("{at}.least")));
                    wanted.push(column().min().cast(DataType::Float64).alias(format!("{at}.low")));
                }
                Some(DataType::Date | DataType::Datetime(..)) => {
                    wanted.push(column().max().cast(DataType::Date).alias(format!("{at}.latest")));
                }
                _ => {}
            }
        }
        let named: BTreeMap<usize, &PlSmallStr> = columns.iter().copied().enumerate().collect();
        let figures = collected(rows.clone().select(wanted))?;
        let mut renamed = figures;
        for (at, name) in named {
            for figure in ["nulls", "longest", "least", "low", "latest"] {
                let old = format!("{at}.{figure}");
                if renamed.column(&old).is_ok() {
                    renamed.rename(&old, format!("{name}.{figure}").into())?;
                }
            }
        }
        let rows = number(&renamed, "rows").unwrap_or_default();
        Ok(Self { rows: u64::try_from(rows).unwrap_or_default(), figures: renamed })
    }

    fn rows_words(&self) -> String {
        if self.rows == 1 { "1 row".to_owned() } else { format!("{} rows", self.rows) }
    }

    fn rules(
        &self,
        name: &str,
        schema: &Schema,
        values: Option<&BTreeSet<String>>,
        masked: &BTreeSet<String>,
        now: DateTime<Utc>,
    ) -> Vec<SuggestedRule> {
        let nulls = self.number(name, "nulls").and_then(|nulls| u64::try_from(nulls).ok()).unwrap_or_default();
        let mut rules: Vec<SuggestedRule> = self.completeness(name, nulls).into_iter().collect();
        if nulls == self.rows {
            return rules;
        }
        let is_masked = masked.contains(name);
        let values = values.filter(|_| !is_masked);
        match schema.get(name) {
            Some(DataType::String) => rules.extend(self.texts(name, values, nulls)),
            Some(kind) if kind.is_numeric() && !is_masked => rules.extend(self.numbers(name, nulls)),
            Some(DataType::Date | DataType::Datetime(..)) if !is_masked => rules.extend(self.dates(name, nulls, now)),
            _ => {}
        }
        rules
    }

    fn completeness(&self, name: &str, nulls: u64) -> Option<SuggestedRule> {
        let there = self.rows - nulls;
        let evidence = format!("{there} of {} have a value.", self.rows_words());
        if nulls == 0 {
            return Some(rule(format!("IsComplete \"{name}\""), evidence));
        }
        let hundredths = u128::from(there) * 100 / u128::from(self.rows.max(1));
        let share = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        (hundredths > 0).then(|| rule(format!("Completeness \"{name}\" >= {share}"), evidence))
    }

    fn texts(&self, name: &str, values: Option<&BTreeSet<String>>, nulls: u64) -> Option<SuggestedRule> {
        if let Some(values) = values {
            let mut words: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            words.extend((nulls > 0).then(|| "NULL".to_owned()));
            let evidence =
                format!("{} values were found among the first {SAMPLE} rows, and no row has another.", values.len());
            return Some(rule(format!("ColumnValues \"{name}\" in [ {} ]", words.join(", ")), evidence));
        }
        let longest = self.number(name, "longest").filter(|longest| *longest > 0)?;
        let evidence = format!("The longest value has {longest} characters.");
        Some(rule(format!("ColumnLength \"{name}\" <= {longest}"), evidence))
    }

    fn numbers(&self, name: &str, nulls: u64) -> Option<SuggestedRule> {
        let low = self.figures.column(&format!("{name}.low")).ok()?.get(0).ok()?.extract::<f64>()?;
        let operator = if low > 0.0 { ">" } else { ">=" };
        if low.is_nan() || low < 0.0 {
            return None;
        }
        let least = self.figures.column(&format!("{name}.least")).ok()?.get(0).ok()?;
        let evidence = format!("The least value is {}.", least.get_str().unwrap_or("0"));
        Some(rule(format!("ColumnValues \"{name}\" {operator} 0{}", where_there(name, nulls)), evidence))
    }

    fn dates(&self, name: &str, nulls: u64, now: DateTime<Utc>) -> Option<SuggestedRule> {
        let latest = self.figures.column(&format!("{name}.latest")).ok()?.get(0).ok()?;
        let AnyValue::Date(days) = latest else { return None };
        let latest = NaiveDate::from_epoch_days(days)?;
        (latest <= now.date_naive()).then(|| {
            let evidence = format!("The latest value is of {latest}.");
            rule(format!("ColumnValues \"{name}\" <= now(){}", where_there(name, nulls)), evidence)
        })
    }

    fn number(&self, name: &str, figure: &str) -> Option<i64> {
        number(&self.figures, &format!("{name}.{figure}"))
    }
}

/// A comparison fails on a null, so rows without a value are left out.
fn where_there(name: &str, nulls: u64) -> String {
    if nulls == 0 { String::new() } else { format!(" where \"{name} is not null\"") }
}

fn number(figures: &DataFrame, name: &str) -> Option<i64> {
    figures.column(name).ok()?.get(0).ok()?.extract::<i64>()
}

/// The few words that the first rows of a text column hold.
fn sampled(
    rows: &LazyFrame,
    schema: &Schema,
    columns: &[&PlSmallStr],
) -> Result<BTreeMap<String, BTreeSet<String>>, StageError> {
    let texts: Vec<&PlSmallStr> =
        columns.iter().copied().filter(|name| schema.get(name) == Some(&DataType::String)).collect();
    let wanted: Vec<Expr> = texts.iter().map(|name| col((*name).clone())).collect();
    let mut found = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let sample = collected(rows.clone().select(wanted).limit(SAMPLE))?;
    for name in texts {
        let column = sample.column(name)?.str()?.clone();
        let mut values = BTreeSet::new();
        for value in column.iter().flatten() {
            if values.len() > LISTED || value.len() > WORD || !is_word(value) {
                values.clear();
                break;
            }
            values.insert(value.to_owned());
        }
        // A list of one value per row or two says nothing.
        if (1..=LISTED).contains(&values.len()) && values.len() * 10 <= sample.height() {
            found.insert(name.to_string(), values);
        }
    }
    Ok(found)
}

/// A text that stands in a list without an escape, and is not read as a date or a time.
fn is_word(value: &str) -> bool {
    !value.is_empty()
        && value.trim() == value
        && !value.contains(['"', '\\', '\n', '\r'])
        && !value.starts_with(|c: char| c.is_ascii_digit())
}

fn collected(frame: LazyFrame) -> Result<DataFrame, StageError> {
    let run = || -> PolarsResult<DataFrame> { Ok(frame.collect_with_engine(Engine::Streaming)?.unwrap_single()) };
    Ok(run()?)
}

/// Those of the rules that hold on the rows; the ruleset as a whole is evaluated, as a run would.
fn passing(
    rules: Vec<SuggestedRule>,
    rows: LazyFrame,
    count: u64,
    judging: &Judging<'_>,
) -> Result<Vec<SuggestedRule>, StageError> {
    let text = Suggested { rows: count, rules: rules.clone() }.text("proposed");
    let broken = || StageError::Suggestion { rules: text.clone() };
    let tree = assay_dqdl::parse(&text).map_err(|_| broken())?;
    let ruleset = Ruleset {
        layer: Layer::Silver,
        table: "proposed".to_owned(),
        file: PathBuf::from("proposed"),
        text: text.clone(),
        references: BTreeMap::new(),
        warn: Vec::new(),
    };
    let compiled = CompiledRules::proposed(ruleset, tree);
    let counts = BTreeMap::from([(None, count)]);
    let judged = judge(&compiled, Dataset { rows, counts, dates: None, files: None }, judging)?;
    let passed = judged.report.verdicts.iter().map(|verdict| verdict.outcome == Outcome::Passed);
    Ok(rules.into_iter().zip(passed).filter(|(_, passed)| *passed).map(|(rule, _)| rule).collect())
}
