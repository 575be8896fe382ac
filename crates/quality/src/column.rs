//! Columns by the names that rules give them.

use crate::rules::Refusal;
use polars::prelude::{DataType, Expr, PlSmallStr, Schema};

/// The column that a rule names: by its exact name, else by its only spelling in other capitals.
pub(crate) fn find(schema: &Schema, name: &str) -> Result<(PlSmallStr, DataType), Refusal> {
    let name = unquoted(name);
    if let Some((_, known, dtype)) = schema.get_full(name) {
        return Ok((known.clone(), dtype.clone()));
    }
    let lower = name.to_lowercase();
    let mut alike = schema.iter().filter(|(known, _)| known.to_lowercase() == lower);
    match (alike.next(), alike.next()) {
        (Some((known, dtype)), None) => Ok((known.clone(), dtype.clone())),
        (Some(_), Some(_)) => {
            Err(Refusal::unfit(format!("Column {name} is ambiguous: it is there in several spellings!")))
        }
        (None, _) => Err(Refusal::unfit(format!("Input data does not include column {name}!"))),
    }
}

/// As `find`, where a name with a dot is a field's unless it is in backticks, and columns that differ in capitals alone
/// have no names.
pub(crate) fn find_plain(schema: &Schema, name: &str) -> Result<(PlSmallStr, DataType), Refusal> {
    if name.contains('.') && unquoted(name) == name {
        return Err(Refusal::unread(format!("Input data does not include column {name}!")));
    }
    find_alone(schema, name)
}

/// As `find`, where columns that differ in capitals alone have no names.
pub(crate) fn find_alone(schema: &Schema, name: &str) -> Result<(PlSmallStr, DataType), Refusal> {
    let lower = unquoted(name).to_lowercase();
    match schema.iter_names().filter(|known| known.to_lowercase() == lower).count() {
        0 | 1 => find(schema, name),
        _ => Err(Refusal::unread(format!("Column {name} is ambiguous: it is there in several spellings!"))),
    }
}

/// A column, or a field of one as `column.field`: the column's name, its value, its type. `plain` as for `find_plain`.
pub(crate) fn value(schema: &Schema, name: &str, plain: bool) -> Option<(PlSmallStr, Expr, DataType)> {
    if let Ok((found, dtype)) = if plain { find_plain(schema, name) } else { find(schema, name) } {
        return Some((found.clone(), column(&found), dtype));
    }
    let (outer, inner) = name.split_once('.')?;
    let (found, dtype) = find(schema, outer).ok()?;
    let DataType::Struct(fields) = dtype else { return None };
    let field = fields.iter().find(|field| field.name().eq_ignore_ascii_case(inner))?;
    let value = column(&found).struct_().field_by_name(field.name());
    Some((found, value, field.dtype().clone()))
}

/// The column itself: `col` would take a name like `^a$` for a pattern and `*` for all columns.
pub(crate) fn column(name: &PlSmallStr) -> Expr {
    Expr::Column(name.clone())
}

/// A name in backticks, as rules may write one that holds a dot, without them.
fn unquoted(name: &str) -> &str {
    name.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use polars::prelude::Field;

    #[test]
    fn names_are_found_by_their_exact_spelling_first() {
        let schema = Schema::from_iter(["a", "A", "Price", "x.y"].map(|name| Field::new(name.into(), DataType::Int64)));
        for (wanted, found) in [("a", "a"), ("A", "A"), ("PRICE", "Price"), ("`x.y`", "x.y"), ("x.y", "x.y")] {
            assert_eq!(find(&schema, wanted).unwrap().0, found, "{wanted}");
        }
        assert!(
            matches!(find(&schema, "b"), Err(Refusal::Unfit(text)) if text == "Input data does not include column b!")
        );
    }

    #[test]
    fn two_spellings_are_ambiguous() {
        let schema = Schema::from_iter(["aB", "Ab"].map(|name| Field::new(name.into(), DataType::Int64)));
        assert!(matches!(find(&schema, "ab"), Err(Refusal::Unfit(text)) if text.contains("ambiguous")));
    }
}
