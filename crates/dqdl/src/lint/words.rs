//! Findings in the text itself: its end, its characters, words that are nearly others.

use super::LintContext;
use crate::fault::{Edit, Fault};
use crate::lex::{Kind, Token};
use crate::parser::raw::Document;

/// Longer rulesets are refused by the service's interface.
const MOST_CHARACTERS: usize = 65_536;

pub(super) fn lints(
    text: &str,
    tokens: &[Token],
    document: &Document,
    context: &LintContext<'_>,
    found: &mut Vec<Fault>,
) {
    unread(text, tokens, document, found);
    length(text, found);
    if context.visual_job {
        characters(text, found);
    }
    let told: Vec<_> = tokens.iter().filter(|t| !t.kind.is_trivia() && t.span.start < document.end).collect();
    for (at, token) in told.iter().enumerate() {
        if token.kind == Kind::Text {
            quoted(text, token, found);
        }
        let behind = |ahead: usize| told.get(at + ahead).map(|token| token.kind);
        let is_call = behind(1) == Some(Kind::LeftParenthesis) && behind(2) == Some(Kind::RightParenthesis);
        if token.kind == Kind::Name && &text[token.span.clone()] == "now" && is_call {
            let span = token.span.start..told[at + 2].span.end;
            let message = "`now ()` is read as a function of no meaning. `now()` is one word.";
            found.push(Fault::warning("W19", span.clone(), message).replacing("Write now()", span, "now()"));
        }
    }
}

/// The language ends where its last list ends; what follows is not even looked at.
fn unread(text: &str, tokens: &[Token], document: &Document, found: &mut Vec<Fault>) {
    let Some(first) = tokens.iter().find(|token| !token.kind.is_trivia() && token.span.start >= document.end) else {
        return;
    };
    let span = first.span.start..text.trim_end().len();
    if first.kind == Kind::Rules && document.rules.is_none() && document.analyzers.is_some() {
        let message = "These rules are ignored: nothing behind `Analyzers` is read. Rules stand before analyzers.";
        let fault = Fault::error("E1", span.clone(), message);
        let start = tokens.iter().find(|token| token.kind == Kind::Analyzers).map_or(0, |token| token.span.start);
        let moved = format!("{}\n\n", &text[span.clone()]);
        let edits = vec![Edit { span: start..start, text: moved }, Edit { span, text: String::new() }];
        found.push(fault.mending("Move the rules before the analyzers", edits));
        return;
    }
    let message = "This is ignored: the document ends before it. Remove it, or move it into the list.";
    found.push(Fault::error("E1", span, message));
}

fn length(text: &str, found: &mut Vec<Fault>) {
    let Some((at, _)) = text.char_indices().nth(MOST_CHARACTERS) else { return };
    let message = format!("The service takes at most {MOST_CHARACTERS} characters. Split the ruleset.");
    found.push(Fault::warning("W18", at..text.len(), message));
}

fn characters(text: &str, found: &mut Vec<Fault>) {
    let foreign = |c: &char| !(c.is_ascii_graphic() || matches!(c, ' ' | '\t' | '\n'));
    let mut places = text.char_indices().filter(|(_, c)| foreign(c));
    if let Some((at, character)) = places.next() {
        let more = places.count();
        let message = format!(
            "A node of a visual job takes printable ASCII alone, and {} of other kinds stand in this text.",
            if more == 0 { "a character".to_owned() } else { format!("{} characters", more + 1) }
        );
        found.push(Fault::warning("W15", at..at + character.len_utf8(), message));
    }
}

fn quoted(text: &str, token: &Token, found: &mut Vec<Fault>) {
    let word = &text[token.span.clone()];
    let inside = word.get(1..word.len() - 1).unwrap_or_default();
    let backslashes = inside.bytes().rev().take_while(|b| *b == b'\\').count();
    if backslashes % 2 == 1 {
        let message = "No quote closes this text, so it ends at its last `\\\"`. Close it.";
        found.push(Fault::warning("W21", token.span.clone(), message));
        return;
    }
    let shape: String = inside.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let meant = match shape.as_str() {
        "0:00 am" | "00:00 am" | "0:00 pm" | "00:00 pm" => inside.to_ascii_uppercase(),
        "0:00" => format!("0{inside}"),
        "0:00AM" | "00:00AM" | "0:00PM" | "00:00PM" => {
            inside.replace(['A', 'P'], if shape.contains('A') { " A" } else { " P" })
        }
        _ => return,
    };
    let message = format!("This is a text and no time: times are written \"{meant}\".");
    let fault = Fault::warning("W20", token.span.clone(), message);
    found.push(fault.replacing(format!("Write \"{meant}\""), token.span.clone(), format!("\"{meant}\"")));
}
