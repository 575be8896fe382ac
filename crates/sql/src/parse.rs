//! Text to syntax tree: one statement, of bounded size, with the place of what the grammar refuses.

use sqlparser::ast::{Expr, Query, Statement};
use sqlparser::dialect::{Dialect as Grammar, PostgreSqlDialect, SparkSqlDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::dialect::Dialect;
use crate::error::{Cause, Place, SqlError};

/// Longer texts are refused: a model is written by a person.
const MAX_BYTES: usize = 256 * 1024;
/// Operators nest without parentheses (`1 + 1 + ...`); walking deeper trees would exhaust the stack.
const MAX_OPERATORS: usize = 500;

/// The one query that `sql` holds; a semicolon may follow it.
pub(crate) fn query(sql: &str, dialect: Dialect) -> Result<Query, SqlError> {
    let tokens = tokens(sql, dialect)?;
    let first = first_place(&tokens);
    let mut parser = Parser::new(grammar(dialect)).with_tokens_with_locations(tokens.clone());
    let mut statements = parser.parse_statements().map_err(|e| refused(&e, &tokens, dialect))?;
    // The parser stops at the word `end`, whatever follows.
    let next = parser.peek_token();
    if next.token != Token::EOF {
        return Err(Place::from(next.span).error(format!("`{}` follows a complete query", next.token)));
    }
    match (statements.pop(), statements.is_empty()) {
        (None, _) => Err(first.error("there is no query here")),
        (Some(_), false) => Err(first.error("there is more than one statement; a query is one select")),
        (Some(Statement::Query(query)), true) => Ok(*query),
        (Some(_), true) => Err(first.error("this statement is not a query; only select is allowed")),
    }
}

/// The one expression that `text` holds.
pub(crate) fn expression(text: &str, dialect: Dialect) -> Result<Expr, SqlError> {
    let tokens = tokens(text, dialect)?;
    let mut parser = Parser::new(grammar(dialect)).with_tokens_with_locations(tokens.clone());
    let expr = parser.parse_expr().map_err(|e| refused(&e, &tokens, dialect))?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        return Err(Place::from(next.span)
            .error(format!("`{}` follows a complete condition", next.token))
            .because(Cause::Syntax));
    }
    Ok(expr)
}

fn grammar(dialect: Dialect) -> &'static dyn Grammar {
    match dialect {
        Dialect::Gold => &PostgreSqlDialect {},
        Dialect::Spark { .. } => &SparkSqlDialect,
    }
}

fn tokens(text: &str, dialect: Dialect) -> Result<Vec<TokenWithSpan>, SqlError> {
    let start = Place { line: 1, column: 1, width: 1 };
    if text.len() > MAX_BYTES {
        return Err(start.error(format!("the text has {} bytes; at most {MAX_BYTES} are allowed", text.len())));
    }
    let spark = matches!(dialect, Dialect::Spark { .. });
    // Spark resolves the escapes of its texts by rules of its own.
    let mut tokenizer = Tokenizer::new(grammar(dialect), text).with_unescape(!spark);
    let mut tokens = tokenizer.tokenize_with_location().map_err(|e| {
        let place = Place { line: e.location.line as usize, column: e.location.column as usize, width: 1 };
        place.error(e.message.to_lowercase()).because(Cause::Syntax)
    })?;
    if spark {
        tokens.iter_mut().try_for_each(sparkling)?;
        tokens = suffixed(tokens)?;
        alone(&tokens)?;
    }
    match tokens.iter().filter(|t| nests(&t.token)).nth(MAX_OPERATORS) {
        Some(token) => {
            let advice = "split the query with `with`, or write `in (...)` for long chains of `or`";
            Err(Place::from(token.span).error(format!("there are more than {MAX_OPERATORS} operators")).help(advice))
        }
        None => Ok(tokens),
    }
}

/// A token of Spark's as the parser knows it: texts may stand in double quotes too, and quoted names have no case.
fn sparkling(token: &mut TokenWithSpan) -> Result<(), SqlError> {
    let place = Place::from(token.span);
    match &mut token.token {
        Token::SingleQuotedString(raw) => token.token = Token::SingleQuotedString(unescaped(raw, '\'', place)?),
        Token::DoubleQuotedString(raw) => token.token = Token::SingleQuotedString(unescaped(raw, '"', place)?),
        Token::Word(word) if word.quote_style.is_some() => {
            word.quote_style = None;
            word.keyword = Keyword::NoKeyword;
        }
        _ => {}
    }
    Ok(())
}

/// Texts that stand side by side are one text to Spark, and two words to the parser.
fn alone(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let mut before = false;
    for token in tokens.iter().filter(|t| !matches!(t.token, Token::Whitespace(_))) {
        let text = matches!(token.token, Token::SingleQuotedString(_));
        if text && before {
            return Err(Place::from(token.span).error("texts side by side are not in the subset; write `||`"));
        }
        before = text;
    }
    Ok(())
}

/// Numbers with the letters that stand right behind them and name their type.
fn suffixed(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, SqlError> {
    let mut joined: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if let (Token::Word(word), Some(TokenWithSpan { token: Token::Number(text, false), .. })) =
            (&token.token, joined.last_mut())
            && word.quote_style.is_none()
        {
            match word.value.to_ascii_uppercase().as_str() {
                "D" if text.contains(['e', 'E']) => {}
                "D" => text.push_str("e0"),
                "BD" if !text.contains(['e', 'E', '.']) => text.push('.'),
                "BD" if !text.contains(['e', 'E']) => {}
                "BD" | "F" | "S" | "Y" => {
                    return Err(Place::from(token.span).error("a number of this type is not in the subset"));
                }
                _ => {
                    joined.push(token);
                    continue;
                }
            }
            continue;
        }
        joined.push(token);
    }
    Ok(joined)
}

fn unescaped(raw: &str, quote: char, place: Place) -> Result<String, SqlError> {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c == quote {
            return Err(place.error("a doubled quote means different things in different versions of Spark"));
        }
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some(c @ ('\\' | '\'' | '"')) => text.push(c),
            // These stay escapes for `like`.
            Some(c @ ('%' | '_')) => text.extend(['\\', c]),
            _ => return Err(place.error("this escape in a text is not in the subset")),
        }
    }
    Ok(text)
}

/// Whether a token can add a level to the tree without a bracket; brackets are limited by the parser itself.
fn nests(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::WHEN
                | Keyword::NOT
                | Keyword::IS
                | Keyword::NOTNULL
                | Keyword::IN
                | Keyword::BETWEEN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::SIMILAR
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::OPERATOR
                | Keyword::OVERLAPS
                | Keyword::XOR
        ),
        Token::EOF
        | Token::Comma
        | Token::Period
        | Token::SemiColon
        | Token::LParen
        | Token::RParen
        | Token::Whitespace(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_) => false,
        _ => true,
    }
}

fn first_place(tokens: &[TokenWithSpan]) -> Place {
    let first = tokens.iter().find(|t| !matches!(t.token, Token::Whitespace(_) | Token::EOF));
    first.map_or(Place { line: 1, column: 1, width: 1 }, |t| t.span.into())
}

/// A mistake in the grammar. Where Spark's has forms that the parser does not know, or takes a word for a name, it may
/// be none to Spark.
fn refused(error: &ParserError, tokens: &[TokenWithSpan], dialect: Dialect) -> SqlError {
    let wider = |t: &TokenWithSpan| matches!(&t.token, Token::Word(word) if WIDER.contains(&word.keyword));
    let error = refusal(error, tokens);
    let ended = error.message.ends_with("the end");
    let named = |t: &TokenWithSpan| {
        let word = matches!(&t.token, Token::Word(word) if word.keyword != Keyword::NoKeyword);
        word && !ended && t.span.start.line == error.line as u64 && t.span.start.column == error.column as u64
    };
    let open = dialect != Dialect::Gold && tokens.iter().any(|t| wider(t) || named(t));
    if open { error.because(Cause::Subset) } else { error }
}

/// Words that begin what Spark writes in more ways than the parser.
const WIDER: [Keyword; 14] = [
    Keyword::INTERVAL,
    Keyword::TRIM,
    Keyword::OVER,
    Keyword::LATERAL,
    Keyword::PIVOT,
    Keyword::UNPIVOT,
    Keyword::WINDOW,
    Keyword::TABLESAMPLE,
    Keyword::VALUES,
    Keyword::OVERLAY,
    Keyword::POSITION,
    Keyword::STRUCT,
    Keyword::ARRAY,
    Keyword::MAP,
];

/// The parser reports its place as the end of its message; the width comes from the token that stands there.
fn refusal(error: &ParserError, tokens: &[TokenWithSpan]) -> SqlError {
    let last = tokens.iter().rev().find(|t| !matches!(t.token, Token::Whitespace(_) | Token::EOF));
    let end = last.map_or(Place { line: 1, column: 1, width: 1 }, |t| t.span.into());
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => {
            return end.error("the query nests too deep").help("split it with `with`");
        }
    };
    let Some((message, line, column)) = split_place(text) else { return end.error(tidy(text)).because(Cause::Syntax) };
    let token = tokens.iter().find(|t| t.span.start.line == line && t.span.start.column == column);
    let place = token.map_or(Place { line: line as usize, column: column as usize, width: 1 }, |t| t.span.into());
    place.error(tidy(message)).because(Cause::Syntax)
}

fn split_place(text: &str) -> Option<(&str, u64, u64)> {
    let (message, place) = text.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some((message, line.parse().ok()?, column.trim().parse().ok()?))
}

fn tidy(message: &str) -> String {
    let message = message.strip_prefix("sql parser error: ").unwrap_or(message);
    let message = message.replace("Expected: ", "expected ").replace("found: ", "found ").replace("EOF", "the end");
    message.trim_end_matches('.').to_owned()
}
