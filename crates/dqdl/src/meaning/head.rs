//! What stands before the lists: version, data sources, constants, default labels.

use super::Meaning;
use crate::lex::Kind;
use crate::parser::raw::{Dictionary, Document, Labels, Pair};
use crate::tree::{Constant, ConstantValue, Label, Ruleset};

const MOST_LABELS: usize = 10;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

impl Meaning<'_> {
    pub(super) fn head(&mut self, document: &Document) -> Ruleset {
        let mut ruleset = Ruleset {
            version: None,
            primary: None,
            additional: Vec::new(),
            constants: Vec::new(),
            default_labels: Vec::new(),
            rules: Vec::new(),
            analyzers: Vec::new(),
        };
        if let Some(metadata) = &document.metadata {
            self.metadata(metadata, &mut ruleset);
        }
        if let Some(sources) = &document.sources {
            self.sources(sources, &mut ruleset);
        }
        for raw in &document.constants {
            ruleset.constants.extend(self.constant(raw));
        }
        if let Some(labels) = &document.default_labels {
            ruleset.default_labels = self.labels(labels, 0);
            ruleset.default_labels.iter_mut().for_each(|label| label.inherited = true);
        }
        ruleset
    }

    fn metadata(&mut self, metadata: &Dictionary, ruleset: &mut Ruleset) {
        for pair in &metadata.pairs {
            if unescaped(self.inside(&pair.key)) == "Version" {
                ruleset.version = Some(self.joined(pair).replace('"', ""));
            } else {
                self.error("M11", &pair.key, "Metadata has one key: \"Version\".");
            }
        }
    }

    fn sources(&mut self, sources: &Dictionary, ruleset: &mut Ruleset) {
        for pair in &sources.pairs {
            match unescaped(self.inside(&pair.key)).as_str() {
                "Primary" => ruleset.primary = Some(self.joined(pair).replace('"', "")),
                "AdditionalDataSources" if pair.is_list => {
                    ruleset.additional = names(&self.joined(pair).replace(['[', ']', ' ', '"'], ""));
                }
                "AdditionalDataSources" => {
                    let span = pair.value[0].clone();
                    let fixed = format!("[{}]", self.word(&span));
                    let fault = self.error("M11", &span, "\"AdditionalDataSources\" is a list: `[\"alias\"]`.");
                    *fault = fault.clone().replacing("Put it into a list", span, fixed);
                }
                _ => {
                    let message = "DataSources has two keys: \"Primary\" and \"AdditionalDataSources\".";
                    self.error("M11", &pair.key, message);
                }
            }
        }
    }

    /// The tokens of a value without the space between them.
    fn joined(&self, pair: &Pair) -> String {
        pair.value.iter().map(|span| self.word(span)).collect()
    }

    fn constant(&mut self, raw: &crate::parser::raw::Constant) -> Option<Constant> {
        let name = self.word(&raw.name).to_owned();
        if name.starts_with(['.', '_']) {
            self.error("M9", &raw.name, format!("The name `{name}` begins with a dot or underscore. Choose another."));
            return None;
        }
        if self.constants.contains_key(&name) {
            self.error("M9", &raw.name, format!("The constant `{name}` is there already. Names are used once."));
            return None;
        }
        let texts: Vec<String> = raw
            .value
            .iter()
            .map(|value| match value.kind {
                Kind::Text => self.inside(&value.span).to_owned(),
                Kind::Dollar => format!("${}", self.word(&value.name)),
                _ => self.word(&value.span).to_owned(),
            })
            .collect();
        if texts.iter().any(|text| refers(text)) {
            let message = format!("The constant `{name}` holds `$` with a name. Constants do not hold one another.");
            self.error("M9", &raw.span, message);
            return None;
        }
        let value = match raw.is_list {
            true => ConstantValue::List(texts),
            false => ConstantValue::Text(texts.concat()),
        };
        self.constants.insert(name.clone(), value.clone());
        Some(Constant { name, value, span: raw.span.clone() })
    }

    /// Labels as they are written; `before` is how many defaults already count.
    pub(super) fn labels(&mut self, raw: &Labels, before: usize) -> Vec<Label> {
        if raw.pairs.is_empty() {
            self.error("M8", &raw.span, "A list of labels holds at least one.");
        }
        if before + raw.pairs.len() > MOST_LABELS {
            let message = format!("A rule has at most {MOST_LABELS} labels, defaults among them. Remove some.");
            self.error("M8", &raw.span, message);
            return Vec::new();
        }
        let mut labels: Vec<Label> = Vec::new();
        for (key_at, value_at) in &raw.pairs {
            let (key, value) = (self.inside(key_at), self.inside(value_at));
            if key.is_empty() || value.is_empty() {
                self.error("M8", key_at, "A label has a key and a value, neither of them empty.");
            } else if long(key, LONGEST_KEY) {
                self.error("M8", key_at, format!("A label's key has at most {LONGEST_KEY} characters."));
            } else if long(value, LONGEST_VALUE) {
                self.error("M8", value_at, format!("A label's value has at most {LONGEST_VALUE} characters."));
            } else if labels.iter().any(|label| label.key == key) {
                self.error("M8", key_at, "A key stands once in a list of labels.");
            } else {
                labels.push(Label { key: key.to_owned(), value: value.to_owned(), inherited: false });
            }
        }
        labels
    }
}

/// Defaults with the rule's own values, then the rule's other labels.
pub(super) fn merged(defaults: &[Label], own: &[Label]) -> Vec<Label> {
    let mut labels = defaults.to_vec();
    for label in own {
        match labels.iter_mut().find(|known| known.key == label.key) {
            Some(known) => known.value.clone_from(&label.value),
            None => labels.push(label.clone()),
        }
    }
    labels
}

/// The service counts in units of UTF-16.
fn long(text: &str, most: usize) -> bool {
    text.encode_utf16().count() > most
}

/// `$` and the beginning of a name.
fn refers(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| pair[0] == b'$' && (pair[1].is_ascii_alphabetic() || pair[1] == b'_'))
}

/// Comma separated, without empty names at the end.
fn names(text: &str) -> Vec<String> {
    if !text.contains(',') {
        return vec![text.to_owned()];
    }
    let mut names: Vec<String> = text.split(',').map(str::to_owned).collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    names
}

/// Takes the backslash from every `\x`; one before a line end stays.
pub(super) fn unescaped(text: &str) -> String {
    let mut done = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let ends_line = |c: &char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
        match characters.peek() {
            Some(next) if character == '\\' && !ends_line(next) => done.extend(characters.next()),
            _ => done.push(character),
        }
    }
    done
}
