//! Findings about whole rules: how they are joined, labelled, counted.

use std::collections::HashSet;

use super::LintContext;
use crate::RuleType;
use crate::fault::{Edit, Fault};
use crate::parser::raw::{self, Document, Item};
use crate::tree::{Body, Check, Condition, Connective, Number, Operator, Rule, Ruleset};

const MOST_RULES: usize = 2_000;

pub(super) fn lints(
    text: &str,
    document: &Document,
    ruleset: &Ruleset,
    context: &LintContext<'_>,
    found: &mut Vec<Fault>,
) {
    if let Some(first) = ruleset.rules.get(MOST_RULES) {
        let message = format!("The service takes at most {MOST_RULES} rules, and here are {}.", ruleset.rules.len());
        found.push(Fault::warning("W18", first.span.clone(), message));
    }
    for item in document.rules.iter().flat_map(|section| &section.entries).flat_map(|entry| &entry.items) {
        if let Item::Check(check) = item {
            labels(text, check, document.default_labels.is_some(), found);
        }
    }
    for rule in &ruleset.rules {
        joined(rule, context, found);
    }
    if context.catalog {
        catalog(ruleset, found);
    }
}

/// Documentation and parser want labels on different sides of `with`; parentheses please both.
fn labels(text: &str, check: &raw::Check, defaults: bool, found: &mut Vec<Fault>) {
    let (Some(labels), Some(last)) = (&check.labels, check.tags.last()) else { return };
    let message = "The documentation writes labels behind `with`, the open parser wants them before it. \
                   `(rule with threshold …) labels=[…]` suits both.";
    let fault = Fault::warning("W11", labels.span.clone(), message);
    // With defaults the parentheses would bring them into the rule's canonical text.
    found.push(match defaults {
        true => fault,
        false => fault.mending(
            "Put the rule into parentheses",
            vec![
                Edit { span: check.span.start..check.span.start, text: "(".to_owned() },
                Edit { span: labels.span.start..check.tags[0].span.start, text: String::new() },
                Edit { span: last.span.end..last.span.end, text: format!(") {}", &text[labels.span.clone()]) },
            ],
        ),
    });
}

fn joined(rule: &Rule, context: &LintContext<'_>, found: &mut Vec<Fault>) {
    if matches!(rule.body, Body::Check(_)) {
        return;
    }
    if context.row_mode {
        for check in rule.checks().filter(|check| !joins_by_row(check)) {
            let message = format!("`{}` cannot be joined row by row. Let it stand alone.", check.kind.name());
            found.push(Fault::warning("W4", check.span.clone(), message));
        }
        return;
    }
    let either = |part: &&Rule| matches!(part.body, Body::Both { op: Connective::Or, .. });
    if rule.upwards().iter().any(either) {
        or_null(rule, found);
    }
}

fn joins_by_row(check: &Check) -> bool {
    check.kind.entry().composite_rows && check.threshold.is_none()
}

/// `(ColumnValues "a" > 1) or (ColumnValues "a" = NULL)` asks whether all rows are the one or all are the other.
fn or_null(rule: &Rule, found: &mut Vec<Fault>) {
    let columns = |null: bool| -> HashSet<&str> {
        let of_values = rule.checks().filter(|check| check.kind == RuleType::ColumnValues && is_null(check) == null);
        of_values.filter_map(|check| check.parameters.first()).map(|column| column.value.as_str()).collect()
    };
    if !columns(true).is_disjoint(&columns(false)) {
        let message = "This allows nulls only where rules are joined row by row. Joined as a whole, either every value \
                       satisfies the one side or every value is null. A filter says it everywhere: \
                       `where \"column is not null\"`.";
        found.push(Fault::warning("W3", rule.span.clone(), message));
    }
}

fn is_null(check: &Check) -> bool {
    matches!(&check.condition, Some(Condition::Number(test))
        if test.op == Operator::Equal && test.operands == [Number::Null])
}

/// What a run on a table of the catalog does not take.
fn catalog(ruleset: &Ruleset, found: &mut Vec<Fault>) {
    let mut warn = |span: &crate::Span, what: &str| {
        let message = format!("{what} work in jobs alone, not on a table of the catalog.");
        found.push(Fault::warning("W14", span.clone(), message));
    };
    for analyzer in &ruleset.analyzers {
        warn(&analyzer.span, "Analyzers");
    }
    for rule in &ruleset.rules {
        if !rule.labels.is_empty() {
            warn(&rule.span, "Labels");
        }
        for check in rule.checks() {
            match check.kind {
                RuleType::DetectAnomalies => warn(&check.span, "Anomalies"),
                RuleType::FileFreshness | RuleType::FileSize | RuleType::FileMatch | RuleType::FileUniqueness => {
                    warn(&check.span, "Rules about files");
                }
                _ if is_dynamic(check) => warn(&check.span, "Functions over earlier values"),
                _ => {}
            }
        }
    }
}

fn is_dynamic(check: &Check) -> bool {
    let Some(Condition::Number(test)) = &check.condition else { return false };
    test.operands.iter().flat_map(Number::upwards).any(|number| matches!(number, Number::Call { .. }))
}
