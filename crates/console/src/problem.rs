//! Every refusal and failure of the console, and how a person reads it.

use assay_contract::{Problem, ProblemKind, Status};
use chrono::NaiveDate;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    #[error("there is no {what} named `{name}`; nothing was started")]
    Unknown { what: &'static str, name: String, closest: Option<String>, known: Vec<String> },
    #[error("`{text}` is not a date; nothing was started")]
    BadDate { text: String },
    #[error("only one end of the date range was given; nothing was started")]
    HalfRange,
    #[error("the date range begins at {from}, after its end {to}; nothing was started")]
    RangeReversed { from: NaiveDate, to: NaiveDate },
    #[error("no source of {pipeline} holds {}; nothing was started", dates(*from, *to))]
    NoSuchDate { pipeline: String, from: NaiveDate, to: NaiveDate, known: Option<(NaiveDate, NaiveDate)> },
    #[error("`{text}` sets no parameter; nothing was started")]
    BadSetting { text: String },
    #[error("the environment {environment} needs a reason; nothing was started")]
    NoReason { environment: String },
    #[error("the environment {environment} is not locked; there is nothing to unlock")]
    NotLocked { environment: String },
    #[error("a spell of {minutes} minutes is not one that can be given; nothing was unlocked")]
    BadSpell { minutes: i64 },
    #[error("the environment {environment} asks for confirmation; nothing was started")]
    NotConfirmed { environment: String },
    #[error("the environment {environment} is locked; nothing was started")]
    Locked { environment: String },
    #[error("the model {model} reads {table}, which is neither a silver table nor a gold model of {pipeline}")]
    UnknownRead { pipeline: String, model: String, table: String },
    #[error("the models {} read each other in a circle", models.join(", "))]
    Circle { models: Vec<String> },
    #[error("the definition of {pipeline} changed since run {run} was planned; the run did nothing more")]
    DigestChanged { pipeline: String, run: String },
    #[error("the environment {environment} was changed since run {run} was planned; the run did nothing more")]
    EnvironmentChanged { environment: String, run: String },
    #[error("the sources changed since run {run} was planned: {}; the run did nothing more", changes.join("; "))]
    FilesChanged { run: String, changes: Vec<String> },
    #[error(
        "run {other} of another workspace worked on the same tables since run {run} was planned; this run did nothing more"
    )]
    MovedOn { run: String, other: String },
    #[error("the tables changed since run {run} was planned: {}; the run did nothing more", changes.join("; "))]
    TablesChanged { run: String, changes: Vec<String> },
    #[error("run {other} worked on {pipeline} since run {run} was planned; this run did nothing more")]
    WorkedSince { run: String, other: String, pipeline: String },
    #[error("run {run} changed no table; there is nothing to undo")]
    NothingToUndo { run: String },
    #[error("run {run} was undone by run {by} already; nothing was changed")]
    AlreadyUndone { run: String, by: String },
    #[error("run {run} cannot be undone alone, because later runs built on it: {}; nothing was changed", later.join("; "))]
    BuiltOn { run: String, later: Vec<String> },
    #[error("run {run} cannot be undone: {why}; nothing was changed")]
    NoUndo { run: String, why: String },
    #[error("{table} has no refused records of these dates and reasons; nothing was started")]
    NothingRefused { table: String },
    #[error("an earlier run left dates of {table} undone; nothing was started")]
    LeftUndone { table: String, pipeline: String },
    #[error("the definition {digest} is not in the journal; nothing was started")]
    NoDefinition { digest: String },
    #[error(
        "no run of {pipeline} did these dates to their end, so there is no original definition; nothing was started"
    )]
    NoOriginal { pipeline: String },
    #[error("the definition {digest} could not be written to {}; nothing was started", path.display())]
    Definition { digest: String, path: PathBuf, source: std::io::Error },
    #[error("there is no run {run} in this workspace")]
    UnknownRun { run: String },
    #[error("no run of {pipeline} is unfinished; there is nothing to resume")]
    NothingToResume { pipeline: String },
    #[error("run {run} ended as {}; there is nothing to resume", crate::views::status_word(*status))]
    Finished { run: String, status: Status },
    #[error("run {run} is still going on")]
    StillGoing { run: String },
    #[error("another process works on run {run}")]
    RunTaken { run: String },
    #[error("the lock {} could not be taken; nothing was started", path.display())]
    Lock { path: PathBuf, source: std::io::Error },
    #[error("the run's folder {} could not be used", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("the log {} could not be read or written", path.display())]
    Log { path: PathBuf, source: std::io::Error },
    #[error("the worker of run {run} could not be started ({program}); the run did nothing")]
    Spawn { run: String, program: String, source: std::io::Error },
    #[error("the step {step} stopped at a defect of the program; its table is at its version before or after the step")]
    Panicked { step: String },
    #[error("the step {step} was stopped on request")]
    Cancelled { step: String },
}

fn dates(from: NaiveDate, to: NaiveDate) -> String {
    if from == to { format!("the date {from}") } else { format!("a date from {from} to {to}") }
}

impl ConsoleError {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Unknown { .. }
            | Self::BadDate { .. }
            | Self::HalfRange
            | Self::RangeReversed { .. }
            | Self::NoSuchDate { .. }
            | Self::NotConfirmed { .. }
            | Self::Locked { .. }
            | Self::UnknownRun { .. }
            | Self::NothingToResume { .. }
            | Self::Finished { .. }
            | Self::BadSetting { .. }
            | Self::NoReason { .. }
            | Self::NotLocked { .. }
            | Self::BadSpell { .. }
            | Self::NothingToUndo { .. }
            | Self::AlreadyUndone { .. }
            | Self::NoUndo { .. }
            | Self::NoDefinition { .. }
            | Self::NothingRefused { .. }
            | Self::NoOriginal { .. } => ProblemKind::Misuse,
            Self::UnknownRead { .. } | Self::Circle { .. } => ProblemKind::Definition,
            Self::DigestChanged { .. }
            | Self::EnvironmentChanged { .. }
            | Self::FilesChanged { .. }
            | Self::MovedOn { .. }
            | Self::TablesChanged { .. }
            | Self::WorkedSince { .. }
            | Self::BuiltOn { .. }
            | Self::StillGoing { .. }
            | Self::LeftUndone { .. }
            | Self::RunTaken { .. } => ProblemKind::Conflict,
            Self::Cancelled { .. } => ProblemKind::Cancelled,
            Self::Lock { .. }
            | Self::Folder { .. }
            | Self::Log { .. }
            | Self::Spawn { .. }
            | Self::Definition { .. }
            | Self::Panicked { .. } => ProblemKind::Failed,
        }
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { closest: Some(closest), .. } => format!("Did you mean `{closest}`?"),
            Self::Unknown { what, known, .. } if known.is_empty() => format!("This workspace has no {what} yet."),
            Self::Unknown { known, .. } => format!("Known: {}.", known.join(", ")),
            Self::BadDate { .. } => "Write it as YYYY-MM-DD, for example 2026-11-14.".into(),
            Self::HalfRange => "Give the first and the last date; for one date give it twice.".into(),
            Self::RangeReversed { .. } => "Swap the two dates.".into(),
            Self::NoSuchDate { known: Some((first, last)), .. } => {
                format!("The sources hold dates from {first} to {last}.")
            }
            Self::NoSuchDate { known: None, .. } => {
                "The sources hold no dates. Put files into the pipeline's bronze folder first.".into()
            }
            Self::NotConfirmed { environment } => format!("Type the environment's name, {environment}, to confirm."),
            Self::Locked { environment } => {
                format!("Unlock it for a spell: `assay unlock {environment} --for 30m --reason '...'`.")
            }
            Self::UnknownRead { .. } | Self::Circle { .. } => "Mend the models' SQL, then run `assay validate`.".into(),
            Self::DigestChanged { .. }
            | Self::EnvironmentChanged { .. }
            | Self::FilesChanged { .. }
            | Self::MovedOn { .. }
            | Self::TablesChanged { .. }
            | Self::WorkedSince { .. } => "Start a new run: it plans from what is there now.".into(),
            Self::BadSetting { .. } => "Write refresh=true, threads=N or page_rows=N, with N above 0.".into(),
            Self::NoReason { .. } => "Say why with --reason '...'; it is kept in the journal.".into(),
            Self::NotLocked { .. } => "Its guard in assay.toml is `open` or `confirm`; runs can start.".into(),
            Self::BadSpell { .. } => "Give 1 minute to 8 hours, such as 30m or 2h.".into(),
            Self::NothingToUndo { .. } | Self::AlreadyUndone { .. } => "`assay runs` lists the runs.".into(),
            Self::BuiltOn { .. } => "Undo the later runs first, or all of them together with --cascade.".into(),
            Self::NoUndo { .. } => "Reprocess the dates instead: `assay reprocess`.".into(),
            Self::NothingRefused { table } => {
                format!("`assay quarantine {table}` lists the refused records with their dates and reasons.")
            }
            Self::LeftUndone { pipeline, .. } => {
                format!("Finish it first: `assay run {pipeline} --resume`, or `assay run {pipeline}`.")
            }
            Self::NoDefinition { .. } | Self::NoOriginal { .. } => {
                "Use the definition in the workspace: `--definition today`.".into()
            }
            Self::UnknownRun { .. } => "`assay runs` lists the runs.".into(),
            Self::NothingToResume { .. } | Self::Finished { .. } => "Start a new run instead.".into(),
            Self::StillGoing { run } | Self::RunTaken { run } => {
                format!("Follow it with `assay logs {run} --follow`, or cancel it first.")
            }
            Self::Lock { .. } | Self::Folder { .. } | Self::Log { .. } | Self::Definition { .. } => {
                "Check that the folder exists, can be written and has free space.".into()
            }
            Self::Panicked { .. } => "The worker's error output has the place. Report it with the run's log.".into(),
            Self::Spawn { .. } | Self::Cancelled { .. } => return None,
        })
    }
}

impl From<ConsoleError> for Problem {
    fn from(error: ConsoleError) -> Self {
        let problem = Problem::from_error(error.kind(), &error);
        Problem { advice: error.advice(), ..problem }
    }
}
