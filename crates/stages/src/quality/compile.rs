//! Rulesets of a definition: parsed, their columns and aliases checked, each rule with its severity and dimension.

use super::dimension;
use crate::gold::CompiledModel;
use assay_dqdl::tree::{Body, Check, Rule};
use assay_dqdl::{Fault, RuleType, canonical};
use assay_pipeline::diagnostic::{Mistake, Mistakes, closest};
use assay_pipeline::{Layer, Pipeline, Ruleset, Source};
use std::collections::BTreeSet;

/// A ruleset that is free of mistakes.
#[derive(Debug, Clone)]
pub struct CompiledRules {
    pub ruleset: Ruleset,
    /// In the order of the text; `rules[0]` has the number 1.
    pub rules: Vec<RuleWords>,
    /// Columns that tell rows of the table apart.
    pub key: Vec<String>,
    /// The date column that partitions the table.
    pub partition: Option<String>,
    /// Columns whose values no failing row shows.
    pub masked: BTreeSet<String>,
    /// What a silver table is made from.
    pub(crate) source: Option<Source>,
    pub(crate) tree: assay_dqdl::Ruleset,
}

impl CompiledRules {
    /// Rules of no definition.
    pub(super) fn proposed(ruleset: Ruleset, tree: assay_dqdl::Ruleset) -> Self {
        Table::default().compiled(&ruleset, tree)
    }
}

/// What is said of a rule besides its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleWords {
    /// Canonical text without labels.
    pub text: String,
    pub severity: Severity,
    pub dimension: String,
}

/// What a failed rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is published.
    Error,
    /// The table is published, and the run is flagged.
    Warn,
}

/// Columns that every silver table has besides those of its contract.
const AUDIT: [&str; 4] = ["_source_file", "_source_line", "_run_id", "_processed_at"];

/// Compiles every ruleset; all mistakes of all of them are reported, with their places in the files.
pub fn compile_rules(pipeline: &Pipeline, models: &[CompiledModel]) -> Result<Vec<CompiledRules>, Mistakes> {
    let (mut mistakes, mut compiled) = (Vec::new(), Vec::new());
    for ruleset in &pipeline.rulesets {
        let file = pipeline.folder.join(&ruleset.file);
        match assay_dqdl::parse(&ruleset.text) {
            Err(faults) => {
                mistakes.extend(faults.into_iter().map(|fault| placed(&file, &ruleset.text, fault)));
            }
            Ok(tree) => {
                let table = Table::of(pipeline, models, ruleset);
                let seen = Seen { file: &file, ruleset, columns: &table.columns };
                mistakes.extend(seen.mistakes(&tree));
                compiled.push(table.compiled(ruleset, tree));
            }
        }
    }
    if compiled.len() == pipeline.rulesets.len() {
        let wrong = |at: usize, rule: &str| compiled.get(at).and_then(|rules| unknown(rules, rule));
        mistakes.extend(pipeline.check_rules(&wrong).err().map(|wrong| wrong.0).unwrap_or_default());
    }
    if mistakes.is_empty() { Ok(compiled) } else { Err(Mistakes(mistakes)) }
}

/// What the service accepts and the writer of a ruleset may not expect.
pub fn lints(pipeline: &Pipeline) -> Vec<Mistake> {
    let mut found = Vec::new();
    for ruleset in &pipeline.rulesets {
        let file = pipeline.folder.join(&ruleset.file);
        let lints = assay_dqdl::edit(&ruleset.text).lints;
        found.extend(lints.into_iter().map(|fault| placed(&file, &ruleset.text, fault)));
    }
    found
}

fn placed(file: &std::path::Path, text: &str, fault: Fault) -> Mistake {
    Mistake::at(file, text, fault.span, fault.message).with_suggestion(fault.fix.map(|fix| {
        // A single word would be read as a name.
        if fix.title.contains(' ') { fix.title } else { format!("{} it", fix.title) }
    }))
}

/// The rule's text as `warn` names it.
fn text_of(rule: &Rule) -> String {
    let mut bare = rule.clone();
    let mut open = vec![&mut bare];
    while let Some(rule) = open.pop() {
        rule.shown.clear();
        if let Body::Both { left, right, .. } = &mut rule.body {
            open.extend([left.as_mut(), right.as_mut()]);
        }
    }
    canonical::rule(&bare)
}

/// What a text under `warn` stands for; none when it is no rule.
fn named(text: &str) -> Option<String> {
    let parsed = assay_dqdl::parse(&format!("Rules = [ {text} ]\n")).ok()?;
    match parsed.rules.as_slice() {
        [rule] => Some(text_of(rule)),
        _ => None,
    }
}

fn unknown(rules: &CompiledRules, text: &str) -> Option<assay_pipeline::read::RuleMistake> {
    let candidates = || rules.rules.iter().map(|rule| rule.text.clone()).collect();
    match named(text) {
        None => Some(("this is no rule in DQDL".to_owned(), candidates())),
        Some(named) if rules.rules.iter().any(|rule| rule.text == named) => None,
        Some(_) => {
            let file = rules.ruleset.file.display();
            Some((format!("`{file}` has no such rule; write one as it stands there, without its labels"), candidates()))
        }
    }
}

/// What is known of a judged table.
#[derive(Default)]
struct Table {
    columns: Vec<String>,
    key: Vec<String>,
    partition: Option<String>,
    masked: BTreeSet<String>,
    source: Option<Source>,
}

impl Table {
    fn of(pipeline: &Pipeline, models: &[CompiledModel], ruleset: &Ruleset) -> Self {
        let contract = pipeline.contracts.iter().find(|contract| contract.table == ruleset.table);
        let model = models.iter().find(|model| model.model.name == ruleset.table);
        match (ruleset.layer, contract, model) {
            (Layer::Silver, Some(contract), _) => {
                let own = contract.columns.iter().map(|column| column.name.clone());
                let item = (!contract.explode.is_empty()).then(|| crate::silver::columns::ITEM.to_owned());
                Self {
                    columns: own.chain(AUDIT.map(str::to_owned)).chain(item).collect(),
                    key: contract.key.clone(),
                    partition: Some(contract.partition.clone()),
                    masked: masked(pipeline, models, Layer::Silver, &contract.table),
                    source: pipeline.sources.iter().find(|source| source.name == contract.source).cloned(),
                }
            }
            (_, _, Some(model)) => Self {
                columns: model.fields().iter().map(|field| field.name.clone()).collect(),
                key: model.model.grain.clone(),
                partition: model.model.partition.clone(),
                masked: masked(pipeline, models, Layer::Gold, &model.model.name),
                source: None,
            },
            _ => Self::default(),
        }
    }

    fn compiled(self, ruleset: &Ruleset, tree: assay_dqdl::Ruleset) -> CompiledRules {
        let warn: BTreeSet<String> = ruleset.warn.iter().filter_map(|text| named(text)).collect();
        let words = |rule: &Rule| {
            let text = text_of(rule);
            let severity = if warn.contains(&text) { Severity::Warn } else { Severity::Error };
            RuleWords { severity, dimension: dimension::of(rule), text }
        };
        CompiledRules {
            ruleset: ruleset.clone(),
            rules: tree.rules.iter().map(words).collect(),
            key: self.key,
            partition: self.partition,
            masked: self.masked,
            source: self.source,
            tree,
        }
    }
}

/// Columns of a table that tell of a person: marked so, or computed from any that is.
pub fn masked(pipeline: &Pipeline, models: &[CompiledModel], layer: Layer, table: &str) -> BTreeSet<String> {
    if layer == Layer::Silver {
        let contract = pipeline.contracts.iter().find(|contract| contract.table == table);
        let own = contract.into_iter().flat_map(|contract| &contract.columns);
        return own.filter(|column| column.pii).map(|column| column.name.clone()).collect();
    }
    let Some(model) = models.iter().find(|model| model.model.name == table) else { return BTreeSet::new() };
    let is_masked = |(read, column): &(assay_sql::TableRef, String)| {
        let layer = read.layer.as_deref().map_or(Some(Layer::Silver), Layer::parse);
        layer.is_some_and(|layer| masked(pipeline, models, layer, &read.name).contains(column))
    };
    let own = model.lineage().into_iter().filter(|column| column.sources.iter().any(is_masked));
    own.map(|column| column.column).collect()
}

/// What rules of one file may name.
struct Seen<'a> {
    file: &'a std::path::Path,
    ruleset: &'a Ruleset,
    columns: &'a [String],
}

impl Seen<'_> {
    fn mistakes(&self, tree: &assay_dqdl::Ruleset) -> Vec<Mistake> {
        let mut found = Vec::new();
        let mut open: Vec<&Rule> = tree.rules.iter().rev().collect();
        while let Some(rule) = open.pop() {
            match &rule.body {
                Body::Check(check) => found.extend(self.check(check)),
                Body::Both { left, right, .. } => open.extend([right.as_ref(), left.as_ref()]),
            }
        }
        found
    }

    fn check(&self, check: &Check) -> Vec<Mistake> {
        let columns = match check.kind {
            kind if names_columns(kind) => check.parameters.len(),
            _ => 0,
        };
        let mut found: Vec<Mistake> =
            check.parameters.iter().take(columns).filter_map(|column| self.column(column)).collect();
        found.extend(self.alias(check));
        found
    }

    fn column(&self, parameter: &assay_dqdl::tree::Parameter) -> Option<Mistake> {
        let known = self.columns.iter().any(|column| column.eq_ignore_ascii_case(&parameter.value));
        (!known).then(|| {
            let message = format!("`{}` has no column `{}`", self.ruleset.step(), parameter.value);
            let meant = closest(&parameter.value, self.columns.iter().map(String::as_str)).map(str::to_owned);
            self.mistake(parameter, message, meant)
        })
    }

    fn alias(&self, check: &Check) -> Option<Mistake> {
        let (at, alias) = match check.kind {
            RuleType::RowCountMatch | RuleType::SchemaMatch | RuleType::DatasetMatch => {
                (0, check.parameters.first()?.value.as_str())
            }
            RuleType::ReferentialIntegrity => (1, check.parameters.get(1)?.value.rsplit_once('.')?.0),
            _ => return None,
        };
        if self.ruleset.references.contains_key(alias) {
            return None;
        }
        let known = self.ruleset.references.keys().map(String::as_str);
        let message = format!("no table has the alias `{alias}`: `references` of `{}` names them", self.ruleset.step());
        Some(self.mistake(check.parameters.get(at)?, message, closest(alias, known).map(str::to_owned)))
    }

    fn mistake(&self, at: &assay_dqdl::tree::Parameter, message: String, meant: Option<String>) -> Mistake {
        Mistake::at(self.file, &self.ruleset.text, at.span.clone(), message).with_suggestion(meant)
    }
}

/// Whether every parameter is a column that has to be there.
fn names_columns(kind: RuleType) -> bool {
    matches!(
        kind,
        RuleType::IsComplete
            | RuleType::Completeness
            | RuleType::IsUnique
            | RuleType::Uniqueness
            | RuleType::IsPrimaryKey
            | RuleType::UniqueValueRatio
            | RuleType::DistinctValuesCount
            | RuleType::ColumnValues
            | RuleType::ColumnLength
            | RuleType::ColumnDataType
            | RuleType::DataFreshness
            | RuleType::Mean
            | RuleType::Sum
            | RuleType::StandardDeviation
            | RuleType::Variance
            | RuleType::Entropy
            | RuleType::ColumnCorrelation
    )
}
