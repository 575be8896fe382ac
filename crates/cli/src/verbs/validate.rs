//! `assay validate`: every mistake of every definition, with its place.

use crate::desk::Desk;
use crate::exit;
use crate::render::out::say;
use assay_contract::Problem;
use assay_pipeline::diagnostic::Mistake;

pub fn run(desk: &Desk, only: Option<&str>, json: bool) -> Result<u8, Problem> {
    let checked = match only {
        Some(name) => vec![(name.to_owned(), desk.checked(name)?)],
        None => desk
            .names()
            .into_iter()
            .map(|name| Ok((name.clone(), desk.checked(&name)?)))
            .collect::<Result<_, Problem>>()?,
    };
    let (mut wrong, mut notes) = (0, Vec::new());
    for (name, mistakes) in &checked {
        wrong += mistakes.len();
        let noted = desk.noted(name)?;
        if json {
            say!(
                "{}",
                serde_json::json!({ "pipeline": name, "mistakes": mistakes.iter().map(as_json).collect::<Vec<_>>(),
                    "notes": noted.iter().map(as_json).collect::<Vec<_>>() })
            );
        } else if mistakes.is_empty() {
            say!("{name}: no mistakes");
            notes.extend(noted);
        } else {
            for mistake in mistakes {
                say!("{mistake}\n");
            }
            say!("{name}: {}", crate::render::words::counted(mistakes.len() as u64, "mistake"));
        }
    }
    for note in &notes {
        say!("\nnote: {note}");
    }
    if !json && checked.is_empty() {
        say!(
            "There are no pipelines in {}. Run `assay init` to write the shipped ones.",
            desk.workspace.root.display()
        );
    }
    Ok(if wrong == 0 { exit::DONE } else { exit::FAILED })
}

fn as_json(mistake: &Mistake) -> serde_json::Value {
    serde_json::json!({
        "file": mistake.file, "line": mistake.line, "column": mistake.column, "width": mistake.width,
        "message": mistake.message, "suggestion": mistake.suggestion,
    })
}
