//! Tables on this disk and in buckets: Delta commits, staging, versions and pages.
//!
//! A table changes only through [`replace`], in one atomic commit, after its audit saw the uncommitted files, and
//! through [`restore`], which brings the files of an older version back.

mod cache;
mod checkpoint;
mod commit;
mod difference;
mod durable;
mod engine;
mod error;
mod fault;
mod field;
mod files;
mod history;
mod lake;
mod leftover;
mod log;
mod page;
mod patient;
mod place;
mod probe;
mod recent;
mod scan;
mod snapshot;
mod stage;
mod staged;
mod storage;
mod summary;
mod sweep;
mod transfer;
mod uncommitted;

pub use commit::{Audit, Committed, Replacement, Restore, RestoreTo, Scope, replace, replace_through, restore};
pub use difference::{
    ColumnDifference, CountDifference, DateDifference, Difference, DifferenceAsk, Example, SchemaDifference,
    SumDifference, Text, difference,
};
pub use error::{Kind, LakeError};
pub use field::{LakeField, fields_of};
pub use files::{Listed, Stat};
pub use history::{RunChange, VersionInfo, change_of_run, history};
pub use lake::Lake;
pub use page::{Page, PageRequest, frame_page, page, parquet_page};
pub use place::Place;
pub use probe::{Probed, probe};
pub use snapshot::{LakeFile, PartitionInfo, Snapshot, open, open_version};
pub use stage::{Job, stage_frame, stage_frames};
pub use staged::{StagedFile, discard, staged_path};
pub use storage::{Access, Keys};
pub use summary::{Summary, newest_version, summary};
pub use sweep::{Swept, left_behind, sweep};
pub use uncommitted::uncommitted;
