//! The text of a definition, so that it can be kept and run again.

use super::digest::digest;
use super::{PIPELINE_FILE, file, texts};
use crate::definition::Pipeline;
use crate::diagnostic::Mistakes;
use std::collections::BTreeMap;

/// Text of each file by its path below the pipeline's folder, with `/`.
pub type DefinitionFiles = BTreeMap<String, String>;

impl Pipeline {
    /// The files that make up the definition, as they are now: [`digest_of`] tells whether they are still those
    /// that this was read from.
    pub fn files(&self) -> Result<DefinitionFiles, Mistakes> {
        let (mut files, mistakes) = texts::read(&self.folder);
        mistakes.none_or()?;
        files.insert(PIPELINE_FILE.to_owned(), file::read_text(&self.folder.join(PIPELINE_FILE))?);
        Ok(files)
    }
}

/// The digest that a definition of these files has.
pub fn digest_of(files: &DefinitionFiles) -> String {
    let mut rest = files.clone();
    let page = rest.remove(PIPELINE_FILE).unwrap_or_default();
    digest(&page, &rest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_have_the_digest_of_the_definition_and_make_it_again() {
        let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/sales_lakehouse");
        let read = Pipeline::read(&shipped).unwrap();
        let files = read.files().unwrap();
        assert_eq!(digest_of(&files), read.digest);
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in &files {
            let place = folder.path().join(path);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, text).unwrap();
        }
        let again = Pipeline::read(folder.path()).unwrap();
        assert_eq!(Pipeline { folder: shipped, ..again }, read);
        let mut other = files;
        other.insert("gold/more.sql".into(), "select 1".into());
        assert_ne!(digest_of(&other), read.digest);
    }
}
