//! The two ways into a text: strict, which gives a tree or refuses, and for an editor, which gives all it can.

use crate::fault::{Fault, Fix, Severity, settle};
use crate::lex::{self, Kind, Token};
use crate::syntax::Syntax;
use crate::tree::Ruleset;
use crate::{LintContext, fault::Edit, lint, meaning, parser};

/// What an editor shows for a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    /// What could be read; `None` if no rule and no analyzer could.
    pub tree: Option<Ruleset>,
    pub syntax: Syntax,
    /// Why the service refuses the text; empty when it accepts.
    pub faults: Vec<Fault>,
    /// What the service accepts and the writer may not expect.
    pub lints: Vec<Fault>,
    /// Tokens stepped over: work that grows with the length of the text, whatever nests in it.
    pub steps: u64,
}

/// Accepts what the service's open parser accepts, and gives the same tree.
///
/// # Errors
///
/// Everything that makes the service refuse the text, in the order of the text.
pub fn parse(text: &str) -> Result<Ruleset, Vec<Fault>> {
    let tokens = lex::tokens(text);
    let (tree, _, faults) = understand(text, &tokens);
    if faults.is_empty() { Ok(tree) } else { Err(settle(faults)) }
}

/// Reads as much of a text as there is, and says everything about it that needs no data.
pub fn edit(text: &str) -> Edited {
    edit_with(text, &LintContext::default())
}

/// [`edit`], with what is known about the place where the rules will run.
pub fn edit_with(text: &str, context: &LintContext<'_>) -> Edited {
    let tokens = lex::tokens(text);
    let (tree, read, faults) = understand(text, &tokens);
    let lints = lint::lints(text, &tokens, &read.document, &tree, context);
    let is_empty = tree.rules.is_empty() && tree.analyzers.is_empty();
    let syntax = Syntax { tokens, nodes: read.nodes };
    Edited {
        tree: (!is_empty).then_some(tree),
        syntax,
        faults: settle(faults),
        lints: settle(lints),
        steps: read.steps,
    }
}

fn understand(text: &str, tokens: &[Token]) -> (Ruleset, parser::Read, Vec<Fault>) {
    let mut read = parser::read(text, tokens);
    let mut faults = std::mem::take(&mut read.faults);
    characters(text, tokens, read.document.end, &mut faults);
    let grammatical = faults.is_empty();
    let tree = meaning::ruleset(text, &read.document, &mut faults);
    if grammatical && faults.is_empty() && tree.rules.is_empty() && tree.analyzers.is_empty() {
        let message = "The text has no rule and no analyzer. Write at least one.";
        faults.push(Fault::error("M12", text.len()..text.len(), message));
    }
    (tree, read, faults)
}

/// Characters that are no part of the language, up to the token behind the document's end.
fn characters(text: &str, tokens: &[Token], end: usize, faults: &mut Vec<Fault>) {
    let mut invisible = Vec::new();
    for token in tokens.iter().take_while(|token| token.span.start < end || end == text.len()) {
        match (token.kind, &text[token.span.clone()]) {
            (Kind::Unknown, "\r" | "\u{feff}" | "\u{a0}" | "\u{c}" | "\u{b}" | "\u{200b}") => {
                invisible.push(token.span.clone());
            }
            (Kind::Unknown, "“" | "”" | "„") => {
                let message = "A text stands in straight quotes: \".";
                faults.push(Fault::error("L2", token.span.clone(), message).replacing(
                    "Write straight quotes",
                    token.span.clone(),
                    "\"",
                ));
            }
            (Kind::Unknown, character) => {
                let message = format!("The language does not have the character `{character}`. Remove it.");
                faults.push(Fault::error("L1", token.span.clone(), message));
            }
            (Kind::OpenComment, _) => {
                let message = "A comment ends with its line, and this one ends with the text. Add an empty line.";
                let behind = token.span.end..token.span.end;
                let fault = Fault::error("E3", token.span.clone(), message);
                faults.push(fault.replacing("Add a line end", behind, "\n"));
            }
            _ => {}
        }
    }
    if let Some(first) = invisible.first() {
        let message = format!(
            "{} characters that are not seen stand between the words: carriage returns (Windows line ends), byte order \
             marks or fixed spaces. The service refuses them.",
            invisible.len()
        );
        let edits = invisible.iter().map(|span| Edit { span: span.clone(), text: visible(&text[span.clone()]) });
        let fix = Fix { title: "Use plain spaces and line ends".to_owned(), edits: edits.collect() };
        let fault = Fault::error("E2", first.clone(), message);
        faults.push(Fault { severity: Severity::Error, fix: Some(fix), ..fault });
    }
}

fn visible(character: &str) -> String {
    if matches!(character, "\r" | "\u{feff}" | "\u{200b}") { String::new() } else { " ".to_owned() }
}
