//! What the server's catalogue says of a table: its columns, and whether its key identifies a row.

use crate::column::Kind;
use crate::error::ExtractError;
use crate::postgres::query::{identifier, table_name};
use crate::postgres::refusal;
use assay_pipeline::TableFeed;
use tokio_postgres::Client;

/// A table that can be landed. Its debug text tells apart what makes a landing of another shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// `schema.table`, as the feed names it.
    pub name: String,
    pub columns: Vec<TableColumn>,
    /// Places among the columns.
    pub key: Vec<usize>,
    /// Place among the columns.
    pub watermark: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableColumn {
    pub name: String,
    /// As SQL writes it.
    pub sql_type: String,
    pub kind: Kind,
    /// Read as the server's text: types that have no exact place of their own in a Parquet file.
    pub as_text: bool,
    pub required: bool,
}

const COLUMNS: &str = "SELECT a.attname, t.typname, n.nspname = 'pg_catalog' AND t.typtype = 'b', \
     format_type(a.atttypid, a.atttypmod), a.atttypmod, a.attnotnull, a.attnum \
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace \
     WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const RELATION: &str = "SELECT c.oid, c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'm', 'v', 'f')";

/// Column numbers of each index that holds for the whole table and lets no key in twice.
const UNIQUE: &str = "SELECT array(SELECT k FROM unnest(i.indkey[0:i.indnkeyatts - 1]) k) FROM pg_index i \
     WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL";

impl Table {
    /// Refuses a table whose columns have no exact place in a Parquet file, or whose key does not identify a row.
    pub(crate) async fn look_up(client: &Client, feed: &TableFeed) -> Result<Table, ExtractError> {
        let refuse = |problems| ExtractError::Table { table: feed.table.clone(), problems };
        let Some((schema, name)) = feed.table.split_once('.') else {
            return Err(refuse(vec!["its name must be `schema.table`".to_owned()]));
        };
        let failed = || refusal::query(&feed.table);
        let row = client.query_opt(RELATION, &[&schema, &name]).await.map_err(failed())?;
        let Some(row) = row else {
            return Err(refuse(vec!["there is no such table, or this user may not see it".to_owned()]));
        };
        let oid: u32 = row.try_get(0).map_err(failed())?;
        let has_children: bool = row.try_get(1).map_err(failed())?;
        let mut problems = Vec::new();
        if has_children {
            problems.push("other tables inherit from it, so that its key does not identify a row".to_owned());
        }
        let mut columns = Vec::new();
        let mut numbers: Vec<i16> = Vec::new();
        for row in client.query(COLUMNS, &[&oid]).await.map_err(failed())? {
            let name: String = row.try_get(0).map_err(failed())?;
            let type_name: String = row.try_get(1).map_err(failed())?;
            let built_in: bool = row.try_get(2).map_err(failed())?;
            let sql_type: String = row.try_get(3).map_err(failed())?;
            let modifier: i32 = row.try_get(4).map_err(failed())?;
            let required: bool = row.try_get(5).map_err(failed())?;
            numbers.push(row.try_get(6).map_err(failed())?);
            let known = Some(&*type_name).filter(|_| built_in).and_then(|type_name| kind(type_name, modifier));
            let (kind, as_text) = known.unwrap_or_else(|| {
                problems.push(format!("the column {name} has the type {sql_type}, which has no place in a landing"));
                (Kind::Text, true)
            });
            columns.push(TableColumn { name, sql_type, kind, as_text, required });
        }
        let place = |name: &String| columns.iter().position(|column| column.name == *name);
        let key: Vec<usize> = feed.key.iter().filter_map(place).collect();
        let unique = client.query(UNIQUE, &[&oid]).await.map_err(failed())?;
        let unique: Result<Vec<Vec<i16>>, _> = unique.iter().map(|row| row.try_get(0)).collect();
        let covers = |index: &Vec<i16>| index.iter().all(|number| key.iter().any(|place| numbers[*place] == *number));
        if key.is_empty() || key.len() != feed.key.len() {
            problems.push(format!("it has no columns {}", feed.key.join(", ")));
        } else if !unique.map_err(failed())?.iter().any(covers) || key.iter().any(|place| !columns[*place].required) {
            problems.push(format!(
                "its key {} may hold a value twice or none: name the columns of its primary key, or of a unique index \
                 without nulls",
                feed.key.join(", ")
            ));
        }
        for place in &key {
            if let Some(why) = columns[*place].unordered() {
                problems.push(format!("the column {} cannot be part of the key: {why}", columns[*place].name));
            }
        }
        let watermark = feed.watermark.as_ref().map(place);
        match (watermark, &feed.watermark) {
            (Some(None), Some(name)) => problems.push(format!("it has no column {name}, which is the watermark")),
            (Some(Some(place)), Some(name)) if !columns[place].grows() => {
                problems.push(format!("the column {name} cannot be the watermark: it is neither a number nor a time"));
            }
            _ => {}
        }
        if !problems.is_empty() {
            return Err(refuse(problems));
        }
        Ok(Table { name: feed.table.clone(), columns, key, watermark: watermark.flatten() })
    }

    /// The greatest watermark of the snapshot, as the server's text; none without rows or without a watermark.
    pub(crate) async fn greatest(&self, client: &Client) -> Result<Option<String>, ExtractError> {
        let Some(place) = self.watermark else { return Ok(None) };
        let column = identifier(&self.columns[place].name);
        let query = format!("SELECT max({column})::text FROM {}", table_name(&self.name));
        let row = client.query_one(&query, &[]).await.map_err(refusal::query(&self.name))?;
        row.try_get(0).map_err(refusal::query(&self.name))
    }

    pub(crate) fn key_names(&self) -> String {
        self.key.iter().map(|place| &*self.columns[*place].name).collect::<Vec<_>>().join(", ")
    }
}

impl TableColumn {
    /// Why pages cannot be cut along it, if they cannot.
    fn unordered(&self) -> Option<&'static str> {
        match (self.kind, &*self.sql_type) {
            (Kind::Double, _) => Some("an inexact number has no exact text"),
            (_, "json" | "jsonb") => Some("JSON has no order"),
            _ => None,
        }
    }

    fn grows(&self) -> bool {
        matches!(
            self.kind,
            Kind::Int16
                | Kind::Int32
                | Kind::Int64
                | Kind::Decimal { .. }
                | Kind::Date
                | Kind::Timestamp
                | Kind::Instant
        )
    }
}

/// The type in a landing, and whether it is read as text; none for types that are refused.
///
/// A `numeric` without a precision, or with one that no decimal of 128 bits holds, is landed as its exact text.
fn kind(type_name: &str, modifier: i32) -> Option<(Kind, bool)> {
    let kind = match type_name {
        "int2" => Kind::Int16,
        "int4" => Kind::Int32,
        "int8" => Kind::Int64,
        "float8" => Kind::Double,
        "bool" => Kind::Boolean,
        "text" | "varchar" => Kind::Text,
        "date" => Kind::Date,
        "timestamp" => Kind::Timestamp,
        "timestamptz" => Kind::Instant,
        "uuid" | "json" | "jsonb" => return Some((Kind::Text, true)),
        "numeric" => return Some(decimal(modifier).map_or((Kind::Text, true), |kind| (kind, false))),
        _ => return None,
    };
    Some((kind, false))
}

/// Precision and scale as the catalogue packs them: the precision above 16 bits, the scale (signed) in 11.
fn decimal(modifier: i32) -> Option<Kind> {
    let packed = modifier.checked_sub(4).filter(|packed| *packed >= 0)?;
    let precision = u8::try_from(packed >> 16).ok().filter(|precision| (1..=38).contains(precision))?;
    let scale = ((packed & 0x7ff) ^ 1024) - 1024;
    let scale = u8::try_from(scale).ok().filter(|scale| *scale <= precision)?;
    Some(Kind::Decimal { precision, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_that_no_decimal_holds_are_texts() {
        let packed = |precision: i32, scale: i32| (precision << 16 | (scale & 0x7ff)) + 4;
        assert_eq!(decimal(packed(10, 2)), Some(Kind::Decimal { precision: 10, scale: 2 }));
        assert_eq!(decimal(packed(38, 38)), Some(Kind::Decimal { precision: 38, scale: 38 }));
        for modifier in [-1, packed(39, 2), packed(5, -2), packed(3, 5), packed(1000, 0)] {
            assert_eq!(kind("numeric", modifier), Some((Kind::Text, true)), "{modifier}");
        }
        assert_eq!(kind("bytea", -1), None);
    }
}
