//! Functions of one number.

use sqlparser::ast::Expr as Ast;

use super::coerce::cast;
use super::{call, computed};
use crate::bind::Binder;
use crate::bind::expr::Context;
use crate::error::Place;
use crate::literal::Literal;
use crate::plan::{Expr, Function, Node};
use crate::types::{Type, decimal};

impl Binder<'_> {
    pub(super) fn scalar_number(&mut self, name: &str, list: &[&Ast], at: Place, cx: &Context<'_>) -> Option<Expr> {
        match (name, list) {
            ("abs" | "negative", [x]) => {
                let x = self.number_of(x, cx)?;
                let kind = x.kind;
                let function = if name == "abs" { Function::Abs } else { Function::Negate };
                Some(call(function, vec![x], kind, at))
            }
            ("floor", [x]) => self.whole(Function::Floor, x, at, cx),
            ("ceil" | "ceiling", [x]) => self.whole(Function::Ceil, x, at, cx),
            ("round", [x]) => self.spark_round(x, 0, at, cx),
            ("round", [x, places]) => match self.expr(places, cx)?.node {
                Node::Literal(Literal::Integer(places)) if (0..=38).contains(&places) => {
                    self.spark_round(x, i32::try_from(places).ok()?, at, cx)
                }
                _ => self.refuse(at, "`round` takes a literal number of places from 0 to 38"),
            },
            _ => self.refuse(at, format!("`{name}` does not take {} arguments", list.len())),
        }
    }

    fn spark_round(&mut self, x: &Ast, places: i32, at: Place, cx: &Context<'_>) -> Option<Expr> {
        let x = self.number_of(x, cx)?;
        Some(match x.kind {
            kind if kind.is_integer() => computed(x, kind, at),
            Type::Decimal { precision, scale } => {
                let kept = scale.min(u8::try_from(places).unwrap_or(scale));
                cast(x, decimal(precision - scale + kept + 1, kept))
            }
            kind => call(Function::Round(places), vec![x], kind, at),
        })
    }
}
