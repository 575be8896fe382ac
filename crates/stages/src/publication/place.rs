//! The folder of a copy: nothing is written outside it, and every file in it appears whole.

use crate::error::StageError;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use crate::parallel::locked;

/// An existing folder below the pipeline's lake folder.
pub(super) struct Place {
    /// On this disk: of a copy in a bucket the one in which its files are drafted.
    folder: PathBuf,
    remote: Option<Remote>,
    /// Below the pipeline's lake folder.
    shown: String,
    /// Folders whose names are not known to be on disk.
    unsettled: Mutex<BTreeSet<PathBuf>>,
}

/// A folder in a bucket, and what it held when it was looked at last.
struct Remote {
    folder: assay_lake::Place,
    present: Mutex<BTreeSet<String>>,
}

impl Place {
    /// Makes the folder. Refuses a path that leaves the lake folder, through a link too.
    pub(super) fn open(lake: &assay_lake::Place, path: &str) -> Result<Self, StageError> {
        if path.is_empty() || !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(StageError::CopyOutside { path: path.to_owned() });
        }
        if lake.is_remote() {
            let folder = lake.join(path);
            let present = folder.list()?.into_iter().map(|file| file.path).collect();
            let (drafts, remote) = (folder.folder().to_path_buf(), Remote { folder, present: Mutex::new(present) });
            let (shown, unsettled) = (path.to_owned(), Mutex::default());
            return Ok(Self { folder: drafts, remote: Some(remote), shown, unsettled });
        }
        let lake_folder = lake.folder();
        let folder = lake_folder.join(path);
        let failed = |error| StageError::copy(path, error);
        let new: BTreeSet<PathBuf> = folder
            .ancestors()
            .take_while(|above| !above.exists())
            .filter_map(Path::parent)
            .map(Path::to_owned)
            .collect();
        fs::create_dir_all(&folder).map_err(failed)?;
        let (real, root) = (folder.canonicalize().map_err(failed)?, lake_folder.canonicalize().map_err(failed)?);
        if !real.starts_with(&root) || real == root {
            return Err(StageError::CopyOutside { path: path.to_owned() });
        }
        Ok(Self { folder, remote: None, shown: path.to_owned(), unsettled: Mutex::new(new) })
    }

    /// The text of a file of the folder itself, if there is one.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, StageError> {
        if let Some(remote) = &self.remote {
            let text = remote.folder.join(name).read()?;
            return Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()));
        }
        match fs::read_to_string(self.folder.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Below the pipeline's lake folder.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.shown)
    }

    /// Writes a file of the record, and returns when it is on disk.
    pub(super) fn keep(&self, name: &str, text: &str) -> Result<(), StageError> {
        self.replace(name, |file| file.write_all(text.as_bytes()).map_err(|error| self.failed(name, error)))?;
        self.settle()
    }

    /// Writes a file beside its place and puts it there in one step. `name` may begin with one folder.
    /// When it fails the file is as it was.
    pub(super) fn replace<T>(
        &self,
        name: &str,
        fill: impl FnOnce(&mut BufWriter<File>) -> Result<T, StageError>,
    ) -> Result<T, StageError> {
        let place = self.folder.join(name);
        let folder = place.parent().unwrap_or(&self.folder).to_path_buf();
        if !folder.exists() {
            fs::create_dir_all(&folder).map_err(|error| self.failed(name, error))?;
            locked(&self.unsettled).insert(self.folder.clone());
        }
        // The same draft for every try: what an interrupted one left is written over.
        let draft = folder.join(format!(".{}.tmp", place.file_name().unwrap_or_default().to_string_lossy()));
        let written = self.draft(&draft, name, fill).and_then(|filled| {
            match &self.remote {
                Some(remote) => remote.send(name, &draft)?,
                None => fs::rename(&draft, &place).map_err(|error| self.failed(name, error))?,
            }
            Ok(filled)
        });
        if written.is_err() || self.remote.is_some() {
            // The first failure is what counts; a draft that stays is hidden and written over later.
            let _ = fs::remove_file(&draft);
        }
        if self.remote.is_none() {
            locked(&self.unsettled).insert(folder);
        }
        written
    }

    fn draft<T>(
        &self,
        draft: &Path,
        name: &str,
        fill: impl FnOnce(&mut BufWriter<File>) -> Result<T, StageError>,
    ) -> Result<T, StageError> {
        let failed = |error| self.failed(name, error);
        let mut file = BufWriter::with_capacity(1 << 17, File::create(draft).map_err(failed)?);
        let filled = fill(&mut file)?;
        file.flush().map_err(failed)?;
        file.get_ref().sync_all().map_err(failed)?;
        Ok(filled)
    }

    /// Removes a file, and its folder with its last file. True when it was there.
    pub(super) fn remove(&self, name: &str) -> Result<bool, StageError> {
        if let Some(remote) = &self.remote {
            locked(&remote.present).remove(name);
            return Ok(remote.folder.join(name).remove()?);
        }
        let place = self.folder.join(name);
        match fs::remove_file(&place) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.failed(name, error)),
        }
        let folder = place.parent().unwrap_or(&self.folder);
        // Something else may lie there: then the folder stays, which is no failure.
        if folder != self.folder && fs::remove_dir(folder).is_ok() {
            locked(&self.unsettled).insert(self.folder.clone());
        } else {
            locked(&self.unsettled).insert(folder.to_path_buf());
        }
        Ok(true)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        if let Some(remote) = &self.remote {
            return locked(&remote.present).contains(name);
        }
        self.folder.join(name).is_file()
    }

    /// Names of everything in the folder.
    pub(super) fn names(&self) -> Result<BTreeSet<String>, StageError> {
        if let Some(remote) = &self.remote {
            let first = |path: &String| path.split('/').next().unwrap_or_default().to_owned();
            return Ok(locked(&remote.present).iter().map(first).collect());
        }
        let failed = |error| StageError::copy(&self.shown, error);
        let entries = fs::read_dir(&self.folder).map_err(failed)?;
        entries.map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned())).collect()
    }

    /// Waits until every name is on disk.
    pub(super) fn settle(&self) -> Result<(), StageError> {
        let folders = std::mem::take(&mut *locked(&self.unsettled));
        folders.iter().filter(|folder| folder.is_dir()).try_for_each(|folder| {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|error| StageError::copy(&self.shown, error))
        })
    }

    pub(super) fn failed(&self, name: &str, error: io::Error) -> StageError {
        StageError::copy(&self.path(name), error)
    }
}

impl Remote {
    fn send(&self, name: &str, draft: &Path) -> Result<(), StageError> {
        self.folder.join(name).send(draft)?;
        locked(&self.present).insert(name.to_owned());
        Ok(())
    }
}
