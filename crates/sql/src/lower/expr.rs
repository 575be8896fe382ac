//! Typed expressions to Polars expressions.

use polars::prelude::*;

use super::column::{constant, elementwise, from_units, units};
use super::{arithmetic, cast, packed, spark, text};
use crate::literal::Literal;
use crate::plan::{Comparison, Expr as Typed, Node, Part, Side};
use crate::types::{Type, dtype_of};

/// Lowers expressions over a frame whose columns are what `column` gives.
pub(super) struct Lowering<'a> {
    pub column: &'a dyn Fn(usize) -> Expr,
}

/// The rows on which a value is needed: Polars computes all branches of a `case` on all rows, so an operation that can
/// fail must not see the others.
type Guard<'g> = Option<&'g Expr>;

impl Lowering<'_> {
    /// An expression that is computed on every row.
    pub fn expr(&self, typed: &Typed) -> PolarsResult<Expr> {
        self.guarded(typed, None)
    }

    fn guarded(&self, typed: &Typed, guard: Guard<'_>) -> PolarsResult<Expr> {
        if let Node::Literal(value) = &typed.node {
            return Ok(constant(value, typed.kind));
        }
        let lowered = self.lowered(typed, guard)?;
        // A constant is computed once and stays one value, whatever the length of the frame.
        let constant = typed.is_constant() && (guard.is_none() || !can_fail(typed));
        if constant { fold(lowered) } else { Ok(lowered) }
    }

    fn lowered(&self, typed: &Typed, guard: Guard<'_>) -> PolarsResult<Expr> {
        let (kind, at) = (typed.kind, typed.at);
        Ok(match &typed.node {
            Node::Column(index) => (self.column)(*index),
            Node::Literal(value) => constant(value, kind),
            Node::Cast(x) => cast::cast(x.kind, kind, at, self.operand(typed, x, guard)?),
            Node::Arithmetic(op, a, b) => {
                let inputs = vec![self.operand(typed, a, guard)?, self.guarded(b, guard)?];
                arithmetic::binary(*op, (a.kind, b.kind), kind, at, inputs)
            }
            Node::Negate(x) => arithmetic::signed(kind, at, false, self.operand(typed, x, guard)?),
            Node::Abs(x) => arithmetic::signed(kind, at, true, self.operand(typed, x, guard)?),
            Node::Round(x) => arithmetic::round(x.kind, kind, at, self.operand(typed, x, guard)?),
            Node::Compare(op, a, b) => compare(*op, self.guarded(a, guard)?, self.guarded(b, guard)?),
            Node::And(a, b) => self.logical(a, b, guard, true)?,
            Node::Or(a, b) => self.logical(a, b, guard, false)?,
            Node::Not(x) => self.guarded(x, guard)?.not(),
            Node::IsNull(x) => self.guarded(x, guard)?.is_null(),
            Node::Is(x, value) => {
                let x = self.guarded(x, guard)?;
                if *value { x.fill_null(lit(false)) } else { x.fill_null(lit(true)).not() }
            }
            Node::OneOf(x, values) => one_of(self.guarded(x, guard)?, values, x.kind),
            Node::Like(x, pieces) => text::like(self.guarded(x, guard)?, pieces),
            Node::Case(arms, otherwise) => self.case(arms, otherwise, guard)?,
            Node::Coalesce(list) => self.coalesce(list, guard)?,
            Node::Extract(part, x) => extract(*part, self.guarded(x, guard)?),
            Node::Upper(x) => self.guarded(x, guard)?.str().to_uppercase(),
            Node::Lower(x) => self.guarded(x, guard)?.str().to_lowercase(),
            Node::Trim(side, x, character) => trim(*side, self.guarded(x, guard)?, character),
            Node::Substring(x, from, length) => {
                let mut inputs = vec![self.operand(typed, x, guard)?, self.guarded(from, guard)?];
                if let Some(length) = length {
                    inputs.push(self.guarded(length, guard)?);
                }
                text::substring(inputs, at)
            }
            Node::Concat(list) => {
                let parts: PolarsResult<Vec<Expr>> = list.iter().map(|x| self.guarded(x, guard)).collect();
                concat_str(parts?, "", false)
            }
            Node::Packed(list) => {
                let parts: PolarsResult<Vec<Expr>> = list.iter().map(|x| self.guarded(x, guard)).collect();
                packed::pack(list.iter().map(|x| x.kind).collect(), at, parts?)
            }
            Node::Unpacked(before, x) => packed::unpack(before.clone(), kind, at, self.guarded(x, guard)?),
            Node::Function(function, list) => {
                let inputs: PolarsResult<Vec<Expr>> = list.iter().map(|x| self.guarded(x, guard)).collect();
                spark::apply(function, list.iter().map(|x| x.kind).collect(), kind, inputs?)?
            }
            Node::Untyped | Node::Aggregate(_) | Node::Window(_) => {
                polars_bail!(ComputeError: "an expression was not resolved ({at} of the query)")
            }
        })
    }

    /// The first operand of an operation; null outside the guard when the operation can fail, for null never does.
    fn operand(&self, operation: &Typed, operand: &Typed, guard: Guard<'_>) -> PolarsResult<Expr> {
        let lowered = self.guarded(operand, guard)?;
        match guard {
            Some(guard) if fails(operation) => {
                let null = constant(&Literal::Null, operand.kind);
                Ok(when(guard.clone()).then(lowered).otherwise(null))
            }
            _ => Ok(lowered),
        }
    }

    /// The second operand matters only where the first does not decide.
    fn logical(&self, a: &Typed, b: &Typed, guard: Guard<'_>, and: bool) -> PolarsResult<Expr> {
        let left = self.guarded(a, guard)?;
        let right = if can_fail(b) {
            let open = left.clone().fill_null(lit(and));
            let open = if and { open } else { open.not() };
            self.guarded(b, Some(&within(guard, open)))?
        } else {
            self.guarded(b, guard)?
        };
        Ok(if and { left.and(right) } else { left.or(right) })
    }

    fn case(&self, arms: &[(Typed, Typed)], otherwise: &Typed, guard: Guard<'_>) -> PolarsResult<Expr> {
        let delicate = can_fail(otherwise) || arms.iter().any(|(c, r)| can_fail(c) || can_fail(r));
        let mut lowered = Vec::with_capacity(arms.len());
        let mut open: Option<Expr> = guard.cloned();
        for (condition, result) in arms {
            let condition = self.guarded(condition, open.as_ref())?;
            let chosen = condition.clone().fill_null(lit(false));
            let result = if delicate {
                self.guarded(result, Some(&within(open.as_ref(), chosen.clone())))?
            } else {
                self.guarded(result, None)?
            };
            if delicate {
                open = Some(within(open.as_ref(), chosen.not()));
            }
            lowered.push((condition, result));
        }
        let last = self.guarded(otherwise, open.as_ref())?;
        Ok(lowered
            .into_iter()
            .rev()
            .fold(last, |last, (condition, result)| when(condition).then(result).otherwise(last)))
    }

    fn coalesce(&self, list: &[Typed], guard: Guard<'_>) -> PolarsResult<Expr> {
        let mut lowered: Vec<Expr> = Vec::with_capacity(list.len());
        for item in list {
            let next = if can_fail(item) && !lowered.is_empty() {
                let open = coalesce(&lowered).is_null();
                self.guarded(item, Some(&within(guard, open)))?
            } else {
                self.guarded(item, guard)?
            };
            lowered.push(next);
        }
        Ok(coalesce(&lowered))
    }
}

/// Whether anything in the expression can fail on some data.
pub(super) fn can_fail(typed: &Typed) -> bool {
    typed.any(&fails)
}

fn fails(typed: &Typed) -> bool {
    match &typed.node {
        Node::Cast(x) => cast::fallible(x.kind, typed.kind),
        Node::Substring(_, _, length) => length.is_some(),
        _ => arithmetic::fallible(typed),
    }
}

fn within(guard: Guard<'_>, condition: Expr) -> Expr {
    match guard {
        Some(guard) => guard.clone().and(condition),
        None => condition,
    }
}

/// The value of an expression without columns.
pub(super) fn fold(expr: Expr) -> PolarsResult<Expr> {
    let frame = DataFrame::new(1, vec![Column::new("row".into(), [0i32])])?;
    let result = frame.lazy().select([expr.alias("value")]).collect()?;
    let series = result.column("value")?.as_materialized_series().clone();
    let value = series.get(0)?.into_static();
    Ok(Expr::Literal(LiteralValue::Scalar(Scalar::new(series.dtype().clone(), value))))
}

fn compare(op: Comparison, a: Expr, b: Expr) -> Expr {
    match op {
        Comparison::Equal => a.eq(b),
        Comparison::NotEqual => a.neq(b),
        Comparison::Less => a.lt(b),
        Comparison::LessOrEqual => a.lt_eq(b),
        Comparison::Greater => a.gt(b),
        Comparison::GreaterOrEqual => a.gt_eq(b),
    }
}

fn one_of(input: Expr, values: &[Literal], kind: Type) -> Expr {
    use polars::chunked_array::ops::arity::unary_elementwise;
    if kind == Type::String {
        let texts: PlHashSet<String> =
            values.iter().filter_map(|v| if let Literal::Text(t) = v { Some(t.clone()) } else { None }).collect();
        return elementwise(vec![input], Type::Boolean, move |s| {
            let test = |x: Option<&str>| x.map(|x| texts.contains(x));
            let result: BooleanChunked = unary_elementwise(s[0].str()?, test);
            Ok(result.into_series())
        });
    }
    let numbers: PlHashSet<i128> = values.iter().filter_map(whole).collect();
    if kind.is_approximate() {
        return values
            .iter()
            .map(|v| input.clone().eq(constant(v, kind)))
            .reduce(Expr::or)
            .unwrap_or_else(|| lit(false));
    }
    elementwise(vec![input], Type::Boolean, move |s| {
        let test = |x: Option<i128>| x.map(|x| numbers.contains(&x));
        let result: BooleanChunked = unary_elementwise(&units(&s[0])?, test);
        Ok(result.into_series())
    })
}

fn whole(value: &Literal) -> Option<i128> {
    match value {
        Literal::Boolean(b) => Some(i128::from(*b)),
        Literal::Integer(n) => Some(i128::from(*n)),
        Literal::Decimal(units) => Some(*units),
        Literal::Date(days) => Some(i128::from(*days)),
        Literal::Timestamp(micros) => Some(i128::from(*micros)),
        Literal::Null | Literal::Text(_) => None,
    }
}

fn extract(part: Part, input: Expr) -> Expr {
    let taken = match part {
        Part::Year => input.dt().year(),
        Part::Quarter => input.dt().quarter(),
        Part::Month => input.dt().month(),
        Part::Week => input.dt().week(),
        Part::Day => input.dt().day(),
        // Sunday is 0 in one count and 7 in the other.
        Part::DayOfWeek => input.dt().weekday() % lit(7i8),
        Part::IsoDayOfWeek => input.dt().weekday(),
        Part::DayOfYear => input.dt().ordinal_day(),
        Part::Hour => input.dt().hour(),
        Part::Minute => input.dt().minute(),
        Part::Second => {
            let kind = Type::Decimal { precision: 8, scale: 6 };
            return elementwise(vec![input], kind, move |s| {
                from_units(units(&s[0])?.apply_values(|micros| micros.rem_euclid(60_000_000)), kind)
            });
        }
    };
    taken.cast(dtype_of(Type::Int32))
}

fn trim(side: Side, input: Expr, character: &str) -> Expr {
    let character = lit(character);
    match side {
        Side::Both => input.str().strip_chars(character),
        Side::Leading => input.str().strip_chars_start(character),
        Side::Trailing => input.str().strip_chars_end(character),
    }
}
