//! What can go wrong in a stage, in words for the operator.

use parquet::errors::ParquetError;
use std::io;

/// Why a stage stopped. Nothing was published unless the text says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error("{path}: the file is gone since the run was planned; nothing was published. Start the run again")]
    Vanished { path: String },
    #[error(
        "{path}: the file changed while it was read; nothing was published. Start the run again when it is complete"
    )]
    Changed { path: String },
    #[error(
        "{path}: is not a file; nothing was published. Move it out of the source's folder, or begin its name with _"
    )]
    NotAFile { path: String },
    #[error(
        "{path}: its name fits none of the source's formats ({formats}); nothing was published. \
             Rename it, or begin its name with _ to leave it out"
    )]
    UnknownFormat { path: String, formats: String },
    #[error("{path}: is {found}, which is not read; nothing was published. Convert it to UTF-8")]
    Encoding { path: String, found: &'static str },
    #[error(
        "{path}: the {kind} data cannot be decompressed, it is cut off or damaged ({source}); \
             nothing was published. Deliver the file again"
    )]
    Compressed { path: String, kind: &'static str, source: io::Error },
    #[error("{path}: the header names the column {column} twice; nothing was published. Correct the header")]
    DuplicateHeader { path: String, column: String },
    #[error("{path}: the header {why}; nothing was published. Correct the header")]
    BadHeader { path: String, why: &'static str },
    #[error("{path}: the Parquet file cannot be read ({source}); nothing was published. Deliver the file again")]
    BadParquet { path: String, source: ParquetError },
    #[error("{path}: no record of it is a JSON object; nothing was published. Deliver the file again")]
    NoObject { path: String },
    #[error(
        "{path}: only JSON has arrays to take rows from, and this is no JSON file; nothing was published. \
             Deliver it as JSON, or take `explode` out of the contract"
    )]
    NoArrays { path: String },
    #[error("{path}: cannot be moved to the dead letters ({source}); it stays where it is, and nothing was published")]
    NotSetAside { path: String, source: io::Error },
    #[error(
        "{path}: {read} records were found, but {accounted} are accounted for; nothing was published. \
             Report this, with the file"
    )]
    Unbalanced { path: String, read: u64, accounted: u64 },
    #[error("{path}: cannot {doing} ({source}); nothing was published")]
    Io { path: String, doing: &'static str, source: io::Error },
    #[error("{path}: cannot write Parquet ({source}); nothing was published")]
    Write { path: String, source: ParquetError },
    #[error("{path}: the disk is full; nothing was published. Free some space and run again")]
    Full { path: String, source: io::Error },
    #[error(
        "{path}: cannot be written to; nothing was published. \
             Give the user who runs Assay the right to write there"
    )]
    ReadOnly { path: String, source: io::Error },
    #[error(
        "{table}: the gate asks for {asked} % of accepted records, and it is {share}: {accepted} of {counted}, \
             with {excepted} left out of the count; neither the rows nor the refused records were published. \
             Refused: {refused}. Correct the files or the contract, and run again"
    )]
    Gate { table: String, accepted: u64, counted: u64, share: String, asked: String, excepted: u64, refused: String },
    #[error(
        "{table}: {count} failed on the rows that were about to be published: {told}. Nothing was published, and the \
             table and what reads it hold what they held; {failing} failing rows are kept with the run. \
             `assay quality failing` shows them; correct the files, the contract or the rules, and run again"
    )]
    Rules { table: String, count: String, told: String, failing: u64 },
    #[error("{table}: the rules could not be judged ({source}); nothing was published. Run again")]
    Unjudged { table: String, source: assay_quality::QualityError },
    #[error("{table}: the journal of verdicts failed ({why}); nothing was published. Run again")]
    Verdicts { table: String, why: String },
    #[error("the proposed rules cannot be read back, which is a defect; nothing was changed:\n{rules}")]
    Suggestion { rules: String },
    #[error(transparent)]
    Lake(Box<assay_lake::LakeError>),
    #[error(transparent)]
    Permit(#[from] assay_pipeline::permit::PermitError),
    #[error("the contract of {table} cannot be used: {why}; nothing was read")]
    Contract { table: String, why: String },
    #[error("there is no table {table} yet; nothing was published. Run the stage that fills it")]
    NoTable { table: String },
    #[error("the files of other dates cannot be listed ({why}); nothing was published")]
    Sources { why: String },
    #[error(
        "the column {column} has a type that the warehouse does not take; nothing was loaded. Cast it in the model"
    )]
    NoWarehouseType { column: String },
    #[error("the model cannot be computed; nothing was published")]
    Model(#[source] Box<assay_sql::LowerError>),
    #[error("the lake's side could not be summed up for the comparison")]
    Sum(#[from] polars::error::PolarsError),
    #[error(transparent)]
    Warehouse(Box<assay_warehouse::WarehouseError>),
    #[error(
        "{path}: the copy in plain files cannot be written ({source}); the table is whole. {advice}, then run again"
    )]
    Copy { path: String, source: io::Error, advice: &'static str },
    #[error(
        "{path}: the record of the copy cannot be understood ({source}); the table is whole. Put back an earlier \
             record, or remove the folder to make the copy anew, then run again"
    )]
    CopyRecord { path: String, source: serde_json::Error },
    #[error(
        "{path}: a copy of a table must lie in a folder below the pipeline's lake folder; nothing was written there. Correct the path"
    )]
    CopyOutside { path: String },
    #[error("the column {column} has a type that plain files do not take; no copy was written, the table is whole")]
    CopyColumn { column: String },
    #[error("{path}: this table does not tell of which source file a row is; no copy was written. Publish it by date")]
    CopySources { path: String },
    #[error("the name {name} of a copy cannot be told apart from others; no copy was written. Put {{time}} into it")]
    CopyName { name: String },
    #[error("the table's rows could not be read for its copy; the table is whole")]
    CopyRead(#[source] polars::error::PolarsError),
    #[error("the table's rows could not be put into plain files; the table is whole")]
    CopyRows(#[source] arrow::error::ArrowError),
    #[error("cancelled; nothing was published")]
    Cancelled,
    #[error("a thread of the stage stopped without an answer; nothing was published. Start the run again")]
    ThreadLost,
}

impl From<assay_lake::LakeError> for StageError {
    fn from(error: assay_lake::LakeError) -> Self {
        Self::Lake(Box::new(error))
    }
}

impl From<assay_sql::LowerError> for StageError {
    fn from(error: assay_sql::LowerError) -> Self {
        Self::Model(Box::new(error))
    }
}

impl From<assay_warehouse::WarehouseError> for StageError {
    fn from(error: assay_warehouse::WarehouseError) -> Self {
        Self::Warehouse(Box::new(error))
    }
}

impl StageError {
    /// Of a write to this place.
    pub(crate) fn write(path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path, source },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, source },
            _ => Self::Io { path, doing: "write", source },
        }
    }

    /// Of writing Parquet to this place; the disk's own reason is what counts.
    pub(crate) fn parquet(path: &str, error: ParquetError) -> Self {
        match error {
            ParquetError::External(cause) => match cause.downcast::<io::Error>() {
                Ok(cause) => Self::write(path, *cause),
                Err(cause) => Self::Write { path: path.to_owned(), source: ParquetError::External(cause) },
            },
            source => Self::Write { path: path.to_owned(), source },
        }
    }

    /// Of writing to a copy of a table in plain files.
    pub(crate) fn copy(path: &str, source: io::Error) -> Self {
        let advice = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Free some space",
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "Give the user who runs Assay the right to write there"
            }
            _ => "See to that place",
        };
        Self::Copy { path: path.to_owned(), source, advice }
    }

    /// Of writing Parquet to a copy; the disk's own reason is what counts.
    pub(crate) fn copy_parquet(path: &str, error: ParquetError) -> Self {
        match error {
            ParquetError::External(cause) => match cause.downcast::<io::Error>() {
                Ok(cause) => Self::copy(path, *cause),
                Err(cause) => Self::copy(path, io::Error::other(cause)),
            },
            other => Self::copy(path, io::Error::other(other)),
        }
    }

    pub(crate) fn io(path: &str, doing: &'static str, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            return Self::Vanished { path: path.to_owned() };
        }
        Self::Io { path: path.to_owned(), doing, source }
    }
}
