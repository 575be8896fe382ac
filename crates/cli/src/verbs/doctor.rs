//! `assay doctor`: checks the machine and the workspace, and says what to do.

mod lakes;

use crate::args::DoctorArgs;
use crate::desk::Desk;
use crate::exit;
use crate::local::retention::disk_use;
use crate::render::out::say;
use crate::render::words;
use assay_console::journal::Journal;
use assay_contract::Problem;
use std::fs;
use std::path::Path;

/// Free space below which a run may not end.
const LEAST_FREE: u64 = 1_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Mark {
    Fine,
    Note,
    Wrong,
}

#[derive(Debug, serde::Serialize)]
struct Finding {
    mark: Mark,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// Exit code 1 when something is wrong; a note does not count.
pub fn run(workspace: Option<&Path>, args: &DoctorArgs, json: bool) -> Result<u8, Problem> {
    if args.clear {
        let desk = Desk::open(workspace)?;
        desk.recover()?;
        let environment = desk.environment(&args.env)?;
        let found = lakes::clear(&desk, &environment, args.confirm.as_deref(), &args.reason)?;
        return Ok(print(&found, json));
    }
    let mut findings = machine();
    match Desk::open(workspace) {
        Ok(desk) => findings.extend(in_workspace(&desk)),
        Err(problem) => findings.push(failed(problem)),
    }
    Ok(print(&findings, json))
}

fn print(findings: &[Finding], json: bool) -> u8 {
    for finding in findings {
        if json {
            say!("{}", serde_json::to_string(finding).unwrap_or_default());
            continue;
        }
        let mark = match finding.mark {
            Mark::Fine => "ok   ",
            Mark::Note => "note ",
            Mark::Wrong => "wrong",
        };
        let below = |text: &str| text.replace('\n', "\n       ");
        say!("{mark}  {}", below(&finding.what));
        if let Some(advice) = &finding.advice {
            say!("       {}", below(advice));
        }
    }
    if findings.iter().any(|finding| finding.mark == Mark::Wrong) { exit::FAILED } else { exit::DONE }
}

fn machine() -> Vec<Finding> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found =
        vec![fine(format!("assay {}, {}", env!("CARGO_PKG_VERSION"), words::counted(cores as u64, "core")))];
    found.push(match assay_warehouse::programs() {
        Ok((place, major)) => fine(format!("PostgreSQL {major} in {}", place.display())),
        Err(error) => {
            note("PostgreSQL programs are missing: the warehouse stage needs them or a URL".into(), error.to_string())
        }
    });
    if cfg!(target_os = "linux")
        && std::env::var_os("DISPLAY").is_none()
        && std::env::var_os("WAYLAND_DISPLAY").is_none()
    {
        found.push(note(
            "There is no display: `assay open` opens no window".into(),
            "Every verb of the command line works without one.".into(),
        ));
    }
    if std::env::var_os("WEBKIT_DISABLE_DMABUF_RENDERER").is_some() {
        found.push(note(
            "WEBKIT_DISABLE_DMABUF_RENDERER is set: the window draws in software".into(),
            "Unset it unless the window stays blank without it.".into(),
        ));
    }
    found
}

fn in_workspace(desk: &Desk) -> Vec<Finding> {
    let mut found = vec![fine(format!("workspace {}", desk.workspace.root.display()))];
    found.push(writable(&desk.state()));
    found.extend(free(&desk.workspace.root));
    found.push(failing_rows(&desk.state()));
    for name in desk.names() {
        found.push(match desk.checked(&name) {
            Ok(mistakes) if mistakes.is_empty() => fine(format!("pipeline {name}: no mistakes")),
            Ok(mistakes) => wrong(
                format!("pipeline {name}: {}", words::counted(mistakes.len() as u64, "mistake")),
                format!("Run `assay validate {name}`."),
            ),
            Err(problem) => failed(problem),
        });
    }
    if desk.names().is_empty() {
        found.push(wrong("there are no pipelines".into(), "Run `assay init` to write the shipped ones.".into()));
    }
    found.push(match desk.journal().and_then(|journal| journal.actions(1)) {
        Ok(_) => fine("the journal can be read".into()),
        Err(problem) => failed(problem),
    });
    found.extend(lakes::look(desk));
    found
}

fn writable(state: &Path) -> Finding {
    let probe = state.join(".doctor");
    let tried = fs::create_dir_all(state).and_then(|()| fs::write(&probe, b"")).and_then(|()| fs::remove_file(&probe));
    match tried {
        Ok(()) => fine(format!("{} can be written", state.display())),
        Err(error) => wrong(
            format!("{} cannot be written: {error}", state.display()),
            "Give this user the right to write there.".into(),
        ),
    }
}

fn failing_rows(state: &Path) -> Finding {
    match disk_use(state) {
        Ok((0, _)) => fine("no run keeps failing rows".into()),
        Ok((runs, bytes)) => {
            fine(format!("failing rows of {} take {}", words::counted(runs, "run"), words::size(bytes)))
        }
        Err(error) => wrong(
            format!("failing rows in {} cannot be read: {error}", state.join("runs").display()),
            "Give this user the right to read there.".into(),
        ),
    }
}

fn free(root: &Path) -> Option<Finding> {
    let disk = rustix::fs::statvfs(root).ok()?;
    let bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    let text = format!("{} free on the workspace's disk", words::size(bytes));
    Some(if bytes < LEAST_FREE {
        wrong(text, "Free some space: a run writes new files before it drops old ones.".into())
    } else {
        fine(text)
    })
}

/// With its reasons: the advice may speak of them.
fn failed(problem: Problem) -> Finding {
    let what = std::iter::once(problem.message).chain(problem.causes).collect::<Vec<_>>().join("\n");
    Finding { mark: Mark::Wrong, what, advice: problem.advice }
}

fn fine(what: String) -> Finding {
    Finding { mark: Mark::Fine, what, advice: None }
}

fn note(what: String, advice: String) -> Finding {
    Finding { mark: Mark::Note, what, advice: Some(advice) }
}

fn wrong(what: String, advice: String) -> Finding {
    Finding { mark: Mark::Wrong, what, advice: Some(advice) }
}
