//! Walks over JSON text, strictly and without building anything: where each value begins and ends.
//!
//! Records have a dozen short values each; what a general reader does to keep them costs more than finding them.

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Without its quotes; `escaped` when it holds escapes.
    Text {
        escaped: bool,
    },
    Number,
    True,
    False,
    Null,
    /// An object or an array.
    Nested,
}

/// A value and its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
}

/// Why the text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Syntax,
    /// More than [`DEPTH`] objects and arrays lie within each other: each level takes stack.
    Depth,
}

pub(crate) const DEPTH: usize = 128;

#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is no white space.
    #[inline(always)]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Takes this byte, behind white space; false when another one stands there.
    #[inline(always)]
    pub(crate) fn takes(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// A key and its colon.
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Result<Token<'a>, Fault> {
        if !self.takes(b'"') {
            return Err(Fault::Syntax);
        }
        let key = self.string()?;
        if self.takes(b':') { Ok(key) } else { Err(Fault::Syntax) }
    }

    /// The next value, checked to its end.
    #[inline(always)]
    pub(crate) fn value(&mut self) -> Result<Token<'a>, Fault> {
        self.value_at(0)
    }

    #[inline(always)]
    fn value_at(&mut self, depth: usize) -> Result<Token<'a>, Fault> {
        let first = self.peek();
        let start = self.at;
        self.at += 1;
        let kind = match first {
            Some(b'"') => return self.string(),
            Some(b'-' | b'0'..=b'9') => {
                self.at = start;
                self.number()?;
                Kind::Number
            }
            Some(b't') => self.word("rue", Kind::True)?,
            Some(b'f') => self.word("alse", Kind::False)?,
            Some(b'n') => self.word("ull", Kind::Null)?,
            Some(b'{' | b'[') if depth == DEPTH => return Err(Fault::Depth),
            Some(b'{') => self.object(depth + 1)?,
            Some(b'[') => self.array(depth + 1)?,
            _ => return Err(Fault::Syntax),
        };
        self.token(kind, start, self.at)
    }

    fn object(&mut self, depth: usize) -> Result<Kind, Fault> {
        if self.takes(b'}') {
            return Ok(Kind::Nested);
        }
        loop {
            self.key()?;
            self.value_at(depth)?;
            if self.takes(b'}') {
                return Ok(Kind::Nested);
            }
            if !self.takes(b',') {
                return Err(Fault::Syntax);
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Kind, Fault> {
        if self.takes(b']') {
            return Ok(Kind::Nested);
        }
        loop {
            self.value_at(depth)?;
            if self.takes(b']') {
                return Ok(Kind::Nested);
            }
            if !self.takes(b',') {
                return Err(Fault::Syntax);
            }
        }
    }

    fn word(&mut self, rest: &str, kind: Kind) -> Result<Kind, Fault> {
        if !self.bytes()[self.at..].starts_with(rest.as_bytes()) {
            return Err(Fault::Syntax);
        }
        self.at += rest.len();
        Ok(kind)
    }

    #[inline(always)]
    fn number(&mut self) -> Result<(), Fault> {
        self.at += usize::from(self.byte() == Some(b'-'));
        match self.byte() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    #[inline(always)]
    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Fault::Syntax) }
    }

    /// The rest of a string whose first quote is taken.
    #[inline(always)]
    fn string(&mut self) -> Result<Token<'a>, Fault> {
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain(&self.bytes()[self.at..]);
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(Fault::Syntax),
            }
        }
        self.at += 1;
        self.token(Kind::Text { escaped }, start, self.at - 1)
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes()[self.at + 1..];
        let length = match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if rest.get(1..5).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) => 6,
            _ => return Err(Fault::Syntax),
        };
        self.at += length;
        Ok(())
    }

    #[inline(always)]
    fn token(&self, kind: Kind, start: usize, end: usize) -> Result<Token<'a>, Fault> {
        self.text.get(start..end).map(|text| Token { kind, text }).ok_or(Fault::Syntax)
    }

    #[inline(always)]
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    #[inline(always)]
    fn byte(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }
}

/// How many bytes come before the first quote, backslash or control character. Eight at a time: a byte that
/// is looked for becomes the lowest one whose high bit is set.
#[inline(always)]
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let mut at = 0;
    while let Some(eight) = bytes.get(at..at + 8).and_then(|eight| <[u8; 8]>::try_from(eight).ok()) {
        let word = u64::from_le_bytes(eight);
        let equal = |byte: u8| {
            let zero = word ^ (ONES * u64::from(byte));
            zero.wrapping_sub(ONES) & !zero
        };
        let below_space = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (equal(b'"') | equal(b'\\') | below_space) & HIGH;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::value::RawValue;

    /// The value of a text that holds one value and nothing else.
    fn whole(text: &str) -> Option<Token<'_>> {
        let mut scanner = Scanner::new(text);
        let token = scanner.value().ok()?;
        scanner.peek().is_none().then_some(token)
    }

    fn agrees(text: &str) {
        let expected = serde_json::from_str::<&RawValue>(text).ok().map(|raw| raw.get().trim_matches('"'));
        let found = whole(text).map(|token| token.text.trim_matches('"'));
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn knows_json_from_what_looks_like_it() {
        for text in [
            "{}",
            "[]",
            "{\"a\":[1,{\"b\":null}]}",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "[,1]",
            "01",
            "-",
            "-0",
            "1.",
            ".5",
            "1e",
            "1e+",
            "1E-5",
            "+1",
            "0x1",
            "truee",
            "tru",
            "nul",
            "\"",
            "\"\\\"",
            "\"\\u12g4\"",
            "\"\\u12\"",
            "\"\\x\"",
            "\"a\tb\"",
            "\"abcdefgh\u{1}\"",
            "\"ü\u{7f}😀 123456789\"",
            "",
            " ",
            "[",
            "{\"a\":",
            "[1 2]",
            "\u{feff}1",
            "1\u{a0}",
        ] {
            agrees(text);
        }
    }

    #[test]
    fn depth_has_a_bound() {
        let deep = |count: usize| "[".repeat(count) + &"]".repeat(count);
        assert!(Scanner::new(&deep(DEPTH)).value().is_ok());
        assert_eq!(Scanner::new(&deep(DEPTH + 1)).value(), Err(Fault::Depth));
        assert_eq!(Scanner::new(&"[".repeat(1 << 20)).value(), Err(Fault::Depth));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

        #[test]
        fn agrees_with_a_general_reader(
            parts in prop::collection::vec(select(vec![
                "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"bcdefghijk\"", "\\", "\\n", "\\u00e9", "1", "-", "0", ".", "e", "+",
                "true", "null", "false", " ", "\n", "é", "\u{1}", "x",
            ]), 0..14),
        ) {
            agrees(&parts.concat());
        }

        #[test]
        fn plain_text_ends_where_it_ends(bytes in prop::collection::vec(select(b"ab\"\\\x1f\x20\x21\xff\x80\x7f\x00".to_vec()), 0..40)) {
            let expected = bytes.iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\');
            prop_assert_eq!(plain(&bytes), expected.unwrap_or(bytes.len()));
        }
    }
}
