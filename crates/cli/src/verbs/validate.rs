//! `assay validate`: every mistake of every definition, with its place.

use crate::desk::Desk;
use crate::exit;
use crate::render::out::say;
use crate::render::words;
use assay_contract::Problem;
use assay_pipeline::diagnostic::Mistake;

/// Lines that are named of places with the same note.
const LINES: usize = 10;

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
    for note in said_once(&notes) {
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

/// The notes, those of one file that say the same as one, with the lines of the others.
fn said_once(notes: &[Mistake]) -> Vec<String> {
    let alike = |left: &Mistake, right: &Mistake| left.file == right.file && left.message == right.message;
    let first = |(at, note): &(usize, &Mistake)| !notes[..*at].iter().any(|before| alike(before, note));
    let said = |(at, note): (usize, &Mistake)| {
        let others: Vec<String> =
            notes[at + 1..].iter().filter(|other| alike(note, other)).map(|other| other.line.to_string()).collect();
        match others.len() {
            0 => note.to_string(),
            1 => format!("{note}\nThe same in line {}.", others[0]),
            count if count <= LINES => format!("{note}\nThe same in lines {}.", others.join(", ")),
            count => format!(
                "{note}\nThe same in lines {} and {} more.",
                others[..LINES].join(", "),
                words::count((count - LINES) as u64)
            ),
        }
    };
    notes.iter().enumerate().filter(first).map(said).collect()
}

fn as_json(mistake: &Mistake) -> serde_json::Value {
    serde_json::json!({
        "file": mistake.file, "line": mistake.line, "column": mistake.column, "width": mistake.width,
        "message": mistake.message, "suggestion": mistake.suggestion,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::path::PathBuf;

    fn note(line: usize, message: &str) -> Mistake {
        Mistake {
            file: PathBuf::from("sales.dqdl"),
            line,
            column: 1,
            width: 1,
            source_line: "x".into(),
            caret: 1,
            message: message.to_owned(),
            suggestion: None,
        }
    }

    #[test]
    fn a_note_of_many_places_is_said_once() {
        let mut notes: Vec<Mistake> = (1..=14).map(|line| note(line, "Both ends are left out.")).collect();
        notes.insert(3, note(3, "Every row is asked."));
        let said = said_once(&notes);
        assert_eq!(said.len(), 2);
        assert!(said[0].ends_with("\nThe same in lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more."), "{}", said[0]);
        assert!(said[1].starts_with("sales.dqdl:3:1: Every row is asked."), "{}", said[1]);
        assert_eq!(said_once(&notes[..2])[0].lines().last().unwrap(), "The same in line 2.");
    }
}
