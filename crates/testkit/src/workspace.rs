//! A workspace of its own for one test, and the program `assay` run in it.

mod changes;
mod program;

pub use changes::Changes;
pub use program::{Outcome, Running};

use crate::TestkitError;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// How long `assay` may run before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A temporary folder with `assay.toml` and the shipped pipelines; removed when dropped.
#[derive(Debug)]
pub struct Workspace {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Workspace {
    /// A workspace with the built-in environment `local` only and a copy of the shipped pipelines.
    pub fn new() -> Result<Self, TestkitError> {
        let folder =
            tempfile::Builder::new().prefix("assay-").tempdir().map_err(TestkitError::at(std::env::temp_dir()))?;
        let workspace = Self { folder, variables: Vec::new() };
        workspace.write_at_root("assay.toml", b"")?;
        copy(&repository().join("pipelines"), &workspace.root().join("pipelines"))?;
        Ok(workspace)
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of a pipeline in the lake of `local`.
    pub fn lake(&self, pipeline: &str) -> PathBuf {
        self.root().join(".assay").join("lake").join(pipeline)
    }

    /// Writes any bytes to a path below the pipeline's lake folder, such as `bronze/sales/date=2026-01-01/a.jsonl`.
    pub fn write(&self, pipeline: &str, path: &str, bytes: &[u8]) -> Result<PathBuf, TestkitError> {
        write(self.lake(pipeline).join(path), bytes)
    }

    /// Writes any bytes to a path below the workspace's root.
    pub fn write_at_root(&self, path: &str, bytes: &[u8]) -> Result<PathBuf, TestkitError> {
        write(self.root().join(path), bytes)
    }

    /// A variable of the environment of every `assay` that is started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Runs `assay` in the workspace to its end; longer than [`PATIENCE`] is an error.
    pub fn assay<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Outcome, TestkitError> {
        self.start(arguments)?.wait(PATIENCE)
    }

    /// Starts `assay` in the workspace, as the leader of its own process group.
    pub fn start<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Running, TestkitError> {
        Running::start(&program()?, self.root(), arguments, &self.variables)
    }
}

/// The program under test: `ASSAY_BIN`, or what lies in the target folder that the running test was built into.
pub fn program() -> Result<PathBuf, TestkitError> {
    let path = match std::env::var_os("ASSAY_BIN") {
        Some(path) => PathBuf::from(path),
        None => {
            let test = std::env::current_exe().map_err(TestkitError::at("the running test"))?;
            let profile =
                test.ancestors().find(|folder| folder.file_name() == Some(OsStr::new("deps"))).and_then(Path::parent);
            profile.unwrap_or(Path::new("")).join(format!("assay{}", std::env::consts::EXE_SUFFIX))
        }
    };
    if path.is_file() { Ok(path) } else { Err(TestkitError::NoProgram(path)) }
}

/// The checkout that this crate belongs to.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn write(path: PathBuf, bytes: &[u8]) -> Result<PathBuf, TestkitError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(TestkitError::at(folder))?;
    }
    std::fs::write(&path, bytes).map_err(TestkitError::at(&path))?;
    Ok(path)
}

fn copy(from: &Path, to: &Path) -> Result<(), TestkitError> {
    std::fs::create_dir_all(to).map_err(TestkitError::at(to))?;
    for entry in std::fs::read_dir(from).map_err(TestkitError::at(from))? {
        let entry = entry.map_err(TestkitError::at(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            std::fs::copy(&source, &target).map_err(TestkitError::at(&source))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_workspace_holds_the_pipelines_and_what_is_written_to_it() {
        let workspace = Workspace::new().unwrap();
        assert!(workspace.root().join("assay.toml").is_file());
        let shipped = std::fs::read_dir(repository().join("pipelines")).unwrap().count();
        assert_eq!(std::fs::read_dir(workspace.root().join("pipelines")).unwrap().count(), shipped);
        let path = workspace.write("p", "bronze/s/date=2026-01-01/a.csv", b"a\xff").unwrap();
        assert_eq!(path, workspace.root().join(".assay/lake/p/bronze/s/date=2026-01-01/a.csv"));
        assert_eq!(std::fs::read(path).unwrap(), b"a\xff");
        let root = workspace.root().to_path_buf();
        drop(workspace);
        assert!(!root.exists());
    }
}
