//! `assay init`: makes a workspace, or fills in what one misses. Never overwrites.

use crate::desk::named_in_text;
use crate::render::out::say;
use crate::render::words;
use crate::{exit, shipped};
use assay_contract::Problem;
use assay_pipeline::{Pipeline, Workspace};
use std::cmp::Reverse;
use std::path::{Path, PathBuf};

pub fn run(folder: Option<PathBuf>, json: bool) -> Result<u8, Problem> {
    let root = folder.unwrap_or_else(|| PathBuf::from("."));
    named_in_text(&std::path::absolute(&root).unwrap_or_else(|_| root.clone()))?;
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
    let first = first_to_try(root);
    if json {
        say!("{}", serde_json::json!({ "workspace": root, "written": written, "first": first }));
        return;
    }
    // A dot would say nothing of where it lies.
    let place = std::path::absolute(root).unwrap_or_else(|_| root.to_path_buf());
    let place = place.display();
    if written.is_empty() {
        say!("{place} is a workspace already; nothing was written.");
    } else if !written.iter().any(|file| file == "assay.toml") {
        say!("Wrote {} that the workspace {place} missed.", words::counted(written.len() as u64, "file"));
    } else {
        let names = shipped::names().join(", ");
        let files = words::counted(written.len() as u64, "file");
        say!("Made the workspace {place}: {files}, pipelines {names}.");
    }
    // Who has a workspace already has begun.
    if let Some(first) = first.filter(|_| written.iter().any(|file| file == "assay.toml")) {
        let there = if root == Path::new(".") { String::new() } else { format!("cd {} && ", word(root)) };
        say!("Next: {there}assay demo {first} && assay run {first}");
    }
}

/// Of the pipelines with demo data the one that asks for the least: the fewest connections, then the most tables to look
/// at.
fn first_to_try(root: &Path) -> Option<String> {
    let workspace = Workspace::read(root).ok()?;
    let shipped = shipped::names().into_iter().filter_map(|name| workspace.pipeline(&name).ok());
    let asks = |pipeline: &Pipeline| pipeline.sources.iter().filter(|source| source.feed.is_some()).count();
    let tables = |pipeline: &Pipeline| pipeline.contracts.len() + pipeline.models.len();
    let first = shipped.min_by_key(|pipeline| (asks(pipeline), Reverse(tables(pipeline)), pipeline.name.clone()));
    first.map(|pipeline| pipeline.name)
}

/// A path as a shell takes it.
fn word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&byte) || !byte.is_ascii();
    if text.bytes().all(plain) && !text.starts_with('-') { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
