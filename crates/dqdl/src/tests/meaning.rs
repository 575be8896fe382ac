//! What texts mean: trees and canonical texts.

use super::rules;
use crate::tree::{Body, Condition, ConstantValue, Date, Operator, Size, SizeUnit, Test, Text};
use crate::{Ruleset, canonical, parse};

fn tree(text: &str) -> Ruleset {
    parse(text).unwrap_or_else(|faults| panic!("{text:?}: {faults:?}"))
}

fn canon(rule: &str) -> String {
    canonical::rule(&tree(&rules(rule)).rules[0])
}

fn condition(rule: &str) -> Condition {
    let tree = tree(&rules(rule));
    let check = tree.rules[0].checks().next().unwrap();
    check.condition.clone().unwrap()
}

fn literals(rule: &str) -> Vec<String> {
    match condition(rule) {
        Condition::Text(test) => test
            .operands
            .into_iter()
            .map(|text| match text {
                Text::Literal(text) => text,
                other => format!("{other:?}"),
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn canonical_texts_have_one_form() {
    for (rule, expected) in [
        ("  RowCount   >0 ", "RowCount > 0"),
        ("RowCount not between(5)and - 6", "RowCount not between 5 and -6"),
        ("RowCount > ((1+2))*avg( last( 3 ) , null)", "RowCount > (1 + 2) * avg(last(3),NULL)"),
        ("RowCount > 1 + (2 - (3))", "RowCount > 1 + (2 - 3)"),
        ("ColumnValues a in [ 1 , null ]", "ColumnValues a in [1,NULL]"),
        (
            "RowCount > (null) with x = ( null ) with y = f( null,NULL ) with z = null",
            "RowCount > NULL with x = (null) with y = f(null,NULL) with z = NULL",
        ),
        ("ColumnValues \"a\" ! = empty", "ColumnValues \"a\" != EMPTY"),
        ("ColumnValues \"a\" in [\"x\\\"y\"]", "ColumnValues \"a\" in [\"x\"y\"]"),
        ("ColumnValues \"a\" > (now()-3 days)", "ColumnValues \"a\" > (now() - 3 days)"),
        ("ColumnValues \"a\" > (now() - 0 days)", "ColumnValues \"a\" > (now() - 0 days)"),
        ("FileSize in [007, 5]", "FileSize in [7 B,5 B]"),
        ("FileSize > 5 KB", "FileSize > 5 KB"),
        ("ColumnCorrelation OF \"a\" and b > 0", "ColumnCorrelation OF \"a\" and b > 0"),
        ("IsComplete \"a\" where \" \"", "IsComplete \"a\""),
        ("RowCount > 0 with x = 1 + 2 with y = \"z\"", "RowCount > 0 with x = 1+2 with y = \"z\""),
        ("RowCount > 0 with x = (1) with x = ((2))", "RowCount > 0 with x = ((2))"),
        (
            "ColumnValues \"a\" > 1 where \"b\" labels=[\"k\"=\"v\"] with t = 1 with threshold>0.5",
            "ColumnValues \"a\" > 1 where \"b\" with threshold > 0.5 with t = 1 labels=[\"k\"=\"v\"]",
        ),
    ] {
        assert_eq!(canon(rule), expected, "{rule}");
    }
}

#[test]
fn rules_of_one_word_stand_side_by_side_and_others_in_pairs() {
    let leaf = |name: &str| format!("(IsComplete \"{name}\")");
    let (a, b, c, d) = (leaf("a"), leaf("b"), leaf("c"), leaf("d"));
    assert_eq!(canon(&format!("{a} and ({b} and {c}) and {d}")), format!("{a} AND {b} AND {c} AND {d}"));
    assert_eq!(canon(&format!("{a} or {b} and {c}")), format!("{a} OR ({b} AND {c})"));
    assert_eq!(canon(&format!("{a} and {b} or {c} and {d}")), format!("({a} AND {b}) OR ({c} AND {d})"));
    assert_eq!(canon(&format!("({a} or {b}) and {c} and {d}")), format!("(({a} OR {b}) AND {c}) AND {d}"));
    assert_eq!(canon("RowCount > 0 and ColumnCount > 0"), "(RowCount > 0) AND (ColumnCount > 0)");
}

#[test]
fn labels_are_merged_and_shown_as_the_service_shows_them() {
    let text = |rule: &str| format!("DefaultLabels=[\"env\"=\"prod\", \"team\"=\"x\"] Rules = [ {rule} ]");
    let labels = |rule: &str| {
        let tree = tree(&text(rule));
        let labels: Vec<_> = tree.rules[0].labels.iter().map(|l| format!("{}={}", l.key, l.value)).collect();
        (labels.join(" "), canonical::rule(&tree.rules[0]))
    };
    assert_eq!(labels("RowCount > 0"), ("env=prod team=x".into(), "RowCount > 0".into()));
    let own = labels("RowCount > 0 labels=[\"team\"=\"y\", \"a\"=\"b\"]");
    assert_eq!(own.0, "env=prod team=y a=b");
    assert!(!own.1.contains("env") && own.1.contains("\"team\"=\"y\""), "{}", own.1);
    let outside = labels("(RowCount > 0 labels=[\"lost\"=\"y\"]) labels=[\"a\"=\"b\"]");
    assert_eq!(outside.0, "env=prod team=x a=b");
    assert!(outside.1.contains("env"), "{}", outside.1);
    let joined = labels("((RowCount > 0) and (ColumnCount > 0)) labels=[\"a\"=\"b\"]");
    assert_eq!(joined, ("env=prod team=x a=b".into(), "(RowCount > 0) AND (ColumnCount > 0)".into()));
    let last = labels("(RowCount > 0) and (ColumnCount > 0) labels=[\"a\"=\"b\"]");
    assert_eq!(last.0, "env=prod team=x");
}

#[test]
fn escapes_are_resolved_inside_lists_alone() {
    assert_eq!(literals(r#"ColumnValues "a" in ["x\"y", "\d\\", "it's"]"#), [r#"x"y"#, r"d\", "it's"]);
    assert_eq!(literals(r#"ColumnValues "a" = "x\"y""#), [r#"x\"y"#]);
    assert_eq!(literals(r#"ColumnValues "a" matches "\d+""#), [r"\d+"]);
    assert_eq!(literals(r#"ColumnValues "a" in ["2022\-01-01"]"#), ["2022-01-01"]);
    // Only the last `\"` closes this text, inside `in` it then is a quote that closes.
    let unclosed = parse(r#"Rules = [ RowCount > 0 with x = "a\" ]"#).unwrap();
    assert!(canonical::rule(&unclosed.rules[0]).ends_with(r#"with x = "a\""#));
}

#[test]
fn constants_give_their_values_and_keep_their_names() {
    let tree = tree(
        "q = \"a\\\"b\" l = [\"a\\\"b\", EMPTY] Rules = [ IsComplete of $q, ColumnValues \"x\" in $l, ColumnValues \"x\" in $q ]",
    );
    let checks: Vec<_> = tree.rules.iter().filter_map(|rule| rule.checks().next()).collect();
    let parameter = &checks[0].parameters[0];
    assert_eq!((parameter.value.as_str(), parameter.quoted), ("a\\\"b", true));
    assert_eq!((parameter.constant.as_deref(), parameter.connector.as_deref()), (Some("q"), Some("of")));
    let texts = |at: usize| match &checks[at].condition {
        Some(Condition::Text(test)) => test.operands.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(texts(1), [Text::Literal("a\"b".into()), Text::Literal("EMPTY".into())]);
    assert_eq!(texts(2), [Text::Literal("a\\\"b".into())]);
    assert_eq!(canonical::rule(&tree.rules[1]), "ColumnValues \"x\" in $l");
    assert_eq!(tree.constants[1].value, ConstantValue::List(vec!["a\\\"b".into(), "EMPTY".into()]));
    // No name begins with a digit behind `$`, so this is a text, without the space.
    let parsed = parse("q = $ 1a Rules = [ RowCount > 0 ]").unwrap();
    assert_eq!(parsed.constants[0].value, ConstantValue::Text("$1a".into()));
}

#[test]
fn heads_are_read_as_the_service_reads_them() {
    let tree = tree(
        "Metadata = {\"Version\": \"1\", \"Version\": [\"2\",\"3\"]} DataSources = { \"Primary\": \"a b\", \
         \"AdditionalDataSources\": [\"c d\", \"e,f\", \"\"] } Rules = [ RowCount > 0 ]",
    );
    assert_eq!(tree.version.as_deref(), Some("[2,3]"));
    assert_eq!(tree.primary.as_deref(), Some("a b"));
    assert_eq!(tree.additional, ["cd", "e", "f"]);
    insta::assert_snapshot!(canonical::ruleset(&tree), @r#"
    Metadata = {
        "Version": "[2,3]"
    }

    DataSources = {
        "Primary": "a b",
        "AdditionalDataSources": [ "cd", "e", "f" ]
    }

    Rules = [
        RowCount > 0
    ]
    "#);
}

#[test]
fn operands_keep_their_values() {
    let span = |text: &str, part: &str| {
        let start = rules(text).find(part).unwrap();
        start..start + part.len()
    };
    let rule = "ColumnValues \"a\" not in [(now() - 3 days), \"2022-01-01\", \"9:30 AM\", NULL, now()]";
    let Condition::Date(Test { op, operands, span: found }) = condition(rule) else { panic!() };
    assert_eq!(op, Operator::NotIn);
    assert_eq!(found, span(rule, "not in [(now() - 3 days), \"2022-01-01\", \"9:30 AM\", NULL, now()]"));
    let expected = [
        Date::Offset { amount: -3, unit: crate::tree::Unit::Days, minus: true },
        Date::Day("2022-01-01".into()),
        Date::Time("9:30 AM".into()),
        Date::Null,
        Date::Now,
    ];
    assert_eq!(operands, expected);
    let Condition::Size(test) = condition("FileSize > 5") else { panic!() };
    assert_eq!(test.operands, [Size { amount: 5, unit: SizeUnit::Bytes }]);
}

#[test]
fn spans_are_those_of_the_text() {
    let text = "x = \"1\"\nRules = [ ( IsComplete \"a\" ) or RowCount > 0 where \"b\" ]";
    let tree = tree(text);
    assert_eq!(&text[tree.constants[0].span.clone()], "x = \"1\"");
    assert_eq!(&text[tree.rules[0].span.clone()], "( IsComplete \"a\" ) or RowCount > 0 where \"b\"");
    let Body::Both { left, right, .. } = &tree.rules[0].body else { panic!() };
    assert_eq!(&text[left.span.clone()], "( IsComplete \"a\" )");
    assert_eq!(&text[right.span.clone()], "RowCount > 0 where \"b\"");
    let check = left.checks().next().unwrap();
    assert_eq!(&text[check.span.clone()], "IsComplete \"a\"");
    assert_eq!(&text[check.parameters[0].span.clone()], "\"a\"");
}

/// The orders on the right are what `java.util.HashMap` of Java 17 handed out; labels are copied twice.
#[test]
fn tags_and_labels_are_printed_in_the_order_of_the_service() {
    for (written, tags, labels) in [
        (
            "timeZone recentFiles uriRegex failFast",
            "uriRegex recentFiles timeZone failFast",
            "timeZone uriRegex recentFiles failFast",
        ),
        (
            "matchFileName hashAlgorithm dataFrame ignoreCase format",
            "matchFileName dataFrame ignoreCase format hashAlgorithm",
            "format matchFileName dataFrame ignoreCase hashAlgorithm",
        ),
        ("frequency team owner priority env", "owner team priority env frequency", "owner team priority env frequency"),
        ("rule_id dimension source", "rule_id source dimension", "rule_id source dimension"),
        ("BB Aa", "BB Aa", "BB Aa"),
    ] {
        let tagged: String = written.split(' ').map(|name| format!(" with {name} = 1")).collect();
        let expected: String = tags.split(' ').map(|name| format!(" with {name} = 1")).collect();
        assert_eq!(canon(&format!("RowCount > 0{tagged}")), format!("RowCount > 0{expected}"));
        let list =
            |names: &str| names.split(' ').map(|name| format!("\"{name}\"=\"1\"")).collect::<Vec<_>>().join(", ");
        let labelled = canon(&format!("RowCount > 0 labels=[{}]", list(written)));
        assert_eq!(labelled, format!("RowCount > 0 labels=[{}]", list(labels)));
    }
    // Of two with one name the later counts, in the place of the earlier; these names have one hash.
    assert_eq!(canon("RowCount > 0 with Aa = 1 with BB = 2 with Aa = 3"), "RowCount > 0 with Aa = 3 with BB = 2");
    // Behind parentheses defaults are shown, and they came first.
    let outside = |own: &str| format!("DefaultLabels=[\"k54\"=\"d\"] Rules = [ (IsComplete \"a\") labels=[{own}] ]");
    for (own, expected) in [
        ("\"k50\"=\"r\"", "\"k54\"=\"d\", \"k50\"=\"r\""),
        ("\"k50\"=\"r\", \"k54\"=\"o\"", "\"k54\"=\"o\", \"k50\"=\"r\""),
    ] {
        let printed = canonical::rule(&tree(&outside(own)).rules[0]);
        assert_eq!(printed, format!("IsComplete \"a\" labels=[{expected}]"));
    }
    let inside = canon("IsComplete \"a\" labels=[\"k54\"=\"d\", \"k50\"=\"r\"]");
    assert_eq!(inside, "IsComplete \"a\" labels=[\"k50\"=\"r\", \"k54\"=\"d\"]");
    let many = "a b c d e f g h i j k l m timeZone uriRegex";
    let printed =
        canon(&format!("RowCount > 0{}", many.split(' ').map(|name| format!(" with {name} = 1")).collect::<String>()));
    let names: Vec<_> = printed.split(" with ").skip(1).map(|tag| tag.trim_end_matches(" = 1")).collect();
    assert_eq!(names.join(" "), "a b c d e f g h i timeZone j k l m uriRegex");
}
