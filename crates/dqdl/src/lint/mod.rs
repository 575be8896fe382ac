//! What the service accepts and the writer may not expect, or what another place of the service refuses.

mod checks;
mod numbers;
mod patterns;
mod rules;
mod words;

use crate::fault::Fault;
use crate::lex::Token;
use crate::parser::raw::Document;
use crate::tree::Ruleset;

/// Says why a condition or query cannot be evaluated here; `None` if it can.
type Judge<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where the rules will run. The default knows nothing, and asks for nothing.
#[derive(Clone, Copy, Default)]
pub struct LintContext<'a> {
    /// Evaluated on a table of the catalog, not in a job: no history, labels or files.
    pub catalog: bool,
    /// `and` and `or` join row by row, not whole rules.
    pub row_mode: bool,
    /// Kept in a node of a visual job: printable ASCII and white space alone.
    pub visual_job: bool,
    /// Judges the text of `where`.
    pub filter: Option<Judge<'a>>,
    /// Judges the text of `CustomSql`.
    pub query: Option<Judge<'a>>,
}

pub(crate) fn lints(
    text: &str,
    tokens: &[Token],
    document: &Document,
    ruleset: &Ruleset,
    context: &LintContext<'_>,
) -> Vec<Fault> {
    let mut found = Vec::new();
    words::lints(text, tokens, document, context, &mut found);
    rules::lints(text, document, ruleset, context, &mut found);
    for rule in &ruleset.rules {
        for check in rule.checks() {
            checks::lints(text, check, context, &mut found);
        }
    }
    found
}
