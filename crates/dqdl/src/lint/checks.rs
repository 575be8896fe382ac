//! Findings about one rule type and its condition.

use super::{LintContext, numbers, patterns};
use crate::RuleType;
use crate::catalogue::TAGS;
use crate::fault::Fault;
use crate::tree::{Check, Condition, Operator, Test};

pub(super) fn lints(text: &str, check: &Check, context: &LintContext<'_>, found: &mut Vec<Fault>) {
    kind(check, found);
    tags(check, found);
    sql(check, context, found);
    if let Some(condition) = &check.condition {
        ends(condition, found);
        match condition {
            Condition::Number(test) => numbers::lints(check, test, found),
            Condition::Text(test) => patterns::lints(text, test, found),
            Condition::Date(test) => dates(check, test, found),
            Condition::Duration(_) | Condition::Size(_) => {}
        }
    }
    if let Some(test) = &check.threshold {
        numbers::operands(test, found);
    }
    if check.kind == RuleType::ColumnNamesMatchPattern
        && let Some(pattern) = check.parameters.first()
    {
        patterns::dialect(&pattern.value, &pattern.span, found);
    }
}

fn kind(check: &Check, found: &mut Vec<Fault>) {
    let name = check.kind.name();
    if !check.kind.is_portable() {
        let message = format!("`{name}` is not portable: older versions of the service refuse it.");
        found.push(Fault::warning("W13", check.span.start..check.span.start + name.len(), message));
    }
    let upper = |op: Operator| matches!(op, Operator::Less | Operator::LessOrEqual | Operator::Between);
    if let (RuleType::DataFreshness, None, Some(Condition::Duration(test))) =
        (check.kind, &check.filter, &check.condition)
        && upper(test.op)
    {
        let message = "Every row is asked, not the newest: a table that keeps older rows fails. Add a `where` for the \
                       rows that must be new.";
        found.push(Fault::hint("W5", check.span.clone(), message));
    }
}

fn tags(check: &Check, found: &mut Vec<Fault>) {
    for tag in check.tags.iter().filter(|tag| !TAGS.contains(&tag.name.as_str())) {
        let near = TAGS.iter().find(|known| strsim::damerau_levenshtein(known, &tag.name) <= 2);
        let hint = near.map_or(String::new(), |known| format!(" The nearest is `{known}`."));
        let message = format!("`with {}` means nothing that is documented.{hint}", tag.name);
        found.push(Fault::warning("W10", check.span.clone(), message));
    }
    if let Some(tag) = check.tags.iter().find(|tag| tag.name.eq_ignore_ascii_case("threshold")) {
        let message = format!("The value of `with {}` is a text and sets no threshold. Write a number.", tag.name);
        found.push(Fault::warning("W10", check.span.clone(), message));
    }
}

fn sql(check: &Check, context: &LintContext<'_>, found: &mut Vec<Fault>) {
    let remote = |reason: String| format!("Only the service can evaluate this: {reason}");
    if let (Some(filter), Some(judge)) = (&check.filter, context.filter)
        && let Some(reason) = judge(filter)
    {
        found.push(Fault::warning("W17", check.span.clone(), remote(reason)));
    }
    let (RuleType::CustomSql, Some(query)) = (check.kind, check.parameters.first()) else { return };
    if let Some(judge) = context.query
        && let Some(reason) = judge(&query.value)
    {
        found.push(Fault::warning("W17", query.span.clone(), remote(reason)));
    }
    let columns = query.value.trim_start().get(6..).unwrap_or_default().trim_start();
    if check.condition.is_none() && !columns.starts_with('*') {
        let message = "The rows that the query gives are those that pass, found by their columns. Let it give columns \
                       that tell rows apart, or equal rows pass together.";
        found.push(Fault::hint("W8", query.span.clone(), message));
    }
}

/// Both ends are outside: most people expect them inside.
fn ends(condition: &Condition, found: &mut Vec<Fault>) {
    let (op, span) = match condition {
        Condition::Number(Test { op, span, .. }) => (op, span),
        Condition::Date(Test { op, span, .. }) => (op, span),
        Condition::Duration(Test { op, span, .. }) => (op, span),
        Condition::Size(Test { op, span, .. }) => (op, span),
        Condition::Text(_) => return,
    };
    let message = match op {
        Operator::Between => "`between` leaves both ends out: greater than the first and less than the second.",
        Operator::NotBetween => "`not between` takes both ends in: at most the first or at least the second.",
        _ => return,
    };
    found.push(Fault::hint("W1", span.clone(), message));
}

fn dates(check: &Check, test: &Test<crate::tree::Date>, found: &mut Vec<Fault>) {
    let is_set = matches!(test.op, Operator::Equal | Operator::NotEqual | Operator::In | Operator::NotIn);
    let quoted = |date: &crate::tree::Date| matches!(date, crate::tree::Date::Day(_) | crate::tree::Date::Time(_));
    if check.kind == RuleType::ColumnValues && is_set && test.operands.iter().any(quoted) {
        let message = "A text that is shaped like a date or time compares dates, also where the column holds text.";
        found.push(Fault::hint("W12", test.span.clone(), message));
    }
}
