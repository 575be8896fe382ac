//! Conditions of one kind, their values checked.

use super::Meaning;
use super::head::unescaped;
use crate::canonical;
use crate::lex::Kind;
use crate::parser::raw::{self, Kinds, OperandValue};
use crate::tree::{
    Condition, ConstantValue, Date, Duration, Number, Operator, Size, SizeUnit, Span, Tag, Test, Text, Unit,
};

impl Meaning<'_> {
    /// The condition as one of the kinds that its operands fit; `None` after a fault.
    pub(super) fn condition(&mut self, raw: &raw::Condition, kind: Kinds) -> Option<Condition> {
        Some(match kind {
            Kinds::NUMBER => Condition::Number(self.test(raw, Self::number)?),
            Kinds::TEXT if raw.list.is_some() => Condition::Text(self.constant_list(raw)?),
            Kinds::TEXT => Condition::Text(self.test(raw, Self::text)?),
            Kinds::DATE => Condition::Date(self.test(raw, Self::date)?),
            Kinds::DURATION => Condition::Duration(self.test(raw, Self::duration)?),
            _ => Condition::Size(self.test(raw, Self::size)?),
        })
    }

    fn test<T>(
        &mut self,
        raw: &raw::Condition,
        read: fn(&mut Self, &raw::Operand, Operator) -> Option<T>,
    ) -> Option<Test<T>> {
        let read: Vec<_> = raw.operands.iter().map(|operand| read(self, operand, raw.op)).collect();
        let operands = read.into_iter().collect::<Option<Vec<_>>>()?;
        Some(Test { op: raw.op, operands, span: raw.span.clone() })
    }

    fn number(&mut self, operand: &raw::Operand, _: Operator) -> Option<Number> {
        match &operand.value {
            OperandValue::Number(number) => Some(number.clone()),
            _ => Some(Number::Null),
        }
    }

    fn text(&mut self, operand: &raw::Operand, op: Operator) -> Option<Text> {
        Some(match &operand.value {
            OperandValue::Text => {
                let inside = self.inside(&operand.span);
                Text::Literal(match op {
                    // Escapes are resolved on the text with its quotes: one may stand before the last.
                    Operator::In | Operator::NotIn => within_quotes(&unescaped(self.word(&operand.span))),
                    _ => inside.to_owned(),
                })
            }
            OperandValue::Empty => Text::Empty,
            OperandValue::WhitespacesOnly => Text::WhitespacesOnly,
            OperandValue::Constant => {
                let message =
                    "A constant stands for a whole list behind `in`, or for a parameter. Write the text here.";
                self.error("M9", &operand.span, message);
                return None;
            }
            _ => Text::Null,
        })
    }

    fn constant_list(&mut self, raw: &raw::Condition) -> Option<Test<Text>> {
        let at = raw.list.clone()?;
        let name = self.word(&at);
        let operands = match self.constants.get(name) {
            Some(ConstantValue::Text(text)) => vec![Text::Literal(text.clone())],
            Some(ConstantValue::List(texts)) => texts.iter().map(|text| Text::Literal(unescaped(text))).collect(),
            None => {
                self.unknown_constant(&at, name);
                return None;
            }
        };
        Some(Test { op: raw.op, operands, span: raw.span.clone() })
    }

    fn date(&mut self, operand: &raw::Operand, _: Operator) -> Option<Date> {
        let word = self.word(&operand.span);
        let inside = word.trim_matches('"');
        Some(match &operand.value {
            OperandValue::Date(Kind::Date) => Date::Day(inside.to_owned()),
            OperandValue::Date(Kind::Now) => Date::Now,
            OperandValue::Date(_) => {
                if !is_time(inside) {
                    let message = "No clock shows this time. Write `hh:mm` up to 24:00, or `h:mm AM` from 0 to 12.";
                    self.error("M10", &operand.span, message);
                    return None;
                }
                Date::Time(inside.to_owned())
            }
            OperandValue::Offset { minus, amount, unit } => {
                let amount = self.amount(amount)?;
                Date::Offset { amount: if *minus { -amount } else { amount }, unit: *unit, minus: *minus }
            }
            _ => Date::Null,
        })
    }

    fn duration(&mut self, operand: &raw::Operand, _: Operator) -> Option<Duration> {
        match &operand.value {
            OperandValue::Duration { amount, unit } => Some(Duration { amount: self.amount(amount)?, unit: *unit }),
            _ => Some(Duration { amount: 0, unit: Unit::Minutes }),
        }
    }

    fn size(&mut self, operand: &raw::Operand, _: Operator) -> Option<Size> {
        match &operand.value {
            OperandValue::Size { amount, unit } => Some(Size { amount: self.amount(amount)?, unit: size_unit(*unit) }),
            _ => Some(Size { amount: 0, unit: SizeUnit::Bytes }),
        }
    }

    /// Numbers behind a rule type that gives sizes: whole ones, of bytes.
    pub(super) fn bytes(&mut self, raw: &raw::Condition) -> Option<Condition> {
        let mut operands = Vec::new();
        for operand in &raw.operands {
            let amount = match &operand.value {
                OperandValue::Number(Number::Literal(text)) => text.parse::<i32>().ok(),
                _ => None,
            };
            let Some(amount) = amount else {
                let message = "A size is a whole number of at most 2147483647, with a unit: B, KB, MB, GB or TB.";
                self.error("M10", &operand.span, message);
                return None;
            };
            operands.push(Size { amount: i64::from(amount), unit: SizeUnit::Bytes });
        }
        Some(Condition::Size(Test { op: raw.op, operands, span: raw.span.clone() }))
    }

    /// The service keeps such numbers in 32 bits.
    fn amount(&mut self, span: &Span) -> Option<i64> {
        let amount = self.word(span).parse::<i32>().ok();
        if amount.is_none() {
            self.error("M10", span, "The number is greater than 2147483647. Use a greater unit.");
        }
        amount.map(i64::from)
    }

    /// A time of day is read in the zone of `with timeZone`, whose value is text however it is written.
    pub(super) fn zone(&mut self, raw: &raw::Check, condition: &raw::Condition, zone: Option<&Tag>) {
        let is_timed =
            |operand: &raw::Operand| matches!(operand.value, OperandValue::Date(Kind::Time | Kind::ClockTime));
        let (Some(zone), true) = (zone, condition.operands.iter().any(is_timed)) else { return };
        let known = crate::zone::is_zone(&within_quotes(&canonical::tag_text(zone)));
        if !known {
            let tag = raw.tags.iter().rev().find(|tag| self.word(&tag.name) == "timeZone");
            let span = tag.map_or(condition.span.clone(), |tag| tag.span.clone());
            self.error("M10", &span, "No time zone has this name. Write one such as \"Europe/Berlin\" or \"+02:00\".");
        }
    }
}

fn within_quotes(text: &str) -> String {
    let inside = text.strip_prefix('"').unwrap_or(text);
    inside.strip_suffix('"').unwrap_or(inside).to_owned()
}

fn size_unit(kind: Kind) -> SizeUnit {
    match kind {
        Kind::Kb => SizeUnit::Kilobytes,
        Kind::Mb => SizeUnit::Megabytes,
        Kind::Gb => SizeUnit::Gigabytes,
        Kind::Tb => SizeUnit::Terabytes,
        _ => SizeUnit::Bytes,
    }
}

/// `hh:mm` of 24 hours, or `h:mm AM` of 12: midnight is `00:00`, `24:00`, `0:00 AM` or `12:00 AM`.
fn is_time(text: &str) -> bool {
    let (clock, last) = match text.split_once(' ') {
        Some((clock, _)) => (clock, 12),
        None => (text, 23),
    };
    let Some((hour, minute)) = clock.split_once(':') else { return false };
    let number = |text: &str| text.parse::<u8>().ok();
    clock == "24:00"
        || number(hour).is_some_and(|hour| hour <= last) && number(minute).is_some_and(|minute| minute < 60)
}
