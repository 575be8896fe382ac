//! A file that is being read, and the mistakes found in it so far.

use crate::diagnostic::{Mistake, Mistakes, TextMistake, closest};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One file shows at most so many mistakes; the rest are counted.
const SHOWN: usize = 100;

pub(crate) struct Page<'t> {
    file: PathBuf,
    text: &'t str,
    mistakes: Vec<Mistake>,
    unshown: usize,
}

impl<'t> Page<'t> {
    pub(crate) fn new(file: &Path, text: &'t str) -> Self {
        Self { file: file.to_owned(), text, mistakes: Vec::new(), unshown: 0 }
    }

    pub(crate) fn mistake(&mut self, range: Range<usize>, message: impl Into<String>) {
        self.add(range, message.into(), None);
    }

    pub(crate) fn suggest(&mut self, range: Range<usize>, message: impl Into<String>, meant: Option<String>) {
        self.add(range, message.into(), meant);
    }

    /// A word that is none of the candidates.
    pub(crate) fn misspelt<'a>(
        &mut self,
        range: Range<usize>,
        message: impl Into<String>,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) {
        let suggestion = if self.is_full() { None } else { closest(word, candidates).map(str::to_owned) };
        self.add(range, message.into(), suggestion);
    }

    /// A mistake inside a quoted text whose quotes and content lie at `place`.
    pub(crate) fn inside(&mut self, place: &Range<usize>, value: &str, mistake: TextMistake) {
        let range = inner(&self.text[place.clone()], value).map_or(place.clone(), |start| {
            let start = place.start + start;
            start + mistake.range.start..start + mistake.range.end
        });
        self.add(range, mistake.message, mistake.suggestion);
    }

    /// Every mistake in the order of the text, with a last one that counts those not shown.
    pub(crate) fn into_mistakes(mut self) -> Mistakes {
        self.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        if self.unshown > 0 {
            let message = format!("{} more mistakes are not shown", self.unshown);
            self.mistakes.push(Mistake::in_file(&self.file, message));
        }
        Mistakes(self.mistakes)
    }

    fn is_full(&self) -> bool {
        self.mistakes.len() >= SHOWN
    }

    fn add(&mut self, range: Range<usize>, message: String, suggestion: Option<String>) {
        if self.is_full() {
            self.unshown += 1;
        } else {
            self.mistakes.push(Mistake::at(&self.file, self.text, range, message).with_suggestion(suggestion));
        }
    }
}

/// Where the value begins in its quoted form; nothing when escapes make the two differ.
fn inner(quoted: &str, value: &str) -> Option<usize> {
    ["\"\"\"", "'''", "\"", "'"].into_iter().find_map(|quote| {
        let content = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
        let trimmed = content.strip_prefix("\r\n").or(content.strip_prefix('\n')).unwrap_or(content);
        [content, trimmed].into_iter().find(|text| *text == value).map(|text| quote.len() + content.len() - text.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_inside_a_text_count_its_quotes() {
        for (quoted, value, expected) in [
            ("\"a > b\"", "a > b", Some(1)),
            ("'a > b'", "a > b", Some(1)),
            ("'''\na > b'''", "a > b", Some(4)),
            ("\"\"\"a\n> b\"\"\"", "a\n> b", Some(3)),
            ("\"a \\u003e b\"", "a > b", None),
        ] {
            assert_eq!(inner(quoted, value), expected, "{quoted}");
        }
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let mut page = Page::new(Path::new("a.toml"), "text");
        for _ in 0..SHOWN + 7 {
            page.mistake(0..1, "wrong");
        }
        let mistakes = page.into_mistakes().0;
        assert_eq!(mistakes.len(), SHOWN + 1);
        assert_eq!(mistakes[SHOWN].to_string(), "a.toml: 7 more mistakes are not shown");
    }
}
