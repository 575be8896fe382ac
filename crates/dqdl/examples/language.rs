//! Runs conformance cases of the language: files of texts with the tree, or the answer, that the service's parser gave.
#![allow(clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use assay_dqdl::tree::{
    Analyzer, Arithmetic, Body, Check, Condition, Connective, Duration, Label, Number, Operator, Parameter, Rule,
    Ruleset, Size, SizeUnit, Test, Text, Unit,
};
use assay_dqdl::{Fault, canonical, parse};
use serde_json::{Map, Value, json};

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        println!("Give one or more files of cases.");
        return ExitCode::from(2);
    }
    let mut tally = Tally::default();
    for file in &files {
        match cases(file) {
            Ok(cases) => cases.iter().enumerate().for_each(|(index, case)| tally.case(file, index, case)),
            Err(message) => {
                println!("{message}");
                return ExitCode::from(2);
            }
        }
    }
    tally.print();
    if tally.disagreements.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A list of cases, alone or under any key of an object.
fn cases(file: &str) -> Result<Vec<Value>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file} cannot be read: {error}"))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| format!("{file} is no JSON: {error}"))?;
    let list = match value {
        Value::Array(list) => Some(list),
        Value::Object(map) => map.into_values().find_map(|value| match value {
            Value::Array(list) => Some(list),
            _ => None,
        }),
        _ => None,
    };
    list.filter(|list| !list.is_empty()).ok_or_else(|| format!("{file} holds no list of cases."))
}

#[derive(Default)]
struct Tally {
    agreed: BTreeMap<String, usize>,
    disagreed: BTreeMap<String, usize>,
    places: (usize, usize),
    disagreements: Vec<String>,
}

impl Tally {
    fn case(&mut self, file: &str, index: usize, case: &Value) {
        let name = case["id"].as_str().map_or_else(|| format!("{file} #{index}"), str::to_owned);
        let (Some(text), Some(valid)) = (case["ruleset"].as_str(), case["valid"].as_bool()) else {
            self.disagreements.push(format!("{name}: no `ruleset` and `valid` in the case"));
            return;
        };
        let mut wrong = Vec::new();
        let parsed = parse(text);
        match &parsed {
            Ok(ruleset) if valid => compare(case, ruleset, &mut wrong),
            Ok(_) => wrong.push("accepted, expected a refusal".to_owned()),
            Err(faults) if valid => {
                wrong.push(format!("refused: {}", faults.first().map_or("", |fault| fault.message.as_str())));
            }
            Err(faults) => self.place(case, text, faults.iter().find(|fault| !fault.code.starts_with(['M', 'W']))),
        }
        for kind in kinds(text, parsed.as_ref().ok()) {
            let table = if wrong.is_empty() { &mut self.agreed } else { &mut self.disagreed };
            *table.entry(kind).or_default() += 1;
        }
        if !wrong.is_empty() {
            self.disagreements.push(format!("{name}: {}\n    {text:?}", wrong.join("\n    ")));
        }
    }

    /// Counts whether the first fault is where the reference found one; no disagreement when it is not.
    fn place(&mut self, case: &Value, text: &str, fault: Option<&Fault>) {
        let Some((line, column)) = place(case) else { return };
        let at = fault.map_or(text.len(), |fault| fault.span.start);
        let before = &text[..at];
        let found = (
            before.matches('\n').count() as u64 + 1,
            before.rsplit('\n').next().map_or(0, |line| line.chars().count()) as u64,
        );
        self.places.1 += 1;
        if found == (line, column) {
            self.places.0 += 1;
        } else if std::env::var_os("PLACES").is_some() {
            println!("place {found:?}, expected {:?}: {text:?}", (line, column));
        }
    }

    fn print(&self) {
        let names: BTreeSet<_> = self.agreed.keys().chain(self.disagreed.keys()).collect();
        println!("{:<28}{:>8}{:>11}", "rule type", "agreed", "disagreed");
        for name in names {
            let count = |table: &BTreeMap<String, usize>| table.get(name).copied().unwrap_or(0);
            println!("{name:<28}{:>8}{:>11}", count(&self.agreed), count(&self.disagreed));
        }
        println!("place of the first syntax fault: {} of {}", self.places.0, self.places.1);
        for disagreement in &self.disagreements {
            println!("{disagreement}");
        }
        println!("{} disagreements", self.disagreements.len());
    }
}

/// Where the reference found its first syntax fault: in keys of its own, or in its message.
fn place(case: &Value) -> Option<(u64, u64)> {
    if let (Some(line), Some(column)) = (case["error_line"].as_u64(), case["error_column"].as_u64()) {
        return Some((line, column));
    }
    let message = case["error"].as_str()?;
    let (_, rest) = message.split_once("line ")?;
    let (line, rest) = rest.split_once(':')?;
    let (column, _) = rest.split_once(' ')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// Rule types that a text names; of a refused one, the words that are rule types.
fn kinds(text: &str, ruleset: Option<&Ruleset>) -> BTreeSet<String> {
    let mut kinds: BTreeSet<String> = match ruleset {
        Some(ruleset) => ruleset
            .rules
            .iter()
            .flat_map(Rule::checks)
            .map(|check| check.kind)
            .chain(ruleset.analyzers.iter().map(|analyzer| analyzer.kind))
            .map(|kind| kind.name().to_owned())
            .collect(),
        None => text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| assay_dqdl::RuleType::from_name(word).is_some())
            .map(str::to_owned)
            .collect(),
    };
    if kinds.is_empty() {
        kinds.insert("(none)".to_owned());
    }
    kinds
}

fn compare(case: &Value, ruleset: &Ruleset, wrong: &mut Vec<String>) {
    let printed = canonical::ruleset(ruleset);
    if let Some(expected) = case["canonical"].as_str()
        && expected != printed
    {
        wrong.push(format!("canonical text\n      is       {printed:?}\n      expected {expected:?}"));
    }
    for (key, found) in [("rule_count", ruleset.rules.len()), ("analyzer_count", ruleset.analyzers.len())] {
        if case[key].as_u64().is_some_and(|expected| expected != found as u64) {
            wrong.push(format!("{key} is {found}, expected {}", case[key]));
        }
    }
    if case["expect"].is_object() {
        differences("", &case["expect"], &tree(ruleset), wrong);
    }
}

/// Every place where two values differ; an absent key is an empty value.
fn differences(path: &str, expected: &Value, found: &Value, wrong: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                let (one, two) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                differences(&format!("{path}.{key}"), one, two, wrong);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (one, two)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}[{index}]"), one, two, wrong);
            }
        }
        (one, two) if one == two || (is_nothing(one) && is_nothing(two)) => {}
        (one, two) => wrong.push(format!("tree{path} is {two}, expected {one}")),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn tree(ruleset: &Ruleset) -> Value {
    json!({
        "rules": ruleset.rules.iter().map(rule).collect::<Vec<_>>(),
        "analyzers": ruleset.analyzers.iter().map(analyzer).collect::<Vec<_>>(),
        "primary": ruleset.primary,
        "additional_sources": ruleset.additional,
        "metadata": ruleset.version.as_ref().map(|version| json!({"Version": version})),
        "default_labels": labels(&ruleset.default_labels),
    })
}

fn rule(rule: &Rule) -> Value {
    let mut value = match &rule.body {
        Body::Check(leaf) => check(leaf),
        Body::Both { op, left, right } => json!({
            "rule_type": "Composite",
            "op": match op { Connective::And => "AND", Connective::Or => "OR" },
            "nested": [self::rule(left), self::rule(right)],
        }),
    };
    value["labels"] = labels(&rule.labels);
    value["text"] = json!(canonical::rule(rule));
    value
}

fn check(check: &Check) -> Value {
    let count = check.parameters.len();
    let name = |(index, one)| parameter(&check.kind.parameter_name(index, count), one);
    let mut condition = check.condition.as_ref().map_or_else(|| json!({"type": "none"}), condition);
    if let (Some(list), Some(formatted)) = (&check.list, condition["formatted"].as_str()) {
        let op = formatted.split(" [").next().unwrap_or_default();
        condition["formatted"] = json!(format!("{op} ${list}"));
    }
    let tags: Map<String, Value> = check
        .tags
        .iter()
        .map(|tag| {
            let text = canonical::tag_text(tag);
            let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            (tag.name.clone(), json!(inside.unwrap_or(&text)))
        })
        .collect();
    json!({
        "rule_type": check.kind.name(),
        "params": check.parameters.iter().enumerate().map(name).collect::<Vec<_>>(),
        "condition": condition,
        "where": check.filter,
        "threshold": check.threshold.as_ref().map(|test| self::condition(&Condition::Number(test.clone()))),
        "tags": tags,
    })
}

fn analyzer(analyzer: &Analyzer) -> Value {
    let count = analyzer.parameters.len();
    let name = |(index, one)| parameter(&analyzer.kind.parameter_name(index, count), one);
    json!({
        "type": analyzer.kind.name(),
        "params": analyzer.parameters.iter().enumerate().map(name).collect::<Vec<_>>(),
        "text": canonical::analyzer(analyzer),
    })
}

fn parameter(name: &str, parameter: &Parameter) -> Value {
    json!({
        "name": name,
        "text": canonical::parameter(parameter),
        "value": parameter.value,
        "quoted": parameter.quoted,
        "connector": parameter.connector,
    })
}

fn labels(labels: &[Label]) -> Value {
    Value::Object(labels.iter().map(|label| (label.key.clone(), json!(label.value))).collect())
}

fn condition(condition: &Condition) -> Value {
    let (kind, op, operands) = match condition {
        Condition::Number(test) => ("number", test.op, operands(test, number)),
        Condition::Text(test) => ("string", test.op, operands(test, text)),
        Condition::Date(test) => ("date", test.op, operands(test, |date| json!(assay_dqdl::canonical::date(date)))),
        Condition::Duration(test) => ("duration", test.op, operands(test, duration)),
        Condition::Size(test) => ("size", test.op, operands(test, size)),
    };
    json!({"type": kind, "op": operator(op), "operands": operands, "formatted": canonical::condition(condition)})
}

fn operands<T>(test: &Test<T>, value: fn(&T) -> Value) -> Vec<Value> {
    test.operands.iter().map(value).collect()
}

fn operator(op: Operator) -> &'static str {
    match op {
        Operator::Greater => "GREATER_THAN",
        Operator::GreaterOrEqual => "GREATER_THAN_EQUAL_TO",
        Operator::Less => "LESS_THAN",
        Operator::LessOrEqual => "LESS_THAN_EQUAL_TO",
        Operator::Equal => "EQUALS",
        Operator::NotEqual => "NOT_EQUALS",
        Operator::Between => "BETWEEN",
        Operator::NotBetween => "NOT_BETWEEN",
        Operator::In => "IN",
        Operator::NotIn => "NOT_IN",
        Operator::Matches => "MATCHES",
        Operator::NotMatches => "NOT_MATCHES",
    }
}

fn number(number: &Number) -> Value {
    match number {
        Number::Literal(text) => json!({"kind": "number", "text": text}),
        Number::Null => json!({"kind": "null"}),
        Number::Call { name, arguments } => {
            json!({"kind": "call", "name": name, "args": arguments.iter().map(self::number).collect::<Vec<_>>()})
        }
        Number::Binary { op, left, right } => {
            let op = match op {
                Arithmetic::Add => "+",
                Arithmetic::Subtract => "-",
                Arithmetic::Multiply => "*",
                Arithmetic::Divide => "/",
            };
            json!({"kind": "binary", "op": op, "left": self::number(left), "right": self::number(right), "parens": false})
        }
        Number::Group(inside) => {
            let mut value = self::number(inside);
            value["parens"] = json!(true);
            value
        }
    }
}

/// The reference keeps texts ready for SQL: an apostrophe has a backslash.
fn text(text: &Text) -> Value {
    match text {
        Text::Literal(text) => {
            let mut escaped = String::new();
            let mut last = ' ';
            for character in text.chars() {
                if character == '\'' && last != '\\' {
                    escaped.push('\\');
                }
                escaped.push(character);
                last = character;
            }
            json!({"kind": "string", "value": escaped})
        }
        Text::Null => json!({"kind": "keyword", "value": "NULL"}),
        Text::Empty => json!({"kind": "keyword", "value": "EMPTY"}),
        Text::WhitespacesOnly => json!({"kind": "keyword", "value": "WHITESPACES_ONLY"}),
    }
}

fn duration(duration: &Duration) -> Value {
    let unit = match duration.unit {
        Unit::Days => "DAYS",
        Unit::Hours => "HOURS",
        Unit::Minutes => "MINUTES",
    };
    json!({"amount": duration.amount, "unit": unit})
}

/// Bytes are counted in 64 bits and beyond them begin anew, as the reference counts them.
fn size(size: &Size) -> Value {
    let (unit, power) = match size.unit {
        SizeUnit::Bytes => ("B", 0),
        SizeUnit::Kilobytes => ("KB", 1),
        SizeUnit::Megabytes => ("MB", 2),
        SizeUnit::Gigabytes => ("GB", 3),
        SizeUnit::Terabytes => ("TB", 4),
    };
    json!({"amount": size.amount, "unit": unit, "bytes": size.amount.wrapping_mul(1024_i64.pow(power))})
}
