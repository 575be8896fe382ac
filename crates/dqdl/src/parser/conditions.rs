//! Conditions: an operator, and operands of one of five kinds. The operands decide which.

use super::raw::{Condition, Kinds, Operand, OperandValue, arithmetic};
use super::{Parsed, Parser, Stop};
use crate::lex::{self, Kind};
use crate::syntax::Part;
use crate::tree::{Arithmetic, Number, Operator, Unit};

/// An open parenthesis in a number, or the text around all of them.
struct Open {
    call: Option<(String, Vec<Number>)>,
    left: Option<Number>,
    op: Option<Arithmetic>,
}

impl Parser<'_> {
    /// `None` where no operator stands. Tags know numbers and texts alone.
    pub(super) fn condition(&mut self, in_tag: bool) -> Parsed<Option<Condition>> {
        let (from, start) = (self.open(), self.here().start);
        let all = if in_tag { Kinds::NUMBER.or(Kinds::TEXT) } else { Kinds::ALL };
        // In a tag other than the threshold parentheses and the spelling of words stay, because its value is text.
        let keep = in_tag && !self.text[self.before()].eq_ignore_ascii_case("threshold");
        let Some(op) = self.operator()? else { return Ok(None) };
        let ordered = all.and(Kinds(Kinds::ALL.0 & !Kinds::TEXT.0));
        let (operands, kinds, list) = match op {
            Operator::Between | Operator::NotBetween => self.ends(ordered, keep)?,
            Operator::In | Operator::NotIn => self.listed(all, keep)?,
            Operator::Matches | Operator::NotMatches => {
                let span = self.want(Kind::Text, "a pattern in quotes")?;
                (vec![Operand { value: OperandValue::Text, span }], Kinds::TEXT, None)
            }
            _ => {
                let allowed = if matches!(op, Operator::Equal | Operator::NotEqual) { all } else { ordered };
                let (operand, kinds) = self.operand(allowed, keep)?;
                (vec![operand], kinds, None)
            }
        };
        self.close(Part::Condition, from);
        Ok(Some(Condition { op, operands, kinds, list, span: self.since(start) }))
    }

    fn operator(&mut self) -> Parsed<Option<Operator>> {
        let op = match self.peek() {
            Some(Kind::Not) => {
                self.take();
                match self.peek() {
                    Some(Kind::Between) => Operator::NotBetween,
                    Some(Kind::In) => Operator::NotIn,
                    Some(Kind::Matches) => Operator::NotMatches,
                    _ => return Err(self.expected("`between`, `in` or `matches`")),
                }
            }
            Some(Kind::Exclamation) => {
                self.take();
                if self.peek() != Some(Kind::Equal) {
                    return Err(self.expected("`=`"));
                }
                Operator::NotEqual
            }
            Some(Kind::Between) => Operator::Between,
            Some(Kind::In) => Operator::In,
            Some(Kind::Matches) => Operator::Matches,
            Some(Kind::Equal) => Operator::Equal,
            Some(Kind::Greater) => Operator::Greater,
            Some(Kind::GreaterOrEqual) => Operator::GreaterOrEqual,
            Some(Kind::Less) => Operator::Less,
            Some(Kind::LessOrEqual) => Operator::LessOrEqual,
            _ => return Ok(None),
        };
        self.take();
        Ok(Some(op))
    }

    fn ends(&mut self, allowed: Kinds, keep: bool) -> Parsed<(Vec<Operand>, Kinds, Option<crate::Span>)> {
        let (low, kinds) = self.operand(allowed, keep)?;
        self.want(Kind::And, "`and`")?;
        let (high, kinds) = self.operand(kinds, keep)?;
        Ok((vec![low, high], kinds, None))
    }

    fn listed(&mut self, allowed: Kinds, keep: bool) -> Parsed<(Vec<Operand>, Kinds, Option<crate::Span>)> {
        if self.take_if(Kind::Dollar).is_some() {
            let name = self.want(Kind::Name, "the name of a constant")?;
            return Ok((Vec::new(), Kinds::TEXT, Some(name)));
        }
        self.want(Kind::LeftBracket, "`[`, or `$` with the name of a constant")?;
        let (mut operands, mut kinds) = (Vec::new(), allowed);
        loop {
            let (operand, left) = self.operand(kinds, keep)?;
            operands.push(operand);
            kinds = left;
            if self.take_if(Kind::Comma).is_none() {
                break;
            }
        }
        self.want(Kind::RightBracket, "`,` or `]`")?;
        Ok((operands, kinds, None))
    }

    /// One operand, and the kinds that it leaves of those allowed.
    fn operand(&mut self, allowed: Kinds, keep: bool) -> Parsed<(Operand, Kinds)> {
        let (from, start) = (self.open(), self.here().start);
        let (value, kinds) = self.operand_value(allowed, keep)?;
        self.close(Part::Operand, from);
        Ok((Operand { value, span: self.since(start) }, kinds.and(allowed)))
    }

    fn operand_value(&mut self, allowed: Kinds, keep: bool) -> Parsed<(OperandValue, Kinds)> {
        let null = Kinds::NUMBER.or(Kinds::TEXT).or(Kinds::DATE);
        match self.peek() {
            Some(Kind::Text) if allowed.has(Kinds::TEXT) => {
                self.take();
                Ok((OperandValue::Text, Kinds::TEXT))
            }
            Some(Kind::Dollar) if allowed.has(Kinds::TEXT) => {
                self.take();
                self.want(Kind::Name, "the name of a constant")?;
                Ok((OperandValue::Constant, Kinds::TEXT))
            }
            Some(Kind::Empty) if allowed.has(Kinds::TEXT) => {
                self.take();
                Ok((OperandValue::Empty, Kinds::TEXT))
            }
            Some(Kind::WhitespacesOnly) if allowed.has(Kinds::TEXT) => {
                self.take();
                Ok((OperandValue::WhitespacesOnly, Kinds::TEXT))
            }
            Some(kind @ (Kind::Date | Kind::Time | Kind::ClockTime | Kind::Now)) if allowed.has(Kinds::DATE) => {
                self.take();
                Ok((OperandValue::Date(kind), Kinds::DATE))
            }
            Some(Kind::LeftParenthesis)
                if allowed.has(Kinds::DATE) && (self.peek_at(1) == Some(Kind::Now) || !allowed.has(Kinds::NUMBER)) =>
            {
                Ok((self.offset()?, Kinds::DATE))
            }
            Some(Kind::Integer) if self.has_unit(allowed) => self.quantity(allowed),
            Some(Kind::Null) if allowed.has(null) && !(allowed.has(Kinds::NUMBER) && self.is_sum()) => {
                self.take();
                Ok((OperandValue::Null, null))
            }
            Some(Kind::Minus | Kind::Integer | Kind::Decimal | Kind::LeftParenthesis | Kind::Name | Kind::Null)
                if allowed.has(Kinds::NUMBER) =>
            {
                Ok((OperandValue::Number(self.number(keep)?), Kinds::NUMBER))
            }
            _ => Err(self.misfit(allowed)),
        }
    }

    fn misfit(&mut self, allowed: Kinds) -> Stop {
        let span = self.here();
        let inside = self.text[span.clone()].trim_matches('"').to_owned();
        let stop = self.expected(&wanted(allowed));
        if self.peek() == Some(Kind::Text)
            && allowed.has(Kinds::NUMBER)
            && lex::word_kind(inside.trim_start_matches('-')).is_number()
            && let Some(fault) = self.faults.last_mut()
        {
            *fault = fault.clone().replacing("Remove the quotes", span, inside);
        }
        stop
    }

    fn is_sum(&self) -> bool {
        self.peek_at(1).and_then(arithmetic).is_some()
    }

    /// Whether the integer must be one with a unit, or is one.
    fn has_unit(&self, allowed: Kinds) -> bool {
        let unit = self.peek_at(1);
        let sized = Kinds::DURATION.or(Kinds::SIZE);
        (allowed.has(sized) && !allowed.has(Kinds::NUMBER))
            || (allowed.has(Kinds::DURATION) && unit.and_then(duration_unit).is_some())
            || (allowed.has(Kinds::SIZE) && unit.is_some_and(is_size_unit))
    }

    fn quantity(&mut self, allowed: Kinds) -> Parsed<(OperandValue, Kinds)> {
        let amount = self.take();
        match self.peek() {
            Some(kind) if allowed.has(Kinds::SIZE) && is_size_unit(kind) => {
                self.take();
                Ok((OperandValue::Size { amount, unit: kind }, Kinds::SIZE))
            }
            Some(kind) if allowed.has(Kinds::DURATION) => match duration_unit(kind) {
                Some(unit) => {
                    self.take();
                    Ok((OperandValue::Duration { amount, unit }, Kinds::DURATION))
                }
                None => Err(self.expected("a unit")),
            },
            _ => Err(self.expected("a unit")),
        }
    }

    /// `(now() - 3 days)`.
    fn offset(&mut self) -> Parsed<OperandValue> {
        self.take();
        self.want(Kind::Now, "`now()`")?;
        let minus = match self.peek() {
            Some(Kind::Minus) => true,
            Some(Kind::Plus) => false,
            _ => return Err(self.expected("`-` or `+`")),
        };
        self.take();
        let amount = self.want(Kind::Integer, "a whole number")?;
        let Some(unit) = self.peek().and_then(duration_unit) else {
            return Err(self.expected("`days`, `hours` or `minutes`"));
        };
        self.take();
        self.want(Kind::RightParenthesis, "`)`")?;
        Ok(OperandValue::Offset { minus, amount, unit })
    }

    /// Numbers, functions, `+ - * /` of one precedence, parentheses.
    fn number(&mut self, keep: bool) -> Parsed<Number> {
        let mut opened: Vec<Open> = Vec::new();
        let mut inner = Open { call: None, left: None, op: None };
        loop {
            let Some(mut value) = self.begin_number(&mut opened, &mut inner, keep)? else { continue };
            loop {
                value = inner.combine(value);
                if let Some(op) = self.peek().and_then(arithmetic) {
                    self.take();
                    (inner.left, inner.op) = (Some(value), Some(op));
                    break;
                }
                let Some(outer) = opened.pop() else { return Ok(value) };
                match (self.peek(), &mut inner.call) {
                    (Some(Kind::Comma), Some((_, arguments))) => {
                        self.take();
                        arguments.push(value);
                        opened.push(outer);
                        break;
                    }
                    (Some(Kind::RightParenthesis), _) => {
                        self.take();
                        value = inner.close(value, keep);
                        inner = outer;
                    }
                    (_, Some(_)) => return Err(self.expected("`,`, `)` or an operator")),
                    (_, None) => return Err(self.expected("`)` or an operator")),
                }
            }
        }
    }

    /// A number, or `None` when a parenthesis was opened.
    fn begin_number(&mut self, opened: &mut Vec<Open>, inner: &mut Open, keep: bool) -> Parsed<Option<Number>> {
        let literal = |text: &str| Ok(Some(Number::Literal(text.to_owned())));
        let call = match self.peek() {
            Some(Kind::Integer | Kind::Decimal) => {
                let span = self.take();
                return literal(&self.text[span]);
            }
            Some(Kind::Minus) => {
                self.take();
                match self.peek() {
                    Some(Kind::Integer | Kind::Decimal) => {
                        let span = self.take();
                        return literal(&format!("-{}", &self.text[span]));
                    }
                    _ => return Err(self.expected("a number")),
                }
            }
            Some(Kind::Null) => {
                let span = self.take();
                return if keep { literal(&self.text[span]) } else { Ok(Some(Number::Null)) };
            }
            Some(Kind::Name) => {
                let span = self.take();
                let name = self.text[span].to_owned();
                if self.peek() == Some(Kind::LeftParenthesis) && self.peek_at(1) == Some(Kind::RightParenthesis) {
                    self.take();
                    self.take();
                    return Ok(Some(Number::Call { name, arguments: Vec::new() }));
                }
                Some((name, Vec::new()))
            }
            _ => None,
        };
        let what = if call.is_some() { "`(`: a name alone is no number" } else { "a number, a function or `(`" };
        self.want(Kind::LeftParenthesis, what)?;
        opened.push(std::mem::replace(inner, Open { call, left: None, op: None }));
        Ok(None)
    }
}

impl Open {
    fn combine(&mut self, value: Number) -> Number {
        match (self.left.take(), self.op.take()) {
            (Some(left), Some(op)) => Number::Binary { op, left: Box::new(left), right: Box::new(value) },
            _ => value,
        }
    }

    fn close(&mut self, value: Number, keep: bool) -> Number {
        match self.call.take() {
            Some((name, mut arguments)) => {
                arguments.push(value);
                Number::Call { name, arguments }
            }
            None if keep || matches!(value, Number::Binary { .. }) => Number::Group(Box::new(value)),
            None => value,
        }
    }
}

fn duration_unit(kind: Kind) -> Option<Unit> {
    Some(match kind {
        Kind::Days => Unit::Days,
        Kind::Hours => Unit::Hours,
        Kind::Minutes => Unit::Minutes,
        _ => return None,
    })
}

fn is_size_unit(kind: Kind) -> bool {
    matches!(kind, Kind::B | Kind::Kb | Kind::Mb | Kind::Gb | Kind::Tb)
}

fn wanted(allowed: Kinds) -> String {
    let names = [
        (Kinds::NUMBER, "a number"),
        (Kinds::TEXT, "a text in quotes"),
        (Kinds::DATE, "a date or `now()`"),
        (Kinds::DURATION, "a duration such as `3 days`"),
        (Kinds::SIZE, "a size such as `5 MB`"),
    ];
    let known: Vec<_> = names.iter().filter(|(kind, _)| allowed.has(*kind)).map(|(_, name)| *name).collect();
    match known.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "operands of one kind".to_owned(),
    }
}
