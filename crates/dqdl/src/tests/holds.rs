//! What holds for every text, whoever wrote it. The tests and the fuzz target share it.

use assay_dqdl::{Edited, canonical, edit, format, parse, print};

/// Panics where the language does not keep its promises.
pub fn holds(text: &str) {
    let edited = edit(text);
    lossless(text, &edited);
    for fault in edited.faults.iter().chain(&edited.lints) {
        assert!(text.get(fault.span.clone()).is_some(), "{fault:?} is not in the text");
        if let Some(fix) = &fault.fix {
            assert!(fix.edits.iter().all(|edit| text.get(edit.span.clone()).is_some()), "{fault:?}");
            fix.apply(text);
        }
    }
    assert!(edited.steps <= 4 * text.len() as u64 + 16, "{} steps for {} bytes", edited.steps, text.len());
    match parse(text) {
        Err(faults) => assert!(!faults.is_empty() && !edited.faults.is_empty()),
        Ok(tree) => {
            assert!(edited.faults.is_empty() && edited.tree.as_ref() == Some(&tree), "two readings");
            assert!(!canonical::ruleset(&tree).is_empty());
            match format(text) {
                Ok(done) => {
                    assert_eq!(format(&done).as_ref(), Ok(&done), "layout moves");
                    assert_eq!(parse(&print(&tree)).map(|again| again.unplaced()), Ok(tree.unplaced()));
                }
                // Only a text that the end of the document closes cannot be moved.
                Err(_) => assert!(text.contains("\\\""), "not laid out: {text}"),
            }
        }
    }
}

/// The tokens are the text, one behind the other.
fn lossless(text: &str, edited: &Edited) {
    assert_eq!(edited.syntax.text(text), text, "tokens lose something");
    let mut at = 0;
    for token in edited.syntax.tokens() {
        assert_eq!(token.span.start, at, "tokens overlap");
        at = token.span.end;
    }
    assert_eq!(at, text.len());
}
