//! What can go wrong with the journal, and how a person reads it.

use assay_contract::{Problem, ProblemKind};
use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal {} was written by a newer Assay (version {found}, this one knows {known}); nothing was changed", path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("the journal {} is of an older version and cannot be brought up to date here, because it cannot be written", path.display())]
    Older { path: PathBuf },
    #[error("the file {} is a database of another program; nothing was changed", path.display())]
    Foreign { path: PathBuf },
    #[error("the journal {} is damaged; the tables of the lake are not affected", path.display())]
    Corrupt { path: PathBuf, source: rusqlite::Error },
    #[error("the disk is full: the journal {} could not be written, and nothing of this change was kept", path.display())]
    Full { path: PathBuf, source: rusqlite::Error },
    #[error("the journal {} cannot be written: it or its folder is read-only. Runs can be looked at, not started", path.display())]
    ReadOnly { path: PathBuf },
    #[error("the journal {} was kept busy by another program for too long; nothing of this change was kept", path.display())]
    Busy { path: PathBuf, source: rusqlite::Error },
    #[error("the journal {} could not be read or written; nothing of this change was kept", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
    #[error("the journal {} holds {what} that this Assay cannot read", path.display())]
    Unreadable { path: PathBuf, what: &'static str, source: serde_json::Error },
    #[error("the journal's folder {} could not be made", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("run {run} is not in the state that this needs: {needs}. Nothing was changed")]
    Refused { run: String, needs: &'static str },
}

impl JournalError {
    pub(crate) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let full_map = source.sqlite_error().is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE);
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { path, source },
            Some(ErrorCode::DiskFull) => Self::Full { path, source },
            _ if full_map => Self::Full { path, source },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path, source },
            _ => Self::Database { path, source },
        }
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Newer { .. } => "Update Assay, or use another workspace.".into(),
            Self::Older { .. } | Self::ReadOnly { .. } | Self::Folder { .. } => {
                "Make the folder writable, or work in a copy of the workspace.".into()
            }
            Self::Foreign { path } => format!("Move {} away; Assay makes its own.", path.display()),
            Self::Corrupt { path, .. } | Self::Unreadable { path, .. } => format!(
                "Keep a copy: `mv {0} {0}.damaged`, with its -wal and -shm files. The next run starts a new journal \
                 and reads every source file again; the list of earlier runs is lost.",
                path.display()
            ),
            Self::Full { .. } => "Free space on the disk, then run `assay run --resume`.".into(),
            Self::Busy { .. } => "Wait for the other program, then try again.".into(),
            Self::Database { .. } | Self::Refused { .. } => return None,
        })
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        let kind = match &error {
            JournalError::Refused { .. } | JournalError::Busy { .. } => ProblemKind::Conflict,
            _ => ProblemKind::Failed,
        };
        let problem = Problem::from_error(kind, &error);
        Problem { advice: error.advice(), ..problem }
    }
}
