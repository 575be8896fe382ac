//! What is accepted and still said: each finding where it belongs, and nowhere else.

use super::editor::told;
use super::rules;
use crate::{LintContext, edit, edit_with, parse};

fn lints(text: &str) -> String {
    let edited = edit(text);
    assert!(edited.faults.is_empty(), "{text}: {:?}", edited.faults);
    told(text, &edited.lints)
}

fn codes(text: &str, context: &LintContext<'_>) -> Vec<&'static str> {
    edit_with(text, context).lints.iter().map(|lint| lint.code).collect()
}

#[test]
fn findings_stand_where_they_belong() {
    for (rule, expected) in [
        ("RowCount between 1 and 5", vec!["W1"]),
        ("RowCount not between 1 and 5", vec!["W1"]),
        ("RowCount > 5", vec![]),
        ("RowCount > 1 + 2 * 3", vec!["W2"]),
        ("RowCount > (1 + 2) * 3", vec![]),
        ("RowCount > 1 * 2 + 3", vec![]),
        ("(ColumnValues \"a\" > 1) or (ColumnValues \"a\" = NULL)", vec!["W3"]),
        ("(ColumnValues \"a\" > 1) or (ColumnValues \"b\" = NULL)", vec![]),
        ("(RowCount > 1) or (ColumnValues \"a\" > 1) or (ColumnValues \"a\" = NULL)", vec!["W3"]),
        ("(ColumnValues \"a\" > 1) and (ColumnValues \"a\" != NULL)", vec![]),
        ("DataFreshness \"a\" <= 24 hours", vec!["W5"]),
        ("DataFreshness \"a\" <= 24 hours where \"b\"", vec![]),
        ("DataFreshness \"a\" > 24 hours", vec![]),
        ("ColumnValues \"a\" matches \"x|y\"", vec!["W6"]),
        ("ColumnValues \"a\" matches \"(x|y)\"", vec![]),
        ("ColumnValues \"a\" not matches \"x\"", vec!["W7"]),
        ("CustomSql \"select id from primary\"", vec!["W8"]),
        ("CustomSql \"select * from primary\"", vec![]),
        ("CustomSql \"select id from primary\" > 0", vec![]),
        ("Completeness \"a\" = 0.95", vec!["W9"]),
        ("Completeness \"a\" = 1.0", vec![]),
        ("Mean \"a\" != 1", vec!["W9"]),
        ("RowCount = 5", vec![]),
        ("RowCount > average(last(5))", vec!["W10"]),
        ("RowCount > avg(last(5))", vec![]),
        ("RowCount > avg(last(5), 1)", vec!["W10"]),
        ("RowCount > last(5)", vec!["W10"]),
        ("RowCount > last()", vec![]),
        ("RowCount > index(last(5), 0)", vec![]),
        ("FileSize > 1 with recentFile = 1", vec!["W10"]),
        ("ColumnValues \"a\" > 1 with threshold = \"0.5\"", vec!["W10"]),
        ("ColumnValues \"a\" > 1 labels=[\"k\"=\"v\"] with threshold > 0.5", vec!["W11"]),
        ("(ColumnValues \"a\" > 1 with threshold > 0.5) labels=[\"k\"=\"v\"]", vec![]),
        ("ColumnValues \"a\" = \"2022-01-01\"", vec!["W12"]),
        ("ColumnValues \"a\" > \"2022-01-01\"", vec![]),
        ("Variance \"a\" > 1", vec!["W13"]),
        ("ColumnValues \"a\" matches \"(?!x).*\"", vec!["W16"]),
        ("ColumnNamesMatchPattern \"a++\"", vec!["W16"]),
        ("RowCount > now ()", vec!["W19"]),
        ("ColumnValues \"a\" = \"9:30 am\"", vec!["W20"]),
        ("ColumnValues \"a\" = \"9:30\"", vec!["W20"]),
        ("ColumnValues \"a\" = \"x\\\" ", vec!["W21"]),
    ] {
        let text = rules(rule);
        let found = codes(&text, &LintContext::default());
        assert_eq!(found, expected, "{rule}");
    }
}

#[test]
fn what_depends_on_the_place_is_said_for_that_place() {
    let catalog = LintContext { catalog: true, ..LintContext::default() };
    for rule in
        ["RowCount > avg(last(3))", "RowCount > 0 labels=[\"a\"=\"b\"]", "FileSize > 5", "DetectAnomalies \"RowCount\""]
    {
        assert_eq!(codes(&rules(rule), &catalog), ["W14"], "{rule}");
        assert!(codes(&rules(rule), &LintContext::default()).is_empty(), "{rule}");
    }
    assert_eq!(codes("Analyzers = [ RowCount ]", &catalog), ["W14"]);
    let row_mode = LintContext { row_mode: true, ..LintContext::default() };
    assert_eq!(codes(&rules("(Completeness \"a\" > 0.5) or (IsComplete \"b\")"), &row_mode), ["W4"]);
    assert_eq!(codes(&rules("(ColumnValues \"a\" > 1 with threshold > 0.5) or (IsComplete \"b\")"), &row_mode), ["W4"]);
    assert!(codes(&rules("(ColumnValues \"a\" > 1) or (ColumnValues \"a\" = NULL)"), &row_mode).is_empty());
    assert!(codes(&rules("Completeness \"a\" > 0.5"), &row_mode).is_empty());
    let visual = LintContext { visual_job: true, ..LintContext::default() };
    assert_eq!(codes(&rules("IsComplete \"größe\""), &visual), ["W15"]);
    let judge = |text: &str| text.contains("lateral").then(|| "it joins laterally".to_owned());
    let local = LintContext { filter: Some(&judge), query: Some(&judge), ..LintContext::default() };
    assert_eq!(codes(&rules("IsComplete \"a\" where \"lateral\""), &local), ["W17"]);
    assert_eq!(codes(&rules("CustomSql \"select lateral\" > 0"), &local), ["W17"]);
    assert!(codes(&rules("IsComplete \"lateral\" where \"a > 1\""), &local).is_empty());
}

#[test]
fn sizes_beyond_the_service_are_said() {
    let many = format!("Rules = [ {}RowCount > 0 ]", "RowCount > 0, ".repeat(2_000));
    assert_eq!(codes(&many, &LintContext::default()), ["W18"]);
    let long = format!("Rules = [ RowCount > 0 ]{}\n", "#é\n".repeat(22_000));
    assert_eq!(codes(&long, &LintContext::default()), ["W18"]);
}

#[test]
fn messages_and_fixes_read_well() {
    insta::assert_snapshot!(lints("Analyzers = [ RowCount ]\nRules = [ RowCount > 0 ]\n"), @r#"
    "Rules = [ RowCount > 0 ]" E1 Error: These rules are ignored: nothing behind `Analyzers` is read. Rules stand before analyzers.
      Move the rules before the analyzers -> "Rules = [ RowCount > 0 ]\n\nAnalyzers = [ RowCount ]\n\n"
    "#);
    insta::assert_snapshot!(lints("Rules = [ RowCount > 0 ]\nRules = [ IsComplete \"a\" ]"), @r#""Rules = [ IsComplete \"a\" ]" E1 Error: This is ignored: the document ends before it. Remove it, or move it into the list."#);
    insta::assert_snapshot!(lints("Rules = [ RowCount > avg(last(5)) + 2 * std(last(5)) ]"), @r#"
    "> avg(last(5)) + 2 * std(last(5))" W2 Warning: `+ - * /` are read from left to right, all alike. Write the parentheses that are meant.
      Write the parentheses that are read -> "Rules = [ RowCount > (avg(last(5)) + 2) * std(last(5)) ]"
    "#);
    insta::assert_snapshot!(lints("Rules = [ ColumnValues \"a\" > 1 labels=[\"k\"=\"v\"] with threshold > 0.5 ]"), @r#"
    "labels=[\"k\"=\"v\"]" W11 Warning: The documentation writes labels behind `with`, the open parser wants them before it. `(rule with threshold …) labels=[…]` suits both.
      Put the rule into parentheses -> "Rules = [ (ColumnValues \"a\" > 1 with threshold > 0.5) labels=[\"k\"=\"v\"] ]"
    "#);
    insta::assert_snapshot!(lints("Rules = [ ColumnValues \"a\" matches \"x|y\", RowCount > now () ]"), @r#"
    "\"x|y\"" W6 Warning: `^` and `$` are put around the pattern without parentheses: of `a|b` one side is bound to the start and the other to the end. Write `(a|b)`.
      Add parentheses -> "Rules = [ ColumnValues \"a\" matches \"(x|y)\", RowCount > now () ]"
    "now ()" W19 Warning: `now ()` is read as a function of no meaning. `now()` is one word.
      Write now() -> "Rules = [ ColumnValues \"a\" matches \"x|y\", RowCount > now() ]"
    "#);
}

/// A fix keeps the text acceptable, and what it mends is gone.
#[test]
fn fixes_mend() {
    for text in [
        "Analyzers = [ RowCount ]\nRules = [ RowCount > 0 ]\n",
        "Rules = [ RowCount > 1 + 2 * 3 ]",
        "Rules = [ ColumnValues \"a\" > 1 labels=[\"k\"=\"v\"] with threshold > 0.5 with x = 1 ]",
        "Rules = [ ColumnValues \"a\" matches \"x|y\" ]",
        "Rules = [ FileFreshness > \"9:30 am\" ]",
        "Rules = [ FileFreshness > now () ]",
        "Rules = [\r\n RowCount > 0 ]\u{a0}# x",
        "IsComplete \"a\", RowCount > 0",
        "(IsComplete \"a\")",
        "Rules = [ RowCount > 0, ]",
        "Rules = [ RowCount > 0 IsComplete \"a\" ]",
        "Rules = [ IsComplete \"a\" IsUnique \"b\" ]",
        "Rules = [ isComplete \"a\" ]",
        "Rules = [ IsComplete \"a\" > 0.5 ]",
        "Rules = [ Completeness \"a\" > \"0.5\" ]",
        "Rules = [ // one\n RowCount > 0 ]",
    ] {
        let mut now = text.to_owned();
        for _ in 0..3 {
            let edited = edit(&now);
            let all = edited.faults.iter().chain(&edited.lints);
            match all.clone().find(|fault| fault.fix.is_some()) {
                Some(fault) => now = fault.fix.clone().unwrap().apply(&now),
                None => break,
            }
        }
        let left: Vec<_> = edit(&now).lints.into_iter().filter(|lint| lint.fix.is_some()).collect();
        assert!(parse(&now).is_ok() && left.is_empty(), "{text:?} -> {now:?}: {:?} {left:?}", parse(&now).err());
    }
}
