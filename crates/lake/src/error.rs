//! What can go wrong with a table, in words for the person who runs the pipeline.

use crate::fault::{Fault, fault};
use crate::place::Place;
use assay_pipeline::permit::PermitError;
use deltalake_core::DeltaTableError;
use polars::error::PolarsError;
use std::error::Error;
use std::fmt;
use std::io;

pub(crate) type Cause = Box<dyn Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("there is no table at {place}. Run the stage that fills it")]
    NotFound { place: String },
    #[error("the table at {place} has no version {version} that can be read. Choose one from its history")]
    NoVersion { place: String, version: i64 },
    #[error(
        "version {version} of the table at {place} cannot be restored: its file {file} is not on disk any more; \
         the table is as it was before. Run its dates again instead"
    )]
    Gone { place: String, version: i64, file: String },
    #[error("the table at {place} has no column {column}. Its columns are {known}")]
    NoColumn { place: String, column: String, known: String },
    #[error(
        "{place} holds other files and no table; nothing was written. \
         Move the files away or give the lake another folder"
    )]
    NotATable { place: String },
    #[error(
        "{place} cannot be written to; the table is as it was before. Give the user who runs Assay the right to write there"
    )]
    ReadOnly { place: String, source: Cause },
    #[error("the disk that holds {place} is full; the table is as it was before. Free some space and run again")]
    Full { place: String, source: Cause },
    #[error(
        "the table at {place} is damaged: {what}; nothing was changed. \
         Restore the file from a backup, or remove the table's folder and run all dates"
    )]
    Corrupt { place: String, what: String, source: Option<Cause> },
    #[error("the table at {place} {what}, which Assay does not handle; nothing was changed. {advice}")]
    Unsupported { place: String, what: String, advice: String },
    #[error("the columns of the table at {place} would change: {what}; nothing was changed. Run all dates")]
    SchemaChange { place: String, what: String },
    #[error(
        "other programs kept changing the table at {place}: {tries} tries lost; \
         the table holds their work and none of this run's. Run again"
    )]
    Conflict { place: String, tries: u32 },
    #[error("the new files of {place} were refused before the commit: {reason}; the table is as it was before")]
    Refused { place: String, reason: String },
    #[error(transparent)]
    Permit(#[from] PermitError),
    #[error("cancelled; the table at {place} is as it was before")]
    Cancelled { place: String },
    #[error(
        "it is not known whether the commit to {place} took place: its log cannot be read any more; \
         the table holds either all of this run's work or none. Look at its history when the storage is back"
    )]
    Unknown { place: String, source: Cause },
    #[error(
        "{place} needs keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set; nothing was changed. \
         Set them where Assay is started"
    )]
    NoKeys { place: String },
    #[error("{place} cannot be the name of an object; nothing was changed. Use names without control characters")]
    NoKey { place: String },
    #[error(
        "{doing} {place} failed: the storage {what}; the table is as it was before. Run again when the storage and \
         its keys are in order"
    )]
    Storage {
        place: String,
        doing: &'static str,
        what: String,
        /// The same request can succeed later.
        passing: bool,
    },
    #[error("{doing} {place} failed; the table is as it was before. Remove the cause and run again")]
    Io { place: String, doing: &'static str, source: Cause },
    #[error("{doing} {place} failed: {what}; the table is as it was before")]
    Engine { place: String, doing: &'static str, what: String, source: Option<Cause> },
}

/// For callers that behave differently; the text of the error says the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    NotFound,
    ReadOnly,
    Full,
    Corrupt,
    Unsupported,
    Conflict,
    Refused,
    Permit,
    Cancelled,
    Unknown,
    Io,
}

impl LakeError {
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotFound { .. } | Self::NoVersion { .. } | Self::NoColumn { .. } | Self::Gone { .. } => {
                Kind::NotFound
            }
            Self::ReadOnly { .. } => Kind::ReadOnly,
            Self::Full { .. } => Kind::Full,
            Self::Corrupt { .. } => Kind::Corrupt,
            Self::NotATable { .. } | Self::Unsupported { .. } | Self::SchemaChange { .. } => Kind::Unsupported,
            Self::Conflict { .. } => Kind::Conflict,
            Self::Refused { .. } => Kind::Refused,
            Self::Permit(_) => Kind::Permit,
            Self::Cancelled { .. } => Kind::Cancelled,
            Self::Unknown { .. } => Kind::Unknown,
            Self::NoKeys { .. } | Self::NoKey { .. } => Kind::Unsupported,
            Self::Io { .. } | Self::Engine { .. } | Self::Storage { .. } => Kind::Io,
        }
    }

    /// An error of the disk: read-only and full are told apart, whatever library wrapped them.
    pub(crate) fn disk(place: &Place, doing: &'static str, source: impl Into<Cause>) -> Self {
        let source = source.into();
        if let Some(fault) = fault(source.as_ref()) {
            let (place, Fault { what, passing }) = (place.to_string(), fault);
            return Self::Storage { place, doing, what, passing };
        }
        let place = place.to_string();
        match io_kind(source.as_ref()) {
            Some(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) if writes(doing) => {
                Self::ReadOnly { place, source }
            }
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge) => {
                Self::Full { place, source }
            }
            _ => Self::Io { place, doing, source },
        }
    }

    /// What a storage has to do with an error, told by this program.
    pub(crate) fn storage(place: &impl fmt::Display, doing: &'static str, what: impl Into<String>) -> Self {
        Self::Storage { place: place.to_string(), doing, what: what.into(), passing: false }
    }

    /// Whether the same work can succeed when it is done again.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Storage { passing: true, .. })
    }

    /// An error while the log was read: a fault of the disk, or a log that says nonsense.
    pub(crate) fn log(place: &Place, source: DeltaTableError) -> Self {
        let text = source.to_string();
        if fault(&source).is_some() {
            return Self::disk(place, "reading the log of", source);
        }
        if io_kind(&source).is_some_and(|kind| kind != io::ErrorKind::NotFound) || text.contains("(os error") {
            return Self::disk(place, "reading the log of", source);
        }
        let what = "its log cannot be read".to_owned();
        Self::Corrupt { place: place.to_string(), what, source: Some(Box::new(source)) }
    }

    /// An error of the query engine. Text that can hold values of cells is left out.
    pub(crate) fn engine(place: &Place, doing: &'static str, source: PolarsError) -> Self {
        match innermost(&source) {
            PolarsError::IO { error, .. } if error.kind() == io::ErrorKind::NotFound => Self::Corrupt {
                place: place.to_string(),
                what: "a data file that its log names is missing".to_owned(),
                source: Some(Box::new(source)),
            },
            PolarsError::IO { error, .. } => {
                let kind = error.kind();
                Self::disk(place, doing, io::Error::new(kind, source))
            }
            inner => {
                if let Some(code) = os_error(&inner.to_string()) {
                    return Self::disk(place, doing, io::Error::from_raw_os_error(code));
                }
                let what = told(inner);
                Self::Engine { place: place.to_string(), doing, what, source: None }
            }
        }
    }
}

/// The number of the system's error in a text: the engine's Parquet writer passes errors of the disk on as text.
fn os_error(text: &str) -> Option<i32> {
    let (_, rest) = text.split_once("(os error ")?;
    rest.split_once(')')?.0.parse().ok()
}

fn writes(doing: &str) -> bool {
    doing.starts_with("writing") || doing.starts_with("committing") || doing.starts_with("removing")
}

fn innermost(error: &PolarsError) -> &PolarsError {
    match error {
        PolarsError::Context { error, .. } => innermost(error),
        other => other,
    }
}

/// Names of columns and types may be shown; the engine's other texts quote the data.
fn told(error: &PolarsError) -> String {
    match error {
        PolarsError::ColumnNotFound(text) | PolarsError::SchemaFieldNotFound(text) => {
            format!("there is no column {text}")
        }
        PolarsError::SchemaMismatch(text) => format!("the types do not fit ({text})"),
        PolarsError::Duplicate(text) => format!("a name occurs twice ({text})"),
        PolarsError::InvalidOperation(_) => "an operation does not fit the types of its columns".to_owned(),
        PolarsError::ComputeError(text) if text.contains("division by zero") => "a division by zero".to_owned(),
        PolarsError::ComputeError(text) if text.contains("overflow") => "a number grew too large".to_owned(),
        _ => "the engine could not compute a value".to_owned(),
    }
}

/// The kind of the input or output error at the root of `error`, if there is one.
pub(crate) fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    let mut found = None;
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            found = Some(io.kind());
            if let Some(inner) = io.get_ref() {
                found = io_kind(inner).or(found);
            }
        }
        next = error.source();
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wrapped(kind: io::ErrorKind) -> object_store::Error {
        object_store::Error::Generic { store: "test", source: Box::new(io::Error::from(kind)) }
    }

    #[test]
    fn the_root_decides_however_deep_it_lies() {
        let place = &Place::on_disk("/lake/t");
        let cases = [
            (io::ErrorKind::PermissionDenied, Kind::ReadOnly),
            (io::ErrorKind::ReadOnlyFilesystem, Kind::ReadOnly),
            (io::ErrorKind::StorageFull, Kind::Full),
            (io::ErrorKind::FileTooLarge, Kind::Full),
            (io::ErrorKind::TimedOut, Kind::Io),
        ];
        for (io, kind) in cases {
            let deep = io::Error::other(wrapped(io));
            assert_eq!(LakeError::disk(place, "committing to", deep).kind(), kind, "{io:?}");
        }
        let reading = LakeError::disk(place, "reading", wrapped(io::ErrorKind::PermissionDenied));
        assert_eq!(reading.kind(), Kind::Io);
    }

    #[test]
    fn an_error_of_the_disk_inside_a_text_is_found() {
        let error = PolarsError::ComputeError("parquet: No space left on device (os error 28)".into());
        assert_eq!(LakeError::engine(&Place::on_disk("t"), "writing", error).kind(), Kind::Full);
    }

    #[test]
    fn the_engines_texts_do_not_leak_values() {
        let error = PolarsError::ComputeError("conversion failed for value '4711-secret'".into());
        let shown = LakeError::engine(&Place::on_disk("/lake/t"), "reading", error);
        assert_eq!(
            shown.to_string(),
            "reading /lake/t failed: the engine could not compute a value; the table is as it was before"
        );
        assert!(shown.source().is_none());
    }
}
