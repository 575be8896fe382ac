//! Values of persons as failing rows show them: the shape of a text without its letters and digits.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::error::ArrowError;
use std::sync::Arc;

/// What stands for a value that is no text.
const HIDDEN: &str = "***";

/// The column as it is kept: a text, null where the value is null.
///
/// A letter becomes `x` or `X`, a digit `9`; the rest stays, so that one sees why a pattern did not fit.
pub(super) fn masked(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let is_text = matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let shown: StringArray = match is_text {
        true => cast(column, &DataType::Utf8)?.as_string::<i32>().iter().map(|text| text.map(shape)).collect(),
        false => (0..column.len()).map(|row| column.is_valid(row).then_some(HIDDEN)).collect(),
    };
    Ok(Arc::new(shown))
}

/// The field of a masked column.
pub(super) fn field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), DataType::Utf8, true))
}

fn shape(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_uppercase() => 'X',
            c if c.is_alphabetic() => 'x',
            c if c.is_numeric() => '9',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use arrow::array::Int64Array;

    #[test]
    fn letters_and_digits_go_and_the_shape_stays() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("Ada.L@exämple.org 42"), None, Some(" ")]));
        let shown = masked(&texts).unwrap();
        let shown: Vec<_> = shown.as_string::<i32>().iter().collect();
        assert_eq!(shown, [Some("Xxx.X@xxxxxxx.xxx 99"), None, Some(" ")]);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None]));
        let shown = masked(&numbers).unwrap();
        assert_eq!(shown.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("***"), None]);
    }
}
