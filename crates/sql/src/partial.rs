//! A grouped query in two halves: what any rows contribute to their groups, and the result over all contributions.
//!
//! Contributions of rows that did not change can be kept, so that the rows need not be read again.

use crate::catalog::TableRef;
use crate::error::Place;
use crate::plan::{Aggregate, Bound, Call, Expr, Plan};
use crate::types::Field;

/// The two halves of a query over one table.
#[derive(Debug, Clone)]
pub struct Partials {
    /// Over rows of the query's table: their contributions.
    pub part: Bound,
    /// Over the contributions of disjoint sets of rows that together are the table: the query's result, with its
    /// columns and types. It reads [`Partials::contributions`] alone.
    pub merge: Bound,
}

impl Partials {
    /// Raise it with every change after which the same rows contribute something else: kept contributions of
    /// another form are computed again.
    pub const FORM: u32 = 1;

    /// The name under which `merge` reads what `part` gave.
    pub fn contributions() -> TableRef {
        TableRef { pipeline: None, layer: None, name: "contributions".to_owned() }
    }
}

impl Bound {
    /// The halves of a query that groups the rows of one table, where every aggregate can be computed from
    /// contributions exactly: counts, distinct counts, exact sums, least and greatest values, and `max_by`, which is a
    /// greatest text. `None` for any other: without groups, over joins and unions, and with sums of doubles, whose
    /// result depends on the order.
    pub fn partials(&self) -> Option<Partials> {
        let halves = Halves::of(groups(&self.plan)?)?;
        let merge = replaced(&self.plan, &halves.merge)?;
        Some(Partials {
            part: Bound { plan: halves.part, fields: halves.fields },
            merge: Bound { plan: merge, fields: self.fields.clone() },
        })
    }
}

/// The only aggregate, below nodes of one input.
fn groups(node: &Plan) -> Option<&Plan> {
    match node {
        Plan::Aggregate { input, keys, .. } => (!keys.is_empty() && is_row_wise(input)).then_some(node),
        Plan::Project { input, .. }
        | Plan::Filter { input, .. }
        | Plan::Windows { input, .. }
        | Plan::Distinct { input, .. }
        | Plan::Sort { input, .. }
        | Plan::Limit { input, .. } => groups(input),
        Plan::One | Plan::Scan { .. } | Plan::Join { .. } | Plan::Union { .. } => None,
    }
}

/// Whether each row of the result comes from one row of a table.
fn is_row_wise(node: &Plan) -> bool {
    match node {
        Plan::Scan { .. } => true,
        Plan::Project { input, .. } | Plan::Filter { input, .. } => is_row_wise(input),
        _ => false,
    }
}

/// The same plan with another node in place of its groups.
fn replaced(node: &Plan, groups: &Plan) -> Option<Plan> {
    if matches!(node, Plan::Aggregate { .. }) {
        return Some(groups.clone());
    }
    let mut node = node.clone();
    let input = match &mut node {
        Plan::Project { input, .. }
        | Plan::Filter { input, .. }
        | Plan::Windows { input, .. }
        | Plan::Distinct { input, .. }
        | Plan::Sort { input, .. }
        | Plan::Limit { input, .. } => input,
        _ => return None,
    };
    **input = replaced(input, groups)?;
    Some(node)
}

struct Halves {
    part: Plan,
    fields: Vec<Field>,
    /// Has the columns of the original groups.
    merge: Plan,
}

impl Halves {
    fn of(groups: &Plan) -> Option<Self> {
        let Plan::Aggregate { input, keys, calls } = groups else { return None };
        if !calls.iter().all(is_exact) {
            return None;
        }
        let mut part_keys = keys.clone();
        // A distinct count needs the values themselves: they become keys of the contributions.
        for value in calls.iter().filter(|call| call.function == Aggregate::CountDistinct).flat_map(|c| &c.argument) {
            if !part_keys.contains(value) {
                part_keys.push(value.clone());
            }
        }
        let part_calls: Vec<Call> =
            calls.iter().filter(|call| call.function != Aggregate::CountDistinct).cloned().collect();
        let fields = fields(&part_keys, &part_calls);
        let mut place = part_keys.len();
        let merged = calls.iter().map(|call| {
            let column = match (&call.function, &call.argument) {
                (Aggregate::CountDistinct, Some(value)) => part_keys.iter().position(|key| key == value)?,
                _ => {
                    place += 1;
                    place - 1
                }
            };
            Some(merged(call, contribution(&fields, column)))
        });
        let calls = merged.collect::<Option<Vec<_>>>()?;
        let read = Plan::Scan { table: Partials::contributions(), fields: fields.clone() };
        let keys = (0..keys.len()).map(|at| contribution(&fields, at)).collect();
        let part = Plan::Aggregate { input: input.clone(), keys: part_keys, calls: part_calls };
        Some(Self { part, fields, merge: Plan::Aggregate { input: Box::new(read), keys, calls } })
    }
}

fn is_exact(call: &Call) -> bool {
    match call.function {
        Aggregate::Count | Aggregate::CountDistinct | Aggregate::Min | Aggregate::Max => true,
        Aggregate::Sum => !call.kind.is_approximate(),
        Aggregate::LenientSum | Aggregate::Mean | Aggregate::Variance(_) | Aggregate::Deviation(_) => false,
    }
}

fn fields(keys: &[Expr], calls: &[Call]) -> Vec<Field> {
    let keys =
        keys.iter().enumerate().map(|(at, key)| Field { name: format!("k{at}"), kind: key.kind, nullable: true });
    let calls =
        calls.iter().enumerate().map(|(at, call)| Field { name: format!("a{at}"), kind: call.kind, nullable: true });
    keys.chain(calls).collect()
}

fn contribution(fields: &[Field], at: usize) -> Expr {
    Expr::column(at, fields[at].kind, true, Place::default())
}

/// Counts add up; everything else is computed from contributions as from rows.
fn merged(call: &Call, contributed: Expr) -> Call {
    let function = if call.function == Aggregate::Count { Aggregate::Sum } else { call.function };
    Call { function, argument: Some(contributed), kind: call.kind, nullable: call.nullable }
}
