//! Names and texts inside SQL.

use crate::error::WarehouseError;

/// PostgreSQL cuts longer names without a word, and two tables could become one.
const LONGEST_NAME: usize = 63;

/// A name in double quotes.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `schema.table`, both quoted.
pub(crate) fn table(schema: &str, table: &str) -> String {
    format!("{}.{}", identifier(schema), identifier(table))
}

/// Names in double quotes, with commas between.
pub(crate) fn identifiers<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| identifier(name)).collect::<Vec<_>>().join(", ")
}

/// A text in single quotes; every connection sets `standard_conforming_strings`.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Says what is wrong with a name, if anything is.
pub(crate) fn name_problem(what: &str, name: &str) -> Option<String> {
    if name.is_empty() {
        Some(format!("the {what} has an empty name"))
    } else if name.len() > LONGEST_NAME {
        Some(format!("the name of the {what} {name} is longer than {LONGEST_NAME} bytes"))
    } else if name.contains('\0') {
        Some(format!("the name of the {what} holds a null character"))
    } else {
        None
    }
}

/// Refuses names that PostgreSQL would cut or not read.
pub(crate) fn check_names<'a>(
    schema: &str,
    table: &str,
    columns: impl IntoIterator<Item = &'a String>,
) -> Result<(), WarehouseError> {
    let outer = [name_problem("schema", schema), name_problem("table", table)];
    let inner = columns.into_iter().map(|name| name_problem("column", name));
    let problems: Vec<String> = outer.into_iter().chain(inner).flatten().collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(WarehouseError::Schema { table: format!("{schema}.{table}"), problems })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(identifier("a\"b.c D"), "\"a\"\"b.c D\"");
        assert_eq!(table("S", "t"), "\"S\".\"t\"");
        assert_eq!(literal("it's \\"), "'it''s \\'");
    }

    #[test]
    fn names_that_the_server_would_cut_are_refused() {
        let fits = "é".repeat(31);
        assert!(check_names("s", "t", [&fits]).is_ok());
        let problems = check_names("", "a\0b", [&"é".repeat(32)]).unwrap_err().to_string();
        for part in ["schema has an empty name", "table holds a null character", "longer than 63 bytes"] {
            assert!(problems.contains(part), "{problems}");
        }
    }
}
