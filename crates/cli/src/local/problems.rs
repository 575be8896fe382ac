//! Errors of the rooms as problems: which kind, and what to do where the error's own text does not say it.

use assay_contract::{Problem, ProblemKind};
use assay_extract::ExtractError;
use assay_lake::{Kind, LakeError};
use assay_stages::StageError;
use assay_warehouse::WarehouseError;
use std::error::Error;

pub fn lake(error: &LakeError) -> Problem {
    let kind = match error.kind() {
        Kind::Cancelled => ProblemKind::Cancelled,
        Kind::Conflict => ProblemKind::Conflict,
        Kind::NotFound => ProblemKind::Misuse,
        Kind::ReadOnly | Kind::Full | Kind::Corrupt | Kind::Unsupported | Kind::Refused | Kind::Permit => {
            ProblemKind::Failed
        }
        Kind::Unknown | Kind::Io => ProblemKind::Failed,
    };
    problem(kind, error)
}

pub fn stage(error: &StageError) -> Problem {
    match error {
        StageError::Lake(error) => lake(error),
        StageError::Warehouse(error) => warehouse(error),
        StageError::Cancelled => problem(ProblemKind::Cancelled, error),
        StageError::Vanished { .. } | StageError::Changed { .. } => problem(ProblemKind::Conflict, error),
        _ => problem(ProblemKind::Failed, error),
    }
}

pub fn warehouse(error: &WarehouseError) -> Problem {
    let kind = match error {
        WarehouseError::ProgramsMissing { .. } => ProblemKind::Missing,
        WarehouseError::Newer { .. } => ProblemKind::Conflict,
        _ => ProblemKind::Failed,
    };
    problem(kind, error)
}

pub fn extract(error: &ExtractError) -> Problem {
    let kind = match error {
        ExtractError::Cancelled => ProblemKind::Cancelled,
        ExtractError::Busy { .. } => ProblemKind::Conflict,
        ExtractError::Credentials { .. } | ExtractError::Keyring { .. } | ExtractError::Address { .. } => {
            ProblemKind::Missing
        }
        ExtractError::Definition { .. } => ProblemKind::Definition,
        _ => ProblemKind::Failed,
    };
    problem(kind, error)
}

/// The query engine's texts can hold cell values, so only the first line is kept for a person who asked for rows.
pub fn engine(message: &str, error: &polars::error::PolarsError) -> Problem {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().to_owned();
    Problem { kind: ProblemKind::Failed, message: message.to_owned(), causes: vec![first], advice: None }
}

/// The error's own text says what happened and what to do; its sources become the reasons.
fn problem(kind: ProblemKind, error: &dyn Error) -> Problem {
    let mut problem = Problem::from_error(kind, error);
    // A wrapper that only passes its source on says the same again, and so does one that quotes it.
    problem.causes.dedup();
    let message = problem.message.clone();
    problem.causes.retain(|cause| !message.contains(cause.as_str()));
    problem
}
