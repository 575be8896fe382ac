//! Lists the files of a source whose lake is in a bucket: the keys below a prefix, judged as folders and files are.

use crate::bronze::discover::{Discovered, FoundFile, date_of, left_out, matches};
use crate::error::StageError;
use assay_lake::{Listed, Place};
use assay_pipeline::Source;
use std::collections::{BTreeSet, HashSet};

/// The object that lies in the folder of a landing while its files are sent.
pub const SENDING: &str = "_sending";

/// More folders are found sooner in one listing of all.
const FOLDERS: usize = 32;

/// The files below the folders that the source's path describes.
pub(super) fn discover(source: &Source, lake: &Place) -> Result<Discovered, StageError> {
    let plain =
        source.path.split('/').filter(|segment| !segment.is_empty()).take_while(|segment| !segment.contains('*'));
    let mut sieve = Sieve::new(source);
    sieve.list(lake, &plain.collect::<Vec<_>>().join("/"))?;
    Ok(sieve.sorted())
}

/// The files of these folders, and those at these paths.
pub(super) fn within(
    source: &Source,
    lake: &Place,
    folders: &[String],
    paths: &BTreeSet<&str>,
) -> Result<Discovered, StageError> {
    let mut sieve = Sieve::new(source);
    if folders.len() > FOLDERS {
        sieve = Sieve { found: discover(source, lake)?, ..sieve };
        let wanted = |path: &str| {
            let inside = |folder: &String| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
            paths.contains(path) || folders.iter().any(inside)
        };
        sieve.found.files.retain(|file| wanted(&file.path));
        return Ok(sieve.found);
    }
    for folder in folders {
        sieve.list(lake, folder)?;
    }
    let listed: HashSet<String> = sieve.found.files.iter().map(|file| file.path.clone()).collect();
    for path in paths.iter().filter(|path| !listed.contains(**path)) {
        if let Some(stat) = lake.join(path).stat()? {
            let mut one = Sieve::new(source);
            one.take(Listed { path: (*path).to_owned(), stat });
            sieve.found.files.extend(one.found.files);
        }
    }
    Ok(sieve.sorted())
}

struct Sieve<'a> {
    source: &'a Source,
    pattern: Vec<&'a str>,
    found: Discovered,
    /// Folders and files that were left out already.
    left: BTreeSet<String>,
}

impl<'a> Sieve<'a> {
    fn new(source: &'a Source) -> Self {
        let pattern = source.path.split('/').filter(|segment| !segment.is_empty()).collect();
        Self { source, pattern, found: Discovered::default(), left: BTreeSet::new() }
    }

    fn list(&mut self, lake: &Place, folder: &str) -> Result<(), StageError> {
        let full = |path: &str| if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") };
        let listed = lake.join(folder).list()?;
        let names = listed.iter().map(|file| full(&file.path));
        let halves: HashSet<String> =
            names.filter_map(|path| Some(path.strip_suffix(SENDING)?.strip_suffix('/')?.to_owned())).collect();
        for Listed { path, stat } in listed {
            let path = full(&path);
            match path.rsplit_once('/').filter(|(above, _)| halves.contains(*above)) {
                Some((above, _)) => self.leave(above.to_owned()),
                None => self.take(Listed { path, stat }),
            }
        }
        Ok(())
    }

    fn take(&mut self, file: Listed) {
        let names: Vec<&str> = file.path.split('/').collect();
        let mut end = 0;
        for (at, name) in names.iter().enumerate() {
            end += name.len() + usize::from(at > 0);
            let is_folder = at + 1 < names.len();
            let described = match self.pattern.get(at) {
                Some(segment) if segment.contains('*') && left_out(name) => false,
                Some(segment) if is_folder && matches(segment, name) => true,
                // Above the source's own folders other things of the pipeline lie; they are not the source's.
                Some(segment) if !segment.contains('*') => return,
                Some(_) => false,
                None => !left_out(name),
            };
            if !described {
                return self.leave(file.path[..end].to_owned());
            }
        }
        let Listed { path, stat } = file;
        let folder_date = date_of(self.source, &path, Some(stat.modified_ns));
        self.found.files.push(FoundFile { size: stat.size, modified_ns: stat.modified_ns, path, folder_date });
    }

    fn leave(&mut self, path: String) {
        if self.left.insert(path.clone()) {
            self.found.leave_out(path);
        }
    }

    fn sorted(mut self) -> Discovered {
        self.found.files.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
        self.found
    }
}
