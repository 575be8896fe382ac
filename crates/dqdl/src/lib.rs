//! DQDL, the rule language of AWS Glue Data Quality: lexer, parser, trees, printer, diagnostics. Knows no data.
//!
//! [`parse`] accepts exactly what the service's open parser accepts; [`edit`] recovers, reports everything and never
//! refuses. Both see the same tokens and the same grammar.

pub mod canonical;
pub mod catalogue;
mod edit;
mod fault;
mod format;
mod lex;
mod lint;
mod meaning;
mod parser;
mod print;
pub mod syntax;
pub mod tree;
mod walk;
mod zone;

pub use catalogue::RuleType;
pub use edit::{Edited, edit, edit_with, parse};
pub use fault::{Edit, Fault, Fix, Severity};
pub use format::format;
pub use lint::LintContext;
pub use print::print;
pub use tree::{Ruleset, Span};

// A test that the fuzz target shares names the crate from outside.
#[cfg(test)]
extern crate self as assay_dqdl;

#[cfg(test)]
mod tests;
