//! Definitions as the journal keeps them: once per digest, to be compared with and to be run again.

use crate::folder::try_lock;
use crate::journal::{Journal, Original};
use crate::problem::ConsoleError;
use assay_contract::{Problem, ProblemKind};
use assay_pipeline::Pipeline;
use assay_pipeline::read::{DefinitionFiles, digest_of};
use chrono::NaiveDate;
use similar::TextDiff;
use std::io::{Error, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// Lines of a difference that are given.
const LINES: usize = 400;

/// Keeps the files of a definition. Refused when they changed since it was read.
pub fn keep(pipeline: &Pipeline, run: &str, journal: &dyn Journal) -> Result<(), Problem> {
    if journal.definition(&pipeline.digest)?.is_some() {
        return Ok(());
    }
    let files = pipeline.files().map_err(|mistakes| Problem {
        causes: mistakes.0.iter().map(ToString::to_string).collect(),
        ..Problem::new(ProblemKind::Definition, format!("the definition of {} could not be kept", pipeline.name))
    })?;
    if digest_of(&files) != pipeline.digest {
        let error = ConsoleError::DigestChanged { pipeline: pipeline.name.clone(), run: run.to_owned() };
        return Err(error.into());
    }
    journal.keep_definition(&pipeline.digest, &files)
}

/// What the dates were last done with.
pub fn original(
    pipeline: &str,
    environment: &str,
    between: Option<(NaiveDate, NaiveDate)>,
    journal: &dyn Journal,
) -> Result<Original, Problem> {
    let found = journal.original(pipeline, environment, between)?;
    Ok(found.ok_or_else(|| ConsoleError::NoOriginal { pipeline: pipeline.to_owned() })?)
}

/// Writes a kept definition below the workspace's `.assay` folder and gives its folder, to be read as a pipeline.
pub fn lay_out(digest: &str, journal: &dyn Journal, state: &Path) -> Result<PathBuf, Problem> {
    let unknown = || ConsoleError::NoDefinition { digest: digest.to_owned() };
    let files = journal.definition(digest)?.ok_or_else(unknown)?;
    if digest_of(&files) != digest {
        return Err(unknown().into());
    }
    let folder = state.join("definitions").join(digest);
    let failed = |source| ConsoleError::Definition { digest: digest.to_owned(), path: folder.clone(), source };
    write(&folder, &files).map_err(failed)?;
    Ok(folder)
}

/// A unified difference of two definitions, file by file.
pub fn difference(before: &DefinitionFiles, after: &DefinitionFiles) -> Vec<String> {
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut lines = Vec::new();
    for path in paths {
        let text = |files: &DefinitionFiles| files.get(path).cloned().unwrap_or_default();
        let (old, new) = (text(before), text(after));
        if old == new {
            continue;
        }
        let name = |files: &DefinitionFiles| if files.contains_key(path) { path.as_str() } else { "(none)" };
        let unified = TextDiff::from_lines(&old, &new);
        let unified = unified.unified_diff().context_radius(3).header(name(before), name(after)).to_string();
        lines.extend(unified.lines().map(str::to_owned));
    }
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(format!("(and {more} more lines)"));
    }
    lines
}

/// One program at a time writes; a reader finds the folder whole or not at all.
fn write(folder: &Path, files: &DefinitionFiles) -> Result<(), Error> {
    if is_whole(folder, files) {
        return Ok(());
    }
    let above = folder.parent().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
    std::fs::create_dir_all(above)?;
    let _lock = lock(&above.join(".lock"))?;
    if is_whole(folder, files) {
        return Ok(());
    }
    let draft = folder.with_extension("draft");
    for stale in [&draft, &folder.to_path_buf()] {
        match std::fs::remove_dir_all(stale) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    for (path, text) in files {
        let below = Path::new(path);
        if !below.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(ErrorKind::InvalidFilename.into());
        }
        let place = draft.join(below);
        std::fs::create_dir_all(place.parent().unwrap_or(&draft))?;
        std::fs::write(place, text)?;
    }
    std::fs::rename(&draft, folder)
}

fn is_whole(folder: &Path, files: &DefinitionFiles) -> bool {
    files.iter().all(|(path, text)| std::fs::read_to_string(folder.join(path)).is_ok_and(|there| there == *text))
}

fn lock(path: &Path) -> Result<std::fs::File, Error> {
    for _ in 0..200 {
        if let Some(file) = try_lock(path).map_err(Error::other)? {
            return Ok(file);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(ErrorKind::WouldBlock.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake::MemoryJournal;

    fn files(entries: &[(&str, &str)]) -> DefinitionFiles {
        entries.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_kept_definition_is_laid_out_whole_whatever_lay_there() {
        let (journal, state) = (MemoryJournal::default(), tempfile::tempdir().unwrap());
        let kept = files(&[("pipeline.toml", "name = 'a'\n"), ("gold/x.sql", "select 1\n")]);
        let digest = digest_of(&kept);
        assert!(lay_out(&digest, &journal, state.path()).unwrap_err().message.contains("is not in the journal"));
        journal.keep_definition(&digest, &kept).unwrap();
        let folder = lay_out(&digest, &journal, state.path()).unwrap();
        assert_eq!(std::fs::read_to_string(folder.join("gold/x.sql")).unwrap(), "select 1\n");
        std::fs::write(folder.join("gold/x.sql"), "select 2").unwrap();
        std::fs::write(folder.join("gold/y.sql"), "select 3").unwrap();
        assert_eq!(lay_out(&digest, &journal, state.path()).unwrap(), folder);
        assert_eq!(std::fs::read_to_string(folder.join("gold/x.sql")).unwrap(), "select 1\n");
        assert!(!folder.join("gold/y.sql").exists(), "a file of nobody is part of no definition");
    }

    #[test]
    fn paths_that_climb_are_refused() {
        let (journal, state) = (MemoryJournal::default(), tempfile::tempdir().unwrap());
        let kept = files(&[("pipeline.toml", ""), ("../../escaped", "x")]);
        journal.keep_definition(&digest_of(&kept), &kept).unwrap();
        lay_out(&digest_of(&kept), &journal, state.path()).unwrap_err();
        assert!(!state.path().join("escaped").exists());
    }

    #[test]
    fn a_difference_names_files_and_lines() {
        let before = files(&[("pipeline.toml", "a\nb\n"), ("gold/x.sql", "1\n"), ("gold/same.sql", "s\n")]);
        let after = files(&[("pipeline.toml", "a\nc\n"), ("gold/same.sql", "s\n")]);
        insta::assert_snapshot!(difference(&before, &after).join("\n"), @r"
        --- gold/x.sql
        +++ (none)
        @@ -1 +0,0 @@
        -1
        --- pipeline.toml
        +++ pipeline.toml
        @@ -1,2 +1,2 @@
         a
        -b
        +c
        ");
        assert!(difference(&after, &after).is_empty());
    }
}
