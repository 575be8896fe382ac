//! The SELECT of a page.

use crate::postgres::catalogue::Table;
use tokio_postgres::types::ToSql;

/// A statement and its parameters, all of them texts.
pub(crate) struct PageQuery {
    pub sql: String,
    pub parameters: Vec<String>,
}

impl PageQuery {
    /// Columns of the table, then the key as text, then whether the row is at or above `until` or without a watermark
    /// (always, where the table has none): the next landing reads these rows again.
    pub(crate) fn new(
        table: &Table,
        after: Option<&[String]>,
        since: Option<&str>,
        until: Option<&str>,
        rows: u32,
    ) -> PageQuery {
        let mut query = PageQuery { sql: String::new(), parameters: Vec::new() };
        let columns = table.columns.iter();
        let columns = columns.map(|it| format!("{}{}", column(&it.name), if it.as_text { "::text" } else { "" }));
        let mut outputs: Vec<String> = columns.collect();
        let keys: Vec<String> = table.key.iter().map(|place| column(&table.columns[*place].name)).collect();
        outputs.extend(keys.iter().map(|key| format!("{key}::text")));
        outputs.push(match (table.watermark, until) {
            (Some(place), Some(until)) => query.at_or_above(table, place, until),
            _ => "true".to_owned(),
        });
        let mut conditions = Vec::new();
        if let Some(after) = after {
            let values = table.key.iter().zip(after).map(|(place, value)| query.value(table, *place, value));
            let values: Vec<String> = values.collect();
            conditions.push(format!("({}) > ({})", keys.join(", "), values.join(", ")));
        }
        if let (Some(place), Some(since)) = (table.watermark, since) {
            conditions.push(query.at_or_above(table, place, since));
        }
        let conditions =
            if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        query.sql = format!(
            "SELECT {} FROM {} AS t{conditions} ORDER BY {} LIMIT {rows}",
            outputs.join(", "),
            table_name(&table.name),
            keys.join(", "),
        );
        query
    }

    pub(crate) fn parameters(&self) -> impl ExactSizeIterator<Item = &(dyn ToSql + Sync)> {
        self.parameters.iter().map(|text| text as &(dyn ToSql + Sync))
    }

    /// A row without a watermark may be new as well.
    fn at_or_above(&mut self, table: &Table, place: usize, bound: &str) -> String {
        let mark = column(&table.columns[place].name);
        let value = self.value(table, place, bound);
        if table.columns[place].required {
            format!("{mark} >= {value}")
        } else {
            format!("({mark} >= {value} OR {mark} IS NULL)")
        }
    }

    fn value(&mut self, table: &Table, place: usize, text: &str) -> String {
        self.parameters.push(text.to_owned());
        format!("${}::text::{}", self.parameters.len(), table.columns[place].sql_type)
    }
}

/// A column of the table. Without the alias a name in ORDER BY would mean an output, which can be a text.
fn column(name: &str) -> String {
    format!("t.{}", identifier(name))
}

/// A name in double quotes.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `schema.table`, both quoted.
pub(crate) fn table_name(name: &str) -> String {
    match name.split_once('.') {
        Some((schema, table)) => format!("{}.{}", identifier(schema), identifier(table)),
        None => identifier(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Kind;
    use crate::postgres::catalogue::TableColumn;

    fn declared(name: &str, sql_type: &str, kind: Kind, required: bool) -> TableColumn {
        TableColumn { name: name.to_owned(), sql_type: sql_type.to_owned(), kind, as_text: false, required }
    }

    #[test]
    fn names_are_quoted_and_values_are_parameters() {
        let table = Table {
            name: "shop.line\"s".to_owned(),
            columns: vec![
                declared("Order", "bigint", Kind::Int64, true),
                declared("no", "integer", Kind::Int32, true),
                declared("at", "timestamp with time zone", Kind::Instant, false),
            ],
            key: vec![0, 1],
            watermark: Some(2),
        };
        let first = PageQuery::new(&table, None, None, None, 10);
        let expected = "SELECT t.\"Order\", t.\"no\", t.\"at\", t.\"Order\"::text, t.\"no\"::text, true \
                        FROM \"shop\".\"line\"\"s\" AS t ORDER BY t.\"Order\", t.\"no\" LIMIT 10";
        assert_eq!((&*first.sql, first.parameters.len()), (expected, 0));
        let after = ["1".to_owned(), "2".to_owned()];
        let next = PageQuery::new(&table, Some(&after), Some("then"), Some("now"), 10);
        let expected = "SELECT t.\"Order\", t.\"no\", t.\"at\", t.\"Order\"::text, t.\"no\"::text, \
                        (t.\"at\" >= $1::text::timestamp with time zone OR t.\"at\" IS NULL) \
                        FROM \"shop\".\"line\"\"s\" AS t \
                        WHERE (t.\"Order\", t.\"no\") > ($2::text::bigint, $3::text::integer) \
                        AND (t.\"at\" >= $4::text::timestamp with time zone OR t.\"at\" IS NULL) \
                        ORDER BY t.\"Order\", t.\"no\" LIMIT 10";
        assert_eq!(next.sql, expected);
        assert_eq!(next.parameters, ["now", "1", "2", "then"]);
    }
}
