//! Text into tokens: every byte belongs to exactly one.

use crate::tree::Span;

/// What a token is. Order of names means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Space,
    /// From `#` to the line feed, which belongs to it.
    Comment,
    /// `#` without a line feed before the end of the text: the language has no such comment.
    OpenComment,
    /// A character that the language does not know.
    Unknown,
    /// `"` that nothing closes.
    LoneQuote,
    Apostrophe,
    Colon,
    Comma,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    LeftParenthesis,
    RightParenthesis,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Exclamation,
    Plus,
    Minus,
    Star,
    Slash,
    Dollar,
    Metadata,
    DataSources,
    Rules,
    Analyzers,
    DefaultLabels,
    Labels,
    Where,
    With,
    Matches,
    /// `now()` in one piece.
    Now,
    Days,
    Hours,
    Minutes,
    B,
    Kb,
    Mb,
    Gb,
    Tb,
    And,
    Or,
    Of,
    Null,
    Empty,
    WhitespacesOnly,
    Between,
    In,
    Not,
    Integer,
    Decimal,
    /// Quoted text that is shaped like a date, and so on: never a text.
    Date,
    Time,
    ClockTime,
    Text,
    Name,
}

/// A piece of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub span: Span,
}

impl Kind {
    /// White space, comments, and what the parser steps over because it is no token at all.
    pub fn is_trivia(self) -> bool {
        matches!(self, Kind::Space | Kind::Comment | Kind::OpenComment | Kind::Unknown)
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Kind::Integer | Kind::Decimal)
    }
}

/// Cuts a text. Takes time in the length of the text, whatever is in it.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let (kind, length) = token(text, at, first);
        found.push(Token { kind, span: at..at + length });
        at += length;
    }
    found
}

fn token(text: &str, at: usize, first: char) -> (Kind, usize) {
    let rest = &text[at..];
    let run = |of: fn(u8) -> bool| rest.bytes().take_while(|b| of(*b)).count();
    match first {
        ' ' | '\t' | '\n' => (Kind::Space, run(|b| matches!(b, b' ' | b'\t' | b'\n'))),
        '#' => match rest.find('\n') {
            Some(end) => (Kind::Comment, end + 1),
            None => (Kind::OpenComment, rest.len()),
        },
        '"' => quoted(rest),
        '>' if rest.starts_with(">=") => (Kind::GreaterOrEqual, 2),
        '<' if rest.starts_with("<=") => (Kind::LessOrEqual, 2),
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' => {
            let length = run(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
            let word = &rest[..length];
            if word == "now" && rest[length..].starts_with("()") {
                return (Kind::Now, length + 2);
            }
            (word_kind(word), length)
        }
        _ => (sign(first), first.len_utf8()),
    }
}

fn sign(character: char) -> Kind {
    match character {
        '\'' => Kind::Apostrophe,
        ':' => Kind::Colon,
        ',' => Kind::Comma,
        '{' => Kind::LeftBrace,
        '}' => Kind::RightBrace,
        '[' => Kind::LeftBracket,
        ']' => Kind::RightBracket,
        '(' => Kind::LeftParenthesis,
        ')' => Kind::RightParenthesis,
        '=' => Kind::Equal,
        '>' => Kind::Greater,
        '<' => Kind::Less,
        '!' => Kind::Exclamation,
        '+' => Kind::Plus,
        '-' => Kind::Minus,
        '*' => Kind::Star,
        '/' => Kind::Slash,
        '$' => Kind::Dollar,
        _ => Kind::Unknown,
    }
}

pub(crate) fn word_kind(word: &str) -> Kind {
    match word {
        "Metadata" => Kind::Metadata,
        "DataSources" => Kind::DataSources,
        "Rules" => Kind::Rules,
        "Analyzers" => Kind::Analyzers,
        "DefaultLabels" => Kind::DefaultLabels,
        "labels" => Kind::Labels,
        "where" => Kind::Where,
        "with" => Kind::With,
        "matches" => Kind::Matches,
        "days" => Kind::Days,
        "hours" => Kind::Hours,
        "minutes" => Kind::Minutes,
        "B" => Kind::B,
        "KB" => Kind::Kb,
        "MB" => Kind::Mb,
        "GB" => Kind::Gb,
        "TB" => Kind::Tb,
        "and" | "AND" => Kind::And,
        "or" | "OR" => Kind::Or,
        "of" | "OF" => Kind::Of,
        "null" | "NULL" => Kind::Null,
        "empty" | "EMPTY" => Kind::Empty,
        "whitespaces_only" | "WHITESPACES_ONLY" => Kind::WhitespacesOnly,
        "between" => Kind::Between,
        "in" => Kind::In,
        "not" => Kind::Not,
        _ => number_kind(word),
    }
}

fn number_kind(word: &str) -> Kind {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match word.split_once('.') {
        None if digits(word) => Kind::Integer,
        Some((whole, part)) if digits(whole) && digits(part) => Kind::Decimal,
        _ => Kind::Name,
    }
}

/// `\"` and `\\` do not close a text. One that nothing else closes ends at its last `\"`.
fn quoted(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    let mut fallback = None;
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'"', _) => return (text_kind(&bytes[..=at]), at + 1),
            (b'\\', Some(b'"')) => {
                fallback = Some(at + 2);
                at += 2;
            }
            (b'\\', Some(b'\\')) => at += 2,
            _ => at += 1,
        }
    }
    match fallback {
        Some(end) => (Kind::Text, end),
        None => (Kind::LoneQuote, 1),
    }
}

/// `text` with its quotes.
pub(crate) fn text_kind(text: &[u8]) -> Kind {
    // Longer ones have no shape; the rest is compared as a picture of the text.
    if text.len() > 12 {
        return Kind::Text;
    }
    let shape: Vec<u8> = text.iter().map(|b| if b.is_ascii_digit() { b'0' } else { *b }).collect();
    match shape.as_slice() {
        b"\"0000-00-00\"" => Kind::Date,
        b"\"0:00 AM\"" | b"\"0:00 PM\"" | b"\"00:00 AM\"" | b"\"00:00 PM\"" => Kind::Time,
        b"\"00:00\"" => Kind::ClockTime,
        _ => Kind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        tokens(text).into_iter().filter(|t| t.kind != Kind::Space).map(|t| (t.kind, &text[t.span])).collect()
    }

    #[test]
    fn one_word_is_one_kind() {
        let table = [
            ("and", Kind::And),
            ("AND", Kind::And),
            ("And", Kind::Name),
            ("BETWEEN", Kind::Name),
            ("OF", Kind::Of),
            ("whitespaces_only", Kind::WhitespacesOnly),
            ("5", Kind::Integer),
            ("007", Kind::Integer),
            ("5.0", Kind::Decimal),
            (".5", Kind::Name),
            ("5.", Kind::Name),
            ("1e5", Kind::Name),
            ("1.2.3", Kind::Name),
            ("1_000", Kind::Name),
            ("now()", Kind::Now),
            ("nowhere", Kind::Name),
            ("KB", Kind::Kb),
            ("kb", Kind::Name),
            ("rules", Kind::Name),
            ("\"2022-99-99\"", Kind::Date),
            ("\"2022-9-99\"", Kind::Text),
            ("\"9:30 AM\"", Kind::Time),
            ("\"19:30 PM\"", Kind::Time),
            ("\"9:30 am\"", Kind::Text),
            ("\"9:30\"", Kind::Text),
            ("\"99:99\"", Kind::ClockTime),
            ("\"a\nb\"", Kind::Text),
            ("\"a\\\\\"", Kind::Text),
            ("# x\r\n", Kind::Comment),
            ("# x", Kind::OpenComment),
            ("\r", Kind::Unknown),
            ("\u{feff}", Kind::Unknown),
            ("\u{a0}", Kind::Unknown),
        ];
        for (text, kind) in table {
            assert_eq!(kinds(text), [(kind, text)], "{text:?}");
        }
    }

    #[test]
    fn the_longest_piece_wins() {
        assert_eq!(kinds("now ()").len(), 3);
        assert_eq!(kinds(">==").len(), 2);
        assert_eq!(kinds("!=").len(), 2);
        assert_eq!(kinds("5days"), [(Kind::Name, "5days")]);
        assert_eq!(kinds("-5"), [(Kind::Minus, "-"), (Kind::Integer, "5")]);
    }

    #[test]
    fn a_text_that_nothing_closes_ends_at_its_last_escaped_quote() {
        assert_eq!(kinds(r#""a\"b\"c d"#), [(Kind::Text, r#""a\"b\""#), (Kind::Name, "c"), (Kind::Name, "d")]);
        assert_eq!(kinds(r#""a\"b" c"#), [(Kind::Text, r#""a\"b""#), (Kind::Name, "c")]);
        assert_eq!(kinds(r#""a b"#), [(Kind::LoneQuote, "\""), (Kind::Name, "a"), (Kind::Name, "b")]);
        assert_eq!(kinds(r#""a\\\"b"#), [(Kind::Text, r#""a\\\""#), (Kind::Name, "b")]);
    }
}
