//! The pipelines that ship inside the program, and the settings file of a new workspace.

use include_dir::{Dir, include_dir};
use std::fs;
use std::path::Path;

static PIPELINES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../pipelines");

const SETTINGS: &str = include_str!("settings.toml");

/// Names of the shipped pipelines.
pub fn names() -> Vec<String> {
    PIPELINES.dirs().filter_map(|dir| Some(dir.path().file_name()?.to_string_lossy().into_owned())).collect()
}

/// Writes what a new workspace holds and does not have yet; gives the files written. Never overwrites.
pub fn write(root: &Path) -> std::io::Result<Vec<String>> {
    let mut written = Vec::new();
    let mut put = |path: &Path, bytes: &[u8]| -> std::io::Result<()> {
        let target = root.join(path);
        if target.exists() {
            return Ok(());
        }
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&target, bytes)?;
        written.push(path.display().to_string());
        Ok(())
    };
    put(Path::new(".gitignore"), b".assay/\n")?;
    let mut folders = vec![&PIPELINES];
    while let Some(folder) = folders.pop() {
        for file in folder.files() {
            put(&Path::new("pipelines").join(file.path()), file.contents())?;
        }
        folders.extend(folder.dirs());
    }
    // Last: a folder is a workspace only when everything else is there.
    put(Path::new("assay.toml"), SETTINGS.as_bytes())?;
    Ok(written)
}
