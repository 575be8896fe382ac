//! The dimension of quality that a rule is about: what its label says, or what its type is mostly used for.

use assay_dqdl::RuleType;
use assay_dqdl::tree::{Body, Rule};

/// The label that names it.
const LABEL: &str = "dimension";

/// Rules that are joined by `and` or `or` are about what all of them are about, else about accuracy.
pub(super) fn of(rule: &Rule) -> String {
    match rule.labels.iter().find(|label| label.key.eq_ignore_ascii_case(LABEL)) {
        Some(label) => label.value.clone(),
        None => derived(rule).to_owned(),
    }
}

fn derived(rule: &Rule) -> &'static str {
    let mut kinds = Vec::new();
    let mut open = vec![rule];
    while let Some(rule) = open.pop() {
        match &rule.body {
            Body::Check(check) => kinds.push(of_type(check.kind)),
            Body::Both { left, right, .. } => open.extend([left.as_ref(), right.as_ref()]),
        }
    }
    match kinds.as_slice() {
        [first, rest @ ..] if rest.iter().all(|kind| kind == first) => first,
        _ => "accuracy",
    }
}

fn of_type(kind: RuleType) -> &'static str {
    match kind {
        RuleType::IsComplete
        | RuleType::Completeness
        | RuleType::RowCount
        | RuleType::ColumnCount
        | RuleType::ColumnExists => "completeness",
        RuleType::IsUnique
        | RuleType::Uniqueness
        | RuleType::IsPrimaryKey
        | RuleType::UniqueValueRatio
        | RuleType::DistinctValuesCount
        | RuleType::FileUniqueness => "uniqueness",
        RuleType::ReferentialIntegrity
        | RuleType::DatasetMatch
        | RuleType::RowCountMatch
        | RuleType::AggregateMatch
        | RuleType::SchemaMatch
        | RuleType::ColumnCorrelation
        | RuleType::FileMatch => "consistency",
        RuleType::DataFreshness | RuleType::FileFreshness => "timeliness",
        RuleType::ColumnValues
        | RuleType::ColumnLength
        | RuleType::ColumnDataType
        | RuleType::Mean
        | RuleType::Sum
        | RuleType::StandardDeviation
        | RuleType::Variance
        | RuleType::Entropy
        | RuleType::ColumnNamesMatchPattern
        | RuleType::CustomSql
        | RuleType::DetectAnomalies
        | RuleType::FileSize
        | RuleType::AllStatistics => "accuracy",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_label_wins_over_the_type_and_mixed_rules_are_about_accuracy() {
        for (text, expected) in [
            (r#"IsComplete "a""#, "completeness"),
            (r#"IsComplete "a" labels = ["Dimension"="timeliness"]"#, "timeliness"),
            (r#"(IsUnique "a") and (Uniqueness "b" > 0.5)"#, "uniqueness"),
            (r#"(IsUnique "a") or (IsComplete "b")"#, "accuracy"),
            (r#"ReferentialIntegrity "a" "b.a" = 1.0"#, "consistency"),
        ] {
            let ruleset = assay_dqdl::parse(&format!("Rules = [ {text} ]")).unwrap();
            assert_eq!(of(&ruleset.rules[0]), expected, "{text}");
        }
    }
}
