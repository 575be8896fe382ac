//! The words and signs of an expression, each with its place.

use super::{Arithmetic, Comparison, Number};
use crate::diagnostic::TextMistake;
use std::ops::Range;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Number(Number),
    Text(String),
    Compare(Comparison),
    Arithmetic(Arithmetic),
    Open,
    Close,
    Comma,
    In,
    And,
    Or,
    Not,
}

/// Gives each token with its byte range.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, TextMistake> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let (token, length) = match first {
            ' ' | '\t' | '\n' | '\r' => {
                at += 1;
                continue;
            }
            '\'' => quoted(text, at)?,
            '0'..='9' | '.' => number(text, at)?,
            'a'..='z' | 'A'..='Z' | '_' => name(text, at)?,
            _ => sign(text, at, first)?,
        };
        found.push((token, at..at + length));
        at += length;
    }
    Ok(found)
}

fn quoted(text: &str, start: usize) -> Result<(Token, usize), TextMistake> {
    let mut value = String::new();
    let mut rest = text[start + 1..].char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c != '\'' {
            value.push(c);
        } else if rest.next_if(|(_, next)| *next == '\'').is_some() {
            value.push('\'');
        } else {
            return Ok((Token::Text(value), at + 2));
        }
    }
    Err(TextMistake::new(start..text.len(), "this text has no closing `'`"))
}

fn number(text: &str, start: usize) -> Result<(Token, usize), TextMistake> {
    let rest = &text[start..];
    let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '.' || c == '_')).unwrap_or(rest.len());
    let range = start..start + length;
    match Number::parse(&rest[..length]) {
        Some(number) => Ok((Token::Number(number), length)),
        None => {
            Err(TextMistake::new(range, "this is not a number: digits with at most one point between them, 38 at most"))
        }
    }
}

fn name(text: &str, start: usize) -> Result<(Token, usize), TextMistake> {
    let rest = &text[start..];
    let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let word = &rest[..length];
    let token = match word {
        "and" => Token::And,
        "or" => Token::Or,
        "not" => Token::Not,
        "in" => Token::In,
        _ if word.bytes().any(|b| b.is_ascii_uppercase()) => {
            let lower = Some(word.to_lowercase());
            return Err(TextMistake::new(start..start + length, "names and words are in lower case").suggesting(lower));
        }
        _ => Token::Name(word.to_owned()),
    };
    Ok((token, length))
}

fn sign(text: &str, start: usize, first: char) -> Result<(Token, usize), TextMistake> {
    use Token::{Arithmetic as A, Compare as C};
    const SIGNS: [(&str, Token); 13] = [
        ("<=", C(Comparison::LessOrEqual)),
        (">=", C(Comparison::GreaterOrEqual)),
        ("<>", C(Comparison::NotEqual)),
        ("!=", C(Comparison::NotEqual)),
        ("<", C(Comparison::Less)),
        (">", C(Comparison::Greater)),
        ("=", C(Comparison::Equal)),
        ("+", A(Arithmetic::Add)),
        ("-", A(Arithmetic::Subtract)),
        ("*", A(Arithmetic::Multiply)),
        ("(", Token::Open),
        (")", Token::Close),
        (",", Token::Comma),
    ];
    let rest = &text[start..];
    let refuse = |length: usize, message: &str, meant: Option<&str>| {
        Err(TextMistake::new(start..start + length, message).suggesting(meant))
    };
    if rest.starts_with("==") {
        return refuse(2, "equality is written with one sign", Some("="));
    }
    match SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
        Some((sign, token)) => Ok((token.clone(), sign.len())),
        _ if first == '/' => refuse(1, "there is no division, because its result would not be exact", None),
        _ if first == '"' => refuse(1, "a text stands between single quotes", Some("'")),
        _ => refuse(first.len_utf8(), "this sign has no meaning in an expression", None),
    }
}
