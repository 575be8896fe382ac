//! The workspace's settings: environments, where data lives, how writes are guarded.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `assay.toml` and the folders beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Workspace {
    pub root: PathBuf,
    /// Always holds `local`.
    pub environments: Vec<Environment>,
    /// How long a log may grow, in bytes, before its oldest middle is dropped and the gap is said.
    pub log_limit: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    pub name: String,
    pub guard: Guard,
    /// Root of the lake; `.assay/lake` below the workspace for `local`.
    pub lake: PathBuf,
    /// A PostgreSQL URL; none means the private cluster below `.assay/warehouse`.
    /// The password may be left out and given in `PGPASSWORD`.
    pub warehouse_url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    Open,
    Confirm,
    Locked,
}
