//! x
use crate::{Fault, Ruleset, lex::Token, parser::raw::Document};
/// x
#[derive(Default)]
pub struct LintContext<'a> {
    pub x: Option<&'a str>,
}
pub(crate) fn lints(_: &str, _: &[Token], _: &Document, _: &Ruleset, _: &LintContext<'_>) -> Vec<Fault> {
    Vec::new()
}
