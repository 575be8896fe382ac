//! `assay init`: makes a workspace, or fills in what one misses. Never overwrites.

use crate::render::out::say;
use crate::{exit, shipped};
use assay_contract::Problem;
use std::path::{Path, PathBuf};

pub fn run(folder: Option<PathBuf>, json: bool) -> Result<u8, Problem> {
    let root = folder.unwrap_or_else(|| PathBuf::from("."));
    let written = shipped::write(&root).map_err(|error| {
        let message = format!("The workspace {} is not complete.", root.display());
        exit::because(
            message,
            &error,
            "Check the folder's permissions and the disk, then run `assay init` again: it goes on.",
        )
    })?;
    report(&root, &written, json);
    Ok(exit::DONE)
}

fn report(root: &Path, written: &[String], json: bool) {
    if json {
        say!("{}", serde_json::json!({ "workspace": root, "written": written }));
    } else if written.is_empty() {
        say!("{} is a workspace already; nothing was written.", root.display());
    } else {
        say!(
            "Made the workspace {}: {} files, pipelines {}.",
            root.display(),
            written.len(),
            shipped::names().join(", ")
        );
        say!("Next: cd {} && assay demo {}", root.display(), shipped::names().first().map_or("", String::as_str));
    }
}
