//! A mistake or a warning: where it is, what it is, why, and a change of the text that mends it.

use crate::tree::Span;

/// One finding in a text. The message names words of the language and of the text, never data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Bytes of the text; empty at a place where something is missing.
    pub span: Span,
    /// Stable: `L` the characters, `S` the grammar, `M` the meaning, `E` and `W` texts that are accepted and surprise.
    pub code: &'static str,
    pub severity: Severity,
    /// What is wrong and what to do.
    pub message: String,
    pub fix: Option<Fix>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    /// Worth knowing, nothing to mend.
    Hint,
}

/// A change that mends a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as a button says it.
    pub title: String,
    /// In the order of the text; they do not overlap.
    pub edits: Vec<Edit>,
}

/// Puts `text` in the place of `span`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// More findings than this help nobody; the last one says how many are not listed.
pub(crate) const MOST: usize = 500;

impl Fault {
    pub(crate) fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { span, code, severity: Severity::Error, message: message.into(), fix: None }
    }

    pub(crate) fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    pub(crate) fn hint(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Hint, ..Self::error(code, span, message) }
    }

    pub(crate) fn replacing(self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.mending(title, vec![Edit { span, text: text.into() }])
    }

    pub(crate) fn mending(mut self, title: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.fix = Some(Fix { title: title.into(), edits });
        self
    }
}

impl Fix {
    /// The text after the change. Edits that lie outside of the text are left out.
    pub fn apply(&self, text: &str) -> String {
        let mut done = String::with_capacity(text.len());
        let mut from = 0;
        for edit in &self.edits {
            let (Some(kept), true) = (text.get(from..edit.span.start), edit.span.end <= text.len()) else { continue };
            done.push_str(kept);
            done.push_str(&edit.text);
            from = edit.span.end;
        }
        done.push_str(text.get(from..).unwrap_or_default());
        done
    }
}

/// Sorts by place and keeps the list short; what is cut off is counted in a last entry.
pub(crate) fn settle(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_key(|fault| (fault.span.start, fault.severity, fault.span.end));
    faults.dedup();
    if faults.len() > MOST {
        let hidden = faults.len() - MOST;
        faults.truncate(MOST);
        let end = faults.last().map_or(0, |last| last.span.end);
        let severity = faults.iter().map(|fault| fault.severity).min().unwrap_or(Severity::Hint);
        let message = format!("{hidden} more findings are not listed. Mend these first.");
        faults.push(Fault { severity, ..Fault::error("L9", end..end, message) });
    }
    faults
}
