//! Statements that bring the tables of a PostgreSQL to the rows of a date.

use super::rows::{Customer, Item, Order};
use chrono::{DateTime, FixedOffset, Utc};

/// Tables as an application would have made them; there already, they stay.
pub(super) const TABLES: &str = "CREATE SCHEMA IF NOT EXISTS shop; \
    CREATE TABLE IF NOT EXISTS shop.customers (customer_id bigint PRIMARY KEY, email text, full_name text, country text, \
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL); \
    CREATE TABLE IF NOT EXISTS shop.orders (order_id bigint PRIMARY KEY, customer_id bigint NOT NULL, status text, \
    ordered_at timestamptz NOT NULL, updated_at timestamptz NOT NULL); \
    CREATE TABLE IF NOT EXISTS shop.order_items (order_id bigint NOT NULL, line_no int NOT NULL, sku text, quantity int, \
    unit_price numeric(10,2), updated_at timestamptz NOT NULL, PRIMARY KEY (order_id, line_no))";

/// The beginning and the end of a statement that writes rows whose values stand between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Upsert {
    pub begin: &'static str,
    pub end: &'static str,
}

pub(super) const CUSTOMERS: Upsert = Upsert {
    begin: "INSERT INTO shop.customers VALUES ",
    end: " ON CONFLICT (customer_id) DO UPDATE SET email = excluded.email, full_name = excluded.full_name, \
          country = excluded.country, created_at = excluded.created_at, updated_at = excluded.updated_at",
};
pub(super) const ORDERS: Upsert = Upsert {
    begin: "INSERT INTO shop.orders VALUES ",
    end: " ON CONFLICT (order_id) DO UPDATE SET customer_id = excluded.customer_id, status = excluded.status, \
          ordered_at = excluded.ordered_at, updated_at = excluded.updated_at",
};
pub(super) const ITEMS: Upsert = Upsert {
    begin: "INSERT INTO shop.order_items VALUES ",
    end: " ON CONFLICT (order_id, line_no) DO UPDATE SET sku = excluded.sku, quantity = excluded.quantity, \
          unit_price = excluded.unit_price, updated_at = excluded.updated_at",
};

pub(super) fn customer(row: &Customer) -> String {
    format!(
        "({}, {}, {}, {}, {}, {})",
        row.customer_id,
        optional(row.email.as_deref()),
        optional(row.full_name.as_deref()),
        text(row.country),
        moment(row.created_at),
        moment(row.updated_at)
    )
}

pub(super) fn order(row: &Order) -> String {
    format!(
        "({}, {}, {}, {}, {})",
        row.order_id,
        row.customer_id,
        text(row.status),
        moment(row.ordered_at),
        moment(row.updated_at)
    )
}

pub(super) fn item(row: &Item) -> String {
    let price = format!("{}.{:02}", row.cents / 100, row.cents % 100);
    let (order, line) = (row.order_id, row.line_no);
    format!("({order}, {line}, {}, {}, {price}, {})", text(&row.sku), row.quantity, moment(row.updated_at))
}

/// Rows as statements of at most [`ROWS`] rows.
pub(super) fn statements<'a>(
    upsert: Upsert,
    mut rows: impl Iterator<Item = String> + 'a,
) -> impl Iterator<Item = String> + 'a {
    std::iter::from_fn(move || {
        let batch: Vec<String> = rows.by_ref().take(ROWS).collect();
        (!batch.is_empty()).then(|| format!("{}{}{}", upsert.begin, batch.join(", "), upsert.end))
    })
}

const ROWS: usize = 500;

fn optional(value: Option<&str>) -> String {
    value.map_or("NULL".to_owned(), text)
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// Half of the moments are written with the offset of another zone.
fn moment(value: DateTime<Utc>) -> String {
    let zone = FixedOffset::east_opt(if value.timestamp() % 2 == 0 { 0 } else { -5 * 3_600 });
    zone.map_or_else(|| text(&value.to_rfc3339()), |zone| text(&value.with_timezone(&zone).to_rfc3339()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rows_are_quoted_and_cut_into_statements() {
        let at = DateTime::from_timestamp(1, 0).unwrap();
        let row = Customer {
            customer_id: 7,
            email: None,
            full_name: Some("O'Brien".to_owned()),
            country: "日本",
            created_at: at,
            updated_at: DateTime::from_timestamp(2, 0).unwrap(),
        };
        let values = customer(&row);
        assert_eq!(values, "(7, NULL, 'O''Brien', '日本', '1969-12-31T19:00:01-05:00', '1970-01-01T00:00:02+00:00')");
        let all: Vec<String> = statements(CUSTOMERS, (0..ROWS + 1).map(|_| values.clone())).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[1], format!("{}{values}{}", CUSTOMERS.begin, CUSTOMERS.end));
        assert_eq!(statements(ORDERS, std::iter::empty()).count(), 0);
    }
}
