//! What the language accepts, sentence by sentence.

use super::rules;
use crate::{canonical, parse};

fn accepted(text: &str) {
    if let Err(faults) = parse(text) {
        panic!("refused: {text:?}: {faults:?}");
    }
}

/// Refused, and the first fault has this code.
fn refused(text: &str, code: &str) {
    match parse(text) {
        Ok(tree) => panic!("accepted: {text:?} as {}", canonical::ruleset(&tree)),
        Err(faults) => assert_eq!(faults[0].code, code, "{text:?}: {faults:?}"),
    }
}

#[test]
fn documents_have_sections_in_one_order() {
    for text in [
        "Rules = [ RowCount > 0 ]",
        "Rules=[RowCount>0]",
        "Analyzers = [ RowCount ]",
        "Rules = [ ] Analyzers = [ RowCount ]",
        "Metadata = { \"Version\": \"1\" } Rules = [ RowCount > 0 ]",
        "Metadata = { \"Version\": [\"1\", \"2\"] } Rules = [ RowCount > 0 ]",
        "Metadata = { \"Ver\\sion\": \"1\" } Rules = [ RowCount > 0 ]",
        "DataSources = { \"Primary\": \"a\", \"AdditionalDataSources\": [\"b\", \"c\"] } Rules = [ RowCount > 0 ]",
        "x = \"1\" y = [\"2\"] DefaultLabels=[\"a\"=\"b\"] Rules = [ RowCount > 0 ] Analyzers = [ RowCount ]",
    ] {
        accepted(text);
    }
    for (text, code) in [
        ("", "S1"),
        ("Rules = [ ]", "M12"),
        ("Rules = [ ] Analyzers = [ ]", "M12"),
        ("Rules = [ RowCount > 0, ]", "S4"),
        ("Rules = [ , RowCount > 0 ]", "S1"),
        ("rules = [ RowCount > 0 ]", "S1"),
        ("Rules = [ RowCount > 0", "S1"),
        ("Rules = { RowCount > 0 }", "S1"),
        ("RowCount > 0", "S3"),
        ("(RowCount > 0)", "S3"),
        ("DefaultLabels=[\"a\"=\"b\"] x = \"1\" Rules = [ RowCount > 0 ]", "S2"),
        ("DataSources = {\"Primary\": \"a\"} Metadata = { \"Version\": \"1\" } Rules = [ RowCount > 0 ]", "S2"),
        ("Metadata = { } Rules = [ RowCount > 0 ]", "S1"),
        ("Metadata = { \"Author\": \"1\" } Rules = [ RowCount > 0 ]", "M11"),
        ("DataSources = { \"AdditionalDataSources\": \"b\" } Rules = [ RowCount > 0 ]", "M11"),
        ("DataSources = { \"Primary\": a } Rules = [ RowCount > 0 ]", "S1"),
        ("5 = \"x\" Rules = [ RowCount > 0 ]", "S1"),
    ] {
        refused(text, code);
    }
}

#[test]
fn nothing_behind_the_end_is_read_but_one_token() {
    for behind in [" Rules = [ Nonsense ]", "]]]", " foo ^", " \"open", "\n# comment\n", " # a\r\n x ^", " 'x"] {
        accepted(&format!("Rules = [ RowCount > 0 ]{behind}"));
    }
    accepted("Analyzers = [ RowCount ] Rules = [ Nonsense ]");
    assert!(parse("Analyzers = [ RowCount ] Rules = [ RowCount > 0 ]").unwrap().rules.is_empty());
    refused("Rules = [ RowCount > 0 ] ^", "L1");
    refused("Rules = [ RowCount > 0 ] \r\n", "E2");
    refused("Rules = [ RowCount > 0 ] # comment", "E3");
    refused("Rules = [ RowCount > 0 ] Analyzers", "S1");
    refused("Rules = [ RowCount > 0 ] Analyzers = [ RowCount > 1 ]", "S1");
}

#[test]
fn characters_and_words_are_those_of_the_language() {
    for (text, code) in [
        ("Rules = [ RowCount > 0 ]\r\nAnalyzers = [ RowCount ]", "E2"),
        ("\u{feff}Rules = [ RowCount > 0 ]", "E2"),
        ("Rules =\u{a0}[ RowCount > 0 ]", "E2"),
        ("Rules = [ // no\n RowCount > 0 ]", "S7"),
        ("Rules = [ IsComplete “a” ]", "L2"),
        ("Rules = [ IsComplete 5 ]", "S1"),
        ("Rules = [ IsComplete days ]", "S1"),
        ("Rules = [ IsComplete a-b ]", "S1"),
        ("Rules = [ IsComplete \"2022-01-01\" ]", "S1"),
        ("Rules = [ RowCount > .5 ]", "S1"),
        ("Rules = [ RowCount > 5. ]", "S1"),
        ("Rules = [ RowCount > 1e5 ]", "S1"),
        ("Rules = [ RowCount > +5 ]", "S1"),
        ("Rules = [ RowCount > --5 ]", "S1"),
        ("Rules = [ RowCount > 5% ]", "L1"),
        ("Rules = [ RowCount > = 5 ]", "S1"),
        ("Rules = [ RowCount BETWEEN 1 and 5 ]", "S8"),
        ("Rules = [ RowCount between 1 And 5 ]", "S1"),
    ] {
        refused(text, code);
    }
    for text in [
        "Rules = [ # why\n RowCount > 0 # \"here\"\n]",
        "Rules = [ IsComplete a.b_c1 ]",
        "Rules = [ IsComplete \"a\nb\" ]",
        "Rules = [ RowCount > - 5 ]",
        "Rules = [ RowCount ! = 5 ]",
        "Rules = [ RowCount > 5 -3 ]",
        "Rules = [ RowCount > 5 - -3 ]",
        "Rules = [ RowCount > now () ]",
        "Rules = [ ColumnValues \"a\" > \"2022-99-99\" ]",
    ] {
        accepted(text);
    }
}

#[test]
fn a_name_and_a_number_of_parameters_choose_the_type() {
    for rule in [
        "IsUnique \"a\" \"b\" \"c\"",
        "FileMatch \"a\" \"b\"",
        "FileMatch \"a\" in [\"x\"]",
        "FileMatch = \"x\"",
        "ColumnCorrelation of \"a\" and \"b\" > 0.5",
        "ColumnCorrelation OF a AND b > 0.5",
        "DetectAnomalies \"Completeness\" \"a\"",
        "Variance \"a\" > 1",
    ] {
        accepted(&rules(rule));
    }
    for (rule, code) in [
        ("isComplete \"a\"", "M1"),
        ("CustomSQL \"select 1\" > 0", "M1"),
        ("Range \"a\" > 0", "W13"),
        ("RowCount \"a\" > 0", "M2"),
        ("IsUnique", "M2"),
        ("FileMatch \"a\" \"b\" \"c\"", "M2"),
        ("AllStatistics \"a\" > 0", "M3"),
        ("IsComplete of", "S1"),
        ("IsComplete $", "S1"),
    ] {
        refused(&rules(rule), code);
    }
    refused("Analyzers = [ IsComplete \"a\" ]", "M3");
    refused("Analyzers = [ Completeness \"a\" where \"x\" ]", "S1");
    accepted("Analyzers = [ CustomSql \"select 1\", AllStatistics of AllColumns, FileMatch \"a\" ]");
}

#[test]
fn parts_of_a_rule_stand_in_one_order() {
    accepted(&rules("ColumnValues \"a\" > 1 where \"x\" labels=[\"a\"=\"b\"] with threshold > 0.5 with x = 1"));
    for (rule, code) in [
        ("ColumnValues \"a\" > 1 with threshold > 0.5 labels=[\"a\"=\"b\"]", "S6"),
        ("ColumnValues \"a\" > 1 with threshold > 0.5 where \"x\"", "S1"),
        ("ColumnValues \"a\" where \"x\" > 1", "S1"),
        ("ColumnValues \"a\" > 1 > 2", "S1"),
        ("ColumnValues \"a\" > 1 where \"\"", "M4"),
        ("ColumnValues \"a\" > 1 where \"2022-01-01\"", "S1"),
        ("ColumnExists \"a\" where \"x\"", "M4"),
        ("ColumnValues \"a\" > 1 with", "S1"),
        ("ColumnValues \"a\" > 1 with threshold", "S1"),
    ] {
        refused(&rules(rule), code);
    }
    accepted(&rules("ColumnValues \"a\" > 1 where \" \""));
}

#[test]
fn tags_take_equality_and_one_threshold() {
    for rule in [
        "ColumnValues \"a\" > 1 with THRESHOLD between 0.2 and 0.9",
        "ColumnValues \"a\" > 1 with threshold in [0.5, 1]",
        "ColumnValues \"a\" > 1 with threshold = \"0.5\"",
        "RowCount > 1 with threshold = NULL",
        "RowCount > 1 with anything = 5 with anything = \"x\"",
    ] {
        accepted(&rules(rule));
    }
    for (rule, code) in [
        ("RowCount > 1 with threshold > 0.5", "M6"),
        ("ColumnValues \"a\" > 1 with threshold > 0.5 with Threshold > 0.5", "M6"),
        ("RowCount > 1 with x > 5", "M7"),
        ("RowCount > 1 with x in [\"a\"]", "M7"),
        ("RowCount > 1 with x matches \"a\"", "M7"),
        ("RowCount > 1 with x = now()", "S1"),
        ("RowCount > 1 with x = $y", "M9"),
        ("RowCount > 1 with \"x\" = 1", "S1"),
    ] {
        refused(&rules(rule), code);
    }
}

#[test]
fn conditions_are_of_one_kind_that_the_type_gives() {
    for rule in [
        "ColumnValues \"a\" = NULL",
        "ColumnValues \"a\" in [null, NULL]",
        "ColumnValues \"a\" in [\"x\", NULL, EMPTY]",
        "ColumnValues \"a\" in [\"2022-01-01\", NULL]",
        "ColumnValues \"a\" between NULL and \"2022-01-01\"",
        "ColumnValues \"a\" > (now() - 3 days)",
        "ColumnValues \"a\" not matches \"x\"",
        "FileFreshness > \"9:30 AM\"",
        "FileFreshness in [\"00:00\", \"24:00\", \"0:30 AM\", \"00:59 PM\", \"12:00 AM\"]",
        "FileFreshness > \"12:30\" with timeZone = - 03",
        "FileFreshness > \"12:30\" with timeZone = \"SystemV/PST8\"",
        "FileSize in [1, 2]",
        "FileSize > (5)",
        "FileSize > -5",
        "CustomSql \"select 1\"",
        "DataFreshness \"a\" between 1 days and 3 hours",
        "RowCount > multiply()",
    ] {
        accepted(&rules(rule));
    }
    for (rule, code) in [
        ("ColumnValues \"a\" in [1, \"x\"]", "S1"),
        ("ColumnValues \"a\" in [1, 2 days]", "S1"),
        ("ColumnValues \"a\" in [\"x\", \"2022-01-01\"]", "S1"),
        ("ColumnValues \"a\" in []", "S1"),
        ("ColumnValues \"a\" between \"x\" and \"y\"", "S1"),
        ("ColumnValues \"a\" > \"x\"", "S1"),
        ("ColumnValues \"a\" matches \"2022-01-01\"", "S1"),
        ("ColumnValues \"a\" > now() - 3 days", "S1"),
        ("ColumnValues \"a\" > (now() - 3 weeks)", "S1"),
        ("ColumnValues \"a\" > ((now() - 3 days))", "S1"),
        ("ColumnValues \"a\" > 3 days", "M5"),
        ("ColumnValues \"a\"", "M5"),
        ("IsComplete \"a\" = 1", "M5"),
        ("Completeness \"a\" = \"1.0\"", "M5"),
        ("ColumnDataType \"a\" = NULL", "M5"),
        ("DataFreshness \"a\" > 3", "M5"),
        ("DataFreshness \"a\" between 2 and 4 days", "S1"),
        ("FileFreshness > NULL", "M5"),
        ("FileSize > NULL", "M10"),
        ("FileSize > 5.0", "M10"),
        ("FileSize > 1 + 1", "M10"),
        ("FileSize > 2147483648", "M10"),
        ("FileSize > 2147483648 B", "M10"),
        ("DataFreshness \"a\" < 2147483648 hours", "M10"),
        ("FileFreshness > \"25:30\"", "M10"),
        ("FileFreshness > \"13:30 PM\"", "M10"),
        ("FileFreshness > \"24:01\"", "M10"),
        ("FileFreshness > \"0:60 AM\"", "M10"),
        ("FileFreshness > \"12:60\"", "M10"),
        ("FileFreshness > \"12:30\" with timeZone = \"America/New_Chicago\"", "M10"),
        ("FileFreshness > \"12:30\" with timeZone = 5", "M10"),
        ("FileFreshness > \"12:30\" with timeZone = (-3)", "M10"),
        ("FileFreshness > \"12:30\" with timeZone = EMPTY", "M10"),
    ] {
        refused(&rules(rule), code);
    }
    accepted(&rules("FileFreshness > now() with timeZone = \"Nowhere\""));
}

#[test]
fn rules_are_joined_with_or_without_parentheses() {
    for rule in [
        "(RowCount > 0)",
        "((RowCount > 0))",
        "RowCount > 0 and ColumnCount > 0",
        "(IsComplete \"a\") AND (IsUnique \"b\") or (RowCount > 0)",
        "IsComplete \"a\" or IsUnique \"b\"",
        "IsComplete \"a\" and (IsUnique \"b\")",
        "(RowCount > 0 labels=[\"a\"=\"b\"]) labels=[\"c\"=\"d\"]",
    ] {
        accepted(&rules(rule));
    }
    for (rule, code) in [
        ("IsComplete \"a\" AND IsUnique \"b\"", "M2"),
        ("(RowCount > 0", "S1"),
        ("RowCount > 0)", "S1"),
        ("(RowCount > 0) and", "S1"),
        ("(RowCount > 0) And (RowCount > 0)", "S1"),
        ("()", "S1"),
        ("(RowCount > 0) where \"x\"", "S1"),
        ("(RowCount > 0) (RowCount > 0)", "S5"),
    ] {
        refused(&rules(rule), code);
    }
}

#[test]
fn labels_are_few_short_and_different() {
    let list = |count: usize| (0..count).map(|i| format!("\"k{i}\"=\"v\"")).collect::<Vec<_>>().join(",");
    accepted(&rules(&format!("RowCount > 0 labels=[{}]", list(10))));
    refused(&rules(&format!("RowCount > 0 labels=[{}]", list(11))), "M8");
    let with_default =
        |count| format!("DefaultLabels=[\"k0\"=\"v\"] Rules = [ RowCount > 0 labels=[{}] ]", list(count));
    accepted(&with_default(9));
    // The default counts although the rule has its key.
    refused(&with_default(10), "M8");
    let sized = |key: usize, value: usize| {
        rules(&format!("RowCount > 0 labels=[\"{}\"=\"{}\"]", "k".repeat(key), "😀".repeat(value)))
    };
    accepted(&sized(128, 128));
    refused(&sized(129, 1), "M8");
    // Characters outside of the first plane count twice.
    refused(&sized(1, 129), "M8");
    for rule in
        ["RowCount > 0 labels=[]", "RowCount > 0 labels=[\"a\"=\"\"]", "RowCount > 0 labels=[\"a\"=\"b\",\"a\"=\"c\"]"]
    {
        refused(&rules(rule), "M8");
    }
    refused("DefaultLabels=[] Rules = [ RowCount > 0 ]", "M8");
    refused(&rules("RowCount > 0 labels=[\"a\"=\"2022-01-01\"]"), "S1");
}

#[test]
fn constants_are_texts_used_whole() {
    for text in [
        "q = \"select 1\" Rules = [ CustomSql $q > 0 ]",
        "c = [\"a\", NULL] Rules = [ ColumnValues \"x\" not in $c ]",
        "c = \"a\" Rules = [ ColumnValues \"x\" in $c ]",
        "c = NULL Rules = [ ColumnValues \"x\" in $c ]",
        "c = $1 Rules = [ RowCount > 0 ]".replace("$1", "$1a").as_str(),
        "Analyzers = [ Completeness $unknown ]",
    ] {
        accepted(text);
    }
    for (text, code) in [
        ("c = 5 Rules = [ RowCount > 0 ]", "S1"),
        ("c = \"a\" c = \"b\" Rules = [ RowCount > 0 ]", "M9"),
        (".c = \"a\" Rules = [ RowCount > 0 ]", "M9"),
        ("_c = \"a\" Rules = [ RowCount > 0 ]", "M9"),
        ("c = \"a $b\" Rules = [ RowCount > 0 ]", "M9"),
        ("c = [\"a\"] Rules = [ IsComplete $c ]", "M9"),
        ("Rules = [ IsComplete $c ]", "M9"),
        ("Rules = [ ColumnValues \"a\" in $c ]", "M9"),
        ("c = \"a\" Rules = [ ColumnValues \"a\" = $c ]", "M9"),
        ("c = \"a\" Rules = [ ColumnValues \"a\" in [\"x\", $c] ]", "M9"),
        ("c = \"a\" Rules = [ ColumnValues \"a\" matches $c ]", "S1"),
        ("c = \"a\" Rules = [ RowCount > $c ]", "S1"),
    ] {
        refused(text, code);
    }
}
