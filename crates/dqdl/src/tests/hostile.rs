//! Texts that nobody writes: any bytes, mutated rules, nesting without end. Nothing panics, and time follows length.

use proptest::prelude::*;
use proptest::sample::Index;

use super::holds::holds;
use crate::{canonical, edit, format, lex, parse, print};

/// Pieces of which rules are made; half of what they make is accepted.
const WORDS: &[&str] = &[
    "Rules",
    "Analyzers",
    "Metadata",
    "DataSources",
    "DefaultLabels",
    "labels",
    "where",
    "with",
    "matches",
    "now()",
    "now",
    "days",
    "hours",
    "KB",
    "and",
    "OR",
    "of",
    "NULL",
    "EMPTY",
    "between",
    "in",
    "not",
    "5",
    "-",
    "5.5",
    "=",
    ">",
    "<=",
    "!",
    "+",
    "*",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "$",
    "x",
    "\"a\"",
    "\"2022-01-01\"",
    "\"9:30 AM\"",
    "\"19:30\"",
    "\"",
    "\\",
    "'",
    "#",
    "\n",
    "\r",
    " ",
    "RowCount",
    "IsComplete",
    "ColumnValues",
    "threshold",
    "last",
    "\\\"",
    "é",
    "\"Version\"",
];

/// Accepted texts with something of everything.
const SEEDS: &[&str] = &[
    "Metadata = {\"Version\": \"1\"} DataSources = {\"Primary\": \"a\", \"AdditionalDataSources\": [\"b\"]}\nx = [\"a\", \"b\"]\n\
     DefaultLabels=[\"k\"=\"v\"]\nRules = [ RowCount > 0, ColumnValues \"c\" in $x ] Analyzers = [ RowCount, Completeness of \"a\" ]",
    "Rules = [ (IsComplete \"a\") and ((IsUnique \"b\" \"c\") or (RowCount between 1 and (2 + avg(last(3))))) labels=[\"a\"=\"b\"] ]",
    "Rules = [ ColumnValues \"a\" not in [\"x\\\"y\", NULL, EMPTY] where \"b > 1\" labels=[\"a\"=\"b\"] with threshold > 0.5 with x = 1 ]",
    "Rules = [ ColumnValues \"a\" > now () + (last(null)), RowCount in [f(now ( )), -5] with y = (null) ]",
    "Rules = [ DataFreshness \"a\" between 1 days and 3 hours, FileSize in [5 KB, 1 GB], FileSize > -5 with threshold = (null), FileFreshness > (now() - 3 days) ] # end\n",
    "Rules = [ # why\n ColumnValues \"a\" matches \"a|b\" # that\n, FileFreshness > \"9:30 AM\" with timeZone = \"Asia/Dubai\" ]",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 0..40).prop_map(|words| words.join(" "))
}

fn entry() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 0..12)
        .prop_map(|words| format!("Rules = [ ColumnValues \"a\" {} ]", words.join(" ")))
}

/// A seed with pieces taken out, doubled, replaced or put in.
fn mutated() -> impl Strategy<Value = String> {
    let change = (any::<Index>(), 0..4_u8, prop::sample::select(WORDS));
    (prop::sample::select(SEEDS), prop::collection::vec(change, 0..5)).prop_map(|(seed, changes)| {
        let mut pieces: Vec<String> = lex::tokens(seed).into_iter().map(|token| seed[token.span].to_owned()).collect();
        for (at, what, word) in changes {
            let at = at.index(pieces.len());
            match what {
                0 => pieces[at].clear(),
                1 => pieces.insert(at, pieces[at].clone()),
                2 => word.clone_into(&mut pieces[at]),
                _ => pieces.insert(at, word.to_owned()),
            }
        }
        pieces.concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_holds(text in any::<String>()) {
        holds(&text);
    }

    #[test]
    fn words_in_any_order_hold(text in soup()) {
        holds(&text);
    }

    #[test]
    fn entries_of_any_words_hold(text in entry()) {
        holds(&text);
    }

    #[test]
    fn mutated_rules_hold(text in mutated()) {
        holds(&text);
    }
}

#[test]
fn the_seeds_are_accepted_and_laid_out() {
    for seed in SEEDS {
        assert!(parse(seed).is_ok(), "{seed}");
        assert!(format(seed).is_ok(), "{seed}");
        holds(seed);
    }
}

/// Whatever nests, nests a hundred thousand times.
#[test]
fn deep_nesting_is_read_and_dropped() {
    const DEEP: usize = 100_000;
    let around = |open: &str, inside: &str, close: &str| format!("{}{inside}{}", open.repeat(DEEP), close.repeat(DEEP));
    for rule in [
        around("(", "RowCount > 0", ")"),
        around("(RowCount > 0) and (", "RowCount > 0", ")"),
        around("(", "RowCount > 0", ") or (RowCount > 0)"),
        format!("RowCount > 0{}", " and (RowCount > 0)".repeat(DEEP)),
        format!("RowCount > {}", around("(", "1", ")")),
        format!("RowCount > {}", around("(1 + ", "1", ")")),
        format!("RowCount > {}", around("avg(", "1", ")")),
        format!("RowCount > 1{}", " - 1".repeat(DEEP)),
        format!("RowCount in [1{}]", ", 1".repeat(DEEP)),
        format!("RowCount > 0{}", (0..DEEP).map(|i| format!(" with t{i} = {i}")).collect::<String>()),
        format!("IsUnique \"a\"{}", " and \"a\"".repeat(DEEP)),
    ] {
        let text = super::rules(&rule);
        let tree = parse(&text).unwrap();
        assert!(tree.clone() == tree);
        assert!(canonical::ruleset(&tree).len() > 20);
        assert!(parse(&print(&tree)).unwrap().unplaced() == tree.unplaced());
        steps(&text);
    }
}

#[test]
fn hostile_texts_are_refused_in_the_time_of_their_length() {
    const LONG: usize = 100_000;
    for text in [
        format!("Rules = [ {}", "(".repeat(LONG)),
        format!("Rules = [ RowCount > {}", "(".repeat(LONG)),
        format!("Rules = [ RowCount > {}", "f(".repeat(LONG)),
        format!("Rules = [ {}", "[".repeat(LONG)),
        format!("Rules = [ {} ]", "RowCount > , ".repeat(LONG)),
        format!("Rules = [ {}", "ColumnValues \"a\" in [ ".repeat(LONG)),
        format!("Rules = [ {}", "(RowCount > 0 ".repeat(LONG)),
        format!("Rules = [ {} ]", "Nonsense, ".repeat(LONG)),
        format!("{}{}", "x = \"a\" ( Metadata = {\"Version\": \"1\"} ".repeat(LONG / 10), " ".repeat(LONG * 5)),
        "Rules = [".repeat(LONG),
        "Metadata = {".repeat(LONG),
        "\"".repeat(LONG),
        "\\\"".repeat(LONG),
        format!("\"{}", "\\\" ".repeat(LONG)),
        "#".repeat(LONG),
        "\r".repeat(LONG),
        "x = ".repeat(LONG),
        format!("Rules = [ RowCount > 0 labels=[{}] ]", "\"a\"=\"b\",".repeat(LONG)),
    ] {
        let faults = parse(&text).unwrap_err();
        assert!(!faults.is_empty() && faults.len() <= 501);
        assert_eq!(edit(&text).syntax.text(&text), text);
        steps(&text);
    }
}

fn steps(text: &str) {
    let steps = edit(text).steps;
    assert!(steps <= 4 * text.len() as u64, "{steps} steps for {} bytes: {}", text.len(), &text[..40]);
}
