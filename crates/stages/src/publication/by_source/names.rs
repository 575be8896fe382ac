//! Which source has which output: names last for ever, and one content has one output.

use super::Copying;
use crate::error::StageError;
use crate::publication::form::ending;
use crate::publication::record::Output;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use xxhash_rust::xxh3::Xxh3;

const TIME: &str = "{time}";

/// Gives every source with rows its output. Marks what has to be written or removed for it.
pub(super) fn assign(copying: &mut Copying<'_>, pattern: &str) -> Result<(), StageError> {
    tag(copying)?;
    adopt_form(copying)?;
    let doubles = doubles(&copying.record.sources);
    for (path, output) in &mut copying.record.sources {
        let double = doubles.contains(path);
        output.whole &= output.double == double;
        output.double = double;
    }
    let mut taken = copying.place.names()?;
    taken.extend(copying.record.sources.values().filter_map(|output| output.name.clone()));
    let nameless = |output: &Output| output.name.is_none() && !output.rows.is_empty() && !output.double;
    let paths: Vec<String> =
        copying.record.sources.iter().filter(|(_, output)| nameless(output)).map(|(path, _)| path.clone()).collect();
    for path in paths {
        let name = match inherit(&mut copying.record.sources, &path) {
            Some(name) => name,
            None => free(pattern, copying.job.processed_at, &mut taken)?,
        };
        if let Some(output) = copying.record.sources.get_mut(&path) {
            output.name = Some(name);
            output.whole = false;
        }
    }
    copying.record.pattern = pattern.replace(TIME, "*");
    Ok(())
}

/// Every source whose rows are new or different gets the tag of its content.
fn tag(copying: &mut Copying<'_>) -> Result<(), StageError> {
    let lake = copying.job.lake.pipeline_folder(&copying.job.table.pipeline);
    for (path, output) in &mut copying.record.sources {
        if output.rows.is_empty() || (output.whole && output.tag.is_some()) {
            continue;
        }
        let known = (copying.job.tags)(path);
        output.tag = match known {
            Some(tag) => Some(tag),
            None if output.tag.is_some() => continue,
            None => match lake.join(path).open()? {
                Some(file) => Some(read_tag(file).map_err(|error| StageError::copy(path, error))?),
                None => None,
            },
        };
    }
    Ok(())
}

fn read_tag(mut file: File) -> io::Result<String> {
    struct Hash(Xxh3);
    impl Write for Hash {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hash = Hash(Xxh3::new());
    io::copy(&mut file, &mut hash)?;
    Ok(format!("{:032x}", hash.0.digest128()))
}

/// Sources whose content another source's output shows: the one that has an output already, or the first by path.
fn doubles(sources: &BTreeMap<String, Output>) -> BTreeSet<String> {
    let mut owners: BTreeMap<&str, (bool, bool, &String)> = BTreeMap::new();
    let rank = |path, output: &Output| (output.double, output.name.is_none(), path);
    let tagged = || {
        let alive = sources.iter().filter(|(_, output)| !output.rows.is_empty());
        alive.filter_map(|(path, output)| Some((output.tag.as_deref()?, path, output)))
    };
    for (tag, path, output) in tagged() {
        let owner = owners.entry(tag).or_insert_with(|| rank(path, output));
        *owner = (*owner).min(rank(path, output));
    }
    tagged()
        .filter(|(tag, path, _)| owners.get(tag).is_some_and(|owner| owner.2 != *path))
        .map(|it| it.1.clone())
        .collect()
}

/// The name under which the same content was shown before, by a source that is gone.
fn inherit(sources: &mut BTreeMap<String, Output>, path: &str) -> Option<String> {
    let tag = sources.get(path)?.tag.clone()?;
    let gone =
        |output: &&mut Output| output.rows.is_empty() && output.tag.as_ref() == Some(&tag) && output.name.is_some();
    sources.values_mut().find(gone)?.name.take()
}

/// Names with another ending than the form's get the form's: the file of the old name goes.
fn adopt_form(copying: &mut Copying<'_>) -> Result<(), StageError> {
    let ending = ending(copying.form);
    for output in copying.record.sources.values_mut() {
        let Some((stem, old)) = output.name.as_ref().and_then(|name| name.rsplit_once('.')) else { continue };
        if old != ending {
            let renamed = format!("{stem}.{ending}");
            copying.done.removed += u64::from(copying.place.remove(output.name.as_deref().unwrap_or_default())?);
            output.name = Some(renamed);
            output.whole = false;
        }
    }
    Ok(())
}

/// The pattern with the first second from `at` on whose name nobody has.
fn free(pattern: &str, at: DateTime<Utc>, taken: &mut BTreeSet<String>) -> Result<String, StageError> {
    if !pattern.contains(TIME) || pattern.contains('/') || pattern.starts_with('.') {
        return Err(StageError::CopyName { name: pattern.to_owned() });
    }
    let mut at = at;
    loop {
        let name = pattern.replace(TIME, &at.format("%Y%m%d_%H%M%S").to_string());
        if taken.insert(name.clone()) {
            return Ok(name);
        }
        at += TimeDelta::seconds(1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_taken_second_gives_the_next_free_one() {
        let at = DateTime::from_timestamp(1_700_006_399, 0).unwrap();
        let mut taken = BTreeSet::from(["o_20231115_000000.csv".to_owned()]);
        let names: Vec<String> = (0..3).map(|_| free("o_{time}.csv", at, &mut taken).unwrap()).collect();
        assert_eq!(names, ["o_20231114_235959.csv", "o_20231115_000001.csv", "o_20231115_000002.csv"]);
        for refused in ["o.csv", "a/{time}.csv", ".{time}.csv"] {
            assert!(free(refused, at, &mut taken).is_err(), "{refused}");
        }
    }
}
