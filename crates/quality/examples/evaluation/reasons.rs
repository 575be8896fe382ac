//! Classes of cases in which the open evaluator is not followed, each with its reason. A class is a property of the
//! case: of its flags, or of what it holds.

use std::collections::BTreeSet;

use crate::case::Case;
use crate::compare::{About, Difference};

/// Says of processRows that nested rules are listed too, which is about the list and not about any rule.
const ABOUT_THE_LIST: &str = "nested rules";

/// The reason that covers all of the differences; none where one of them has none.
pub fn covering(case: &Case<'_>, wrong: &[Difference]) -> Option<String> {
    // What the documentation says has no second source to differ from.
    if wrong.iter().any(|wrong| wrong.about == About::Documented) {
        return None;
    }
    CLASSES.iter().find_map(|class| class(case, wrong))
}

type Class = fn(&Case<'_>, &[Difference]) -> Option<String>;

const CLASSES: &[Class] = &[documented, flagged, missing_table];

/// The documentation contradicts the open evaluator, and its profile gives what it says.
fn documented(case: &Case<'_>, wrong: &[Difference]) -> Option<String> {
    let said = !case.json["docs_expected"].is_null() && wrong.iter().all(|wrong| wrong.about != About::Whole);
    said.then(|| "the documentation says otherwise, and the profile that follows it agrees with it".to_owned())
}

/// The reference marks the open evaluator's answer as one not to be copied, and says why.
fn flagged(case: &Case<'_>, _: &[Difference]) -> Option<String> {
    case.flags.iter().find(|flag| !flag.contains(ABOUT_THE_LIST)).cloned()
}

/// The query reads a table that the case does not hold: the recorded run had it from elsewhere.
fn missing_table(case: &Case<'_>, wrong: &[Difference]) -> Option<String> {
    if wrong.iter().any(|wrong| wrong.about == About::Whole) {
        return None;
    }
    let tree = case.tree.as_ref().ok()?;
    let queries = tree.rules.iter().flat_map(|rule| rule.checks());
    let queries = queries.filter(|check| check.kind == assay_dqdl::RuleType::CustomSql);
    let known: BTreeSet<String> =
        case.references.keys().map(|alias| alias.to_ascii_lowercase()).chain(["primary".to_owned()]).collect();
    let unknown = |sql: &str| tables(sql).into_iter().any(|table| !known.contains(&table.to_ascii_lowercase()));
    let missing = queries.into_iter().any(|check| check.parameters.first().is_some_and(|sql| unknown(&sql.value)));
    missing.then(|| "the query reads a table that the case does not hold".to_owned())
}

/// The words behind `from` and `join`.
fn tables(sql: &str) -> Vec<String> {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let named = words.windows(2).filter(|pair| ["from", "join"].contains(&pair[0].to_ascii_lowercase().as_str()));
    let name = |word: &str| word.trim_matches([',', ';', ')', '`']).to_owned();
    let plain = |name: &String| name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    named.map(|pair| name(pair[1])).filter(plain).collect()
}
