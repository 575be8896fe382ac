//! A case: its data, its rules and what is expected of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use polars::prelude::LazyFrame;
use serde_json::Value;

use assay_dqdl::tree::{Body, Rule, Ruleset};

use crate::frames::frame;

pub struct Case<'a> {
    pub json: &'a Value,
    pub ruleset: String,
    /// Or why the text has no tree.
    pub tree: Result<Ruleset, String>,
    pub primary: LazyFrame,
    /// The rows as they are written.
    pub rows: Vec<Value>,
    pub references: BTreeMap<String, LazyFrame>,
    pub now: DateTime<Utc>,
    pub flags: Vec<String>,
}

/// What is expected of one rule.
#[derive(Debug)]
pub struct Expected {
    pub rule: Option<String>,
    pub passed: bool,
    /// None where nothing is said of metrics.
    pub metrics: Option<BTreeMap<String, f64>>,
}

impl<'a> Case<'a> {
    pub fn read(json: &'a Value) -> Result<Self, String> {
        let ruleset = json["ruleset"].as_str().ok_or("no `ruleset` in the case")?.to_owned();
        let at = json["evaluated_at"].as_str().unwrap_or("1970-01-01T00:00:00Z");
        let now = DateTime::parse_from_rfc3339(at).map_err(|error| format!("`evaluated_at`: {error}"))?;
        let mut references = BTreeMap::new();
        for (alias, data) in json["additional"].as_object().into_iter().flatten() {
            references.insert(alias.clone(), frame(data).map_err(|error| format!("{alias}: {error}"))?);
        }
        let tree = assay_dqdl::parse(&ruleset)
            .map_err(|faults| faults.first().map_or_else(String::new, |fault| fault.message.clone()));
        Ok(Self {
            json,
            ruleset,
            tree,
            primary: frame(&json["primary"])?,
            rows: json["primary"]["rows"].as_array().cloned().unwrap_or_default(),
            references,
            now: now.to_utc(),
            flags: texts(&json["flags"]),
        })
    }

    /// The types of all rules of the ruleset.
    pub fn kinds(&self) -> BTreeSet<String> {
        let Ok(tree) = &self.tree else { return BTreeSet::from(["(no ruleset)".to_owned()]) };
        let of = |rule: &Rule| match &rule.body {
            Body::Check(check) => check.kind.name().to_owned(),
            Body::Both { .. } => "composed".to_owned(),
        };
        tree.rules.iter().map(of).collect()
    }
}

/// What `expected` or `docs_expected` says: a list of rules, an outcome alone, or an object that holds one of them.
pub fn expectations(value: &Value) -> Vec<Expected> {
    match value {
        Value::Array(list) => list.iter().flat_map(expectations).collect(),
        Value::Object(map) if map.contains_key("rules") => expectations(&map["rules"]),
        Value::Object(map) if map.get("evaluable") == Some(&Value::Bool(false)) => Vec::new(),
        Value::Object(map) => match map.get("outcome").and_then(passed) {
            Some(passed) => {
                let rule = map.get("rule").and_then(Value::as_str).map(str::to_owned);
                vec![Expected { rule, passed, metrics: map.get("metrics").and_then(metrics) }]
            }
            // Outcomes by the texts of the rules.
            None => (map.iter())
                .filter_map(|(rule, value)| {
                    Some(Expected { rule: Some(rule.clone()), passed: passed(value)?, metrics: None })
                })
                .collect(),
        },
        other => passed(other).map(|passed| Expected { rule: None, passed, metrics: None }).into_iter().collect(),
    }
}

fn passed(value: &Value) -> Option<bool> {
    match value.as_str()?.to_ascii_lowercase().as_str() {
        "passed" | "pass" => Some(true),
        "failed" | "fail" => Some(false),
        _ => None,
    }
}

fn metrics(value: &Value) -> Option<BTreeMap<String, f64>> {
    let number = |value: &Value| match value {
        Value::String(text) => outside_json(text),
        other => other.as_f64(),
    };
    Some(value.as_object()?.iter().filter_map(|(name, value)| Some((name.clone(), number(value)?))).collect())
}

/// A double that JSON has no number for.
fn outside_json(text: &str) -> Option<f64> {
    text.parse().ok()
}

pub fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The text with the words that some writers have for doubles outside JSON in quotes.
pub fn strict(text: &str) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    let (mut quoted, mut escaped) = (false, false);
    while let Some(c) = rest.chars().next() {
        let word = ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| !quoted && rest.starts_with(word));
        if let Some(word) = word {
            done.extend(["\"", word, "\""]);
            rest = &rest[word.len()..];
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        done.push(c);
        rest = &rest[c.len_utf8()..];
    }
    done
}
