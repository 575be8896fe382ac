//! Where a column of the result comes from, and which filters on base tables equal a filter on it.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::TableRef;
use crate::plan::{Bound, Expr, Keeps, Node, Plan};

/// Where one column of the result comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnLineage {
    pub column: String,
    /// The columns of base tables its values are computed from, without those that only choose rows.
    pub sources: Vec<(TableRef, String)>,
    /// Whether every value is a value of a source, unchanged.
    pub copy: bool,
}

impl Bound {
    /// Per column of the result, in order, where it comes from.
    pub fn lineage(&self) -> Vec<ColumnLineage> {
        let origins = origins(&self.plan);
        self.fields
            .iter()
            .zip(origins)
            .map(|(field, origin)| ColumnLineage {
                column: field.name.clone(),
                sources: origin.sources.into_iter().collect(),
                copy: origin.copy,
            })
            .collect()
    }

    /// The columns of base tables such that keeping only the rows of a set of values in them before the query gives
    /// exactly what keeping these values in `output_column` after it gives. Tables that are not named are read whole.
    /// `None` when that cannot be shown, or when there is no such column.
    pub fn pushdown(&self, output_column: &str) -> Option<Vec<(TableRef, String)>> {
        let index = self.fields.iter().position(|f| f.name == output_column)?;
        let mut pushed = Pushed::default();
        push(&self.plan, index, true, 0, &mut pushed)?;
        pushed.consistent(&self.plan)
    }
}

#[derive(Debug, Clone, Default)]
struct Origin {
    sources: BTreeSet<(TableRef, String)>,
    copy: bool,
}

fn origins(plan: &Plan) -> Vec<Origin> {
    match plan {
        Plan::One => Vec::new(),
        Plan::Scan { table, fields } => fields
            .iter()
            .map(|f| Origin { sources: BTreeSet::from([(table.clone(), f.name.clone())]), copy: true })
            .collect(),
        Plan::Filter { input, .. }
        | Plan::Distinct { input, .. }
        | Plan::Sort { input, .. }
        | Plan::Limit { input, .. } => origins(input),
        Plan::Project { input, exprs } => {
            let input = origins(input);
            exprs.iter().map(|e| origin(e, &input)).collect()
        }
        Plan::Aggregate { input, keys, calls } => {
            let input = origins(input);
            let keys = keys.iter().map(|k| origin(k, &input));
            let calls = calls.iter().map(|c| computed(c.argument.iter(), &input));
            keys.chain(calls).collect()
        }
        Plan::Windows { input, windows } => {
            let mut all = origins(input);
            let added =
                windows.iter().map(|w| computed(w.partition.iter().chain(w.order.iter().map(|k| &k.expr)), &all));
            let added: Vec<Origin> = added.collect();
            all.extend(added);
            all
        }
        Plan::Join { left, right, .. } => {
            let mut all = origins(left);
            all.extend(origins(right));
            all
        }
        Plan::Union { inputs } => {
            let mut branches = inputs.iter().map(origins);
            let mut all = branches.next().unwrap_or_default();
            for branch in branches {
                for (whole, part) in all.iter_mut().zip(branch) {
                    whole.sources.extend(part.sources);
                    whole.copy &= part.copy;
                }
            }
            all
        }
    }
}

fn origin(expr: &Expr, input: &[Origin]) -> Origin {
    match expr.node {
        Node::Column(index) => input.get(index).cloned().unwrap_or_default(),
        _ => computed([expr].into_iter(), input),
    }
}

fn computed<'a>(exprs: impl Iterator<Item = &'a Expr>, input: &[Origin]) -> Origin {
    let mut sources = BTreeSet::new();
    for expr in exprs {
        expr.columns(&mut |i| sources.extend(input.get(i).into_iter().flat_map(|o| o.sources.iter().cloned())));
    }
    Origin { sources, copy: false }
}

/// The filters that were pushed down to scans, by the number of the scan in the order of `Plan::scans`.
#[derive(Default)]
struct Pushed {
    filters: BTreeMap<usize, (String, bool)>,
}

impl Pushed {
    fn add(&mut self, scan: usize, column: &str, required: bool) {
        self.filters.insert(scan, (column.to_owned(), required));
    }

    /// Filters work on tables, not on scans: a table is filtered when every scan of it takes the same filter. A filter
    /// that only saves reading is dropped otherwise; one that the equality needs makes it fail.
    fn consistent(self, plan: &Plan) -> Option<Vec<(TableRef, String)>> {
        let mut scans: Vec<&TableRef> = Vec::new();
        plan.scans(&mut |table| scans.push(table));
        let mut result: Vec<(TableRef, String)> = Vec::new();
        for (index, table) in scans.iter().enumerate() {
            if scans[..index].contains(table) {
                continue;
            }
            let of_table: Vec<Option<&(String, bool)>> =
                (0..scans.len()).filter(|&i| scans[i] == *table).map(|i| self.filters.get(&i)).collect();
            let first = of_table.first().copied().flatten();
            match first {
                Some((column, _)) if of_table.iter().all(|f| f.is_some_and(|(c, _)| c == column)) => {
                    result.push(((*table).clone(), column.clone()));
                }
                _ if of_table.iter().flatten().any(|(_, required)| *required) => return None,
                _ => {}
            }
        }
        (!result.is_empty()).then_some(result)
    }
}

/// Pushes a filter on column `index` of `plan` to scans. `first` is the number of the plan's first scan.
fn push(plan: &Plan, index: usize, required: bool, first: usize, pushed: &mut Pushed) -> Option<()> {
    match plan {
        Plan::One | Plan::Limit { .. } => None,
        Plan::Scan { fields, .. } => {
            pushed.add(first, &fields.get(index)?.name, required);
            Some(())
        }
        Plan::Filter { input, .. } | Plan::Distinct { input, .. } | Plan::Sort { input, .. } => {
            push(input, index, required, first, pushed)
        }
        Plan::Project { input, exprs } => push(input, column(exprs.get(index)?)?, required, first, pushed),
        Plan::Aggregate { input, keys, .. } => push(input, column(keys.get(index)?)?, required, first, pushed),
        Plan::Windows { input, windows } => {
            let parted = |w: &crate::plan::Window| w.partition.iter().any(|e| column(e) == Some(index));
            if index >= input.width() || !windows.iter().all(parted) {
                return None;
            }
            push(input, index, required, first, pushed)
        }
        Plan::Join { left, right, keeps, on } => {
            let (split, behind) = (left.width(), first + scans_in(left));
            if *keeps == Keeps::Both {
                return None;
            }
            if index < split {
                let equal = on.iter().find(|(l, _)| column(l) == Some(index)).and_then(|(_, r)| column(r));
                if let Some(equal) = equal {
                    try_push(right, equal, behind, pushed);
                }
                return push(left, index, required, first, pushed);
            }
            // Filtering the right table of a left join turns matches into nulls instead of removing rows.
            if *keeps != Keeps::None {
                return None;
            }
            let equal = on.iter().find(|(_, r)| column(r) == Some(index - split)).and_then(|(l, _)| column(l));
            if let Some(equal) = equal {
                try_push(left, equal, first, pushed);
            }
            push(right, index - split, required, behind, pushed)
        }
        Plan::Union { inputs } => {
            let mut first = first;
            for input in inputs {
                push(input, index, required, first, pushed)?;
                first += scans_in(input);
            }
            Some(())
        }
    }
}

/// Pushes a filter that the equality does not need, or leaves everything as it is.
fn try_push(plan: &Plan, index: usize, first: usize, pushed: &mut Pushed) {
    let mut attempt = Pushed::default();
    if push(plan, index, false, first, &mut attempt).is_some() {
        pushed.filters.extend(attempt.filters);
    }
}

fn scans_in(plan: &Plan) -> usize {
    let mut count = 0;
    plan.scans(&mut |_| count += 1);
    count
}

fn column(expr: &Expr) -> Option<usize> {
    match expr.node {
        Node::Column(index) => Some(index),
        _ => None,
    }
}
