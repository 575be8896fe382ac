//! Tests of the whole language: what is accepted, what it means, what is said about it, and what hostile texts do.
#![allow(clippy::unwrap_used)]

mod editor;
mod holds;
mod hostile;
mod layout;
mod lints;
mod meaning;
mod strict;

/// One rule as a document.
fn rules(rule: &str) -> String {
    format!("Rules = [ {rule} ]")
}
