//! One rule type with its parameters, filter, labels and tags.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Meaning;
use super::head::merged;
use crate::catalogue::Gives;
use crate::fault::Fault;
use crate::lex::Kind;
use crate::parser::raw::{self, Kinds};
use crate::tree::{Body, Check, Condition, ConstantValue, Number, Operator, Parameter, Rule, Tag, Test};
use crate::{RuleType, Span};

/// Tags and the threshold.
type Tags = (Option<Test<Number>>, Vec<Tag>);

impl Meaning<'_> {
    /// A check with all its faults reported, or `None` if it has any.
    pub(super) fn check(&mut self, raw: &raw::Check) -> Option<Rule> {
        let known = self.faults.len();
        let kind = self.kind(&raw.name, &raw.parameters);
        if kind == Some(RuleType::AllStatistics) {
            self.error("M3", &raw.name, "`AllStatistics` stands in `Analyzers` alone. Move it there.");
        }
        let parameters = raw.parameters.iter().map(|parameter| self.parameter(parameter)).collect();
        let filter = self.where_text(raw, kind);
        let (threshold, tags) = self.tags(raw, kind);
        let own = raw.labels.as_ref().map(|labels| self.labels(labels, self.defaults.len())).unwrap_or_default();
        let condition = kind.and_then(|kind| self.fitting(raw, kind, &tags));
        if self.faults.len() > known {
            return None;
        }
        let check = Check {
            kind: kind?,
            parameters,
            list: raw.condition.as_ref().and_then(|c| c.list.as_ref()).map(|name| self.word(name).to_owned()),
            condition,
            filter,
            threshold,
            tags,
            span: raw.span.clone(),
        };
        let labels = merged(&self.defaults, &own);
        Some(Rule { body: Body::Check(Box::new(check)), labels, shown: own, span: raw.span.clone() })
    }

    fn parameter(&mut self, raw: &raw::Parameter) -> Parameter {
        let mut parameter = self.plain_parameter(raw);
        if raw.kind == Kind::Dollar {
            parameter.quoted = true;
            match self.constants.get(&parameter.value) {
                Some(ConstantValue::Text(text)) => parameter.value = text.clone(),
                Some(ConstantValue::List(_)) => {
                    let message = format!("The constant `{}` is a list, and a parameter is one text.", parameter.value);
                    self.error("M9", &raw.span, message);
                }
                None => self.unknown_constant(&raw.span, &parameter.value),
            }
        }
        parameter
    }

    pub(super) fn unknown_constant(&mut self, span: &Span, name: &str) {
        let message = format!("There is no constant `{name}`. It is declared before the rules: `{name} = \"…\"`.");
        self.error("M9", span, message);
    }

    fn where_text(&mut self, raw: &raw::Check, kind: Option<RuleType>) -> Option<String> {
        let span = raw.filter.as_ref()?;
        let kind = kind?;
        if !kind.entry().filter {
            self.error("M4", span, format!("`{}` takes no `where`. Remove it.", kind.name()));
        } else if self.word(span) == "\"\"" {
            self.error("M4", span, "`where` holds no condition. Write one or remove it.");
        }
        Some(self.inside(span).to_owned())
    }

    fn tags(&mut self, raw: &raw::Check, kind: Option<RuleType>) -> Tags {
        let (mut threshold, mut tags) = (None, Vec::<Tag>::new());
        for tag in &raw.tags {
            let name = self.word(&tag.name);
            let is_text = tag.condition.kinds.has(Kinds::TEXT);
            if !is_text && name.eq_ignore_ascii_case("threshold") {
                if kind.is_some_and(|kind| !kind.entry().threshold) {
                    let name = kind.map_or("", RuleType::name);
                    self.error("M6", &tag.span, format!("`{name}` takes no threshold. Remove it."));
                } else if threshold.is_some() {
                    self.error("M6", &tag.span, "A rule has one threshold. Remove the others.");
                }
                if let Some(Condition::Number(test)) = self.condition(&tag.condition, Kinds::NUMBER) {
                    threshold = Some(test);
                }
                continue;
            }
            if tag.condition.op != Operator::Equal {
                self.wrong_tag(tag, name, is_text);
            }
            let value = self.condition(&tag.condition, if is_text { Kinds::TEXT } else { Kinds::NUMBER });
            tags.extend(value.map(|value| Tag { name: name.to_owned(), value }));
        }
        (threshold, latest(tags))
    }

    fn wrong_tag(&mut self, tag: &raw::Tag, name: &str, is_text: bool) {
        let fault = self.error("M7", &tag.span, format!("`{name}` takes `=` alone."));
        if !is_text && strsim::damerau_levenshtein(&name.to_ascii_lowercase(), "threshold") <= 2 {
            let fixed = fault.clone().replacing("Write threshold", tag.name.clone(), "threshold");
            *fault =
                Fault { message: format!("`{name}` takes `=` alone; the word for a share is `threshold`."), ..fixed };
        }
    }

    /// The condition, as the first kind that the rule type gives and the operands fit.
    fn fitting(&mut self, raw: &raw::Check, kind: RuleType, tags: &[Tag]) -> Option<Condition> {
        let gives = kind.form(raw.parameters.len())?.gives;
        let Some(condition) = &raw.condition else {
            if !gives.contains(&Gives::Boolean) {
                let end = raw.parameters.last().map_or(raw.name.end, |parameter| parameter.span.end);
                let example = kind.entry().example;
                let message = format!("`{}` needs a condition, as in `{example}`.", kind.name());
                self.error("M5", &(raw.name.start..end), message);
            }
            return None;
        };
        let kinds = condition.kinds;
        let chosen = [Kinds::NUMBER, Kinds::TEXT, Kinds::DATE, Kinds::DURATION, Kinds::SIZE]
            .into_iter()
            .find(|one| kinds.has(*one))
            .unwrap_or(Kinds::NUMBER);
        let fits = |wanted: &Gives| match wanted {
            Gives::Boolean => false,
            Gives::Number => chosen == Kinds::NUMBER,
            Gives::Text => chosen == Kinds::TEXT,
            Gives::Date => chosen == Kinds::DATE,
            Gives::Duration => chosen == Kinds::DURATION,
            Gives::Size => chosen == Kinds::SIZE || chosen == Kinds::NUMBER,
        };
        if !gives.iter().any(fits) {
            self.misfit(raw, condition, kind, gives);
            return None;
        }
        if gives == [Gives::Size] && chosen == Kinds::NUMBER {
            return self.bytes(condition);
        }
        let zone = tags.iter().find(|tag| tag.name == "timeZone");
        let made = self.condition(condition, chosen);
        if let Some(Condition::Date(_)) = made {
            self.zone(raw, condition, zone);
        }
        made
    }

    fn misfit(&mut self, raw: &raw::Check, condition: &raw::Condition, kind: RuleType, gives: &[Gives]) {
        let name = kind.name();
        if gives == [Gives::Boolean] {
            let message = format!("`{name}` gives yes or no and takes no condition. Remove it.");
            let start = raw.parameters.last().map_or(raw.name.end, |parameter| parameter.span.end);
            let fault = self.error("M5", &condition.span, message);
            *fault = fault.clone().replacing("Remove the condition", start..condition.span.end, "");
            return;
        }
        let wanted: Vec<_> = gives
            .iter()
            .map(|one| match one {
                Gives::Boolean => "nothing",
                Gives::Number => "a number",
                Gives::Text => "a text",
                Gives::Date => "a date",
                Gives::Duration => "a duration such as `24 hours`",
                Gives::Size => "a size such as `5 MB`",
            })
            .collect();
        let message = format!("`{name}` is compared with {}.", wanted.join(" or "));
        // A number in quotes is a text.
        let unquoted = match condition.operands.as_slice() {
            [one] if gives.contains(&Gives::Number) => {
                let inside = self.word(&one.span).trim_matches('"');
                inside.parse::<f64>().is_ok().then(|| (one.span.clone(), inside.to_owned()))
            }
            _ => None,
        };
        let fault = self.error("M5", &condition.span, message);
        if let Some((span, text)) = unquoted {
            *fault = fault.clone().replacing("Remove the quotes", span, text);
        }
    }
}

/// Of tags with one name the last, in the place of the first.
fn latest(tags: Vec<Tag>) -> Vec<Tag> {
    let mut places = HashMap::new();
    let mut kept: Vec<Tag> = Vec::new();
    for tag in tags {
        match places.entry(tag.name.clone()) {
            Entry::Occupied(place) => kept[*place.get()] = tag,
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(tag);
            }
        }
    }
    kept
}
