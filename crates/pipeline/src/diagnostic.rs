//! Mistakes in a definition, each with its place, the line, a caret and a suggestion.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// Longer lines are shown cut, so that a file on one line does not repeat itself in every mistake.
const LINE_LIMIT: usize = 200;
/// In characters.
const MESSAGE_LIMIT: usize = 1000;

/// One mistake in a file of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub file: PathBuf,
    /// From 1; 0 when the mistake is the whole file's.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// In characters, at least 1 when there is a line.
    pub width: usize,
    /// The line without its end; of a long one the part around the place; cut where a password begins.
    pub source_line: Box<str>,
    /// Where the place is in `source_line`, in characters, from 1.
    pub caret: usize,
    pub message: String,
    /// The word that was probably meant, or what to do as a phrase.
    pub suggestion: Option<String>,
}

impl Mistake {
    /// Takes a byte range of `text`, which is the file's content; what lies outside is moved to the nearest place inside.
    pub fn at(file: impl Into<PathBuf>, text: &str, range: Range<usize>, message: impl Into<String>) -> Self {
        let start = text.floor_char_boundary(range.start.min(text.len()));
        let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = 1 + text[..start].matches('\n').count();
        let column = 1 + text[line_start..start].chars().count();
        let width = text[start..end.min(line_end)].trim_end_matches('\r').chars().count().max(1);
        let (source_line, caret) = shown(&text[line_start..line_end], column);
        Self { file: file.into(), line, column, width, source_line, caret, message: message.into(), suggestion: None }
    }

    /// Takes a place as line and column (both from 1, in characters) of `text`, as another parser counts them.
    pub fn at_line(
        file: impl Into<PathBuf>,
        text: &str,
        line: usize,
        column: usize,
        width: usize,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) -> Self {
        let (source_line, caret) = shown(text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default(), column);
        Self {
            file: file.into(),
            line: line.max(1),
            column: column.max(1),
            width: width.max(1),
            source_line,
            caret,
            message: message.into(),
            suggestion,
        }
    }

    /// A mistake of the file or folder itself: missing, unreadable, too large.
    pub fn in_file(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            width: 0,
            source_line: Box::default(),
            caret: 0,
            message: message.into(),
            suggestion: None,
        }
    }

    pub fn with_suggestion(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        if self.line == 0 {
            write!(f, "{file}: {}", cut(&self.message))?;
        } else {
            writeln!(f, "{file}:{}:{}: {}", self.line, self.column, cut(&self.message))?;
            writeln!(f, "{}", self.source_line)?;
            write!(f, "{}", carets(&self.source_line, self.caret, self.width))?;
        }
        match &self.suggestion {
            Some(phrase) if phrase.contains(' ') => write!(f, "\nhelp: {}", plain(phrase)),
            Some(word) => write!(f, "\nhelp: did you mean `{}`?", plain(word)),
            None => Ok(()),
        }
    }
}

/// Every mistake that was found, in the order of the files' text. Never empty as an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// Nothing when there was no mistake.
    pub fn none_or(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// A mistake inside a short text (an expression, a type, a range), before its place in a file is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TextMistake {
    /// Bytes of the short text.
    pub range: Range<usize>,
    pub message: String,
    pub suggestion: Option<String>,
}

impl TextMistake {
    pub(crate) fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self { range, message: message.into(), suggestion: None }
    }

    pub(crate) fn suggesting(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }
}

/// The candidate that `word` most probably stands for.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A name is short; comparing a long text with every candidate would cost its square.
    if word.len() > 100 {
        return None;
    }
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            let longest = lower.chars().count().max(candidate.len());
            *distance < longest && *distance <= longest.div_ceil(3)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn carets(source_line: &str, column: usize, width: usize) -> String {
    let pad = source_line.chars().take(column.saturating_sub(1)).map(|c| if c == '\t' { '\t' } else { ' ' });
    let mut line: String = pad.collect();
    let left = source_line.chars().count().saturating_sub(column.saturating_sub(1));
    line.extend(std::iter::repeat_n('^', width.min(left.max(1))));
    line
}

/// What is shown of a line, and where the place at the column is in it.
fn shown(line: &str, column: usize) -> (Box<str>, usize) {
    let line = line.trim_end_matches('\r');
    let (line, ending) = match secret_start(line) {
        Some(at) => (&line[..at], "***"),
        None => (line, ""),
    };
    let before = match column {
        near if near <= LINE_LIMIT => 0,
        far => far - 1 - LINE_LIMIT / 2,
    };
    let nth = |count: usize| line.char_indices().nth(count).map_or(line.len(), |(at, _)| at);
    let (from, to) = (nth(before), nth(before + LINE_LIMIT));
    let start = if before > 0 { "…" } else { "" };
    let ending = if to < line.len() { "…" } else { ending };
    let caret = column.max(1) - before + start.chars().count();
    (format!("{start}{}{ending}", plain(&line[from..to])).into(), caret)
}

/// A message without control characters; a name in it can be as long as a file.
fn cut(message: &str) -> String {
    let message = plain(message);
    match message.char_indices().nth(MESSAGE_LIMIT) {
        Some((at, _)) => format!("{}…", &message[..at]),
        None => message,
    }
}

/// Control characters of a definition must not reach a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Where a password may begin: rather too early than too late.
fn secret_start(line: &str) -> Option<usize> {
    let in_url = line.match_indices("://").find_map(|(at, found)| {
        let start = at + found.len();
        let rest = &line[start..];
        let colon = rest.find([':', '/', '?', '#']).filter(|at| rest.as_bytes()[*at] == b':')?;
        let after = &rest[colon + 1..];
        let port = after.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_port = port.starts_with(['/', '?', '#', '"', '\'']) || port.is_empty();
        (!is_port || port.contains('@')).then_some(start + colon + 1)
    });
    let lower = line.to_ascii_lowercase();
    let named = ["password", "passwd", "pwd", "secret"].into_iter().filter_map(|word| {
        lower.match_indices(word).find_map(|(at, _)| {
            let rest = &lower[at + word.len()..];
            let value = rest.trim_start_matches(['"', '\'', ' ', '\t']).strip_prefix('=')?;
            Some(line.len() - value.len())
        })
    });
    in_url.into_iter().chain(named).min()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn carets_stand_below_the_place() {
        let mistake = Mistake::at("a.toml", "one\r\n\ttwo = é three\n", 12..20, "not a number");
        insta::assert_snapshot!(mistake.clone().with_suggestion(Some("3".into())), @r#"
        a.toml:2:8: not a number
        	two = é three
        	      ^^^^^^^
        help: did you mean `3`?
        "#);
        assert_eq!((mistake.line, mistake.column, mistake.width), (2, 8, 7));
        assert_eq!(Mistake::at("a.toml", "é = x", 5..6, "m").column, 5, "columns count characters");
    }

    #[test]
    fn a_place_counted_by_another_parser_shows_the_same_line() {
        let text = "select\n  total\n";
        assert_eq!(Mistake::at_line("a.sql", text, 2, 3, 5, "m", None), Mistake::at("a.sql", text, 9..14, "m"));
    }

    #[test]
    fn passwords_are_not_shown() {
        for (line, expected) in [
            ("warehouse = \"postgresql://loader:open/sesame@db/x\" # m", "warehouse = \"postgresql://loader:***"),
            ("w = \"postgres://db/x?user=u&password=sesame\"", "w = \"postgres://db/x?user=u&password=***"),
            ("w = \"host=db PASSWORD = sesame\"", "w = \"host=db PASSWORD =***"),
            ("\"password\" = \"sesame\"", "\"password\" =***"),
            ("w = \"postgres://l:1234@db/x\"", "w = \"postgres://l:***"),
            ("w = \"postgres://l@db:5432/x\"", "w = \"postgres://l@db:5432/x\""),
            ("w = \"https://db/x:y\"", "w = \"https://db/x:y\""),
        ] {
            assert_eq!(Mistake::at("assay.toml", line, 0..1, "m").source_line.as_ref(), expected);
        }
    }

    #[test]
    fn a_long_line_is_cut_and_control_characters_do_not_reach_the_terminal() {
        let mistake = Mistake::at("a", &"x".repeat(1000), 900..910, "m");
        assert_eq!(mistake.source_line.chars().count(), LINE_LIMIT + 1);
        let mistake = Mistake::at("a", &format!("{}bad{}", "x".repeat(500), "y".repeat(500)), 500..503, "m");
        let said = mistake.to_string();
        let [place, line, carets] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
        assert_eq!(place, "a:1:501: m");
        let marked = line.chars().zip(carets.chars()).filter(|(_, caret)| *caret == '^').map(|(c, _)| c);
        assert_eq!(marked.collect::<String>(), "bad");
        assert!(line.starts_with("…x") && line.ends_with("y…") && line.chars().count() == LINE_LIMIT + 2, "{line}");
        let mistake = Mistake::in_file("a", "é".repeat(70_000));
        assert_eq!(mistake.to_string().chars().count(), "a: ".len() + MESSAGE_LIMIT + 1);
        let mistake = Mistake::at("a", "a\u{1b}[2J", 0..1, "no `\u{1b}`").with_suggestion(Some("\u{7}".into()));
        assert_eq!(mistake.to_string(), "a:1:1: no `\u{fffd}`\na\u{fffd}[2J\n^\nhelp: did you mean `\u{fffd}`?");
    }

    #[test]
    fn suggests_what_is_near_and_nothing_else() {
        let words = ["transaction_id", "store_id", "store_name", "date"];
        assert_eq!(closest("stor_id", words), Some("store_id"));
        assert_eq!(closest("Date", words), Some("date"));
        assert_eq!(closest("quantity", words), None);
    }

    proptest! {
        #[test]
        fn any_range_of_any_text_has_a_place(text in "(?s).{0,40}", start in 0usize..80, length in 0usize..80) {
            let mistake = Mistake::at("a", &text, start..start + length, "m");
            prop_assert!(mistake.line >= 1 && mistake.column >= 1 && mistake.width >= 1);
            prop_assert!(mistake.to_string().contains('^'));
        }
    }
}
