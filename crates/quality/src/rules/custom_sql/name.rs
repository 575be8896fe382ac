//! The name that Spark gives the only column of a query: the open evaluator cannot speak of one that holds a dot.

/// Whether the column's name holds a dot: the text of an expression without a name of its own holds its literals.
pub(super) fn holds_dot(sql: &str) -> bool {
    let tokens = tokens(sql);
    let item = item(&tokens);
    match item {
        [.., Token::Word(before), Token::Word(name) | Token::Quoted(name)] if before.eq_ignore_ascii_case("as") => {
            name.contains('.')
        }
        [.., Token::Sign(')') | Token::Number(_) | Token::Text(_) | Token::Quoted(_), Token::Word(name) | Token::Quoted(name)]
            if !is_end(name) =>
        {
            name.contains('.')
        }
        [Token::Word(_), Token::Word(name) | Token::Quoted(name)] if !is_end(name) => name.contains('.'),
        item if item.iter().all(|token| matches!(token, Token::Word(_) | Token::Quoted(_) | Token::Sign('.'))) => {
            matches!(item.last(), Some(Token::Quoted(name)) if name.contains('.'))
        }
        item => shown(item).iter().any(|token| match token {
            // A double is shown with a place behind its point, however it is written.
            Token::Number(text) => text.contains(['.', 'e', 'E', 'd', 'D', 'f', 'F']),
            Token::Text(text) | Token::Quoted(text) => text.contains('.'),
            Token::Word(_) | Token::Sign(_) => false,
        }),
    }
}

/// The names that the outermost `select` gives its columns, as they are written; without those of expressions and stars.
pub(super) fn written(sql: &str) -> Vec<&str> {
    let tokens = tokens(sql);
    let mut depth = 0;
    let items = item(&tokens).split(|token| {
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth -= 1,
            _ => {}
        }
        depth == 0 && *token == Token::Sign(',')
    });
    items
        .filter_map(|item| match item {
            [.., Token::Word(before), Token::Word(name) | Token::Quoted(name)] if before.eq_ignore_ascii_case("as") => {
                Some(*name)
            }
            [Token::Word(name) | Token::Quoted(name)]
            | [Token::Word(_) | Token::Quoted(_), Token::Sign('.'), Token::Word(name) | Token::Quoted(name)]
                if !name.eq_ignore_ascii_case("null") =>
            {
                Some(*name)
            }
            _ => None,
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'s> {
    Word(&'s str),
    /// A name in backticks.
    Quoted(&'s str),
    Text(&'s str),
    Number(&'s str),
    Sign(char),
}

fn is_end(word: &str) -> bool {
    word.eq_ignore_ascii_case("end") || word.eq_ignore_ascii_case("null")
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = |part: &str, until: &dyn Fn(char) -> bool| part.find(until).unwrap_or(part.len());
        let word = |c: char| !(c.is_alphanumeric() || c == '_');
        let (token, taken) = match first {
            '\'' | '"' | '`' => {
                let inner = &rest[1..];
                let end = length(inner, &|c| c == first);
                let token = if first == '`' { Token::Quoted(&inner[..end]) } else { Token::Text(&inner[..end]) };
                (token, end + 2)
            }
            first if first.is_ascii_digit() || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let end = length(rest, &|c| word(c) && c != '.');
                (Token::Number(&rest[..end]), end)
            }
            first if !word(first) => {
                let end = length(rest, &word);
                (Token::Word(&rest[..end]), end)
            }
            other => (Token::Sign(other), other.len_utf8()),
        };
        found.push(token);
        rest = rest.get(taken..).unwrap_or_default().trim_start();
    }
    found
}

/// What the outermost `select` gives.
fn item<'a, 's>(tokens: &'a [Token<'s>]) -> &'a [Token<'s>] {
    let mut depth = 0i32;
    let (mut start, mut end) = (0, None);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth -= 1,
            Token::Word(word) if depth == 0 && word.eq_ignore_ascii_case("select") => (start, end) = (at + 1, None),
            Token::Word(word) if depth == 0 && end.is_none() && word.eq_ignore_ascii_case("from") => end = Some(at),
            Token::Sign(';') if depth == 0 && end.is_none() => end = Some(at),
            _ => {}
        }
    }
    let item = &tokens[start..end.unwrap_or(tokens.len())];
    match item {
        [Token::Word(word), rest @ ..] if word.eq_ignore_ascii_case("distinct") => rest,
        item => item,
    }
}

/// The tokens that the text of an expression shows: a query within it shows nothing of itself.
fn shown<'s>(item: &[Token<'s>]) -> Vec<Token<'s>> {
    let mut found = Vec::new();
    let (mut depth, mut hidden) = (0, None);
    for (at, token) in item.iter().enumerate() {
        match token {
            Token::Sign('(') => {
                depth += 1;
                let query = matches!(item.get(at + 1), Some(Token::Word(word)) if word.eq_ignore_ascii_case("select"));
                hidden = hidden.or(query.then_some(depth));
            }
            Token::Sign(')') => {
                hidden = hidden.filter(|from| *from != depth);
                depth -= 1;
            }
            token if hidden.is_none() => found.push(*token),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_without_a_name_of_their_own_hold_dots() {
        for (sql, dot) in [
            ("select count(*) from primary", false),
            ("select sum(primary.a) from primary", false),
            ("select primary.a from primary", false),
            ("select 1.5", true),
            ("select 1.5 as x", false),
            ("select 1.5 x from primary", false),
            ("select sum(a) / 2.5 from primary", true),
            ("select sum(a) / 2.5 total from primary", false),
            ("select sum(a) / 1e3 from primary", true),
            ("select count(*) as `x.y` from primary", true),
            ("select `x.y` from primary", true),
            ("select max(`x.y`) from primary", true),
            ("select count(case when a > 0.5 then 1 end) from primary", true),
            ("select count(*) from primary where a > 0.5", false),
            ("select (select max(a) from primary where a > 0.5)", false),
            ("with t as (select 1.5 as x) select max(x) from t", false),
            ("select case when max(a) > 1 then 'a.b' end from primary", true),
        ] {
            assert_eq!(holds_dot(sql), dot, "{sql}");
        }
    }

    #[test]
    fn names_are_as_they_are_written() {
        for (sql, names) in [
            ("select ID, p.`a b`, max(x) as Most from primary p", vec!["ID", "a b", "Most"]),
            ("select * from primary", vec![]),
            ("with t as (select a from primary) select distinct A, concat(a, b) from t", vec!["A"]),
        ] {
            assert_eq!(written(sql), names, "{sql}");
        }
    }
}
