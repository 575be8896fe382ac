//! From what the grammar says to what it means: names are looked up, constants put in, labels merged, kinds checked.

mod checks;
mod conditions;
mod head;

use std::collections::HashMap;

use self::head::merged;

use crate::RuleType;
use crate::fault::Fault;
use crate::lex::Kind;
use crate::parser::raw::{self, Document, Item};
use crate::tree::{Analyzer, Body, ConstantValue, Label, Parameter, Rule, Ruleset, Span};

/// The typed tree of what can be read, and a fault for everything that cannot.
pub(crate) fn ruleset(text: &str, document: &Document, faults: &mut Vec<Fault>) -> Ruleset {
    let mut meaning = Meaning { text, faults, constants: HashMap::new(), defaults: Vec::new() };
    let mut ruleset = meaning.head(document);
    meaning.defaults = ruleset.default_labels.clone();
    for entry in document.rules.iter().flat_map(|section| &section.entries) {
        ruleset.rules.extend(meaning.rule(entry));
    }
    for analyzer in document.analyzers.iter().flat_map(|section| &section.entries) {
        ruleset.analyzers.extend(meaning.analyzer(analyzer));
    }
    ruleset
}

struct Meaning<'a> {
    text: &'a str,
    faults: &'a mut Vec<Fault>,
    constants: HashMap<String, ConstantValue>,
    defaults: Vec<Label>,
}

impl<'a> Meaning<'a> {
    fn word(&self, span: &Span) -> &'a str {
        &self.text[span.clone()]
    }

    /// What stands between the quotes, as it stands there.
    fn inside(&self, span: &Span) -> &'a str {
        let text = self.word(span);
        text.get(1..text.len() - 1).unwrap_or_default()
    }

    fn error(&mut self, code: &'static str, span: &Span, message: impl Into<String>) -> &mut Fault {
        self.faults.push(Fault::error(code, span.clone(), message));
        let last = self.faults.len() - 1;
        &mut self.faults[last]
    }

    fn rule(&mut self, entry: &raw::Entry) -> Option<Rule> {
        let mut done: Vec<Option<Rule>> = Vec::new();
        for item in &entry.items {
            let rule = match item {
                Item::Check(check) => self.check(check),
                Item::Group { labels, span } => {
                    let inside = done.pop().flatten();
                    let labels = labels.as_ref().map(|labels| self.labels(labels, self.defaults.len()));
                    inside.map(|mut rule| {
                        rule.span = span.clone();
                        if let Some(labels) = labels {
                            rule.labels = merged(&self.defaults, &labels);
                            rule.shown = match rule.body {
                                Body::Check(_) => rule.labels.clone(),
                                Body::Both { .. } => Vec::new(),
                            };
                        }
                        rule
                    })
                }
                Item::Both(op) => {
                    let (right, left) = (done.pop().flatten(), done.pop().flatten());
                    left.zip(right).map(|(left, right)| {
                        let mut rule = Rule::both(*op, left, right);
                        rule.labels = self.defaults.clone();
                        rule
                    })
                }
            };
            done.push(rule);
        }
        done.pop().flatten().map(|mut rule| {
            rule.span = entry.span.clone();
            rule
        })
    }

    fn analyzer(&mut self, raw: &raw::Analyzer) -> Option<Analyzer> {
        let kind = self.kind(&raw.name, &raw.parameters)?;
        if !kind.is_analyzer(raw.parameters.len()) {
            let message = format!("`{}` gives yes or no, and an analyzer records a number. Remove it.", kind.name());
            self.error("M3", &raw.name, message);
            return None;
        }
        // Analyzers keep the name of a constant: the language does not look it up here.
        let parameters = raw.parameters.iter().map(|parameter| self.plain_parameter(parameter)).collect();
        Some(Analyzer { kind, parameters, span: raw.span.clone() })
    }

    fn plain_parameter(&self, raw: &raw::Parameter) -> Parameter {
        let value = match raw.kind {
            Kind::Text => self.inside(&raw.value),
            _ => self.word(&raw.value),
        };
        Parameter {
            value: value.to_owned(),
            quoted: raw.kind == Kind::Text,
            constant: (raw.kind == Kind::Dollar).then(|| value.to_owned()),
            connector: raw.connector.as_ref().map(|span| self.word(span).to_owned()),
            span: raw.span.clone(),
        }
    }

    /// The rule type of a name with so many parameters.
    fn kind(&mut self, name: &Span, parameters: &[raw::Parameter]) -> Option<RuleType> {
        let word = self.word(name);
        let Some(kind) = RuleType::from_name(word) else {
            self.unknown_type(name, word);
            return None;
        };
        if kind.form(parameters.len()).is_some() {
            return Some(kind);
        }
        let wanted = counts(kind);
        let message = format!("`{word}` takes {wanted}, and here it has {}.", parameters.len());
        // An unquoted name of a rule type among the parameters: a comma was forgotten.
        let names_type =
            |p: &raw::Parameter| p.kind == Kind::Name && RuleType::from_name(self.word(&p.value)).is_some();
        let swallowed = parameters.iter().position(names_type).map(|at| match at.checked_sub(1) {
            Some(before) => parameters[before].span.end,
            None => name.end,
        });
        let joined = parameters.iter().any(|parameter| parameter.connector.is_some());
        let fault = self.error("M2", name, message);
        if let Some(end) = swallowed {
            if joined {
                fault.message.push_str(" Rules that `and` joins stand in parentheses: `(…) and (…)`.");
            } else {
                fault.message.push_str(" Between two rules stands a comma.");
                *fault = fault.clone().replacing("Insert a comma", end..end, ",");
            }
        }
        None
    }

    fn unknown_type(&mut self, name: &Span, word: &str) {
        if crate::catalogue::NOT_PORTABLE.contains(&word) {
            let message = format!(
                "`{word}` is not portable: the service's open parser does not know it. Use CustomSql, or a rule type \
                 that every version knows."
            );
            self.error("W13", name, message);
            return;
        }
        // Beyond that no finding is listed, and looking for names that are near takes time.
        let nearest = if self.faults.len() < crate::fault::MOST { RuleType::nearest(word) } else { None };
        let message = match nearest {
            Some(nearest) => format!("There is no rule type `{word}`. The nearest is `{nearest}`."),
            None => format!("There is no rule type `{word}`."),
        };
        let fault = self.error("M1", name, message);
        if let Some(nearest) = nearest {
            *fault = fault.clone().replacing(format!("Write {nearest}"), name.clone(), nearest);
        }
    }
}

/// `no parameter`, `1 parameter`, `0 or 1 parameters`, `1 parameter or more`.
fn counts(kind: RuleType) -> String {
    let mut counts: Vec<usize> = kind.entry().forms.iter().map(|form| form.parameters.len()).collect();
    counts.sort_unstable();
    if kind.entry().forms.iter().any(|form| form.repeats) {
        return format!("{} parameter or more", counts[0]);
    }
    match counts.as_slice() {
        [0] => "no parameter".to_owned(),
        [1] => "1 parameter".to_owned(),
        [one] => format!("{one} parameters"),
        many => many.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ") + " parameters",
    }
}
