//! Files whose content is read under another path.

use crate::bronze::Surveyed;
use crate::silver::ingest::PathOf;
use std::collections::{BTreeMap, BTreeSet};

/// Which of the files are copies, and of which file.
///
/// Of equal contents that one is read which the run has read already, else the one that the ledger knows, else the
/// one with the smallest path. A path that the ledger knows counts only while its file holds that content, or is no
/// part of the run.
pub(crate) fn copies(
    files: &BTreeSet<String>,
    surveyed: &BTreeMap<String, Surveyed>,
    read: &BTreeSet<&str>,
    copies: &BTreeMap<String, String>,
    known: PathOf<'_>,
) -> Vec<(String, String)> {
    let tag = |path: &str| surveyed.get(path).map(|file| file.tag.as_str());
    let of_read = read.iter().filter(|path| !copies.contains_key(**path)).filter_map(|path| Some((tag(path)?, *path)));
    let mut originals: BTreeMap<&str, String> = of_read.map(|(tag, path)| (tag, path.to_owned())).collect();
    let mut found = Vec::new();
    for path in files.iter().filter(|path| !copies.contains_key(*path)) {
        let Some(own) = tag(path) else { continue };
        let original = originals.entry(own).or_insert_with(|| {
            let ledger = known(own).filter(|known| tag(known).is_none_or(|tag| tag == own));
            ledger.unwrap_or_else(|| path.clone())
        });
        if original != path {
            found.push((path.clone(), original.clone()));
        }
    }
    found
}
