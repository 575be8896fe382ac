//! Findings about patterns: what they match, and which engines know them.

use crate::Span;
use crate::fault::Fault;
use crate::tree::{Operator, Test, Text};

pub(super) fn lints(text: &str, test: &Test<Text>, found: &mut Vec<Fault>) {
    let (Operator::Matches | Operator::NotMatches, Some(Text::Literal(pattern))) = (test.op, test.operands.first())
    else {
        return;
    };
    // The pattern is the last word of its condition and stands there as it is.
    let start = test.span.end.saturating_sub(pattern.len() + 2);
    let span = start..test.span.end;
    if text.get(start + 1..span.end.saturating_sub(1)) != Some(pattern.as_str()) {
        return;
    }
    if is_alternation(pattern) {
        let message = "`^` and `$` are put around the pattern without parentheses: of `a|b` one side is bound to the \
                       start and the other to the end. Write `(a|b)`.";
        let fault = Fault::warning("W6", span.clone(), message);
        found.push(fault.replacing("Add parentheses", span.clone(), format!("\"({pattern})\"")));
    }
    if test.op == Operator::NotMatches {
        let message = "The open evaluator takes `not matches` for: does not begin with the pattern up to the end of a \
                       word. Empty texts fail. It is not the contrary of `matches`.";
        found.push(Fault::hint("W7", test.span.clone(), message));
    }
    dialect(pattern, &span, found);
}

/// What Java's patterns have and linear ones have not.
pub(super) fn dialect(pattern: &str, span: &Span, found: &mut Vec<Fault>) {
    let Some(what) = foreign(pattern) else { return };
    let message = format!(
        "The pattern has {what}. The service knows that; here such patterns are slower, and some cannot be evaluated."
    );
    found.push(Fault::warning("W16", span.clone(), message));
}

/// Characters outside of classes, each with whether a backslash stands before it, and its place.
fn plain(pattern: &str) -> impl Iterator<Item = (usize, char, bool)> {
    let (mut escaped, mut in_class) = (false, false);
    pattern.char_indices().filter_map(move |(at, character)| {
        let was_escaped = escaped;
        escaped = !was_escaped && character == '\\';
        match character {
            '[' if !was_escaped && !in_class => {
                in_class = true;
                return None;
            }
            ']' if !was_escaped && in_class => in_class = false,
            _ if in_class => return None,
            _ => {}
        }
        (!escaped).then_some((at, character, was_escaped))
    })
}

fn is_alternation(pattern: &str) -> bool {
    let mut depth = 0_i64;
    for (_, character, escaped) in plain(pattern) {
        match character {
            _ if escaped => {}
            '(' => depth += 1,
            ')' => depth -= 1,
            '|' if depth <= 0 => return true,
            _ => {}
        }
    }
    false
}

fn foreign(pattern: &str) -> Option<&'static str> {
    let mut last = None;
    for (at, character, escaped) in plain(pattern) {
        let rest = &pattern[at..];
        match character {
            '(' if !escaped && ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|start| rest.starts_with(start)) => {
                return Some("lookaround");
            }
            '(' if !escaped && rest.starts_with("(?>") => return Some("an atomic group"),
            '1'..='9' | 'k' if escaped => return Some("a reference to a group"),
            '+' if !escaped && matches!(last, Some('*' | '+' | '?' | '}')) => return Some("a possessive repetition"),
            _ => {}
        }
        // What a backslash stands before repeats nothing.
        last = (!escaped).then_some(character);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternations_are_seen_outside_of_groups_and_classes() {
        for (pattern, expected) in [
            ("a|b", true),
            ("(a|b)", false),
            ("[a|b]", false),
            (r"a\|b", false),
            ("(a)|b", true),
            (r"[\]|]x", false),
            (r"\[a|b\]", true),
        ] {
            assert_eq!(is_alternation(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn foreign_patterns_are_named() {
        let table = [
            ("(?!a).*", Some("lookaround")),
            ("a*+", Some("a possessive repetition")),
            ("a{2}+", Some("a possessive repetition")),
            (r"\++", None),
            ("[+]+", None),
            (r"(a)\1", Some("a reference to a group")),
            (r"\\1", None),
            ("(?>a)", Some("an atomic group")),
            (r"\d+(?:x)", None),
        ];
        for (pattern, expected) in table {
            assert_eq!(foreign(pattern), expected, "{pattern}");
        }
    }
}
