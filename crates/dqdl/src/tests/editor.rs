//! What an editor is told: every mistake with its place, and what can be read around them.

use crate::syntax::Part;
use crate::{Fault, edit};

/// The findings as lines: the text that is marked, code, message, and the text after the fix.
pub(super) fn told(text: &str, faults: &[Fault]) -> String {
    let lines = faults.iter().map(|fault| {
        let fix = fault.fix.as_ref().map_or(String::new(), |fix| format!("\n  {} -> {:?}", fix.title, fix.apply(text)));
        format!("{:?} {} {:?}: {}{fix}", &text[fault.span.clone()], fault.code, fault.severity, fault.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn faults(text: &str) -> String {
    told(text, &edit(text).faults)
}

#[test]
fn every_entry_that_can_be_read_is_read() {
    let text = "Rules = [\n  RowCount > ,\n  IsComplete \"a\",\n  ColumnValues \"b\" in [1, \"x\"],\n  isUnique \"c\",\n  IsUnique \"d\"\n]";
    let edited = edit(text);
    let kinds: Vec<_> = edited.tree.unwrap().rules.iter().map(|rule| text[rule.span.clone()].to_owned()).collect();
    assert_eq!(kinds, ["IsComplete \"a\"", "IsUnique \"d\""]);
    insta::assert_snapshot!(told(text, &edited.faults), @r#"
    "," S1 Error: Expected a number, a date or `now()`, a duration such as `3 days` or a size such as `5 MB`, but there is `,`.
    "\"x\"" S1 Error: Expected a number, but there is a text in quotes.
    "isUnique" M1 Error: There is no rule type `isUnique`. The nearest is `IsUnique`.
      Write IsUnique -> "Rules = [\n  RowCount > ,\n  IsComplete \"a\",\n  ColumnValues \"b\" in [1, \"x\"],\n  IsUnique \"c\",\n  IsUnique \"d\"\n]"
    "#);
    let broken: Vec<_> = edited.syntax.nodes().iter().filter(|node| node.part == Part::Broken).collect();
    assert_eq!(broken.len(), 2);
    assert_eq!(&text[edited.syntax.span(broken[0])], "RowCount >");
}

#[test]
fn forgotten_commas_brackets_and_parentheses_are_named() {
    insta::assert_snapshot!(faults("Rules = [ RowCount > 0 IsComplete \"a\" ]"), @r#"
    "IsComplete" S5 Error: Between two entries stands a comma.
      Insert a comma -> "Rules = [ RowCount > 0, IsComplete \"a\" ]"
    "#);
    insta::assert_snapshot!(faults("Rules = [ IsComplete \"a\" IsUnique \"b\" ]"), @r#"
    "IsComplete" M2 Error: `IsComplete` takes 1 parameter, and here it has 3. Between two rules stands a comma.
      Insert a comma -> "Rules = [ IsComplete \"a\", IsUnique \"b\" ]"
    "#);
    insta::assert_snapshot!(faults("Rules = [ IsComplete \"a\" and IsUnique \"b\" ]"), @r#""IsComplete" M2 Error: `IsComplete` takes 1 parameter, and here it has 3. Rules that `and` joins stand in parentheses: `(…) and (…)`."#);
    insta::assert_snapshot!(faults("Rules = [ RowCount > 0,\n]"), @r#"
    "]" S4 Error: A list does not end with a comma.
      Remove the comma -> "Rules = [ RowCount > 0\n]"
    "#);
    insta::assert_snapshot!(faults("Rules = [ RowCount > 0\nAnalyzers = [ RowCount ]"), @r#""Analyzers" S1 Error: Expected `,` or `]`, but there is `Analyzers`."#);
    insta::assert_snapshot!(faults("Rules = [ (RowCount > 0 and ColumnCount > 0, IsComplete 5 ]"), @r#"
    "," S1 Error: Expected `and`, `or` or `)`, but there is `,`.
    "5" S1 Error: Expected `,` or `]`, but there is `5`.
    "#);
    insta::assert_snapshot!(faults("IsComplete \"a\", RowCount > 0\n"), @r#"
    "\"a\"" S3 Error: Rules stand in a list: `Rules = [ … ]`.
      Put the text into Rules = [ … ] -> "Rules = [\n    IsComplete \"a\", RowCount > 0\n]\n"
    "#);
}

#[test]
fn mistakes_of_meaning_come_with_a_way_out() {
    insta::assert_snapshot!(faults("Rules = [ CustomSQL \"select 1\" > 0, Skewness \"a\" > 0, RowCount \"a\" > 0 ]"), @r#"
    "CustomSQL" M1 Error: There is no rule type `CustomSQL`. The nearest is `CustomSql`.
      Write CustomSql -> "Rules = [ CustomSql \"select 1\" > 0, Skewness \"a\" > 0, RowCount \"a\" > 0 ]"
    "Skewness" W13 Error: `Skewness` is not portable: the service's open parser does not know it. Use CustomSql, or a rule type that every version knows.
    "RowCount" M2 Error: `RowCount` takes no parameter, and here it has 1.
    "#);
    insta::assert_snapshot!(faults("Rules = [ Completeness \"a\" = \"1.0\", IsComplete \"a\" > 0.5, Completeness \"a\" ]"), @r#"
    "= \"1.0\"" M5 Error: `Completeness` is compared with a number.
      Remove the quotes -> "Rules = [ Completeness \"a\" = 1.0, IsComplete \"a\" > 0.5, Completeness \"a\" ]"
    "> 0.5" M5 Error: `IsComplete` gives yes or no and takes no condition. Remove it.
      Remove the condition -> "Rules = [ Completeness \"a\" = \"1.0\", IsComplete \"a\", Completeness \"a\" ]"
    "Completeness \"a\"" M5 Error: `Completeness` needs a condition, as in `Completeness "customer_id" > 0.75`.
    "#);
    insta::assert_snapshot!(faults("Rules = [ RowCount BETWEEN 1 and 2, RowCount > 0 with threshold > 1 labels=[\"a\"=\"b\"] ]"), @r#"
    "1" S8 Error: `BETWEEN` is a name here: the language writes `between`.
      Write between -> "Rules = [ RowCount between 1 and 2, RowCount > 0 with threshold > 1 labels=[\"a\"=\"b\"] ]"
    "labels" S6 Error: Labels stand before `with`. Behind it they need parentheses around the rule: `(rule with threshold > 0.9) labels=[…]`.
    "#);
    insta::assert_snapshot!(faults("Rules = [ FileFreshness > \"25:00\", DataFreshness \"a\" < 9999999999 hours, ColumnValues \"a\" = $b ]"), @r#"
    "\"25:00\"" M10 Error: No clock shows this time. Write `hh:mm` up to 24:00, or `h:mm AM` from 0 to 12.
    "9999999999" M10 Error: The number is greater than 2147483647. Use a greater unit.
    "$b" M9 Error: A constant stands for a whole list behind `in`, or for a parameter. Write the text here.
    "#);
}

#[test]
fn a_list_that_is_not_closed_ends_before_the_next_rule() {
    for (text, expected) in [
        ("Rules = [ ColumnValues \"a\" in [\"x\", IsComplete \"b\", IsUnique \"c\" ]", 2),
        ("Rules = [ RowCount > 0 labels=[\"a\", IsComplete \"b\" ]", 1),
        ("Rules = [ RowCount > 0 labels=[\"a\", 5, IsComplete \"b\" ]", 1),
        ("Rules = [ ColumnValues \"a\" in [, RowCount > 0, IsUnique \"c\" ]", 2),
    ] {
        let edited = edit(text);
        assert_eq!((edited.tree.map(|tree| tree.rules.len()), edited.faults.len()), (Some(expected), 1), "{text}");
    }
}

#[test]
fn a_text_without_an_end_is_named_where_the_mistake_shows() {
    insta::assert_snapshot!(faults("Rules = [\n  IsComplete \"a,\n  IsUnique \"b\",\n  RowCount > 0\n]"), @r#""\"" S1 Error: Expected `,` or `]`, but there is a quote that nothing closes. The text that begins with `"a,` runs over lines: its closing quote may be missing."#);
    insta::assert_snapshot!(faults("Rules = [ ColumnValues \"a\" > 1 with treshold > 0.5 ]"), @r#"
    "with treshold > 0.5" M7 Error: `treshold` takes `=` alone; the word for a share is `threshold`.
      Write threshold -> "Rules = [ ColumnValues \"a\" > 1 with threshold > 0.5 ]"
    "#);
}

#[test]
fn characters_that_nobody_sees_are_replaced_at_once() {
    let text = "\u{feff}Rules = [\r\n\u{a0}RowCount > 0\r\n] # end";
    let edited = edit(text);
    assert_eq!(edited.tree.unwrap().rules.len(), 1);
    insta::assert_snapshot!(told(text, &edited.faults), @r##"
    "\u{feff}" E2 Error: 4 characters that are not seen stand between the words: carriage returns (Windows line ends), byte order marks or fixed spaces. The service refuses them.
      Use plain spaces and line ends -> "Rules = [\n RowCount > 0\n] # end"
    "# end" E3 Error: A comment ends with its line, and this one ends with the text. Add an empty line.
      Add a line end -> "\u{feff}Rules = [\r\n\u{a0}RowCount > 0\r\n] # end\n"
    "##);
}

#[test]
fn the_parts_of_a_text_are_found_by_place() {
    let text = "Rules = [ # why\n  (IsComplete \"a\") or RowCount > 5 where \"x\" ] rest";
    let edited = edit(text);
    assert_eq!(edited.syntax.text(text), text);
    let parts = |word: &str| {
        let at = text.find(word).unwrap();
        edited.syntax.around(at).map(|node| node.part).collect::<Vec<_>>()
    };
    assert_eq!(parts("\"a\""), [Part::Parameter, Part::Check, Part::Group, Part::Entry, Part::Rules]);
    assert_eq!(parts("RowCount"), [Part::RuleType, Part::Check, Part::Entry, Part::Rules]);
    assert_eq!(parts("5"), [Part::Operand, Part::Condition, Part::Check, Part::Entry, Part::Rules]);
    assert_eq!(parts("\"x\""), [Part::Filter, Part::Check, Part::Entry, Part::Rules]);
    assert_eq!(parts("# why"), [Part::Rules]);
    assert_eq!(parts("rest"), [Part::Unread]);
    let token = edited.syntax.token_at(text.find("why").unwrap()).unwrap();
    assert_eq!(&text[token.span.clone()], "# why\n");
}

#[test]
fn a_long_list_of_findings_is_cut_and_says_so() {
    let text = format!("Rules = [ {} ]", "Nonsense, ".repeat(2_000));
    let faults = edit(&text).faults;
    assert_eq!(faults.len(), 501);
    assert_eq!(faults[500].message, "1501 more findings are not listed. Mend these first.");
}
