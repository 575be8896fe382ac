//! Rules of the ruleset as planned: checks, and what joins them with `and` and `or`.

use crate::data::{Composites, Profile};
use crate::draft::{Draft, RowTest, RowsId, outcome_column};
use crate::failing::{Reason, Told};
use crate::measured::Measured;
use crate::report::{Evaluated, Outcome};
use crate::rules::{Fate, Fates, Finding, Judge, Planned, Refusal, plan_of};
use assay_dqdl::RuleType;
use assay_dqdl::tree::{Body, Check, Connective, Rule};
use polars::prelude::{Expr, lit};
use std::collections::BTreeMap;

/// A planned rule, its checks in the order of the text.
pub(crate) struct Composed {
    leaves: Vec<Leaf>,
    /// How the leaves are joined, as a text of operations: a leaf pushes its outcome, a connective joins the last two.
    steps: Vec<Step>,
    /// What the whole says of rows.
    pub rows: Option<RowsId>,
    method: Composites,
}

enum Step {
    Leaf(usize),
    Join(Connective),
}

struct Leaf {
    kind: RuleType,
    parameters: usize,
    planned: Result<(Judge, Option<String>), Refusal>,
    rows: Option<RowsId>,
    fate: Option<Fates>,
    filter: Option<String>,
    /// Whether one failing row makes it fail, so that what it says of rows can be joined with what others say.
    joined: bool,
}

/// What judging a rule gave.
pub(crate) struct Judged {
    pub outcome: Outcome,
    pub evaluated: Evaluated,
    pub reason: Option<String>,
    pub metrics: BTreeMap<String, f64>,
    /// Metrics with the `where` that they were measured under.
    pub statistics: Vec<(String, Option<String>, f64)>,
}

impl Composed {
    /// Plans a rule. Rules nest without bound, so this walks without recursion.
    pub fn of(rule: &Rule, draft: &mut Draft<'_>) -> Self {
        let mut this = Self { leaves: Vec::new(), steps: Vec::new(), rows: None, method: draft.data.composites };
        enum Visit<'r> {
            Rule(&'r Rule),
            Join(Connective),
        }
        let mut ahead = vec![Visit::Rule(rule)];
        while let Some(visit) = ahead.pop() {
            match visit {
                Visit::Join(op) => this.steps.push(Step::Join(op)),
                Visit::Rule(rule) => match &rule.body {
                    Body::Check(check) => {
                        this.steps.push(Step::Leaf(this.leaves.len()));
                        this.leaves.push(Leaf::of(check, draft));
                    }
                    Body::Both { op, left, right } => {
                        ahead.extend([Visit::Join(*op), Visit::Rule(right), Visit::Rule(left)]);
                    }
                },
            }
        }
        this.rows = match this.leaves.as_slice() {
            [one] => one.rows,
            _ => this.joined_rows(draft),
        };
        this
    }

    fn joined_rows(&self, draft: &mut Draft<'_>) -> Option<RowsId> {
        let parts: Vec<RowsId> = self.leaves.iter().map(|leaf| leaf.rows).collect::<Option<_>>()?;
        let outcomes = parts.iter().map(|id| Expr::Column(outcome_column(id.0)));
        let test = self.join(outcomes.collect(), |op, left: Expr, right| match op {
            Connective::And => left.and(right),
            Connective::Or => left.or(right),
        })?;
        let mut whole = RowTest::of(test, None, Vec::new(), "");
        whole.parts = parts;
        Some(draft.rows(whole))
    }

    /// Joins a value of each leaf.
    fn join<T>(&self, values: Vec<T>, with: impl Fn(Connective, T, T) -> T) -> Option<T> {
        let mut values: Vec<Option<T>> = values.into_iter().map(Some).collect();
        let mut stack = Vec::new();
        for step in &self.steps {
            match step {
                Step::Leaf(at) => stack.push(values[*at].take()?),
                Step::Join(op) => {
                    let (right, left) = (stack.pop()?, stack.pop()?);
                    stack.push(with(*op, left, right));
                }
            }
        }
        stack.pop()
    }

    /// Whether one failing row makes the rule fail. Two rules joined by `or` fail on a row that fails both.
    pub fn fails_by_one_row(&self) -> bool {
        self.leaves.iter().all(|leaf| leaf.joined)
    }

    /// Why a rule that is read in the single pass cannot be read.
    pub fn unread(&self) -> Option<String> {
        self.leaves.iter().find_map(|leaf| match &leaf.planned {
            Err(Refusal::Unread(reason)) if READ_TOGETHER.contains(&leaf.kind) => Some(reason.clone()),
            _ => None,
        })
    }

    /// Fails the rules that are read in the single pass, as the open evaluator does where it cannot read one of them.
    pub fn fail_together(&mut self, reason: &str, draft: &mut Draft<'_>) {
        draft.complete.clear();
        for leaf in self.leaves.iter_mut().filter(|leaf| READ_TOGETHER.contains(&leaf.kind)) {
            // A key of several columns is not asked whether it is complete.
            if leaf.kind == RuleType::IsPrimaryKey && leaf.parameters > 1 {
                continue;
            }
            leaf.fate = None;
            leaf.rows.iter().for_each(|rows| draft.settle(&[(*rows, Fate::Fails)]));
            let reason = reason.to_owned();
            leaf.planned = match std::mem::replace(&mut leaf.planned, Err(Refusal::failed(&reason))) {
                Ok((judge, differs)) if leaf.kind == RuleType::IsPrimaryKey => {
                    let unique = move |measured: &Measured| {
                        let metrics =
                            judge(measured).metrics.into_iter().filter(|(name, _)| name.ends_with(".Uniqueness"));
                        Finding::failed(reason, metrics.collect())
                    };
                    Ok((Box::new(unique), differs))
                }
                Err(refusal @ (Refusal::Unfit(_) | Refusal::Unread(_) | Refusal::Failed(_))) => Err(refusal),
                _ => Err(Refusal::failed(reason)),
            };
        }
    }

    /// The tests of rows that are not as they were asked, by what was measured.
    pub fn fates(&self, measured: &Measured) -> Vec<(RowsId, Fate)> {
        let fate = |leaf: &Leaf| Some((leaf.rows?, leaf.fate.as_ref()?(measured)));
        self.leaves.iter().filter_map(fate).filter(|(_, fate)| *fate != Fate::AsTested).collect()
    }

    /// Forgets what the rule says of rows where it, or a rule of it, says nothing of any.
    pub fn silence(&mut self, fates: &[(RowsId, Fate)]) {
        let silent = |rows: RowsId| fates.contains(&(rows, Fate::Silent));
        for leaf in &mut self.leaves {
            if leaf.rows.is_some_and(silent) {
                leaf.rows = None;
                self.rows = None;
            }
        }
    }

    /// What is told of a row that fails the rule.
    pub fn told(&self, number: u32, draft: &Draft<'_>) -> Told {
        Told { number, test: self.rows.map(|id| id.0), reasons: self.reasons(draft) }
    }

    fn reasons(&self, draft: &Draft<'_>) -> Vec<Reason> {
        let of = |id: RowsId| {
            let test = &draft.rows[id.0];
            Reason::of(id.0, &test.columns, &test.requirement)
        };
        self.leaves.iter().filter_map(|leaf| leaf.rows).map(of).collect()
    }

    pub fn judge(mut self, measured: &Measured) -> Judged {
        let leaves = std::mem::take(&mut self.leaves);
        let single = leaves.len() == 1;
        let by_row = !single && self.method == Composites::Row;
        let apart = leaves.iter().find(|leaf| leaf.rows.is_none() || !leaf.joined).is_some();
        let judged: Vec<Judged> = leaves.into_iter().map(|leaf| leaf.judge(measured)).collect();
        let Some(mut whole) = self.join(judged, both) else { return Judged::unknown("the rule has no check") };
        match (by_row, apart, self.rows) {
            (true, false, Some(rows)) if whole.outcome != Outcome::Unknown => {
                let failed = measured.settled(rows).failed;
                whole.outcome = if failed == 0 { Outcome::Passed } else { Outcome::Failed };
                if failed == 0 {
                    whole.reason = None;
                }
            }
            (true, ..) => whole.may_differ(
                "a rule of it says nothing of single rows, or only of a share of them: the outcomes were combined",
            ),
            _ => {}
        }
        whole
    }
}

impl Leaf {
    fn of(check: &Check, draft: &mut Draft<'_>) -> Self {
        let planned = match plan_of(check.kind) {
            _ if draft.profile() == Profile::Deequ && UNSUPPORTED.contains(&check.kind) => {
                Err(Refusal::failed(format!(
                    "Rule (or nested rule) not supported due to: No converter found for rule type: {}",
                    check.kind.name()
                )))
            }
            Some(plan) => plan(check, draft),
            None => Err(Refusal::failed(format!("{:?} is no rule but an analyzer", check.kind))),
        };
        let (planned, rows, fate) = match planned {
            Ok(Planned { judge, rows, differs, fate }) => (Ok((judge, differs)), rows, fate),
            Err(refusal) => {
                let rows = unfit_rows(check, &refusal, draft);
                (Err(refusal), rows, None)
            }
        };
        let shares = [
            RuleType::Completeness,
            RuleType::DatasetMatch,
            RuleType::ReferentialIntegrity,
            RuleType::Uniqueness,
            RuleType::UniqueValueRatio,
        ];
        let joined = !shares.contains(&check.kind) && check.threshold.is_none();
        Self {
            kind: check.kind,
            parameters: check.parameters.len(),
            planned,
            rows,
            fate,
            filter: check.filter.clone(),
            joined,
        }
    }

    fn judge(self, measured: &Measured) -> Judged {
        let (judge, differs) = match self.planned {
            Ok(planned) => planned,
            Err(Refusal::RemoteOnly(reason)) => return Judged::unknown(&reason),
            Err(Refusal::Failed(reason) | Refusal::Unfit(reason) | Refusal::Unread(reason)) => {
                let finding = Finding::failed(reason, Vec::new());
                return Judged::of(finding, Evaluated::Local, None);
            }
        };
        let finding = judge(measured);
        if let Some(reason) = &finding.remote {
            return Judged::unknown(reason);
        }
        let differs = finding.differs.clone().or(differs);
        Judged::of(finding, differs.map_or(Evaluated::Local, Evaluated::MayDiffer), self.filter)
    }
}

/// What the open evaluator reads in one pass.
const READ_TOGETHER: [RuleType; 11] = [
    RuleType::RowCount,
    RuleType::IsComplete,
    RuleType::Completeness,
    RuleType::IsPrimaryKey,
    RuleType::ColumnValues,
    RuleType::ColumnLength,
    RuleType::Mean,
    RuleType::Sum,
    RuleType::StandardDeviation,
    RuleType::Variance,
    RuleType::ColumnCorrelation,
];

/// What the open evaluator does not know.
const UNSUPPORTED: [RuleType; 5] = [
    RuleType::DetectAnomalies,
    RuleType::FileFreshness,
    RuleType::FileMatch,
    RuleType::FileSize,
    RuleType::FileUniqueness,
];

/// To the open evaluator every row fails a rule on a column that is not there.
fn unfit_rows(check: &Check, refusal: &Refusal, draft: &mut Draft<'_>) -> Option<RowsId> {
    let by_row = [RuleType::IsComplete, RuleType::Completeness, RuleType::ColumnValues, RuleType::ColumnLength];
    // Of a key of several columns it asks whether it is unique alone, which is silent then.
    let by_row = by_row.contains(&check.kind) || check.kind == RuleType::IsPrimaryKey && check.parameters.len() == 1;
    let all = draft.profile() == Profile::Deequ && by_row && matches!(refusal, Refusal::Unfit(_) | Refusal::Unread(_));
    all.then(|| draft.rows(RowTest::of(lit(false), None, Vec::new(), "the data does not have the column")))
}

impl Judged {
    fn of(finding: Finding, evaluated: Evaluated, filter: Option<String>) -> Self {
        let statistics = finding.metrics.iter().map(|(name, value)| (name.clone(), filter.clone(), *value)).collect();
        Self {
            outcome: if finding.passed { Outcome::Passed } else { Outcome::Failed },
            evaluated,
            reason: finding.reason,
            metrics: finding.metrics.into_iter().collect(),
            statistics,
        }
    }

    fn unknown(reason: &str) -> Self {
        Self {
            outcome: Outcome::Unknown,
            evaluated: Evaluated::RemoteOnly(reason.to_owned()),
            reason: None,
            metrics: BTreeMap::new(),
            statistics: Vec::new(),
        }
    }

    fn may_differ(&mut self, reason: &str) {
        if self.evaluated == Evaluated::Local {
            self.evaluated = Evaluated::MayDiffer(reason.to_owned());
        }
    }
}

/// Two outcomes joined. What is not known matters only where the other does not decide.
fn both(op: Connective, left: Judged, right: Judged) -> Judged {
    let decides = match op {
        Connective::And => Outcome::Failed,
        Connective::Or => Outcome::Passed,
    };
    let other = if decides == Outcome::Failed { Outcome::Passed } else { Outcome::Failed };
    let outcome = match (left.outcome, right.outcome) {
        (a, b) if a == decides || b == decides => decides,
        (Outcome::Unknown, _) | (_, Outcome::Unknown) => Outcome::Unknown,
        _ => other,
    };
    let evaluated = match (left.evaluated, right.evaluated) {
        (Evaluated::RemoteOnly(reason), _) | (_, Evaluated::RemoteOnly(reason)) => match outcome {
            Outcome::Unknown => Evaluated::RemoteOnly(reason),
            _ => Evaluated::MayDiffer(format!("a rule of it was not evaluated here: {reason}")),
        },
        (Evaluated::MayDiffer(reason), _) | (_, Evaluated::MayDiffer(reason)) => Evaluated::MayDiffer(reason),
        _ => Evaluated::Local,
    };
    let reasons: Vec<String> = [left.reason, right.reason].into_iter().flatten().collect();
    Judged {
        outcome,
        evaluated,
        reason: (!reasons.is_empty()).then(|| reasons.join("\n")),
        metrics: left.metrics.into_iter().chain(right.metrics).collect(),
        statistics: left.statistics.into_iter().chain(right.statistics).collect(),
    }
}
