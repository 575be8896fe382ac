//! Takes aggregates and windows out of expressions, so that each is computed once and read as a column.

use super::scope::Scope;
use crate::error::SqlError;
use crate::plan::{Call, Expr, Node, Window};

/// The keys and calls of one aggregation, while expressions are rewritten to read its output.
pub(super) struct Grouping<'s> {
    keys: Vec<Expr>,
    calls: Vec<Call>,
    errors: Vec<SqlError>,
    scope: &'s Scope,
}

impl<'s> Grouping<'s> {
    pub fn new(keys: Vec<Expr>, scope: &'s Scope) -> Self {
        Self { keys, calls: Vec::new(), errors: Vec::new(), scope }
    }

    /// Rewrites `expr` over the output of the aggregation: keys first, then calls.
    pub fn lift(&mut self, expr: &mut Expr) {
        if let Some(index) = self.keys.iter().position(|key| key == expr) {
            expr.node = Node::Column(index);
            return;
        }
        match &expr.node {
            Node::Aggregate(call) => {
                let call = self.global(call.as_ref().clone());
                expr.nullable = call.nullable;
                let index = self.calls.iter().position(|c| *c == call).unwrap_or_else(|| {
                    self.calls.push(call);
                    self.calls.len() - 1
                });
                expr.node = Node::Column(self.keys.len() + index);
            }
            Node::Column(index) => {
                let name = self.scope.columns.get(*index).map_or("", |c| c.name.as_str());
                let message = format!("column `{name}` is neither in `group by` nor inside an aggregate");
                let help = format!("add it to `group by`, or write `max({name})`");
                self.errors.push(expr.at.error(message).help(help));
            }
            _ => {
                expr.children_mut().into_iter().for_each(|child| self.lift(child));
                expr.renew_nullable();
            }
        }
    }

    pub fn finish(self) -> (Vec<Expr>, Vec<Call>, Vec<SqlError>) {
        (self.keys, self.calls, self.errors)
    }

    /// Without keys there may be no row at all: everything but a count can be null.
    fn global(&self, mut call: Call) -> Call {
        let counts = matches!(call.function, crate::plan::Aggregate::Count | crate::plan::Aggregate::CountDistinct);
        call.nullable |= self.keys.is_empty() && !counts;
        call
    }
}

/// Replaces every window by the column that will follow the `width` columns of the input.
pub(super) fn lift_windows(exprs: &mut [Expr], width: usize) -> Vec<Window> {
    let mut windows = Vec::new();
    for expr in exprs {
        lift(expr, width, &mut windows);
    }
    windows
}

fn lift(expr: &mut Expr, width: usize, windows: &mut Vec<Window>) {
    if let Node::Window(window) = &expr.node {
        let index = windows.iter().position(|w| w == window.as_ref()).unwrap_or_else(|| {
            windows.push(window.as_ref().clone());
            windows.len() - 1
        });
        expr.node = Node::Column(width + index);
        return;
    }
    for child in expr.children_mut() {
        lift(child, width, windows);
    }
}
