//! The reference page of rules: the first comments of the rules' files.

use crate::rules::FILES;
use std::path::Path;

const HEAD: &str = "# Rules\n\n\
How Assay evaluates the rules of a ruleset. Generated from the files in `crates/quality/src/rules`; \
`ASSAY_UPDATE=1 cargo test -p assay-quality pages` writes it anew.\n\n\
A rule that cannot be evaluated here has the outcome *unknown* and says why. `where` leaves rows out before a rule \
looks; a rule whose `where` leaves nothing to measure passes. Columns are found whatever their capitals, but for \
`ColumnExists`. A missing column fails the rule.\n";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (kind, source) in FILES {
        let comment = source.lines().map_while(|line| line.strip_prefix("//!"));
        let text: Vec<&str> = comment.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        page.push_str(&format!("\n## {kind:?}\n\n{}\n", paragraphs(&text)));
    }
    page
}

/// `Nulls:` and the like begin a paragraph of their own.
fn paragraphs(lines: &[&str]) -> String {
    let mut out = String::new();
    let mut fenced = false;
    for line in lines {
        fenced ^= line.starts_with("```");
        let labelled = !fenced && line.split_once(": ").is_some_and(|(label, _)| is_label(label));
        if labelled && !out.is_empty() && !out.ends_with("\n\n") {
            out.push('\n');
        }
        match (labelled, line.split_once(": ")) {
            (true, Some((label, rest))) => out.push_str(&format!("**{label}:** {rest}\n")),
            _ => out.push_str(&format!("{line}\n")),
        }
    }
    out.trim_end().to_owned()
}

fn is_label(word: &str) -> bool {
    !word.contains(' ') && word.starts_with(|c: char| c.is_ascii_uppercase()) && word.chars().all(char::is_alphabetic)
}

#[test]
fn the_page_of_rules_is_that_of_the_files() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md");
    let wanted = page();
    if std::env::var_os("ASSAY_UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/rules.md is stale; ASSAY_UPDATE=1 cargo test -p assay-quality pages writes it");
}

#[test]
fn every_rule_says_what_it_makes_of_rows_and_profiles_and_gives_an_example_that_parses() {
    for (kind, source) in FILES {
        let comment: String =
            source.lines().map_while(|line| line.strip_prefix("//!")).flat_map(|line| [line, "\n"]).collect();
        for part in ["Rows:", "Profiles:", "```dqdl"] {
            assert!(comment.contains(part), "{kind:?} has no {part}");
        }
        let examples = comment.split("```").filter_map(|block| block.strip_prefix("dqdl\n"));
        for example in examples.flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty()) {
            let text = format!("Rules = [ {example} ]");
            assert!(assay_dqdl::parse(&text).is_ok(), "{kind:?}: {example}");
        }
    }
}
