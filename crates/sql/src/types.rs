//! The types of columns and expressions, and how they meet.

use std::fmt;

use polars::prelude::{DataType, TimeUnit, TimeZone};

/// The most digits a decimal can have.
pub(crate) const MAX_PRECISION: u8 = 38;

/// A type of the subset. Timestamps count microseconds; `TimestampUtc` is an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    Boolean,
    /// Of 8 bits; only Spark's dialect has it, carried by 32.
    Int8,
    /// Of 16 bits; only Spark's dialect has it, carried by 32.
    Int16,
    Int32,
    Int64,
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// Of 32 bits; only Spark's dialect has it, carried by a double.
    Float,
    Double,
    String,
    Date,
    Timestamp,
    TimestampUtc,
}

/// A column of a table or of a query's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub kind: Type,
    pub nullable: bool,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Boolean => f.write_str("boolean"),
            Type::Int8 => f.write_str("int8"),
            Type::Int16 => f.write_str("int16"),
            Type::Int32 => f.write_str("int32"),
            Type::Int64 => f.write_str("int64"),
            Type::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Type::Float => f.write_str("float"),
            Type::Double => f.write_str("double"),
            Type::String => f.write_str("string"),
            Type::Date => f.write_str("date"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::TimestampUtc => f.write_str("timestamp with time zone"),
        }
    }
}

/// The Polars type that carries `kind`.
pub fn dtype_of(kind: Type) -> DataType {
    match kind {
        Type::Boolean => DataType::Boolean,
        Type::Int8 | Type::Int16 | Type::Int32 => DataType::Int32,
        Type::Int64 => DataType::Int64,
        Type::Decimal { precision, scale } => DataType::Decimal(precision.into(), scale.into()),
        Type::Float | Type::Double => DataType::Float64,
        Type::String => DataType::String,
        Type::Date => DataType::Date,
        Type::Timestamp => DataType::Datetime(TimeUnit::Microseconds, None),
        Type::TimestampUtc => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
    }
}

/// The type of a column stored as `dtype`, or `None` where the subset has none (binary, lists, nanoseconds, zones
/// other than UTC). Narrower integers and floats widen; nothing that would lose digits is taken.
pub fn field_of(dtype: &DataType) -> Option<Type> {
    Some(match dtype {
        DataType::Boolean => Type::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 => Type::Int32,
        DataType::Int64 | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => Type::Int64,
        DataType::Decimal(precision, scale) => {
            Type::Decimal { precision: u8::try_from(*precision).ok()?, scale: u8::try_from(*scale).ok()? }
        }
        DataType::Float32 | DataType::Float64 => Type::Double,
        DataType::String => Type::String,
        DataType::Date => Type::Date,
        DataType::Datetime(TimeUnit::Milliseconds | TimeUnit::Microseconds, None) => Type::Timestamp,
        DataType::Datetime(TimeUnit::Milliseconds | TimeUnit::Microseconds, Some(zone)) if *zone == TimeZone::UTC => {
            Type::TimestampUtc
        }
        _ => return None,
    })
}

/// The same for Spark's dialect, which tells narrow numbers from wide ones.
pub(crate) fn narrow_field_of(dtype: &DataType) -> Option<Type> {
    match dtype {
        DataType::Int8 => Some(Type::Int8),
        DataType::Int16 => Some(Type::Int16),
        DataType::Float32 => Some(Type::Float),
        other => field_of(other),
    }
}

impl Type {
    pub(crate) fn is_integer(self) -> bool {
        matches!(self, Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64)
    }

    /// Whether values are binary fractions, NaN and infinities among them.
    pub(crate) fn is_approximate(self) -> bool {
        matches!(self, Type::Float | Type::Double)
    }

    pub(crate) fn is_exact(self) -> bool {
        self.is_integer() || matches!(self, Type::Decimal { .. })
    }

    pub(crate) fn is_number(self) -> bool {
        self.is_exact() || self.is_approximate()
    }

    pub(crate) fn is_timestamp(self) -> bool {
        matches!(self, Type::Timestamp | Type::TimestampUtc)
    }

    /// Precision and scale of an exact number, integers included.
    pub(crate) fn digits(self) -> Option<(u8, u8)> {
        match self {
            Type::Int8 => Some((3, 0)),
            Type::Int16 => Some((5, 0)),
            Type::Int32 => Some((10, 0)),
            Type::Int64 => Some((19, 0)),
            Type::Decimal { precision, scale } => Some((precision, scale)),
            _ => None,
        }
    }
}

/// A decimal that never asks for more digits than there are: the scale is kept, the precision is cut.
pub(crate) fn decimal(precision: u8, scale: u8) -> Type {
    Type::Decimal { precision: precision.min(MAX_PRECISION).max(scale).max(1), scale }
}

/// The decimal with the places of both and, as far as there are digits, the whole digits of both.
pub(crate) fn joint((p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> Type {
    let scale = s1.max(s2);
    decimal((p1 - s1).max(p2 - s2) + scale, scale)
}

/// The type that values of both types take in a comparison, a `case` or a `union all`.
pub(crate) fn common(a: Type, b: Type) -> Option<Type> {
    if a == b {
        return Some(a);
    }
    match (a, b) {
        (a, b) if a.is_integer() && b.is_integer() => Some(if a.digits() > b.digits() { a } else { b }),
        (a, b) if a.is_exact() && b.is_exact() => Some(joint(a.digits()?, b.digits()?)),
        (Type::Float, other) | (other, Type::Float) if other.is_integer() => Some(Type::Float),
        (a, b) if a.is_number() && b.is_number() => Some(Type::Double),
        (Type::Date, Type::Timestamp) | (Type::Timestamp, Type::Date) => Some(Type::Timestamp),
        _ => None,
    }
}
