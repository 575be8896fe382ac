//! Where a landing is made on this disk, and how it comes into a lake that lies elsewhere.
//!
//! A landing's folder on this disk holds its files until they are all sent, and is empty from then on. While it is
//! sent its folder in the bucket holds `_sending`, and no source sees it: what died in between is sent by the next
//! landing of the source.

use super::problems;
use crate::exit;
use assay_contract::Problem;
use assay_lake::{LakeError, Listed, Place};
use assay_pipeline::{Feed, Source};
use assay_stages::SENDING;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The pipeline's folder in which one source's landings are made.
pub(super) struct Here {
    folder: PathBuf,
    /// Where the landings go; none when they are made there.
    lake: Option<Place>,
    /// The folder below the lake's in which landings of the source appear.
    above: String,
    /// Whether each landing has a folder of its own; else the feed brings one file.
    folders: bool,
    /// Which file was sent last, kept beside the landings.
    sent: PathBuf,
}

impl Here {
    /// `landings` is a folder of the workspace's state.
    pub(super) fn of(lake: &Place, source: &Source, landings: &Path) -> Result<Self, Problem> {
        let plain = source.path.split('/').filter(|part| !part.is_empty()).take_while(|part| !part.contains('*'));
        let above = plain.collect::<Vec<_>>().join("/");
        let folders = !matches!(source.feed, Some(Feed::Kaggle { .. }));
        let note = format!(".sent-{}", source.name);
        if !lake.is_remote() {
            let folder = lake.folder().to_owned();
            return Ok(Self { sent: folder.join(note), folder, lake: None, above, folders });
        }
        // The folder of copies is named after the bucket, the one below it after the pipeline.
        let names: Vec<_> = lake.folder().iter().rev().take(2).collect();
        let folder = names.into_iter().rev().fold(landings.to_owned(), |folder, name| folder.join(name));
        fs::create_dir_all(&folder).map_err(|error| unmade(&folder, &error))?;
        Ok(Self { sent: folder.join(note), folder, lake: Some(lake.clone()), above, folders })
    }

    /// The pipeline's folder as the landing sees it.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Before a landing: sends what an earlier one left, and forgets landings that the bucket has no more.
    pub(super) fn begin(&self) -> Result<(), Problem> {
        let Some(lake) = &self.lake else { return Ok(()) };
        self.end()?;
        let listed = lake.join(&self.above).list().map_err(|error| problems::lake(&error))?;
        if !self.folders {
            return self.take(lake, &listed);
        }
        let there: BTreeSet<&str> = listed.iter().filter_map(|file| Some(file.path.split_once('/')?.0)).collect();
        for folder in self.landings()? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            if !there.contains(name.as_ref()) {
                fs::remove_dir(&folder).map_err(|error| unmade(&folder, &error))?;
            }
        }
        Ok(())
    }

    /// After a landing: sends what it made.
    pub(super) fn end(&self) -> Result<(), Problem> {
        let Some(lake) = &self.lake else { return Ok(()) };
        match self.folders {
            true => self.landings()?.iter().try_for_each(|folder| self.send_folder(lake, folder)),
            false => self.send_files(lake),
        }
    }

    /// The files of the source's folder as the bucket has them, so that the feed sees whether there is anything new.
    fn take(&self, lake: &Place, listed: &[Listed]) -> Result<(), Problem> {
        let folder = self.folder.join(&self.above);
        for here in entries(&folder)? {
            if !listed.iter().any(|file| folder.join(&file.path) == here) {
                fs::remove_file(&here).map_err(|error| unmade(&here, &error))?;
            }
        }
        for file in listed.iter().filter(|file| !file.path.contains('/')) {
            let here = folder.join(&file.path);
            if fs::metadata(&here).is_ok_and(|meta| meta.len() == file.stat.size) {
                continue;
            }
            let object = lake.join(&self.above).join(&file.path);
            object.fetch_to(&here, &file.stat).map_err(|error| problems::lake(&error))?;
        }
        self.note(&self.state()?)
    }

    /// What is here now, and was not sent yet.
    fn send_files(&self, lake: &Place) -> Result<(), Problem> {
        let now = self.state()?;
        let then = fs::read_to_string(&self.sent).unwrap_or_default();
        for (name, line) in &now {
            if !then.lines().any(|known| known == line) {
                let object = lake.join(&self.above).join(name);
                object.send(&self.folder.join(&self.above).join(name)).map_err(|error| problems::lake(&error))?;
            }
        }
        self.note(&now)
    }

    /// Each file's name, with a line that another content does not have.
    fn state(&self) -> Result<Vec<(String, String)>, Problem> {
        let mut state = Vec::new();
        for file in entries(&self.folder.join(&self.above))? {
            let meta = fs::metadata(&file).map_err(|error| unmade(&file, &error))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if meta.is_file() && !name.starts_with(['.', '_']) {
                let line = format!("{} {}.{} {name}", meta.len(), meta.mtime(), meta.mtime_nsec());
                state.push((name, line));
            }
        }
        Ok(state)
    }

    fn note(&self, state: &[(String, String)]) -> Result<(), Problem> {
        let lines: Vec<&str> = state.iter().map(|(_, line)| line.as_str()).collect();
        fs::write(&self.sent, lines.join("\n")).map_err(|error| unmade(&self.sent, &error))
    }

    fn send_folder(&self, lake: &Place, folder: &Path) -> Result<(), Problem> {
        let files = entries(folder)?;
        if files.is_empty() {
            return Ok(());
        }
        let wrong = |error: LakeError| problems::lake(&error);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let there = lake.join(&self.above).join(&name);
        there.join(SENDING).write(Default::default()).map_err(wrong)?;
        let names = files.iter().filter_map(|file| file.file_name()?.to_str());
        there.send_all(folder, names).map_err(wrong)?;
        there.join(SENDING).remove().map_err(wrong)?;
        files.iter().try_for_each(|file| fs::remove_file(file).map_err(|error| unmade(file, &error)))
    }

    fn landings(&self) -> Result<Vec<PathBuf>, Problem> {
        let mut folders = entries(&self.folder.join(&self.above))?;
        folders.retain(|folder| folder.is_dir());
        Ok(folders)
    }
}

/// None when the folder is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => Err(error),
    };
    listed.map_err(|error| unmade(folder, &error))
}

fn unmade(path: &Path, error: &io::Error) -> Problem {
    let message = format!("The landing could not be sent: {} cannot be read or written.", path.display());
    exit::because(message, error, "Correct that; the next run goes on from there.")
}
