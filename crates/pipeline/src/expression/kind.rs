//! What an expression gives, so that numbers, texts and times are not mixed and no result outgrows 38 digits.

use super::{Arithmetic, DIGITS, Number};
use crate::contract::ColumnType;

/// The kind of a value, with the digits that a number can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Digits before and after the point.
    Number {
        whole: u32,
        scale: u32,
    },
    Text,
    Truth,
    Date,
    /// A day and a time without a zone.
    Timestamp,
    Instant,
    /// Not known, because of a mistake that is already reported; fits everywhere.
    Unknown,
}

impl Kind {
    /// Fails with the reason for types that expressions do not compute with.
    pub(crate) fn of_column(kind: ColumnType) -> Result<Kind, &'static str> {
        match kind {
            ColumnType::String { .. } => Ok(Kind::Text),
            ColumnType::Int32 => Ok(Kind::Number { whole: 10, scale: 0 }),
            ColumnType::Int64 => Ok(Kind::Number { whole: 19, scale: 0 }),
            ColumnType::Decimal { precision, scale } => {
                Ok(Kind::Number { whole: u32::from(precision.saturating_sub(scale)), scale: u32::from(scale) })
            }
            ColumnType::Boolean => Ok(Kind::Truth),
            ColumnType::Double => Err("a double; expressions are exact, so declare it as a decimal"),
            ColumnType::Date => Ok(Kind::Date),
            ColumnType::Timestamp => Ok(Kind::Timestamp),
            ColumnType::Instant => Ok(Kind::Instant),
        }
    }

    pub(super) fn of_number(number: Number) -> Kind {
        let digits = number.unscaled.unsigned_abs().checked_ilog10().map_or(0, |log| log + 1);
        let scale = u32::from(number.scale);
        Kind::Number { whole: digits.saturating_sub(scale), scale }
    }

    /// As in `a text`, for messages.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Kind::Number { .. } => "a number",
            Kind::Text => "a text",
            Kind::Truth => "a condition",
            Kind::Date => "a date",
            Kind::Timestamp => "a timestamp",
            Kind::Instant => "an instant",
            Kind::Unknown => "a value",
        }
    }

    /// Whether two values are both numbers, both texts, both dates and so on.
    pub(crate) fn fits(self, other: Kind) -> bool {
        let unknown = self == Kind::Unknown || other == Kind::Unknown;
        unknown || std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    pub(super) fn computed(self, sign: Arithmetic, other: Kind) -> Kind {
        match (self, other, sign) {
            (Kind::Number { whole: a, scale: s }, Kind::Number { whole: b, scale: t }, Arithmetic::Multiply) => {
                Kind::Number { whole: a + b, scale: s + t }
            }
            (Kind::Number { whole: a, scale: s }, Kind::Number { whole: b, scale: t }, _) => {
                Kind::Number { whole: a.max(b) + 1, scale: s.max(t) }
            }
            _ => Kind::Unknown,
        }
    }

    /// The digits of both sides brought to one scale, as a comparison does.
    pub(super) fn aligned(self, other: Kind) -> Kind {
        match (self, other) {
            (Kind::Number { whole: a, scale: s }, Kind::Number { whole: b, scale: t }) => {
                Kind::Number { whole: a.max(b), scale: s.max(t) }
            }
            _ => Kind::Unknown,
        }
    }

    /// The number of digits when it is more than an exact number can hold.
    pub(super) fn too_many_digits(self) -> Option<u32> {
        match self {
            Kind::Number { whole, scale } if whole + scale > u32::from(DIGITS) => Some(whole + scale),
            _ => None,
        }
    }
}
