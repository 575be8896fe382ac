//! A text in the house's layout: one entry a line, comments kept, parentheses where the service wants them.

use crate::fault::Fault;
use crate::lex::{self, Kind, Token};
use crate::syntax::{Part, Syntax};
use crate::tree::{Ruleset, Span};
use crate::{canonical, edit, parse, print};

/// What is written on lines of its own, and where it came from.
struct Line {
    span: Span,
    text: String,
    place: Place,
    comments: Vec<String>,
    /// A comment at the end of the same line.
    beside: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Section,
    Constant,
    Open,
    Entry,
    LastEntry,
    Close,
}

/// Lays a text out. The result means the same, keeps every comment, and stays as it is when laid out again. What
/// stands behind the end of the document is kept as it is.
///
/// # Errors
///
/// The faults of a text that the service refuses: nothing is laid out before they are mended.
pub fn format(text: &str) -> Result<String, Vec<Fault>> {
    let ruleset = parse(text)?;
    let syntax = edit(text).syntax;
    let unread = syntax.nodes().iter().find(|node| node.part == Part::Unread).map(|node| syntax.span(node).start);
    let mut lines = lines(text, &ruleset, &syntax);
    let left = comments(text, &syntax, unread.unwrap_or(text.len()), &mut lines);
    let mut done = written(text, &lines);
    for comment in left {
        done.push_str(&comment);
        done.push('\n');
    }
    if let Some(start) = unread {
        done.push('\n');
        done.push_str(text[start..].trim_end_matches([' ', '\t', '\n']));
        done.push('\n');
    }
    // A text that only its end closes cannot always be moved.
    match parse(&done) {
        Ok(again) if again.unplaced() == ruleset.unplaced() => Ok(done),
        _ => {
            let message = "The text cannot be laid out without changing what it means: close every text in quotes.";
            Err(vec![Fault::error("S9", 0..text.len(), message)])
        }
    }
}

fn lines(text: &str, ruleset: &Ruleset, syntax: &Syntax) -> Vec<Line> {
    let mut found = Vec::new();
    let (mut constants, mut rules, mut analyzers) =
        (ruleset.constants.iter(), ruleset.rules.iter(), ruleset.analyzers.iter());
    for node in syntax.nodes() {
        let span = syntax.span(node);
        let printed = match node.part {
            Part::Metadata => (print::metadata(ruleset), Place::Section),
            Part::DataSources => (print::sources(ruleset), Place::Section),
            Part::DefaultLabels => (print::default_labels(ruleset), Place::Section),
            Part::Constant => (constants.next().map(print::constant), Place::Constant),
            Part::Entry => (rules.next().map(|rule| print::rule(rule, &ruleset.default_labels)), Place::Entry),
            Part::Analyzer => (analyzers.next().map(canonical::analyzer), Place::Entry),
            Part::Rules | Part::Analyzers => {
                let open = opening(&syntax.tokens()[node.tokens.clone()], span.start);
                let name = if node.part == Part::Rules { "Rules" } else { "Analyzers" };
                found.push(line(span.start..open, format!("{name} = ["), Place::Open));
                (Some("]".to_owned()), Place::Close)
            }
            _ => continue,
        };
        let start = if printed.1 == Place::Close { span.end.saturating_sub(1) } else { span.start };
        // A section that says nothing, such as an empty list of sources, still holds its comments.
        found.push(line(start..span.end, printed.0.unwrap_or_default(), printed.1));
    }
    found.sort_by_key(|line| (line.span.start, line.span.end));
    for at in 1..found.len() {
        if found[at].place == Place::Close && found[at - 1].place == Place::Entry {
            found[at - 1].place = Place::LastEntry;
        }
    }
    debug_assert!(found.iter().all(|line| line.span.end <= text.len()));
    found
}

fn line(span: Span, text: String, place: Place) -> Line {
    Line { span, text, place, comments: Vec::new(), beside: None }
}

fn opening(tokens: &[Token], start: usize) -> usize {
    tokens.iter().find(|token| token.kind == Kind::LeftBracket).map_or(start, |token| token.span.end)
}

/// Gives each comment to the line that it stands beside or before; returns those behind the last.
fn comments(text: &str, syntax: &Syntax, end: usize, lines: &mut [Line]) -> Vec<String> {
    let mut left = Vec::new();
    let mut next = 0;
    for token in syntax.tokens().iter().filter(|token| token.kind == Kind::Comment && token.span.start < end) {
        let comment = text[token.span.clone()].trim_end().to_owned();
        while lines.get(next).is_some_and(|line| line.span.end <= token.span.start) {
            next += 1;
        }
        let before = next.checked_sub(1).and_then(|at| lines.get_mut(at));
        match before {
            Some(line) if is_beside(&text[line.span.end..token.span.start]) => {
                line.beside = Some(comment);
            }
            _ => match lines.get_mut(next) {
                Some(line) => line.comments.push(comment),
                None => left.push(comment),
            },
        }
    }
    left
}

fn is_beside(between: &str) -> bool {
    between.chars().all(|c| matches!(c, ' ' | '\t' | ','))
}

fn written(text: &str, lines: &[Line]) -> String {
    let mut done = String::new();
    for (at, line) in lines.iter().enumerate() {
        let previous = at.checked_sub(1).map(|at| &lines[at]);
        if line.text.is_empty() && line.comments.is_empty() && line.beside.is_none() {
            continue;
        }
        if wants_space(text, previous, line) && !done.is_empty() {
            done.push('\n');
        }
        let inside = matches!(line.place, Place::Entry | Place::LastEntry);
        let indent = if inside { "    " } else { "" };
        let empty = previous.is_some_and(|previous| previous.place == Place::Open && previous.beside.is_none());
        if line.place == Place::Close && line.comments.is_empty() && empty {
            done.truncate(done.trim_end().len());
        }
        for comment in &line.comments {
            done.push_str(if line.place == Place::Close { "    " } else { indent });
            done.push_str(comment);
            done.push('\n');
        }
        if !line.text.is_empty() {
            done.push_str(indent);
            done.push_str(&line.text);
            if line.place == Place::Entry {
                done.push(',');
            }
        }
        if let Some(comment) = &line.beside {
            if !line.text.is_empty() {
                done.push(' ');
            }
            done.push_str(comment);
        }
        if !line.text.is_empty() || line.beside.is_some() {
            done.push('\n');
        }
    }
    done
}

/// An empty line stands between sections, and inside a list where the writer left one.
fn wants_space(text: &str, previous: Option<&Line>, line: &Line) -> bool {
    let Some(previous) = previous else { return false };
    match (previous.place, line.place) {
        (Place::Open, _) | (_, Place::Close) => false,
        (Place::Constant, Place::Constant) | (Place::Entry, _) => left_space(text, previous, line),
        _ => true,
    }
}

/// Whether an empty line stands behind the end of `previous`, its comma and its comment.
fn left_space(text: &str, previous: &Line, line: &Line) -> bool {
    let between = text.get(previous.span.end..line.span.start).unwrap_or_default();
    let behind = match &previous.beside {
        Some(_) => between.split_once('\n').map_or("", |(_, behind)| behind),
        None => between.trim_start_matches([' ', '\t', ',']).strip_prefix('\n').unwrap_or_default(),
    };
    let first =
        lex::tokens(behind).first().map_or(0, |token| if token.kind == Kind::Space { token.span.end } else { 0 });
    behind[..first].contains('\n')
}
