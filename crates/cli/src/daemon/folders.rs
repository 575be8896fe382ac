//! Events of the file system below the folders of a pipeline's sources. They only wake the daemon earlier.

use super::Word;
use assay_pipeline::Pipeline;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

pub(super) struct Folders {
    pipeline: String,
    /// The pipeline's lake folder.
    root: PathBuf,
    wanted: BTreeSet<PathBuf>,
    /// Folders that are watched, and whether with what lies below them.
    armed: BTreeMap<PathBuf, bool>,
    watcher: Option<RecommendedWatcher>,
    tell: Sender<Word>,
}

impl Folders {
    pub(super) fn new(pipeline: &Pipeline, root: PathBuf, tell: Sender<Word>) -> Self {
        let wanted = wanted(pipeline, &root);
        Self { pipeline: pipeline.name.clone(), root, wanted, armed: BTreeMap::new(), watcher: None, tell }
    }

    pub(super) fn define(&mut self, pipeline: &Pipeline) {
        self.wanted = wanted(pipeline, &self.root);
    }

    /// Watches the folders that are there, and above one that is not yet the nearest that is. Gives the trouble when
    /// the system does not let it: then only looks from time to time find new files.
    pub(super) fn arm(&mut self) -> Option<String> {
        let targets: BTreeMap<PathBuf, bool> = self.wanted.iter().filter_map(|folder| self.target(folder)).collect();
        if targets == self.armed {
            return None;
        }
        let failed = |error: &notify::Error| {
            format!("the system gives no events of its folders ({error}); new files are found by looking at times")
        };
        // A new watcher: folders that were removed and made again must not be taken for watched.
        let (tell, pipeline) = (self.tell.clone(), self.pipeline.clone());
        let told = move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_change(&event.kind)) {
                // Nobody listens any more when the program ends.
                drop(tell.send(Word::Moved(pipeline.clone())));
            }
        };
        let mut watcher = match notify::recommended_watcher(told) {
            Ok(watcher) => watcher,
            Err(error) => return Some(failed(&error)),
        };
        let mut trouble = None;
        self.armed.clear();
        for (folder, below) in targets {
            let mode = if below { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            match watcher.watch(&folder, mode) {
                Ok(()) => drop(self.armed.insert(folder, below)),
                Err(error) => trouble = Some(failed(&error)),
            }
        }
        self.watcher = Some(watcher);
        trouble
    }

    fn target(&self, folder: &Path) -> Option<(PathBuf, bool)> {
        let there =
            folder.ancestors().take_while(|above| above.starts_with(&self.root)).find(|above| above.is_dir())?;
        Some((there.to_path_buf(), there == folder))
    }
}

/// The folders of the sources, down to the first part that stands for several.
fn wanted(pipeline: &Pipeline, root: &Path) -> BTreeSet<PathBuf> {
    let folder = |path: &str| {
        let plain = path.split('/').filter(|part| !part.is_empty()).take_while(|part| !part.contains('*'));
        plain.fold(root.to_path_buf(), |folder, part| folder.join(part))
    };
    pipeline.sources.iter().map(|source| folder(&source.path)).collect()
}

fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}
