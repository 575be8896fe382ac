//! The text under which the service knows a rule. It does not always read back: quotes inside `in [..]` lose their
//! backslash, and constants stay names. [`crate::print`] writes text that does.

use crate::tree::{
    Analyzer, Arithmetic, Body, Check, Condition, Connective, Date, Duration, Label, Number, Operator, Parameter, Rule,
    Ruleset, Size, SizeUnit, Tag, Test, Text, Unit,
};

/// A whole document, as the service prints it: without constants and default labels.
pub fn ruleset(ruleset: &Ruleset) -> String {
    let mut sections = Vec::new();
    if let Some(version) = &ruleset.version {
        sections.push(format!("Metadata = {{\n    \"Version\": \"{version}\"\n}}"));
    }
    let primary =
        ruleset.primary.as_ref().filter(|name| !is_blank(name)).map(|name| format!("    \"Primary\": \"{name}\""));
    let additional = (!ruleset.additional.is_empty()).then(|| {
        let names: Vec<_> = ruleset.additional.iter().map(|name| format!("\"{name}\"")).collect();
        format!("    \"AdditionalDataSources\": [ {} ]", names.join(", "))
    });
    let sources: Vec<_> = [primary, additional].into_iter().flatten().collect();
    if !sources.is_empty() {
        sections.push(format!("DataSources = {{\n{}\n}}", sources.join(",\n")));
    }
    let list = |name: &str, entries: Vec<String>| format!("{name} = [\n    {}\n]", entries.join(",\n    "));
    if !ruleset.rules.is_empty() {
        sections.push(list("Rules", ruleset.rules.iter().map(rule).collect()));
    }
    if !ruleset.analyzers.is_empty() {
        sections.push(list("Analyzers", ruleset.analyzers.iter().map(analyzer).collect()));
    }
    sections.join("\n\n")
}

/// A rule with the labels that belong to its text. Chains of one word stand side by side, others in pairs.
pub fn rule(rule: &Rule) -> String {
    let uniform = uniform(rule);
    let mut done = String::new();
    let mut waiting = vec![Piece::Rule(rule)];
    while let Some(piece) = waiting.pop() {
        let rule = match piece {
            Piece::Text(text) => {
                done.push_str(text);
                continue;
            }
            Piece::Rule(rule) => rule,
        };
        match &rule.body {
            Body::Check(leaf) => {
                done.push_str(&check(leaf));
                done.push_str(&labels(&rule.shown));
            }
            Body::Both { op, .. } if uniform.contains(&std::ptr::from_ref(rule)) => {
                let mut pieces = Vec::new();
                for leaf in leaves(rule) {
                    if !pieces.is_empty() {
                        pieces.push(Piece::Text(word(*op)));
                    }
                    pieces.extend([Piece::Text("("), Piece::Rule(leaf), Piece::Text(")")]);
                }
                waiting.extend(pieces.into_iter().rev());
            }
            Body::Both { op, left, right } => {
                waiting.extend([Piece::Text(")"), Piece::Rule(right), Piece::Text("("), Piece::Text(word(*op))]);
                waiting.extend([Piece::Text(")"), Piece::Rule(left), Piece::Text("(")]);
            }
        }
    }
    done
}

enum Piece<'a> {
    Text(&'static str),
    Rule(&'a Rule),
}

fn word(op: Connective) -> &'static str {
    match op {
        Connective::And => " AND ",
        Connective::Or => " OR ",
    }
}

/// The rules below which one word alone joins.
fn uniform(rule: &Rule) -> std::collections::HashSet<*const Rule> {
    let mut found = std::collections::HashSet::new();
    for rule in rule.upwards() {
        if let Body::Both { op, left, right } = &rule.body {
            let same = |side: &Rule| match &side.body {
                Body::Check(_) => true,
                Body::Both { op: other, .. } => op == other && found.contains(&std::ptr::from_ref(side)),
            };
            if same(left) && same(right) {
                found.insert(std::ptr::from_ref(rule));
            }
        }
    }
    found
}

fn leaves(rule: &Rule) -> Vec<&Rule> {
    let mut found = Vec::new();
    let mut waiting = vec![rule];
    while let Some(rule) = waiting.pop() {
        match &rule.body {
            Body::Check(_) => found.push(rule),
            Body::Both { left, right, .. } => waiting.extend([right.as_ref(), left.as_ref()]),
        }
    }
    found
}

/// A rule type with its parameters, condition, filter, threshold and tags; without labels.
pub fn check(check: &Check) -> String {
    let mut text = check.kind.name().to_owned();
    for one in &check.parameters {
        text.push(' ');
        text.push_str(&parameter(one));
    }
    if let Some(one) = &check.condition {
        text.push(' ');
        text.push_str(&match &check.list {
            Some(name) => format!("{} ${name}", operator(condition_operator(one))),
            None => condition(one),
        });
    }
    if let Some(filter) = check.filter.as_ref().filter(|filter| !is_blank(filter)) {
        text.push_str(&format!(" where \"{filter}\""));
    }
    if let Some(test) = &check.threshold {
        text.push_str(&format!(" with threshold {}", tested(test, number)));
    }
    for (_, tag) in in_java_order(&check.tags, |tag| &tag.name) {
        text.push_str(&format!(" with {} = {}", tag.name, tag_text(tag)));
    }
    text
}

/// An analyzer with its parameters.
pub fn analyzer(analyzer: &Analyzer) -> String {
    let mut text = analyzer.kind.name().to_owned();
    for one in &analyzer.parameters {
        text.push(' ');
        text.push_str(&parameter(one));
    }
    text
}

/// A parameter with its connector, as it was written.
pub fn parameter(parameter: &Parameter) -> String {
    let value = match (&parameter.constant, parameter.quoted) {
        (Some(name), _) => format!("${name}"),
        (None, true) => format!("\"{}\"", parameter.value),
        (None, false) => parameter.value.clone(),
    };
    match &parameter.connector {
        Some(word) => format!("{word} {value}"),
        None => value,
    }
}

/// The value of a tag with the quotes of a text, without spaces in a number.
pub fn tag_text(tag: &Tag) -> String {
    match &tag.value {
        Condition::Number(test) => test.operands.first().map(number).unwrap_or_default().replace(' ', ""),
        Condition::Text(test) => test.operands.first().map(text).unwrap_or_default(),
        other => condition(other),
    }
}

/// Operator and operands.
pub fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Number(test) => tested(test, number),
        Condition::Text(test) => tested(test, text),
        Condition::Date(test) => tested(test, date),
        Condition::Duration(test) => tested(test, duration),
        Condition::Size(test) => tested(test, size),
    }
}

fn condition_operator(condition: &Condition) -> Operator {
    match condition {
        Condition::Number(test) => test.op,
        Condition::Text(test) => test.op,
        Condition::Date(test) => test.op,
        Condition::Duration(test) => test.op,
        Condition::Size(test) => test.op,
    }
}

pub(crate) fn tested<T>(test: &Test<T>, print: fn(&T) -> String) -> String {
    let operands: Vec<_> = test.operands.iter().map(print).collect();
    let op = operator(test.op);
    match test.op {
        Operator::Between | Operator::NotBetween => format!("{op} {}", operands.join(" and ")),
        Operator::In | Operator::NotIn => format!("{op} [{}]", operands.join(",")),
        _ => format!("{op} {}", operands.concat()),
    }
}

/// An operator as the language writes it.
pub fn operator(op: Operator) -> &'static str {
    match op {
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Equal => "=",
        Operator::NotEqual => "!=",
        Operator::Between => "between",
        Operator::NotBetween => "not between",
        Operator::In => "in",
        Operator::NotIn => "not in",
        Operator::Matches => "matches",
        Operator::NotMatches => "not matches",
    }
}

/// A number operand with spaces around its signs and none behind commas.
pub fn number(number: &Number) -> String {
    numbered(number, "")
}

/// The same with `gap` before the parentheses of a function `now` without arguments: without one it reads back as the
/// date.
pub(crate) fn numbered(number: &Number, gap: &'static str) -> String {
    enum Piece<'a> {
        Text(&'a str),
        Number(&'a Number),
    }
    let mut done = String::new();
    let mut waiting = vec![Piece::Number(number)];
    while let Some(piece) = waiting.pop() {
        let number = match piece {
            Piece::Text(text) => {
                done.push_str(text);
                continue;
            }
            Piece::Number(number) => number,
        };
        match number {
            Number::Literal(text) => done.push_str(text),
            Number::Null => done.push_str("NULL"),
            Number::Group(inside) => {
                waiting.extend([Piece::Text(")"), Piece::Number(inside), Piece::Text("(")]);
            }
            Number::Binary { op, left, right } => {
                waiting.extend([Piece::Number(right), Piece::Text(sign(*op)), Piece::Number(left)]);
            }
            Number::Call { name, arguments } => {
                waiting.push(Piece::Text(")"));
                for (index, argument) in arguments.iter().enumerate().rev() {
                    waiting.push(Piece::Number(argument));
                    waiting.push(Piece::Text(if index > 0 { "," } else { "" }));
                }
                let gap = if name == "now" && arguments.is_empty() { gap } else { "" };
                waiting.extend([Piece::Text("("), Piece::Text(gap), Piece::Text(name)]);
            }
        }
    }
    done
}

fn sign(op: Arithmetic) -> &'static str {
    match op {
        Arithmetic::Add => " + ",
        Arithmetic::Subtract => " - ",
        Arithmetic::Multiply => " * ",
        Arithmetic::Divide => " / ",
    }
}

pub(crate) fn text(text: &Text) -> String {
    match text {
        Text::Literal(text) => format!("\"{text}\""),
        Text::Null => "NULL".to_owned(),
        Text::Empty => "EMPTY".to_owned(),
        Text::WhitespacesOnly => "WHITESPACES_ONLY".to_owned(),
    }
}

/// A date operand.
pub fn date(date: &Date) -> String {
    match date {
        Date::Day(text) | Date::Time(text) => format!("\"{text}\""),
        Date::Now => "now()".to_owned(),
        Date::Offset { amount, unit, minus } => {
            let amount = Duration { amount: amount.saturating_abs(), unit: *unit };
            format!("(now() {} {})", if *minus { "-" } else { "+" }, duration(&amount))
        }
        Date::Null => "NULL".to_owned(),
    }
}

pub(crate) fn duration(duration: &Duration) -> String {
    let unit = match duration.unit {
        Unit::Days => "days",
        Unit::Hours => "hours",
        Unit::Minutes => "minutes",
    };
    format!("{} {unit}", duration.amount)
}

pub(crate) fn size(size: &Size) -> String {
    let unit = match size.unit {
        SizeUnit::Bytes => "B",
        SizeUnit::Kilobytes => "KB",
        SizeUnit::Megabytes => "MB",
        SizeUnit::Gigabytes => "GB",
        SizeUnit::Terabytes => "TB",
    };
    format!("{} {unit}", size.amount)
}

/// ` labels=["key"="value", …]`, or nothing.
fn labels(labels: &[Label]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let mut pairs = in_java_order(labels, |label| &label.key);
    // The service prints a copy of the map, which has room for these labels and no more; defaults came first into it.
    let room = ((labels.len() as f32 / 0.75 + 1.0) as u32).next_power_of_two();
    pairs.sort_by_key(|(hash, label)| (hash & (room - 1), !label.inherited));
    let pairs: Vec<_> = pairs.iter().map(|(_, label)| format!("\"{}\"=\"{}\"", label.key, label.value)).collect();
    format!(" labels=[{}]", pairs.join(", "))
}

/// Items in the order in which a hash map of Java hands them out, each with its hash: the service prints from one.
fn in_java_order<T>(items: &[T], key: impl Fn(&T) -> &str) -> Vec<(u32, &T)> {
    let mut room = 16_u32;
    while items.len() as f32 > room as f32 * 0.75 {
        room *= 2;
    }
    let mut pairs: Vec<_> = items.iter().map(|item| (java_hash(key(item)), item)).collect();
    pairs.sort_by_key(|(hash, _)| hash & (room - 1));
    pairs
}

fn java_hash(text: &str) -> u32 {
    let hash = text.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
    hash ^ (hash >> 16)
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}')
            || matches!(c, '\u{1c}'..='\u{1f}')
    })
}
