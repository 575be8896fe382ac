//! Why a record is refused: codes, their order, and their words.

use crate::silver::shape::Shape;

/// A reason of a refusal; the order is the one in which the first becomes the primary reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    Malformed,
    /// No array stands where the exploded one is needed, or no object where one of its elements is.
    TypeOfArray,
    Type(u16),
    /// The exploded array is not there, or has no elements.
    NoArray,
    Missing(u16),
    Range(u16),
    Check(u16),
    Duplicate,
}

/// What is wrong, in words without any value of the record.
pub(crate) type Words = std::borrow::Cow<'static, str>;

impl Reason {
    /// The code as it is stored: `type.quantity_sold`.
    pub(crate) fn code(self, shape: &Shape) -> String {
        let column = |at: u16| &shape.columns[usize::from(at)].name;
        match self {
            Self::Malformed => "malformed".to_owned(),
            Self::TypeOfArray => format!("type.{}", shape.array()),
            Self::NoArray => format!("missing.{}", shape.array()),
            Self::Type(at) => format!("type.{}", column(at)),
            Self::Missing(at) => format!("missing.{}", column(at)),
            Self::Range(at) => format!("range.{}", column(at)),
            Self::Check(at) => format!("check.{}", shape.checks[usize::from(at)].name),
            Self::Duplicate => "duplicate".to_owned(),
        }
    }

    /// The column that it is about.
    pub(crate) fn column(self, shape: &Shape) -> Option<&str> {
        match self {
            Self::Type(at) | Self::Missing(at) | Self::Range(at) => Some(&shape.columns[usize::from(at)].name),
            Self::TypeOfArray | Self::NoArray => Some(shape.array()),
            Self::Malformed | Self::Check(_) | Self::Duplicate => None,
        }
    }
}
