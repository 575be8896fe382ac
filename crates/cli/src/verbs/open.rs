//! `assay open`: starts the window on this workspace.

use crate::desk::Desk;
use crate::exit;
use assay_contract::{Problem, ProblemKind};
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub fn run(desk: &Desk) -> Result<u8, Problem> {
    let window = window().ok_or_else(|| {
        exit::problem(
            ProblemKind::Missing,
            "The window is not installed beside this program.",
            "Build it with `npm run build:window`, or install the Assay package.",
        )
    })?;
    if cfg!(target_os = "linux")
        && std::env::var_os("DISPLAY").is_none()
        && std::env::var_os("WAYLAND_DISPLAY").is_none()
    {
        return Err(exit::problem(
            ProblemKind::Missing,
            "There is no display, so no window opens.",
            "Use the other verbs: `assay tables`, `assay runs`, `assay show last`.",
        ));
    }
    let engine = std::env::current_exe().map_err(|error| {
        exit::because("The program's own place is not known.", &error, "Start it by its full path.")
    })?;
    Command::new(&window)
        .arg("--workspace")
        .arg(&desk.workspace.root)
        .env("ASSAY_BIN", engine)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| {
            exit::because(
                format!("The window {} did not start.", window.display()),
                &error,
                "Build or install it again.",
            )
        })?;
    Ok(exit::DONE)
}

fn window() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok()?.with_file_name(format!("assay-window{}", std::env::consts::EXE_SUFFIX));
    let named = std::env::var_os("ASSAY_WINDOW").map(PathBuf::from);
    named.into_iter().chain([beside]).find(|path| path.is_file())
}
