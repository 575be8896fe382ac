//! Exit codes, and how a problem is printed.

use crate::render::out::tell;
use assay_contract::{Problem, ProblemKind, Status};

/// Characters of a message or a reason.
const LONGEST: usize = 4000;

pub const DONE: u8 = 0;
pub const FAILED: u8 = 1;
pub const MISUSE: u8 = 2;
pub const FLAGGED: u8 = 3;
pub const CANCELLED: u8 = 130;

pub fn code(problem: &Problem) -> u8 {
    match problem.kind {
        ProblemKind::Misuse => MISUSE,
        ProblemKind::Cancelled => CANCELLED,
        ProblemKind::Definition | ProblemKind::Conflict | ProblemKind::Missing | ProblemKind::Failed => FAILED,
    }
}

/// The code of a run that ended so. A run that has not ended did not do what was asked.
pub fn of_status(status: Status) -> u8 {
    match status {
        Status::Succeeded | Status::Skipped => DONE,
        Status::Flagged => FLAGGED,
        Status::Cancelled => CANCELLED,
        Status::Failed | Status::Queued | Status::Running => FAILED,
    }
}

/// To standard error: what happened, the chain of reasons, what to do; one JSON document with `json`.
pub fn print(problem: &Problem, json: bool) {
    if json {
        tell!("{}", serde_json::json!({ "problem": problem }));
        return;
    }
    tell!("{}", short(&sentence(&problem.message)));
    for cause in &problem.causes {
        tell!("  because {}", short(cause));
    }
    if let Some(advice) = &problem.advice {
        tell!("{advice}");
    }
}

/// What quotes more than this was not typed to be read.
fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// With a capital letter, unless it begins with a name or a path.
fn sentence(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    match first.bytes().all(|byte| byte.is_ascii_lowercase()) && first.len() < text.len() {
        true => text[..1].to_ascii_uppercase() + &text[1..],
        false => text.to_owned(),
    }
}

/// A problem made on the spot.
pub fn problem(kind: ProblemKind, message: impl Into<String>, advice: impl Into<String>) -> Problem {
    Problem { kind, message: message.into(), causes: Vec::new(), advice: Some(advice.into()) }
}

pub fn misuse(message: impl Into<String>, advice: impl Into<String>) -> Problem {
    problem(ProblemKind::Misuse, message, advice)
}

/// A problem with an error's chain of sources as its causes.
pub fn because(message: impl Into<String>, error: &dyn std::error::Error, advice: impl Into<String>) -> Problem {
    let told = Problem::from_error(ProblemKind::Failed, error);
    let causes = std::iter::once(told.message).chain(told.causes).collect();
    Problem { kind: ProblemKind::Failed, message: message.into(), causes, advice: Some(advice.into()) }
}
