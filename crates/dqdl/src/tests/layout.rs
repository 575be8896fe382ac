//! Printing and laying out: the same tree, the same text again, no comment lost.

use super::rules;
use crate::{canonical, format, parse, print};

fn laid_out(text: &str) -> String {
    let once = format(text).unwrap_or_else(|faults| panic!("{text:?}: {faults:?}"));
    assert_eq!(parse(&once).unwrap().unplaced(), parse(text).unwrap().unplaced(), "{text}\n{once}");
    assert_eq!(format(&once).unwrap(), once, "{text}");
    once
}

#[test]
fn a_text_gets_the_layout_of_the_house() {
    let text = "# about orders\nMetadata={\"Version\":\"1\"}\nDataSources={\"Primary\":\"a\",\"AdditionalDataSources\":[\"b\",\"c\"]}\n\
        codes=[\"A\",\"B\"] # two\nq=\"select 1\"\nDefaultLabels=[\"team\"=\"x\"]\nRules=[RowCount>0 , # never empty\n\
        # the key\nIsPrimaryKey \"id\"\"line\",\n\n(IsComplete \"a\")AND(IsUnique # inside\n\"b\")OR(RowCount between 1 and(5+avg(last(3)))),\
        ColumnValues \"c\" in$codes,CustomSql $q>0\n# last\n] # closed\n Analyzers=[RowCount,Completeness of \"a\" # mark\n]# end\n# more\n";
    insta::assert_snapshot!(laid_out(text), @r#"
    # about orders
    Metadata = {
        "Version": "1"
    }

    DataSources = {
        "Primary": "a",
        "AdditionalDataSources": ["b", "c"]
    }

    codes = ["A", "B"] # two
    q = "select 1"

    DefaultLabels = ["team"="x"]

    Rules = [
        RowCount > 0, # never empty
        # the key
        IsPrimaryKey "id" "line",

        # inside
        ((IsComplete "a") and (IsUnique "b")) or (RowCount between 1 and (5 + avg(last(3)))),
        ColumnValues "c" in $codes,
        CustomSql $q > 0
        # last
    ] # closed

    Analyzers = [
        RowCount,
        Completeness of "a" # mark
    ] # end
    # more
    "#);
}

#[test]
fn labels_stand_where_both_documentation_and_parser_read_them() {
    let line = |rule: &str| laid_out(&rules(rule)).lines().nth(1).unwrap().trim().to_owned();
    for (rule, expected) in [
        (
            "ColumnValues \"a\" > 1 labels=[\"k\"=\"v\"] with threshold > 0.5",
            "(ColumnValues \"a\" > 1 with threshold > 0.5) labels=[\"k\"=\"v\"]",
        ),
        ("RowCount > 1 labels = [\"k\"=\"v\",\"l\"=\"w\"]", "RowCount > 1 labels=[\"k\"=\"v\", \"l\"=\"w\"]"),
        ("(RowCount > 1) labels=[\"k\"=\"v\"]", "RowCount > 1 labels=[\"k\"=\"v\"]"),
        (
            "(RowCount > 1 and ColumnCount > 1) labels=[\"k\"=\"v\"]",
            "((RowCount > 1) and (ColumnCount > 1)) labels=[\"k\"=\"v\"]",
        ),
        (
            "IsComplete \"a\" or IsUnique \"b\" and (RowCount > 1 labels=[\"k\"=\"v\"])",
            "(IsComplete \"a\") or ((IsUnique \"b\") and (RowCount > 1 labels=[\"k\"=\"v\"]))",
        ),
    ] {
        // `IsUnique "b" and (` is a joining word, so this rule reads as it looks.
        assert_eq!(line(rule), expected, "{rule}");
    }
}

#[test]
fn long_rules_are_broken_before_the_words_that_join() {
    let name = "a_column_with_quite_a_long_name";
    let rule =
        format!("(IsComplete \"{name}\") and (IsUnique \"{name}\") and ((RowCount > 1) or (Mean \"{name}\" > 1))");
    insta::assert_snapshot!(laid_out(&rules(&rule)), @r#"
    Rules = [
        (IsComplete "a_column_with_quite_a_long_name")
            and (IsUnique "a_column_with_quite_a_long_name")
            and ((RowCount > 1) or (Mean "a_column_with_quite_a_long_name" > 1))
    ]
    "#);
}

#[test]
fn default_labels_do_not_change_what_a_rule_is_called() {
    for rule in [
        "ColumnValues \"a\" > 1 labels=[\"k\"=\"v\"] with threshold > 0.5",
        "(ColumnValues \"a\" > 1 with threshold > 0.5) labels=[\"k\"=\"v\"]",
        "(RowCount > 1) labels=[\"team\"=\"x\"]",
        "((RowCount > 1) and (ColumnCount > 1)) labels=[\"team\"=\"y\", \"k\"=\"v\"]",
    ] {
        laid_out(&format!("DefaultLabels=[\"team\"=\"x\", \"b\"=\"c\"] Rules = [ {rule} ]"));
    }
    let nine = (0..9).map(|i| format!("\"k{i}\"=\"v\"")).collect::<Vec<_>>().join(",");
    laid_out(&format!("DefaultLabels=[{nine}] Rules = [ (RowCount > 1) labels=[\"k\"=\"v\"] ]"));
}

#[test]
fn operands_keep_their_meaning() {
    for rule in [
        r#"ColumnValues "a" in ["x\"y", "\d\\", "it's", "2022\-01-01", "a
b"]"#,
        r#"ColumnValues "a" = "x\"y" where "b = \"c\"""#,
        r#"ColumnValues "a" matches "\d+\\""#,
        "FileSize in [-5, 3]",
        "FileSize > -1 with threshold > 0.5",
        "ColumnValues \"a\" = 1 with threshold = (null)",
        "ColumnValues \"a\" = 1 with threshold in [null, (null)]",
        "RowCount > 0 with x = (1 + (2)) with y = NULL with z = \"a\"",
    ] {
        let text = rules(rule);
        let tree = parse(&text).unwrap();
        assert_eq!(parse(&print(&tree)).unwrap().unplaced(), tree.unplaced(), "{}", print(&tree));
        laid_out(&text);
    }
}

#[test]
fn a_function_named_as_the_date_does_not_become_it() {
    let rule = "ColumnValues \"a\" between now ( ) and 1 + f(now\n(), now(2))";
    let printed = laid_out(&rules(rule));
    assert!(printed.contains("between now () and 1 + f(now (),now(2))"), "{printed}");
    // The service knows the rule by a text that reads back as another.
    let tree = parse(&rules(rule)).unwrap();
    assert_eq!(canonical::rule(&tree.rules[0]), "ColumnValues \"a\" between now() and 1 + f(now(),now(2))");
}

#[test]
fn what_is_not_read_stays_as_it_is() {
    let text = "Analyzers=[RowCount] # a\n# b\nRules = [  RowCount>0 ] ^ # open";
    assert_eq!(laid_out(text), "Analyzers = [\n    RowCount\n] # a\n# b\n\nRules = [  RowCount>0 ] ^ # open\n");
    assert_eq!(laid_out("Rules=[]Analyzers=[RowCount]"), "Rules = []\n\nAnalyzers = [\n    RowCount\n]\n");
}

#[test]
fn a_refused_text_is_not_laid_out() {
    assert_eq!(format("Rules = [ Nonsense ]").unwrap_err()[0].code, "M1");
}

/// Moving the labels behind the tag would open the text that only the end closes.
#[test]
fn a_text_that_only_the_end_closes_is_not_moved() {
    let text = "Rules = [ RowCount > 0 labels=[\"a\"=\"b\"] with x = \"y\\\" ]";
    assert!(parse(text).is_ok());
    assert_eq!(format(text).unwrap_err()[0].code, "S9");
}
