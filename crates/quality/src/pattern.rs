//! Patterns of rules: the service's are Java's, evaluated here in linear time where that is possible.

use crate::rules::Refusal;
use std::fmt::Write;

/// Bytes that a compiled pattern may take.
const SIZE: usize = 4 << 20;
/// Steps that a pattern with lookaround may take on one text.
const STEPS: usize = 200_000;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    Linear(regex::Regex),
    /// With lookaround, back references or possessive repetition.
    Backtracking(Box<fancy_regex::Regex>),
}

impl Pattern {
    /// A pattern that need not match the whole text.
    pub fn of(java: &str) -> Result<Self, Refusal> {
        let (translated, possessive) = translated(java);
        let linear = regex::RegexBuilder::new(&translated).size_limit(SIZE).dfa_size_limit(SIZE).build();
        match linear {
            Ok(linear) if !possessive => return Ok(Self::Linear(linear)),
            Err(regex::Error::CompiledTooBig(_)) => {
                return Err(Refusal::remote("the pattern is too large to be evaluated here"));
            }
            // The other engine would take it for a literal.
            Err(error) if error.to_string().contains("repetition count range") => return Err(invalid(java)),
            _ => {}
        }
        let backtracking = fancy_regex::RegexBuilder::new(&translated)
            .backtrack_limit(STEPS)
            .delegate_size_limit(SIZE)
            .delegate_dfa_size_limit(SIZE)
            .build();
        match backtracking {
            Ok(pattern) => Ok(Self::Backtracking(Box::new(pattern))),
            Err(_) => Err(invalid(java)),
        }
    }

    /// Whether the text holds a match; none where finding out takes too long.
    pub fn is_in(&self, text: &str) -> Option<bool> {
        match self {
            Self::Linear(pattern) => Some(pattern.is_match(text)),
            Self::Backtracking(pattern) => pattern.is_match(text).ok(),
        }
    }

    /// Whether the first match in the text has a character that does not end a line; none where it takes too long.
    pub fn is_filled_in(&self, text: &str) -> Option<bool> {
        let filled = |found: &str| !found.trim_end_matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).is_empty();
        match self {
            Self::Linear(pattern) => Some(pattern.find(text).is_some_and(|found| filled(found.as_str()))),
            Self::Backtracking(pattern) => {
                pattern.find(text).ok().map(|found| found.is_some_and(|found| filled(found.as_str())))
            }
        }
    }
}

fn invalid(java: &str) -> Refusal {
    Refusal::failed(format!("The pattern {java} is not a valid regular expression!"))
}

/// Where a text ends, or its last line.
const END: &str = r"(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?\z";

/// Characters that end a line.
const LINE_ENDS: &str = r"\n\r\x{85}\x{2028}\x{2029}";
/// Spaces that go up or down.
const VERTICAL: &str = r"\n\x0B\f\r\x{85}\x{2028}\x{2029}";
/// Spaces within a line.
const HORIZONTAL: &str = r"\x20\t\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}";

/// Letters of inline flags that a pattern turns on somewhere.
fn flags(java: &str) -> String {
    let groups = java.split("(?").skip(1);
    groups.map(|group| group.chars().take_while(char::is_ascii_alphabetic).collect::<String>()).collect()
}

/// A Java pattern in the syntax of the crates here, and whether it has possessive repetition. Classes such as `\d` mean
/// ASCII, as in Java.
fn translated(java: &str) -> (String, bool) {
    let mut out = String::with_capacity(java.len() + 16);
    let mut possessive = false;
    let mut depth = 0usize;
    let mut repeated = false;
    let flags = flags(java);
    let mut rest = java.chars().peekable();
    while let Some(c) = rest.next() {
        let was_repeated = std::mem::take(&mut repeated);
        match c {
            '\\' => match rest.next() {
                Some('Q') => {
                    let mut quoted = String::new();
                    for c in rest.by_ref() {
                        quoted.push(c);
                        if quoted.ends_with("\\E") {
                            quoted.truncate(quoted.len() - 2);
                            break;
                        }
                    }
                    out.push_str(&regex::escape(&quoted));
                }
                Some(letter @ ('p' | 'P')) if rest.peek() == Some(&'{') => {
                    let name: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    property(&mut out, &name, letter == 'P', depth > 0);
                }
                Some('c') => {
                    let control = rest.next().map_or(0, |c| c as u32 ^ 64);
                    let _ = write!(out, "\\x{{{control:X}}}");
                }
                Some('0') => {
                    let mut octal = 0;
                    while let Some(digit) =
                        rest.peek().and_then(|c| c.to_digit(8)).filter(|digit| octal * 8 + digit < 256)
                    {
                        octal = octal * 8 + digit;
                        rest.next();
                    }
                    let _ = write!(out, "\\x{{{octal:X}}}");
                }
                Some(c @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) if flags.contains('U') => {
                    out.push('\\');
                    out.push(c);
                }
                Some(c) => escaped(&mut out, c, depth > 0),
                None => out.push('\\'),
            },
            '.' if depth == 0 && flags.contains('d') => out.push_str(r"[^\n]"),
            '.' if depth == 0 && !flags.contains('s') => {
                let _ = write!(out, "[^{LINE_ENDS}]");
            }
            '$' if depth == 0 && !flags.contains('m') => out.push_str(END),
            // Flags of Java alone: lines end with \n, and the case or the classes of all letters.
            '(' if depth == 0 && rest.peek() == Some(&'?') => {
                let mut flags = String::new();
                out.push_str("(?");
                rest.next();
                while let Some(letter) = rest.next_if(|c| c.is_ascii_alphabetic() || *c == '-') {
                    flags.push(letter);
                }
                flags.retain(|c| !"duU".contains(c));
                // Without a flag that is left there is nothing to turn on.
                if flags.is_empty() && rest.peek() == Some(&')') {
                    out.push(':');
                }
                out.push_str(&flags);
            }
            '[' => {
                depth += 1;
                out.push(c);
                if rest.peek() == Some(&'^') {
                    out.extend(rest.next());
                }
            }
            ']' if depth > 0 => {
                depth -= 1;
                out.push(c);
            }
            '*' | '+' | '?' | '}' if depth == 0 => {
                possessive |= c == '+' && was_repeated;
                repeated = !was_repeated;
                out.push(c);
            }
            c => out.push(c),
        }
    }
    (out, possessive)
}

fn escaped(out: &mut String, c: char, in_class: bool) {
    let (inside, outside) = match c {
        'd' => ("0-9", "[0-9]"),
        'D' => ("[^0-9]", "[^0-9]"),
        'w' => ("0-9A-Za-z_", "[0-9A-Za-z_]"),
        'W' => ("[^0-9A-Za-z_]", "[^0-9A-Za-z_]"),
        's' => (r"\x20\t\n\x0B\f\r", r"[\x20\t\n\x0B\f\r]"),
        'S' => (r"[^\x20\t\n\x0B\f\r]", r"[^\x20\t\n\x0B\f\r]"),
        'h' | 'H' | 'v' | 'V' => {
            let spaces = if c.eq_ignore_ascii_case(&'h') { HORIZONTAL } else { VERTICAL };
            let not = if c.is_uppercase() { "^" } else { "" };
            let _ = match in_class && c.is_lowercase() {
                true => write!(out, "{spaces}"),
                false => write!(out, "[{not}{spaces}]"),
            };
            return;
        }
        'X' => (r"\X", r"(?:\r\n|\P{M}\p{M}*|\p{M}+)"),
        'Z' => (r"\Z", END),
        'R' => (r"\n\r", r"(?:\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])"),
        'e' => (r"\x1B", r"\x1B"),
        '<' => ("<", "<"),
        '>' => (">", ">"),
        other => {
            let _ = write!(out, "\\{other}");
            return;
        }
    };
    out.push_str(if in_class { inside } else { outside });
}

/// `\p{Alpha}` and the like are ASCII classes in Java; scripts and categories go through.
fn property(out: &mut String, name: &str, negated: bool, in_class: bool) {
    let posix = [
        "Lower", "Upper", "ASCII", "Alpha", "Digit", "Alnum", "Punct", "Graph", "Print", "Blank", "Cntrl", "XDigit",
        "Space",
    ];
    let not = if negated { "^" } else { "" };
    if posix.contains(&name) {
        let class = format!("[:{not}{}:]", name.to_lowercase());
        let _ = if in_class { write!(out, "{class}") } else { write!(out, "[{class}]") };
        return;
    }
    let name = match name {
        "javaLowerCase" => "Lowercase",
        "javaUpperCase" => "Uppercase",
        "javaAlphabetic" | "javaLetter" => "Alphabetic",
        "javaDigit" => "Nd",
        "javaWhitespace" => "White_Space",
        name => name,
    };
    let plain = name.strip_prefix("Is").or_else(|| name.strip_prefix("In")).unwrap_or(name);
    let _ = write!(out, "\\{}{{{plain}}}", if negated { 'P' } else { 'p' });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn classes_are_those_of_java() {
        for (pattern, text, found) in [
            (r"^\d+$", "12", true),
            (r"^\d+$", "\u{661}\u{662}", false),
            (r"^[\w.]+$", "a.b_1", true),
            (r"^[\w]+$", "\u{e4}", false),
            (r"^\p{Upper}\p{Lower}+$", "Abc", true),
            (r"^\P{Digit}+$", "abc", true),
            (r"\Qa.b\E", "a.b", true),
            (r"\Qa.b\E", "axb", false),
            (r"^(?=.*x)a", "a x", true),
            (r"^(a)\1$", "aa", true),
            (r"^a++b$", "aab", true),
            (r"^a++a$", "aa", false),
            (r"^a{2}+$", "aa", true),
        ] {
            assert_eq!(Pattern::of(pattern).unwrap().is_in(text), Some(found), "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        for pattern in ["(", "[a", "*a", "a{2,1}", "a)"] {
            assert!(
                matches!(Pattern::of(pattern), Err(Refusal::Failed(text)) if text.contains("not a valid")),
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_pattern_without_end_is_cut_off() {
        let text = "a".repeat(60);
        assert_eq!(Pattern::of("^(a+)+$").unwrap().is_in(&format!("{text}!")), Some(false));
        assert_eq!(Pattern::of(r"^(?:a(?!b)|aa(?!b))+$").unwrap().is_in(&format!("{text}!")), None);
        assert!(matches!(Pattern::of("(a{1000}){1000}"), Err(Refusal::RemoteOnly(_))));
    }
}
