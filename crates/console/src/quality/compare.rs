//! What differs between the verdicts of two runs, rule by rule.

use assay_contract::{Evaluation, EvaluationRow, QualityComparison, RuleComparison, RuleVerdict, TableComparison};

/// Verdicts of the tables that both runs judged; which rows fail is filled in by whoever has them.
/// Rules are the same when their texts are; of several with one text each is compared with its like by place.
pub fn compare(runs: (&str, &str), before: &[EvaluationRow], after: &[EvaluationRow]) -> QualityComparison {
    let of = |rows: &[EvaluationRow], table: &str| rows.iter().any(|row| row.evaluation.table == table);
    let left = |rows: &[EvaluationRow], other: &[EvaluationRow]| -> Vec<String> {
        let names = rows.iter().map(|row| row.evaluation.table.clone());
        names.filter(|table| !of(other, table)).collect()
    };
    let pair = |row: &EvaluationRow| {
        let old = before.iter().find(|old| old.evaluation.table == row.evaluation.table)?;
        Some(tables(&old.evaluation, &row.evaluation))
    };
    QualityComparison {
        before: runs.0.to_owned(),
        after: runs.1.to_owned(),
        tables: after.iter().filter_map(pair).collect(),
        only_before: left(before, after),
        only_after: left(after, before),
    }
}

/// Every rule of either, in the order of the later one; rules that are gone come last.
fn tables(before: &Evaluation, after: &Evaluation) -> TableComparison {
    let mut old: Vec<&RuleVerdict> = before.verdicts.iter().collect();
    let mut rules = Vec::new();
    for verdict in &after.verdicts {
        let like = old.iter().position(|old| old.rule == verdict.rule).map(|at| old.remove(at));
        rules.push(rule(like, Some(verdict)));
    }
    rules.extend(old.into_iter().map(|verdict| rule(Some(verdict), None)));
    TableComparison {
        table: after.table.clone(),
        score_before: before.score,
        score_after: after.score,
        key: Vec::new(),
        rules: rules.into_iter().flatten().collect(),
        unchanged: 0,
        rows_left_out: None,
    }
}

fn rule(before: Option<&RuleVerdict>, after: Option<&RuleVerdict>) -> Option<RuleComparison> {
    Some(RuleComparison {
        rule: after.or(before)?.rule.clone(),
        before: before.map(|verdict| verdict.outcome),
        after: after.map(|verdict| verdict.outcome),
        newly_failing: 0,
        cured: 0,
        newly_failing_examples: Vec::new(),
        cured_examples: Vec::new(),
    })
}

/// Drops rules in which nothing differs, and counts them.
pub fn settle(table: &mut TableComparison) {
    let all = table.rules.len();
    table.rules.retain(|rule| rule.before != rule.after || rule.newly_failing + rule.cured > 0);
    table.unchanged = u32::try_from(all - table.rules.len()).unwrap_or(u32::MAX);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::suite::sample_verdict;
    use assay_contract::RuleOutcome;

    fn row(table: &str, outcomes: &[(u32, RuleOutcome)]) -> EvaluationRow {
        let verdicts = outcomes.iter().map(|(number, outcome)| sample_verdict(*number, *outcome, None)).collect();
        let evaluation = Evaluation { table: table.into(), verdicts, ..Evaluation::default() };
        EvaluationRow { run: "A".into(), attempt: 1, at: String::new(), published: true, evaluation }
    }

    #[test]
    fn rules_are_matched_by_text_and_those_of_one_side_are_told() {
        use RuleOutcome::{Failed, Passed};
        let before = [row("silver.a", &[(1, Failed), (2, Passed), (3, Passed)]), row("silver.b", &[])];
        let after = [row("silver.a", &[(4, Passed), (2, Passed), (1, Passed)]), row("gold.c", &[])];
        let mut found = compare(("A", "B"), &before, &after);
        assert_eq!((found.only_before, found.only_after), (vec!["silver.b".into()], vec!["gold.c".into()]));
        settle(&mut found.tables[0]);
        let told: Vec<_> =
            found.tables[0].rules.iter().map(|rule| (rule.rule.as_str(), rule.before, rule.after)).collect();
        assert_eq!(
            told,
            [("Rule 4", None, Some(Passed)), ("Rule 1", Some(Failed), Some(Passed)), ("Rule 3", Some(Passed), None),]
        );
        assert_eq!(found.tables[0].unchanged, 1);
    }
}
