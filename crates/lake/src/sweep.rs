//! Removing what dead runs left behind.

use crate::error::LakeError;
use crate::files::Listed;
use crate::log::{Commits, Found, LOG_FOLDER, Log, Versions, actions, look};
use crate::place::Place;
use crate::staged::is_ours;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const SECOND: i64 = 1_000_000_000;

/// What a sweep removed, or would remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    pub files: u64,
    pub bytes: u64,
}

impl AddAssign for Swept {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

/// Removes files that Assay staged in `folder` longer than `older_than` before `now` and that no version
/// in the log names, and drafts of commits of that age. Files of older versions stay readable.
///
/// A run that stages for longer than `older_than` would lose its files and fail.
pub async fn sweep(folder: impl Into<Place>, older_than: Duration, now: DateTime<Utc>) -> Result<Swept, LakeError> {
    found(&folder.into(), older_than, now, Act::Remove).await
}

/// What [`sweep`] would remove.
pub async fn left_behind(
    folder: impl Into<Place>,
    older_than: Duration,
    now: DateTime<Utc>,
) -> Result<Swept, LakeError> {
    found(&folder.into(), older_than, now, Act::Count).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Count,
    Remove,
}

async fn found(folder: &Place, older_than: Duration, now: DateTime<Utc>, act: Act) -> Result<Swept, LakeError> {
    let before = SystemTime::from(now) - older_than;
    let (mut named, oldest) = blocking(folder, added_by_commits).await?;
    if let Some(oldest) = oldest {
        let log = Log::at(folder)?;
        let state = log.load(Some(oldest)).await?.ok_or_else(|| LakeError::NotFound { place: log.place() })?;
        named.extend(state.log_data().iter().map(|view| PathBuf::from(view.path().into_owned())));
    }
    blocking(folder, move |folder| Sweep { folder, before, named, act, swept: Swept::default() }.go()).await
}

async fn blocking<T: Send + 'static>(
    folder: &Place,
    work: impl FnOnce(&Place) -> Result<T, LakeError> + Send + 'static,
) -> Result<T, LakeError> {
    let owned = folder.clone();
    let done = tokio::task::spawn_blocking(move || work(&owned)).await;
    done.map_err(|error| LakeError::disk(folder, "removing leftovers of", error))?
}

/// Files that the commits in the log add, and the oldest version when it is not the first commit: a file of
/// a version that can still be read was there at the oldest one or was added by a commit since.
fn added_by_commits(folder: &Place) -> Result<(HashSet<PathBuf>, Option<u64>), LakeError> {
    if look(folder)? == Found::Other {
        return Err(LakeError::NotATable { place: folder.to_string() });
    }
    let versions = Versions::of(folder)?;
    let oldest = match versions.commits.first() {
        Some(0) => None,
        _ => versions.checkpoints.first().copied(),
    };
    let mut named = HashSet::new();
    added_by(folder, versions.commits, &mut named)?;
    Ok((named, oldest))
}

/// Files that these commits add.
pub(crate) fn added_by(folder: &Place, versions: Vec<u64>, named: &mut HashSet<PathBuf>) -> Result<(), LakeError> {
    for commit in Commits::of(folder, versions) {
        let (version, text) = commit?;
        // Names that Assay gives need no decoding, and a sweep removes no others.
        actions(folder, version, text, |line: Line| named.extend(line.add.map(|file| PathBuf::from(file.path))))?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Line {
    add: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    path: String,
}

struct Sweep<'a> {
    folder: &'a Place,
    before: SystemTime,
    named: HashSet<PathBuf>,
    act: Act,
    swept: Swept,
}

impl Sweep<'_> {
    fn go(mut self) -> Result<Swept, LakeError> {
        if self.folder.is_remote() {
            self.objects()?
        } else {
            self.files()?
        }
        Ok(self.swept)
    }

    fn files(&mut self) -> Result<(), LakeError> {
        for entry in entries(self.folder, self.folder.folder())? {
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name == LOG_FOLDER {
                for draft in entries(self.folder, &path)? {
                    let name = draft.file_name();
                    let name = name.to_string_lossy();
                    if name.starts_with('.') && name.ends_with(".tmp") {
                        self.one(&draft)?;
                    }
                }
            } else if name.contains('=') && path.is_dir() {
                for file in entries(self.folder, &path)? {
                    self.unnamed(&file)?;
                }
                if self.act == Act::Remove {
                    // Fails, as it should, while a file lies in it.
                    let _ = fs::remove_dir(&path);
                }
            } else {
                self.unnamed(&entry)?;
            }
        }
        Ok(())
    }

    fn objects(&mut self) -> Result<(), LakeError> {
        let before = DateTime::<Utc>::from(self.before).timestamp();
        let left_behind = |file: &Listed| {
            let path = Path::new(&file.path);
            is_ours(path) && !self.named.contains(path) && file.stat.modified_ns.div_euclid(SECOND) < before
        };
        let gone: Vec<Listed> = self.folder.list()?.into_iter().filter(left_behind).collect();
        if self.act == Act::Remove {
            self.folder.remove_all(gone.iter().map(|file| file.path.as_str()))?;
            for file in &gone {
                // The copy of a file that is gone goes with the others that nobody uses.
                let _ = fs::remove_file(self.folder.folder().join(&file.path));
            }
        }
        self.swept = Swept { files: gone.len() as u64, bytes: gone.iter().map(|file| file.stat.size).sum() };
        Ok(())
    }

    fn unnamed(&mut self, entry: &DirEntry) -> Result<(), LakeError> {
        let path = entry.path();
        let Ok(below) = path.strip_prefix(self.folder.folder()) else { return Ok(()) };
        if !is_ours(below) || self.named.contains(below) {
            return Ok(());
        }
        self.one(entry)
    }

    fn one(&mut self, entry: &DirEntry) -> Result<(), LakeError> {
        let failed = |error| LakeError::disk(self.folder, self.act.doing(), error);
        let data = match entry.metadata() {
            Ok(data) => data,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if !data.is_file() || data.modified().map_err(failed)? >= self.before {
            return Ok(());
        }
        match if self.act == Act::Remove { fs::remove_file(entry.path()) } else { Ok(()) } {
            Ok(()) => {
                self.swept.files += 1;
                self.swept.bytes += data.len();
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        Ok(())
    }
}

impl Act {
    fn doing(self) -> &'static str {
        match self {
            Self::Count => "reading",
            Self::Remove => "removing leftovers of",
        }
    }
}

fn entries(folder: &Place, within: &Path) -> Result<Vec<DirEntry>, LakeError> {
    let listed = match fs::read_dir(within) {
        Ok(listed) => listed.collect::<Result<Vec<_>, _>>(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => Err(error),
    };
    listed.map_err(|error| LakeError::disk(folder, "removing leftovers of", error))
}
