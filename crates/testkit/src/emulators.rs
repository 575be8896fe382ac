//! Where the programs of the emulators are that tests run against.

use crate::TestkitError;
use rustix::fs::{FlockOperation, flock};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that `ASSAY_EMULATORS` names, as the test script does, or one in the target folder of the running test,
/// filled now with what `scripts/emulators.txt` pins. Several test programs at once fill it once.
pub fn folder() -> Result<PathBuf, TestkitError> {
    if let Some(folder) = std::env::var_os("ASSAY_EMULATORS") {
        return Ok(folder.into());
    }
    let folder = target()?.join("emulators");
    fs::create_dir_all(&folder).map_err(TestkitError::at(&folder))?;
    let lock = folder.join("lock");
    let held = File::create(&lock).map_err(TestkitError::at(&lock))?;
    flock(&held, FlockOperation::LockExclusive).map_err(|error| TestkitError::at(&lock)(error.into()))?;
    let wanted = crate::workspace::repository().join("scripts/emulators.txt");
    let pins = fs::read_to_string(&wanted).map_err(TestkitError::at(&wanted))?;
    let installed = folder.join("installed.txt");
    if !fs::read_to_string(&installed).is_ok_and(|there| there == pins) {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        run(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&wanted))?;
        fs::write(&installed, pins).map_err(TestkitError::at(&installed))?;
    }
    Ok(folder)
}

/// The target folder that the running test was built into.
fn target() -> Result<PathBuf, TestkitError> {
    let test = std::env::current_exe().map_err(TestkitError::at("the running test"))?;
    let deps = test.ancestors().find(|folder| folder.file_name() == Some(OsStr::new("deps")));
    let target = deps.and_then(Path::parent).and_then(Path::parent).map(Path::to_owned);
    target.ok_or_else(|| TestkitError::Emulator {
        what: test.display().to_string(),
        why: "it is no test of cargo".into(),
    })
}

fn run(command: &mut Command) -> Result<(), TestkitError> {
    let what = format!("{command:?}");
    let why = match command.output() {
        Ok(done) if done.status.success() => return Ok(()),
        Ok(done) => String::from_utf8_lossy(&done.stderr).into_owned(),
        Err(error) => format!("these tests need Python 3 with venv: {error}"),
    };
    Err(TestkitError::Emulator { what, why })
}
