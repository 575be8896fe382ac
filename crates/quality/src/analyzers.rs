//! Analyzers: statistics without a verdict, measured as the rules of their type measure them.

use crate::compose::Composed;
use crate::draft::Draft;
use assay_dqdl::RuleType;
use assay_dqdl::tree::{Analyzer, Body, Check, Condition, Number, Operator, Parameter, Rule, Test};
use polars::prelude::DataType;

/// The analyzers as planned rules, of which only the metrics count.
pub(crate) fn planned(analyzers: &[Analyzer], draft: &mut Draft<'_>) -> Vec<Composed> {
    let checks: Vec<Check> = analyzers.iter().flat_map(|analyzer| checks(analyzer, draft)).collect();
    checks
        .into_iter()
        .map(|check| {
            let span = check.span.clone();
            let rule = Rule { body: Body::Check(Box::new(check)), labels: Vec::new(), shown: Vec::new(), span };
            Composed::of(&rule, draft)
        })
        .collect()
}

/// The checks that measure what an analyzer records.
fn checks(analyzer: &Analyzer, draft: &Draft<'_>) -> Vec<Check> {
    let check = |kind, op, parameters: Vec<Parameter>| Check {
        kind,
        parameters,
        condition: Some(Condition::Number(Test {
            op,
            operands: vec![Number::Literal("0".to_owned())],
            span: analyzer.span.clone(),
        })),
        list: None,
        filter: None,
        threshold: None,
        tags: Vec::new(),
        span: analyzer.span.clone(),
    };
    // Equality looks at both ends of the values.
    let ends = |kind, parameters| check(kind, Operator::Equal, parameters);
    let more = |kind, parameters| check(kind, Operator::Greater, parameters);
    match analyzer.kind {
        RuleType::AllStatistics => {
            let named = analyzer.parameters.first().map(|parameter| parameter.value.as_str());
            let all = named == Some("AllColumns");
            let mut checks = vec![more(RuleType::RowCount, Vec::new()), more(RuleType::ColumnCount, Vec::new())];
            for (name, dtype) in draft.schema.iter() {
                let wanted = all || named.is_some_and(|named| named.eq_ignore_ascii_case(name));
                if !wanted {
                    continue;
                }
                let column = || {
                    vec![Parameter {
                        value: name.to_string(),
                        quoted: true,
                        constant: None,
                        connector: None,
                        span: analyzer.span.clone(),
                    }]
                };
                checks.extend([RuleType::Completeness, RuleType::Uniqueness].map(|kind| more(kind, column())));
                if dtype.is_primitive_numeric() || dtype.is_decimal() {
                    checks.push(ends(RuleType::ColumnValues, column()));
                    let numbers = [RuleType::Entropy, RuleType::Mean, RuleType::StandardDeviation, RuleType::Sum];
                    checks.extend(numbers.map(|kind| more(kind, column())));
                }
                if *dtype == DataType::String {
                    checks.push(ends(RuleType::ColumnLength, column()));
                }
            }
            checks
        }
        kind @ (RuleType::ColumnValues | RuleType::ColumnLength) => vec![ends(kind, analyzer.parameters.clone())],
        kind => vec![more(kind, analyzer.parameters.clone())],
    }
}
