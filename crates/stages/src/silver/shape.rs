//! A contract taken apart once, for the work on every record.

use crate::error::StageError;
use crate::silver::explode::Explode;
use crate::silver::gate::GatePlan;
use crate::silver::moment::MomentFormat;
use crate::silver::number::POWERS;
use crate::silver::program::{Condition, Value};
use crate::silver::upsert::Upsert;
use assay_pipeline::expression::Expression;
use assay_pipeline::{Bound, Clean, Column, ColumnType, Contract};

#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) columns: Vec<Plan>,
    /// Columns that the input does not give, in the order in which they are computed.
    pub(crate) computed: Vec<Computed>,
    pub(crate) checks: Vec<CheckPlan>,
    pub(crate) gate: Option<GatePlan>,
    /// Places of the key's columns; empty means that duplicates stay.
    pub(crate) key: Vec<usize>,
    /// Place of the business date.
    pub(crate) partition: usize,
    /// Where the columns' values lie in a JSON record.
    pub(crate) tree: Branch,
    /// Number of nodes of `tree`, and of the elements' tree.
    pub(crate) nodes: usize,
    pub(crate) explode: Option<Explode>,
    /// What a table of newest versions compares.
    pub(crate) upsert: Option<Upsert>,
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: String,
    /// The header's name in CSV and Parquet; none for a computed column.
    pub(crate) header: Option<String>,
    pub(crate) kind: ColumnType,
    pub(crate) formats: Vec<MomentFormat>,
    /// False for a computed column, which has a rule of its own.
    pub(crate) required: bool,
    pub(crate) range: Option<Limits>,
    pub(crate) clean: Vec<Clean>,
    pub(crate) default: Option<Value>,
}

/// A column that is computed from others.
#[derive(Debug)]
pub(crate) struct Computed {
    pub(crate) at: usize,
    pub(crate) value: Value,
    /// Places of the columns that it needs.
    pub(crate) reads: Vec<usize>,
    pub(crate) required: bool,
}

/// Bounds of a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    low: Option<Limit>,
    high: Option<Limit>,
}

#[derive(Debug, Clone, Copy)]
struct Limit {
    /// The column's number is multiplied with this before it is compared.
    raise: i128,
    value: i128,
    inclusive: bool,
    /// For doubles.
    double: f64,
}

#[derive(Debug)]
pub(crate) struct CheckPlan {
    pub(crate) name: String,
    pub(crate) condition: Condition,
    pub(crate) columns: Vec<usize>,
}

/// The keys of one object that matter.
#[derive(Debug, Default)]
pub(crate) struct Branch {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) key: String,
    /// Number of the node, unique in the tree.
    pub(crate) number: usize,
    /// Columns that take the value itself.
    pub(crate) columns: Vec<usize>,
    pub(crate) below: Branch,
    /// True for the array that is exploded.
    pub(crate) array: bool,
}

impl Shape {
    pub(crate) fn of(contract: &Contract) -> Result<Self, StageError> {
        Self::compile(contract).map_err(|why| StageError::Contract { table: contract.table.clone(), why })
    }

    fn compile(contract: &Contract) -> Result<Self, String> {
        let columns = contract.columns.iter().map(|column| plan(column, &contract.columns));
        let columns = columns.collect::<Result<Vec<_>, String>>()?;
        let place = |name: &String| {
            let at = contract.columns.iter().position(|column| column.name == *name);
            at.ok_or(format!("there is no column {name}"))
        };
        let partition = place(&contract.partition)?;
        let date = &contract.columns[partition];
        if date.kind != ColumnType::Date || !date.required {
            return Err(format!("the partition {} is no required date", contract.partition));
        }
        let checks = contract.checks.iter().map(|check| {
            let condition = Condition::compile(&check.condition, &contract.columns)?;
            Ok(CheckPlan { name: check.name.clone(), columns: condition.columns(), condition })
        });
        let (mut tree, mut nodes) = (Branch::default(), 0);
        let explode = Explode::of(contract, &mut tree, &mut nodes)?;
        let of_record = |at: &usize| !explode.as_ref().is_some_and(|explode| explode.columns.contains(at));
        for (at, column) in contract.columns.iter().enumerate().filter(|(at, _)| of_record(at)) {
            if column.computed.is_none() {
                tree.add(&column.path, at, &mut nodes);
            }
        }
        let upsert = Upsert::of(contract)?;
        // Which record of a key stays in a table of newest versions is not known while the files are read.
        let key: &[String] = if upsert.is_some() { &[] } else { &contract.key };
        Ok(Self {
            computed: computed(&contract.columns)?,
            gate: contract.gate.as_ref().map(|gate| GatePlan::compile(gate, &contract.columns)).transpose()?,
            checks: checks.collect::<Result<_, String>>()?,
            key: key.iter().map(place).collect::<Result<_, _>>()?,
            columns,
            partition,
            tree,
            nodes,
            explode,
            upsert,
        })
    }

    /// The exploded array's name; empty when there is none.
    pub(crate) fn array(&self) -> &str {
        self.explode.as_ref().map_or("", |explode| &explode.name)
    }

    /// True when staged rows carry their place in the file beyond its line.
    pub(crate) fn items(&self) -> bool {
        self.explode.is_some() || self.upsert.is_some()
    }
}

impl Branch {
    pub(crate) fn add(&mut self, path: &[String], column: usize, nodes: &mut usize) {
        if let Some(node) = self.node(path, nodes) {
            node.columns.push(column);
        }
    }

    /// The node at the end of the path, made when it is new; none for an empty path.
    pub(crate) fn node(&mut self, path: &[String], nodes: &mut usize) -> Option<&mut Node> {
        let (key, rest) = path.split_first()?;
        let at = self.nodes.iter().position(|node| node.key == *key).unwrap_or_else(|| {
            let number = *nodes;
            *nodes += 1;
            self.nodes.push(Node { key: key.clone(), number, ..Node::default() });
            self.nodes.len() - 1
        });
        match rest {
            [] => self.nodes.get_mut(at),
            _ => self.nodes[at].below.node(rest, nodes),
        }
    }
}

/// The computed columns. Each may read those before it; a default, which comes before all of them, none.
fn computed(columns: &[Column]) -> Result<Vec<Computed>, String> {
    let mut all = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let Some(value) = &column.computed else { continue };
        let value = suitable(value, column, columns, "value")?;
        let reads = value.columns();
        if let Some(late) = reads.iter().find(|read| **read >= at && columns[**read].computed.is_some()) {
            let late = &columns[*late].name;
            return Err(format!("{} is computed from {late}, which is computed after it", column.name));
        }
        all.push(Computed { at, value, reads, required: column.required });
    }
    Ok(all)
}

/// The expression, when it gives what a column of the type holds.
fn suitable(expression: &Expression, column: &Column, all: &[Column], what: &str) -> Result<Value, String> {
    let value = Value::compile(expression, all).map_err(|why| format!("the {what} of {}: {why}", column.name))?;
    match value.suits(column.kind) {
        true => Ok(value),
        false => Err(format!("the {what} of {} is not of the column's type, {}", column.name, column.kind)),
    }
}

fn default(expression: &Expression, column: &Column, all: &[Column]) -> Result<Value, String> {
    let value = suitable(expression, column, all, "default")?;
    match value.columns().into_iter().find(|read| all[*read].computed.is_some()) {
        Some(late) => Err(format!("the default of {} reads {}, which is computed later", column.name, all[late].name)),
        None => Ok(value),
    }
}

fn plan(column: &Column, all: &[Column]) -> Result<Plan, String> {
    let formats = column
        .formats
        .iter()
        .map(|format| MomentFormat::parse(format).ok_or(format!("{}: the format {format} is not known", column.name)));
    let default = column.default.as_ref().map(|expression| default(expression, column, all));
    let range = column.range.as_ref().map(|range| {
        let limit = |bound: Option<Bound>| bound.map(|bound| limit(bound, column)).transpose();
        Ok::<_, String>(Limits { low: limit(range.low)?, high: limit(range.high)? })
    });
    Ok(Plan {
        name: column.name.clone(),
        header: if column.computed.is_some() { None } else { Some(column.path.join(".")) },
        kind: column.kind,
        formats: formats.collect::<Result<_, _>>()?,
        required: column.required && column.computed.is_none(),
        range: range.transpose()?,
        clean: column.clean.clone(),
        default: default.transpose()?,
    })
}

fn limit(bound: Bound, column: &Column) -> Result<Limit, String> {
    let scale = match column.kind {
        ColumnType::Int32 | ColumnType::Int64 | ColumnType::Double => 0,
        ColumnType::Decimal { scale, .. } => scale,
        _ => return Err(format!("{} has a range but is no number", column.name)),
    };
    let common = scale.max(bound.value.scale);
    let power =
        |by: u8| POWERS.get(usize::from(by)).copied().ok_or(format!("the range of {} is too fine", column.name));
    let value = bound.value.unscaled.checked_mul(power(common - bound.value.scale)?);
    let value = value.ok_or(format!("the range of {} is too wide", column.name))?;
    let double = bound.value.unscaled as f64 / power(bound.value.scale)? as f64;
    Ok(Limit { raise: power(common - scale)?, value, inclusive: bound.inclusive, double })
}

impl Limits {
    /// A number too large to be compared is beyond every upper bound, or below every lower one.
    #[inline]
    pub(crate) fn hold(&self, number: i128) -> bool {
        let raised = |limit: &Limit| match limit.raise {
            1 => number,
            raise => number.saturating_mul(raise),
        };
        self.low.is_none_or(|limit| raised(&limit) > limit.value || limit.inclusive && raised(&limit) == limit.value)
            && self
                .high
                .is_none_or(|limit| raised(&limit) < limit.value || limit.inclusive && raised(&limit) == limit.value)
    }

    pub(crate) fn hold_double(&self, number: f64) -> bool {
        self.low.is_none_or(|limit| number > limit.double || limit.inclusive && number == limit.double)
            && self.high.is_none_or(|limit| number < limit.double || limit.inclusive && number == limit.double)
    }
}
