//! Text from a tree: it reads back to the same tree, with parentheses around everything that `and` and `or` join.

use crate::canonical::{self, tested};
use crate::lex::{self, Kind};
use crate::tree::{
    Body, Check, Condition, Connective, Constant, ConstantValue, Label, Number, Operator, Rule, Ruleset, Tag, Test,
    Text,
};

/// An entry longer than this is broken before its `and` and `or`.
const WIDTH: usize = 110;

/// A document. Parsing it gives the same tree, places aside, for every tree that came from a text.
///
/// One exception: a text in quotes that ends in a lone backslash closes only at the end of a document, so nothing with
/// quotes may stand behind it.
pub fn print(ruleset: &Ruleset) -> String {
    let mut sections = Vec::new();
    sections.extend(metadata(ruleset));
    sections.extend(sources(ruleset));
    let constants: Vec<_> = ruleset.constants.iter().map(constant).collect();
    if !constants.is_empty() {
        sections.push(constants.join("\n"));
    }
    sections.extend(default_labels(ruleset));
    let defaults = &ruleset.default_labels;
    let list = |name: &str, entries: Vec<String>| format!("{name} = [\n    {}\n]", entries.join(",\n    "));
    if !ruleset.rules.is_empty() {
        sections.push(list("Rules", ruleset.rules.iter().map(|one| rule(one, defaults)).collect()));
    }
    if !ruleset.analyzers.is_empty() {
        sections.push(list("Analyzers", ruleset.analyzers.iter().map(canonical::analyzer).collect()));
    }
    sections.join("\n\n") + "\n"
}

pub(crate) fn metadata(ruleset: &Ruleset) -> Option<String> {
    ruleset.version.as_ref().map(|version| format!("Metadata = {{\n    \"Version\": \"{version}\"\n}}"))
}

pub(crate) fn sources(ruleset: &Ruleset) -> Option<String> {
    let primary = ruleset.primary.as_ref().map(|name| format!("    \"Primary\": \"{name}\""));
    let additional = (!ruleset.additional.is_empty()).then(|| {
        let names: Vec<_> = ruleset.additional.iter().map(|name| format!("\"{name}\"")).collect();
        format!("    \"AdditionalDataSources\": [{}]", names.join(", "))
    });
    let pairs: Vec<_> = [primary, additional].into_iter().flatten().collect();
    (!pairs.is_empty()).then(|| format!("DataSources = {{\n{}\n}}", pairs.join(",\n")))
}

pub(crate) fn constant(constant: &Constant) -> String {
    let value = match &constant.value {
        ConstantValue::Text(text) => format!("\"{text}\""),
        ConstantValue::List(texts) => {
            let texts: Vec<_> = texts.iter().map(|text| format!("\"{text}\"")).collect();
            format!("[{}]", texts.join(", "))
        }
    };
    format!("{} = {value}", constant.name)
}

pub(crate) fn default_labels(ruleset: &Ruleset) -> Option<String> {
    let labels = &ruleset.default_labels;
    (!labels.is_empty()).then(|| format!("DefaultLabels = [{}]", pairs(labels.iter())))
}

/// An entry of `Rules` among such defaults, without indentation on its first line.
pub(crate) fn rule(rule: &Rule, defaults: &[Label]) -> String {
    let line = joined(rule, defaults, " ");
    if line.len() > WIDTH && matches!(rule.body, Body::Both { .. }) {
        return joined(rule, defaults, "\n        ");
    }
    line
}

enum Piece<'a> {
    Fixed(&'static str),
    Made(String),
    /// What is joined, without parentheses around it.
    Inside(&'a Rule),
    Operand(&'a Rule),
}

/// `turn` stands before the words that join the outermost operands.
fn joined(rule: &Rule, defaults: &[Label], turn: &'static str) -> String {
    let mut done = String::new();
    let labelled = written(rule, defaults).is_some();
    let top = matches!(rule.body, Body::Both { .. }) && !labelled;
    let mut waiting = vec![if top { Piece::Inside(rule) } else { Piece::Operand(rule) }];
    // A single rule needs no parentheses when nothing joins it and no labels stand behind them.
    if let (Body::Check(leaf), false) = (&rule.body, labelled) {
        return check(leaf, &rule.shown);
    }
    let mut spine = top;
    while let Some(piece) = waiting.pop() {
        match piece {
            Piece::Fixed(text) => done.push_str(text),
            Piece::Made(text) => done.push_str(&text),
            Piece::Operand(rule) => {
                spine = false;
                let labels = written(rule, defaults);
                waiting.push(Piece::Made(match &labels {
                    Some(labels) => format!(") labels=[{}]", pairs(labels.iter().copied())),
                    None => ")".to_owned(),
                }));
                waiting.push(match &rule.body {
                    Body::Check(leaf) => Piece::Made(check(leaf, if labels.is_some() { &[] } else { &rule.shown })),
                    Body::Both { .. } => Piece::Inside(rule),
                });
                waiting.push(Piece::Fixed("("));
            }
            Piece::Inside(rule) => {
                let Body::Both { op, left, right } = &rule.body else { continue };
                let same = |side: &Rule| matches!(&side.body, Body::Both { op: other, .. } if other == op);
                let open = same(left) && written(left, defaults).is_none();
                waiting.extend([Piece::Operand(right), Piece::Fixed(word(*op))]);
                waiting.push(Piece::Fixed(if spine { turn } else { " " }));
                waiting.push(if open { Piece::Inside(left) } else { Piece::Operand(left) });
            }
        }
    }
    done
}

fn word(op: Connective) -> &'static str {
    match op {
        Connective::And => "and ",
        Connective::Or => "or ",
    }
}

/// Labels that stand behind parentheses, if a rule's labels stand there: always those of `and` and `or`, those that
/// show defaults, and those of a rule with a threshold, which documentation and parser want on different sides of it.
fn written<'a>(rule: &'a Rule, defaults: &'a [Label]) -> Option<Vec<&'a Label>> {
    let needed = match &rule.body {
        Body::Both { .. } => rule.labels != defaults,
        Body::Check(leaf) => {
            let behind = leaf.threshold.is_some() || !leaf.tags.is_empty();
            let outside = rule.shown.iter().any(|label| label.inherited);
            outside || (!rule.shown.is_empty() && rule.shown == rule.labels && behind)
        }
    };
    if !needed {
        return None;
    }
    let own: Vec<_> = rule.labels.iter().filter(|label| !defaults.contains(label)).collect();
    Some(if own.is_empty() { rule.labels.iter().take(1).collect() } else { own })
}

fn pairs<'a>(labels: impl Iterator<Item = &'a Label>) -> String {
    let pairs: Vec<_> = labels.map(|label| format!("\"{}\"=\"{}\"", label.key, label.value)).collect();
    pairs.join(", ")
}

fn check(check: &Check, labels: &[Label]) -> String {
    let mut done = check.kind.name().to_owned();
    for parameter in &check.parameters {
        done.push(' ');
        done.push_str(&canonical::parameter(parameter));
    }
    if let Some(one) = &check.condition {
        done.push(' ');
        done.push_str(&match (&check.list, one) {
            (Some(name), Condition::Text(test)) => format!("{} ${name}", canonical::operator(test.op)),
            _ => condition(one),
        });
    }
    if let Some(filter) = &check.filter {
        done.push_str(&format!(" where \"{filter}\""));
    }
    if !labels.is_empty() {
        done.push_str(&format!(" labels=[{}]", pairs(labels.iter())));
    }
    if let Some(test) = &check.threshold {
        done.push_str(&format!(" with threshold {}", threshold(test)));
    }
    for tag in &check.tags {
        done.push_str(&tag_text(tag));
    }
    done
}

/// Where nothing else says so, parentheses make `NULL` a number: without them it is a text, and the threshold a tag.
fn threshold(test: &Test<Number>) -> String {
    let is_text = matches!(test.op, Operator::Equal | Operator::NotEqual | Operator::In | Operator::NotIn)
        && test.operands.iter().all(|operand| matches!(operand, Number::Null));
    if is_text { spaced(test, |_| "(NULL)".to_owned()) } else { spaced(test, number) }
}

fn tag_text(tag: &Tag) -> String {
    format!(" with {} {}", tag.name, condition(&tag.value))
}

/// Operator and operands, as they read back.
fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Number(test) => spaced(test, number),
        Condition::Text(test) if matches!(test.op, Operator::In | Operator::NotIn) => spaced(test, listed),
        Condition::Text(test) => spaced(test, verbatim),
        Condition::Date(test) => spaced(test, canonical::date),
        Condition::Duration(test) => spaced(test, canonical::duration),
        // The language has no sign before a size with a unit; without one all of them are bytes.
        Condition::Size(test) if test.operands.iter().any(|size| size.amount < 0) => {
            spaced(test, |size| size.amount.to_string())
        }
        Condition::Size(test) => spaced(test, canonical::size),
    }
}

fn spaced<T>(test: &Test<T>, print: fn(&T) -> String) -> String {
    match test.op {
        Operator::In | Operator::NotIn => {
            let operands: Vec<_> = test.operands.iter().map(print).collect();
            format!("{} [{}]", canonical::operator(test.op), operands.join(", "))
        }
        _ => tested(test, print),
    }
}

pub(crate) fn number(number: &Number) -> String {
    canonical::numbered(number, " ")
}

fn verbatim(text: &Text) -> String {
    canonical::text(text)
}

/// Inside `in` a backslash takes the meaning from what follows.
fn listed(text: &Text) -> String {
    let Text::Literal(literal) = text else { return canonical::text(text) };
    let quoted = format!("\"{}\"", literal.replace('\\', "\\\\").replace('"', "\\\""));
    // A text that is shaped like a date would be read as one.
    if lex::text_kind(quoted.as_bytes()) == Kind::Text { quoted } else { format!("\"\\{}", &quoted[1..]) }
}
