//! A glance at a model's SQL without parsing it: the tables that it reads, and the words in it.

use std::collections::BTreeSet;
use std::ops::Range;

/// `layer.table` after FROM or JOIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableReference {
    pub(super) layer: String,
    pub(super) table: String,
    pub(super) place: Range<usize>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scan {
    pub(super) tables: Vec<TableReference>,
    /// Every identifier and keyword, in lower case unless quoted: an output column is one of them.
    pub(super) words: BTreeSet<String>,
    /// Whether a `*` selects columns that the text does not name.
    pub(super) selects_all: bool,
}

impl Scan {
    /// False when no reading of the SQL can give the column.
    pub(super) fn may_give(&self, column: &str) -> bool {
        self.selects_all || self.words.contains(column)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Sign(char),
}

pub(super) fn scan(sql: &str) -> Scan {
    let tokens = tokens(sql);
    let mut scan = Scan::default();
    let word = |at: usize| match tokens.get(at) {
        Some((Token::Word(word), _)) => Some(word.as_str()),
        _ => None,
    };
    // Functions with a FROM between their parentheses: `extract(year from silver.date)` reads no table.
    let mut calls: Vec<bool> = Vec::new();
    for (at, (token, _)) in tokens.iter().enumerate() {
        let before = at.checked_sub(1);
        match token {
            Token::Sign('(') => {
                let name = before.and_then(word);
                calls.push(matches!(name, Some("extract" | "trim" | "substring" | "overlay" | "position")));
            }
            Token::Sign(')') => {
                calls.pop();
            }
            Token::Sign('*') => {
                let after_word = matches!(before.and_then(word), Some("select" | "distinct" | "all"));
                let after_sign = before.is_some_and(|at| matches!(tokens[at].0, Token::Sign('.' | ',')));
                scan.selects_all |= after_word || after_sign;
            }
            Token::Word(name) if name == "from" || name == "join" => {
                let in_call = calls.last() == Some(&true);
                let dotted = matches!(tokens.get(at + 2), Some((Token::Sign('.'), _)));
                if let (false, true, Some(layer), Some(table)) = (in_call, dotted, word(at + 1), word(at + 3)) {
                    let place = tokens[at + 1].1.start..tokens[at + 3].1.end;
                    scan.tables.push(TableReference { layer: layer.to_owned(), table: table.to_owned(), place });
                }
            }
            _ => {}
        }
    }
    scan.words = tokens
        .into_iter()
        .filter_map(|(token, _)| if let Token::Word(word) = token { Some(word) } else { None })
        .collect();
    scan
}

fn tokens(sql: &str) -> Vec<(Token, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let (token, length) = match first {
            '-' if rest.starts_with("--") => (None, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (None, comment(rest)),
            '\'' => (None, quoted(rest, '\'')),
            '"' => {
                let length = quoted(rest, '"');
                (Some(Token::Word(rest[..length].trim_matches('"').replace("\"\"", "\""))), length)
            }
            _ if first.is_alphabetic() || first == '_' => {
                let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                (Some(Token::Word(rest[..length].to_lowercase())), length)
            }
            // A number's letters (`1e5`) are no word.
            _ if first.is_ascii_digit() => {
                (Some(Token::Sign('0')), rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len()))
            }
            _ if first.is_whitespace() => (None, first.len_utf8()),
            _ => (Some(Token::Sign(first)), first.len_utf8()),
        };
        found.extend(token.map(|token| (token, at..at + length)));
        at += length;
    }
    found
}

/// Length of a quoted text; a doubled quote is part of it, and without an end it is the rest.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

/// Length of a comment, which may hold comments.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(sql: &str) -> Vec<String> {
        scan(sql)
            .tables
            .iter()
            .map(|found| format!("{}.{} = {}", found.layer, found.table, &sql[found.place.clone()]))
            .collect()
    }

    #[test]
    fn tables_are_what_follows_from_and_join() {
        for (sql, expected) in [
            ("SELECT a FROM Silver.Sales s", vec!["silver.sales = Silver.Sales"]),
            ("select 1 from silver.a left join gold.b on a.x = b.x", vec!["silver.a = silver.a", "gold.b = gold.b"]),
            ("select extract(year from silver.date) from \"silver\".\"a\"", vec!["silver.a = \"silver\".\"a\""]),
            ("select (select max(x) from silver . b) from c", vec!["silver.b = silver . b"]),
            ("-- from silver.a\n/* from /* x */ silver.b */ select 'from silver.c'", vec![]),
            ("select 'it''s from silver.c", vec![]),
            ("select extract(year from (select max(d) from silver.b))", vec!["silver.b = silver.b"]),
        ] {
            assert_eq!(read(sql), expected, "{sql}");
        }
    }

    #[test]
    fn a_star_selects_columns_only_where_columns_stand() {
        for (sql, all) in [
            ("select * from a", true),
            ("select a.*, b from a", true),
            ("select b, * from a", true),
            ("select count(*), a * b from a", false),
            ("select 2 * a, (a) * b from a", false),
        ] {
            assert_eq!(scan(sql).selects_all, all, "{sql}");
        }
        let scan = scan("select sum(x) as revenue from silver.sales -- units");
        assert!(scan.may_give("revenue") && !scan.may_give("units"));
    }

    proptest! {
        #[test]
        fn no_text_panics(sql in "(?s)([a-z(.*')\" ]|--|/[*]|[*]/|from |.){0,40}") {
            for found in scan(&sql).tables {
                prop_assert!(sql.get(found.place).is_some());
            }
        }
    }
}
