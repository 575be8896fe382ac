//! The columns that a clause can see, and finding one by its name.

use sqlparser::ast::Ident;

use super::suggest::offer;
use crate::error::{Cause, Place, SqlError};
use crate::plan::Expr;
use crate::types::Type;

/// A column of the from clause, at its position.
#[derive(Debug, Clone)]
pub(super) struct Visible {
    /// The alias, or the parts of the table's name, outermost first.
    pub qualifier: Vec<String>,
    pub name: String,
    pub kind: Type,
    pub nullable: bool,
}

/// What a clause can see.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub columns: Vec<Visible>,
    /// So many of the first columns are of the query around: a name means one of them where it means nothing else.
    pub around: usize,
    /// A table of the clause is unknown: columns that are not found are not reported on top of that.
    pub open: bool,
}

impl Scope {
    /// The column that `parts` name (`x`, `t.x`, `silver.t.x`). The error is `None` when it was reported before.
    pub fn find(&self, parts: &[Ident], place: Place) -> Result<Expr, Option<SqlError>> {
        let Some((last, qualifier)) = parts.split_last() else { return Err(None) };
        let of_tables: Vec<usize> =
            (0..self.columns.len()).filter(|&i| ends_with(&self.columns[i].qualifier, qualifier)).collect();
        let named = |test: &dyn Fn(&str) -> bool| -> Vec<usize> {
            of_tables.iter().copied().filter(|&i| test(&self.columns[i].name)).collect()
        };
        let mut found = named(&|name| name == last.value);
        if found.is_empty() && last.quote_style.is_none() {
            found = named(&|name| name.eq_ignore_ascii_case(&last.value));
        }
        if found.iter().any(|i| *i >= self.around) {
            found.retain(|i| *i >= self.around);
        }
        match found.as_slice() {
            [index] => {
                let column = &self.columns[*index];
                Ok(Expr::column(*index, column.kind, column.nullable, place))
            }
            [] if self.open => Err(None),
            [] => Err(Some(self.unknown(parts, &of_tables, place))),
            [first, ..] => Err(Some(self.ambiguous(&last.value, *first, place))),
        }
    }

    fn unknown(&self, parts: &[Ident], of_tables: &[usize], place: Place) -> SqlError {
        let written = parts.iter().map(|p| p.value.as_str()).collect::<Vec<_>>().join(".");
        let name = parts.last().map_or("", |p| &p.value);
        if of_tables.is_empty() && parts.len() > 1 {
            let tables: Vec<&str> =
                self.columns.iter().filter_map(|c| c.qualifier.last().map(String::as_str)).collect();
            let qualifier = parts[parts.len() - 2].value.as_str();
            let error = place.error(format!("there is no table `{qualifier}` in from to take `{written}` of"));
            let error = error.because(Cause::Name);
            return with(error, offer(qualifier, tables));
        }
        let names = of_tables.iter().map(|&i| self.columns[i].name.as_str());
        let error = place.error(format!("there is no column `{written}`")).because(Cause::Name);
        with(error, offer(name, names))
    }

    fn ambiguous(&self, name: &str, first: usize, place: Place) -> SqlError {
        let qualifier = self.columns[first].qualifier.join(".");
        place
            .error(format!("`{name}` is a column of more than one table"))
            .because(Cause::Name)
            .help(format!("name the table, as in `{qualifier}.{name}`"))
    }
}

fn with(error: SqlError, suggestion: Option<String>) -> SqlError {
    SqlError { suggestion, ..error }
}

fn ends_with(qualifier: &[String], written: &[Ident]) -> bool {
    written.len() <= qualifier.len()
        && qualifier[qualifier.len() - written.len()..].iter().zip(written).all(|(q, w)| same(q, w))
}

/// Whether an identifier as written names `name`: unquoted ones in any case, quoted ones exactly.
pub(super) fn same(name: &str, written: &Ident) -> bool {
    if written.quote_style.is_some() { name == written.value } else { name.eq_ignore_ascii_case(&written.value) }
}

/// An identifier as a name: unquoted ones in lower case.
pub(super) fn name_of(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}
