//! The workspace's settings: environments, where data lives, how writes are guarded.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// `assay.toml` and the folders beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Workspace {
    pub root: PathBuf,
    /// Always holds `local`.
    pub environments: Vec<Environment>,
    /// How long a log may grow, in bytes, before its oldest middle is dropped and the gap is said.
    pub log_limit: u64,
    /// How many bytes of remote lakes are kept on this disk before those that were used longest ago go.
    pub cache_limit: u64,
    /// An open window runs schedules and watches folders, as `assay daemon` does.
    pub schedules_in_window: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    pub name: String,
    pub guard: Guard,
    /// Root of the lake; `.assay/lake` below the workspace for `local`. Of a lake in a bucket, the folder below
    /// `.assay/cache` that holds copies of its files, and what programs on this machine lock.
    pub lake: PathBuf,
    /// The bucket that holds the lake; none when it lies on this disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// A PostgreSQL URL; none means the private cluster below `.assay/warehouse`.
    /// The password may be left out and given in `PGPASSWORD`.
    pub warehouse_url: Option<String>,
    /// Where sources are fed from, by name. A PostgreSQL connection that is not named here is the private cluster.
    #[serde(default)]
    pub connections: BTreeMap<String, Connection>,
    /// A run needs a reason.
    #[serde(default)]
    pub needs_reason: bool,
}

impl Environment {
    /// With the private cluster, without connections.
    pub fn new(name: &str, guard: Guard, lake: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            guard,
            lake,
            bucket: None,
            warehouse_url: None,
            connections: BTreeMap::new(),
            needs_reason: false,
        }
    }
}

/// A lake in a bucket of S3, or of a storage that speaks its protocol. Holds no secret: keys come from the process's
/// environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub name: String,
    /// Keys of the lake begin with it and a `/`; empty for the whole bucket.
    pub prefix: String,
    /// Address of the storage; that of the region in AWS when absent.
    pub endpoint: Option<String>,
    pub region: String,
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(f, "s3://{}{slash}{}", self.name, self.prefix)
    }
}

/// A place outside the lake. Holds no secret: passwords and keys come from the process's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Connection {
    Postgres {
        url: String,
    },
    DynamoDb {
        /// Of an emulator; the region's own when absent.
        endpoint: Option<String>,
        region: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    Open,
    Confirm,
    Locked,
}
